// What this browser keeps (IndexedDB): its keys, the host it belongs to, messages, and the outbox (keep.ts).
import { toHex } from '../shared/bytes.ts'
import type { MaybePromise } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import {
  COUNTED_MOST,
  freshProfile,
  isNews,
  type Keep,
  type OutboxEntry,
  type Profile,
  roomIds,
  type StoredKey,
  type StoredMessage,
} from './keep.ts'
import type { Hit, SearchWish } from './model.ts'
import { HOST_ROOM } from './roster.ts'
import { generateDeviceKeyPair } from './webcrypto.ts'

const DATABASE = 'clawchat'
const VERSION = 3
const STORES = ['profile', 'messages', 'outbox', 'lease'] as const
type StoreName = (typeof STORES)[number]

/** The profile in use, and one whose enrolment is under way: a link that turns out bad costs nobody their chat. */
const IN_USE = 'me'
const JOINING = 'joining'
/** identities that were burnt, hex */
const BURNT = 'burnt'

export const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

/**
 * A message and, while it has no place in the room, when it was written: a place among its like, always above the last.
 * As long as it is there: when it ends by its room, and when the host stored it.
 */
export type Row = StoredMessage & { written?: number; ends?: number; since?: number }

export function messageOf({ written: _, ends: __, since: ___, ...message }: Row): StoredMessage {
  return message
}

function rowOf(message: StoredMessage): Row {
  const { gone, endsAtMs, seq, atMs } = message
  return {
    ...message,
    ...(endsAtMs > 0 && !gone ? { ends: endsAtMs } : {}),
    ...(seq !== null && !gone ? { since: atMs } : {}),
  }
}

export async function putMessage(store: IDBObjectStore, message: StoredMessage): Promise<void> {
  if (message.seq !== null) {
    store.put(rowOf(message))
    return
  }
  if (message.gone) {
    store.delete(message.id)
    return
  }
  const known = (await done(store.get(message.id))) as Row | undefined
  const last = await done(store.index('written').openKeyCursor(null, 'prev'))
  const written = known?.written ?? Math.max(message.atMs, Number(last?.key ?? 0) + 1)
  store.put({ ...rowOf(message), written })
}

/** All placed ones of a room above a sequence number. */
const above = (room: string, seq: number): IDBKeyRange =>
  IDBKeyRange.bound([room, seq], [room, Number.MAX_SAFE_INTEGER], true)

/** Row after row, until `take` wants no more. */
export function visit(
  request: IDBRequest<IDBCursorWithValue | null>,
  take: (row: Row) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      if (cursor === null || !take(cursor.value as Row)) return resolve()
      cursor.continue()
    }
  })
}

/** The newest placed ones within a range, oldest first. */
async function placedIn(
  store: IDBObjectStore,
  range: IDBKeyRange,
  limit: number,
): Promise<StoredMessage[]> {
  const placed: Row[] = []
  await visit(store.index('place').openCursor(range, 'prev'), (row) => {
    if (placed.length < limit) placed.push(row)
    return placed.length < limit
  })
  return placed.reverse().map(messageOf)
}

/** The newest placed ones of a room, oldest first, and all of it without a place, as they were written. */
async function newest(
  store: IDBObjectStore,
  room: string,
  limit: number,
): Promise<StoredMessage[]> {
  const placed = await placedIn(store, above(room, 0), limit)
  const unplaced = (await done(store.index('written').getAll())) as Row[]
  const here = unplaced.filter((row) => row.room === room)
  return [...placed, ...here.map(messageOf)]
}

/** Their places are the restored host's to give; until then they stand in the order in which they go out. */
async function unplace(store: IDBObjectStore, entries: readonly OutboxEntry[]): Promise<void> {
  for (const { id } of entries) {
    const row = (await done(store.get(toHex(id)))) as Row | undefined
    if (row === undefined) continue
    store.delete(row.id)
    await putMessage(store, { ...messageOf(row), seq: null })
  }
}

async function markSent(
  store: IDBObjectStore,
  entries: readonly OutboxEntry[],
): Promise<StoredMessage[]> {
  const sent: StoredMessage[] = []
  for (const { id } of entries) {
    const row = (await done(store.get(toHex(id)))) as Row | undefined
    if (row?.state !== 'sending') continue
    store.put({ ...row, state: 'sent' })
    sent.push({ ...messageOf(row), state: 'sent' })
  }
  return sent
}

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

