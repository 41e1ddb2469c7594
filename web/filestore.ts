// Files in this browser: what is being sent, as far as it is kept here, and what has come. Content lies in the origin's private
// file system in segments, each written once, so that a file of any size takes no memory; without one (plain http) in IndexedDB.
import { ClawError, codeOf } from '../shared/error.ts'
import { FILE_BLOCK_BYTES } from '../shared/files.ts'
import type { StoredMessage } from './keep.ts'
import { openInto, sweepOpened } from './opened.ts'
import { done, SealedStore } from './sealedstore.ts'
import type { Vault } from './vault.ts'

export const DATABASE = 'clawchat-files'
export const FOLDER = 'clawchat-files'
const VERSION = 2
const STORES = ['uploads', 'contents', 'segments'] as const
type StoreName = (typeof STORES)[number]

/** 16 MiB: what is lost of a file that was coming when the page is closed. */
export const SEGMENT_BLOCKS = 256
export const SEGMENT_BYTES = SEGMENT_BLOCKS * FILE_BLOCK_BYTES
/** Sent files up to here go on by themselves after a reload; larger ones have to be chosen again. */
export const KEPT_BYTES = 64 * 2 ** 20
/** Files up to here are opened in memory, and without a private file system all. */
const MEMORY_BYTES = 32 * 2 ** 20
/** Without a private file system. */
export const BARE_MAX_BYTES = 64 * 2 ** 20

export interface StoredUpload {
  readonly id: string
  readonly message: StoredMessage
  /** the content, where it is small enough to be kept */
  readonly content: Blob | null
  readonly isPaused: boolean
}

/** `size`: of the content in segments, null where it is not kept; `content`: as version 1 kept it, in the clear. */
interface UploadRow extends Omit<StoredUpload, 'content'> {
  readonly size: number | null
  readonly content?: Blob
}

interface Content {
  readonly id: string
  readonly size: number
  readonly isWhole: boolean
}

/** What stays in the clear (SPEC §11.1). */
const plainOf = ({ id, isPaused, content }: UploadRow): Partial<UploadRow> =>
  content === undefined ? { id, isPaused } : { id, isPaused, content }

export class FileStore {
  readonly #db: IDBDatabase
  readonly #folder: FileSystemDirectoryHandle | null
  readonly #vault: () => Vault

  private constructor(
    db: IDBDatabase,
    folder: FileSystemDirectoryHandle | null,
    vault: () => Vault,
  ) {
    this.#db = db
    this.#folder = folder
    this.#vault = vault
  }

  /** `vault`: asked each time, since its keys may change. Throws ClawError('storage'). */
  static async open(vault: () => Vault): Promise<FileStore> {
    try {
      const request = indexedDB.open(DATABASE, VERSION)
      request.onupgradeneeded = ({ oldVersion }) => {
        if (oldVersion === 0) create(request.result)
        else if (request.transaction !== null) sealUploads(request.transaction, vault())
      }
      const db = await done(request)
      db.onversionchange = () => db.close()
      // What cannot be deleted now is at the next start.
      await sweepOpened().catch(() => undefined)
      return new FileStore(db, await openFolder(), vault)
    } catch {
      throw new ClawError('storage')
    }
  }

