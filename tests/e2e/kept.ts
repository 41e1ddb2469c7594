// What a browser keeps without a PIN, opened by whoever has its storage (SPEC §11.1): with WebCrypto, not with the page's code.
import type { Driver } from './client.ts'

declare global {
  /** The value of a row of the database `clawchat`. */
  var openKept: (store: string, key: IDBValidKey, row: object) => Promise<Record<string, unknown>>
  var allKept: (store: string) => Promise<[IDBValidKey, Record<string, unknown>][]>
}

/** Gives a page `openKept` and `allKept`. */
export const mayOpenKept = (driver: Driver): Promise<void> => driver.read(install, null)

/** Runs in a page. */
function install(): void {
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const u32 = (bytes: Uint8Array): number =>
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const decode = (bytes: Uint8Array): object => {
    const end = 4 + u32(bytes)
    const json = new TextDecoder().decode(bytes.subarray(4, end))
    return JSON.parse(json, (_, field) => {
      const [at, length] = field?.['~'] ?? []
      return at === undefined ? field : bytes.slice(end + at, end + at + length)
    })
  }
  const read = async <T>(
    store: string,
    ask: (from: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const db = await done(indexedDB.open('clawchat'))
    const found = await done(ask(db.transaction(store).objectStore(store)))
    db.close()
    return found
  }
  globalThis.openKept = async (store, key, row) => {
    const { sealed, ...plain } = row as { sealed: Uint8Array<ArrayBuffer> }
    const { keys } = await read('keys', (from) => from.get('lock'))
    const raw = keys[u32(sealed)]
    const storeKey = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt'])
    const additionalData = new TextEncoder().encode(`clawchat/v1 kept ${store} ${key}`)
    const opened = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: sealed.slice(4, 16), additionalData },
      storeKey,
      sealed.slice(16),
    )
    return { ...decode(new Uint8Array(opened)), ...plain }
  }
  globalThis.allKept = async (store) => {
    const keys = await read(store, (from) => from.getAllKeys())
    const rows = await read(store, (from) => from.getAll())
    return Promise.all(
      keys.map(async (key, i) => [key, await globalThis.openKept(store, key, rows[i])] as const),
    ) as Promise<[IDBValidKey, Record<string, unknown>][]>
  }
}
