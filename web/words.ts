// Words that hang on more than one thing: errors, clocks, names, spans of time. The texts are in messages/.
import { toUtf8 } from '../shared/bytes.ts'
import { NAME_MAX_BYTES } from '../shared/constants.ts'
import type { ClawErrorCode } from '../shared/error.ts'
import { t } from './language.ts'
import { type Words, words } from './messages/catalogue.ts'
import type { ClockFinding } from './model.ts'

/** What happened, why, and what to do next (SPEC §9). */
export const wordsOf = (code: ClawErrorCode): Words => t.errors[code]

/** As one says it: "20 minutes", "3 hours", "2 days", "74 years". */
export function formatSpan(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / 60_000)
  const hours = Math.round(minutes / 60)
  const days = Math.round(minutes / 1440)
  if (minutes < 120) return t.span.minutes(minutes)
  if (hours < 48) return t.span.hours(hours)
  return days < 730 ? t.span.days(days) : t.span.years(Math.round(days / 365.25))
}

/** Whose clock is wrong, and by how much. The chat goes on whatever it is. */
export function clockWords({ whose, aheadMs, atLeast }: ClockFinding): Words {
  const span = formatSpan(aheadMs)
  const by = atLeast ? t.span.atLeast(span) : span
  if (whose === 'host') {
    const what = aheadMs < 0 ? t.clock.hostBehind(by) : t.clock.hostAhead(by)
    return words(what, t.clock.hostWhy, t.clock.hostNext)
  }
  const what = aheadMs < 0 ? t.clock.deviceBehind(by) : t.clock.deviceAhead(by)
  return atLeast
    ? words(what, t.clock.deviceLateWhy, t.clock.deviceLateNext)
    : words(what, t.clock.deviceWhy, t.clock.deviceNext)
}

/** Of an address file that was handed over and not taken. */
export function fileWords(code: ClawErrorCode): Words {
  const files: Partial<Record<ClawErrorCode, Words>> = t.files
  return files[code] ?? t.errors[code]
}

/** What is wrong with a name, counted as ENROL counts it (SPEC §6.1); null if nothing is, or nothing was written yet. */
export function nameProblem(name: string): string | null {
  if (/\p{Cc}/u.test(name)) return t.name.control
  const over = toUtf8(name).length - NAME_MAX_BYTES
  return over <= 0 ? null : t.name.tooLong(over)
}
