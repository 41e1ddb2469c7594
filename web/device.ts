// What this browser keeps (IndexedDB): its keys, the host it belongs to, messages, and the outbox.
// One origin is one device: all tabs share this, so everything that must be true together happens in one transaction.
import { toHex } from '../shared/bytes.ts'
import type { MaybePromise } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import type { MessageState } from './model.ts'
import { generateDeviceKeyPair } from './webcrypto.ts'

const DATABASE = 'clawchat'
const STORES = ['profile', 'messages', 'outbox', 'lease'] as const
type StoreName = (typeof STORES)[number]

/** S_d: a pair that cannot be exported, or, where the browser cannot keep one, 32 bytes. */
export type StoredKey = CryptoKeyPair | Uint8Array

export interface Profile {
  /** H_pub */
  hostPublicKey: Uint8Array
  hostName: string
  key: StoredKey
  /** the invite's fragment until the first connection of this device (SPEC §6.3) */
  invite: string | null
  /** of ENROL_OK */
  deviceId: Uint8Array | null
  root: Uint8Array | null
  name: string
  member: string | null
  roomName: string
  knownSinceMs: number
  /** newest valid record and its seq */
  record: Uint8Array | null
  seq: number
  /** last event number given out, and last one stored of the host's with its id (SPEC §6.2) */
  assigned: number
  stored: number
  storedId: Uint8Array
}

export interface StoredMessage {
  id: string
  author: string
  mine: boolean
  text: string
  atMs: number
  seq: number | null
  state: MessageState
}

export interface OutboxEntry {
  number: number
  id: Uint8Array
  kind: number
  body: Uint8Array
}

/** The profile in use, and one whose enrolment is under way: a link that turns out bad costs nobody their chat. */
const IN_USE = 'me'
const JOINING = 'joining'

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

export class Device {
  readonly #db: IDBDatabase

  constructor(db: IDBDatabase) {
    this.#db = db
  }

  /** Throws ClawError('storage') where the browser keeps nothing. */
  static async open(): Promise<Device> {
    try {
      const request = indexedDB.open(DATABASE, 1)
      request.onupgradeneeded = () => {
        const db = request.result
        db.createObjectStore('profile')
        db.createObjectStore('messages', { keyPath: 'id' }).createIndex('seq', 'seq')
        db.createObjectStore('outbox', { keyPath: 'number' })
        db.createObjectStore('lease')
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
      const fresh: Profile = {
        hostPublicKey,
        hostName,
        key,
        invite,
        deviceId: null,
        root: null,
        name,
        member: null,
        roomName: hostName,
        knownSinceMs: Date.now(),
        record: null,
        seq: 0,
        assigned: 0,
        stored: 0,
        storedId: new Uint8Array(16),
      }
      store('profile').put(fresh, JOINING)
      return fresh
    })
  }

  /** The host took this device in: its profile replaces the one in use, and messages of another host go. */
  enrolled(profile: Profile): Promise<void> {
    return this.#transaction(STORES, 'readwrite', async (store) => {
      const known = (await done(store('profile').get(IN_USE))) as Profile | undefined
      store('profile').delete(JOINING)
      // A second tab asked with the same key and had the same answer before.
      if (known !== undefined && known.invite === profile.invite) return
      store('messages').clear()
      store('outbox').clear()
      store('profile').put(profile, IN_USE)
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

  /** The newest messages that this device holds, oldest first; the unsent ones last. */
  messages(limit: number): Promise<StoredMessage[]> {
    return this.#transaction(['messages', 'outbox'], 'readonly', async (store) => {
      const found: StoredMessage[] = []
      await new Promise<void>((resolve, reject) => {
        const request = store('messages').index('seq').openCursor(null, 'prev')
        request.onerror = () => reject(request.error)
        request.onsuccess = () => {
          const cursor = request.result
          if (cursor === null || found.length >= limit) return resolve()
          found.push(cursor.value as StoredMessage)
          cursor.continue()
        }
      })
      const entries = (await done(store('outbox').getAll())) as OutboxEntry[]
      const unsent = await Promise.all(
        entries.map((entry) => done(store('messages').get(toHex(entry.id)))),
      )
      const rest = unsent.filter((message) => message !== undefined) as StoredMessage[]
      return [...found.reverse(), ...rest.filter((message) => message.seq === null)]
    })
  }

  putMessages(messages: readonly StoredMessage[]): Promise<void> {
    return this.#transaction(['messages'], 'readwrite', (store) => {
      for (const message of messages) store('messages').put(message)
    })
  }

  /** A new message: its number is given out in the transaction that keeps it. */
  post(message: StoredMessage, event: Omit<OutboxEntry, 'number'>): Promise<OutboxEntry> {
    return this.#transaction(['profile', 'messages', 'outbox'], 'readwrite', async (store) => {
      const profile = (await done(store('profile').get(IN_USE))) as Profile
      const entry = { ...event, number: profile.assigned + 1 }
      store('profile').put({ ...profile, assigned: entry.number }, IN_USE)
      store('messages').put(message)
      store('outbox').put(entry)
      return entry
    })
  }

  /** Events above a number, in order. */
  pending(after: number): Promise<OutboxEntry[]> {
    return this.#transaction(['outbox'], 'readonly', (store) =>
      done(store('outbox').getAll(IDBKeyRange.lowerBound(after, true))),
    )
  }

  /** The host has these on its disk. */
  acknowledged(number: number): Promise<void> {
    return this.#transaction(['outbox'], 'readwrite', (store) => {
      store('outbox').delete(IDBKeyRange.upperBound(number))
    })
  }

  /** SPEC §6.2, from the sender's side: brings the outbox in line with what the host stored. @returns ids acknowledged */
  settle(stored: number, id: Uint8Array): Promise<string[]> {
    return this.#transaction(['profile', 'outbox'], 'readwrite', async (store) => {
      const profile = (await done(store('profile').get(IN_USE))) as Profile
      const all = (await done(store('outbox').getAll())) as OutboxEntry[]
      const held = all.find((entry) => entry.number === stored)
      const forked =
        stored > profile.assigned || (held !== undefined && toHex(held.id) !== toHex(id))
      const kept = forked ? all : all.filter((entry) => entry.number > stored)
      store('outbox').clear()
      for (const [i, entry] of kept.entries())
        store('outbox').put({ ...entry, number: stored + 1 + i })
      store('profile').put({ ...profile, assigned: stored + kept.length }, IN_USE)
      return all.filter((entry) => !kept.includes(entry)).map((entry) => toHex(entry.id))
    })
  }

  /** One event of the host: its messages and its number together, so that an acknowledgement is never a lie. */
  receive(number: number, id: Uint8Array, messages: readonly StoredMessage[]): Promise<void> {
    return this.#transaction(['profile', 'messages'], 'readwrite', async (store) => {
      const profile = (await done(store('profile').get(IN_USE))) as Profile
      // While the conversation moves, both carriers may bring the same event.
      if (number <= profile.stored) return
      store('profile').put({ ...profile, stored: number, storedId: id }, IN_USE)
      for (const message of messages) store('messages').put(message)
    })
  }

  message(id: string): Promise<StoredMessage | null> {
    return this.#transaction(['messages'], 'readonly', async (store) => {
      return ((await done(store('messages').get(id))) as StoredMessage | undefined) ?? null
    })
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
