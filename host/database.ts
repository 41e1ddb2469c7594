// The host's one SQLite file (SPEC §6.2, §7): every commit is on disk before it is acknowledged.
// Member, device and invite ids are lower-case hex; event, message and room ids are blobs of 16 bytes.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ClawError } from '../shared/error.ts'
import { createPrivate } from './folder.ts'
import { fillIndex } from './search.ts'

const FILE = 'clawchat.db'
export const DATABASE_FILE = FILE
const VERSION = 10

const SCHEMA = `
CREATE TABLE members (id TEXT PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL, createdMs INTEGER NOT NULL) STRICT;
CREATE TABLE devices (
  id TEXT PRIMARY KEY, member TEXT NOT NULL REFERENCES members, name TEXT NOT NULL,
  publicKey BLOB NOT NULL UNIQUE, root BLOB NOT NULL,
  createdMs INTEGER NOT NULL, lastSeenMs INTEGER NOT NULL,
  assigned INTEGER NOT NULL DEFAULT 0, incoming INTEGER NOT NULL DEFAULT 0, incomingId BLOB NOT NULL
) STRICT;
CREATE INDEX devicesOfMember ON devices (member);
CREATE TABLE invites (
  id TEXT PRIMARY KEY, role TEXT NOT NULL, note TEXT NOT NULL, root BLOB NOT NULL,
  uses INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0,
  createdMs INTEGER NOT NULL, expiresAtMs INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'open'
) STRICT;
CREATE TABLE reservations (
  device TEXT PRIMARY KEY, invite TEXT NOT NULL REFERENCES invites, publicKey BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL, root BLOB NOT NULL, untilMs INTEGER NOT NULL
) STRICT;
CREATE TABLE rooms (id BLOB PRIMARY KEY, name TEXT NOT NULL, seq INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO rooms (id, name) VALUES (zeroblob(16), '');
CREATE TABLE messages (
  room BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL, author TEXT NOT NULL, authorDevice TEXT NOT NULL,
  atMs INTEGER NOT NULL, text TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (room, seq)
) STRICT;
CREATE UNIQUE INDEX messagesById ON messages (author, id);
CREATE TABLE outgoing (
  device TEXT NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL, kind INTEGER NOT NULL,
  body BLOB, room BLOB, seq INTEGER,
  PRIMARY KEY (device, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE nonces (nonce BLOB PRIMARY KEY, untilEpoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY, port INTEGER NOT NULL,
  certPem TEXT NOT NULL, keyPem TEXT NOT NULL, fingerprint BLOB NOT NULL
) STRICT;
CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`

