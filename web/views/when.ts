// Days and minutes of messages.
import { formatDate, t } from '../language.ts'

export const isSameMinute = (a: number, b: number): boolean =>
  Math.floor(a / 60_000) === Math.floor(b / 60_000)

export const isSameDay = (a: number, b: number): boolean =>
  new Date(a).toDateString() === new Date(b).toDateString()

/** "Today", "Yesterday", or the date; with its year once that is not this one. */
export function dayWords(ms: number): string {
  const day = new Date(ms)
  const now = new Date()
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1)
  if (isSameDay(ms, now.getTime())) return t.log.today
  if (isSameDay(ms, yesterday.getTime())) return t.log.yesterday
  const date = { weekday: 'long', day: 'numeric', month: 'long' } as const
  const sameYear = day.getFullYear() === now.getFullYear()
  return formatDate(ms, sameYear ? date : { ...date, year: 'numeric' })
}
