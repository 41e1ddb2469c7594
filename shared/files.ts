// How files travel (SPEC §6.5): blocks in order, the hash over them, and the messages of a transfer.
// A file has the id of the message that it belongs to.
import { type Reader, toUtf8, u64, Writer } from './bytes.ts'
import { FRAME_MAX_DATA } from './constants.ts'
import type { ClawErrorCode } from './error.ts'
import { ID_BYTES, readNamed } from './fields.ts'
import { sha256 } from './hash.ts'

/** One block and what stands before it fill four frames. */
export const FILE_BLOCK_BYTES = 4 * FRAME_MAX_DATA - 20
export const FILE_MAX_BYTES = 2 ** 40
/** Blocks on their way, of all files of a carrier; over a relay few, so that what is written meanwhile waits for few. */
export const FILE_WINDOW = { direct: 8, signal: 8, mailbox: 8, relay: 2 } as const
/** Messages of transfers that a host takes from a device before it has answered the first. */
export const FILE_AHEAD_MAX = 32

export const FILE_FAILURE = {
  'file-unknown': 1,
  'file-too-large': 2,
  'file-quota': 3,
  'file-disk-full': 4,
  'file-damaged': 5,
  'file-too-many': 6,
  'file-member-quota': 7,
} as const satisfies Partial<Record<ClawErrorCode, number>>
export type FileFailure = keyof typeof FILE_FAILURE

/** `id`: 16 bytes. `index`: of a block, from 0. */
export type FileMessage =
  | {
      readonly type: 'offer'
      readonly id: Uint8Array
      readonly room: Uint8Array
      readonly size: number
    }
  | {
      readonly type: 'at'
      readonly id: Uint8Array
      /** how many blocks the host has, from the first, without a gap */
      readonly blocks: number
      /** over these, 32 bytes */
      readonly hash: Uint8Array
    }
  | ({ readonly type: 'put' } & FileBlock)
  | ({ readonly type: 'block' } & FileBlock)
  | { readonly type: 'drop'; readonly id: Uint8Array }
  | { readonly type: 'fetch'; readonly id: Uint8Array; readonly index: number }
  | { readonly type: 'file-fail'; readonly id: Uint8Array; readonly code: FileFailure }

interface FileBlock {
  readonly id: Uint8Array
  readonly index: number
  /** 1..`FILE_BLOCK_BYTES` */
  readonly bytes: Uint8Array
}

export const FILE_TYPE = {
  offer: 0x20,
  at: 0x21,
  put: 0x22,
  drop: 0x23,
  fetch: 0x24,
  block: 0x25,
  'file-fail': 0x26,
} as const
export type FileType = (typeof FILE_TYPE)[keyof typeof FILE_TYPE]

export const isFileMessage = (message: { readonly type: string }): message is FileMessage =>
  message.type in FILE_TYPE

export const blocksOf = (size: number): number => Math.ceil(size / FILE_BLOCK_BYTES)

/** Length of one block; 0 beyond the last. */
export const blockLength = (size: number, index: number): number =>
  Math.max(0, Math.min(FILE_BLOCK_BYTES, size - index * FILE_BLOCK_BYTES))

/** The hash of a file of which no block has been seen; 32 bytes, as below. */
export const fileHash = (size: number, sha = sha256): Uint8Array =>
  sha(toUtf8('clawchat/v1 file\0'), u64(size))

/** The hash with one more block. */
export const hashBlock = (hash: Uint8Array, block: Uint8Array, sha = sha256): Uint8Array =>
  sha(hash, block)

export function encodeFileData(message: FileMessage): Uint8Array {
  const writer = new Writer(64 + ('bytes' in message ? message.bytes.length : 0)).bytes(message.id)
  switch (message.type) {
    case 'offer':
      return writer.bytes(message.room).u64(message.size).done()
    case 'at':
      return writer.u32(message.blocks).bytes(message.hash).done()
    case 'put':
    case 'block':
      return writer.u32(message.index).bytes(message.bytes).done()
    case 'drop':
      return writer.done()
    case 'fetch':
      return writer.u32(message.index).done()
    case 'file-fail':
      return writer.u8(FILE_FAILURE[message.code]).done()
  }
}

export function readFileMessage(type: FileType, reader: Reader): FileMessage {
  const id = reader.bytes(ID_BYTES)
  switch (type) {
    case FILE_TYPE.offer:
      return readOffer(id, reader)
    case FILE_TYPE.at:
      return { type: 'at', id, blocks: reader.u32(), hash: reader.bytes(32) }
    case FILE_TYPE.put:
      return { type: 'put', id, ...readBlock(reader) }
    case FILE_TYPE.drop:
      return { type: 'drop', id }
    case FILE_TYPE.fetch:
      return { type: 'fetch', id, index: reader.u32() }
    case FILE_TYPE.block:
      return { type: 'block', id, ...readBlock(reader) }
    case FILE_TYPE['file-fail']:
      return { type: 'file-fail', id, code: readNamed(FILE_FAILURE, reader) }
  }
}

function readOffer(id: Uint8Array, reader: Reader): FileMessage {
  const room = reader.bytes(ID_BYTES)
  const size = reader.u64()
  return size > FILE_MAX_BYTES ? reader.fail() : { type: 'offer', id, room, size }
}

/** 1..65 356 bytes. */
function readBlock(reader: Reader): { readonly index: number; readonly bytes: Uint8Array } {
  const index = reader.u32()
  if (reader.left === 0 || reader.left > FILE_BLOCK_BYTES) reader.fail()
  return { index, bytes: reader.rest() }
}
