// What a member looks up (SPEC §7.5, §7.6): it finds only what stands in its rooms; of others nothing is told, as if they
// were not there. Message and room ids are 16 bytes, member ids hex.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { equal } from '../shared/bytes.ts'
import {
  EARLIER_MAX,
  type Earlier,
  type Locate,
  type Lookup,
  type LookupAnswer,
  type PictureOf,
} from '../shared/lookups.ts'
import { Pace } from '../shared/pace.ts'
import type { RoomList } from './roomlist.ts'
import { SearchIndex } from './search.ts'

type Row = Record<string, unknown>
/** What stands in the rooms; pictures are pictures.ts's. */
export type MessageLookup = Exclude<Lookup, PictureOf>

/** Look-ups of one session: at once, and in a second from then on. */
export const LOOKUP_BURST = 30
export const LOOKUPS_PER_SECOND = 4

/** Of one session. */
export const lookupPace = (nowMs: number): Pace => new Pace(nowMs, LOOKUPS_PER_SECOND, LOOKUP_BURST)

const SQL = {
  byId: 'SELECT room, seq, deleted FROM messages WHERE id = ? AND gone = 0',
  from: 'SELECT seq FROM messages WHERE room = ? AND seq >= ? AND gone = 0 ORDER BY seq LIMIT 1',
  before:
    'SELECT seq FROM messages WHERE room = ? AND seq < ? AND gone = 0 ORDER BY seq DESC LIMIT 1',
  versions: `SELECT atMs, text FROM changes WHERE message = ? AND kind = 'edit'
    ORDER BY change DESC LIMIT ${EARLIER_MAX}`,
} as const

export class Lookups {
  readonly #list: RoomList
  readonly #index: SearchIndex
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>

  constructor(db: DatabaseSync, list: RoomList) {
    this.#list = list
    this.#index = new SearchIndex(db)
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  answer(member: string, lookup: MessageLookup): LookupAnswer {
    const { token } = lookup
    switch (lookup.type) {
      case 'search': {
        const found = this.#index.find(this.#list.idsOf(member), lookup)
        return { type: 'found', token, code: null, ...found }
      }
      case 'locate':
        return { type: 'located', token, code: null, seq: this.#locate(member, lookup) }
      case 'versions': {
        const texts = this.#versions(member, lookup.message)
        return { type: 'earlier', token, code: null, texts }
      }
    }
  }

  /** 0: nowhere. Beyond the last message it is the last. */
  #locate(member: string, { room, by }: Locate): number {
    if (!this.#list.isInside(room, member)) return 0
    if ('atMs' in by) {
      const seq = this.#index.seqFrom(room, by.atMs)
      const place = this.#sql.from.get(room, seq) ?? this.#sql.before.get(room, seq)
      return Number(place?.seq ?? 0)
    }
    const row = this.#sql.byId.get(by.message)
    return row !== undefined && equal(row.room as Uint8Array, room) ? Number(row.seq) : 0
  }

  /** Newest first. Nothing of a deleted message: the log has no text of it either. */
  #versions(member: string, message: Uint8Array): Earlier['texts'] {
    const row: Row | undefined = this.#sql.byId.get(message)
    const isHere = row !== undefined && this.#list.isInside(row.room as Uint8Array, member)
    if (!isHere || row.deleted === 1) return []
    return this.#sql.versions
      .all(message)
      .map(({ atMs, text }) => ({ untilMs: Number(atMs), text: String(text) }))
  }
}

/** The same question, not carried out. */
export function tooMany({ type, token }: Lookup): LookupAnswer {
  const failed = { token, code: 'too-many' } as const
  switch (type) {
    case 'search':
      return { type: 'found', ...failed, next: null, messages: [] }
    case 'locate':
      return { type: 'located', ...failed, seq: 0 }
    case 'versions':
      return { type: 'earlier', ...failed, texts: [] }
    case 'picture':
      return { type: 'pictured', ...failed, picture: new Uint8Array() }
  }
}