/** What brings a database of the version before to this one; an empty one goes through all of them. */
const STEPS: readonly string[] = [
  SCHEMA,
  // By which link a device came in, who made a link, and which keys never come in again (SPEC §3.4).
  `ALTER TABLE devices ADD COLUMN invite TEXT;
  ALTER TABLE invites ADD COLUMN byDevice TEXT;
  CREATE TABLE revoked (publicKey BLOB PRIMARY KEY, device TEXT NOT NULL, atMs INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  // Whose further device a link makes (SPEC §7.3).
  'ALTER TABLE invites ADD COLUMN member TEXT;',
  // Rooms, who is in them, and messages that change (SPEC §7, §7.4).
  `ALTER TABLE rooms ADD COLUMN kind TEXT NOT NULL DEFAULT 'room';
  ALTER TABLE rooms ADD COLUMN createdBy TEXT;
  ALTER TABLE rooms ADD COLUMN createdMs INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rooms ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE inside (
    room BLOB NOT NULL, member TEXT NOT NULL, sinceMs INTEGER NOT NULL, PRIMARY KEY (room, member)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX roomsOfMember ON inside (member);
  INSERT INTO inside SELECT zeroblob(16), id, createdMs FROM members;
  CREATE TABLE inviteRooms (
    invite TEXT NOT NULL, room BLOB NOT NULL, PRIMARY KEY (invite, room)
  ) STRICT, WITHOUT ROWID;
  DROP INDEX messagesById;
  CREATE UNIQUE INDEX messagesById ON messages (id);
  ALTER TABLE messages ADD COLUMN replyTo BLOB;
  ALTER TABLE messages ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE messages ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE messages ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE changes (
    message BLOB NOT NULL, change INTEGER NOT NULL, kind TEXT NOT NULL, member TEXT NOT NULL,
    atMs INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (message, change)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE reactions (message BLOB NOT NULL, emoji TEXT NOT NULL, member TEXT NOT NULL) STRICT;
  CREATE UNIQUE INDEX reactionsOf ON reactions (message, emoji, member);
  CREATE TABLE reads (
    room BLOB NOT NULL, member TEXT NOT NULL, seq INTEGER NOT NULL, shared INTEGER NOT NULL,
    PRIMARY KEY (room, member)
  ) STRICT, WITHOUT ROWID;`,
  // How a member is shown to others (SPEC §7.2).
  `ALTER TABLE members ADD COLUMN tone INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE members ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;`,
  // The index of all texts (SPEC §7.5). SQLite may give rows other ids when it tidies up; ordinals stay.
  // `terms` is no text but what search.ts makes of it, one word a term; nothing of what is deleted stays in there.
  `ALTER TABLE rooms ADD COLUMN number INTEGER;
  UPDATE rooms SET number = rowid;
  ALTER TABLE messages ADD COLUMN ordinal INTEGER;
  UPDATE messages SET ordinal = rowid;
  CREATE UNIQUE INDEX messagesByOrdinal ON messages (ordinal);
  CREATE VIRTUAL TABLE texts USING fts5(
    terms, content='', columnsize=0, detail=none, tokenize='ascii', prefix='2 3 4 5 6 7'
  );
  INSERT INTO texts (texts, rank) VALUES ('secure-delete', 1);`,
  // Files (SPEC §7.7). `file`: as it stands in MESSAGE. `hash` and `content`, its name on the disk, once it is whole.
  `ALTER TABLE messages ADD COLUMN file BLOB;
  CREATE TABLE files (
    id BLOB PRIMARY KEY, member TEXT NOT NULL, room BLOB NOT NULL, size INTEGER NOT NULL,
    createdMs INTEGER NOT NULL, hash BLOB, content TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX filesByContent ON files (content);
  CREATE INDEX filesOfMember ON files (member);`,
  // Where a device that is away is told that something waits (SPEC §7.8); goes with the device.
  `CREATE TABLE pushes (
    device TEXT PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
    endpoint TEXT NOT NULL, p256dh BLOB NOT NULL, auth BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;`,
  // How long messages stay (SPEC §7.10). Of one that is gone only its place is left. `goneUpTo`: up to there all are;
  // `goneCount`: how many. A message with `lifeMs` says that its author set that.
  `ALTER TABLE rooms ADD COLUMN lifeMs INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rooms ADD COLUMN goneUpTo INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rooms ADD COLUMN goneCount INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE messages ADD COLUMN endsAtMs INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE messages ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE messages ADD COLUMN lifeMs INTEGER;
  CREATE INDEX messagesByEnd ON messages (endsAtMs) WHERE endsAtMs > 0;
  CREATE INDEX messagesByTime ON messages (atMs) WHERE gone = 0;`,
  // Pictures of members (SPEC §7.11): each content once, sealed.
  `ALTER TABLE members ADD COLUMN picture BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
  CREATE TABLE pictures (id BLOB PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;`,
]

/** Opens or creates the database of a locked data folder; ClawError('storage') for one this version cannot read. */
export function openDatabase(dir: string): DatabaseSync {
  const path = join(dir, FILE)
  let db: DatabaseSync | null = null
  try {
    // SQLite gives -wal and -shm the mode of the main file.
    createPrivate(path)
    db = new DatabaseSync(path)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    // What is deleted is overwritten, in the tables and in the index.
    db.exec('PRAGMA secure_delete = ON')
    prepareSchema(db)
    const opened = db
    transaction(opened, () => fillIndex(opened))
    return db
  } catch {
    db?.close()
    throw new ClawError('storage')
  }
}

/** With what is written and not yet moved into the main file. */
export const databaseBytes = (dir: string): number =>
  [FILE, `${FILE}-wal`].reduce(
    (sum, file) => sum + (statSync(join(dir, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )

/**
 * Writes all of it, as it is at one moment, into a file that is not there yet, also while a host has it open.
 * @returns the contents of files that it names. Throws ClawError('storage').
 */
export function snapshotDatabase(dir: string, to: string): string[] {
  const opened: DatabaseSync[] = []
  const look = (path: string): DatabaseSync => {
    const db = new DatabaseSync(path, { readOnly: true })
    opened.push(db)
    return db
  }
  try {
    createPrivate(to)
    look(join(dir, FILE)).exec(`VACUUM INTO '${to.replaceAll("'", "''")}'`)
    const named = look(to).prepare('SELECT DISTINCT content FROM files WHERE content IS NOT NULL')
    return named.all().map(({ content }) => String(content))
  } catch {
    throw new ClawError('storage')
  } finally {
    for (const db of opened) db.close()
  }
}

/** To look at one moment of it, also while a host has it open. Throws ClawError('storage'). */
export function readDatabase(dir: string): DatabaseSync {
  try {
    const db = new DatabaseSync(join(dir, FILE), { readOnly: true })
    db.exec('BEGIN')
    return db
  } catch {
    throw new ClawError('storage')
  }
}

/** Only looks, also while a host has it open. */
export function isDatabaseWhole(dir: string): boolean {
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(join(dir, FILE), { readOnly: true })
    return db.prepare('PRAGMA quick_check(1)').get()?.quick_check === 'ok'
  } catch {
    return false
  } finally {
    db?.close()
  }
}

/**
 * Makes the tables of an empty database, or brings older ones up; ClawError('storage') for those of a later version.
 * `upTo`: an older version, for tests.
 */
export function prepareSchema(db: DatabaseSync, upTo = VERSION): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version === upTo) return
  if (version > VERSION) throw new ClawError('storage')
  const missing = STEPS.slice(version, upTo).join('\n')
  transaction(db, () => db.exec(`${missing} PRAGMA user_version = ${upTo}`))
}

/**
 * Runs in one transaction: all of it is on disk when this returns, or none of it when it throws.
 * Within another one it is a part of that.
 */
export function transaction<T>(db: DatabaseSync, run: () => T): T {
  if (db.isTransaction) return run()
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = run()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** Small values that outlive a run. */
export class Settings {
  readonly #get
  readonly #set
  constructor(db: DatabaseSync) {
    this.#get = db.prepare('SELECT value FROM kv WHERE key = ?')
    this.#set = db.prepare('INSERT OR REPLACE INTO kv (key, value) VALUES (?, ?)')
  }
  get(key: string): string | null {
    const value = this.#get.get(key)?.value
    return typeof value === 'string' ? value : null
  }
  set(key: string, value: string): void {
    this.#set.run(key, value)
  }
}

/** Accepted knock nonces (SPEC §4.1), kept until their epochs have left the window. */
export class NonceTable {
  readonly #add
  readonly #all
  readonly #remove
  constructor(db: DatabaseSync) {
    this.#add = db.prepare('INSERT OR REPLACE INTO nonces (nonce, untilEpoch) VALUES (?, ?)')
    this.#all = db.prepare('SELECT nonce, untilEpoch FROM nonces')
    this.#remove = db.prepare('DELETE FROM nonces WHERE nonce = ?')
  }
  /** On disk when this returns. `nonce`: 12 bytes; refused up to and including `untilEpoch`. */
  add(nonce: Uint8Array, untilEpoch: number): void {
    this.#add.run(nonce, untilEpoch)
  }
  all(): { readonly nonce: Uint8Array; readonly untilEpoch: number }[] {
    return this.#all.all().map((row) => ({
      nonce: row.nonce as Uint8Array,
      untilEpoch: Number(row.untilEpoch),
    }))
  }
  remove(nonce: Uint8Array): void {
    this.#remove.run(nonce)
  }
}

