// How long messages stay (SPEC §7.10): the one rule by which host and devices delete, each by itself. Pure.
import type { Reader } from './bytes.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Of a room's messages, unless it is 0: off. */
export const LIFE_MS = { min: HOUR_MS, max: 365 * DAY_MS } as const
/** Of everything on a host, unless it is 0: for ever. */
export const KEEP_MS = { min: HOUR_MS, max: 3650 * DAY_MS } as const

/** A u48 that is 0 or within bounds. */
export function readSpan(reader: Reader, { min, max }: typeof LIFE_MS | typeof KEEP_MS): number {
  const ms = reader.u48()
  return ms === 0 || (ms >= min && ms <= max) ? ms : reader.fail()
}

export interface Timed {
  /** when the host stored it */
  readonly atMs: number
  /** from when on it is gone by its room's lifetime; 0: that has none */
  readonly endsAtMs: number
}

/** Of two ends the earlier one; 0: none. */
export const earlierEnd = (a: number, b: number): number =>
  a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b)

/** From when on it is gone, by its room or by its host, in the host's time; 0: never. `keepMs`: 0 or as {@link KEEP_MS}. */
export const endOf = ({ atMs, endsAtMs }: Timed, keepMs: number): number =>
  earlierEnd(endsAtMs, keepMs === 0 ? 0 : atMs + keepMs)

export function isOver(message: Timed, keepMs: number, nowMs: number): boolean {
  const end = endOf(message, keepMs)
  return end > 0 && end <= nowMs
}
