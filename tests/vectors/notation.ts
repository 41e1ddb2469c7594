// How the vector file writes bytes: hex, or, where one byte ends them many times over, { hex, fill, length }.
import { fromHex, toHex } from '../../shared/bytes.ts'

/** `hex`, then the byte `fill` (two hex digits) up to `length` bytes. */
export interface Filled {
  readonly hex: string
  readonly fill: string
  readonly length: number
}
export type Notation = string | Filled

const WORTH_BYTES = 48

export function compact(bytes: Uint8Array): Notation {
  const last = bytes.at(-1) ?? 0
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === last) end--
  if (bytes.length - end < WORTH_BYTES) return toHex(bytes)
  const fill = toHex(Uint8Array.of(last))
  return { hex: toHex(bytes.subarray(0, end)), fill, length: bytes.length }
}

export function expand(notation: Notation): Uint8Array {
  if (typeof notation === 'string') return fromHex(notation)
  const out = new Uint8Array(notation.length).fill(fromHex(notation.fill)[0] ?? 0)
  out.set(fromHex(notation.hex))
  return out
}

/** A change of known bytes: some overwritten from `at` on, all cut to `length`, or some appended. */
export type Change =
  | { readonly at: number; readonly bytes: string }
  | { readonly length: number }
  | { readonly append: string }

export function changed(bytes: Uint8Array, change: Change): Uint8Array {
  if ('length' in change) return bytes.slice(0, change.length)
  if ('append' in change) return Uint8Array.from([...bytes, ...fromHex(change.append)])
  const out = bytes.slice()
  out.set(fromHex(change.bytes), change.at)
  return out
}

/** The byte at `at` with its lowest bit flipped. */
export const flip = (bytes: Uint8Array, at: number): Change => ({
  at,
  bytes: toHex(Uint8Array.of((bytes[at] ?? 0) ^ 1)),
})
