// How long the messages of a room stay, and how those whose time is over go (SPEC §7.10): from the tables, the index, the
// log of changes and the files. Runs within a transaction of its caller. Room ids are 16 bytes, member ids hex.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { indexedOf, SearchIndex } from './search.ts'

type Row = Record<string, unknown>

/** Bears what nobody wrote any more. */
const NOBODY = '00'.repeat(16)

const SQL = {
  setLife: 'UPDATE rooms SET lifeMs = ? WHERE id = ? AND lifeMs <> ?',
  ended: 'SELECT * FROM messages WHERE endsAtMs > 0 AND endsAtMs <= ? ORDER BY endsAtMs LIMIT ?',
  old: 'SELECT * FROM messages WHERE gone = 0 AND atMs <= ? ORDER BY atMs LIMIT ?',
  forget: 'DELETE FROM changes WHERE message = ?',
  unreact: 'DELETE FROM reactions WHERE message = ?',
  dropFile: 'DELETE FROM files WHERE id = ?',
  wipe: `UPDATE messages SET text = '', author = '${NOBODY}', authorDevice = '${NOBODY}', replyTo = NULL, file = NULL,
    delivered = 0, edited = 0, deleted = 0, lifeMs = NULL, endsAtMs = 0, gone = 1 WHERE id = ?`,
  count: 'UPDATE rooms SET goneCount = goneCount + 1 WHERE id = ?',
  floor: `UPDATE rooms SET goneUpTo = ifnull(
    (SELECT seq - 1 FROM messages WHERE room = rooms.id AND seq > goneUpTo AND gone = 0 ORDER BY seq LIMIT 1), seq)
    WHERE id = ?`,
} as const

export class Lifetimes {
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>
  readonly #index: SearchIndex

  constructor(db: DatabaseSync) {
    this.#index = new SearchIndex(db)
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** Of what is written from now on. @returns whether it was another before */
  set(room: Uint8Array, lifeMs: number): boolean {
    return Number(this.#sql.setLife.run(lifeMs, room, lifeMs).changes) > 0
  }

  /** Deletes at most `limit` messages whose time is over. `keepMs`: 0 for ever. @returns how many */
  end(nowMs: number, keepMs: number, limit: number): number {
    const ended = this.#sql.ended.all(nowMs, limit)
    const left = limit - ended.length
    const known = new Set(ended.map(({ ordinal }) => ordinal))
    const old = keepMs === 0 || left === 0 ? [] : this.#sql.old.all(nowMs - keepMs, limit)
    const over = [...ended, ...old.filter(({ ordinal }) => !known.has(ordinal)).slice(0, left)]
    for (const row of over) this.#wipe(row)
    const rooms = new Map(over.map(({ room }) => [String(room), room as Uint8Array]))
    for (const room of rooms.values()) this.#sql.floor.run(room)
    return over.length
  }

  /** Its number and id stay, so that rooms have no gaps and nobody can post it once more. */
  #wipe(row: Row): void {
    const [message, where] = [row.id as Uint8Array, row.room as Uint8Array]
    if (row.deleted !== 1) this.#index.remove(indexedOf(row))
    this.#sql.forget.run(message)
    this.#sql.unreact.run(message)
    this.#sql.dropFile.run(message)
    this.#sql.wipe.run(message)
    this.#sql.count.run(where)
  }
}
