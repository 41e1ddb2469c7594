// Reference of SPEC §6.1, §6.5, §7, §7.2 and §7.7: every message and event, field after field. Ids are bytes, names and texts strings.
import { join, sha256, text, uint } from './primitives.ts'

type Id = Uint8Array
type Count = number | bigint

export const str8 = (value: string): Buffer => join(uint(text(value).length, 1), text(value))
export const str16 = (value: string): Buffer => join(uint(text(value).length, 2), text(value))

const ids8 = (ids: readonly Id[]): Buffer => join(uint(ids.length, 1), ...ids)

export const MESSAGE_TYPE = {
  RESUME: 0x01,
  ACK: 0x02,
  EVENT: 0x03,
  PING: 0x04,
  PONG: 0x05,
  NOTICE: 0x06,
  RECORD: 0x07,
  BYE: 0x08,
  HISTORY: 0x09,
  PAGE: 0x0a,
  STATE: 0x0b,
  ENROL: 0x10,
  ENROL_OK: 0x11,
  ENROL_FAIL: 0x12,
  REQUEST: 0x13,
  ANSWER: 0x14,
  TYPING: 0x15,
  SEARCH: 0x16,
  FOUND: 0x17,
  LOCATE: 0x18,
  LOCATED: 0x19,
  VERSIONS: 0x1a,
  EARLIER: 0x1b,
  PICTURE: 0x1c,
  PICTURED: 0x1d,
  OFFER: 0x20,
  AT: 0x21,
  PUT: 0x22,
  DROP: 0x23,
  FETCH: 0x24,
  BLOCK: 0x25,
  FILE_FAIL: 0x26,
} as const
export const EVENT_KIND = {
  POST: 1,
  MESSAGE: 2,
  STORED: 3,
  REFUSED: 4,
  DELIVERED: 5,
  EDIT: 6,
  DELETE: 7,
  REACT: 8,
  READ: 9,
  READ_BY: 10,
} as const

export const resume = (m: { stored: Count; id: Id }): Buffer => join(uint(m.stored, 8), m.id)
export const ack = (m: { stored: Count }): Buffer => uint(m.stored, 8)
export const event = (m: { number: Count; id: Id; kind: number; body: Uint8Array }): Buffer =>
  join(uint(m.number, 8), m.id, uint(m.kind, 1), m.body)
/** PING and PONG */
export const ping = (m: { token: Count }): Buffer => uint(m.token, 8)
export const notice = (m: { epoch: Count; atMs: Count; intervalMs: number }): Buffer =>
  join(uint(m.epoch, 8), uint(m.atMs, 8), uint(m.intervalMs, 4))
export const bye = (m: { reason: number }): Buffer => uint(m.reason, 1)
export const history = (m: { room: Id; before: Count; limit: number }): Buffer =>
  join(m.room, uint(m.before, 8), uint(m.limit, 2))
export const page = (m: {
  room: Id
  before: Count
  more: number
  messages: readonly Uint8Array[]
}): Buffer =>
  join(
    m.room,
    uint(m.before, 8),
    uint(m.more, 1),
    uint(m.messages.length, 2),
    ...m.messages.map((body) => join(uint(body.length, 4), body)),
  )
export const enrol = (m: { name: string }): Buffer => str8(m.name)
export const enrolOk = (m: { device: Id; root: Uint8Array; locator: Uint8Array }): Buffer =>
  join(m.device, m.root, m.locator)
export const enrolFail = (m: { code: number }): Buffer => uint(m.code, 1)

