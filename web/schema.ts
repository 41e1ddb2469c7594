// The database of this browser's device, version by version: what an older page kept is brought up in one transaction.
import type { OutboxEntry, Profile, StoredMessage } from './keep.ts'
import { HOST_ROOM } from './roster.ts'
import { done, SealedStore } from './sealedstore.ts'
import { drawKey, type StoreKeys, Vault } from './vault.ts'

export const VERSION = 4
/** The one row of `keys`. */
export const LOCK = 'lock'

/** How the store keys lie there. `revision` grows with each change, so that of two tabs that change it one is told. */
export type Lock = OpenLock | PinLock

export interface OpenLock {
  readonly revision: number
  readonly kind: 'open'
  readonly keys: StoreKeys
}

/** SPEC §11.1 */
export interface PinLock {
  readonly revision: number
  readonly kind: 'pin'
  /** log2 of scrypt's N */
  readonly cost: number
  /** 16 bytes */
  readonly salt: Uint8Array
  readonly sealed: Uint8Array
}

/**
 * A message and, while it has no place in the room, when it was written: a place among its like, always above the last.
 * As long as it is there: when it ends by its room, and when the host stored it.
 */
export type Row = StoredMessage & { written?: number; ends?: number; since?: number }

export function messageOf({ written: _, ends: __, since: ___, ...message }: Row): StoredMessage {
  return message
}

export function rowOf(message: StoredMessage): Row {
  const { gone, endsAtMs, seq, atMs } = message
  return {
    ...message,
    ...(endsAtMs > 0 && !gone ? { ends: endsAtMs } : {}),
    ...(seq !== null && !gone ? { since: atMs } : {}),
  }
}

export interface Burnt {
  /** hex */
  readonly identities: readonly string[]
}

/** What stays in the clear (SPEC §11.1): what is looked for, and a key pair that the browser does not give away. */
const PLAIN = {
  profile: ({ key }: Profile): Partial<Profile> => (key instanceof Uint8Array ? {} : { key }),
  messages: ({ id, room, seq, written, ends, since }: Row): Partial<Row> => ({
    ...{ id, room, seq },
    ...(written === undefined ? {} : { written }),
    ...(ends === undefined ? {} : { ends }),
    ...(since === undefined ? {} : { since }),
  }),
  outbox: ({ number }: OutboxEntry): Partial<OutboxEntry> => ({ number }),
} as const

/** The stores of a transaction as callers see them; `burnt` is a row of `profile`. */
export interface Stores {
  readonly profile: SealedStore<Profile>
  readonly burnt: SealedStore<Burnt>
  readonly messages: SealedStore<Row>
  readonly outbox: SealedStore<OutboxEntry>
  readonly lease: IDBObjectStore
  readonly keys: IDBObjectStore
}

/** By name, one that the transaction is of. */
export function storesOf(transaction: IDBTransaction, vault: Vault) {
  const raw = (name: string): IDBObjectStore => transaction.objectStore(name)
  const open: { readonly [N in keyof Stores]: () => Stores[N] } = {
    profile: () => new SealedStore(raw('profile'), vault, PLAIN.profile),
    burnt: () => new SealedStore(raw('profile'), vault, () => ({})),
    messages: () => new SealedStore(raw('messages'), vault, PLAIN.messages),
    outbox: () => new SealedStore(raw('outbox'), vault, PLAIN.outbox),
    lease: () => raw('lease'),
    keys: () => raw('keys'),
  }
  return <N extends keyof Stores>(name: N): Stores[N] => open[name]()
}

/** In the transaction of `onupgradeneeded`: all of it, or nothing. */
export async function bringUp(transaction: IDBTransaction, from: number): Promise<void> {
  const { db } = transaction
  if (from === 0) create(db)
  else bringIndexesUp(transaction.objectStore('messages'), from)
  const lock = freshLock()
  db.createObjectStore('keys').put(lock, LOCK)
  if (from > 0) await sealAll(transaction, from, lock.keys)
}

/** Of a browser that keeps nothing yet. */
export const freshLock = (): OpenLock => ({ revision: 1, kind: 'open', keys: [drawKey()] })

function create(db: IDBDatabase): void {
  db.createObjectStore('profile')
  const messages = db.createObjectStore('messages', { keyPath: 'id' })
  messages.createIndex('place', ['room', 'seq'])
  messages.createIndex('written', 'written')
  messages.createIndex('ends', 'ends')
  messages.createIndex('since', 'since')
  db.createObjectStore('outbox', { keyPath: 'number' })
  db.createObjectStore('lease')
}

/** Version 1 knew one room, and messages that never change; version 2 no messages that end. */
function bringIndexesUp(messages: IDBObjectStore, from: number): void {
  if (from < 2) {
    messages.deleteIndex('seq')
    messages.createIndex('place', ['room', 'seq'])
  }
  if (from < 3) {
    messages.createIndex('ends', 'ends')
    messages.createIndex('since', 'since')
  }
}

const LASTING = { gone: false, endsAtMs: 0, notice: null }

function messageUp(row: Row, from: number): Row {
  const { reactions } = from < 2 ? { reactions: [] } : row
  const placed = { room: HOST_ROOM, edited: false, deleted: false, change: 0, replyTo: null }
  if (from > 2) return row
  return rowOf({ ...row, ...(from < 2 ? placed : {}), reactions, ...LASTING })
}

function profileUp(row: Profile, from: number): Profile {
  const fresh = { rooms: [], read: {}, readBy: {}, receipts: true, behind: [] }
  const known = from < 2 ? { ...row, ...fresh } : row
  if (from > 2) return known
  const rooms = known.rooms.map((room) => ({ ...room, lifeMs: 0, goneUpTo: 0, isTimer: false }))
  return { ...known, rooms, keepMs: 0, aheadMs: 0 }
}

/** Up to version 3 everything lay in the clear. */
async function sealAll(transaction: IDBTransaction, from: number, keys: StoreKeys): Promise<void> {
  const vault = new Vault(keys)
  const store = storesOf(transaction, vault)
  const old = (name: string): IDBObjectStore => transaction.objectStore(name)
  for (const key of await done(old('profile').getAllKeys())) {
    const row = await done(old('profile').get(key))
    // Beside the profile there is the list of burnt identities.
    if (Array.isArray(row)) store('burnt').put({ identities: row }, String(key))
    else store('profile').put(profileUp(row, from), String(key))
  }
  for (const row of await done(old('outbox').getAll())) store('outbox').put(row)
  await inBatches(old('messages'), (row) => store('messages').put(messageUp(row as Row, from)))
}

/** Rows at a time: a room of years fits into no memory. */
const BATCH = 500

async function inBatches(store: IDBObjectStore, each: (row: object) => void): Promise<void> {
  let after: IDBValidKey | null = null
  for (;;) {
    const range: IDBKeyRange | null = after === null ? null : IDBKeyRange.lowerBound(after, true)
    const rows = (await done(store.getAll(range, BATCH))) as { id: string }[]
    const last = rows.at(-1)
    if (last === undefined) return
    for (const row of rows) each(row)
    after = last.id
  }
}
