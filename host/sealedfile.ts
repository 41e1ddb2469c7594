// A file on the host's disk: 64 bytes of head, then blocks of SPEC §6.5, each sealed by itself under a key of this file's own,
// which the host's file key seals. A block stands at the place of its index, so that any of them can be read alone.
import { type FileHandle, open as openHandle } from 'node:fs/promises'
import { equal, toUtf8, u64 } from '../shared/bytes.ts'
import type { Aead, RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { blockLength, blocksOf, FILE_BLOCK_BYTES } from '../shared/files.ts'
import { nodeBackend } from './nodecrypto.ts'

const MAGIC = toUtf8('CCF1')
const NONCE_BYTES = 12
const SEAL_BYTES = NONCE_BYTES + 16
const HEAD_BYTES = MAGIC.length + SEAL_BYTES + 32
const STEP = FILE_BLOCK_BYTES + SEAL_BYTES

export class SealedFile {
  readonly #handle: FileHandle
  readonly #aead: Aead
  readonly #random: RandomBytes

  private constructor(handle: FileHandle, key: Uint8Array, random: RandomBytes) {
    this.#handle = handle
    this.#aead = nodeBackend.aead(key)
    this.#random = random
  }

  /** An empty one, readable by its owner only, in place of whatever is there. `hostKey`: seals the keys of files. */
  static async create(path: string, hostKey: Aead, random: RandomBytes): Promise<SealedFile> {
    const key = random(32)
    const nonce = random(NONCE_BYTES)
    const handle = await openHandle(path, 'w+', 0o600)
    await write(handle, [MAGIC, nonce, await hostKey.seal(nonce, MAGIC, key)], 0)
    return new SealedFile(handle, key, random)
  }

  /** Throws ClawError('file-damaged') for what is no such file of this host, or not there. */
  static async open(path: string, hostKey: Aead, random: RandomBytes): Promise<SealedFile> {
    const handle = await openHandle(path, 'r+').catch(() => {
      throw new ClawError('file-damaged')
    })
    try {
      const head = await read(handle, HEAD_BYTES, 0)
      if (!equal(head.slice(0, MAGIC.length), MAGIC)) throw new ClawError('file-damaged')
      const [nonce, sealed] = [head.slice(4, 16), head.slice(16)]
      return new SealedFile(handle, await hostKey.open(nonce, MAGIC, sealed), random)
    } catch {
      await handle.close()
      throw new ClawError('file-damaged')
    }
  }

  /** How many blocks of a content of `size` bytes are there at their full length. */
  async count(size: number): Promise<number> {
    const bytes = (await this.#handle.stat()).size - HEAD_BYTES
    const full = Math.max(0, Math.floor(bytes / STEP))
    const last = blocksOf(size) - 1
    const ends = full === last && bytes - full * STEP >= blockLength(size, last) + SEAL_BYTES
    return Math.min(ends ? full + 1 : full, last + 1)
  }

  /** Throws ClawError('file-damaged'). */
  async read(index: number, length: number): Promise<Uint8Array> {
    try {
      const sealed = await read(this.#handle, length + SEAL_BYTES, HEAD_BYTES + index * STEP)
      const nonce = sealed.slice(0, NONCE_BYTES)
      return await this.#aead.open(nonce, u64(index), sealed.slice(NONCE_BYTES))
    } catch {
      throw new ClawError('file-damaged')
    }
  }

  /** Throws ClawError('file-disk-full') for whatever the disk refuses. */
  async write(index: number, block: Uint8Array): Promise<void> {
    const nonce = this.#random(NONCE_BYTES)
    const sealed = await this.#aead.seal(nonce, u64(index), block)
    await write(this.#handle, [nonce, sealed], HEAD_BYTES + index * STEP)
  }

  /** On the disk, and not only on its way there. */
  async sync(): Promise<void> {
    await this.#handle.sync()
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

async function read(handle: FileHandle, length: number, at: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  const { bytesRead } = await handle.read(bytes, 0, length, at)
  if (bytesRead !== length) throw new ClawError('file-damaged')
  return bytes
}

async function write(handle: FileHandle, parts: readonly Uint8Array[], at: number): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const written = await handle.writev(parts, at).catch(() => null)
  // Less comes of a disk that is full.
  if (written?.bytesWritten !== length) throw new ClawError('file-disk-full')
}
