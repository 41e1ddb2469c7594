// One file on its way down (SPEC §6.5): blocks in their order, kept in segments, hashed as they come.
import { equal } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { blockLength, blocksOf, FILE_BLOCK_BYTES, fileHash, hashBlock } from '../shared/files.ts'
import { type FileStore, SEGMENT_BLOCKS, SEGMENT_BYTES } from './filestore.ts'

type Store = Pick<FileStore, 'segment' | 'writeSegment' | 'reserve' | 'putContent' | 'remove'>

export class Download {
  readonly #store: Store
  readonly #id: string
  readonly #size: number
  #hash: Uint8Array
  /** blocks that are here, those of the segment that is being filled among them */
  blocks = 0
  /** the one that is being filled, always the same memory */
  readonly #segment: Uint8Array<ArrayBuffer>

  private constructor(store: Store, id: string, size: number) {
    this.#store = store
    this.#id = id
    this.#size = size
    this.#hash = fileHash(size)
    this.#segment = new Uint8Array(Math.min(size, SEGMENT_BYTES))
  }

  /** Goes on from the whole segments that are kept. Rejects with ClawError('file-no-room'). */
  static async begin(store: Store, id: string, size: number): Promise<Download> {
    const download = new Download(store, id, size)
    await download.#readKept()
    await store.reserve(size - Math.min(size, download.blocks * FILE_BLOCK_BYTES))
    await store.putContent({ id, size, isWhole: false })
    return download
  }

  async #readKept(): Promise<void> {
    for (let n = 0; ; n++) {
      const part = await this.#store.segment(this.#id, n)
      const length = Math.min(SEGMENT_BYTES, this.#size - n * SEGMENT_BYTES)
      if (part === null || length <= 0 || part.length !== length) return
      for (let at = 0; at < length; at += FILE_BLOCK_BYTES) {
        this.#hash = hashBlock(this.#hash, part.subarray(at, at + FILE_BLOCK_BYTES))
        this.blocks += 1
      }
    }
  }

  /** Takes exactly the next block. @returns whether it was that. Rejects with ClawError('file-no-room'). */
  async take(index: number, bytes: Uint8Array): Promise<boolean> {
    if (index !== this.blocks || bytes.length !== blockLength(this.#size, index)) return false
    this.#hash = hashBlock(this.#hash, bytes)
    const at = (index % SEGMENT_BLOCKS) * FILE_BLOCK_BYTES
    this.#segment.set(bytes, at)
    this.blocks += 1
    const isFull = this.blocks % SEGMENT_BLOCKS === 0
    if (isFull || this.blocks === blocksOf(this.#size)) {
      const n = Math.floor(index / SEGMENT_BLOCKS)
      await this.#store.writeSegment(this.#id, n, this.#segment.subarray(0, at + bytes.length))
    }
    return true
  }

  /** All of it is here. Rejects with ClawError('file-damaged') if it is not what the message says; then nothing is kept. */
  async finish(hash: Uint8Array): Promise<void> {
    if (!equal(hash, this.#hash)) {
      await this.#store.remove(this.#id)
      throw new ClawError('file-damaged')
    }
    await this.#store.putContent({ id: this.#id, size: this.#size, isWhole: true })
  }
}