/** Version 1 knew one room, and messages that never change; version 2 no messages that end. Each row is read once. */
function bringUp(transaction: IDBTransaction, version: number): void {
  const messages = transaction.objectStore('messages')
  if (version < 2) {
    messages.deleteIndex('seq')
    messages.createIndex('place', ['room', 'seq'])
  }
  messages.createIndex('ends', 'ends')
  messages.createIndex('since', 'since')
  eachRow<StoredMessage>(messages, (row) =>
    rowOf({ ...(version < 2 ? withRoom(row) : row), ...LASTING }),
  )
  // Beside the profile there is the list of burnt identities.
  eachRow<Profile | string[]>(transaction.objectStore('profile'), (row) =>
    Array.isArray(row) ? row : withLifetimes(version < 2 ? withRooms(row) : row),
  )
}

const LASTING = { gone: false, endsAtMs: 0, notice: null }

const withRoom = (row: StoredMessage): StoredMessage => ({
  ...{ ...row, room: HOST_ROOM, edited: false, deleted: false, change: 0, replyTo: null },
  reactions: [],
})

const withRooms = (profile: Profile): Profile => ({
  ...{ ...profile, rooms: [], read: {}, readBy: {}, receipts: true, behind: [] },
})

function withLifetimes(profile: Profile): Profile {
  const rooms = profile.rooms.map((room) => ({ ...room, lifeMs: 0, goneUpTo: 0, isTimer: false }))
  return { ...profile, rooms, keepMs: 0, aheadMs: 0 }
}

function eachRow<T>(store: IDBObjectStore, change: (row: T) => unknown): void {
  const request = store.openCursor()
  request.onsuccess = () => {
    request.result?.update(change(request.result.value as T))
    request.result?.continue()
  }
}

export class Device implements Keep {
  readonly #db: IDBDatabase

  constructor(db: IDBDatabase) {
    this.#db = db
  }

  /** Throws ClawError('storage') where the browser keeps nothing. */
  static async open(): Promise<Device> {
    try {
      const request = indexedDB.open(DATABASE, VERSION)
      request.onupgradeneeded = ({ oldVersion }) => {
        if (oldVersion === 0) create(request.result)
        else if (request.transaction !== null) bringUp(request.transaction, oldVersion)
      }
      return new Device(await done(request))
    } catch {
      throw new ClawError('storage')
    }
  }

