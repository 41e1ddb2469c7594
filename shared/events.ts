// Events (SPEC §7): what is numbered, stored and acknowledged in each direction.
import { type Attachment, readAttachment, writeAttachment } from './attachment.ts'
import { Reader, Writer } from './bytes.ts'
import { TEXT_MAX_BYTES } from './constants.ts'
import { ClawError } from './error.ts'
import { ID_BYTES, readFew, readFlag, readIds, readNamed, writeIds } from './fields.ts'

export const MAX_DELIVERED = 1000
/** UTF-8 of one reaction: an emoji, joined ones included */
export const EMOJI_MAX_BYTES = 32
/** different ones on one message, and members under each */
export const REACTIONS_MAX = 32
export const REACTORS_MAX = 200

export const REFUSAL = { 'too-long': 1, 'no-room': 2, 'not-allowed': 3, 'no-file': 4 } as const
export type Refusal = keyof typeof REFUSAL

/** Ids are 16 bytes; `seq` is the room's sequence number from 1. */
export type ChatEvent =
  | {
      readonly type: 'post'
      readonly room: Uint8Array
      /** id of the message that it answers, or null */
      readonly replyTo: Uint8Array | null
      /** empty only beside a file */
      readonly text: string
      readonly file?: Attachment
    }
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
  | { readonly type: 'edit'; readonly message: Uint8Array; readonly text: string }
  | { readonly type: 'delete'; readonly message: Uint8Array }
  | {
      readonly type: 'react'
      readonly message: Uint8Array
      readonly on: boolean
      readonly emoji: string
    }
  | {
      readonly type: 'read'
      readonly room: Uint8Array
      readonly seq: number
      /** whether the other members may know */
      readonly shared: boolean
    }
  | {
      readonly type: 'read-by'
      readonly room: Uint8Array
      readonly member: Uint8Array
      readonly seq: number
    }

export interface Reaction {
  readonly emoji: string
  readonly members: readonly Uint8Array[]
}

/** A message as it stands now. */
export interface StoredMessage {
  readonly type: 'message'
  readonly id: Uint8Array
  readonly room: Uint8Array
  readonly seq: number
  readonly atMs: number
  readonly author: Uint8Array
  readonly authorDevice: Uint8Array
  readonly delivered: boolean
  readonly edited: boolean
  /** then without text, reply, reactions and file */
  readonly deleted: boolean
  /** grows with every change of a message in the room; of two pictures of one message the higher is the later */
  readonly change: number
  readonly replyTo: Uint8Array | null
  readonly text: string
  readonly reactions: readonly Reaction[]
  readonly file?: Attachment
}

const KIND = {
  post: 1,
  message: 2,
  stored: 3,
  refused: 4,
  delivered: 5,
  edit: 6,
  delete: 7,
  react: 8,
  read: 9,
  'read-by': 10,
} as const
const FLAG = { delivered: 1, edited: 2, deleted: 4 } as const
const NONE = new Uint8Array(ID_BYTES)

/** @returns the kind byte and the body that follows it in an EVENT */
export function encodeEvent(event: ChatEvent): { kind: number; body: Uint8Array } {
  return { kind: KIND[event.type], body: encodeBody(event) }
}

function encodeBody(event: ChatEvent): Uint8Array {
  const writer = new Writer(128)
  switch (event.type) {
    case 'post':
      writer.bytes(event.room).bytes(event.replyTo ?? NONE)
      writeAttachment(writer.str16(event.text, TEXT_MAX_BYTES), event.file)
      return writer.done()
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
    case 'edit':
      return writer.bytes(event.message).str16(event.text, TEXT_MAX_BYTES).done()
    case 'delete':
      return writer.bytes(event.message).done()
    case 'react':
      writer.bytes(event.message).u8(event.on ? 1 : 0)
      return writer.str8(event.emoji, EMOJI_MAX_BYTES).done()
    case 'read':
      return writer
        .bytes(event.room)
        .u64(event.seq)
        .u8(event.shared ? 1 : 0)
        .done()
    case 'read-by':
      return writer.bytes(event.room).bytes(event.member).u64(event.seq).done()
  }
}

