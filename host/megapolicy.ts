// When to sign in to MEGA and when to leave it alone (SPEC §3.3.1). Programs that sign in often get their account
// blocked, so this outlives restarts: it is kept beside the session. Pure; time comes in.
import type { ClawErrorCode } from '../shared/error.ts'

export interface SignIns {
  /** last attempt, whatever became of it */
  readonly triedMs: number | null
  /** attempts since the last success that the network or MEGA's own trouble ended */
  readonly failures: number
  readonly signedInMs: number | null
  /** sign-ins each less than two days after the one before */
  readonly streak: number
}

export const NO_SIGN_INS: SignIns = { triedMs: null, failures: 0, signedInMs: null, streak: 0 }

const FIRST_RETRY_MS = 15_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Its owner may be taking the file out of the rubbish bin right now. */
const GONE_MS = 600_000

/** Noted before anything is sent: a crash in the middle of it counts. */
export const tried = (before: SignIns, nowMs: number): SignIns => ({
  ...before,
  triedMs: nowMs,
  failures: before.failures + 1,
})

export function signedIn(before: SignIns, nowMs: number): SignIns {
  const soon = before.signedInMs !== null && Math.abs(nowMs - before.signedInMs) < 2 * DAY_MS
  return {
    triedMs: nowMs,
    failures: 0,
    signedInMs: nowMs,
    streak: soon ? before.streak + 1 : 0,
  }
}

/**
 * The earliest moment for the next attempt: after a failure 15 s, doubling to an hour; after a success an hour,
 * doubling to a day as long as sign-ins follow each other within two. A clock that jumped back postpones nothing further.
 */
export function signInDueMs(signIns: SignIns, nowMs: number): number {
  const { triedMs, failures, signedInMs, streak } = signIns
  const afterFailure = failures === 0 ? 0 : Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), HOUR_MS)
  const due = Math.max(
    triedMs === null ? 0 : triedMs + afterFailure,
    signedInMs === null ? 0 : signedInMs + Math.min(HOUR_MS * 2 ** streak, DAY_MS),
  )
  return due - nowMs > DAY_MS ? nowMs : due
}

/** What only a person can mend, in this run or with other words to sign in. */
const FINAL: readonly ClawErrorCode[] = ['mega-account', 'mega-login', 'mega-2fa', 'mega-blocked']

export const isFinal = (code: ClawErrorCode): boolean => FINAL.includes(code)

/** For how long MEGA is asked nothing after this answer; 0 leaves it to the publishing machine. */
export function pauseMs(code: ClawErrorCode): number {
  if (isFinal(code)) return Number.POSITIVE_INFINITY
  if (code === 'mega-quota') return HOUR_MS
  return code === 'mega-gone' ? GONE_MS : 0
}

/** For how long the same refused words are not tried again, across restarts. */
export const REFUSED_MS = HOUR_MS
