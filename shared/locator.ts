// The locator (SPEC §2.1): where a record may be found. Stands in every invite and every record.
import { fromUtf8, Reader, toUtf8, Writer } from './bytes.ts'
import {
  MAX_LOCATOR_ENTRIES,
  TURN_SERVERS_MAX,
  TURN_TRANSPORT,
  TURN_WORD_MAX_BYTES,
  type TurnTransport,
} from './constants.ts'
import { ClawError, type ClawErrorCode } from './error.ts'
import { readFew, readNamed } from './fields.ts'

export const LOCATOR_FLAG = { record: 1, mailbox: 2, relay: 4 } as const
export const URL_MAX_BYTES = 200

export interface TurnServer {
  readonly transport: TurnTransport
  /** `host:port`, an IPv6 address in brackets */
  readonly server: string
}

export type LocatorEntry =
  /** id: 32-byte storage id; url: base URL without trailing slash */
  | {
      readonly type: 'https'
      readonly flags: number
      readonly id: Uint8Array
      readonly url: string
    }
  /** handle: 8 ASCII characters; key: 32 bytes */
  | {
      readonly type: 'mega'
      readonly flags: number
      readonly handle: string
      readonly key: Uint8Array
    }
  /** server: `host:port` of a STUN server, an IPv6 address in brackets */
  | {
      readonly type: 'stun'
      readonly flags: number
      readonly server: string
    }
  /** TURN servers, 1 to 4, and what lets a client in; user name and password: 1 to 128 visible ASCII characters */
  | {
      readonly type: 'turn'
      readonly flags: number
      readonly username: string
      readonly password: string
      readonly servers: readonly TurnServer[]
    }
  /** kept as it came and ignored */
  | {
      readonly type: 'unknown'
      readonly code: number
      readonly flags: number
      readonly data: Uint8Array
    }

export type Locator = readonly LocatorEntry[]
type TurnLogin = Pick<Extract<LocatorEntry, { type: 'turn' }>, 'username' | 'password' | 'servers'>

const TYPE = { https: 1, mega: 2, stun: 3, turn: 4 } as const
const SERVER = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9]([a-z0-9.-]{0,188}[a-z0-9])?):[1-9]\d{0,4}$/
const WORD = /^[\x21-\x7e]+$/
const BASE_URL = /^https?:\/\/[^\s?#/]+(\/[^\s?#]*[^\s?#/])?$/

/** Appends the locator; throws ClawError('limit') above 8 entries or 200-byte URLs. */
export function writeLocator(writer: Writer, locator: Locator): void {
  if (locator.length > MAX_LOCATOR_ENTRIES) throw new ClawError('limit')
  writer.u8(locator.length)
  for (const entry of locator) {
    const data = entryData(entry)
    const code = entry.type === 'unknown' ? entry.code : TYPE[entry.type]
    writer.u8(code).u8(entry.flags).u16(data.length).bytes(data)
  }
}

function entryData(entry: LocatorEntry): Uint8Array {
  if (entry.type === 'unknown') return entry.data
  if (entry.type === 'mega') {
    return new Writer(40).bytes(toUtf8(entry.handle)).bytes(entry.key).done()
  }
  if (entry.type === 'stun') {
    if (!isStunServer(entry.server)) throw new ClawError('limit')
    return toUtf8(entry.server)
  }
  if (entry.type === 'turn') return turnData(entry)
  const url = toUtf8(entry.url)
  if (url.length > URL_MAX_BYTES || !BASE_URL.test(entry.url)) throw new ClawError('limit')
  return new Writer(32 + url.length).bytes(entry.id).bytes(url).done()
}

function turnData({ username, password, servers }: TurnLogin): Uint8Array {
  const count = servers.length
  if (!isTurnWord(username) || !isTurnWord(password)) throw new ClawError('limit')
  if (count < 1 || count > TURN_SERVERS_MAX) throw new ClawError('limit')
  const writer = new Writer()
    .str8(username, TURN_WORD_MAX_BYTES)
    .str8(password, TURN_WORD_MAX_BYTES)
    .u8(count)
  for (const { transport, server } of servers) {
    if (!isStunServer(server)) throw new ClawError('limit')
    writer.u8(TURN_TRANSPORT[transport]).str8(server, URL_MAX_BYTES)
  }
  return writer.done()
}

/** User name or password for a TURN server. */
export const isTurnWord = (text: string): boolean =>
  WORD.test(text) && text.length <= TURN_WORD_MAX_BYTES

/** `host:port`, lower case, at most 200 characters. */
export const isStunServer = (text: string): boolean =>
  SERVER.test(text) && text.length <= URL_MAX_BYTES && Number(/\d+$/.exec(text)?.[0]) <= 65_535

/** Reads a locator and leaves the reader behind it; throws ClawError(code). */
export function readLocator(reader: Reader, code: ClawErrorCode): LocatorEntry[] {
  const count = reader.u8()
  if (count > MAX_LOCATOR_ENTRIES) reader.fail()
  return Array.from({ length: count }, () => {
    const type = reader.u8()
    const flags = reader.u8()
    const data = reader.bytes(reader.u16())
    return readEntry(type, flags, data, code)
  })
}

function readEntry(
  type: number,
  flags: number,
  data: Uint8Array,
  code: ClawErrorCode,
): LocatorEntry {
  const reader = new Reader(data, code)
  if (type === TYPE.https) {
    const id = reader.bytes(32)
    const raw = reader.rest()
    const url = fromUtf8(raw, code)
    if (raw.length > URL_MAX_BYTES || !BASE_URL.test(url)) reader.fail()
    return { type: 'https', flags, id, url }
  }
  if (type === TYPE.mega) {
    const handle = fromUtf8(reader.bytes(8), code)
    if (!/^[A-Za-z0-9_-]{8}$/.test(handle)) reader.fail()
    const key = reader.bytes(32)
    reader.end()
    return { type: 'mega', flags, handle, key }
  }
  if (type === TYPE.stun) {
    const server = fromUtf8(reader.rest(), code)
    if (!isStunServer(server)) reader.fail()
    return { type: 'stun', flags, server }
  }
  if (type === TYPE.turn) return { type: 'turn', flags, ...readTurn(reader) }
  return { type: 'unknown', code: type, flags, data }
}

function readTurn(reader: Reader): TurnLogin {
  const username = reader.str8(TURN_WORD_MAX_BYTES)
  const password = reader.str8(TURN_WORD_MAX_BYTES)
  if (!isTurnWord(username) || !isTurnWord(password)) reader.fail()
  const servers = readFew(reader, 2, () => {
    const transport = readNamed(TURN_TRANSPORT, reader)
    const server = reader.str8(URL_MAX_BYTES)
    return isStunServer(server) ? { transport, server } : reader.fail()
  })
  reader.end()
  if (servers.length < 1 || servers.length > TURN_SERVERS_MAX) reader.fail()
  return { username, password, servers }
}
