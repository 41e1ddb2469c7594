// Vectors of SPEC §6 by the reference: messages cut, padded, ratcheted and sealed; frames that end a carrier.
import { createHash } from 'node:crypto'
import { toHex } from '../../shared/bytes.ts'
import * as frames from '../reference/frames.ts'
import { fixed } from './fixed.ts'
import { compact } from './notation.ts'

const directionKey = fixed('direction')
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const MINUTE = 60_000

/** Around every bucket and fragment, then past the 15 minutes of a key twice. */
const SENT: readonly (readonly [length: number, atMs: number])[] = [
  ...[0, 1, 55, 56, 57, 247, 248, 249, 1015, 1016, 1017, 4087, 4088, 4089].map(
    (n) => [n, 0] as const,
  ),
  ...[16_343, 16_344, 16_345, 32_688, 40_000].map((n) => [n, 1] as const),
  [8, 15 * MINUTE - 1],
  [8, 15 * MINUTE],
  [40_000, 16 * MINUTE],
  // Long after: one step only, the next generation follows the last whatever time has passed.
  [8, 60 * MINUTE],
]

/** One direction of channel 0 from its first frame on. Message i has type 1 + i, and i in every byte. */
export function frameSequenceVectors() {
  let counter = 0
  let generation = 0
  let sinceMs = 0
  const messages = SENT.map(([length, atMs], i) => {
    if (atMs - sinceMs >= 15 * MINUTE) {
      generation += 1
      sinceMs = atMs
    }
    const data = new Uint8Array(length).fill(i)
    const sealed = frames.fragments(data).map((fragment) => {
      const header = { channel: 0, generation, counter: counter++ }
      const frame = frames.sealFrame(directionKey, { ...header, type: 1 + i, ...fragment })
      const { flags } = fragment
      return {
        generation,
        counter: header.counter,
        flags,
        length: frame.length,
        sha256: sha(frame),
      }
    })
    return { type: 1 + i, data: compact(data), atMs, frames: sealed }
  })
  return [{ directionKey: toHex(directionKey), channel: 0, messages }]
}

interface Made {
  readonly header?: string
  readonly generation?: number
  readonly counter?: number
  readonly channel?: number
  readonly plaintext?: Uint8Array
}

function made(what: Made) {
  const { generation = 0, counter = 0, channel = 0 } = what
  const header =
    what.header === undefined
      ? frames.frameHeader({ channel, generation, counter })
      : Buffer.from(what.header, 'hex')
  const plaintext = what.plaintext ?? frames.framePlaintext({ type: 4, flags: 0, data: TOKEN })
  const frame = frames.sealPlaintext(directionKey, header, plaintext)
  return { header: toHex(header), plaintext: compact(plaintext), sha256: sha(frame) }
}

const TOKEN = new Uint8Array(8)
const FULL = new Uint8Array(16_344)
/** A plaintext of `size` bytes that begins with these. */
const plain = (hex: string, size: number): Uint8Array => {
  const out = new Uint8Array(size)
  out.set(Buffer.from(hex, 'hex'))
  return out
}
const more = (counter: number, data: Uint8Array, type = 4) =>
  made({ counter, plaintext: frames.framePlaintext({ type, flags: 1, data }) })
const last = (counter: number, type: number) =>
  made({ counter, plaintext: frames.framePlaintext({ type, flags: 0, data: TOKEN }) })

/** Of the frames of a case all are taken but the last. */
export function frameRefusedVectors() {
  const good = made({})
  const lastByte = new Uint8Array(64)
  lastByte.set([4, 0, 0, 8])
  lastByte[63] = 1
  const cases: readonly (readonly [what: string, frames: readonly object[]])[] = [
    ['version 0', [made({ header: '00000000000000000000000000000000' })]],
    ['version 2', [made({ header: '02000000000000000000000000000000' })]],
    ['second header byte set', [made({ header: '01010000000000000000000000000000' })]],
    ['another channel', [made({ channel: 1 })]],
    ['a counter that skips', [made({ counter: 1 })]],
    ['a replay', [good, good]],
    ['a counter of 2^53', [made({ header: '01000000000000000020000000000000' })]],
    ['a generation too many', [made({ generation: 2 })]],
    ['an old generation', [made({ generation: 1 }), made({ counter: 1 })]],
    ['a plaintext of 80 bytes, no bucket', [made({ plaintext: plain('04000008', 80) })]],
    ['a bucket larger than needed', [made({ plaintext: plain('04000008', 256) })]],
    ['a length beyond its bucket', [made({ plaintext: plain('04000039', 64) })]],
    ['flag 2', [made({ plaintext: plain('04020008', 64) })]],
    ['a reserved byte set', [made({ plaintext: plain('0400000800000001', 64) })]],
    ['a padding byte set', [made({ plaintext: lastByte })]],
    ['a fragment that is not full', [more(0, TOKEN)]],
    ['fragments of two types', [more(0, FULL), last(1, 5)]],
    ['more than 1 MiB in fragments', Array.from({ length: 65 }, (_, i) => more(i, FULL))],
  ]
  return cases.map(([what, sent]) => ({
    what,
    directionKey: toHex(directionKey),
    frames: sent,
    code: 'frame-invalid',
  }))
}
