// Web Push by the examples of its RFCs (host/webpush.ts), and what a push service would check.
import { createECDH } from 'node:crypto'
import { expect, test } from 'vitest'
import { isPushKey, pushPair, sealContent, sealPush, vapidHeader } from '../../host/webpush.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { checkVapid, openPush } from '../emulators/push.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'))
const text = (value: Uint8Array): string => Buffer.from(value).toString('base64url')

test('RFC 8188 §3.1: one record', () => {
  const sealed = sealContent({
    key: bytes('yqdlZ-tYemfogSmv7Ws5PQ'),
    salt: bytes('I1BsxtFttlv3u_Oo94xnmw'),
    keyId: new Uint8Array(),
    plain: toUtf8('I am the walrus'),
    padding: 0,
  })
  expect(text(sealed)).toBe(
    'I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg',
  )
})

test('RFC 8291 §5 and appendix A', () => {
  const keys = {
    p256dh: bytes(
      'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    ),
    auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
  }
  const pair = pushPair(bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'))
  const salt = bytes('DGv6ra1nlYgDCS1FRnbzlw')
  const plain = toUtf8('When I grow up, I want to be a watermelon')
  const sealed = sealPush(plain, keys, { pair, salt, padding: 0 })
  expect(text(sealed)).toBe(
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS' +
      '6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qul' +
      'cy4a-fN',
  )
  const browser = pushPair(bytes('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94'))
  expect(openPush(sealed, browser, keys.auth)).toEqual(plain)
  const padded = sealPush(plain, keys, { pair, salt, padding: 50 })
  expect(openPush(padded, browser, keys.auth)).toEqual(plain)
  padded[padded.length - 1] = (padded.at(-1) ?? 0) ^ 1
  expect(() => openPush(padded, browser, keys.auth)).toThrow()
})

test('RFC 8292 §2.4: what the emulator checks, it checks as the RFC does', () => {
  const token =
    'eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA'
  const key =
    'BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs'
  const header = `vapid t=${token}, k=${key}`
  const atMs = 1453523768_000 - 1000
  expect(checkVapid(header, 'https://push.example.net', atMs)).toBe(key)
  expect(checkVapid(header, 'https://other.example.net', atMs)).toBeNull()
  expect(checkVapid(header, 'https://push.example.net', atMs + 2000)).toBeNull()
  expect(checkVapid(header, 'https://push.example.net', atMs - 86_400_000)).toBeNull()
  const forged = header.replace('i3CYb7', 'i3CYb8')
  expect(checkVapid(forged, 'https://push.example.net', atMs)).toBeNull()
})

test('the host’s own header holds', () => {
  const vapid = pushPair()
  const nowMs = Date.UTC(2026, 10, 26)
  for (const contact of [null, 'https://chat.example/']) {
    const header = vapidHeader(vapid, 'https://fcm.googleapis.com', nowMs, contact)
    const key = checkVapid(header, 'https://fcm.googleapis.com', nowMs)
    expect(key).toBe(vapid.getPublicKey().toString('base64url'))
  }
})

test('what is no point of the curve is no key', () => {
  const good = new Uint8Array(pushPair().getPublicKey())
  expect(isPushKey(good)).toBe(true)
  const compressed = Buffer.from(createECDH('prime256v1').generateKeys('hex', 'compressed'), 'hex')
  const odd = [good.slice(1), new Uint8Array(65), good.with(64, (good[64] ?? 0) ^ 1), compressed]
  for (const key of odd) expect(isPushKey(new Uint8Array(key))).toBe(false)
})