export interface ReferenceState {
  hostName: string
  member: Id
  device: Id
  members: readonly {
    id: Id
    role: number
    name: string
    flags: number
    tone: number
    picture: Id
    lastSeenMs: Count
  }[]
  devices: readonly {
    id: Id
    member: Id
    name: string
    publicKey: Uint8Array
    createdMs: Count
    lastSeenMs: Count
    route: number
  }[]
  invites: readonly {
    id: Id
    role: number
    member: Id
    uses: number
    used: number
    expiresAtMs: Count
    note: string
    rooms: readonly Id[]
  }[]
  rooms: readonly {
    id: Id
    kind: number
    name: string
    mine: number
    members: readonly Id[]
    lifeMs: Count
    goneUpTo: Count
  }[]
  keepMs: Count
}
export const state = (m: ReferenceState): Buffer =>
  join(
    str8(m.hostName),
    m.member,
    m.device,
    uint(m.members.length, 2),
    ...m.members.map((x) =>
      join(
        ...[x.id, uint(x.role, 1), str8(x.name), uint(x.flags, 1)],
        ...[uint(x.tone, 1), x.picture, uint(x.lastSeenMs, 8)],
      ),
    ),
    uint(m.devices.length, 2),
    ...m.devices.map((x) =>
      join(
        ...[x.id, x.member, str8(x.name), x.publicKey],
        ...[uint(x.createdMs, 8), uint(x.lastSeenMs, 8), uint(x.route, 1)],
      ),
    ),
    uint(m.invites.length, 2),
    ...m.invites.map((x) =>
      join(
        ...[x.id, uint(x.role, 1), x.member, uint(x.uses, 1), uint(x.used, 1)],
        ...[uint(x.expiresAtMs, 8), str16(x.note), ids8(x.rooms)],
      ),
    ),
    uint(m.rooms.length, 2),
    ...m.rooms.map((x) =>
      join(
        ...[x.id, uint(x.kind, 1), str8(x.name), uint(x.mine, 1), ids8(x.members)],
        ...[uint(x.lifeMs, 6), uint(x.goneUpTo, 8)],
      ),
    ),
    uint(m.keepMs, 6),
  )

/** The kinds of §7.3; `id` is of all but `invite`, `make-room`, `profile`, `overview`, `picture` and those of §7.8. */
export const request = (m: {
  token: number
  kind: number
  id?: Id
  name?: string
  role?: number
  uses?: number
  lifeMs?: Count
  note?: string
  rooms?: readonly Id[]
  member?: Id
  members?: readonly Id[]
  /** of 13 */
  spanMs?: Count
  tone?: number
  present?: number
  picture?: Uint8Array
  endpoint?: string
  p256dh?: Uint8Array
  auth?: Uint8Array
}): Buffer =>
  join(
    uint(m.token, 4),
    uint(m.kind, 1),
    ...(m.role === undefined
      ? []
      : [uint(m.role, 1), uint(m.uses ?? 0, 1), uint(m.lifeMs ?? 0, 6)]),
    ...(m.note === undefined ? [] : [str16(m.note), ids8(m.rooms ?? [])]),
    ...(m.id === undefined ? [] : [m.id]),
    ...(m.name === undefined ? [] : [str8(m.name)]),
    ...(m.member === undefined ? [] : [m.member]),
    ...(m.members === undefined ? [] : [ids8(m.members)]),
    ...(m.spanMs === undefined ? [] : [uint(m.spanMs, 6)]),
    ...(m.endpoint === undefined ? [] : [str16(m.endpoint)]),
    ...(m.p256dh === undefined ? [] : [m.p256dh]),
    ...(m.auth === undefined ? [] : [m.auth]),
    ...(m.picture === undefined ? [] : [uint(m.picture.length, 2), m.picture]),
    ...(m.tone === undefined ? [] : [uint(m.tone, 1), uint(m.present ?? 0, 1)]),
  )
const answer = (token: number, ...rest: Uint8Array[]): Buffer => join(uint(token, 4), ...rest)
export const failed = (m: { token: number; code: number }): Buffer =>
  answer(m.token, uint(m.code, 1))
export const done = (m: { token: number }): Buffer => answer(m.token, uint(0, 1), uint(1, 1))
export const link = (m: {
  token: number
  invite: Id
  expiresAtMs: Count
  reach: number
  link: string
}): Buffer =>
  answer(
    m.token,
    ...[uint(0, 1), uint(2, 1), m.invite, uint(m.expiresAtMs, 8)],
    ...[uint(m.reach, 1), str16(m.link)],
  )
export const gone = (m: {
  token: number
  waiting: readonly string[]
  links: readonly Id[]
}): Buffer =>
  answer(
    m.token,
    ...[uint(0, 1), uint(3, 1), uint(m.waiting.length, 1), ...m.waiting.map(str8)],
    ...[uint(m.links.length, 1), ...m.links],
  )

