// The sealed channel (SPEC §6): order, ratchet, fragments, and what ends it, with a fast and a slow back end.
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { nodeBackend } from '../../host/nodecrypto.ts'
import {
  FRAME_MAX_DATA,
  RATCHET_BYTES,
  RATCHET_FRAMES,
  RATCHET_MS,
} from '../../shared/constants.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { ClawError } from '../../shared/error.ts'
import {
  decodeFrame,
  encodeFrameHeader,
  encodeFramePlaintext,
  frameNonce,
} from '../../shared/frames.ts'
import { kdf } from '../../shared/hash.ts'
import { gcmSeal, nobleBackend } from '../../shared/noble.ts'
import { Opener, Sealer, type SessionMessage } from '../../shared/session.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const key = random(32)

/** WebCrypto answers late and not in order; this one does so on purpose. */
const slowBackend: CryptoBackend = {
  ...nobleBackend,
  async aead(raw) {
    const inner = await nobleBackend.aead(raw)
    let turn = 0
    const late = async <T>(value: T): Promise<T> => {
      for (let ticks = 7 * (turn++ % 3); ticks > 0; ticks--) await Promise.resolve()
      return value
    }
    return {
      seal: async (...args) => late(await inner.seal(...args)),
      open: async (...args) => late(await inner.open(...args)),
    }
  },
}

const pair = (backend: CryptoBackend) => ({
  sealer: new Sealer({ backend, key, channel: 0, nowMs: 0 }),
  opener: new Opener({ backend, key, channel: 0 }),
})

const refusal = async (result: Promise<unknown>): Promise<string> =>
  result.then(
    () => 'none',
    (error: unknown) => (error instanceof ClawError ? error.code : 'other'),
  )

describe.each(
  [nobleBackend, slowBackend].map((backend, i) => ({
    backend,
    name: i === 0 ? 'immediate' : 'slow',
  })),
)('a sealed channel over the $name back end', ({ backend }) => {
  test('keeps order and bytes for sends in one tick, all sizes, across ratchets', async () => {
    const { sealer, opener } = pair(backend)
    const sizes = [0, 1, 55, 56, 57, 248, 249, 1016, 1017, 4088, 4089, 16344, 16345, 70_000]
    const messages = sizes.map((size, i): SessionMessage => ({ type: i + 1, data: random(size) }))
    const frames = (
      await Promise.all(messages.map((m, i) => sealer.seal(m, i * RATCHET_MS)))
    ).flat()
    const opened = await Promise.all(frames.map((frame) => opener.open(frame)))
    expect(opened.filter((m) => m !== null)).toEqual(messages)
    for (const frame of frames) expect([96, 288, 1056, 4128, 16384]).toContain(frame.length)
    const nonces = frames.map((frame) => Buffer.from(frame.subarray(4, 16)).toString('hex'))
    expect(new Set(nonces).size).toBe(frames.length)
  })

  test('a replayed, skipped, flipped, cut or foreign frame ends it for good', async () => {
    const attacks: ((frames: Uint8Array[]) => Uint8Array[])[] = [
      ([a]) => (a ? [a, a] : []),
      ([, b]) => (b ? [b] : []),
      ([a]) => (a ? [a.slice(0, -1)] : []),
      ([a]) => (a ? [new Uint8Array([...a, 0])] : []),
      () => [new Uint8Array(0)],
      () => [random(96)],
    ]
    for (const attack of attacks) {
      const { sealer, opener } = pair(backend)
      const frames = (
        await Promise.all([1, 2].map((type) => sealer.seal({ type, data: random(9) }, 0)))
      ).flat()
      const results = await Promise.all(attack(frames).map((frame) => refusal(opener.open(frame))))
      expect(results.at(-1)).toBe('frame-invalid')
      for (const frame of frames) expect(await refusal(opener.open(frame))).toBe('frame-invalid')
    }
    const { sealer } = pair(backend)
    const [frame = new Uint8Array(0)] = await sealer.seal({ type: 1, data: random(20) }, 0)
    for (let at = 0; at < frame.length; at++) {
      const forged = frame.slice()
      forged[at] = (forged[at] ?? 0) ^ 4
      expect([at, await refusal(pair(backend).opener.open(forged))]).toEqual([at, 'frame-invalid'])
    }
  })
})

