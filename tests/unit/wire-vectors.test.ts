// Every message of SPEC §6.1 and §6.5 and event of §7 in clawchat-v1.json, made by tests/reference, through shared/: the fields it
// says, the same bytes back, and `malformed` where the file says so.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Reader, toHex, Writer } from '../../shared/bytes.ts'
import { MEMBER_ROLE, ROUTE } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import { type ChatEvent, decodeEvent, encodeEvent, REFUSAL } from '../../shared/events.ts'
import {
  blockLength,
  blocksOf,
  FILE_BLOCK_BYTES,
  FILE_FAILURE,
  fileHash,
  hashBlock,
} from '../../shared/files.ts'
import { type Locator, writeLocator } from '../../shared/locator.ts'
import { LOCATE_BY, LOOKUP_FAILURE, type LookupAnswer } from '../../shared/lookups.ts'
import {
  BYE,
  type ClawMessage,
  decodeMessage,
  ENROL_FAILURE,
  encodeMessage,
} from '../../shared/messages.ts'
import { ANSWER, REACH, REQUEST, REQUEST_FAILURE } from '../../shared/requests.ts'
import { ROOM_KIND } from '../../shared/state.ts'
import { VECTORS_FILE } from '../vectors/make.ts'
import { expand, type Notation } from '../vectors/notation.ts'

interface WireVector {
  readonly name: string
  readonly type: number
  readonly kind: number
  readonly fields: Readonly<Record<string, unknown>>
  readonly data: Notation
  readonly body: Notation
  readonly what: string
  readonly code: string
}
const file = JSON.parse(readFileSync(VECTORS_FILE, 'utf8')) as Record<string, WireVector[]>
const record = (file.record as unknown as { record: string }[])[0]?.record
const list = (key: string, count: number): WireVector[] => {
  expect(file[key]?.length, key).toBe(count)
  return file[key] ?? []
}

const NONE = new Uint8Array(16)

/** SPEC's names and numbers for what shared/ decoded. */
function plainMessage(message: ClawMessage): object {
  const { type, ...fields } = message
  switch (message.type) {
    case 'bye':
      return { reason: BYE[message.reason] }
    case 'enrol-fail':
      return { code: ENROL_FAILURE[message.code] }
    case 'file-fail':
      return { id: toHex(message.id), code: FILE_FAILURE[message.code] }
    case 'record':
      return { bytes: toHex(message.bytes) === record ? 'record[0]' : 'another' }
    case 'enrol-ok':
      return { ...(plain(fields) as object), locator: plainLocator(message.locator) }
    case 'page':
      return { ...(plain(fields) as object), messages: message.messages.map(plainEvent) }
    case 'state': {
      const members = message.members.map(({ online, gone, hidden, ...m }) => ({
        ...{ ...m, role: MEMBER_ROLE[m.role] },
        flags: Number(online) + 2 * Number(gone) + 4 * Number(hidden),
      }))
      const devices = message.devices.map((d) => ({
        ...{ ...d, route: d.route === null ? 0 : ROUTE[d.route] },
      }))
      const invites = message.invites.map((i) => ({ ...i, role: MEMBER_ROLE[i.role] }))
      const rooms = message.rooms.map((r) => ({ ...r, kind: ROOM_KIND[r.kind] }))
      return plain({ ...fields, members, devices, invites, rooms }) as object
    }
    case 'request': {
      const { token, request } = message
      const role = 'role' in request ? { role: MEMBER_ROLE[request.role] } : {}
      if (request.kind === 'push-on')
        return plain({ token, kind: REQUEST[request.kind], ...request.push }) as object
      const present = request.kind === 'profile' ? { present: Number(request.present) } : {}
      const kind = REQUEST[request.kind]
      return plain({ token, ...request, ...role, ...present, kind }) as object
    }
    case 'answer': {
      const { token, answer } = message
      if (answer.kind === 'failed') return { token, code: REQUEST_FAILURE[answer.code] }
      if (answer.kind === 'overview')
        return plain({ token, ...answer.overview, kind: ANSWER.overview }) as object
      const reach = answer.kind === 'link' ? { reach: REACH[answer.reach] } : {}
      return plain({ token, ...answer, ...reach, kind: ANSWER[answer.kind] }) as object
    }
    case 'search':
      return plain({ ...fields, below: message.below ?? NONE }) as object
    case 'locate': {
      const by = 'atMs' in message.by ? LOCATE_BY.time : LOCATE_BY.message
      return plain({ ...fields, ...message.by, by }) as object
    }
    case 'found':
    case 'located':
    case 'earlier':
    case 'pictured':
      return plainLookup(message)
    default:
      return plain(fields) as object
  }
}

