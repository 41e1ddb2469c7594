// What this browser keeps (IndexedDB): its keys, the host it belongs to, messages, and the outbox (keep.ts).
import { toHex } from '../shared/bytes.ts'
import type { CryptoBackend, MaybePromise } from '../shared/crypto.ts'
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
import { above, markSent, newest, placedIn, putMessage, unplace } from './messagerows.ts'
import type { Hit, SearchWish } from './model.ts'
import { abort, type Doors, KEPT, openLocked, type StoreName } from './opening.ts'
import { LOCK, type Lock, messageOf, type Row, storesOf } from './schema.ts'
import { done } from './sealedstore.ts'
import { type StoreKeys, Vault } from './vault.ts'
import { generateDeviceKeyPair } from './webcrypto.ts'

/** The profile in use, and one whose enrolment is under way: a link that turns out bad costs nobody their chat. */
const IN_USE = 'me'
const JOINING = 'joining'
/** identities that were burnt, hex */
const BURNT = 'burnt'

export class Device implements Keep {
  readonly #db: IDBDatabase
  readonly #backend: Pick<CryptoBackend, 'aead'>
  #lock: Lock
  #vault: Vault

  private constructor(
    db: IDBDatabase,
    backend: Pick<CryptoBackend, 'aead'>,
    lock: Lock,
    keys: StoreKeys,
  ) {
    this.#db = db
    this.#backend = backend
    this.#lock = lock
    this.#vault = new Vault(keys, backend)
  }

  /** Throws ClawError('storage') where the browser keeps nothing. */
  static async open(backend: Pick<CryptoBackend, 'aead'>, doors: Doors): Promise<Device> {
    const { db, lock } = await openLocked(doors).catch(() => {
      throw new ClawError('storage')
    })
    const keys = lock.kind === 'open' ? lock.keys : await doors.unlock(lock)
    return new Device(db, backend, lock, keys)
  }

  /** How the store keys lie on the disk. */
  get lock(): Lock {
    return this.#lock
  }

  /** Seals what is kept here. */
  get vault(): Vault {
    return this.#vault
  }

  /** Throws ClawError('superseded') where another tab has changed the lock meanwhile. */
  async relock(lock: Lock, keys: StoreKeys): Promise<void> {
    const { revision } = this.#lock
    await this.#transaction(['keys'], 'readwrite', async (store) => {
      const known = (await done(store('keys').get(LOCK))) as Lock
      if (known.revision !== revision) throw new ClawError('superseded')
      store('keys').put(lock, LOCK)
    })
    this.#lock = lock
    this.#vault = new Vault(keys, this.#backend)
  }

  /** Resolves once everything `run` asked for is on disk; awaits in it may only be of its own requests. */
  async #transaction<T>(
    names: readonly StoreName[],
    mode: IDBTransactionMode,
    run: (store: ReturnType<typeof storesOf>) => MaybePromise<T>,
  ): Promise<T> {
    const transaction = this.#db.transaction([...names], mode, { durability: 'strict' })
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error ?? new ClawError('storage'))
    })
    ended.catch(() => undefined)
    try {
      const result = await run(storesOf(transaction, this.#vault))
      await ended
      return result
    } catch (error) {
      abort(transaction)
      throw error
    }
  }

  profile(): Promise<Profile | null> {
    return this.#transaction(['profile'], 'readonly', async (store) => {
      const found = (await store('profile').get(IN_USE)) ?? (await store('profile').get(JOINING))
      return found ?? null
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
        const known = await store('profile').get(place)
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
    return this.#transaction(KEPT, 'readwrite', async (store) => {
      const known = await store('profile').get(IN_USE)
      store('profile').delete(JOINING)
      // A second tab asked with the same key and had the same answer before.
      if (known !== undefined && known.invite === profile.invite) return
      const same =
        known !== undefined && toHex(known.hostPublicKey) === toHex(profile.hostPublicKey)
      const waiting = await store('outbox').all()
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
    return this.#transaction(KEPT, 'readwrite', async (store) => {
      const known = (await store('burnt').get(BURNT))?.identities ?? []
      for (const name of KEPT) store(name).clear()
      const identities = [...new Set([...known, toHex(hostPublicKey)])]
      store('burnt').put({ identities }, BURNT)
    })
  }

  isBurnt(hostPublicKey: Uint8Array): Promise<boolean> {
    return this.#transaction(['profile'], 'readonly', async (store) => {
      const known = await store('burnt').get(BURNT)
      return known?.identities.includes(toHex(hostPublicKey)) ?? false
    })
  }

  update(change: Partial<Profile>): Promise<Profile> {
    return this.#transaction(['profile'], 'readwrite', async (store) => {
      const known = await store('profile').get(IN_USE)
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
      await store('messages').visit('place', above(room, seq), 'next', (row) => {
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
      searchKept(store('messages'), rooms, wish),
    )
  }

  dropRoom(room: string): Promise<void> {
    return this.#transaction(['messages'], 'readwrite', async (store) => {
      const messages = store('messages')
      const keys = await messages.keysBy('place', above(room, 0))
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
      const profile = await store('profile').get(IN_USE)
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

  enqueue(event: Omit<OutboxEntry, 'number'>): Promise<void> {
    return this.#transaction(['profile', 'outbox'], 'readwrite', async (store) => {
      const profile = await store('profile').get(IN_USE)
      if (profile === undefined) throw new ClawError('storage')
      const number = profile.assigned + 1
      store('profile').put({ ...profile, assigned: number }, IN_USE)
      store('outbox').put({ ...event, number })
    })
  }

  alter(
    event: Omit<OutboxEntry, 'number'>,
    id: string,
    change: (message: StoredMessage) => StoredMessage | null,
  ): Promise<StoredMessage | null> {
    return this.#transaction(['profile', 'messages', 'outbox'], 'readwrite', async (store) => {
      const profile = await store('profile').get(IN_USE)
      if (profile === undefined) throw new ClawError('storage')
      const row = await store('messages').get(id)
      const changed = row === undefined ? null : change(messageOf(row))
      if (changed === null) return null
      const number = profile.assigned + 1
      store('profile').put({ ...profile, assigned: number }, IN_USE)
      await putMessage(store('messages'), changed)
      store('outbox').put({ ...event, number })
      return changed
    })
  }

  pending(after: number, limit: number): Promise<OutboxEntry[]> {
    return this.#transaction(['outbox'], 'readonly', (store) =>
      store('outbox').all(IDBKeyRange.lowerBound(after, true), limit),
    )
  }

  acknowledged(number: number): Promise<StoredMessage[]> {
    return this.#transaction(['outbox', 'messages'], 'readwrite', async (store) => {
      const range = IDBKeyRange.upperBound(number)
      const entries = await store('outbox').all(range)
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
      const profile = await store('profile').get(IN_USE)
      if (profile === undefined) throw new ClawError('storage')
      const outbox = await store('outbox').all()
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
      const profile = await store('profile').get(IN_USE)
      if (profile === undefined) throw new ClawError('storage')
      // While the conversation moves, both carriers may bring the same event.
      if (number <= profile.stored) return
      store('profile').put({ ...profile, ...change, stored: number, storedId: id }, IN_USE)
      for (const message of messages) await putMessage(store('messages'), message)
    })
  }

  message(id: string): Promise<StoredMessage | null> {
    return this.#transaction(['messages'], 'readonly', async (store) => {
      const row = await store('messages').get(id)
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
