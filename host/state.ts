// What a host has on disk, opened: its folder with the keys, its database, and what lies in there (SPEC §1.2, §3.5).
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { toHex } from '../shared/bytes.ts'
import type { DhKey, RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { sha256 } from '../shared/hash.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { storageId } from '../shared/put.ts'
import { type Burnt, isOver, readBurnt, retireMega, wipeDatabase } from './burn.ts'
import { openDatabase, Settings } from './database.ts'
import { FILES_FOLDER } from './files.ts'
import { type Identity, openFolder } from './folder.ts'
import type { Passphrase } from './keyfile.ts'
import { Members } from './members.ts'
import { nodeBackend } from './nodecrypto.ts'
import { Rooms } from './rooms.ts'

/** setting: whether another copy of this host was seen */
const SUPERSEDED = 'superseded'

export interface HostState {
  readonly dir: string
  readonly database: DatabaseSync
  readonly settings: Settings
  readonly members: Members
  readonly rooms: Rooms
  readonly keys: HostKeys
  /** identities that are over, this one among them if a crash came in between */
  readonly burnt: readonly Burnt[]
  /** this identity is over: closing wipes the database and makes new keys */
  over: boolean
}

export interface HostKeys extends Identity {
  /** Ed25519 public key of H, 32 bytes */
  readonly hostPublicKey: Uint8Array
  /** S_h */
  readonly hostKey: DhKey
  /** of this host's record, 32 bytes */
  readonly storageId: Uint8Array
  /** SHA-256(H_pub), the first 16 bytes, hex; the page shows the same under "Security" */
  readonly identity: string
}

/** Closes by `closers`, last first. Throws ClawError: `folder-…`, `passphrase-…`, `storage`. */
export async function openState(
  dir: string,
  random: RandomBytes,
  nowMs: number,
  closers: (() => unknown)[],
  passphrase: Passphrase = null,
): Promise<HostState> {
  const folder = openFolder(dir, { passphrase })
  closers.push(() => folder.close())
  const burnt = readBurnt(folder.dir, nowMs)
  const over = isOver(burnt, folder.identity.writeSecret)
  const ending = { over }
  closers.push(() => {
    if (!ending.over) return
    const { writeSecret } = folder.identity
    retireMega(folder.dir, readBurnt(folder.dir, nowMs), writeSecret)
    folder.renew()
  })
  const database = openDatabase(folder.dir)
  closers.push(() => {
    if (ending.over) {
      wipeDatabase(database)
      rmSync(join(folder.dir, FILES_FOLDER), { recursive: true, force: true })
    }
    database.close()
  })
  return Object.assign(ending, {
    dir: folder.dir,
    database,
    settings: new Settings(database),
    members: new Members(database, random),
    rooms: new Rooms(database, random),
    keys: await publicParts(folder.identity),
    burnt,
  })
}

async function publicParts(identity: Identity): Promise<HostKeys> {
  const hostPublicKey = ed25519PublicKey(identity.identitySecret)
  return {
    ...identity,
    hostPublicKey,
    hostKey: await nodeBackend.dhKey(identity.hostSecret),
    storageId: storageId(ed25519PublicKey(identity.writeSecret)),
    identity: toHex(sha256(hostPublicKey).slice(0, 16)),
  }
}

/** Throws ClawError('superseded') if another copy of this host was seen, unless its owner knows better. */
export function refuseCopy(settings: Settings, takeOver: boolean): void {
  if (settings.get(SUPERSEDED) === 'yes' && !takeOver) throw new ClawError('superseded')
  settings.set(SUPERSEDED, 'no')
}

export const noteCopy = (settings: Settings): void => settings.set(SUPERSEDED, 'yes')

export const hostNameOf = (settings: Settings): string => settings.get('name') ?? 'My host'