export const madeRoom = (m: { token: number; room: Id }): Buffer =>
  answer(m.token, uint(0, 1), uint(4, 1), m.room)
export const pushKey = (m: { token: number; key: Uint8Array }): Buffer =>
  answer(m.token, uint(0, 1), uint(25, 1), m.key)
export const overview = (m: {
  token: number
  databaseBytes: Count
  filesBytes: Count
  freeBytes: Count
  messages: Count
  seq: Count
  stores: readonly { name: string; seq: Count; code: string }[]
  intervalMs: number
  ports: readonly { epoch: Count; port: number }[]
  router: readonly string[]
}): Buffer =>
  answer(
    m.token,
    ...[uint(0, 1), uint(30, 1), uint(m.databaseBytes, 8), uint(m.filesBytes, 8)],
    ...[uint(m.freeBytes, 8), uint(m.messages, 8), uint(m.seq, 8), uint(m.stores.length, 1)],
    ...m.stores.map((x) => join(str8(x.name), uint(x.seq, 8), str8(x.code))),
    ...[uint(m.intervalMs, 4), uint(m.ports.length, 1)],
    ...m.ports.map((x) => join(uint(x.epoch, 8), uint(x.port, 2))),
    ...m.router.map(str8),
  )
export const typing = (m: { room: Id; member: Id }): Buffer => join(m.room, m.member)

export const search = (m: {
  token: number
  query: string
  rooms: readonly Id[]
  authors: readonly Id[]
  fromMs: Count
  toMs: Count
  below: Id
  limit: number
  onlyFiles: number
}): Buffer =>
  join(
    ...[uint(m.token, 4), str8(m.query), ids8(m.rooms), ids8(m.authors)],
    ...[uint(m.fromMs, 8), uint(m.toMs, 8), m.below, uint(m.limit, 1), uint(m.onlyFiles, 1)],
  )
export interface ReferenceResult {
  id: Id
  room: Id
  seq: Count
  atMs: Count
  author: Id
  excerpt: string
  ranges: readonly { start: number; length: number }[]
}
export const found = (m: {
  token: number
  next: Id
  messages: readonly ReferenceResult[]
}): Buffer =>
  join(
    ...[uint(m.token, 4), uint(0, 1), m.next, uint(m.messages.length, 1)],
    ...m.messages.map((x) =>
      join(
        ...[x.id, x.room, uint(x.seq, 8), uint(x.atMs, 8), x.author, str16(x.excerpt)],
        uint(x.ranges.length, 1),
        ...x.ranges.map((r) => join(uint(r.start, 2), uint(r.length, 2))),
      ),
    ),
  )
export const locate = (m: { token: number; room: Id; by: number; atMs?: Count; message?: Id }) =>
  join(
    ...[uint(m.token, 4), m.room, uint(m.by, 1)],
    m.message ?? (m.atMs === undefined ? join() : uint(m.atMs, 8)),
  )
export const located = (m: { token: number; seq: Count }): Buffer =>
  join(uint(m.token, 4), uint(0, 1), uint(m.seq, 8))
export const versions = (m: { token: number; message: Id }): Buffer =>
  join(uint(m.token, 4), m.message)
export const earlier = (m: {
  token: number
  texts: readonly { untilMs: Count; text: string }[]
}): Buffer =>
  join(
    ...[uint(m.token, 4), uint(0, 1), uint(m.texts.length, 1)],
    ...m.texts.map((x) => join(uint(x.untilMs, 8), str16(x.text))),
  )
export const picture = (m: { token: number; member: Id }): Buffer =>
  join(uint(m.token, 4), m.member)
export const pictured = (m: { token: number; picture: Uint8Array }): Buffer =>
  join(uint(m.token, 4), uint(0, 1), uint(m.picture.length, 2), m.picture)
/** FOUND, LOCATED, EARLIER and PICTURED of what was not carried out */
export const notLookedUp = (m: { token: number; code: number }): Buffer =>
  join(uint(m.token, 4), uint(m.code, 1))

