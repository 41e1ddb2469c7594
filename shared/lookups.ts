// What a device looks up at the host and the answers (SPEC §7.5, §7.6): searching, where a message lies, what it said before,
// a member's picture. Codec of what stands behind the type byte. Ids are 16 bytes; an answer bears the token of its question.
import { isZero, type Reader, Writer } from './bytes.ts'
import { EXCERPT_MAX_BYTES, QUERY_MAX_BYTES, RANGES_MAX, TEXT_MAX_BYTES } from './constants.ts'
import { ID_BYTES, readFew, readIds, readNamed, writeIds } from './fields.ts'
import { readPicture, writePicture } from './picture.ts'
import type { Excerpt, Range } from './terms.ts'

/** results of one FOUND */
export const FOUND_MAX = 50
/** texts of one EARLIER */
export const EARLIER_MAX = 50
/** how LOCATE names a place: the first message not before a time, or a message */
export const LOCATE_BY = { time: 1, message: 2 } as const
/** why a look-up was not carried out */
export const LOOKUP_FAILURE = { 'too-many': 1 } as const
export type LookupFailure = keyof typeof LOOKUP_FAILURE

export interface Search {
  readonly type: 'search'
  readonly token: number
  readonly query: string
  /** none: all that the member is in */
  readonly rooms: readonly Uint8Array[]
  /** none: whoever */
  readonly authors: readonly Uint8Array[]
  /** not before, and before; 0: no bound */
  readonly fromMs: number
  readonly toMs: number
  /** continues behind this message; null: from the newest */
  readonly below: Uint8Array | null
  /** 1..50 */
  readonly limit: number
  /** messages with a file, and no others */
  readonly onlyFiles: boolean
}

export interface FoundMessage {
  readonly id: Uint8Array
  readonly room: Uint8Array
  readonly seq: number
  readonly atMs: number
  readonly author: Uint8Array
  readonly excerpt: Excerpt
}

export interface Found {
  readonly type: 'found'
  readonly token: number
  readonly code: LookupFailure | null
  /** where the next SEARCH continues; null: that was all */
  readonly next: Uint8Array | null
  /** newest first */
  readonly messages: readonly FoundMessage[]
}

export interface Locate {
  readonly type: 'locate'
  readonly token: number
  readonly room: Uint8Array
  readonly by: { readonly atMs: number } | { readonly message: Uint8Array }
}

export interface Located {
  readonly type: 'located'
  readonly token: number
  readonly code: LookupFailure | null
  /** 0: nowhere */
  readonly seq: number
}

/** What a message said before it was edited. */
export interface Versions {
  readonly type: 'versions'
  readonly token: number
  readonly message: Uint8Array
}

export interface Earlier {
  readonly type: 'earlier'
  readonly token: number
  readonly code: LookupFailure | null
  /** newest first; each was what the message said until then */
  readonly texts: readonly { readonly untilMs: number; readonly text: string }[]
}

/** What stands in STATE under its id. */
export interface PictureOf {
  readonly type: 'picture'
  readonly token: number
  readonly member: Uint8Array
}

export interface Pictured {
  readonly type: 'pictured'
  readonly token: number
  readonly code: LookupFailure | null
  /** none: no bytes */
  readonly picture: Uint8Array
}

export type Lookup = Search | Locate | Versions | PictureOf
export type LookupAnswer = Found | Located | Earlier | Pictured

const NONE = new Uint8Array(ID_BYTES)
const CODE = { ...LOOKUP_FAILURE, none: 0 } as const

export function encodeLookup(message: Lookup | LookupAnswer): Uint8Array {
  const writer = new Writer(256).u32(message.token)
  switch (message.type) {
    case 'search':
      return encodeSearch(writer, message)
    case 'locate':
      writer.bytes(message.room)
      return 'atMs' in message.by
        ? writer.u8(LOCATE_BY.time).u64(message.by.atMs).done()
        : writer.u8(LOCATE_BY.message).bytes(message.by.message).done()
    case 'versions':
      return writer.bytes(message.message).done()
    case 'picture':
      return writer.bytes(message.member).done()
    default:
      return encodeAnswer(writer.u8(CODE[message.code ?? 'none']), message)
  }
}

function encodeSearch(writer: Writer, search: Search): Uint8Array {
  writer.str8(search.query, QUERY_MAX_BYTES)
  writeIds(writer, search.rooms)
  writeIds(writer, search.authors)
  writer.u64(search.fromMs).u64(search.toMs)
  return writer
    .bytes(search.below ?? NONE)
    .u8(search.limit)
    .u8(search.onlyFiles ? 1 : 0)
    .done()
}

