// What a browser keeps is sealed (SPEC §11.1): values, content, and the PIN before the keys.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClawError, codeOf } from '../../shared/error.ts'
import { closeLock, openLock, relock } from '../../web/pin.ts'
import { freshLock, type Lock } from '../../web/schema.ts'
import { decodeValue, drawKey, encodeValue, type StoreKeys, Vault } from '../../web/vault.ts'
import { pickBackend } from '../../web/webcrypto.ts'

const bytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
const message = {
  id: 'a1',
  text: 'grüß "~" dich',
  seq: null,
  mine: true,
  file: { name: 'x.png', hash: bytes(32), thumbnail: new Uint8Array(0) },
  reactions: [{ emoji: '👍', members: ['b2'] }],
}

const codeFor = (run: () => unknown): string => {
  try {
    run()
    return 'opened'
  } catch (error) {
    return codeOf(error)
  }
}

describe('a value', () => {
  test('comes back as it was, bytes among it', () => {
    const vault = new Vault([drawKey()])
    for (const value of [message, { root: bytes(32), record: bytes(6144) }, { a: [bytes(3)] }])
      expect(vault.open('messages a1', vault.seal('messages a1', value))).toEqual(value)
  })

  test('opens in no other place, under no other key, and not with any bit flipped', () => {
    const vault = new Vault([drawKey()])
    const sealed = vault.seal('messages a1', message)
    expect(codeFor(() => vault.open('messages a2', sealed))).toBe('storage')
    expect(codeFor(() => vault.open('outbox a1', sealed))).toBe('storage')
    expect(codeFor(() => new Vault([drawKey()]).open('messages a1', sealed))).toBe('storage')
    for (let at = 0; at < sealed.length * 8; at += 7) {
      const other = sealed.slice()
      other[at >> 3] = (other[at >> 3] ?? 0) ^ (1 << (at & 7))
      expect(codeFor(() => vault.open('messages a1', other))).toBe('storage')
    }
    for (let length = 0; length < sealed.length; length++)
      expect(codeFor(() => vault.open('messages a1', sealed.slice(0, length)))).toBe('storage')
  })

  test('is sealed by the newest key; those before still open theirs', () => {
    const [old, fresh] = [drawKey(), drawKey()]
    const before = new Vault([old]).seal('p', message)
    const vault = new Vault([old, fresh])
    expect(vault.open('p', before)).toEqual(message)
    const after = vault.seal('p', message)
    expect(codeFor(() => new Vault([old]).open('p', after))).toBe('storage')
  })

  test('of foreign bytes is none, with one code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (junk) => {
        try {
          decodeValue(junk)
        } catch (error) {
          expect(error).toBeInstanceOf(ClawError)
        }
      }),
    )
    expect(decodeValue(encodeValue({ a: 1 }))).toEqual({ a: 1 })
  })
})

test('content of files is sealed by the browser, and opens only in its place', async () => {
  const vault = new Vault([drawKey()], await pickBackend())
  const content = bytes(60_000)
  const sealed = await vault.sealContent('segments a 0', content)
  expect(await vault.openContent('segments a 0', sealed)).toEqual(content)
  await expect(vault.openContent('segments a 1', sealed)).rejects.toThrow('storage')
  await expect(vault.openContent('segments a 0', sealed.slice(1))).rejects.toThrow('storage')
})

describe('a PIN', () => {
  const QUICK = 10
  const nothing = (): void => undefined

  test('opens what it closed, however the keyboard writes it; another one does not', async () => {
    const keys = [drawKey(), drawKey()]
    const lock = await closeLock(keys, 'caf\u00e9 1', 2, nothing, QUICK)
    expect(await openLock(lock, 'cafe\u0301 1', nothing)).toEqual(keys)
    await expect(openLock(lock, 'cafe 1', nothing)).rejects.toThrow('passphrase-wrong')
    await expect(openLock({ ...lock, cost: QUICK + 1 }, 'caf\u00e9 1', nothing)).rejects.toThrow(
      'passphrase-wrong',
    )
  })

  /** What of a device a lock is kept by. */
  class Shelf {
    lock: Lock
    keys: StoreKeys
    constructor() {
      const fresh = freshLock()
      this.lock = fresh
      this.keys = fresh.keys
    }
    async relock(lock: Lock, keys: StoreKeys): Promise<void> {
      Object.assign(this, { lock, keys })
    }
  }

  test('is set with a fresh key, asked for before it is changed or taken away, and tells how far it is', async () => {
    const shelf = new Shelf()
    const [first] = shelf.keys
    const told: number[] = []
    await relock(shelf, '', 'one of mine', (done) => told.push(done))
    expect(shelf.lock.kind).toBe('pin')
    expect(shelf.keys).toHaveLength(2)
    expect(shelf.keys[0]).toEqual(first)
    expect(told.every((done, i) => done >= (told[i - 1] ?? 0) && done <= 1)).toBe(true)
    const before = { ...shelf }
    await expect(relock(shelf, 'not mine', null, nothing)).rejects.toThrow('passphrase-wrong')
    await expect(relock(shelf, 'not mine', 'x y z', nothing)).rejects.toThrow('passphrase-wrong')
    expect({ ...shelf }).toEqual(before)
    await relock(shelf, 'one of mine', null, nothing)
    expect(shelf.lock).toMatchObject({ kind: 'open', revision: 3 })
    expect(shelf.keys).toEqual(before.keys)
  }, 60_000)
})
