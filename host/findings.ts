// What `clawchat doctor` can find (SPEC §9.1), and what each finding means: decisions only, the looking is done in doctor.ts.
import type { ClawErrorCode } from '../shared/error.ts'

export const DOCTOR_STEPS = [
  'folder',
  'running',
  'clock',
  'store',
  'mailbox',
  'page',
  'udp',
  'tcp',
  'stun',
  'nat',
  'turn',
  'router',
  'hidden',
] as const
export type DoctorStepName = (typeof DOCTOR_STEPS)[number]

/** No reason to worry, but good to know: the host works all the same. */
export type DoctorNote =
  | 'folder-new'
  | 'not-running'
  | 'clock-unknown'
  | 'store-empty'
  | 'store-by-mega'
  | 'mailbox-none'
  | 'buffer-small'
  | 'stun-none'
  | 'nat-unknown'
  | 'nat-strict'
  | 'router-closed'
  | 'ports-answer'

export type DoctorFault =
  | 'folder-readable'
  | 'disk-full'
  | 'database-damaged'
  | 'clock-ahead'
  | 'clock-behind'
  | 'mailbox-unreachable'
  | 'page-unreachable'
  | 'page-version'
  | 'udp-refused'
  | 'tcp-refused'
  | 'stun-silent'
  | 'turn-blind'
  | 'turn-silent'
  | 'turn-refused'
  | 'too-slow'

export type DoctorCause = DoctorNote | DoctorFault | ClawErrorCode

export interface DoctorFinding {
  readonly step: DoctorStepName
  /** of several stores, STUN or TURN servers: which one, from 1, in the order of the options */
  readonly nth: number | null
  /** nothing has to be done */
  readonly ok: boolean
  /** null: all is well; with `ok` it is a note */
  readonly cause: DoctorCause | null
  readonly ms: number
}

const NOTES: ReadonlySet<DoctorCause> = new Set<DoctorNote>([
  'folder-new',
  'not-running',
  'clock-unknown',
  'store-empty',
  'store-by-mega',
  'mailbox-none',
  'buffer-small',
  'stun-none',
  'nat-unknown',
  'nat-strict',
  'router-closed',
  'ports-answer',
])

export const isNote = (cause: DoctorCause | null): boolean => cause !== null && NOTES.has(cause)

/** Clocks this far apart, in ms, are nobody's concern: an https `Date` has whole seconds, and answers take a while. */
export const CLOCK_SLACK_MS = 60_000

/** `aheadMs`: by how much this computer's clock is ahead of each server that told its time. */
export function judgeClock(aheadMs: readonly number[]): DoctorCause | null {
  if (aheadMs.length === 0) return 'clock-unknown'
  // One server may be wrong; two are believed.
  const sorted = aheadMs.toSorted((a, b) => Math.abs(a) - Math.abs(b))
  const [least = 0] = sorted
  if (Math.abs(least) <= CLOCK_SLACK_MS) return null
  return least > 0 ? 'clock-ahead' : 'clock-behind'
}

/**
 * Where no server tells this host its address. Packets through a TURN server reach it only if a device can name that address
 * to the server. `hasPublic`: one of the machine's own is such.
 */
export const judgeUntold = (hasTurn: boolean, hasPublic: boolean): DoctorCause =>
  hasTurn && !hasPublic ? 'turn-blind' : 'stun-none'

/** What STUN servers see of one socket, each `address:port`; RFC 4787 §4.1. */
export function judgeNat(seen: readonly string[]): DoctorCause | null {
  if (seen.length < 2) return 'nat-unknown'
  return new Set(seen).size === 1 ? null : 'nat-strict'
}

const ENOUGH_BYTES = 200 * 1024 * 1024

/** `mode`: of the folder and of the key in it, as POSIX has them; null where the system has none. */
export function judgeFolder(input: {
  readonly modes: readonly (number | null)[]
  readonly freeBytes: number
  readonly whole: boolean
}): DoctorCause | null {
  if (input.modes.some((mode) => mode !== null && (mode & 0o077) !== 0)) return 'folder-readable'
  if (!input.whole) return 'database-damaged'
  return input.freeBytes < ENOUGH_BYTES ? 'disk-full' : null
}

/** Granted by the kernel: with less, packets are lost in bursts. */
export const SMALL_BUFFER_BYTES = 1024 * 1024

export const isHealthy = (findings: readonly DoctorFinding[]): boolean =>
  findings.every(({ ok }) => ok)
