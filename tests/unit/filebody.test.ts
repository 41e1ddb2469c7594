// One file on its way up and one on its way down in the page: hashes, segments, what is kept and what is noticed.
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { equal } from '../../shared/bytes.ts'
import { codeOf } from '../../shared/error.ts'
import { blocksOf, FILE_BLOCK_BYTES, fileHash, hashBlock } from '../../shared/files.ts'
import { Download } from '../../web/download.ts'
import { SEGMENT_BLOCKS, SEGMENT_BYTES } from '../../web/filestore.ts'
import { Upload } from '../../web/upload.ts'

const SIZE = SEGMENT_BYTES + 3 * FILE_BLOCK_BYTES + 7
const CONTENT = new Uint8Array(randomBytes(SIZE))
const BLOCKS = blocksOf(SIZE)
const block = (index: number): Uint8Array =>
  CONTENT.slice(index * FILE_BLOCK_BYTES, (index + 1) * FILE_BLOCK_BYTES)
const HASHES = [fileHash(SIZE)]
for (let i = 0; i < BLOCKS; i++) HASHES.push(hashBlock(HASHES[i] ?? new Uint8Array(), block(i)))
const WHOLE = HASHES[BLOCKS] ?? new Uint8Array()

/** What a browser keeps. */
class Shelf {
  readonly segments = new Map<number, Uint8Array<ArrayBuffer>>()
  isWhole = false
  isFull = false
  async segment(_: string, n: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.segments.get(n) ?? null
  }
  async writeSegment(_: string, n: number, content: Blob | Uint8Array<ArrayBuffer>): Promise<void> {
    this.segments.set(n, new Uint8Array(await new Blob([content]).arrayBuffer()))
  }
  async reserve(): Promise<void> {}
  async putContent({ isWhole }: { isWhole: boolean }): Promise<void> {
    this.isWhole = isWhole
  }
  async remove(): Promise<void> {
    this.segments.clear()
  }
  async bytes(): Promise<Uint8Array> {
    const parts = [...this.segments].sort(([a], [b]) => a - b).map(([, part]) => part)
    return new Uint8Array(await new Blob(parts).arrayBuffer())
  }
}

test('blocks come down in order, each once; another one, or one of another length, changes nothing', async () => {
  const shelf = new Shelf()
  const download = await Download.begin(shelf, 'a', SIZE)
  for (let i = 0; i < BLOCKS; i++) {
    expect(await download.take(i + 1, block(i))).toBe(false)
    expect(await download.take(i, block(i).slice(1))).toBe(false)
    expect(await download.take(i, block(i))).toBe(true)
    expect(await download.take(i, block(i))).toBe(false)
  }
  await download.finish(WHOLE)
  expect([shelf.isWhole, shelf.segments.size]).toEqual([true, 2])
  expect(equal(await shelf.bytes(), CONTENT)).toBe(true)
})

test('after a reload it goes on from the segments that are kept', async () => {
  const shelf = new Shelf()
  const first = await Download.begin(shelf, 'a', SIZE)
  for (let i = 0; i <= SEGMENT_BLOCKS; i++) await first.take(i, block(i))
  const again = await Download.begin(shelf, 'a', SIZE)
  expect(again.blocks).toBe(SEGMENT_BLOCKS)
  for (let i = SEGMENT_BLOCKS; i < BLOCKS; i++) await again.take(i, block(i))
  await again.finish(WHOLE)
  expect(equal(await shelf.bytes(), CONTENT)).toBe(true)
})

test('what is not what the message says is not kept', async () => {
  const shelf = new Shelf()
  const download = await Download.begin(shelf, 'a', 5)
  await download.take(0, new Uint8Array(5))
  expect(await download.finish(WHOLE).then(() => 'kept', codeOf)).toBe('file-damaged')
  expect([shelf.isWhole, shelf.segments.size]).toEqual([false, 0])
})

test('blocks go up with the hash before each; from wherever the host is', async () => {
  const upload = new Upload(new Blob([CONTENT]))
  for (let i = 0; i < 100; i++) expect(equal(await upload.next(i), block(i))).toBe(true)
  expect(await upload.hash(100)).toEqual(HASHES[100])
  // Further back than is remembered: it is read anew.
  expect(await upload.isBehind(2, HASHES[2] ?? new Uint8Array())).toBe(true)
  expect(equal(await upload.next(2), block(2))).toBe(true)
  const other = new Upload(new Blob([CONTENT]))
  expect(await other.isBehind(BLOCKS, WHOLE)).toBe(true)
})

test('another file of the same size is noticed', async () => {
  const upload = new Upload(new Blob([new Uint8Array(SIZE)]))
  expect(await upload.isBehind(0, fileHash(SIZE))).toBe(true)
  expect(await upload.isBehind(3, HASHES[3] ?? new Uint8Array())).toBe(false)
})

test('a file that cannot be read any more, or became shorter, is said to be so', async () => {
  const gone = { size: 10, slice: () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }) }
  const shorter = { size: 10, slice: () => new Blob(['four']) }
  for (const content of [gone, shorter])
    expect(await new Upload(content as unknown as Blob).next(0).then(() => 'read', codeOf)).toBe(
      'file-unreadable',
    )
})