test('an authenticated peer cannot send padding, short fragments, endless fragments or a far generation', async () => {
  const channelKey = kdf(key, 'chan', new Uint8Array(2))
  const craft = (counter: number, plaintext: Uint8Array, generation = 0): Uint8Array => {
    const header = encodeFrameHeader({ channel: 0, generation, counter })
    return new Uint8Array([
      ...header,
      ...gcmSeal(channelKey, frameNonce(counter), header, plaintext),
    ])
  }
  const padded = encodeFramePlaintext({ type: 1, more: false, data: random(3) })
  padded[60] = 1
  const opener = () => new Opener({ backend: nobleBackend, key, channel: 0 })
  expect(await refusal(opener().open(craft(0, padded)))).toBe('frame-invalid')
  const short = encodeFramePlaintext({ type: 1, more: true, data: random(3) })
  expect(await refusal(opener().open(craft(0, short)))).toBe('frame-invalid')
  const oversize = encodeFramePlaintext({ type: 1, more: false, data: random(100) })
  const bigger = new Uint8Array(1024)
  bigger.set(oversize)
  expect(await refusal(opener().open(craft(0, bigger)))).toBe('frame-invalid')
  expect(await refusal(opener().open(craft(0, short, 2)))).toBe('frame-invalid')
  const endless = opener()
  const full = encodeFramePlaintext({ type: 1, more: true, data: random(16344) })
  const results: string[] = []
  for (let i = 0; i < 70 && results.at(-1) !== 'frame-invalid'; i++) {
    results.push(await refusal(endless.open(craft(i, full))))
  }
  // 64 × 16344 bytes stay below 1 MiB, the 65th passes it.
  expect(results).toHaveLength(65)
})

test('a ratcheted key differs, and another direction key opens nothing', async () => {
  const { sealer } = pair(nobleBackend)
  const [early = new Uint8Array(0)] = await sealer.seal({ type: 1, data: random(1) }, 0)
  const [late = new Uint8Array(0)] = await sealer.seal({ type: 1, data: random(1) }, RATCHET_MS)
  expect([early[7], late[7]]).toEqual([0, 1])
  const stranger = new Opener({ backend: nobleBackend, key: random(32), channel: 0 })
  expect(await refusal(stranger.open(early))).toBe('frame-invalid')
  const forgedGeneration = late.slice()
  forgedGeneration[7] = 0
  const opener = new Opener({ backend: nobleBackend, key, channel: 0 })
  await opener.open(early)
  expect(await refusal(opener.open(forgedGeneration))).toBe('frame-invalid')
})

test('the key changes at the frame that is one too many, and the other end follows', async () => {
  const sealer = new Sealer({ backend: nodeBackend, key, channel: 0, nowMs: 0 })
  const opener = new Opener({ backend: nodeBackend, key, channel: 0 })
  const generations = new Set<number>()
  for (let n = 0; n < RATCHET_FRAMES; n++) {
    const [frame = new Uint8Array(0)] = await sealer.seal({ type: 4, data: key }, 0)
    generations.add(decodeFrame(frame).generation)
    await opener.open(frame)
  }
  expect([...generations]).toEqual([0])
  const [frame = new Uint8Array(0)] = await sealer.seal({ type: 4, data: key }, 0)
  expect(decodeFrame(frame)).toMatchObject({ generation: 1, counter: RATCHET_FRAMES })
  expect((await opener.open(frame))?.data).toEqual(key)
})

test('the key changes before it would have sealed more than 256 MiB, and the other end follows', async () => {
  const sealer = new Sealer({ backend: nodeBackend, key, channel: 0, nowMs: 0 })
  const opener = new Opener({ backend: nodeBackend, key, channel: 0 })
  const full = new Uint8Array(FRAME_MAX_DATA)
  const whole = Math.floor(RATCHET_BYTES / (FRAME_MAX_DATA + 8))
  for (let n = 0; n <= whole; n++) {
    const [frame = new Uint8Array(0)] = await sealer.seal({ type: 4, data: full }, 0)
    expect(decodeFrame(frame).generation).toBe(n < whole ? 0 : 1)
    await opener.open(frame)
  }
})

test('a carrier ends before its counter does, at both ends', async () => {
  const send = (sealer: Sealer) => sealer.seal({ type: 1, data: random(5) }, 0)
  const short = new Sealer({ backend: nodeBackend, key, channel: 0, nowMs: 0, maxFrames: 2 })
  for (let i = 0; i < 2; i++) expect(await refusal(send(short))).toBe('none')
  for (let i = 0; i < 2; i++) expect(await refusal(send(short))).toBe('limit')
  const long = new Sealer({ backend: nodeBackend, key, channel: 0, nowMs: 0 })
  const opener = new Opener({ backend: nodeBackend, key, channel: 0, maxFrames: 2 })
  const codes: string[] = []
  for (let i = 0; i < 3; i++) {
    const [frame] = await send(long)
    codes.push(await refusal(opener.open(frame as Uint8Array)))
  }
  expect(codes).toEqual(['none', 'none', 'frame-invalid'])
})