  #store(name: StoreName, mode: IDBTransactionMode): IDBObjectStore {
    return this.#db.transaction(name, mode).objectStore(name)
  }

  #uploads(mode: IDBTransactionMode): SealedStore<UploadRow> {
    return new SealedStore(this.#store('uploads', mode), this.#vault(), plainOf)
  }

  async uploads(): Promise<StoredUpload[]> {
    const rows = await this.#uploads('readonly').all()
    return Promise.all(
      rows.map(async ({ id, message, isPaused, size }) => {
        const content = size === null ? null : await this.#joined(id, size, '').catch(() => null)
        return { id, message, isPaused, content }
      }),
    )
  }

  async putUpload({ id, message, content, isPaused }: StoredUpload): Promise<void> {
    // First the row: segments without one would stay for ever.
    await this.#putRow({ id, message, isPaused, size: content?.size ?? null })
    if (content !== null) await this.#writeAll(id, content)
  }

  async #putRow(row: UploadRow): Promise<void> {
    const uploads = this.#store('uploads', 'readwrite')
    new SealedStore(uploads, this.#vault(), plainOf).put(row)
    await ended(uploads.transaction)
  }

  async pauseUpload(id: string, isPaused: boolean): Promise<void> {
    const row = await this.#uploads('readonly').get(id)
    if (row !== undefined) await this.#putRow({ ...row, isPaused })
  }

  /** It is sent: what is kept of it is from now on the content of its message. */
  async sent(id: string): Promise<void> {
    const { size = null } = (await this.#uploads('readonly').get(id)) ?? {}
    if (size !== null) await this.putContent({ id, size, isWhole: true })
    await done(this.#store('uploads', 'readwrite').delete(id))
  }

  contents(): Promise<Content[]> {
    return done(this.#store('contents', 'readonly').getAll()) as Promise<Content[]>
  }

  async putContent(content: Content): Promise<void> {
    await done(this.#store('contents', 'readwrite').put(content))
  }

  /** Throws ClawError('file-no-room') for what this browser cannot keep. */
  async reserve(size: number): Promise<void> {
    if (this.#folder === null && size > BARE_MAX_BYTES) throw new ClawError('file-no-room')
    const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {}
    if (quota !== undefined && size > quota - (usage ?? 0)) throw new ClawError('file-no-room')
  }

  /** Throws ClawError('file-no-room') when the disk is full. */
  async writeSegment(
    id: string,
    n: number,
    content: Blob | Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const bytes = content instanceof Blob ? new Uint8Array(await content.arrayBuffer()) : content
    try {
      const sealed = await this.#vault().sealContent(placeOf(id, n), bytes)
      if (this.#folder === null) {
        const blob = new Blob([sealed])
        await done(this.#store('segments', 'readwrite').put(blob, nameOf(id, n)))
        return
      }
      const file = await this.#folder.getFileHandle(nameOf(id, n), { create: true })
      const stream = await file.createWritable()
      await stream.write(sealed)
      await stream.close()
    } catch {
      throw new ClawError('file-no-room')
    }
  }

  async #writeAll(id: string, content: Blob): Promise<void> {
    for (let n = 0; n * SEGMENT_BYTES < content.size; n++)
      await this.writeSegment(id, n, content.slice(n * SEGMENT_BYTES, (n + 1) * SEGMENT_BYTES))
  }

  /** Null where it is not kept, or damaged. */
  async segment(id: string, n: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const sealed = await this.#raw(nameOf(id, n))
    const found = sealed ?? (await this.#raw(bareName(id, n)))
    if (found === null) return null
    try {
      const bytes = new Uint8Array(await found.arrayBuffer())
      if (sealed === null) return bytes
      return new Uint8Array(await this.#vault().openContent(placeOf(id, n), bytes))
    } catch {
      return null
    }
  }

  async #raw(name: string): Promise<Blob | null> {
    if (this.#folder === null)
      return ((await done(this.#store('segments', 'readonly').get(name))) as Blob) ?? null
    try {
      return await (await this.#folder.getFileHandle(name)).getFile()
    } catch {
      return null
    }
  }

  async #removeRaw(name: string): Promise<void> {
    if (this.#folder === null) await done(this.#store('segments', 'readwrite').delete(name))
    else await this.#folder.removeEntry(name).catch(() => undefined)
  }

  /** Whether all of a file is here. */
  async has(id: string): Promise<boolean> {
    return (await this.#content(id))?.isWhole ?? false
  }

  #content(id: string): Promise<Content | undefined> {
    return done(this.#store('contents', 'readonly').get(id)) as Promise<Content | undefined>
  }

  /**
   * A whole file; null where it is not here, `large` where it is not for memory: that has to be opened. `type`: what the
   * browser is to take it for.
   */
  async read(id: string, type: string): Promise<Blob | 'large' | null> {
    const found = await this.#content(id)
    if (!found?.isWhole) return null
    if (found.size > MEMORY_BYTES && this.#folder !== null) return 'large'
    return this.#orDamaged(found, () => this.#joined(id, found.size, type))
  }

  /**
   * A large one, on the disk and in the clear as long as this tab lives; null as `read`. `onBytes`: how many are done.
   * Rejects with ClawError('file-no-room').
   */
  async open(id: string, type: string, onBytes: (bytes: number) => void): Promise<Blob | null> {
    const found = await this.#content(id)
    if (!found?.isWhole) return null
    await this.reserve(found.size)
    return this.#orDamaged(found, () =>
      openInto(id, found.size, type, this.#segments(id, found.size, onBytes)),
    )
  }

  /** What is damaged here is fetched once more. */
  async #orDamaged(found: Content, read: () => Promise<Blob>): Promise<Blob | null> {
    try {
      return await read()
    } catch (error) {
      if (codeOf(error) !== 'file-damaged') throw new ClawError('file-no-room')
      await this.putContent({ ...found, isWhole: false })
      return null
    }
  }

  async #joined(id: string, size: number, type: string): Promise<Blob> {
    const parts: Uint8Array<ArrayBuffer>[] = []
    for await (const part of this.#segments(id, size)) parts.push(part)
    return new Blob(parts, { type })
  }

  /** Throws ClawError('file-damaged') where one is missing. */
  async *#segments(id: string, size: number, onBytes?: (bytes: number) => void) {
    for (let n = 0; n * SEGMENT_BYTES < size; n++) {
      const part = await this.segment(id, n)
      if (part === null) throw new ClawError('file-damaged')
      yield part
      onBytes?.(Math.min(size, (n + 1) * SEGMENT_BYTES))
    }
  }

  /**
   * What version 1 kept in the clear: each piece is sealed before the old one goes, so it may end anywhere and goes on
   * with the next start.
   */
  async sealOld(): Promise<void> {
    for (const row of await this.#uploads('readonly').all()) {
      const { content, ...rest } = row
      if (content === undefined) continue
      await this.#writeAll(row.id, content)
      await this.#putRow({ ...rest, size: content.size })
    }
    for (const name of await this.#names()) {
      const [, id, n] = BARE_NAME.exec(name) ?? []
      const bare = id === undefined ? null : await this.#raw(name)
      if (id === undefined || bare === null) continue
      await this.writeSegment(id, Number(n), bare)
      await this.#removeRaw(name)
    }
  }

  async #names(): Promise<string[]> {
    if (this.#folder === null)
      return (await done(this.#store('segments', 'readonly').getAllKeys())).map(String)
    const names: string[] = []
    for await (const name of keysOf(this.#folder)) names.push(name)
    return names
  }

  /** Nothing of it stays. */
  async remove(id: string): Promise<void> {
    const upload = await this.#uploads('readonly').get(id)
    await done(this.#store('uploads', 'readwrite').delete(id))
    const found = await this.#content(id)
    await done(this.#store('contents', 'readwrite').delete(id))
    const size = Math.max(found?.size ?? 0, upload?.size ?? 0)
    for (let n = 0; n * SEGMENT_BYTES < size; n++)
      for (const name of [nameOf(id, n), bareName(id, n)]) await this.#removeRaw(name)
    await sweepOpened(id)
  }

  async clear(): Promise<void> {
    for (const { id } of [...(await this.contents()), ...(await this.uploads())])
      await this.remove(id)
  }
}

const bareName = (id: string, n: number): string => `${id}.${n}`
const BARE_NAME = /^([0-9a-f]{32})\.(\d+)$/
const nameOf = (id: string, n: number): string => `${id}.${n}.sealed`
const placeOf = (id: string, n: number): string => `segments ${id} ${n}`

/** Files of a private file system are listed by browsers that TypeScript does not know of yet. */
const keysOf = (folder: FileSystemDirectoryHandle): AsyncIterable<string> =>
  (folder as unknown as { keys(): AsyncIterable<string> }).keys()

const ended = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new ClawError('storage'))
  })

function create(db: IDBDatabase): void {
  db.createObjectStore('uploads', { keyPath: 'id' })
  db.createObjectStore('contents', { keyPath: 'id' })
  db.createObjectStore('segments')
}

/** In the transaction of `onupgradeneeded`; contents follow one by one (`sealOld`). */
function sealUploads(transaction: IDBTransaction, vault: Vault): void {
  const store = transaction.objectStore('uploads')
  const uploads = new SealedStore(store, vault, plainOf)
  store.getAll().onsuccess = ({ target }) => {
    for (const { content, ...row } of (target as IDBRequest<StoredUpload[]>).result)
      uploads.put({ ...row, size: null, ...(content === null ? {} : { content }) })
  }
}

/** Null where there is none, or none that this thread may write to. */
async function openFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    if (!('createWritable' in FileSystemFileHandle.prototype)) return null
    const root = await navigator.storage.getDirectory()
    return await root.getDirectoryHandle(FOLDER, { create: true })
  } catch {
    return null
  }
}
