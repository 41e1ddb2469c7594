// The index of all texts and what is found by it (SPEC §7.5). Every term bears its room: what stands in other rooms is
// neither read nor passed over, so a search tells nothing of them, not by its time either.
// Runs within a transaction of its caller. Message and room ids are 16 bytes, member ids hex.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { readAttachment } from '../shared/attachment.ts'
import { fromHex, Reader, toHex } from '../shared/bytes.ts'
import type { Found, FoundMessage, Search } from '../shared/lookups.ts'
import {
  excerptOf,
  matchesIn,
  parseQuery,
  type Query,
  searchedOf,
  termsOf,
} from '../shared/terms.ts'

type Row = Record<string, unknown>

/** What the index knows of a message. */
export interface Indexed {
  readonly room: Uint8Array
  readonly ordinal: number
  /** member id */
  readonly author: string
  readonly text: string
  /** null where it has no file */
  readonly fileName: string | null
}

/** Terms that the index narrows by; the texts are compared with all of them. */
const NARROWING = 16
/** Candidates looked at for one answer, and their text: a later search goes on from there. */
const LOOKED_AT = 2000
const LOOKED_UNITS = 256 * 1024
/** Rows indexed at a time when a database is brought up. */
const BATCH = 5000
/** The first of 6400 private characters: with a room's number added it stands before each of its terms. */
const ROOM_MARK = 0xe000
/** Stands before the author of a message. */
const AUTHOR_MARK = '\u{f0000}'
/** Stands beside the terms of a message that has a file. */
const FILE_MARK = '\u{f0001}'
/** What makes terms: another version of it would look for what it did not write. */
const MAKER = `2 ${process.versions.unicode}`

const SQL = {
  numberOf: 'SELECT number FROM rooms WHERE id = ?',
  next: 'SELECT ifnull(max(ordinal), 0) + 1 AS ordinal FROM messages',
  add: 'INSERT INTO texts (rowid, terms) VALUES (?, ?)',
  remove: `INSERT INTO texts (texts, rowid, terms) VALUES ('delete', ?, ?)`,
  find: `SELECT m.* FROM texts t JOIN messages m ON m.ordinal = t.rowid
    WHERE texts MATCH ? AND t.rowid >= ? AND t.rowid < ? ORDER BY t.rowid DESC LIMIT ?`,
  byId: 'SELECT room, ordinal FROM messages WHERE id = ?',
  lastSeq: 'SELECT seq FROM rooms WHERE id = ?',
  at: 'SELECT atMs, ordinal FROM messages WHERE room = ? AND seq = ?',
} as const

export class SearchIndex {
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>

