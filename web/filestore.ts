// Files in this browser: what is being sent, as far as it is kept here, and what has come. Content lies in the origin's private
// file system in segments, each written once, so that a file of any size takes no memory; without one (plain http) in IndexedDB.
import { ClawError } from '../shared/error.ts'
import { FILE_BLOCK_BYTES } from '../shared/files.ts'
import type { StoredMessage } from './keep.ts'

const DATABASE = 'clawchat-files'
const FOLDER = 'clawchat-files'
const STORES = ['uploads', 'contents', 'segments'] as const
type StoreName = (typeof STORES)[number]

/** 16 MiB: what is lost of a file that was coming when the page is closed. */
export const SEGMENT_BLOCKS = 256
export const SEGMENT_BYTES = SEGMENT_BLOCKS * FILE_BLOCK_BYTES
/** Sent files up to here go on by themselves after a reload; larger ones have to be chosen again. */
export const KEPT_BYTES = 64 * 2 ** 20
/** Without a private file system. */
export const BARE_MAX_BYTES = 64 * 2 ** 20

export interface StoredUpload {
  readonly id: string
  readonly message: StoredMessage
  /** the content, where it is small enough to be kept */
  readonly content: Blob | null
  readonly isPaused: boolean
}

interface Content {
  readonly id: string
  readonly size: number
  readonly isWhole: boolean
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

export class FileStore {
  readonly #db: IDBDatabase
  readonly #folder: FileSystemDirectoryHandle | null

  private constructor(db: IDBDatabase, folder: FileSystemDirectoryHandle | null) {
    this.#db = db
    this.#folder = folder
  }

  /** Throws ClawError('storage'). */
  static async open(): Promise<FileStore> {
    try {
      const request = indexedDB.open(DATABASE, 1)
      request.onupgradeneeded = () => {
        request.result.createObjectStore('uploads', { keyPath: 'id' })
        request.result.createObjectStore('contents', { keyPath: 'id' })
        request.result.createObjectStore('segments')
      }
      return new FileStore(await done(request), await openFolder())
    } catch {
      throw new ClawError('storage')
    }
  }

  #store(name: StoreName, mode: IDBTransactionMode): IDBObjectStore {
    return this.#db.transaction(name, mode).objectStore(name)
  }

  uploads(): Promise<StoredUpload[]> {
    return done(this.#store('uploads', 'readonly').getAll()) as Promise<StoredUpload[]>
  }

  async putUpload(upload: StoredUpload): Promise<void> {
    await done(this.#store('uploads', 'readwrite').put(upload))
  }

  /** It is sent: what is kept of it is from now on the content of its message. */
  async sent(id: string): Promise<void> {
    const upload = (await done(this.#store('uploads', 'readonly').get(id))) as
      | StoredUpload
      | undefined
    if (upload?.content != null) {
      const { content } = upload
      for (let n = 0; n * SEGMENT_BYTES < content.size; n++)
        await this.writeSegment(id, n, content.slice(n * SEGMENT_BYTES, (n + 1) * SEGMENT_BYTES))
      await this.putContent({ id, size: content.size, isWhole: true })
    }
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
    try {
      if (this.#folder === null) {
        const blob = new Blob([content])
        await done(this.#store('segments', 'readwrite').put(blob, nameOf(id, n)))
        return
      }
      const file = await this.#folder.getFileHandle(nameOf(id, n), { create: true })
      const stream = await file.createWritable()
      await stream.write(content)
      await stream.close()
    } catch {
      throw new ClawError('file-no-room')
    }
  }

  /** Null where it is not kept. */
  async segment(id: string, n: number): Promise<Blob | null> {
    if (this.#folder === null)
      return ((await done(this.#store('segments', 'readonly').get(nameOf(id, n)))) as Blob) ?? null
    try {
      return await (await this.#folder.getFileHandle(nameOf(id, n))).getFile()
    } catch {
      return null
    }
  }

  /** A whole file; null where it is not here. `type`: what the browser is to take it for. */
  async read(id: string, type: string): Promise<Blob | null> {
    const found = (await done(this.#store('contents', 'readonly').get(id))) as Content | undefined
    if (!found?.isWhole) return null
    const parts: Blob[] = []
    for (let n = 0; n * SEGMENT_BYTES < found.size; n++) {
      const part = await this.segment(id, n)
      if (part === null) return null
      parts.push(part)
    }
    return new Blob(parts, { type })
  }

  /** Nothing of it stays. */
  async remove(id: string): Promise<void> {
    await done(this.#store('uploads', 'readwrite').delete(id))
    const found = (await done(this.#store('contents', 'readonly').get(id))) as Content | undefined
    await done(this.#store('contents', 'readwrite').delete(id))
    for (let n = 0; n * SEGMENT_BYTES < (found?.size ?? 0); n++) {
      if (this.#folder === null)
        await done(this.#store('segments', 'readwrite').delete(nameOf(id, n)))
      else await this.#folder.removeEntry(nameOf(id, n)).catch(() => undefined)
    }
  }

  async clear(): Promise<void> {
    for (const { id } of [...(await this.contents()), ...(await this.uploads())])
      await this.remove(id)
  }
}

const nameOf = (id: string, n: number): string => `${id}.${n}`

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
