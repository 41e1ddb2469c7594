// One store of IndexedDB whose values are sealed (SPEC §11.1): a row is what has to be searched in the clear, and the rest as
// `sealed`. Callers see whole values.
import type { Vault } from './vault.ts'

export const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

interface SealedRow {
  readonly sealed: Uint8Array
}

export class SealedStore<T extends object> {
  readonly #store: IDBObjectStore
  readonly #vault: Vault
  readonly #plain: (value: T) => Partial<T>

  /** `plain`: what of a value stays in the clear, its key and the fields of indexes among them. */
  constructor(store: IDBObjectStore, vault: Vault, plain: (value: T) => Partial<T>) {
    this.#store = store
    this.#vault = vault
    this.#plain = plain
  }

  /** `key`: where a value does not hold its own. */
  put(value: T, key?: string): void {
    const row = this.#plain(value)
    const rest = Object.fromEntries(Object.entries(value).filter(([field]) => !(field in row)))
    const own = key ?? (value as Record<string, unknown>)[String(this.#store.keyPath)]
    const sealed = this.#vault.seal(this.#placeOf(own), rest)
    this.#store.put({ ...row, sealed }, key)
  }

  async get(key: IDBValidKey): Promise<T | undefined> {
    const row = (await done(this.#store.get(key))) as SealedRow | undefined
    return row === undefined ? undefined : this.#open(row, key)
  }

  /** In the order of their keys; where these stand in the values. */
  async all(range?: IDBKeyRange, limit?: number): Promise<T[]> {
    return this.#openAll(await done(this.#store.getAll(range, limit)))
  }

  /** In the order of the index. */
  async allBy(index: string, range?: IDBKeyRange): Promise<T[]> {
    return this.#openAll(await done(this.#store.index(index).getAll(range)))
  }

  /** Row after row of an index, until `take` wants no more. */
  visit(
    index: string,
    range: IDBKeyRange,
    direction: IDBCursorDirection,
    take: (value: T) => boolean,
  ): Promise<void> {
    const request = this.#store.index(index).openCursor(range, direction)
    return new Promise((resolve, reject) => {
      request.onerror = () => reject(request.error)
      request.onsuccess = () => {
        const cursor = request.result
        try {
          if (cursor === null || !take(this.#open(cursor.value, cursor.primaryKey)))
            return resolve()
        } catch (error) {
          return reject(error)
        }
        cursor.continue()
      }
    })
  }

  /** The last one of an index within a range. */
  async lastKey(index: string, range: IDBKeyRange | null = null): Promise<IDBValidKey | undefined> {
    return (await done(this.#store.index(index).openKeyCursor(range, 'prev')))?.key
  }

  /** Of the store, by an index. */
  keysBy(index: string, range: IDBKeyRange): Promise<IDBValidKey[]> {
    return done(this.#store.index(index).getAllKeys(range))
  }

  delete(key: IDBValidKey | IDBKeyRange): void {
    this.#store.delete(key)
  }

  clear(): void {
    this.#store.clear()
  }

  #openAll(rows: SealedRow[]): T[] {
    const { keyPath } = this.#store
    return rows.map((row) =>
      this.#open(row, (row as unknown as Record<string, IDBValidKey>)[String(keyPath)]),
    )
  }

  #open({ sealed, ...row }: SealedRow, key: unknown): T {
    return { ...(this.#vault.open(this.#placeOf(key), sealed) as object), ...row } as T
  }

  #placeOf(key: unknown): string {
    return `${this.#store.name} ${key}`
  }
}
