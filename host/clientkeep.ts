// What `clawchat connect` keeps of one host (SPEC §6.2): keys, messages and outbox in one SQLite file, readable by its owner only.
// Every call is one transaction, on disk when its promise resolves (web/keep.ts).
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { toHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { settleOutbox } from '../shared/outbox.ts'
import { ENDED_AT_ONCE, goneOf } from '../web/gone.ts'
import {
  COUNTED_MOST,
  type Keep,
  type OutboxEntry,
  type Profile,
  roomIds,
  type StoredMessage,
} from '../web/keep.ts'
import { LOOK_THROUGH, withLost, withoutGone } from '../web/resume.ts'
import { transaction } from './database.ts'
import { createPrivate } from './folder.ts'

const FILE = 'client.db'
const VERSION = 2
// `position`: the order in which messages without a place were written. `message`: the whole of it as JSON.
const SCHEMA = `
CREATE TABLE profile (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL) STRICT;
CREATE TABLE messages (
  position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, room TEXT NOT NULL, seq INTEGER,
  message TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX messagesByPlace ON messages (room, seq);
CREATE TABLE outbox (number INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
`
/** When a message ends by its room, and when the host stored it (SPEC §7.10); null once it is gone. */
const LIFETIMES = `
UPDATE messages SET message = json_set(message, '$.gone', json('false'), '$.endsAtMs', 0, '$.notice', NULL);
UPDATE profile SET value = json_set(value, '$.keepMs', 0, '$.aheadMs', 0, '$.rooms', (
  SELECT json_group_array(json_patch(room.value, '{"lifeMs":0,"goneUpTo":0,"isTimer":false}'))
  FROM json_each(profile.value, '$.rooms') room));
ALTER TABLE messages ADD COLUMN ends INTEGER GENERATED ALWAYS AS (nullif(message ->> 'endsAtMs', 0)) VIRTUAL;
ALTER TABLE messages ADD COLUMN since INTEGER GENERATED ALWAYS AS
  (iif(message ->> 'gone', NULL, message ->> 'atMs')) VIRTUAL;
CREATE INDEX messagesByEnd ON messages (ends) WHERE ends IS NOT NULL;
CREATE INDEX messagesBySince ON messages (since) WHERE since IS NOT NULL;
`
/** What brings a database of the version before to this one; an empty one goes through all of them. */
const STEPS: readonly string[] = [SCHEMA, LIFETIMES]

type Row = Record<string, unknown>

const messageOf = (row: Row): StoredMessage => read(String(row.message)) as StoredMessage

const entryOf = (row: Row): OutboxEntry => ({
  number: Number(row.number),
  id: row.id as Uint8Array,
  kind: Number(row.kind),
  body: row.body as Uint8Array,
})

/** Bytes as {"hex": …}, so that one column holds all of a profile or message. */
const written = (value: Profile | StoredMessage): string =>
  JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? { hex: toHex(inner) } : inner))

const read = (text: string): unknown =>
  JSON.parse(text, (_, value) =>
    typeof value?.hex === 'string' ? new Uint8Array(Buffer.from(value.hex, 'hex')) : value,
  )

export class ClientKeep implements Keep {
  readonly #db: DatabaseSync

  private constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** In a folder that exists and is locked. Throws ClawError('storage'). */
  static open(dir: string): ClientKeep {
    const path = join(dir, FILE)
    try {
      createPrivate(path)
      const db = new DatabaseSync(path)
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
      const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
      if (version > VERSION) throw new ClawError('storage')
      const missing = STEPS.slice(version).join('\n')
      transaction(db, () => db.exec(`${missing} PRAGMA user_version = ${VERSION}`))
      return new ClientKeep(db)
    } catch {
      throw new ClawError('storage')
    }
  }

  close(): void {
    this.#db.close()
  }

  /** `run` in one transaction; what it throws keeps nothing. */
  #once<T>(run: () => T): Promise<T> {
    return new Promise((resolve) => resolve(transaction(this.#db, run)))
  }

  #profile(): Profile | null {
    const value = this.#db.prepare('SELECT value FROM profile').get()?.value
    return typeof value === 'string' ? (read(value) as Profile) : null
  }

  #must(): Profile {
    const profile = this.#profile()
    if (profile === null) throw new ClawError('storage')
    return profile
  }

