// The sender's side of RESUME (SPEC §6.2), as a pure function of what waits and what the peer has.
import { toHex } from './bytes.ts'

/** An event that waits to be acknowledged: number from 1, id of 16 bytes. */
export interface Waiting {
  readonly number: number
  readonly id: Uint8Array
}

/**
 * `waiting` ascending; `assigned`: the last number given out; `stored` and `id`: the peer's RESUME.
 * Histories have forked where the peer names a number never given out, or another event under one that still waits:
 * then nothing counts as acknowledged. What is kept is numbered from `stored` + 1 without a gap. `forgotten`: the peer
 * may have lost what it once acknowledged. `forked`: this end may have lost what it once sent.
 */
export function settleOutbox<T extends Waiting>(
  waiting: readonly T[],
  assigned: number,
  stored: number,
  id: Uint8Array,
): {
  readonly kept: readonly T[]
  readonly acknowledged: readonly T[]
  readonly forgotten: boolean
  readonly forked: boolean
} {
  const held = waiting.find((entry) => entry.number === stored)
  const another = held !== undefined && toHex(held.id) !== toHex(id)
  const forked = stored > assigned || another
  const once = (waiting[0]?.number ?? assigned + 1) - 1
  const kept = forked ? waiting : waiting.filter((entry) => entry.number > stored)
  return {
    kept: kept.map((entry, i) => ({ ...entry, number: stored + 1 + i })),
    acknowledged: forked ? [] : waiting.filter((entry) => entry.number <= stored),
    forgotten: another || stored < once,
    forked,
  }
}
