// What time it is for certain enough to delete by (SPEC §7.10): a clock that is set ahead counts once it has stood for a
// while. Pure; times come in.

/** A clock may be set ahead by so much at once, unnoticed. */
export const STEADY_TOLERANCE_MS = 10_000
/** How long a clock that was set ahead must go on evenly before it counts. */
export const CONFIRM_MS = 10 * 60_000

export interface Reading {
  /** what the clock says, unix ms */
  readonly wallMs: number
  /** ms that never go back and that nobody sets */
  readonly monoMs: number
}

export interface Steady {
  /** the clock that is believed, less `monoMs` */
  readonly offsetMs: number
  /** the clock as it is now, and since when; null while that is the one believed */
  readonly ahead: { readonly offsetMs: number; readonly sinceMonoMs: number } | null
}

/** A clock of which nothing is known counts once it has stood for `CONFIRM_MS`. */
export const UNKNOWN: Steady = { offsetMs: Number.NEGATIVE_INFINITY, ahead: null }

export const believed = ({ wallMs, monoMs }: Reading): Steady => ({
  offsetMs: wallMs - monoMs,
  ahead: null,
})

export function stepSteady(state: Steady, reading: Reading): Steady {
  const { offsetMs } = believed(reading)
  // Right, or set back: by an earlier time nothing is deleted too early.
  if (offsetMs <= state.offsetMs + STEADY_TOLERANCE_MS) return believed(reading)
  const { ahead } = state
  if (ahead === null || Math.abs(offsetMs - ahead.offsetMs) > STEADY_TOLERANCE_MS)
    return { ...state, ahead: { offsetMs, sinceMonoMs: reading.monoMs } }
  return reading.monoMs - ahead.sinceMonoMs >= CONFIRM_MS ? believed(reading) : state
}

/** What time it is at least, unix ms. */
export const steadyMs = ({ offsetMs }: Steady, monoMs: number): number => offsetMs + monoMs
