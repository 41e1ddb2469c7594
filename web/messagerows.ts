// The rows of messages in this browser's database (schema.ts): put, found, and marked, within a transaction of the caller's.
import { toHex } from '../shared/bytes.ts'
import type { OutboxEntry, StoredMessage } from './keep.ts'
import { messageOf, type Row, rowOf, type Stores } from './schema.ts'

type Messages = Stores['messages']

export async function putMessage(store: Messages, message: StoredMessage): Promise<void> {
  if (message.seq !== null) {
    store.put(rowOf(message))
    return
  }
  if (message.gone) {
    store.delete(message.id)
    return
  }
  const known = await store.get(message.id)
  const last = await store.lastKey('written')
  const written = known?.written ?? Math.max(message.atMs, Number(last ?? 0) + 1)
  store.put({ ...rowOf(message), written })
}

/** All placed ones of a room above a sequence number. */
export const above = (room: string, seq: number): IDBKeyRange =>
  IDBKeyRange.bound([room, seq], [room, Number.MAX_SAFE_INTEGER], true)

/** The newest placed ones within a range, oldest first. */
export async function placedIn(
  store: Messages,
  range: IDBKeyRange,
  limit: number,
): Promise<StoredMessage[]> {
  const placed: Row[] = []
  await store.visit('place', range, 'prev', (row) => {
    if (placed.length < limit) placed.push(row)
    return placed.length < limit
  })
  return placed.reverse().map(messageOf)
}

/** The newest placed ones of a room, oldest first, and all of it without a place, as they were written. */
export async function newest(
  store: Messages,
  room: string,
  limit: number,
): Promise<StoredMessage[]> {
  const placed = await placedIn(store, above(room, 0), limit)
  const unplaced = await store.allBy('written')
  const here = unplaced.filter((row) => row.room === room)
  return [...placed, ...here.map(messageOf)]
}

/** Their places are the restored host's to give; until then they stand in the order in which they go out. */
export async function unplace(store: Messages, entries: readonly OutboxEntry[]): Promise<void> {
  for (const { id } of entries) {
    const row = await store.get(toHex(id))
    if (row === undefined) continue
    store.delete(row.id)
    await putMessage(store, { ...messageOf(row), seq: null })
  }
}

export async function markSent(
  store: Messages,
  entries: readonly OutboxEntry[],
): Promise<StoredMessage[]> {
  const sent: StoredMessage[] = []
  for (const { id } of entries) {
    const row = await store.get(toHex(id))
    if (row?.state !== 'sending') continue
    store.put({ ...row, state: 'sent' })
    sent.push({ ...messageOf(row), state: 'sent' })
  }
  return sent
}
