// Messages on channel 0 (SPEC §6.1): codec between a typed union and the type byte and data of a frame.
import { Reader, Writer } from './bytes.ts'
import { EVENT_NUMBER_MAX, HISTORY_MAX, NAME_MAX_BYTES, RECORD_BYTES } from './constants.ts'
import { ClawError, type ClawErrorCode } from './error.ts'
import { decodeStoredMessage, encodeStoredMessage, type StoredMessage } from './events.ts'
import { ID_BYTES, readFlag, readNamed } from './fields.ts'
import {
  encodeFileData,
  FILE_TYPE,
  type FileMessage,
  type FileType,
  isFileMessage,
  readFileMessage,
} from './files.ts'
import { type Locator, readLocator, writeLocator } from './locator.ts'
import {
  encodeLookup,
  type Lookup,
  type LookupAnswer,
  readLookup,
  readLookupAnswer,
} from './lookups.ts'
import {
  type Answer,
  type Request,
  readAnswer,
  readRequest,
  writeAnswer,
  writeRequest,
} from './requests.ts'
import type { SessionMessage } from './session.ts'
import { encodeState, readState, type State } from './state.ts'

export const BYE = {
  stopping: 1,
  replaced: 2,
  moving: 3,
  revoked: 4,
  protocol: 5,
  idle: 6,
} as const
export type Bye = keyof typeof BYE

export const ENROL_FAILURE = {
  'invite-used': 1,
  'invite-reserved': 2,
  'invite-expired': 3,
  'invite-withdrawn': 4,
  'credentials-full': 5,
  'name-invalid': 6,
  removed: 7,
} as const satisfies Partial<Record<ClawErrorCode, number>>
export type EnrolFailure = keyof typeof ENROL_FAILURE

/** Ids are 16 bytes; numbers are event numbers from 1, 0 for none. */
export type ClawMessage =
  | { readonly type: 'resume'; readonly stored: number; readonly id: Uint8Array }
  | { readonly type: 'ack'; readonly stored: number }
  | {
      readonly type: 'event'
      readonly number: number
      readonly id: Uint8Array
      readonly kind: number
      readonly body: Uint8Array
    }
  | { readonly type: 'ping'; readonly token: number }
  | { readonly type: 'pong'; readonly token: number }
  | {
      readonly type: 'notice'
      readonly epoch: number
      readonly atMs: number
      readonly intervalMs: number
    }
  | { readonly type: 'record'; readonly bytes: Uint8Array }
  | { readonly type: 'bye'; readonly reason: Bye }
  | {
      readonly type: 'history'
      readonly room: Uint8Array
      readonly before: number
      readonly limit: number
    }
  | {
      readonly type: 'page'
      readonly room: Uint8Array
      readonly before: number
      readonly more: boolean
      readonly messages: readonly StoredMessage[]
    }
  | State
  | { readonly type: 'enrol'; readonly name: string }
  | {
      readonly type: 'enrol-ok'
      readonly device: Uint8Array
      readonly root: Uint8Array
      readonly locator: Locator
    }
  | { readonly type: 'enrol-fail'; readonly code: EnrolFailure }
  /** `token`: u32, comes back in the answer */
  | { readonly type: 'request'; readonly token: number; readonly request: Request }
  | { readonly type: 'answer'; readonly token: number; readonly answer: Answer }
  /** somebody writes in the room just now; `member` is zero from a device */
  | { readonly type: 'typing'; readonly room: Uint8Array; readonly member: Uint8Array }
  | Lookup
  | LookupAnswer
  | FileMessage

const TYPE = {
  resume: 0x01,
  ack: 0x02,
  event: 0x03,
  ping: 0x04,
  pong: 0x05,
  notice: 0x06,
  record: 0x07,
  bye: 0x08,
  history: 0x09,
  page: 0x0a,
  state: 0x0b,
  enrol: 0x10,
  'enrol-ok': 0x11,
  'enrol-fail': 0x12,
  request: 0x13,
  answer: 0x14,
  typing: 0x15,
  search: 0x16,
  found: 0x17,
  locate: 0x18,
  located: 0x19,
  versions: 0x1a,
  earlier: 0x1b,
  picture: 0x1c,
  pictured: 0x1d,
} as const

export const encodeMessage = (message: ClawMessage): SessionMessage => ({
  type: isFileMessage(message) ? FILE_TYPE[message.type] : TYPE[message.type],
  data: isFileMessage(message) ? encodeFileData(message) : encodeData(message),
})

function encodeData(message: Exclude<ClawMessage, FileMessage>): Uint8Array {
  const writer = new Writer(64)
  switch (message.type) {
    case 'resume':
      return writer.u64(message.stored).bytes(message.id).done()
    case 'ack':
      return writer.u64(message.stored).done()
    case 'event':
      return writer
        .u64(message.number)
        .bytes(message.id)
        .u8(message.kind)
        .bytes(message.body)
        .done()
    case 'ping':
    case 'pong':
      return writer.u64(message.token).done()
    case 'notice':
      return writer.u64(message.epoch).u64(message.atMs).u32(message.intervalMs).done()
    case 'record':
      return message.bytes
    case 'bye':
      return writer.u8(BYE[message.reason]).done()
    case 'history':
      return writer.bytes(message.room).u64(message.before).u16(message.limit).done()
    case 'page':
      return encodePage(message)
    case 'state':
      return encodeState(message)
    case 'enrol':
      return writer.str8(message.name, NAME_MAX_BYTES).done()
    case 'enrol-ok':
      writer.bytes(message.device).bytes(message.root)
      writeLocator(writer, message.locator)
      return writer.done()
    case 'enrol-fail':
      return writer.u8(ENROL_FAILURE[message.code]).done()
    case 'request':
      writeRequest(writer.u32(message.token), message.request)
      return writer.done()
    case 'answer':
      writeAnswer(writer.u32(message.token), message.answer)
      return writer.done()
    case 'typing':
      return writer.bytes(message.room).bytes(message.member).done()
    default:
      return encodeLookup(message)
  }
}

