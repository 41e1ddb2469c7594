// shared/ against the reference of tests/reference, on our fixed vectors and in both directions.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, Reader, toHex } from '../../shared/bytes.ts'
import { type MODE, ROUTE } from '../../shared/constants.ts'
import type { ClawErrorCode } from '../../shared/error.ts'
import { kdf } from '../../shared/hash.ts'
import { hostTag, icePassword, openKnock, parseKnock, sealKnock } from '../../shared/knock.ts'
import { readLocator } from '../../shared/locator.ts'
import { nobleBackend } from '../../shared/noble.ts'
import { openRecord } from '../../shared/record.ts'
import { Opener, Sealer } from '../../shared/session.ts'
import * as frames from '../reference/frames.ts'
import * as handshake from '../reference/handshake.ts'
import * as knocks from '../reference/knock.ts'
import * as primitives from '../reference/primitives.ts'
import * as records from '../reference/record.ts'
import { fixed } from '../vectors/fixed.ts'
import { VECTORS_FILE } from '../vectors/make.ts'

type Hex = string

interface HandshakeVector {
  mode: (typeof MODE)[keyof typeof MODE]
  route: number
  hostPublicKey: Hex
  hostFingerprint: Hex
  clientFingerprint: Hex
  hint: Hex
  bind: Hex
  root: Hex
  hostSecret: Hex
  deviceSecret: Hex
  clientEphemeral: Hex
  kemSeed: Hex
  hostEphemeral: Hex
  timeMs: number
  features: number
  reply: { hostTimeMs: number; recordSeq: number; sessionId: Hex; status: number }
  m1: Hex
  m2: Hex
  clientToHost: Hex
  hostToClient: Hex
}
interface KnockVector {
  hostPublicKey: Hex
  root: Hex
  clientFingerprint: Hex
  nonce: Hex
  epoch: number
  route: number
  timeMs: number
  clientUfrag: string
  knock: Hex
  ufrag: string
  password: string
}
interface RecordVector {
  identitySecret: Hex
  hostPublicKey: Hex
  roots: Hex[]
  body: {
    seq: number
    issuedMs: number
    flags: number
    reason: number
    hostStatic: Hex
    intervalMs: number
    firstEpoch: number
    schedule: { port: number; fingerprint: Hex }[]
    addresses: { kind: number; flags: number; externalPort: number; ip: Hex }[]
    stores: { flags: number; id: Hex; url: string }[]
  }
  record: Hex
  flips: { at: number; code: ClawErrorCode }[]
  otherRoot: { root: Hex; code: ClawErrorCode }
  otherHost: { hostPublicKey: Hex; code: ClawErrorCode }
  short: ClawErrorCode
  rollback: ClawErrorCode
}
interface FrameVector {
  directionKey: Hex
  channel: number
  generation: number
  counter: number
  type: number
  flags: number
  data: Hex
  frame: Hex
}
const vectors = JSON.parse(readFileSync(VECTORS_FILE, 'utf8')) as {
  handshake: HandshakeVector[]
  knock: KnockVector[]
  record: RecordVector[]
  frame: FrameVector[]
}

const buf = (hex: Hex): Buffer => Buffer.from(hex, 'hex')

test('the file has what these tests count on', () => {
  const { handshake, knock, record, frame } = vectors
  expect([handshake, knock, record, frame].map((list) => list.length)).toEqual([4, 5, 1, 4])
})

test('kdf', () => {
  const context = Uint8Array.of(1, 2)
  expect(toHex(kdf(fixed('R'), 'chan', context))).toBe(
    primitives.kdf(fixed('R'), 'chan', context).toString('hex'),
  )
  expect(toHex(kdf(fixed('R'), 'psk0'))).toBe(primitives.kdf(fixed('R'), 'psk0').toString('hex'))
})

describe('handshake vectors', () => {
  test.each(vectors.handshake)('mode $mode, route $route', (v) => {
    const agreed: handshake.Agreed = {
      mode: v.mode,
      route: v.route,
      hostPublicKey: buf(v.hostPublicKey),
      hostFingerprint: buf(v.hostFingerprint),
      clientFingerprint: buf(v.clientFingerprint),
      hint: buf(v.hint),
      bind: buf(v.bind),
      root: buf(v.root),
      hostStatic: primitives.x25519Public(buf(v.hostSecret)),
    }
    const secrets = {
      device: buf(v.deviceSecret),
      ephemeral: buf(v.clientEphemeral),
      kemSeed: buf(v.kemSeed),
    }
    const m1Payload = handshake.m1Payload(v.timeMs, v.features)
    const m2Payload = handshake.m2Payload({ ...v.reply, sessionId: buf(v.reply.sessionId) })
    const client = handshake.client(agreed, secrets, m1Payload)
    expect(client.m1.toString('hex')).toBe(v.m1)
    const read = client.readM2(buf(v.m2))
    expect(read.payload.toString('hex')).toBe(m2Payload.toString('hex'))

    const hostSecrets = { hostStatic: buf(v.hostSecret), ephemeral: buf(v.hostEphemeral) }
    const host = handshake.host(agreed, hostSecrets, buf(v.m1))
    expect(host.device).toEqual(primitives.x25519Public(secrets.device))
    const written = host.writeM2(m2Payload, read.encapsulation)
    expect(written.m2.toString('hex')).toBe(v.m2)
    for (const keys of [read, written]) {
      expect(keys.clientToHost.toString('hex')).toBe(v.clientToHost)
      expect(keys.hostToClient.toString('hex')).toBe(v.hostToClient)
    }
  })
})