/** MESSAGE body, as it stands in EVENT and in PAGE. */
export function encodeStoredMessage(message: StoredMessage): Uint8Array {
  const { delivered, edited, deleted } = message
  const writer = new Writer(160)
    .bytes(message.id)
    .bytes(message.room)
    .u64(message.seq)
    .u64(message.atMs)
    .bytes(message.author)
    .bytes(message.authorDevice)
    .u8(+delivered * FLAG.delivered + +edited * FLAG.edited + +deleted * FLAG.deleted)
    .u64(message.change)
    .bytes(message.replyTo ?? NONE)
    .str16(message.text, TEXT_MAX_BYTES)
    .u8(message.reactions.length)
  for (const { emoji, members } of message.reactions)
    writeIds(writer.str8(emoji, EMOJI_MAX_BYTES), members)
  writeAttachment(writer, message.file)
  return writer.done()
}

/** Throws ClawError('malformed'). */
export function decodeStoredMessage(body: Uint8Array): StoredMessage {
  const reader = new Reader(body)
  const place = {
    id: reader.bytes(ID_BYTES),
    room: reader.bytes(ID_BYTES),
    seq: reader.u64(),
    atMs: reader.u64(),
    author: reader.bytes(ID_BYTES),
    authorDevice: reader.bytes(ID_BYTES),
  }
  const flags = reader.u8()
  const content = {
    change: reader.u64(),
    replyTo: readReply(reader),
    text: reader.str16(TEXT_MAX_BYTES),
    reactions: readFew(reader, 2, () => readReaction(reader)),
    ...readAttachment(reader),
  }
  reader.end()
  const delivered = (flags & FLAG.delivered) !== 0
  const edited = (flags & FLAG.edited) !== 0
  const deleted = (flags & FLAG.deleted) !== 0
  const isSilent = content.text === '' && content.reactions.length === 0
  const isBare = isSilent && content.replyTo === null && content.file === undefined
  if (flags > 7 || place.seq === 0 || (deleted && !isBare)) reader.fail()
  if (content.reactions.length > REACTIONS_MAX) reader.fail()
  return { type: 'message', ...place, delivered, edited, deleted, ...content }
}

function readReply(reader: Reader): Uint8Array | null {
  const id = reader.bytes(ID_BYTES)
  return id.every((byte) => byte === 0) ? null : id
}

function readReaction(reader: Reader): Reaction {
  const emoji = readEmoji(reader)
  const members = readIds(reader)
  return members.length === 0 || members.length > REACTORS_MAX ? reader.fail() : { emoji, members }
}

/** 1..32 bytes of UTF-8 without control characters. */
function readEmoji(reader: Reader): string {
  const emoji = reader.str8(EMOJI_MAX_BYTES)
  return emoji === '' || /\p{Cc}/u.test(emoji) ? reader.fail() : emoji
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
      const place = { room: reader.bytes(ID_BYTES), replyTo: readReply(reader) }
      const content = { text: reader.str16(TEXT_MAX_BYTES), ...readAttachment(reader) }
      if (content.text === '' && content.file === undefined) reader.fail()
      return { type: 'post', ...place, ...content }
    }
    case KIND.stored: {
      const ids = { id: reader.bytes(ID_BYTES), room: reader.bytes(ID_BYTES) }
      return { type: 'stored', ...ids, seq: reader.u64(), atMs: reader.u64() }
    }
    case KIND.refused:
      return { type: 'refused', id: reader.bytes(ID_BYTES), reason: readNamed(REFUSAL, reader) }
    case KIND.delivered: {
      const room = reader.bytes(ID_BYTES)
      const count = reader.u16()
      if (count > MAX_DELIVERED || reader.left !== count * ID_BYTES) reader.fail()
      const ids = Array.from({ length: count }, () => reader.bytes(ID_BYTES))
      return { type: 'delivered', room, ids }
    }
    default:
      return decodeChange(kind, reader)
  }
}

function decodeChange(kind: number, reader: Reader): ChatEvent {
  switch (kind) {
    case KIND.edit:
      return { type: 'edit', message: reader.bytes(ID_BYTES), text: readText(reader) }
    case KIND.delete:
      return { type: 'delete', message: reader.bytes(ID_BYTES) }
    case KIND.react: {
      const message = reader.bytes(ID_BYTES)
      return { type: 'react', message, on: readFlag(reader), emoji: readEmoji(reader) }
    }
    case KIND.read: {
      const place = { room: reader.bytes(ID_BYTES), seq: reader.u64() }
      return { type: 'read', ...place, shared: readFlag(reader) }
    }
    case KIND['read-by']: {
      const ids = { room: reader.bytes(ID_BYTES), member: reader.bytes(ID_BYTES) }
      return { type: 'read-by', ...ids, seq: reader.u64() }
    }
    default:
      throw new ClawError('malformed')
  }
}

function readText(reader: Reader): string {
  const text = reader.str16(TEXT_MAX_BYTES)
  return text === '' ? reader.fail() : text
}
