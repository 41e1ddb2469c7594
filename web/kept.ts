// Searching what this browser keeps, by the rules of the host (SPEC §7.5): what stands in IndexedDB, without a host.
import { excerptOf, matchesIn, parseQuery, type Query, searchedOf } from '../shared/terms.ts'
import type { StoredMessage } from './keep.ts'
import type { Hit, SearchWish } from './model.ts'
import type { Stores } from './schema.ts'

/** Rows read at a time, and results at most. */
const BATCH = 500
const LIMIT = 100

type Messages = Pick<Stores['messages'], 'lastKey' | 'allBy'>

/** Messages by the index of rooms and sequence numbers; `rooms`: those that this member is in. Newest first. */
export async function searchKept(
  messages: Messages,
  rooms: readonly string[],
  wish: SearchWish,
): Promise<Hit[]> {
  const query = parseQuery(wish.query)
  const hits: Hit[] = []
  if (query.length === 0 && !wish.onlyFiles) return hits
  for (const room of rooms)
    if (wish.room === null || wish.room === room)
      hits.push(...(await inRoom(messages, room, query, wish)))
  return hits.sort((a, b) => b.atMs - a.atMs).slice(0, LIMIT)
}

async function inRoom(
  messages: Messages,
  room: string,
  query: Query,
  wish: SearchWish,
): Promise<Hit[]> {
  const hits: Hit[] = []
  const all = IDBKeyRange.bound([room, 0], [room, Number.MAX_SAFE_INTEGER])
  const newest = (await messages.lastKey('place', all)) as [string, number] | undefined
  let below = newest === undefined ? 0 : newest[1] + 1
  while (below > 1 && hits.length < LIMIT) {
    const from = Math.max(1, below - BATCH)
    const range = IDBKeyRange.bound([room, from], [room, below], false, true)
    const rows = await messages.allBy('place', range)
    for (const row of rows.reverse()) hits.push(...hitOf(row, query, wish))
    below = from
  }
  return hits
}

function hitOf(row: StoredMessage, query: Query, wish: SearchWish): Hit[] {
  const { id, room, author, atMs, seq, deleted, file } = row
  const text = searchedOf(row.text, file?.name ?? null)
  const isMeant =
    !deleted &&
    seq !== null &&
    (file !== undefined || !wish.onlyFiles) &&
    (wish.author === null || wish.author === author) &&
    atMs >= wish.fromMs &&
    (wish.toMs === 0 || atMs < wish.toMs)
  // Of no words: asked for is every message with a file.
  const found = query.length === 0 ? [] : matchesIn(text, query)
  const ranges = isMeant ? found : null
  if (ranges === null || seq === null) return []
  return [{ id, room, author, atMs, seq, excerpt: excerptOf(text, ranges) }]
}
