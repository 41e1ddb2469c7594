// Events (SPEC §7): what is numbered, stored and acknowledged in each direction.
import { Reader, Writer } from './bytes.ts'
import { TEXT_MAX_BYTES } from './constants.ts'
import { ClawError } from './error.ts'

export const ID_BYTES = 16
export const MAX_DELIVERED = 1000

export const REFUSAL = { 'too-long': 1, 'no-room': 2, 'not-allowed': 3 } as const
export type Refusal = keyof typeof REFUSAL

/** Ids are 16 bytes; `seq` is the room's sequence number from 1. */
export type ChatEvent =
  | { readonly type: 'post'; readonly room: Uint8Array; readonly text: string }
  | StoredMessage
  | {
      readonly type: 'stored'
      readonly id: Uint8Array
      readonly room: Uint8Array
      readonly seq: number
      readonly atMs: number
    }
  | { readonly type: 'refused'; readonly id: Uint8Array; readonly reason: Refusal }
  | {
      readonly type: 'delivered'
      readonly room: Uint8Array
      readonly ids: readonly Uint8Array[]
    }

export interface StoredMessage {
  readonly type: 'message'
  readonly id: Uint8Array
  readonly room: Uint8Array
  readonly seq: number
  readonly atMs: number
  readonly author: Uint8Array
  readonly authorDevice: Uint8Array
  readonly delivered: boolean
  readonly text: string
}

const KIND = { post: 1, message: 2, stored: 3, refused: 4, delivered: 5 } as const

/** @returns the kind byte and the body that follows it in an EVENT */
export function encodeEvent(event: ChatEvent): { kind: number; body: Uint8Array } {
  return { kind: KIND[event.type], body: encodeBody(event) }
}

function encodeBody(event: ChatEvent): Uint8Array {
  const writer = new Writer(128)
  switch (event.type) {
    case 'post':
      return writer.bytes(event.room).str16(event.text, TEXT_MAX_BYTES).done()
    case 'message':
      return encodeStoredMessage(event)
    case 'stored':
      return writer.bytes(event.id).bytes(event.room).u64(event.seq).u64(event.atMs).done()
    case 'refused':
      return writer.bytes(event.id).u8(REFUSAL[event.reason]).done()
    case 'delivered':
      writer.bytes(event.room).u16(event.ids.length)
      for (const id of event.ids) writer.bytes(id)
      return writer.done()
  }
}

/** MESSAGE body, as it stands in EVENT and in PAGE. */
export const encodeStoredMessage = (message: StoredMessage): Uint8Array =>
  new Writer(128)
    .bytes(message.id)
    .bytes(message.room)
    .u64(message.seq)
    .u64(message.atMs)
    .bytes(message.author)
    .bytes(message.authorDevice)
    .u8(message.delivered ? 1 : 0)
    .str16(message.text, TEXT_MAX_BYTES)
    .done()

/** Throws ClawError('malformed'). */
export function decodeStoredMessage(body: Uint8Array): StoredMessage {
  const reader = new Reader(body)
  const id = reader.bytes(ID_BYTES)
  const room = reader.bytes(ID_BYTES)
  const seq = reader.u64()
  const atMs = reader.u64()
  const author = reader.bytes(ID_BYTES)
  const authorDevice = reader.bytes(ID_BYTES)
  const flags = reader.u8()
  const text = reader.str16(TEXT_MAX_BYTES)
  reader.end()
  if (flags > 1 || seq === 0) reader.fail()
  return {
    type: 'message',
    id,
    room,
    seq,
    atMs,
    author,
    authorDevice,
    delivered: flags === 1,
    text,
  }
}

/** Throws ClawError('malformed'); an empty or over-long text is malformed too. */
export function decodeEvent(kind: number, body: Uint8Array): ChatEvent {
  if (kind === KIND.message) return decodeStoredMessage(body)
  const reader = new Reader(body)
  const event = decodeOther(kind, reader)
  reader.end()
  return event
}

function decodeOther(kind: number, reader: Reader): ChatEvent {
  switch (kind) {
    case KIND.post: {
      const room = reader.bytes(ID_BYTES)
      const text = reader.str16(TEXT_MAX_BYTES)
      if (text === '') reader.fail()
      return { type: 'post', room, text }
    }
    case KIND.stored:
      return {
        type: 'stored',
        id: reader.bytes(ID_BYTES),
        room: reader.bytes(ID_BYTES),
        seq: reader.u64(),
        atMs: reader.u64(),
      }
    case KIND.refused: {
      const id = reader.bytes(ID_BYTES)
      const code = reader.u8()
      const reason = (Object.keys(REFUSAL) as Refusal[]).find((key) => REFUSAL[key] === code)
      return reason === undefined ? reader.fail() : { type: 'refused', id, reason }
    }
    case KIND.delivered: {
      const room = reader.bytes(ID_BYTES)
      const count = reader.u16()
      if (count > MAX_DELIVERED || reader.left !== count * ID_BYTES) reader.fail()
      const ids = Array.from({ length: count }, () => reader.bytes(ID_BYTES))
      return { type: 'delivered', room, ids }
    }
    default:
      throw new ClawError('malformed')
  }
}
