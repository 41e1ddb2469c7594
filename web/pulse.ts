// What a regular look at a conversation leads to (SPEC §1.2): a question to the host, an end, or a fresh carrier.

/** between two looks */
export const PING_MS = 5000
/** without any message the carrier is closed and another one opened */
export const SILENCE_MS = 12_000
/** age at which a carrier is replaced by a fresh one */
export const FRESH_CARRIER_MS = 21_600_000
/** so long after the last look, or at any time before it, this device slept or its clock was set */
export const WAKE_MS = 15_000

/** Of one carrier; unix ms of this device's clock. */
export interface Heartbeat {
  readonly sinceMs: number
  heardMs: number
}

export class Pulse {
  #lookedMs: number | null = null
  /** whose age has been told */
  #aged: Heartbeat | null = null

  /**
   * `ping`: ask whether the host is there. `fresh`: ask too, and open another carrier beside this one; said once.
   * `silent`: it is dead. For how long the host was silent during a sleep nobody can say, so that begins anew.
   */
  look(nowMs: number, live: Heartbeat): 'ping' | 'fresh' | 'silent' {
    const gapMs = nowMs - (this.#lookedMs ?? nowMs)
    this.#lookedMs = nowMs
    if (gapMs > WAKE_MS || gapMs < 0) {
      live.heardMs = nowMs
      return 'fresh'
    }
    if (nowMs - live.heardMs > SILENCE_MS) return 'silent'
    if (nowMs - live.sinceMs <= FRESH_CARRIER_MS || this.#aged === live) return 'ping'
    this.#aged = live
    return 'fresh'
  }

  /** There is no carrier to look at. */
  rest(): void {
    this.#lookedMs = null
  }
}