export const offer = (m: { id: Id; room: Id; size: Count }): Buffer =>
  join(m.id, m.room, uint(m.size, 8))
export const at = (m: { id: Id; blocks: number; hash: Uint8Array }): Buffer =>
  join(m.id, uint(m.blocks, 4), m.hash)
/** PUT and BLOCK */
export const block = (m: { id: Id; index: number; bytes: Uint8Array }): Buffer =>
  join(m.id, uint(m.index, 4), m.bytes)
export const drop = (m: { id: Id }): Buffer => join(m.id)
export const fetch = (m: { id: Id; index: number }): Buffer => join(m.id, uint(m.index, 4))
export const fileFail = (m: { id: Id; code: number }): Buffer => join(m.id, uint(m.code, 1))

/** Of the whole file, cut into blocks of 65 356 bytes. */
export function fileHash(bytes: Uint8Array): Buffer {
  let hash = sha256(text('clawchat/v1 file'), uint(0, 1), uint(bytes.length, 8))
  for (let from = 0; from < bytes.length; from += 65_356)
    hash = sha256(hash, bytes.subarray(from, from + 65_356))
  return hash
}

export interface ReferenceFile {
  size: Count
  hash: Uint8Array
  type: string
  name: string
  width: number
  height: number
  durationMs: number
  thumbnail: Uint8Array
}
const attachment = (f: ReferenceFile | undefined): Buffer =>
  f === undefined
    ? uint(0, 1)
    : join(
        ...[uint(1, 1), uint(f.size, 8), f.hash, str8(f.type), str8(f.name)],
        ...[uint(f.width, 2), uint(f.height, 2), uint(f.durationMs, 4)],
        ...[uint(f.thumbnail.length, 2), f.thumbnail],
      )

export const post = (e: {
  room: Id
  reply: Id
  text: string
  file?: ReferenceFile
  endsAtMs?: Count
}): Buffer => join(e.room, e.reply, str16(e.text), attachment(e.file), uint(e.endsAtMs ?? 0, 8))
export const edit = (e: { message: Id; text: string }): Buffer => join(e.message, str16(e.text))
export const remove = (e: { message: Id }): Buffer => join(e.message)
export const react = (e: { message: Id; on: number; emoji: string }): Buffer =>
  join(e.message, uint(e.on, 1), str8(e.emoji))
export const read = (e: { room: Id; seq: Count; shared: number }): Buffer =>
  join(e.room, uint(e.seq, 8), uint(e.shared, 1))
export const readBy = (e: { room: Id; member: Id; seq: Count }): Buffer =>
  join(e.room, e.member, uint(e.seq, 8))
export const message = (e: {
  id: Id
  room: Id
  seq: Count
  atMs: Count
  author: Id
  authorDevice: Id
  flags: number
  change: Count
  reply: Id
  text: string
  reactions: readonly { emoji: string; members: readonly Id[] }[]
  file?: ReferenceFile
  endsAtMs: Count
  notice: { lifeMs: Count } | null
}): Buffer =>
  join(
    e.id,
    e.room,
    uint(e.seq, 8),
    uint(e.atMs, 8),
    e.author,
    e.authorDevice,
    uint(e.flags, 1),
    uint(e.change, 8),
    e.reply,
    str16(e.text),
    uint(e.reactions.length, 1),
    ...e.reactions.map((x) => join(str8(x.emoji), ids8(x.members))),
    attachment(e.file),
    uint(e.endsAtMs, 8),
    e.notice === null ? uint(0, 1) : join(uint(1, 1), uint(e.notice.lifeMs, 6)),
  )
export const stored = (e: { id: Id; room: Id; seq: Count; atMs: Count; endsAtMs: Count }): Buffer =>
  join(e.id, e.room, uint(e.seq, 8), uint(e.atMs, 8), uint(e.endsAtMs, 8))
export const refused = (e: { id: Id; code: number }): Buffer => join(e.id, uint(e.code, 1))
export const delivered = (e: { room: Id; ids: readonly Id[] }): Buffer =>
  join(e.room, uint(e.ids.length, 2), ...e.ids)
