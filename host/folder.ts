// The data folder: one host's state, one host at a time. Keys lie in one file of 0600.
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { concat, Reader, toUtf8 } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'

/** Secrets of 32 bytes each: Ed25519 H, X25519 S_h, Ed25519 W (SPEC §1.2). */
export interface Identity {
  readonly identitySecret: Uint8Array
  readonly staticSecret: Uint8Array
  readonly writeSecret: Uint8Array
}

export interface Folder {
  readonly dir: string
  readonly identity: Identity
  /** releases the lock */
  close(): void
}

const MAGIC = toUtf8('CCID1')
const IDENTITY_FILE = 'identity.key'
const LOCK_FILE = 'lock.db'

/**
 * Opens or makes a data folder and locks it.
 * Throws ClawError: `folder-unusable` (not a folder, read-only), `folder-foreign` (someone else's files), `folder-locked`.
 */
export function openFolder(dir: string): Folder {
  const fresh = prepare(dir)
  const lock = takeLock(join(dir, LOCK_FILE))
  try {
    const path = join(dir, IDENTITY_FILE)
    if (fresh) writeAtomically(dir, IDENTITY_FILE, concat(MAGIC, randomBytes(96)), 0o600)
    const identity = readIdentity(path)
    return { dir, identity, close: () => lock.close() }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** @returns whether the identity is still to be made */
function prepare(dir: string): boolean {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const names = readdirSync(dir)
    if (names.includes(IDENTITY_FILE)) return false
    // A start that died before its identity was written leaves at most these.
    const ours = (name: string): boolean => name.startsWith(LOCK_FILE) || name.startsWith('.tmp-')
    if (names.every(ours)) return true
  } catch {
    throw new ClawError('folder-unusable')
  }
  throw new ClawError('folder-foreign')
}

/** SQLite's exclusive lock ends with the process, whatever ends it, unlike a file with a process id. */
function takeLock(path: string): DatabaseSync {
  const mask = process.umask(0o177)
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(path)
    db.exec(
      'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS held (x); COMMIT',
    )
    db.exec('BEGIN EXCLUSIVE')
    return db
  } catch (error) {
    db?.close()
    const busy = error instanceof Error && /locked|busy/i.test(error.message)
    throw new ClawError(busy ? 'folder-locked' : 'folder-unusable')
  } finally {
    process.umask(mask)
  }
}

function readIdentity(path: string): Identity {
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(readFileSync(path))
  } catch {
    throw new ClawError('folder-unusable')
  }
  const reader = new Reader(bytes, 'folder-foreign')
  for (const expected of MAGIC) if (reader.u8() !== expected) reader.fail()
  const identity = {
    identitySecret: reader.bytes(32),
    staticSecret: reader.bytes(32),
    writeSecret: reader.bytes(32),
  }
  reader.end()
  return identity
}

/** Whole or not at all, also after a power cut. Throws ClawError('folder-unusable'). */
export function writeAtomically(dir: string, name: string, bytes: Uint8Array, mode: number): void {
  try {
    mkdirSync(dir, { recursive: true })
    const temporary = join(dir, `.tmp-${name}`)
    const file = openSync(temporary, 'w', mode)
    try {
      writeSync(file, bytes)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, join(dir, name))
    if (process.platform !== 'win32') syncFolder(dir)
  } catch {
    throw new ClawError('folder-unusable')
  }
}

function syncFolder(dir: string): void {
  const handle = openSync(dir, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Bytes of a file, or null if there is none. */
export const readIfThere = (path: string): Uint8Array | null =>
  existsSync(path) ? new Uint8Array(readFileSync(path)) : null