  constructor(db: DatabaseSync) {
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** The next message's: all rooms share one order. Never told: it would tell how much is written elsewhere. */
  nextOrdinal(): number {
    return Number(this.#sql.next.get()?.ordinal)
  }

  add(message: Indexed): void {
    this.#sql.add.run(message.ordinal, this.#entry(message))
  }

  /** As it was added. */
  remove(message: Indexed): void {
    this.#sql.remove.run(message.ordinal, this.#entry(message))
  }

  #entry(message: Indexed): string {
    return entryOf(markOf(this.#number(message.room)), message)
  }

  #number(room: Uint8Array): number {
    return Number(this.#sql.numberOf.get(room)?.number)
  }

  /** `rooms`: those that the member is in. */
  find(rooms: readonly Uint8Array[], search: Search): Pick<Found, 'next' | 'messages'> {
    const inside = new Set(rooms.map(toHex))
    const asked = search.rooms.length === 0 ? rooms : search.rooms
    const within = asked.filter((room) => inside.has(toHex(room)))
    const query = parseQuery(search.query)
    const bounds = this.#bounds(within, inside, search)
    const isEmpty = query.length === 0 && !search.onlyFiles
    if (isEmpty || within.length === 0 || bounds === null) return NOTHING
    const marks = within.map((room) => markOf(this.#number(room)))
    const match = matchOf(marks, query, search)
    return this.#collect(this.#sql.find.iterate(match, ...bounds, LOOKED_AT), query, search)
  }

  /** Ordinals from, and below; null if nothing lies between. */
  #bounds(
    rooms: readonly Uint8Array[],
    inside: ReadonlySet<string>,
    { below, fromMs, toMs }: Search,
  ): [number, number] | null {
    const last = below === null ? undefined : this.#sql.byId.get(below)
    // Another's message is no place to go on from.
    if (below !== null && (last === undefined || !inside.has(toHex(last.room as Uint8Array))))
      return null
    const upper = [last === undefined ? Number.MAX_SAFE_INTEGER : Number(last.ordinal)]
    const lower = [0]
    if (toMs > 0) upper.push(Math.max(0, ...rooms.map((room) => this.#ordinalFrom(room, toMs))))
    if (fromMs > 0) lower.push(Math.min(...rooms.map((room) => this.#ordinalFrom(room, fromMs))))
    const [from, to] = [Math.max(...lower), Math.min(...upper)]
    return from < to ? [from, to] : null
  }

  /** Of the first message of a room that is not before a time, or above all. */
  #ordinalFrom(room: Uint8Array, atMs: number): number {
    const seq = this.seqFrom(room, atMs)
    const row = this.#sql.at.get(room, seq)
    return row === undefined ? Number.MAX_SAFE_INTEGER : Number(row.ordinal)
  }

  /** The sequence number of the first message that is not before a time; one above the last if all are. */
  seqFrom(room: Uint8Array, atMs: number): number {
    let low = 1
    let high = Number(this.#sql.lastSeq.get(room)?.seq ?? 0) + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (Number(this.#sql.at.get(room, middle)?.atMs) < atMs) low = middle + 1
      else high = middle
    }
    return low
  }

  #collect(
    rows: Iterable<Row>,
    query: Query,
    { fromMs, toMs, limit }: Search,
  ): Pick<Found, 'next' | 'messages'> {
    const messages: FoundMessage[] = []
    let [looked, units] = [0, 0]
    for (const row of rows) {
      const text = searchedOf(String(row.text), nameOf(row.file))
      looked += 1
      units += text.length
      const isTimely = Number(row.atMs) >= fromMs && (toMs === 0 || Number(row.atMs) < toMs)
      const ranges = isTimely ? rangesIn(text, query) : null
      // One more than wanted: only now it is known that there is one.
      if (ranges !== null && messages.length === limit)
        return { messages, next: messages.at(-1)?.id ?? null }
      if (ranges !== null) messages.push({ ...placeOf(row), excerpt: excerptOf(text, ranges) })
      if (looked === LOOKED_AT || units > LOOKED_UNITS)
        return { messages, next: row.id as Uint8Array }
    }
    return { messages, next: null }
  }
}

const NOTHING = { messages: [], next: null } as const

/** Of no words: asked for is every message with a file. */
const rangesIn = (text: string, query: Query) => (query.length === 0 ? [] : matchesIn(text, query))

const placeOf = (row: Row) => ({
  id: row.id as Uint8Array,
  room: row.room as Uint8Array,
  seq: Number(row.seq),
  atMs: Number(row.atMs),
  author: fromHex(String(row.author)),
})

const markOf = (number: number): string => String.fromCharCode(ROOM_MARK + number)

/** Of a row of `messages`. */
export const indexedOf = ({ room, ordinal, author, text, file }: Row): Indexed => ({
  room: room as Uint8Array,
  ordinal: Number(ordinal),
  author: String(author),
  text: String(text),
  fileName: nameOf(file),
})

const nameOf = (file: unknown): string | null =>
  file instanceof Uint8Array ? (readAttachment(new Reader(file)).file?.name ?? null) : null

function entryOf(mark: string, { author, text, fileName }: Omit<Indexed, 'room'>): string {
  const terms = new Set(termsOf(searchedOf(text, fileName)).map(({ term }) => term))
  const marks = [AUTHOR_MARK + author, ...(fileName === null ? [] : [FILE_MARK])]
  return [...marks, ...terms].map((term) => mark + term).join(' ')
}

/** In FTS5's language. Terms hold letters, digits, marks and pictures only, so that nothing of a query is an operator. */
function matchOf(
  marks: readonly string[],
  query: Query,
  { authors, onlyFiles }: Pick<Search, 'authors' | 'onlyFiles'>,
): string {
  const wanted = query
    // The last character of a run is in the pair before it.
    .flatMap((phrase) =>
      phrase.filter(({ prefix }, i) => !prefix || i === 0 || phrase.length === 1),
    )
    .sort((a, b) => b.term.length - a.term.length)
    .slice(0, NARROWING)
  const terms = (mark: string): string[] => [
    ...(onlyFiles ? [`"${mark}${FILE_MARK}"`] : []),
    ...wanted.map(({ term, prefix }) => `"${mark}${term}"${prefix ? '*' : ''}`),
    ...(authors.length === 0
      ? []
      : [`(${authors.map((id) => `"${mark}${AUTHOR_MARK}${toHex(id)}"`).join(' OR ')})`]),
  ]
  return marks.map((mark) => `(${terms(mark).join(' AND ')})`).join(' OR ')
}

/** Brings the index in line with the messages: those of an older database, and all if terms are made otherwise now. */
export function fillIndex(db: DatabaseSync): void {
  const made = db.prepare(`SELECT value FROM kv WHERE key = 'index-maker'`).get()?.value
  if (made !== MAKER) {
    db.exec(`INSERT INTO texts (texts) VALUES ('delete-all')`)
    addAll(db)
    db.prepare(`INSERT OR REPLACE INTO kv (key, value) VALUES ('index-maker', ?)`).run(MAKER)
  }
}

function addAll(db: DatabaseSync): void {
  const rows = db.prepare(
    `SELECT m.ordinal, m.author, m.text, m.file, m.room, r.number FROM messages m JOIN rooms r ON r.id = m.room
     WHERE m.ordinal > ? AND m.deleted = 0 AND m.gone = 0 ORDER BY m.ordinal LIMIT ${BATCH}`,
  )
  const add = db.prepare(SQL.add)
  let after = 0
  for (;;) {
    const batch = rows.all(after)
    for (const row of batch) {
      after = Number(row.ordinal)
      add.run(after, entryOf(markOf(Number(row.number)), indexedOf(row)))
    }
    if (batch.length < BATCH) return
  }
}