describe('knock', () => {
  test.each(vectors.knock)('epoch $epoch, route $route, ufrag "$clientUfrag"', (v) => {
    const theirs = knocks.sealKnock({
      ...v,
      root: buf(v.root),
      hostPublicKey: buf(v.hostPublicKey),
      clientFingerprint: buf(v.clientFingerprint),
      nonce: buf(v.nonce),
    })
    expect(theirs.toString('hex')).toBe(v.knock)
    expect(theirs.toString('base64').replaceAll('=', '')).toBe(v.ufrag)
    expect(knocks.icePassword(buf(v.root), buf(v.nonce))).toBe(v.password)
  })

  const root = fixed('knock R')
  const hostPublicKey = fixed('knock H')
  const nonce = fixed('knock nonce', 12)
  const common = { root, epoch: 2 ** 33 + 1, timeMs: 2 ** 47 + 3, nonce }

  test.each(Object.entries(ROUTE))('each side opens what the other sealed: %s', (name, code) => {
    const route = name as keyof typeof ROUTE
    const clientUfrag = 'abcd+/12'
    const bare = name === 'relay' || name === 'signal'
    const clientFingerprint = bare ? new Uint8Array(32) : fixed('knock fp')
    const sealed = { ...common, clientFingerprint, clientUfrag }
    const theirs = knocks.sealKnock({ ...sealed, hostPublicKey, route: code })
    const tag = hostTag(hostPublicKey)
    const opened = openKnock({ root, hostTag: tag, knock: theirs, clientUfrag, route })
    expect(opened).toEqual({ timeMs: common.timeMs, clientFingerprint })
    const parsed = parseKnock(theirs.toString('base64').replaceAll('=', ''))
    expect(toHex(parsed.hint)).toBe(knocks.hintOf(root, common.epoch, code).toString('hex'))
    expect(icePassword(root, parsed.nonce)).toBe(knocks.icePassword(root, nonce))

    const ours = sealKnock({ ...sealed, hostTag: tag, route })
    const plaintext = knocks.openKnock(ours, { root, hostPublicKey, route: code, clientUfrag })
    expect(plaintext.subarray(8, 40)).toEqual(Buffer.from(clientFingerprint))
  })
})

