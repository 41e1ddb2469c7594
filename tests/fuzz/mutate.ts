// Inputs that are almost right: kept ones with a few changes (no coverage is measured; the corpus knows the way in).
import { Dice } from './dice.ts'

type Change = (bytes: Uint8Array, dice: Dice, corpus: readonly Uint8Array[]) => Uint8Array

const EDGES = [0, 1, 2, 15, 16, 17, 31, 32, 63, 64, 127, 128, 200, 254, 255, 256, 1023, 1024]
const WIDE = [0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]
const WIDEST = [
  2n ** 31n,
  2n ** 32n,
  2n ** 48n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]

const place = (bytes: Uint8Array, dice: Dice): number => dice.below(Math.max(1, bytes.length))

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

function setAt(bytes: Uint8Array, at: number, values: Iterable<number>): Uint8Array {
  const out = bytes.slice()
  let i = at
  for (const value of values) if (i < out.length) out[i++] = value
  return out
}

/** A number of 1 to 8 bytes somewhere, often on an edge or one that fits the length of the input. */
const number: Change = (bytes, dice) => {
  const width = dice.pick([1, 2, 2, 4, 8])
  const near = bytes.length + dice.below(5) - 2
  const small = dice.pick([...EDGES, ...WIDE, Math.max(0, near)])
  const value = width === 8 && dice.below(2) === 0 ? dice.pick(WIDEST) : BigInt(small)
  const field = Buffer.alloc(8)
  field.writeBigUInt64BE(value)
  return setAt(bytes, place(bytes, dice), field.subarray(8 - width))
}

/** Puts bytes in, and adds their number to one before them, as a true length would have it. */
const lengthen: Change = (bytes, dice) => {
  const at = place(bytes, dice)
  const added = dice
    .bytes(dice.pick([1, 2, 16, 1 + dice.below(250)]))
    .map((byte) => 33 + (byte % 90))
  const length = Math.max(0, at - 1 - dice.below(40))
  const grown = (bytes[length] ?? 0) + added.length
  const carried = setAt(bytes, length - 1, [(bytes[length - 1] ?? 0) + (grown >> 8)])
  const counted = setAt(length > 0 ? carried : bytes, length, [grown])
  return joined(counted.subarray(0, at), added, counted.subarray(at))
}

const CHANGES: readonly Change[] = [
  (bytes, dice) => {
    const at = place(bytes, dice)
    return setAt(bytes, at, [(bytes[at] ?? 0) ^ (1 << dice.below(8))])
  },
  (bytes, dice) => setAt(bytes, place(bytes, dice), [dice.u32() & 255]),
  (bytes, dice) => {
    const at = place(bytes, dice)
    return setAt(bytes, at, [(bytes[at] ?? 0) + dice.pick([1, 255, 16, 240])])
  },
  number,
  number,
  lengthen,
  // Take out, put in, double, move, cut, lengthen.
  (bytes, dice) => {
    const at = place(bytes, dice)
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + dice.below(16)))
  },
  (bytes, dice) => {
    const at = dice.below(bytes.length + 1)
    const added = dice.below(2) === 0 ? dice.bytes(1 + dice.below(16)) : new Uint8Array(8)
    return joined(bytes.subarray(0, at), added, bytes.subarray(at))
  },
  (bytes, dice) => {
    const at = place(bytes, dice)
    const part = bytes.subarray(at, at + 1 + dice.below(64))
    return joined(bytes.subarray(0, at), part, bytes.subarray(at))
  },
  (bytes, dice) => {
    const from = place(bytes, dice)
    return setAt(bytes, place(bytes, dice), bytes.slice(from, from + 1 + dice.below(32)))
  },
  (bytes, dice) => bytes.slice(0, dice.below(bytes.length + 1)),
  (bytes, dice) => joined(bytes, dice.bytes(1 + dice.below(32))),
  // The head of this one and the tail of another.
  (bytes, dice, corpus) => {
    const other = dice.pick(corpus)
    return joined(bytes.subarray(0, place(bytes, dice)), other.subarray(place(other, dice)))
  },
]

/** The input of one execution: first the corpus as it is, then changed. Depends on its arguments only. */
export function inputOf(
  seed: number,
  execution: number,
  corpus: readonly Uint8Array[],
  maxBytes: number,
): Uint8Array {
  const kept = corpus[execution]
  if (kept !== undefined) return kept.slice()
  const dice = new Dice(seed, execution)
  if (corpus.length === 0 || dice.below(20) === 0)
    return dice.bytes(dice.below(Math.min(maxBytes, 300)))
  let bytes = dice.pick(corpus)
  // Mostly one change: two already spoil each other's way in.
  do bytes = dice.pick(CHANGES)(bytes, dice, corpus)
  while (dice.below(2) === 0)
  return bytes.slice(0, maxBytes)
}