  /** Resolves once everything `run` asked for is on disk; awaits in it may only be of its own requests. */
  async #transaction<T>(
    names: readonly StoreName[],
    mode: IDBTransactionMode,
    run: (store: (name: StoreName) => IDBObjectStore) => MaybePromise<T>,
  ): Promise<T> {
    const transaction = this.#db.transaction([...names], mode, { durability: 'strict' })
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new ClawError('storage'))
    })
    ended.catch(() => undefined)
    const result = await run((name) => transaction.objectStore(name))
    await ended
    return result
  }

  profile(): Promise<Profile | null> {
    return this.#transaction(['profile'], 'readonly', async (store) => {
      const found =
        (await done(store('profile').get(IN_USE))) ?? (await done(store('profile').get(JOINING)))
      return (found as Profile | undefined) ?? null
    })
  }

  /** Keeps an invite before anything is sent: an enrolment that breaks off is asked for again with the same S_d. */
  async begin(
    invite: string,
    hostPublicKey: Uint8Array,
    hostName: string,
    name: string,
  ): Promise<Profile> {
    const pair = await generateDeviceKeyPair()
    try {
      return await this.#begin(
        pair ?? crypto.getRandomValues(new Uint8Array(32)),
        invite,
        hostPublicKey,
        hostName,
        name,
      )
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'DataCloneError')) throw error
      const secret = crypto.getRandomValues(new Uint8Array(32))
      return this.#begin(secret, invite, hostPublicKey, hostName, name)
    }
  }

  #begin(
    key: StoredKey,
    invite: string,
    hostPublicKey: Uint8Array,
    hostName: string,
    name: string,
  ): Promise<Profile> {
    return this.#transaction(['profile'], 'readwrite', async (store) => {
      // A second tab, or a second try: the first one's key stays.
      for (const place of [IN_USE, JOINING]) {
        const known = (await done(store('profile').get(place))) as Profile | undefined
        if (known?.invite !== invite) continue
        const again = { ...known, name }
        store('profile').put(again, place)
        return again
      }
      const fresh = freshProfile({
        ...{ hostPublicKey, hostName, key, invite, name },
        ...{ deviceId: null, root: null, knownSinceMs: Date.now() },
      })
      store('profile').put(fresh, JOINING)
      return fresh
    })
  }

  /**
   * The host took this device in: its profile replaces the one in use. Messages of another host go; what was
   * written for this one and never sent is sent by the new device.
   */
  enrolled(profile: Profile): Promise<void> {
    return this.#transaction(STORES, 'readwrite', async (store) => {
      const known = (await done(store('profile').get(IN_USE))) as Profile | undefined
      store('profile').delete(JOINING)
      // A second tab asked with the same key and had the same answer before.
      if (known !== undefined && known.invite === profile.invite) return
      const same =
        known !== undefined && toHex(known.hostPublicKey) === toHex(profile.hostPublicKey)
      const waiting = (await done(store('outbox').getAll())) as OutboxEntry[]
      store('outbox').clear()
      if (!same) {
        store('messages').clear()
        store('profile').put(profile, IN_USE)
        return
      }
      for (const [i, entry] of waiting.entries()) store('outbox').put({ ...entry, number: i + 1 })
      store('profile').put({ ...profile, assigned: waiting.length }, IN_USE)
    })
  }

  /** The host is burnt: its keys and everything of its chat go, and it is remembered that no link of it counts. */
  burn(hostPublicKey: Uint8Array): Promise<void> {
    return this.#transaction(STORES, 'readwrite', async (store) => {
      const known = ((await done(store('profile').get(BURNT))) as string[] | undefined) ?? []
      for (const name of ['profile', 'messages', 'outbox'] as const) store(name).clear()
      store('profile').put([...new Set([...known, toHex(hostPublicKey)])], BURNT)
    })
  }

  isBurnt(hostPublicKey: Uint8Array): Promise<boolean> {
    return this.#transaction(['profile'], 'readonly', async (store) => {
      const known = (await done(store('profile').get(BURNT))) as string[] | undefined
      return known?.includes(toHex(hostPublicKey)) ?? false
    })
  }

  update(change: Partial<Profile>): Promise<Profile> {
    return this.#transaction(['profile'], 'readwrite', async (store) => {
      const known = (await done(store('profile').get(IN_USE))) as Profile | undefined
      if (known === undefined) throw new ClawError('storage')
      const next = { ...known, ...change }
      store('profile').put(next, IN_USE)
      return next
    })
  }

  messages(room: string, limit: number): Promise<StoredMessage[]> {
    return this.#transaction(['messages'], 'readonly', (store) =>
      newest(store('messages'), room, limit),
    )
  }

  others(room: string, seq: number): Promise<StoredMessage[]> {
    return this.#transaction(['messages'], 'readonly', async (store) => {
      const others: Row[] = []
      await visit(store('messages').index('place').openCursor(above(room, seq)), (row) => {
        if (isNews(row)) others.push(row)
        return others.length < COUNTED_MOST
      })
      return others.map(messageOf)
    })
  }

  below(room: string, seq: number, limit: number): Promise<StoredMessage[]> {
    const range = IDBKeyRange.bound([room, 0], [room, seq], true, true)
    return this.#transaction(['messages'], 'readonly', (store) =>
      placedIn(store('messages'), range, limit),
    )
  }

  /** Newest first (SPEC §7.5). */
  async search(rooms: readonly string[], wish: SearchWish): Promise<Hit[]> {
    const { searchKept } = await import('./kept.ts')
    return this.#transaction(['messages'], 'readonly', (store) =>
      searchKept(store('messages').index('place'), rooms, wish),
    )
  }

  dropRoom(room: string): Promise<void> {
    return this.#transaction(['messages'], 'readwrite', async (store) => {
      const messages = store('messages')
      const keys = await done(messages.index('place').getAllKeys(above(room, 0)))
      for (const key of keys) messages.delete(key)
    })
  }

  putMessages(messages: readonly StoredMessage[]): Promise<void> {
    return this.#transaction(['messages'], 'readwrite', async (store) => {
      for (const message of messages) await putMessage(store('messages'), message)
    })
  }

  post(message: StoredMessage, event: Omit<OutboxEntry, 'number'>): Promise<OutboxEntry> {
    return this.#transaction(['profile', 'messages', 'outbox'], 'readwrite', async (store) => {
      const profile = (await done(store('profile').get(IN_USE))) as Profile | undefined
      if (profile === undefined) throw new ClawError('storage')
      const entry = { ...event, number: profile.assigned + 1 }
      store('profile').put({ ...profile, assigned: entry.number }, IN_USE)
      // Written again: it takes its place behind the others.
      store('messages').delete(message.id)
      await putMessage(store('messages'), message)
      store('outbox').put(entry)
      return entry
    })
  }

  forget(id: string): Promise<void> {
    return this.#transaction(['messages'], 'readwrite', (store) => {
      store('messages').delete(id)
    })
  }

  enqueue(event: Omit<OutboxEntry, 'number'>, changed: readonly StoredMessage[]): Promise<void> {
    return this.#transaction(['profile', 'messages', 'outbox'], 'readwrite', async (store) => {
      const profile = (await done(store('profile').get(IN_USE))) as Profile | undefined
      if (profile === undefined) throw new ClawError('storage')
      const number = profile.assigned + 1
      store('profile').put({ ...profile, assigned: number }, IN_USE)
      for (const message of changed) await putMessage(store('messages'), message)
      store('outbox').put({ ...event, number })
    })
  }

  pending(after: number, limit: number): Promise<OutboxEntry[]> {
    return this.#transaction(['outbox'], 'readonly', (store) =>
      done(store('outbox').getAll(IDBKeyRange.lowerBound(after, true), limit)),
    )
  }

  acknowledged(number: number): Promise<StoredMessage[]> {
    return this.#transaction(['outbox', 'messages'], 'readwrite', async (store) => {
      const range = IDBKeyRange.upperBound(number)
      const entries = (await done(store('outbox').getAll(range))) as OutboxEntry[]
      store('outbox').delete(range)
      return markSent(store('messages'), entries)
    })
  }

  async settle(stored: number, id: Uint8Array, nowMs: number): Promise<StoredMessage[]> {
    const [{ settleOutbox }, { LOOK_THROUGH, withLost }] = await Promise.all([
      import('../shared/outbox.ts'),
      import('./resume.ts'),
    ])
    return this.#transaction(['profile', 'outbox', 'messages'], 'readwrite', async (store) => {
      const profile = (await done(store('profile').get(IN_USE))) as Profile | undefined
      if (profile === undefined) throw new ClawError('storage')
      const outbox = (await done(store('outbox').getAll())) as OutboxEntry[]
      const settled = settleOutbox(outbox, profile.assigned, stored, id)
      const rooms = settled.forgotten ? roomIds(profile) : []
      const lost: StoredMessage[] = []
      for (const room of rooms) lost.push(...(await newest(store('messages'), room, LOOK_THROUGH)))
      const kept = withLost(settled.kept, lost, profile, stored, nowMs)
      store('outbox').clear()
      for (const entry of kept) store('outbox').put(entry)
      if (settled.forgotten) await unplace(store('messages'), kept)
      const behind = settled.forked ? roomIds(profile) : profile.behind
      store('profile').put({ ...profile, assigned: stored + kept.length, behind }, IN_USE)
      return markSent(store('messages'), settled.acknowledged)
    })
  }

  receive(
    number: number,
    id: Uint8Array,
    messages: readonly StoredMessage[],
    change: Partial<Profile> = {},
  ): Promise<void> {
    return this.#transaction(['profile', 'messages'], 'readwrite', async (store) => {
      const profile = (await done(store('profile').get(IN_USE))) as Profile | undefined
      if (profile === undefined) throw new ClawError('storage')
      // While the conversation moves, both carriers may bring the same event.
      if (number <= profile.stored) return
      store('profile').put({ ...profile, ...change, stored: number, storedId: id }, IN_USE)
      for (const message of messages) await putMessage(store('messages'), message)
    })
  }

  message(id: string): Promise<StoredMessage | null> {
    return this.#transaction(['messages'], 'readonly', async (store) => {
      const row = (await done(store('messages').get(id))) as Row | undefined
      return row === undefined ? null : messageOf(row)
    })
  }

  async end(nowMs: number, keepMs: number): Promise<StoredMessage[]> {
    const { endIn } = await import('./ended.ts')
    return this.#transaction(['messages', 'outbox'], 'readwrite', (store) =>
      endIn(store('messages'), store('outbox'), nowMs, keepMs),
    )
  }

  /** Takes or renews the leadership of this origin's tabs for `ttlMs`. @returns whether this tab has it */
  lead(tab: string, nowMs: number, ttlMs: number): Promise<boolean> {
    return this.#transaction(['lease'], 'readwrite', async (store) => {
      const held = (await done(store('lease').get('leader'))) as
        | { tab: string; untilMs: number }
        | undefined
      const free =
        held === undefined ||
        held.tab === tab ||
        held.untilMs < nowMs ||
        held.untilMs > nowMs + 2 * ttlMs
      if (free) store('lease').put({ tab, untilMs: nowMs + ttlMs }, 'leader')
      return free
    })
  }

  /** Lets another tab lead at once. */
  resign(tab: string): Promise<void> {
    return this.#transaction(['lease'], 'readwrite', async (store) => {
      const held = (await done(store('lease').get('leader'))) as { tab: string } | undefined
      if (held?.tab === tab) store('lease').delete('leader')
    })
  }
}
