// How long messages stay (SPEC §7.10), in words.
import { t } from './language.ts'

/** How long messages stay, exactly: "1 hour", "2 days", "4 weeks", "90 days". */
export function formatLife(ms: number): string {
  const [hours, days] = [ms / 3_600_000, ms / 86_400_000]
  if (!Number.isInteger(days)) return t.span.hours(Math.round(hours))
  return days % 7 === 0 && days <= 28 ? t.span.weeks(days / 7) : t.span.days(days)
}
