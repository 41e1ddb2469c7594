// The host's one SQLite file: schema and pragmas. What is acknowledged is on disk first (WAL, synchronous FULL).
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ClawError } from '../shared/error.ts'

const VERSION = 1
// Ids of members, devices and invites are hex text; message and event ids are 16-byte blobs.
const SCHEMA = `
CREATE TABLE member (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE invite (
  id TEXT PRIMARY KEY, root BLOB NOT NULL, role TEXT NOT NULL, uses INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL, note TEXT NOT NULL, withdrawn INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE device (
  id TEXT PRIMARY KEY, member TEXT REFERENCES member(id), name TEXT NOT NULL,
  public_key BLOB NOT NULL UNIQUE, root BLOB NOT NULL, invite TEXT NOT NULL REFERENCES invite(id),
  reserved_ms INTEGER NOT NULL, confirmed_ms INTEGER, last_seen_ms INTEGER NOT NULL,
  stored INTEGER NOT NULL DEFAULT 0, stored_id BLOB NOT NULL,
  assigned INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE message (
  room BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, author TEXT NOT NULL, device TEXT NOT NULL,
  at_ms INTEGER NOT NULL, text TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (room, seq), UNIQUE (device, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE queue (
  device TEXT NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL, kind INTEGER NOT NULL,
  body BLOB, room BLOB, seq INTEGER, PRIMARY KEY (device, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE nonce (nonce TEXT PRIMARY KEY, until_epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

/** Opens or makes `clawchat.db` (0600, with its companions). Throws ClawError('folder-unusable'). */
export function openDatabase(dir: string): DatabaseSync {
  const mask = process.umask(0o177)
  try {
    const db = new DatabaseSync(join(dir, 'clawchat.db'))
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    const row = db.prepare('PRAGMA user_version').get()
    if (row?.user_version === 0) {
      transaction(db, () => db.exec(`${SCHEMA} PRAGMA user_version = ${VERSION}`))
    } else if (row?.user_version !== VERSION) {
      db.close()
      throw new ClawError('folder-foreign')
    }
    return db
  } catch (error) {
    if (error instanceof ClawError) throw error
    throw new ClawError('folder-unusable')
  } finally {
    process.umask(mask)
  }
}

/** All or nothing, and on disk when it returns. */
export function transaction<T>(db: DatabaseSync, run: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = run()
    db.exec('COMMIT')
    return result
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

/** Small values that outlive a start: JSON under a name. */
export class Settings {
  readonly #db: DatabaseSync
  constructor(db: DatabaseSync) {
    this.#db = db
  }
  get(name: string): unknown {
    const row = this.#db.prepare('SELECT value FROM setting WHERE name = ?').get(name)
    return row === undefined ? null : JSON.parse(String(row.value))
  }
  set(name: string, value: unknown): void {
    this.#db
      .prepare('INSERT INTO setting VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value')
      .run(name, JSON.stringify(value))
  }
}

/** Accepted knocks, so that none is accepted again after a restart (SPEC §4.1). */
export class Nonces {
  readonly #db: DatabaseSync
  constructor(db: DatabaseSync) {
    this.#db = db
  }
  add(nonce: string, untilEpoch: number): void {
    this.#db.prepare('INSERT OR REPLACE INTO nonce VALUES (?, ?)').run(nonce, untilEpoch)
  }
  load(): { nonce: string; untilEpoch: number }[] {
    const rows = this.#db.prepare('SELECT nonce, until_epoch FROM nonce').all()
    return rows.map((row) => ({ nonce: String(row.nonce), untilEpoch: Number(row.until_epoch) }))
  }
  purge(epoch: number): void {
    this.#db.prepare('DELETE FROM nonce WHERE until_epoch < ?').run(epoch)
  }
}
