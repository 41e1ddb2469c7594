// The three back ends of SPEC §1 give the same bytes and refuse the same things.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { concat, fromHex } from '../../shared/bytes.ts'
import { ClawError } from '../../shared/error.ts'
import { nobleBackend } from '../../shared/noble.ts'
import {
  dhKeyOf,
  generateDeviceKeyPair,
  pickBackend,
  webcryptoBackend,
} from '../../web/webcrypto.ts'
import { fixed } from '../vectors/fixed.ts'
import { BACKENDS } from '../vectors/results.ts'

const refused = new ClawError('crypto')
const key = fixed('gcm key')
const nonce = fixed('gcm nonce', 12)
const aad = fixed('gcm aad', 16)
const none = new Uint8Array(0)

/** Fails as a throw or as a rejection: back ends are synchronous or not. */
const attempt = (run: () => unknown) => expect((async () => run())())

// RFC 7748 §6.1: all points whose product with any secret is zero, with non-canonical encodings.
const LOW_ORDER = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]

describe.each(BACKENDS.map((backend) => [backend.name, backend] as const))('%s', (_, backend) => {
  test.each([0, 1, 15, 16, 17, 64, 16_352])('seals %i bytes as noble does', async (length) => {
    const plaintext = new Uint8Array(length).map((_, i) => i * 7)
    const aead = await backend.aead(key)
    const sealed = await aead.seal(nonce, aad, plaintext)
    expect(sealed.length).toBe(length + 16)
    expect(sealed).toEqual(await (await nobleBackend.aead(key)).seal(nonce, aad, plaintext))
    expect(await aead.open(nonce, aad, sealed)).toEqual(plaintext)
  })

  test.each([0, 16, 24, 31, 33, 64])('refuses keys of %i bytes', async (length) => {
    const short = new Uint8Array(length).fill(1)
    await attempt(async () => (await backend.aead(short)).seal(nonce, aad, none)).rejects.toThrow(
      refused,
    )
    await attempt(async () => (await backend.dhKey(short)).publicKey).rejects.toThrow(refused)
  })

  test('refuses every flipped byte, another nonce, AAD and key', async () => {
    const aead = await backend.aead(key)
    const sealed = await aead.seal(nonce, aad, fixed('plaintext', 40))
    for (let at = 0; at < sealed.length; at++) {
      const bad = sealed.slice()
      bad[at] = (bad[at] ?? 0) ^ 1
      await attempt(() => aead.open(nonce, aad, bad)).rejects.toThrow(refused)
    }
    await attempt(() => aead.open(fixed('other', 12), aad, sealed)).rejects.toThrow(refused)
    await attempt(() => aead.open(nonce, none, sealed)).rejects.toThrow(refused)
    const other = await backend.aead(fixed('other key'))
    await attempt(() => other.open(nonce, aad, sealed)).rejects.toThrow(refused)
  })

  test('refuses tags of every other length', async () => {
    const aead = await backend.aead(key)
    const sealed = await aead.seal(nonce, aad, none)
    for (let length = 0; length < 16; length++) {
      await attempt(() => aead.open(nonce, aad, sealed.slice(0, length))).rejects.toThrow(refused)
    }
    const longer = concat(sealed, Uint8Array.of(0))
    await attempt(() => aead.open(nonce, aad, longer)).rejects.toThrow(refused)
  })

  test.each([0, 8, 11, 13, 16])('refuses a nonce of %i bytes', async (length) => {
    const aead = await backend.aead(key)
    const bad = new Uint8Array(length)
    await attempt(() => aead.seal(bad, aad, none)).rejects.toThrow(refused)
    await attempt(() => aead.open(bad, aad, new Uint8Array(16))).rejects.toThrow(refused)
  })

  test('keeps no reference to key, nonce, AAD or data', async () => {
    const lent = { key: key.slice(), nonce: nonce.slice(), aad: aad.slice(), data: fixed('data') }
    const expected = await (await nobleBackend.aead(key)).seal(nonce, aad, fixed('data'))
    const importing = backend.aead(lent.key)
    lent.key.fill(0)
    const aead = await importing
    const sealing = aead.seal(lent.nonce, lent.aad, lent.data)
    for (const bytes of [lent.nonce, lent.aad, lent.data]) bytes.fill(0)
    expect(await sealing).toEqual(expected)
    const opening = aead.open(nonce, aad, expected)
    expected.fill(0)
    expect(await opening).toEqual(fixed('data'))
  })

  test('agrees on X25519 with noble and keeps no reference to the secret', async () => {
    const secret = fixed('x25519')
    const lent = secret.slice()
    const making = backend.dhKey(lent)
    lent.fill(0)
    const ours = await making
    const theirs = await nobleBackend.dhKey(fixed('x25519 peer'))
    expect(ours.publicKey).toEqual((await nobleBackend.dhKey(secret)).publicKey)
    expect(await ours.dh(theirs.publicKey)).toEqual(await theirs.dh(ours.publicKey))
  })

  test.each(LOW_ORDER)('refuses the low-order point %s', async (point) => {
    const ours = await backend.dhKey(fixed('x25519'))
    await attempt(() => ours.dh(fromHex(point))).rejects.toThrow(refused)
  })

  test.each([0, 31, 33])('refuses a peer key of %i bytes', async (length) => {
    const ours = await backend.dhKey(fixed('x25519'))
    await attempt(() => ours.dh(new Uint8Array(length).fill(9))).rejects.toThrow(refused)
  })
})