/** Of a failure nothing follows the code. */
function encodeAnswer(writer: Writer, answer: LookupAnswer): Uint8Array {
  if (answer.code !== null) return writer.done()
  switch (answer.type) {
    case 'located':
      return writer.u64(answer.seq).done()
    case 'earlier':
      writer.u8(answer.texts.length)
      for (const { untilMs, text } of answer.texts) writer.u64(untilMs).str16(text, TEXT_MAX_BYTES)
      return writer.done()
    case 'pictured':
      writePicture(writer, answer.picture)
      return writer.done()
    case 'found':
      writer.bytes(answer.next ?? NONE).u8(answer.messages.length)
      for (const message of answer.messages) writeFound(writer, message)
      return writer.done()
  }
}

function writeFound(writer: Writer, { excerpt, ...message }: FoundMessage): void {
  writer.bytes(message.id).bytes(message.room).u64(message.seq).u64(message.atMs)
  writer.bytes(message.author).str16(excerpt.text, EXCERPT_MAX_BYTES).u8(excerpt.ranges.length)
  for (const { start, length } of excerpt.ranges) writer.u16(start).u16(length)
}

/** Fails on anything but what stands behind the type byte. */
export function readLookup(type: Lookup['type'], reader: Reader): Lookup {
  const token = reader.u32()
  switch (type) {
    case 'search':
      return readSearch(token, reader)
    case 'locate':
      return { type, token, room: reader.bytes(ID_BYTES), by: readPlace(reader) }
    case 'versions':
      return { type, token, message: reader.bytes(ID_BYTES) }
    case 'picture':
      return { type, token, member: reader.bytes(ID_BYTES) }
  }
}

function readSearch(token: number, reader: Reader): Search {
  const query = reader.str8(QUERY_MAX_BYTES)
  const who = { rooms: readIds(reader), authors: readIds(reader) }
  const when = { fromMs: reader.u64(), toMs: reader.u64() }
  const below = readId(reader)
  const limit = reader.u8()
  const onlyFiles = reader.u8()
  if (limit === 0 || limit > FOUND_MAX || onlyFiles > 1) reader.fail()
  return {
    ...{ type: 'search', token, query, ...who, ...when },
    ...{ below, limit, onlyFiles: onlyFiles === 1 },
  }
}

function readPlace(reader: Reader): Locate['by'] {
  const by = readNamed(LOCATE_BY, reader)
  return by === 'time' ? { atMs: reader.u64() } : { message: reader.bytes(ID_BYTES) }
}

/** As `readLookup`. */
export function readLookupAnswer(type: LookupAnswer['type'], reader: Reader): LookupAnswer {
  const token = reader.u32()
  const named = readNamed(CODE, reader)
  const code = named === 'none' ? null : named
  switch (type) {
    case 'located':
      return { type, token, code, seq: code === null ? reader.u64() : 0 }
    case 'earlier':
      return { type, token, code, texts: code === null ? readTexts(reader) : [] }
    case 'pictured':
      return { type, token, code, picture: code === null ? readPicture(reader) : NO_PICTURE }
    case 'found':
      return { type, token, code, ...(code === null ? readResults(reader) : NOTHING) }
  }
}

const NO_PICTURE = new Uint8Array()
const NOTHING = { next: null, messages: [] } as const

function readTexts(reader: Reader): Earlier['texts'] {
  const texts = readFew(reader, 10, () => ({
    untilMs: reader.u64(),
    text: reader.str16(TEXT_MAX_BYTES),
  }))
  return texts.length > EARLIER_MAX ? reader.fail() : texts
}

function readResults(reader: Reader): Pick<Found, 'next' | 'messages'> {
  const next = readId(reader)
  const messages = readFew(reader, 67, () => readFound(reader))
  return messages.length > FOUND_MAX ? reader.fail() : { next, messages }
}

function readFound(reader: Reader): FoundMessage {
  const place = {
    id: reader.bytes(ID_BYTES),
    room: reader.bytes(ID_BYTES),
    seq: reader.u64(),
    atMs: reader.u64(),
    author: reader.bytes(ID_BYTES),
  }
  const text = reader.str16(EXCERPT_MAX_BYTES)
  const ranges = readFew(reader, 4, () => ({ start: reader.u16(), length: reader.u16() }))
  const fits = ranges.length <= RANGES_MAX && areIn(text, ranges) && place.seq > 0
  return fits ? { ...place, excerpt: { text, ranges } } : reader.fail()
}

/** In order, none empty, none touching another, all within the text. */
const areIn = (text: string, ranges: readonly Range[]): boolean =>
  ranges.every(({ start, length }, i) => {
    const before = ranges[i - 1]
    const isFree = before === undefined || start > before.start + before.length
    return length > 0 && isFree && start + length <= text.length
  })

function readId(reader: Reader): Uint8Array | null {
  const id = reader.bytes(ID_BYTES)
  return isZero(id) ? null : id
}
