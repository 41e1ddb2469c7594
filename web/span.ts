// Which part of a room is shown (SPEC §7): a stretch of its messages without holes, up to the newest or to one further back.
import type { Message } from './model.ts'

/** Of the placed ones; null if there is none. */
export const firstSeq = (messages: readonly Message[]): number | null =>
  messages.find(({ seq }) => seq !== null)?.seq ?? null
export const lastSeq = (messages: readonly Message[]): number | null =>
  messages.findLast(({ seq }) => seq !== null)?.seq ?? null

/**
 * What has changed and stands in the part that is shown, or is new at its end. `upTo`: where that part ends; null: with
 * the newest, and with what has no place yet. What lies elsewhere is shown once one comes there.
 */
export function within(
  shown: readonly Message[],
  upTo: number | null,
  news: readonly Message[],
): Message[] {
  const first = firstSeq(shown)
  const known = new Set(shown.map(({ id }) => id))
  return news.filter(({ id, seq }) => {
    if (known.has(id)) return true
    if (seq === null) return upTo === null
    return (first === null || seq >= first) && (upTo === null || seq <= upTo)
  })
}

/** Whether a page joins onto what is shown, so that no hole comes of it. */
export function joins(shown: readonly Message[], page: readonly Message[]): boolean {
  const [first, last] = [firstSeq(shown), lastSeq(shown)]
  if (first === null || last === null) return true
  return page.some(({ seq }) => seq !== null && seq >= first - 1 && seq <= last + 1)
}

/** The placed messages around `seq` among these, oldest first, up to the next hole on either side; empty if it is missing. */
export function runAround(messages: readonly Message[], seq: number): Message[] {
  const at = messages.findIndex((message) => message.seq === seq)
  if (at < 0) return []
  const follows = (i: number): boolean =>
    messages[i]?.seq === (messages[i - 1]?.seq ?? Number.NaN) + 1
  let [from, to] = [at, at]
  while (follows(from)) from -= 1
  while (follows(to + 1)) to += 1
  return messages.slice(from, to + 1)
}