describe('device keys of the page', () => {
  test('cannot be exported and do X25519', async () => {
    const pair = await generateDeviceKeyPair()
    if (!pair) throw new Error('this runtime should have X25519')
    expect(pair.privateKey.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow()
    const device = await dhKeyOf(pair)
    const host = await nobleBackend.dhKey(fixed('host'))
    expect(await device.dh(host.publicKey)).toEqual(await host.dh(device.publicKey))
    await expect(device.dh(new Uint8Array(32))).rejects.toThrow(refused)
  })
})

describe('the choice of the page', () => {
  test('is WebCrypto where the context has it', async () => {
    const picked = await pickBackend()
    expect(picked).toMatchObject({ name: 'webcrypto' })
    expect(picked.dhKey).toBe(webcryptoBackend.dhKey)
  })

  // A process of its own, because the global `crypto` must be another one from the start.
  const inContext = async (crypto: string) => {
    const module = new URL('../../web/webcrypto.ts', import.meta.url).href
    const script = `
      const real = globalThis.crypto
      Object.defineProperty(globalThis, 'crypto', { value: ${crypto} })
      const { pickBackend, generateDeviceKeyPair } = await import(${JSON.stringify(module)})
      const picked = await pickBackend()
      const key = await picked.dhKey(new Uint8Array(32).fill(1))
      const aead = await picked.aead(new Uint8Array(32))
      const sealed = await aead.seal(new Uint8Array(12), new Uint8Array(0), new Uint8Array(1))
      console.log(JSON.stringify({
        name: picked.name,
        pair: await generateDeviceKeyPair(),
        dh: key.dh(key.publicKey) instanceof Promise ? 'webcrypto' : 'noble',
        sealed: sealed.length,
      }))`
    const args = ['--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    return JSON.parse(stdout) as unknown
  }

  test('is noble on a plain-http page, which has no crypto.subtle', async () => {
    const found = await inContext('{ subtle: undefined }')
    expect(found).toEqual({ name: 'noble', pair: null, dh: 'noble', sealed: 17 })
  })

  test('is made for each primitive: an old browser has AES-GCM and no X25519', async () => {
    const found = await inContext(`{ subtle: {
      importKey: (format, ...rest) => rest[1]?.name === 'X25519'
        ? Promise.reject(new DOMException('', 'NotSupportedError'))
        : real.subtle.importKey(format, ...rest),
      generateKey: () => Promise.reject(new DOMException('', 'NotSupportedError')),
      encrypt: (...a) => real.subtle.encrypt(...a),
      decrypt: (...a) => real.subtle.decrypt(...a),
    } }`)
    expect(found).toEqual({ name: 'webcrypto', pair: null, dh: 'noble', sealed: 17 })
  })
})
