// What a regular look at a conversation leads to (SPEC §1.3, §4.2): a question to the host, a fresh carrier, or an end. Time
// comes in; whoever looks sends, dials and closes.

/** between two PINGs while a person sees the conversation, and no operator counts what is sent */
export const PING_MS = 1500
/** else */
export const CALM_PING_MS = 5000
/** what was sent and not answered for so long makes the carrier suspect: another one is opened beside it */
export const SUSPECT_MS = 1500
/** after false alarms, each of which doubles it; what was silent for longer was no slow line but a broken one */
export const MAX_SUSPECT_MS = 8000
/** once answers have been in time for so long, it is short again */
export const FORGIVEN_MS = 30_000
/** without any message the carrier is closed and another one opened */
export const SILENCE_MS = 12_000
/** age at which a carrier is replaced by a fresh one */
export const FRESH_CARRIER_MS = 21_600_000
/** so long after the last look, or at any time before it, this device slept or its clock was set */
export const WAKE_MS = 15_000
const LONG_AGO = Number.NEGATIVE_INFINITY

/** When to look again: often enough to notice in time that an answer is overdue. */
export const lookMs = (brisk: boolean): number => (brisk ? PING_MS / 4 : CALM_PING_MS / 2)

/** Of one carrier; unix ms of this device's clock. */
export interface Heartbeat {
  readonly sinceMs: number
  heardMs: number
  /** when the first thing was sent since then that the host answers; null: nothing */
  askedMs: number | null
}

export interface Look {
  readonly nowMs: number
  /** whether PINGs come at their quick pace */
  readonly brisk: boolean
}

/**
 * `ping`: ask whether the host is there. `fresh`: ask too, and open another carrier beside this one; said once. `suspect`:
 * as `fresh`, since answers are overdue. `silent`: it is dead. For how long the host was silent during a sleep nobody can
 * say, so that begins anew.
 */
export type Due = 'nothing' | 'ping' | 'fresh' | 'suspect' | 'silent'

export class Pulse {
  #lookedMs: number | null = null
  #pingedMs = LONG_AGO
  #patienceMs = SUSPECT_MS
  /** of the last answer that was late */
  #lateMs = LONG_AGO
  /** whose answers are overdue */
  #suspect: Heartbeat | null = null
  /** whose age has been told */
  #aged: Heartbeat | null = null

  look({ nowMs, brisk }: Look, live: Heartbeat): Due {
    const gapMs = nowMs - (this.#lookedMs ?? nowMs)
    this.#lookedMs = nowMs
    if (gapMs > WAKE_MS || gapMs < 0) {
      live.heardMs = nowMs
      live.askedMs = null
      return this.#asking(nowMs, 'fresh')
    }
    if (nowMs - live.heardMs > SILENCE_MS) return 'silent'
    // What came while this device was too busy to look waits unread: that time is nobody's fault.
    if (live.askedMs !== null) live.askedMs += Math.max(0, gapMs - lookMs(brisk))
    if (this.#isOverdue(nowMs, live)) {
      this.#suspect = live
      return this.#asking(nowMs, 'suspect')
    }
    if (nowMs - live.sinceMs > FRESH_CARRIER_MS && this.#aged !== live) {
      this.#aged = live
      return this.#asking(nowMs, 'fresh')
    }
    const every = brisk ? PING_MS : CALM_PING_MS
    return nowMs - this.#pingedMs >= every ? this.#asking(nowMs, 'ping') : 'nothing'
  }

  /** Something suggests that the path is another one now: the next look asks, however early it comes. */
  doubt(): void {
    this.#pingedMs = LONG_AGO
  }

  /**
   * A message of this carrier came. `isOtherOpen`: the one beside it is there already, which a slow line would not have let
   * through either. @returns whether it was suspect until now
   */
  heard(nowMs: number, live: Heartbeat, isOtherOpen: boolean): boolean {
    const tookMs = nowMs - (live.askedMs ?? nowMs)
    live.heardMs = nowMs
    live.askedMs = null
    const wasSuspect = this.#suspect === live
    if (wasSuspect) this.#suspect = null
    if (isOtherOpen || tookMs < SUSPECT_MS || tookMs > MAX_SUSPECT_MS) return wasSuspect
    this.#lateMs = nowMs
    if (wasSuspect) this.#patienceMs = Math.min(this.#patienceMs * 2, MAX_SUSPECT_MS)
    return wasSuspect
  }

  /** There is no carrier to look at. */
  rest(): void {
    this.#lookedMs = null
    this.#pingedMs = LONG_AGO
  }

  #isOverdue(nowMs: number, live: Heartbeat): boolean {
    if (live.askedMs === null || this.#suspect === live) return false
    if (Math.abs(nowMs - this.#lateMs) > FORGIVEN_MS) this.#patienceMs = SUSPECT_MS
    return nowMs - live.askedMs >= this.#patienceMs
  }

  #asking(nowMs: number, due: Due): Due {
    this.#pingedMs = nowMs
    return due
  }
}
