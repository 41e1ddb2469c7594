// Events (SPEC §7): what is numbered, stored and acknowledged in each direction.
import { type Attachment, readAttachment, writeAttachment } from './attachment.ts'
import { Reader, Writer } from './bytes.ts'
import { TEXT_MAX_BYTES } from './constants.ts'
import { ClawError } from './error.ts'
import { ID_BYTES, readFew, readFlag, readIds, readNamed, writeIds } from './fields.ts'
import { LIFE_MS, readSpan } from './lifetime.ts'

export const MAX_DELIVERED = 1000
/** UTF-8 of one reaction: an emoji, joined ones included */
export const EMOJI_MAX_BYTES = 32
/** different ones on one message, and members under each */
export const REACTIONS_MAX = 32
export const REACTORS_MAX = 200

export const REFUSAL = {
  'too-long': 1,
  'no-room': 2,
  'not-allowed': 3,
  'no-file': 4,
  gone: 5,
} as const
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
      /** of one that is posted again: when it was to end, unix ms; 0: nothing was said */
      readonly endsAtMs: number
    }
  | StoredMessage
  | {
      readonly type: 'stored'
      readonly id: Uint8Array
      readonly room: Uint8Array
      readonly seq: number
      readonly atMs: number
      readonly endsAtMs: number
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
  /** its time is over: then nothing is left but id, room, seq, atMs and change */
  readonly gone: boolean
  /** grows with every change of a message in the room; of two pictures of one message the higher is the later */
  readonly change: number
  readonly replyTo: Uint8Array | null
  readonly text: string
  readonly reactions: readonly Reaction[]
  readonly file?: Attachment
  /** from when on it is gone, unix ms of the host; 0: its room says nothing of that */
  readonly endsAtMs: number
  /** what the author did, in place of a text; null: it is a message as usual */
  readonly notice: Notice | null
}

/** The author set how long messages of the room stay from here on; 0: as long as the host keeps them. */
export interface Notice {
  readonly lifeMs: number
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
const FLAG = { delivered: 1, edited: 2, deleted: 4, gone: 8 } as const
const NOTICE = { none: 0, lifetime: 1 } as const
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
      return writer.u64(event.endsAtMs).done()
    case 'message':
      return encodeStoredMessage(event)
    case 'stored':
      writer.bytes(event.id).bytes(event.room).u64(event.seq).u64(event.atMs)
      return writer.u64(event.endsAtMs).done()
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
  const { delivered, edited, deleted, gone, notice } = message
  const writer = new Writer(160)
    .bytes(message.id)
    .bytes(message.room)
    .u64(message.seq)
    .u64(message.atMs)
    .bytes(message.author)
    .bytes(message.authorDevice)
    .u8((gone ? FLAG.gone : 0) + +delivered + +edited * FLAG.edited + +deleted * FLAG.deleted)
    .u64(message.change)
    .bytes(message.replyTo ?? NONE)
    .str16(message.text, TEXT_MAX_BYTES)
    .u8(message.reactions.length)
  for (const { emoji, members } of message.reactions)
    writeIds(writer.str8(emoji, EMOJI_MAX_BYTES), members)
  writeAttachment(writer, message.file)
  writer.u64(message.endsAtMs)
  if (notice === null) return writer.u8(NOTICE.none).done()
  return writer.u8(NOTICE.lifetime).u48(notice.lifeMs).done()
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
    endsAtMs: reader.u64(),
    notice: readNotice(reader),
  }
  reader.end()
  const has = (flag: number): boolean => (flags & flag) !== 0
  const [delivered, edited] = [has(FLAG.delivered), has(FLAG.edited)]
  const [deleted, gone] = [has(FLAG.deleted), has(FLAG.gone)]
  const message = {
    type: 'message',
    ...place,
    delivered,
    edited,
    deleted,
    gone,
    ...content,
  } as const
  if (flags > FLAG.gone || place.seq === 0 || !isWhole(message)) reader.fail()
  if (content.reactions.length > REACTIONS_MAX) reader.fail()
  return message
}

/** Who has nothing to say any more, or says what was done, says nothing else. */
function isWhole(message: StoredMessage): boolean {
  const { edited, deleted, gone, text, reactions, replyTo, file, notice, endsAtMs } = message
  const isSilent = text === '' && reactions.length === 0
  const isBare = isSilent && replyTo === null && file === undefined
  if (gone) return isBare && notice === null && endsAtMs === 0 && isNobody(message)
  if (notice !== null) return isBare && !edited && !deleted
  return !deleted || isBare
}

const isNobody = ({ author, authorDevice }: StoredMessage): boolean =>
  [...author, ...authorDevice].every((byte) => byte === 0)

function readNotice(reader: Reader): Notice | null {
  const kind = readNamed(NOTICE, reader)
  return kind === 'none' ? null : { lifeMs: readSpan(reader, LIFE_MS) }
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
      return { type: 'post', ...place, ...content, endsAtMs: reader.u64() }
    }
    case KIND.stored: {
      const id = reader.bytes(ID_BYTES)
      const place = { room: reader.bytes(ID_BYTES), seq: reader.u64() }
      return { type: 'stored', id, ...place, atMs: reader.u64(), endsAtMs: reader.u64() }
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