function plainLookup(answer: LookupAnswer): object {
  const { type, token, code, ...fields } = answer
  if (code !== null) return { token, code: LOOKUP_FAILURE[code] }
  if (answer.type !== 'found') return plain({ token, ...fields }) as object
  const messages = answer.messages.map(({ excerpt: { text, ranges }, ...message }) => ({
    ...message,
    ...{ excerpt: text, ranges },
  }))
  return plain({ token, next: answer.next ?? NONE, messages }) as object
}

function plainEvent(event: ChatEvent): object {
  const { type, ...fields } = event
  switch (event.type) {
    case 'refused':
      return { id: toHex(event.id), code: REFUSAL[event.reason] }
    case 'post': {
      const { type: _, replyTo, ...rest } = event
      return plain({ ...rest, reply: replyTo ?? NONE }) as object
    }
    case 'message': {
      const { type: _, delivered, edited, deleted, gone, replyTo, ...rest } = event
      const marks = [delivered, edited, deleted, gone]
      const flags = marks.reduce((sum, mark, i) => sum + Number(mark) * 2 ** i, 0)
      return plain({ ...rest, flags, reply: replyTo ?? NONE }) as object
    }
    default:
      return plain(fields) as object
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function plainLocator(locator: Locator): object[] {
  const writer = new Writer()
  writeLocator(writer, locator)
  const reader = new Reader(writer.done())
  return Array.from({ length: reader.u8() }, () => ({
    type: reader.u8(),
    flags: reader.u8(),
    data: toHex(reader.bytes(reader.u16())),
  }))
}

function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof ClawError) return error.code
    throw error
  }
}

test.each(list('message', 103))('$name $fields', ({ name, type, fields, data }) => {
  const bytes = expand(data)
  const message = decodeMessage({ type, data: bytes })
  expect(message.type).toBe(name.toLowerCase().replace('_', '-'))
  expect(plainMessage(message)).toEqual(fields)
  expect(encodeMessage(message)).toEqual({ type, data: bytes })
})

test.each(list('event', 33))('$name', ({ name, kind, fields, body }) => {
  const bytes = expand(body)
  const event = decodeEvent(kind, bytes)
  expect(event.type).toBe(name.toLowerCase().replace('_', '-'))
  const text = fields.text as { repeat: string; times: number } | string | undefined
  const long = typeof text === 'object' ? { text: text.repeat.repeat(text.times) } : {}
  expect(plainEvent(event)).toEqual({ ...fields, ...long })
  expect(encodeEvent(event)).toEqual({ kind, body: bytes })
})

test.each(list('messageRefused', 152))('no message: $what', ({ type, data, code }) => {
  expect(codeOf(() => decodeMessage({ type, data: expand(data) }))).toBe(code)
})

test.each(list('eventRefused', 126))('no event: $what', ({ kind, body, code }) => {
  expect(codeOf(() => decodeEvent(kind, expand(body)))).toBe(code)
})

test.each(list('fileHash', 7))('the hash of a file of $size zero bytes', (vector) => {
  const { size, hash } = vector as unknown as { size: number; hash: string }
  const zeros = new Uint8Array(FILE_BLOCK_BYTES)
  const blocks = Array.from({ length: blocksOf(size) }, (_, i) =>
    zeros.subarray(0, blockLength(size, i)),
  )
  expect(toHex(blocks.reduce((so, block) => hashBlock(so, block), fileHash(size)))).toBe(hash)
})

test('every type and kind stands in the file', () => {
  const names = (key: string): string[] => [
    ...new Set(list(key, file[key]?.length ?? 0).map(({ name }) => name)),
  ]
  expect(names('message')).toHaveLength(32)
  expect(names('event')).toHaveLength(10)
})
