// Opens the database of this browser's device, or clears it; what it holds is device.ts's.
import { ClawError } from '../shared/error.ts'
import { bringUp, freshLock, LOCK, type Lock, type PinLock, VERSION } from './schema.ts'
import { done } from './sealedstore.ts'
import type { StoreKeys } from './vault.ts'

const DATABASE = 'clawchat'
export const KEPT = ['profile', 'messages', 'outbox'] as const
export type StoreName = (typeof KEPT)[number] | 'lease' | 'keys'

/** Whom opening the storage may have to ask. */
export interface Doors {
  /** A PIN stands before the keys. Resolves once it was given. */
  unlock(lock: PinLock): Promise<StoreKeys>
  /** A tab with an older page holds the storage; this goes on by itself when that is closed. */
  blocked(): void
}

/** Nothing of a call that failed stays. */
export function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended already.
  }
}

function openDatabase(doors: Doors): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, VERSION)
  request.onblocked = () => doors.blocked()
  request.onupgradeneeded = ({ oldVersion }) => {
    const { transaction } = request
    if (transaction !== null) bringUp(transaction, oldVersion).catch(() => abort(transaction))
  }
  return done(request).then((db) => {
    // A newer page brings it up: the tabs that have it open must not hold that up.
    db.onversionchange = () => {
      db.close()
      location.reload()
    }
    return db
  })
}

/** With how its keys lie in there. */
export async function openLocked(doors: Doors): Promise<{ db: IDBDatabase; lock: Lock }> {
  const db = await openDatabase(doors)
  const lock = (await done(db.transaction('keys').objectStore('keys').get(LOCK))) as Lock
  return { db, lock }
}

/** Everything that this browser keeps of its chat, without asking for a PIN. */
export async function forgetDevice(): Promise<void> {
  const db = await done(indexedDB.open(DATABASE, VERSION))
  const names = [...KEPT, 'lease', 'keys']
  const transaction = db.transaction(names, 'readwrite', { durability: 'strict' })
  for (const name of names) transaction.objectStore(name).clear()
  transaction.objectStore('keys').put(freshLock(), LOCK)
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(new ClawError('storage'))
  })
  db.close()
}