describe('record', () => {
  test.each(vectors.record)('vector', (v) => {
    const { stores, schedule, addresses, ...rest } = v.body
    const fields = records.encodeFields({
      ...rest,
      hostPublicKey: buf(v.hostPublicKey),
      hostStatic: buf(rest.hostStatic),
      schedule: schedule.map((s) => ({ ...s, fingerprint: buf(s.fingerprint) })),
      addresses: addresses.map((a) => ({ ...a, ip: buf(a.ip) })),
      locator: records.encodeHttpsLocator(stores.map((s) => ({ ...s, id: buf(s.id) }))),
    })
    const hostPublicKey = buf(v.hostPublicKey)
    expect(primitives.ed25519Public(buf(v.identitySecret))).toEqual(hostPublicKey)
    expect(v.roots).toHaveLength(3)
    for (const root of v.roots) {
      const opened = records.openRecord(buf(v.record), buf(root), hostPublicKey)
      expect(opened.toString('hex')).toBe(fields.toString('hex'))
    }
    expect(() => records.openRecord(buf(v.record), fixed('stranger'), hostPublicKey)).toThrow()

    const opening = { root: fromHex(v.roots[0] ?? ''), hostPublicKey: fromHex(v.hostPublicKey) }
    const open = (bytes: Uint8Array, minSeq = 0) => openRecord({ ...opening, bytes, minSeq })
    expect(v.flips).toHaveLength(9)
    for (const { at, code } of v.flips) {
      const bytes = fromHex(v.record)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(() => open(bytes), `byte ${at}`).toThrow(expect.objectContaining({ code }))
    }
    const bytes = fromHex(v.record)
    expect(() => open(bytes.slice(1))).toThrow(expect.objectContaining({ code: v.short }))
    const { otherRoot, otherHost } = v
    for (const { code, ...change } of [otherRoot, otherHost]) {
      const changed = Object.entries(change).map(([key, value]) => [key, fromHex(value)])
      const asOther = { ...opening, ...Object.fromEntries(changed), bytes, minSeq: 0 }
      expect(() => openRecord(asOther)).toThrow(expect.objectContaining({ code }))
    }
    const tooHigh = v.body.seq + 1
    expect(() => open(bytes, tooHigh)).toThrow(expect.objectContaining({ code: v.rollback }))
    expect(open(bytes, v.body.seq).seq).toBe(v.body.seq)
  })

  test('shared/ opens and verifies what the reference sealed and signed', () => {
    const identitySecret = fixed('reference H')
    const hostPublicKey = primitives.ed25519Public(identitySecret)
    const locator = records.encodeHttpsLocator([
      { flags: 1, id: fixed('id'), url: 'http://127.0.0.1:8787' },
    ])
    const record = records.sealRecord({
      fields: records.encodeFields({
        hostPublicKey,
        seq: 12,
        issuedMs: 1_700_000_000_000,
        flags: 1,
        reason: 2,
        hostStatic: fixed('static'),
        intervalMs: 10_000,
        firstEpoch: 5,
        schedule: [{ port: 1024, fingerprint: fixed('certificate') }],
        addresses: [{ kind: 4, flags: 1, externalPort: 0, ip: Uint8Array.of(10, 0, 0, 1) }],
        locator,
      }),
      roots: Array.from({ length: 64 }, (_, i) => fixed(`root ${i}`)),
      identitySecret,
      salt: fixed('salt', 16),
      nonce: fixed('nonce', 12),
      contentKey: fixed('content key'),
      filler: 0xaa,
    })
    for (const root of ['root 0', 'root 63']) {
      const opened = openRecord({
        bytes: new Uint8Array(record),
        root: fixed(root),
        hostPublicKey: new Uint8Array(hostPublicKey),
        minSeq: 12,
      })
      expect(opened).toEqual({
        hostPublicKey: new Uint8Array(hostPublicKey),
        seq: 12,
        issuedMs: 1_700_000_000_000,
        notAfterMs: 1_700_086_400_000,
        burn: true,
        reason: 2,
        hostStatic: fixed('static'),
        intervalMs: 10_000,
        firstEpoch: 5,
        schedule: [{ port: 1024, fingerprint: fixed('certificate') }],
        addresses: [{ kind: 4, flags: 1, externalPort: 0, ip: Uint8Array.of(10, 0, 0, 1) }],
        locator: readLocator(new Reader(new Uint8Array(locator)), 'malformed'),
      })
    }
  })
})

describe('frames', () => {
  test.each(vectors.frame)('generation $generation, counter $counter', (v) => {
    const theirs = frames.sealFrame(buf(v.directionKey), { ...v, data: buf(v.data) })
    expect(theirs.toString('hex')).toBe(v.frame)
    expect(frames.openFrame(buf(v.directionKey), buf(v.frame))).toEqual({
      channel: v.channel,
      generation: v.generation,
      counter: v.counter,
      type: v.type,
      flags: v.flags,
      data: buf(v.data),
    })
  })

  const key = fixed('frame key')
  const input = { backend: nobleBackend, key, channel: 0 }
  const minutes = (n: number) => n * 60_000

  test('the reference opens what a Sealer sends, across fragments and a ratchet', async () => {
    const sealer = new Sealer({ ...input, nowMs: 0 })
    const long = fixed('x', 8000)
    const data = concat(long, long, long)
    const sent = [
      ...(await sealer.seal({ type: 3, data: new Uint8Array(0) }, 0)),
      ...(await sealer.seal({ type: 9, data }, minutes(1))),
      ...(await sealer.seal({ type: 4, data: fixed('y', 8) }, minutes(15))),
    ].map((frame) => frames.openFrame(key, Buffer.from(frame)))
    expect(sent.map((f) => [f.counter, f.generation, f.type, f.flags, f.data.length])).toEqual([
      [0, 0, 3, 0, 0],
      [1, 0, 9, 1, 16_344],
      [2, 0, 9, 0, 24_000 - 16_344],
      [3, 1, 4, 0, 8],
    ])
    expect(toHex(concat(...sent.slice(1, 3).map((f) => f.data)))).toBe(toHex(data))
  })

  test('an Opener takes what the reference seals, across a ratchet', async () => {
    const opener = new Opener(input)
    const generations = [0, 0, 1, 2, 2]
    for (const [counter, generation] of generations.entries()) {
      const data = fixed(`frame ${counter}`, 60)
      const fields = { channel: 0, generation, counter, type: 5, flags: 0, data }
      const opened = await opener.open(new Uint8Array(frames.sealFrame(key, fields)))
      expect(opened).toEqual({ type: 5, data })
    }
  })
})
