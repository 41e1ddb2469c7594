// Deletes in IndexedDB what is over (SPEC §7.10), and what waits to be said of it. Runs within a transaction of its caller.
import { ENDED_AT_ONCE, goneOf } from './gone.ts'
import type { StoredMessage } from './keep.ts'
import { putMessage } from './messagerows.ts'
import { withoutGone } from './resume.ts'
import { messageOf, type Row, type Stores } from './schema.ts'

/** @returns the messages as they were, at most {@link ENDED_AT_ONCE} */
export async function endIn(
  messages: Stores['messages'],
  outbox: Stores['outbox'],
  nowMs: number,
  keepMs: number,
): Promise<StoredMessage[]> {
  const over = await overIn(messages, nowMs, keepMs)
  for (const message of over) await putMessage(messages, goneOf(message))
  const waiting = over.length === 0 ? [] : await outbox.all()
  const gone = new Set(over.map(({ id }) => id))
  for (const entry of withoutGone(waiting, gone)) outbox.put(entry)
  return over
}

/** By their room, or by the host. */
async function overIn(
  messages: Stores['messages'],
  nowMs: number,
  keepMs: number,
): Promise<StoredMessage[]> {
  const over = new Map<string, StoredMessage>()
  const take = (row: Row): boolean => {
    if (over.size < ENDED_AT_ONCE) over.set(row.id, messageOf(row))
    return over.size < ENDED_AT_ONCE
  }
  await messages.visit('ends', IDBKeyRange.upperBound(nowMs), 'next', take)
  const oldest = IDBKeyRange.upperBound(nowMs - keepMs)
  if (keepMs > 0) await messages.visit('since', oldest, 'next', take)
  return [...over.values()]
}
