// What time it is, as far as this page can know, and whose clock is wrong (SPEC §3.2). Nothing of it is kept.
import { STALE_SLACK_MS } from '../shared/constants.ts'
import type { ClockFinding } from './model.ts'
import type { Resolved } from './resolve.ts'
import type { StateBox } from './state.ts'

/** Clocks this far apart are nobody's concern. */
export const SKEW_MS = STALE_SLACK_MS

/**
 * Unix ms each; null where unknown. `hostMs` is of M2, `storeMs` of the stores' https `Date`, `issuedMs` of the record.
 * Without the host's own word a clock that lies before the record's is certainly behind, one after it may be right.
 */
export function diagnoseClock(input: {
  readonly nowMs: number
  readonly hostMs: number | null
  readonly storeMs: number | null
  readonly issuedMs: number | null
}): ClockFinding | null {
  const { nowMs, hostMs, storeMs, issuedMs } = input
  const off = (ms: number | null): boolean => ms !== null && Math.abs(nowMs - ms) > SKEW_MS
  if (hostMs !== null) {
    if (!off(hostMs)) return null
    const whose = storeMs !== null && !off(storeMs) ? 'host' : 'device'
    const aheadMs = whose === 'host' ? hostMs - nowMs : nowMs - hostMs
    return { whose, aheadMs, atLeast: false }
  }
  if (storeMs !== null)
    return off(storeMs) ? { whose: 'device', aheadMs: nowMs - storeMs, atLeast: false } : null
  if (issuedMs === null || nowMs > issuedMs - SKEW_MS) return null
  return { whose: 'device', aheadMs: nowMs - issuedMs, atLeast: true }
}

export class Clock {
  readonly #box: StateBox
  readonly #now: () => number
  /** by how much this device's clock was ahead of the host's in the last M2, and of the stores' */
  #host: number | null = null
  #store: number | null = null
  #issuedMs: number | null = null

  constructor(box: StateBox, now: () => number) {
    this.#box = box
    this.#now = now
  }

  /** The host's time by what it said last, else this device's. */
  hostNowMs(): number {
    return this.#now() - (this.#host ?? 0)
  }

  /** How long until shortly after `atMs` of the host's time, each page at a moment of its own. */
  untilAfter(atMs: number, intervalMs: number): number {
    const [draw = 0] = crypto.getRandomValues(new Uint32Array(1))
    const spread = Math.min(intervalMs / 10, 60_000) * (draw / 2 ** 32)
    return Math.max(0, atMs - this.hostNowMs()) + 200 + spread
  }

  /** What time it may be, the likeliest first. */
  timesMs(): readonly number[] {
    const now = this.#now()
    const stores = this.#store === null ? [] : [now - this.#store]
    return [this.hostNowMs(), now, ...stores]
  }

  found({ storeMs, record }: Pick<Resolved, 'storeMs' | 'record'>): void {
    this.#store = storeMs === null ? null : this.#now() - storeMs
    this.#issuedMs = record.issuedMs
  }

  /** M2 came just now. */
  heard(hostMs: number): void {
    this.#host = this.#now() - hostMs
    this.#say(this.#host)
  }

  /** Nobody answered: the host's word, if there was one, was of another time. */
  silent(): void {
    this.#say(null)
  }

  #say(host: number | null): void {
    const nowMs = this.#now()
    const at = (lead: number | null): number | null => (lead === null ? null : nowMs - lead)
    const times = { hostMs: at(host), storeMs: at(this.#store), issuedMs: this.#issuedMs }
    this.#box.set({ clock: diagnoseClock({ nowMs, ...times }) })
  }
}
