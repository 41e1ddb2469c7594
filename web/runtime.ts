// Clock, timers and randomness, for what must also run under virtual time.
import type { RandomBytes } from '../shared/crypto.ts'

export interface Runtime {
  /** unix ms */
  readonly now: () => number
  readonly random: RandomBytes
  /** @returns a function that calls it off */
  readonly after: (ms: number, run: () => void) => () => void
}

export const browserRuntime: Runtime = {
  now: () => Date.now(),
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