  #put(profile: Profile): Profile {
    const text = written(profile)
    this.#db.prepare('INSERT OR REPLACE INTO profile (id, value) VALUES (0, ?)').run(text)
    return profile
  }

  profile(): Promise<Profile | null> {
    return this.#once(() => this.#profile())
  }

  /** A profile with its keys, before anything is sent with them. */
  begin(profile: Profile): Promise<Profile> {
    return this.#once(() => this.#put(profile))
  }

  /** The host took this device in. What a device that was removed wrote for it goes out by the new one. */
  enrolled(profile: Profile): Promise<Profile> {
    return this.#once(() => {
      const waiting = this.#outbox()
      this.#setOutbox(waiting.map((entry, i) => ({ ...entry, number: i + 1 })))
      return this.#put({ ...profile, assigned: waiting.length })
    })
  }

  /** The host is burnt: nothing of it stays but that it is. */
  burn(): Promise<void> {
    return this.#once(() => {
      this.#db.exec('DELETE FROM profile; DELETE FROM messages; DELETE FROM outbox')
    })
  }

  update(change: Partial<Profile>): Promise<Profile> {
    return this.#once(() => this.#put({ ...this.#must(), ...change }))
  }

  messages(room: string, limit: number): Promise<StoredMessage[]> {
    return this.#once(() => this.#newest(room, limit))
  }

  below(room: string, seq: number, limit: number): Promise<StoredMessage[]> {
    return this.#once(() =>
      this.#db
        .prepare(
          'SELECT * FROM messages WHERE room = ? AND seq > 0 AND seq < ? ORDER BY seq DESC LIMIT ?',
        )
        .all(room, seq, limit)
        .reverse()
        .map(messageOf),
    )
  }

  #newest(room: string, limit: number): StoredMessage[] {
    const placed = this.#db
      .prepare('SELECT * FROM messages WHERE room = ? AND seq > 0 ORDER BY seq DESC LIMIT ?')
      .all(room, limit)
    const others = this.#db
      .prepare('SELECT * FROM messages WHERE room = ? AND seq IS NULL ORDER BY position')
      .all(room)
    return [...placed.reverse(), ...others].map(messageOf)
  }

  others(room: string, seq: number): Promise<StoredMessage[]> {
    return this.#once(() => {
      const others = this.#db.prepare(
        `SELECT * FROM messages WHERE room = ? AND seq > ? AND message ->> 'mine' = 0
         AND since IS NOT NULL AND message ->> 'notice' IS NULL ORDER BY seq LIMIT ?`,
      )
      return others.all(room, seq, COUNTED_MOST).map(messageOf)
    })
  }

  dropRoom(room: string): Promise<void> {
    return this.#once(() => {
      this.#db.prepare('DELETE FROM messages WHERE room = ? AND seq > 0').run(room)
    })
  }

  message(id: string): Promise<StoredMessage | null> {
    return this.#once(() => this.#message(id))
  }

  #message(id: string): StoredMessage | null {
    const row = this.#db.prepare('SELECT * FROM messages WHERE id = ?').get(id)
    return row === undefined ? null : messageOf(row)
  }

  putMessages(messages: readonly StoredMessage[]): Promise<void> {
    return this.#once(() => this.#putMessages(messages))
  }

  #putMessages(messages: readonly StoredMessage[]): void {
    const put = this.#db.prepare(
      `INSERT INTO messages (id, room, seq, message) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET room = excluded.room, seq = excluded.seq, message = excluded.message`,
    )
    const drop = this.#db.prepare('DELETE FROM messages WHERE id = ?')
    for (const message of messages) {
      const { id, room, seq, gone } = message
      if (gone && seq === null) drop.run(id)
      else put.run(id, room, seq, written(message))
    }
  }

  post(message: StoredMessage, event: Omit<OutboxEntry, 'number'>): Promise<OutboxEntry> {
    return this.#once(() => {
      const profile = this.#must()
      const entry = { ...event, number: profile.assigned + 1 }
      this.#put({ ...profile, assigned: entry.number })
      this.#db.prepare('DELETE FROM messages WHERE id = ?').run(message.id)
      this.#putMessages([message])
      this.#addOutbox([entry])
      return entry
    })
  }

  forget(id: string): Promise<void> {
    return this.#once(() => {
      this.#db.prepare('DELETE FROM messages WHERE id = ?').run(id)
    })
  }

  enqueue(event: Omit<OutboxEntry, 'number'>): Promise<void> {
    return this.#once(() => this.#append(event))
  }

  alter(
    event: Omit<OutboxEntry, 'number'>,
    id: string,
    change: (message: StoredMessage) => StoredMessage | null,
  ): Promise<StoredMessage | null> {
    return this.#once(() => {
      const known = this.#message(id)
      const changed = known && change(known)
      if (changed === null) return null
      this.#putMessages([changed])
      this.#append(event)
      return changed
    })
  }

  #append(event: Omit<OutboxEntry, 'number'>): void {
    const profile = this.#must()
    const number = profile.assigned + 1
    this.#put({ ...profile, assigned: number })
    this.#addOutbox([{ ...event, number }])
  }

  #outbox(): OutboxEntry[] {
    return this.#db.prepare('SELECT * FROM outbox ORDER BY number').all().map(entryOf)
  }

  #addOutbox(entries: readonly OutboxEntry[]): void {
    const add = this.#db.prepare('INSERT INTO outbox (number, id, kind, body) VALUES (?, ?, ?, ?)')
    for (const { number, id, kind, body } of entries) add.run(number, id, kind, body)
  }

  #setOutbox(entries: readonly OutboxEntry[]): void {
    this.#db.exec('DELETE FROM outbox')
    this.#addOutbox(entries)
  }

  pending(after: number, limit: number): Promise<OutboxEntry[]> {
    return this.#once(() =>
      this.#db
        .prepare('SELECT * FROM outbox WHERE number > ? ORDER BY number LIMIT ?')
        .all(after, limit)
        .map(entryOf),
    )
  }

  acknowledged(number: number): Promise<StoredMessage[]> {
    return this.#once(() => {
      const gone = this.#outbox().filter((entry) => entry.number <= number)
      this.#db.prepare('DELETE FROM outbox WHERE number <= ?').run(number)
      return this.#markSent(gone)
    })
  }

  settle(stored: number, id: Uint8Array, nowMs: number): Promise<StoredMessage[]> {
    return this.#once(() => {
      const profile = this.#must()
      const settled = settleOutbox(this.#outbox(), profile.assigned, stored, id)
      const rooms = settled.forgotten ? roomIds(profile) : []
      const lost = rooms.flatMap((room) => this.#newest(room, LOOK_THROUGH))
      const kept = withLost(settled.kept, lost, profile, stored, nowMs)
      this.#setOutbox(kept)
      if (settled.forgotten) this.#unplace(kept)
      const behind = settled.forked ? roomIds(profile) : profile.behind
      this.#put({ ...profile, assigned: stored + kept.length, behind })
      return this.#markSent(settled.acknowledged)
    })
  }

  /** Their places are the restored host's to give. */
  #unplace(entries: readonly OutboxEntry[]): void {
    for (const { id } of entries) {
      const message = this.#message(toHex(id))
      if (message !== null) this.#putMessages([{ ...message, seq: null }])
    }
  }

  #markSent(entries: readonly OutboxEntry[]): StoredMessage[] {
    const sent = entries.flatMap(({ id }) => {
      const message = this.#message(toHex(id))
      return message?.state === 'sending' ? [{ ...message, state: 'sent' as const }] : []
    })
    this.#putMessages(sent)
    return sent
  }

  receive(
    number: number,
    id: Uint8Array,
    messages: readonly StoredMessage[],
    change: Partial<Profile> = {},
  ): Promise<void> {
    return this.#once(() => {
      const profile = this.#must()
      if (number <= profile.stored) return
      this.#put({ ...profile, ...change, stored: number, storedId: id })
      this.#putMessages(messages)
    })
  }

  end(nowMs: number, keepMs: number): Promise<StoredMessage[]> {
    const ended = this.#once(() => {
      const over = this.#over(nowMs, keepMs)
      this.#putMessages(over.map(goneOf))
      const gone = new Set(over.map(({ id }) => id))
      const put = this.#db.prepare('UPDATE outbox SET kind = ?, body = ? WHERE number = ?')
      for (const { number, kind, body } of withoutGone(this.#outbox(), gone))
        put.run(kind, body, number)
      return over
    })
    // What was written lately lies once more in the log beside the database.
    return ended.then((over) => {
      if (over.length > 0) this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      return over
    })
  }

  #over(nowMs: number, keepMs: number): StoredMessage[] {
    return this.#db
      .prepare(
        `SELECT * FROM messages WHERE ends <= ?1
         UNION SELECT * FROM messages WHERE seq > 0 AND since <= ?2 LIMIT ${ENDED_AT_ONCE}`,
      )
      .all(nowMs, keepMs === 0 ? 0 : nowMs - keepMs)
      .map(messageOf)
  }

  /** Messages with a place that nobody was told of yet, in the order of each room. */
  untold(): StoredMessage[] {
    return this.#db
      .prepare(
        'SELECT * FROM messages WHERE told = 0 AND seq > 0 AND since IS NOT NULL ORDER BY room, seq',
      )
      .all()
      .map(messageOf)
  }

  told(ids: readonly string[]): void {
    const mark = this.#db.prepare('UPDATE messages SET told = 1 WHERE id = ?')
    transaction(this.#db, () => {
      for (const id of ids) mark.run(id)
    })
  }
}
