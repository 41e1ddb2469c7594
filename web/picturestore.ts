// Pictures of members in this browser (SPEC §7.11, §11.1): sealed, each under its id, for reading without a host.
import { done } from './sealedstore.ts'
import type { Vault } from './vault.ts'

export const DATABASE = 'clawchat-pictures'
const STORE = 'pictures'
const placeOf = (id: string): string => `${STORE} ${id}`

export class PictureStore {
  readonly #db: IDBDatabase
  readonly #vault: () => Vault

  private constructor(db: IDBDatabase, vault: () => Vault) {
    this.#db = db
    this.#vault = vault
  }

  /** `vault`: asked each time, since its keys may change. Rejects where the browser keeps nothing. */
  static async open(vault: () => Vault): Promise<PictureStore> {
    const request = indexedDB.open(DATABASE, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE)
    const db = await done(request)
    db.onversionchange = () => db.close()
    return new PictureStore(db, vault)
  }

  #store(mode: IDBTransactionMode): IDBObjectStore {
    return this.#db.transaction(STORE, mode).objectStore(STORE)
  }

  async put(id: string, picture: Uint8Array): Promise<void> {
    const sealed = await this.#vault().sealContent(placeOf(id), picture)
    await done(this.#store('readwrite').put(sealed, id))
  }

  /** Null where it is not kept, or cannot be opened. */
  async get(id: string): Promise<Uint8Array | null> {
    const sealed = (await done(this.#store('readonly').get(id))) as Uint8Array | undefined
    if (sealed === undefined) return null
    return this.#vault()
      .openContent(placeOf(id), sealed)
      .catch(() => null)
  }

  /** Forgets all others. */
  async keepOnly(ids: ReadonlySet<string>): Promise<void> {
    for (const key of await done(this.#store('readonly').getAllKeys()))
      if (!ids.has(String(key))) await done(this.#store('readwrite').delete(key))
  }
}
