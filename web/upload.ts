// One file on its way up (SPEC §6.5): blocks as they are asked for, and the hash over what went before each of them.
import { equal } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { blockLength, FILE_BLOCK_BYTES, fileHash, hashBlock } from '../shared/files.ts'

/** Hashes behind the last one that are remembered: more than are ever on their way. */
const REMEMBERED = 64

export class Upload {
  readonly #content: Blob
  /** by how many blocks it is over */
  readonly #hashes = new Map<number, Uint8Array>()
  #furthest = 0

  constructor(content: Blob) {
    this.#content = content
    this.#hashes.set(0, fileHash(content.size))
  }

  /** Rejects with ClawError('file-unreadable'). */
  async block(index: number): Promise<Uint8Array> {
    const from = index * FILE_BLOCK_BYTES
    const part = this.#content.slice(from, from + FILE_BLOCK_BYTES)
    const bytes = await part.arrayBuffer().catch(() => {
      throw new ClawError('file-unreadable')
    })
    // A file that became shorter gives less, and some browsers give nothing instead of an error.
    if (bytes.byteLength !== blockLength(this.#content.size, index))
      throw new ClawError('file-unreadable')
    return new Uint8Array(bytes)
  }

  /** The block after `index` others, and from then on the hash with it. */
  async next(index: number): Promise<Uint8Array> {
    const before = await this.hash(index)
    const block = await this.block(index)
    this.#remember(index + 1, hashBlock(before, block))
    return block
  }

  /** Over the first so many blocks; reads them where that is not known. */
  async hash(blocks: number): Promise<Uint8Array> {
    const known = this.#hashes.get(blocks)
    if (known !== undefined) return known
    let at = this.#furthest <= blocks ? this.#furthest : 0
    let hash = this.#hashes.get(at) ?? fileHash(this.#content.size)
    for (; at < blocks; at++) {
      hash = hashBlock(hash, await this.block(at))
      this.#remember(at + 1, hash)
    }
    return hash
  }

  /** Whether the host has the beginning of this very file. */
  async isBehind(blocks: number, hash: Uint8Array): Promise<boolean> {
    return equal(await this.hash(blocks), hash)
  }

  #remember(blocks: number, hash: Uint8Array): void {
    this.#hashes.set(blocks, hash)
    this.#furthest = Math.max(this.#furthest, blocks)
    // The hash of nothing stays: from there all of it can be had again.
    const old = this.#furthest - REMEMBERED
    if (old > 0) this.#hashes.delete(old)
  }
}
