// The data folder: one host at a time, secrets readable by its owner only (SPEC §1.2).
// The lock is SQLite's: the operating system lets go of it when the process dies, however it dies.
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { CONFIG_FILE } from './configfile.ts'
import {
  decodeKeyFile,
  encodeKeyFile,
  isSealedKeyFile,
  type Passphrase,
  SECRET_BYTES,
} from './keyfile.ts'
import { MEGA_ACCOUNT_FILE } from './megaaccount.ts'

/** The host's long-term secrets, 32 bytes each (SPEC §1.2). */
export interface Identity {
  /** Ed25519 secret of H */
  readonly identitySecret: Uint8Array
  /** X25519 secret of S_h */
  readonly hostSecret: Uint8Array
  /** Ed25519 secret of W */
  readonly writeSecret: Uint8Array
}

export interface Folder {
  readonly dir: string
  readonly identity: Identity
  /** The same secrets behind another passphrase, or none. */
  reseal(passphrase: Passphrase): void
  /** Other secrets, behind the same passphrase, in one rename: the old ones are gone (SPEC §3.5). */
  renew(): void
  /** Lets another host have the folder; idempotent. */
  close(): void
}

export const KEY_FILE = 'identity.key'
const LOCK_FILE = 'lock.db'
/** What `clawchat connect` keeps of other hosts. */
export const CLIENTS_FOLDER = 'clients'
/** What an interrupted first start may leave behind before there is a key, and what its owner may put there for it. */
const LEFT_OVERS: ReadonlySet<string> = new Set([
  LOCK_FILE,
  `${LOCK_FILE}-journal`,
  `${KEY_FILE}.tmp`,
  MEGA_ACCOUNT_FILE,
  CONFIG_FILE,
  CLIENTS_FOLDER,
])
/** Keeps locks from the garbage collector, which would close them and so let a second host in. */
const held = new Set<DatabaseSync>()
const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

interface FolderOptions {
  readonly random?: RandomBytes
  /** of the keys, where they are behind one; those that are not yet, or are new, come behind it */
  readonly passphrase?: Passphrase
}

/**
 * Opens or creates the folder (0700) and its keys (0600), and holds its lock until closed.
 * Throws ClawError: `folder-unusable`, `folder-foreign`, `folder-locked`, `passphrase-missing`, `passphrase-wrong`.
 */
export function openFolder(
  dir: string,
  { random = randomBytes, passphrase = null }: FolderOptions = {},
): Folder {
  const names = usable(() => listFolder(dir))
  const known = names.includes(KEY_FILE)
  // Nothing is written into a folder that holds someone else's files.
  if (!known && names.some((name) => !LEFT_OVERS.has(name))) throw new ClawError('folder-foreign')
  const lock = lockFolder(dir)
  try {
    // Asked again under the lock: another host may have made the keys a moment ago.
    const present = usable(() => readdirSync(dir)).includes(KEY_FILE)
    let behind = passphrase
    const write = (secrets: Uint8Array): void =>
      usable(() => writeIdentity(dir, encodeKeyFile(secrets, behind, random)))
    const fresh = (): Uint8Array => new Uint8Array(random(SECRET_BYTES))
    const secrets = present ? usable(() => readSecrets(dir, passphrase)) : fresh()
    if (!present || (passphrase !== null && !isKeySealed(dir))) write(secrets)
    return {
      dir,
      identity: splitIdentity(secrets),
      reseal: (next) => {
        behind = next
        write(secrets)
      },
      renew: () => write(fresh()),
      close: () => closeLock(lock),
    }
  } catch (error) {
    closeLock(lock)
    throw error
  }
}

/**
 * A folder of a client (0700), made if it is missing and held until closed, whatever else lies in it.
 * Throws ClawError: `folder-unusable`, `folder-locked`.
 */
export function holdFolder(dir: string): { close(): void } {
  usable(() => makeFolder(resolve(dir)))
  const lock = lockFolder(dir)
  return { close: () => closeLock(lock) }
}

/** Anything the file system refuses is `folder-unusable`. */
function usable<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof ClawError ? error : new ClawError('folder-unusable')
  }
}

function listFolder(dir: string): string[] {
  makeFolder(resolve(dir))
  if (!statSync(dir).isDirectory()) throw new ClawError('folder-unusable')
  return readdirSync(dir)
}

// Node's recursive mkdir never returns where a folder takes no entries, as /proc does: so parents first, then it alone.
function makeFolder(dir: string): void {
  if (existsSync(dir)) return
  if (!existsSync(dirname(dir))) makeFolder(dirname(dir))
  mkdirSync(dir, { mode: 0o700 })
}

function lockFolder(dir: string): DatabaseSync {
  const path = join(dir, LOCK_FILE)
  usable(() => createPrivate(path))
  let lock: DatabaseSync | null = null
  try {
    lock = new DatabaseSync(path, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    held.add(lock)
    return lock
  } catch (error) {
    lock?.close()
    const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
    if (code === SQLITE_BUSY) throw new ClawError('folder-locked')
    throw new ClawError(code === SQLITE_NOTADB ? 'folder-foreign' : 'folder-unusable')
  }
}

function closeLock(lock: DatabaseSync): void {
  if (held.delete(lock)) lock.close()
}

/** An empty file with mode 0600, unless it exists. An existing one is not opened: closing it would drop SQLite's lock. */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/**
 * Without a lock, for those who only look; null where there is none, or none without its passphrase.
 * Throws ClawError: `folder-unusable`, `folder-foreign`, `passphrase-wrong`.
 */
export function peekIdentity(dir: string, passphrase: Passphrase = null): Identity | null {
  const isClosed = passphrase === null && isKeySealed(dir)
  if (isClosed || !existsSync(join(dir, KEY_FILE))) return null
  return usable(() => splitIdentity(readSecrets(dir, passphrase)))
}

/** Whether a passphrase stands before the keys; not where there are none. */
export function isKeySealed(dir: string): boolean {
  const path = join(dir, KEY_FILE)
  return existsSync(path) && usable(() => isSealedKeyFile(new Uint8Array(readFileSync(path))))
}

const readSecrets = (dir: string, passphrase: Passphrase): Uint8Array =>
  decodeKeyFile(new Uint8Array(readFileSync(join(dir, KEY_FILE))), passphrase)

const splitIdentity = (secrets: Uint8Array): Identity => ({
  identitySecret: secrets.slice(0, 32),
  hostSecret: secrets.slice(32, 64),
  writeSecret: secrets.slice(64, 96),
})

function writeIdentity(dir: string, bytes: Uint8Array): void {
  chmodSync(dir, 0o700)
  writeAtomically(join(dir, KEY_FILE), bytes, 0o600)
  syncFolder(dir)
}

/** Writes, syncs and renames, so that a crash leaves the old file or the new one. */
export function writeAtomically(path: string, bytes: Uint8Array, mode: number): void {
  const temporary = `${path}.tmp`
  const file = openSync(temporary, 'w', mode)
  try {
    let at = 0
    while (at < bytes.length) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}

/** Makes a rename in `dir` durable; Windows cannot open folders and needs none of it. */
export function syncFolder(dir: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(dir, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
