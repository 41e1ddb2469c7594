// Any flipped bit of a sealed value fails, and always with the one code of its place (SPEC §3.2, §3.3, §4, §5, §6).
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { equal } from '../../shared/bytes.ts'
import { ClawError } from '../../shared/error.ts'
import { answerHandshake } from '../../shared/handshake.ts'
import { hmac, kdf } from '../../shared/hash.ts'
import { decodeInvite, encodeInvite } from '../../shared/invite.ts'
import { hostTag, knockUfrag, openKnock, parseKnock } from '../../shared/knock.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { decodePut, storageId } from '../../shared/put.ts'
import { openRecord } from '../../shared/record.ts'
import { Opener, Sealer } from '../../shared/session.ts'
import { at } from '../fuzz/dice.ts'
import { PUT } from '../fuzz/sealed.ts'
import { HANDSHAKE, KNOCK, RECORD } from '../fuzz/vectors.ts'
import { fixed, scripted } from '../vectors/fixed.ts'

// Plenty, for machines that do much else.
vi.setConfig({ testTimeout: 30_000 })

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const out = bytes.slice()
  out[bit >> 3] = (out[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return out
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
    return 'none'
  } catch (error) {
    if (error instanceof ClawError) return error.code
    throw error
  }
}

/** Codes of flips of all these bits. */
async function codesOf(bits: Iterable<number>, run: (bit: number) => unknown): Promise<string[]> {
  const seen = new Set<string>()
  for (const bit of bits) seen.add(await codeOf(() => run(bit)))
  return [...seen]
}

function* bitsOf(first: number, bytes: number, step = 1): Iterable<number> {
  for (let bit = first * 8; bit < (first + bytes) * 8; bit += step) yield bit
}

describe('record', () => {
  const root = at(RECORD.roots, 0)
  const { bytes, hostPublicKey } = RECORD
  const open = (data: Uint8Array) => openRecord({ bytes: data, root, hostPublicKey, minSeq: 0 })
  const hint = hmac(kdf(root, 'slot hint'), bytes.slice(8, 24)).slice(0, 8)
  const slots = Array.from({ length: 64 }, (_, i) => 36 + 56 * i)
  const own = slots.filter((place) => equal(bytes.slice(place, place + 8), hint))

  test('has one slot for the root', () => {
    expect(own).toHaveLength(1)
    expect(open(bytes).seq).toBeGreaterThan(0)
  })

  // All bits where a key or check is at stake; of the long parts every n-th, so that each place of a byte is met.
  const [slot = 0] = own
  const others = slots.filter((place) => place !== slot)
  test.each([
    ['magic and zeros', [0], 8, 1, 'record-malformed'],
    ['salt', [8], 16, 1, 'record-no-slot'],
    ['body nonce', [24], 12, 1, 'record-forged'],
    ['hint of the own slot', [slot], 8, 1, 'record-no-slot'],
    ['content key in the own slot', [slot + 8], 48, 1, 'record-forged'],
    ["others' slots", others, 56, 29, 'record-forged'],
    ['sealed body', [3620], 2508, 13, 'record-forged'],
    ['tag', [6128], 16, 1, 'record-forged'],
  ] as const)('%s', async (_, places, length, step, code) => {
    const bits = places.flatMap((place) => [...bitsOf(place, length, step)])
    expect(bits.length).toBeGreaterThan(50)
    expect(await codesOf(bits, (bit) => open(flipped(bytes, bit)))).toEqual([code])
  })
})

test('knock: every bit of its bytes, every character of its text', async () => {
  const input = { ...KNOCK, hostTag: hostTag(KNOCK.hostPublicKey), route: 'direct' } as const
  const open = (knock: Uint8Array) => openKnock({ ...input, knock })
  expect(await codeOf(() => open(KNOCK.bytes))).toBe('none')
  expect(await codesOf(bitsOf(0, 93), (bit) => open(flipped(KNOCK.bytes, bit)))).toEqual([
    'knock-refused',
  ])
  const ufrag = knockUfrag(KNOCK.bytes)
  fc.assert(
    fc.property(fc.nat(123), fc.string({ minLength: 1, maxLength: 1 }), (place, char) => {
      fc.pre(char !== ufrag[place])
      const text = ufrag.slice(0, place) + char + ufrag.slice(place + 1)
      expect(() => open(parseKnock(text).raw)).toThrow(new ClawError('knock-refused'))
    }),
    { numRuns: 300 },
  )
})

test('frame: every bit of a small one, some of the largest', async () => {
  const key = fixed('key')
  for (const [size, step] of [
    [5, 1],
    [16_344, 101],
  ] as const) {
    const sealer = new Sealer({ backend: nodeBackend, key, channel: 0, nowMs: 0 })
    const [frame = key] = await sealer.seal({ type: 1, data: new Uint8Array(size) }, 0)
    const open = (bytes: Uint8Array) =>
      new Opener({ backend: nodeBackend, key, channel: 0 }).open(bytes)
    expect(await codeOf(() => open(frame))).toBe('none')
    const bits = bitsOf(0, frame.length, step)
    expect(await codesOf(bits, (bit) => open(flipped(frame, bit)))).toEqual(['frame-invalid'])
  }
})

test('store write: id, key, counter, signature, record', async () => {
  const id = storageId(ed25519PublicKey(fixed('fuzz write key')))
  expect(await codeOf(() => decodePut(id, PUT))).toBe('none')
  const write = (bit: number) => decodePut(id, flipped(PUT, bit))
  expect(await codesOf(bitsOf(0, 32), write)).toEqual(['store-refused'])
  expect((await codesOf(bitsOf(32, 8, 3), write)).sort()).toEqual(['malformed', 'store-refused'])
  expect(await codesOf(bitsOf(40, 64, 3), write)).toEqual(['store-refused'])
  expect(await codesOf(bitsOf(104, 6144, 499), write)).toEqual(['store-refused'])
  const ids = bitsOf(0, 32)
  expect(await codesOf(ids, (bit) => decodePut(flipped(id, bit), PUT))).toEqual(['store-refused'])
})

test('M1: some bits of every field', async () => {
  const hostKey = nodeBackend.dhKey(HANDSHAKE.hostSecret)
  const reply = { hostTimeMs: 1, recordSeq: 1, sessionId: fixed('session', 16), status: 0 }
  const answer = (m1: Uint8Array) =>
    answerHandshake({
      backend: nodeBackend,
      random: scripted(HANDSHAKE.hostEphemeral, HANDSHAKE.kemMessage),
      context: { ...HANDSHAKE, mode: 'connect', route: 'direct' },
      root: HANDSHAKE.root,
      hostKey,
      m1,
      reply,
    })
  expect(await codeOf(() => answer(HANDSHAKE.m1))).toBe('none')
  const bits = bitsOf(0, HANDSHAKE.m1.length, 13)
  expect(await codesOf(bits, (bit) => answer(flipped(HANDSHAKE.m1, bit)))).toEqual([
    'handshake-failed',
  ])
})

test('invite: every bit of its bytes, so that no other link is taken for it', async () => {
  const link = encodeInvite({
    hostPublicKey: fixed('H_pub'),
    secret: fixed('secret'),
    minSeq: 7,
    hostName: 'Ada',
    locator: [],
  })
  const bytes = new Uint8Array(Buffer.from(link, 'base64url'))
  const codes = await codesOf(bitsOf(0, bytes.length), (bit) =>
    decodeInvite(Buffer.from(flipped(bytes, bit)).toString('base64url')),
  )
  expect(codes).toEqual(['invite-malformed'])
})