function encodePage(page: Extract<ClawMessage, { type: 'page' }>): Uint8Array {
  const writer = new Writer(1024)
    .bytes(page.room)
    .u64(page.before)
    .u8(page.more ? 1 : 0)
    .u16(page.messages.length)
  for (const message of page.messages) {
    const body = encodeStoredMessage(message)
    writer.u32(body.length).bytes(body)
  }
  return writer.done()
}

/** Throws ClawError('malformed') on anything but exactly one message of SPEC §6.1. */
export function decodeMessage({ type, data }: SessionMessage): ClawMessage {
  const reader = new Reader(data)
  const message = isFileType(type) ? readFileMessage(type, reader) : decodeData(type, reader)
  reader.end()
  return message
}

const isFileType = (type: number): type is FileType =>
  Object.values<number>(FILE_TYPE).includes(type)

function decodeData(type: number, reader: Reader): ClawMessage {
  switch (type) {
    case TYPE.resume:
      return { type: 'resume', stored: readNumber(reader), id: reader.bytes(ID_BYTES) }
    case TYPE.ack:
      return { type: 'ack', stored: readNumber(reader) }
    case TYPE.event:
      return {
        type: 'event',
        number: readNumber(reader),
        id: reader.bytes(ID_BYTES),
        kind: reader.u8(),
        body: reader.rest(),
      }
    case TYPE.ping:
      return { type: 'ping', token: reader.u64() }
    case TYPE.pong:
      return { type: 'pong', token: reader.u64() }
    case TYPE.notice:
      return {
        type: 'notice',
        epoch: reader.u64(),
        atMs: reader.u64(),
        intervalMs: reader.u32(),
      }
    case TYPE.record:
      return { type: 'record', bytes: reader.bytes(RECORD_BYTES) }
    case TYPE.bye:
      return { type: 'bye', reason: readNamed(BYE, reader) }
    case TYPE.history:
      return readHistory(reader)
    case TYPE.page:
      return readPage(reader)
    case TYPE.state:
      return readState(reader)
    case TYPE.enrol:
      return { type: 'enrol', name: reader.str8(NAME_MAX_BYTES) }
    case TYPE['enrol-ok']:
      return {
        type: 'enrol-ok',
        device: reader.bytes(ID_BYTES),
        root: reader.bytes(32),
        locator: readLocator(reader, 'malformed'),
      }
    case TYPE['enrol-fail']:
      return { type: 'enrol-fail', code: readNamed(ENROL_FAILURE, reader) }
    case TYPE.request:
      return { type: 'request', token: reader.u32(), request: readRequest(reader) }
    case TYPE.answer:
      return { type: 'answer', token: reader.u32(), answer: readAnswer(reader) }
    case TYPE.typing:
      return { type: 'typing', room: reader.bytes(ID_BYTES), member: reader.bytes(ID_BYTES) }
    default:
      return decodeLookup(type, reader)
  }
}

function decodeLookup(type: number, reader: Reader): Lookup | LookupAnswer {
  switch (type) {
    case TYPE.search:
      return readLookup('search', reader)
    case TYPE.locate:
      return readLookup('locate', reader)
    case TYPE.versions:
      return readLookup('versions', reader)
    case TYPE.picture:
      return readLookup('picture', reader)
    case TYPE.pictured:
      return readLookupAnswer('pictured', reader)
    case TYPE.found:
      return readLookupAnswer('found', reader)
    case TYPE.located:
      return readLookupAnswer('located', reader)
    case TYPE.earlier:
      return readLookupAnswer('earlier', reader)
    default:
      throw new ClawError('malformed')
  }
}

/** Far below 2^53, so that whatever is numbered behind it can still be counted. */
function readNumber(reader: Reader): number {
  const number = reader.u64()
  if (number > EVENT_NUMBER_MAX) reader.fail()
  return number
}

function readHistory(reader: Reader): ClawMessage {
  const room = reader.bytes(ID_BYTES)
  const before = reader.u64()
  const limit = reader.u16()
  if (limit === 0 || limit > HISTORY_MAX) reader.fail()
  return { type: 'history', room, before, limit }
}

function readPage(reader: Reader): ClawMessage {
  const room = reader.bytes(ID_BYTES)
  const before = reader.u64()
  const more = readFlag(reader)
  const count = reader.u16()
  if (count > HISTORY_MAX) reader.fail()
  const messages = Array.from({ length: count }, () =>
    decodeStoredMessage(reader.bytes(reader.u32())),
  )
  return { type: 'page', room, before, more, messages }
}