export interface StoredEpoch {
  readonly epoch: number
  readonly port: number
  readonly certPem: string
  readonly keyPem: string
  /** SHA-256 of the DTLS certificate, 32 bytes */
  readonly fingerprint: Uint8Array
}

/** Ports and certificates drawn in advance (SPEC §3.1). */
export class EpochTable {
  readonly #db
  readonly #all
  readonly #put
  readonly #drop
  constructor(db: DatabaseSync) {
    this.#db = db
    this.#all = db.prepare('SELECT * FROM epochs ORDER BY epoch')
    this.#put = db.prepare(
      'INSERT OR REPLACE INTO epochs (epoch, port, certPem, keyPem, fingerprint) VALUES (?, ?, ?, ?, ?)',
    )
    this.#drop = db.prepare('DELETE FROM epochs WHERE epoch < ?')
  }
  all(): StoredEpoch[] {
    return this.#all.all().map((row) => ({
      epoch: Number(row.epoch),
      port: Number(row.port),
      certPem: String(row.certPem),
      keyPem: String(row.keyPem),
      fingerprint: row.fingerprint as Uint8Array,
    }))
  }
  /** These and no others, in one transaction: no certificate of the schedule before is left (SPEC §3.4). */
  replace(epochs: readonly StoredEpoch[]): void {
    transaction(this.#db, () => {
      this.#drop.run(Number.MAX_SAFE_INTEGER)
      this.save(epochs, 0)
    })
  }
  /** Adds or replaces epochs and forgets those before `keepFrom`, in one transaction. */
  save(epochs: readonly StoredEpoch[], keepFrom: number): void {
    transaction(this.#db, () => {
      for (const { epoch, port, certPem, keyPem, fingerprint } of epochs) {
        this.#put.run(epoch, port, certPem, keyPem, fingerprint)
      }
      this.#drop.run(keepFrom)
    })
  }
}
