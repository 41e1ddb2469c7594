// Vectors of SPEC §6.1, §6.5, §7, §7.2 and §7.7 by the reference: each type of message and kind of event, and what is malformed.
import { toHex } from '../../shared/bytes.ts'
import * as links from '../reference/locator.ts'
import * as wire from '../reference/messages.ts'
import { fixed } from './fixed.ts'
import { compact } from './notation.ts'

const NUMBER_MAX = 2 ** 48
const TIME_MS = 1_700_000_000_123
const room = new Uint8Array(16)
const id = (label: string): Uint8Array => fixed(label, 16)
const hexId = (label: string): string => toHex(id(label))
const ROOM = toHex(room)

const NONE: Uint8Array = room
const HELLO = {
  id: id('message 1'),
  room,
  seq: 7,
  atMs: TIME_MS,
  author: id('member a'),
  authorDevice: id('device a'),
  flags: 1,
  change: TIME_MS,
  reply: NONE,
  text: 'Grüße 🐾',
  reactions: [] as { emoji: string; members: Uint8Array[] }[],
  endsAtMs: 0,
  notice: null as { lifeMs: number } | null,
}
const PICTURE = {
  ...{ size: 2 ** 40, hash: fixed('file hash'), type: 'image/jpeg', name: 'Grüße 🐾.jpg' },
  ...{ width: 65_535, height: 1, durationMs: 0, thumbnail: fixed('thumbnail', 40) },
}
const NOTHING_OF = {
  ...{ size: 0, hash: fixed('file hash'), type: 'a/b', name: 'n'.repeat(255) },
  ...{ width: 0, height: 0, durationMs: 2 ** 32 - 1, thumbnail: new Uint8Array(0) },
}
const shownFile = (f: typeof PICTURE) => ({
  ...{ ...f, hash: toHex(f.hash), thumbnail: toHex(f.thumbnail) },
})
const HOUR_MS = 3_600_000
const YEAR_MS = 31_536_000_000
const EARLIER = { ...HELLO, id: id('message 0'), seq: 6, flags: 0, change: 0, text: 'a' }
const ANSWERED = {
  ...{ ...HELLO, flags: 3, reply: id('message 0') },
  reactions: [
    { emoji: '👩🏽‍🚀', members: [id('member a'), id('member b')] },
    { emoji: 'e'.repeat(32), members: [id('member c')] },
  ],
}
const DELETED = { ...HELLO, flags: 5, text: '' }
const TIMED = { ...ANSWERED, endsAtMs: TIME_MS + HOUR_MS }
const GONE_MESSAGE = { ...HELLO, author: NONE, authorDevice: NONE, flags: 8, text: '' }
const NOTICE = { ...HELLO, text: '', notice: { lifeMs: YEAR_MS } }
const shown = (m: typeof HELLO) => ({
  ...m,
  id: toHex(m.id),
  room: ROOM,
  author: toHex(m.author),
  authorDevice: toHex(m.authorDevice),
  reply: toHex(m.reply),
  reactions: m.reactions.map(({ emoji, members }) => ({ emoji, members: members.map(toHex) })),
})

/** The first bytes of a JPEG: what is a picture no codec knows. */
const FACE = Uint8Array.of(0xff, 0xd8, 0xff)

const MEMBERS = [
  { id: id('member a'), role: 1, name: 'Ada', flags: 1, tone: 0, picture: NONE, lastSeenMs: 0 },
  {
    id: id('member b'),
    role: 2,
    name: 'Bé',
    flags: 0,
    tone: 6,
    picture: id('picture'),
    lastSeenMs: TIME_MS,
  },
  { id: id('member c'), role: 3, name: 'c', flags: 2, tone: 1, picture: NONE, lastSeenMs: 1 },
  {
    id: id('member d'),
    role: 4,
    name: 'ß'.repeat(24),
    flags: 4,
    tone: 2,
    picture: NONE,
    lastSeenMs: 0,
  },
]
const DEVICES = [
  {
    ...{ id: id('device a'), member: id('member a'), name: 'Laptop' },
    publicKey: fixed('device a key'),
    ...{ createdMs: 1_600_000_000_000, lastSeenMs: TIME_MS, route: 1 },
  },
  {
    ...{ id: id('device b'), member: id('member b'), name: 'Phone' },
    publicKey: fixed('device b key'),
    ...{ createdMs: 0, lastSeenMs: 0, route: 0 },
  },
]
const INVITES = [
  {
    ...{ id: id('invite a'), role: 3, member: room, uses: 64, used: 1 },
    ...{ expiresAtMs: TIME_MS, note: 'für Bé', rooms: [id('room a'), id('room b')] },
  },
  {
    ...{ id: id('invite b'), role: 2, member: id('member b'), uses: 1, used: 0 },
    ...{ expiresAtMs: 0, note: '', rooms: [] },
  },
]
const ROOMS = [
  {
    ...{ id: room, kind: 1, name: '', mine: 0, members: [id('member a'), id('member b')] },
    ...{ lifeMs: 0, goneUpTo: 0 },
  },
  {
    ...{ id: id('room a'), kind: 1, name: 'Küche', mine: 1, members: [id('member a')] },
    ...{ lifeMs: HOUR_MS, goneUpTo: 2 ** 40 },
  },
  {
    ...{ id: id('room b'), kind: 2, name: '', mine: 0, members: [] },
    ...{ lifeMs: YEAR_MS, goneUpTo: 1 },
  },
]
const STATE = {
  hostName: 'Ada’s host',
  member: id('member a'),
  device: id('device a'),
  members: MEMBERS,
  devices: DEVICES,
  invites: INVITES,
  rooms: ROOMS,
  keepMs: 0,
}
const LOCATOR = [
  { type: 1, flags: 1, data: links.httpsData(fixed('storage id'), 'https://store.example/claw') },
]
const BODY = wire.post({ room, reply: room, text: 'Grüße 🐾' })

const LINK = {
  ...{ token: 0xffff_ffff, invite: id('invite a'), expiresAtMs: TIME_MS, reach: 3 },
  link: 'https://claw.example/#AQAA',
}
const OVERVIEW = {
  token: 31,
  ...{ databaseBytes: 4096, filesBytes: 0, freeBytes: 2 ** 40, messages: 1_000_000, seq: TIME_MS },
  stores: [
    { name: 'embedded', seq: TIME_MS, code: '' },
    { name: 'mega', seq: 0, code: 'mega-quota' },
  ],
  intervalMs: 3_600_000,
  ports: [
    { epoch: 472_222, port: 49_152 },
    { epoch: 472_223, port: 0 },
  ],
  router: ['carrier-nat', ''],
}
const PUSH = {
  endpoint: 'https://push.example/a',
  p256dh: new Uint8Array(65).fill(4),
  auth: new Uint8Array(16).fill(5),
}
const GONE = { token: 1, waiting: ['mega', 'https-1'], links: [id('invite a'), id('invite b')] }
const requests = () => [
  { token: 7, kind: 1, role: 2, uses: 1, lifeMs: 1000, note: '', rooms: [] },
  {
    ...{ token: 8, kind: 1, role: 4, uses: 64, lifeMs: 31_536_000_000, note: 'für Bé' },
    rooms: [id('room a'), id('room b')],
  },
  ...[2, 3, 4, 5].map((kind) => ({ token: kind, kind, id: id('asked for') })),
  ...[6, 7, 10].map((kind) => ({ token: kind, kind, id: id('asked for'), name: 'Bé' })),
  { token: 8, kind: 8, name: 'Küche', members: [] },
  { token: 8, kind: 8, name: 'Küche', members: [id('member a'), id('member b')] },
  { token: 9, kind: 9, id: id('asked for') },
  ...[11, 12].map((kind) => ({ token: kind, kind, id: id('room a'), member: id('member a') })),
  ...[0, HOUR_MS, YEAR_MS].map((spanMs) => ({ token: 13, kind: 13, id: id('room a'), spanMs })),
  { token: 25, kind: 25, ...PUSH },
  { token: 26, kind: 26 },
  { token: 27, kind: 27 },
  { token: 30, kind: 30, tone: 0, present: 1 },
  { token: 30, kind: 30, tone: 6, present: 0 },
  { token: 31, kind: 31 },
  { token: 32, kind: 32, picture: FACE },
  { token: 32, kind: 32, picture: new Uint8Array() },
]
const SEARCH = {
  ...{ token: 7, query: 'Grüße 東京', rooms: [] as Uint8Array[], authors: [] as Uint8Array[] },
  ...{ fromMs: 0, toMs: 0, below: NONE, limit: 50, onlyFiles: 0 },
}
const NARROW = {
  ...{ ...SEARCH, query: 'q'.repeat(200), rooms: [room, id('room a')], authors: [id('member a')] },
  ...{ fromMs: TIME_MS, toMs: TIME_MS + 1, below: id('message 1'), limit: 1, onlyFiles: 1 },
}
const RESULT = {
  ...{ id: id('message 1'), room, seq: 7, atMs: TIME_MS, author: id('member a') },
  ...{ excerpt: '…viele Grüße 🐾', ranges: [{ start: 7, length: 5 }] },
}
const FOUND = { token: 7, next: NONE, messages: [] as (typeof RESULT)[] }
const TWO_FOUND = {
  ...{ token: 0xffff_ffff, next: id('message 0') },
  messages: [
    RESULT,
    { ...RESULT, seq: 1, excerpt: 'ab', ranges: [] },
    { ...RESULT, excerpt: 'a-b', ranges: [0, 2].map((start) => ({ start, length: 1 })) },
  ],
}
const EARLIER_TEXTS = {
  token: 7,
  texts: [
    { untilMs: TIME_MS, text: 'Grüsse' },
    { untilMs: 0, text: 'a' },
  ],
}

/** Ids within, whatever holds them. */
const hexDeep = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(hexDeep)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hexDeep(inner)]))
}
const lookup = <T extends object>(
  name: Name,
  fields: T,
  encode: (fields: T) => Uint8Array,
): Entry => [name, hexDeep(fields) as object, encode(fields)]
const lookups = (): Entry[] => [
  lookup('SEARCH', SEARCH, wire.search),
  lookup('SEARCH', NARROW, wire.search),
  lookup('FOUND', FOUND, wire.found),
  lookup('FOUND', TWO_FOUND, wire.found),
  lookup('FOUND', { token: 7, code: 1 }, wire.notLookedUp),
  lookup('LOCATE', { token: 7, room, by: 1, atMs: TIME_MS }, wire.locate),
  lookup('LOCATE', { token: 7, room, by: 2, message: id('message 1') }, wire.locate),
  lookup('LOCATED', { token: 7, seq: 0 }, wire.located),
  lookup('LOCATED', { token: 7, code: 1 }, wire.notLookedUp),
  lookup('VERSIONS', { token: 7, message: id('message 1') }, wire.versions),
  lookup('EARLIER', { token: 7, texts: [] as typeof EARLIER_TEXTS.texts }, wire.earlier),
  lookup('EARLIER', EARLIER_TEXTS, wire.earlier),
  lookup('EARLIER', { token: 7, code: 1 }, wire.notLookedUp),
  lookup('PICTURE', { token: 7, member: id('member b') }, wire.picture),
  lookup('PICTURED', { token: 7, picture: FACE }, wire.pictured),
  lookup('PICTURED', { token: 7, picture: new Uint8Array() }, wire.pictured),
  lookup('PICTURED', { token: 7, code: 1 }, wire.notLookedUp),
]

const hexFields = (m: object): object =>
  Object.fromEntries(
    Object.entries(m).map(([name, value]) => [
      name,
      value instanceof Uint8Array
        ? toHex(value)
        : Array.isArray(value)
          ? value.map((each) => toHex(each))
          : value,
    ]),
  )

type Name = keyof typeof wire.MESSAGE_TYPE
type Entry = readonly [name: Name, fields: object, data: Uint8Array]

function entries(record: Uint8Array): Entry[] {
  return [
    ['RESUME', { stored: 0, id: ROOM }, wire.resume({ stored: 0, id: room })],
    [
      'RESUME',
      { stored: NUMBER_MAX, id: hexId('event') },
      wire.resume({ stored: NUMBER_MAX, id: id('event') }),
    ],
    ['ACK', { stored: 41 }, wire.ack({ stored: 41 })],
    [
      'EVENT',
      { number: 42, id: hexId('event'), kind: 1, body: toHex(BODY) },
      wire.event({ number: 42, id: id('event'), kind: 1, body: BODY }),
    ],
    ['PING', { token: 0 }, wire.ping({ token: 0 })],
    ['PONG', { token: Number.MAX_SAFE_INTEGER }, wire.ping({ token: Number.MAX_SAFE_INTEGER })],
    [
      'NOTICE',
      { epoch: 472_223, atMs: 1_700_002_800_000, intervalMs: 3_600_000 },
      wire.notice({ epoch: 472_223, atMs: 1_700_002_800_000, intervalMs: 3_600_000 }),
    ],
    ['RECORD', { bytes: 'record[0]' }, record],
    ...[1, 2, 3, 4, 5, 6].map((reason): Entry => ['BYE', { reason }, wire.bye({ reason })]),
    ['HISTORY', { room: ROOM, before: 0, limit: 1 }, wire.history({ room, before: 0, limit: 1 })],
    [
      'HISTORY',
      { room: ROOM, before: 7, limit: 200 },
      wire.history({ room, before: 7, limit: 200 }),
    ],
    [
      'PAGE',
      { room: ROOM, before: 0, more: 0, messages: [] },
      wire.page({ room, before: 0, more: 0, messages: [] }),
    ],
    [
      'PAGE',
      { room: ROOM, before: 8, more: 1, messages: [shown(HELLO), shown(EARLIER)] },
      wire.page({
        room,
        before: 8,
        more: 1,
        messages: [wire.message(HELLO), wire.message(EARLIER)],
      }),
    ],
    ['STATE', plainState(STATE), wire.state(STATE)],
    ...[HOUR_MS, 10 * YEAR_MS].map((keepMs): Entry => {
      const kept = { ...STATE, keepMs }
      return ['STATE', plainState(kept), wire.state(kept)]
    }),
    ['ENROL', { name: 'Laptop' }, wire.enrol({ name: 'Laptop' })],
    ['ENROL', { name: 'ß'.repeat(24) }, wire.enrol({ name: 'ß'.repeat(24) })],
    [
      'ENROL_OK',
      {
        device: hexId('device a'),
        root: toHex(fixed('device root')),
        locator: LOCATOR.map((entry) => ({ ...entry, data: toHex(entry.data) })),
      },
      wire.enrolOk({
        device: id('device a'),
        root: fixed('device root'),
        locator: links.encodeLocator(LOCATOR),
      }),
    ],
    ...[1, 2, 3, 4, 5, 6, 7].map(
      (code): Entry => ['ENROL_FAIL', { code }, wire.enrolFail({ code })],
    ),
    ...requests().map((m): Entry => {
      const { spanMs, ...shown } = { spanMs: undefined, ...m }
      const fields = hexFields(spanMs === undefined ? shown : { ...shown, lifeMs: spanMs })
      return ['REQUEST', fields, wire.request(m)]
    }),
    ['ANSWER', { token: 7, kind: 1 }, wire.done({ token: 7 })],
    ['ANSWER', { ...LINK, invite: toHex(LINK.invite), kind: 2 }, wire.link(LINK)],
    ['ANSWER', { ...GONE, links: GONE.links.map(toHex), kind: 3 }, wire.gone(GONE)],
    [
      'ANSWER',
      { token: 7, room: hexId('room a'), kind: 4 },
      wire.madeRoom({ token: 7, room: id('room a') }),
    ],
    [
      'ANSWER',
      { token: 27, key: toHex(PUSH.p256dh), kind: 25 },
      wire.pushKey({ token: 27, key: PUSH.p256dh }),
    ],
    ['ANSWER', { ...OVERVIEW, kind: 30 }, wire.overview(OVERVIEW)],
    [
      'TYPING',
      { room: hexId('room a'), member: hexId('member a') },
      wire.typing({ room: id('room a'), member: id('member a') }),
    ],
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 25].map(
      (code): Entry => ['ANSWER', { token: 0, code }, wire.failed({ token: 0, code })],
    ),
    ...lookups(),
    ...fileEntries(),
  ]
}

function fileEntries(): Entry[] {
  const offer = { id: id('message 1'), room: id('room a'), size: 2 ** 40 }
  const at = { id: id('message 1'), blocks: 2 ** 24, hash: fixed('file hash') }
  const block = { id: id('message 1'), index: 2 ** 24 - 1, bytes: fixed('block', 40) }
  const drop = { id: id('message 1') }
  const fetch = { id: id('message 1'), index: 7 }
  return [
    ['OFFER', hexFields(offer), wire.offer(offer)],
    ['AT', hexFields(at), wire.at(at)],
    ['PUT', hexFields(block), wire.block(block)],
    ['DROP', hexFields(drop), wire.drop(drop)],
    ['FETCH', hexFields(fetch), wire.fetch(fetch)],
    ['BLOCK', hexFields(block), wire.block(block)],
    ...[1, 2, 3, 4, 5, 6, 7].map((code): Entry => {
      const fail = { id: id('message 1'), code }
      return ['FILE_FAIL', hexFields(fail), wire.fileFail(fail)]
    }),
  ]
}

const plainState = (s: typeof STATE) => ({
  ...s,
  member: toHex(s.member),
  device: toHex(s.device),
  members: s.members.map((m) => ({ ...m, id: toHex(m.id), picture: toHex(m.picture) })),
  devices: s.devices.map((d) => ({
    ...{ ...d, id: toHex(d.id), member: toHex(d.member), publicKey: toHex(d.publicKey) },
  })),
  invites: s.invites.map((i) => ({
    ...{ ...i, id: toHex(i.id), member: toHex(i.member), rooms: i.rooms.map(toHex) },
  })),
  rooms: s.rooms.map((r) => ({ ...r, id: toHex(r.id), members: r.members.map(toHex) })),
})

export const messageVectors = (record: Uint8Array) =>
  entries(record).map(([name, fields, data]) => ({
    name,
    type: wire.MESSAGE_TYPE[name],
    fields,
    data: toHex(data),
  }))

export function messageRefusedVectors() {
  const cut: [string, number, Uint8Array][] = []
  const seen = new Set<string>()
  for (const [name, , data] of entries(new Uint8Array(6144))) {
    if (seen.has(name)) continue
    seen.add(name)
    const type = wire.MESSAGE_TYPE[name]
    // What an EVENT carries is read by its kind, and by itself; a block may be longer or shorter by a byte.
    const isOpen = name === 'EVENT' || name === 'PUT' || name === 'BLOCK'
    if (!isOpen) cut.push([`${name} with a byte behind it`, type, trailing(data)])
    const whole = isOpen ? data.subarray(0, name === 'EVENT' ? 25 : 21) : data
    cut.push([`${name} cut by a byte`, type, whole.subarray(0, -1)])
  }
  const unknown = [0x00, 0x0c, 0x0f, 0x1f, 0x27, 0x7f, 0xff].map(
    (type): [string, number, Uint8Array] => [`unknown type ${type}`, type, new Uint8Array(8)],
  )
  return [...unknown, ...cut, ...outOfRange()].map(([what, type, data]) => ({
    what,
    type,
    data: compact(data),
    code: 'malformed',
  }))
}

const trailing = (data: Uint8Array): Uint8Array => Uint8Array.from([...data, 0])

function outOfRange(): [string, number, Uint8Array][] {
  const T = wire.MESSAGE_TYPE
  const over = NUMBER_MAX + 1
  const tooMuch = 2n ** 53n
  const state = (change: Partial<typeof STATE>): Uint8Array => wire.state({ ...STATE, ...change })
  const member = (change: Partial<(typeof MEMBERS)[number]>): Uint8Array =>
    state({ members: MEMBERS.map((m) => ({ ...m, ...change })) })
  const page = (body: Uint8Array): Uint8Array =>
    wire.page({ room, before: 0, more: 0, messages: [body] })
  const many = Array.from({ length: 201 }, () => wire.message(EARLIER))
  return [
    ['RESUME above 2^48', T.RESUME, wire.resume({ stored: over, id: room })],
    ['ACK above 2^48', T.ACK, wire.ack({ stored: over })],
    ['EVENT above 2^48', T.EVENT, wire.event({ number: over, id: room, kind: 1, body: BODY })],
    ['PING of 2^53', T.PING, wire.ping({ token: tooMuch })],
    ['NOTICE of epoch 2^53', T.NOTICE, wire.notice({ epoch: tooMuch, atMs: 0, intervalMs: 1 })],
    ['BYE 0', T.BYE, wire.bye({ reason: 0 })],
    ['BYE 7', T.BYE, wire.bye({ reason: 7 })],
    ['HISTORY of none', T.HISTORY, wire.history({ room, before: 0, limit: 0 })],
    ['HISTORY of 201', T.HISTORY, wire.history({ room, before: 0, limit: 201 })],
    ['PAGE with more = 2', T.PAGE, wire.page({ room, before: 0, more: 2, messages: [] })],
    ['PAGE of 201', T.PAGE, wire.page({ room, before: 0, more: 0, messages: many })],
    ['PAGE with a byte behind a MESSAGE', T.PAGE, page(trailing(wire.message(HELLO)))],
    ['PAGE with a MESSAGE cut by a byte', T.PAGE, page(wire.message(HELLO).subarray(0, -1))],
    ['STATE with role 0', T.STATE, member({ role: 0 })],
    ['STATE with role 5', T.STATE, member({ role: 5 })],
    ['STATE with flags = 8', T.STATE, member({ flags: 8 })],
    ['STATE with tone 7', T.STATE, member({ tone: 7 })],
    ['STATE with route 5', T.STATE, state({ devices: DEVICES.map((d) => ({ ...d, route: 5 })) })],
    [
      'STATE with a note of 801 bytes',
      T.STATE,
      state({ invites: INVITES.map((i) => ({ ...i, note: 'n'.repeat(801) })) }),
    ],
    ['REQUEST 0', T.REQUEST, wire.request({ token: 0, kind: 0, id: room })],
    ['REQUEST 14', T.REQUEST, wire.request({ token: 0, kind: 14, id: room })],
    ...[1, HOUR_MS - 1, YEAR_MS + 1].map((spanMs): [string, number, Uint8Array] => [
      `REQUEST 13 with ${spanMs} ms`,
      T.REQUEST,
      wire.request({ token: 0, kind: 13, id: room, spanMs }),
    ]),
    ...[1, HOUR_MS - 1, 10 * YEAR_MS + 1].map((keepMs): [string, number, Uint8Array] => [
      `STATE of a host that keeps for ${keepMs} ms`,
      T.STATE,
      state({ keepMs }),
    ]),
    ...[1, HOUR_MS - 1, YEAR_MS + 1].map((lifeMs): [string, number, Uint8Array] => [
      `STATE with a room whose messages live ${lifeMs} ms`,
      T.STATE,
      state({ rooms: ROOMS.map((r) => ({ ...r, lifeMs })) }),
    ]),
    ...(
      [
        ['role 0', { role: 0 }],
        ['role 5', { role: 5 }],
        ['no use', { uses: 0 }],
        ['65 uses', { uses: 65 }],
        ['a life of 999 ms', { lifeMs: 999 }],
        ['a life of a year and a millisecond', { lifeMs: 31_536_000_001 }],
        ['a note of 801 bytes', { note: 'n'.repeat(801) }],
      ] as const
    ).map(([what, change]): [string, number, Uint8Array] => [
      `REQUEST 1 with ${what}`,
      T.REQUEST,
      wire.request({ token: 0, kind: 1, role: 2, uses: 1, lifeMs: 1000, note: '', ...change }),
    ]),
    [
      'REQUEST 6 with 49 bytes',
      T.REQUEST,
      wire.request({ token: 0, kind: 6, id: room, name: 'n'.repeat(49) }),
    ],
    [
      'REQUEST 25 with an endpoint of 1025 bytes',
      T.REQUEST,
      wire.request({ token: 0, kind: 25, ...PUSH, endpoint: 'n'.repeat(1025) }),
    ],
    [
      'REQUEST 25 with a key of 64 bytes',
      T.REQUEST,
      wire.request({ token: 0, kind: 25, ...PUSH, p256dh: PUSH.p256dh.slice(1) }),
    ],
    ['REQUEST 30 with tone 7', T.REQUEST, wire.request({ token: 0, kind: 30, tone: 7 })],
    [
      'REQUEST 30 with present = 2',
      T.REQUEST,
      wire.request({ token: 0, kind: 30, tone: 0, present: 2 }),
    ],
    [
      'REQUEST 32 of 16385 bytes',
      T.REQUEST,
      wire.request({ token: 0, kind: 32, picture: new Uint8Array(16_385) }),
    ],
    [
      'ANSWER with a store name of 49 bytes',
      T.ANSWER,
      wire.overview({ ...OVERVIEW, stores: [{ name: 'n'.repeat(49), seq: 0, code: '' }] }),
    ],
    ['ANSWER with code 10', T.ANSWER, wire.failed({ token: 0, code: 10 })],
    ['ANSWER of kind 0', T.ANSWER, Uint8Array.of(0, 0, 0, 0, 0, 0)],
    ['ANSWER of kind 5', T.ANSWER, Uint8Array.of(0, 0, 0, 0, 0, 5)],
    ['ANSWER with reach 4', T.ANSWER, wire.link({ ...LINK, reach: 4 })],
    ['ANSWER with a link of 5001 bytes', T.ANSWER, wire.link({ ...LINK, link: 'n'.repeat(5001) })],
    ['STATE with a name of 49 bytes', T.STATE, member({ name: 'n'.repeat(49) })],
    ['STATE with a host name of 49 bytes', T.STATE, state({ hostName: 'n'.repeat(49) })],
    [
      'STATE with a room name of 49 bytes',
      T.STATE,
      state({ rooms: ROOMS.map((r) => ({ ...r, name: 'n'.repeat(49) })) }),
    ],
    ['STATE with room kind 0', T.STATE, state({ rooms: ROOMS.map((r) => ({ ...r, kind: 0 })) })],
    ['STATE with room kind 3', T.STATE, state({ rooms: ROOMS.map((r) => ({ ...r, kind: 3 })) })],
    ['STATE with mine = 2', T.STATE, state({ rooms: ROOMS.map((r) => ({ ...r, mine: 2 })) })],
    ['ENROL with 49 bytes', T.ENROL, wire.enrol({ name: 'n'.repeat(49) })],
    ['ENROL that is not UTF-8', T.ENROL, Uint8Array.of(2, 0xc0, 0x80)],
    [
      'ENROL_OK with nine stores',
      T.ENROL_OK,
      wire.enrolOk({ device: room, root: fixed('r'), locator: Uint8Array.of(9) }),
    ],
    ...lookupsOutOfRange(),
    ['ENROL_FAIL 0', T.ENROL_FAIL, wire.enrolFail({ code: 0 })],
    ['ENROL_FAIL 8', T.ENROL_FAIL, wire.enrolFail({ code: 8 })],
    ['OFFER of 2^40 + 1', T.OFFER, wire.offer({ id: room, room, size: 2 ** 40 + 1 })],
    ...(['PUT', 'BLOCK'] as const).map((name): [string, number, Uint8Array] => [
      `${name} of 65357 bytes`,
      T[name],
      wire.block({ id: room, index: 0, bytes: new Uint8Array(65_357) }),
    ]),
    ['FILE_FAIL 0', T.FILE_FAIL, wire.fileFail({ id: room, code: 0 })],
    ['FILE_FAIL 8', T.FILE_FAIL, wire.fileFail({ id: room, code: 8 })],
  ]
}

function lookupsOutOfRange(): [string, number, Uint8Array][] {
  const T = wire.MESSAGE_TYPE
  const search = (change: Partial<typeof SEARCH>): Uint8Array =>
    wire.search({ ...SEARCH, ...change })
  const result = (change: Partial<typeof RESULT>): Uint8Array =>
    wire.found({ ...FOUND, messages: [{ ...RESULT, ...change }] })
  const spans = (...pairs: [start: number, length: number][]): Uint8Array =>
    result({ excerpt: 'abcdef', ranges: pairs.map(([start, length]) => ({ start, length })) })
  const many = Array.from({ length: 51 }, () => RESULT)
  const texts = Array.from({ length: 51 }, () => ({ untilMs: 1, text: 'a' }))
  return [
    ['SEARCH of 201 bytes', T.SEARCH, search({ query: 'q'.repeat(201) })],
    ['SEARCH for none', T.SEARCH, search({ limit: 0 })],
    ['SEARCH for 51', T.SEARCH, search({ limit: 51 })],
    ['SEARCH with onlyFiles 2', T.SEARCH, search({ onlyFiles: 2 })],
    ['FOUND of 51', T.FOUND, wire.found({ ...FOUND, messages: many })],
    ['FOUND with code 2', T.FOUND, wire.notLookedUp({ token: 7, code: 2 })],
    ['FOUND with seq 0', T.FOUND, result({ seq: 0 })],
    ['FOUND with an excerpt of 607 bytes', T.FOUND, result({ excerpt: 'a'.repeat(607) })],
    ['FOUND with an empty range', T.FOUND, spans([0, 0])],
    ['FOUND with a range beyond the excerpt', T.FOUND, spans([3, 4])],
    ['FOUND with ranges out of order', T.FOUND, spans([3, 1], [0, 1])],
    ['FOUND with ranges that touch', T.FOUND, spans([0, 2], [2, 1])],
    [
      'FOUND with 33 ranges',
      T.FOUND,
      result({
        excerpt: 'a'.repeat(100),
        ranges: Array.from({ length: 33 }, (_, i) => ({ start: 2 * i, length: 1 })),
      }),
    ],
    ['LOCATE by 0', T.LOCATE, wire.locate({ token: 7, room, by: 0, atMs: 1 })],
    ['LOCATE by 3', T.LOCATE, wire.locate({ token: 7, room, by: 3, atMs: 1 })],
    ['EARLIER of 51', T.EARLIER, wire.earlier({ token: 7, texts })],
    [
      'EARLIER of 16001 bytes',
      T.EARLIER,
      wire.earlier({ token: 7, texts: [{ untilMs: 1, text: 'a'.repeat(16_001) }] }),
    ],
    [
      'PICTURED of 16385 bytes',
      T.PICTURED,
      wire.pictured({ token: 7, picture: new Uint8Array(16_385) }),
    ],
    [
      'PICTURED cut by a byte',
      T.PICTURED,
      wire.pictured({ token: 7, picture: FACE }).subarray(0, -1),
    ],
  ]
}

/** Files of zeros, around the length of a block. */
export const fileHashVectors = () =>
  [0, 1, 65_355, 65_356, 65_357, 130_712, 200_000].map((size) => ({
    size,
    hash: toHex(wire.fileHash(new Uint8Array(size))),
  }))

type Kind = keyof typeof wire.EVENT_KIND

function eventEntries(): (readonly [name: Kind, fields: object, body: Uint8Array])[] {
  const place = { id: id('message 1'), room, seq: 7, atMs: TIME_MS, endsAtMs: 0 }
  const shownPlace = { ...place, id: toHex(place.id), room: ROOM }
  const two = [id('message 0'), id('message 1')]
  return [
    ['POST', { room: ROOM, reply: ROOM, text: 'Grüße 🐾', endsAtMs: 0 }, BODY],
    [
      'POST',
      { room: ROOM, reply: ROOM, text: 'a', endsAtMs: TIME_MS },
      wire.post({ room, reply: room, text: 'a', endsAtMs: TIME_MS }),
    ],
    [
      'POST',
      { room: hexId('room a'), reply: hexId('message 0'), text: 'a', endsAtMs: 0 },
      wire.post({ room: id('room a'), reply: id('message 0'), text: 'a' }),
    ],
    [
      'POST',
      { room: ROOM, reply: ROOM, text: '\u0000\ufeff\n', endsAtMs: 0 },
      wire.post({ room, reply: room, text: '\u0000\ufeff\n' }),
    ],
    [
      'POST',
      { room: ROOM, reply: ROOM, text: '', file: shownFile(PICTURE), endsAtMs: 0 },
      wire.post({ room, reply: room, text: '', file: PICTURE }),
    ],
    [
      'POST',
      { room: ROOM, reply: ROOM, text: 'a', file: shownFile(NOTHING_OF), endsAtMs: 0 },
      wire.post({ room, reply: room, text: 'a', file: NOTHING_OF }),
    ],
    ['MESSAGE', shown(HELLO), wire.message(HELLO)],
    [
      'MESSAGE',
      { ...shown(HELLO), file: shownFile(PICTURE) },
      wire.message({ ...HELLO, file: PICTURE }),
    ],
    ['MESSAGE', shown(EARLIER), wire.message(EARLIER)],
    ['MESSAGE', shown(ANSWERED), wire.message(ANSWERED)],
    ['MESSAGE', shown(DELETED), wire.message(DELETED)],
    ['MESSAGE', shown(TIMED), wire.message(TIMED)],
    ['MESSAGE', shown(GONE_MESSAGE), wire.message(GONE_MESSAGE)],
    ...[0, HOUR_MS, YEAR_MS].map((lifeMs) => {
      const notice = { ...NOTICE, notice: { lifeMs } }
      return ['MESSAGE', shown(notice), wire.message(notice)] as const
    }),
    ['STORED', shownPlace, wire.stored(place)],
    [
      'STORED',
      { ...shownPlace, endsAtMs: TIME_MS + 1 },
      wire.stored({ ...place, endsAtMs: TIME_MS + 1 }),
    ],
    ...[1, 2, 3, 4, 5].map(
      (code) =>
        [
          'REFUSED',
          { id: hexId('message 1'), code },
          wire.refused({ id: id('message 1'), code }),
        ] as const,
    ),
    ['DELIVERED', { room: ROOM, ids: [] }, wire.delivered({ room, ids: [] })],
    ['DELIVERED', { room: ROOM, ids: two.map(toHex) }, wire.delivered({ room, ids: two })],
    [
      'EDIT',
      { message: hexId('message 1'), text: 'Grüße' },
      wire.edit({ message: id('message 1'), text: 'Grüße' }),
    ],
    ['DELETE', { message: hexId('message 1') }, wire.remove({ message: id('message 1') })],
    ...[0, 1].map(
      (on) =>
        [
          'REACT',
          { message: hexId('message 1'), on, emoji: '👩🏽‍🚀' },
          wire.react({ message: id('message 1'), on, emoji: '👩🏽‍🚀' }),
        ] as const,
    ),
    ...[0, 1].map(
      (shared) =>
        [
          'READ',
          { room: hexId('room a'), seq: 7, shared },
          wire.read({ room: id('room a'), seq: 7, shared }),
        ] as const,
    ),
    [
      'READ_BY',
      { room: hexId('room a'), member: hexId('member a'), seq: 7 },
      wire.readBy({ room: id('room a'), member: id('member a'), seq: 7 }),
    ],
  ]
}

export const eventVectors = () => [
  ...eventEntries().map(([name, fields, body]) => ({
    name,
    kind: wire.EVENT_KIND[name],
    fields,
    body: compact(body),
  })),
  {
    name: 'POST',
    kind: wire.EVENT_KIND.POST,
    fields: { room: ROOM, reply: ROOM, text: { repeat: 'a', times: 16_000 }, endsAtMs: 0 },
    body: compact(wire.post({ room, reply: room, text: 'a'.repeat(16_000) })),
  },
]

/** What a POST says of its file, one field after the other out of bounds. */
function fileCases(): [string, number, Uint8Array][] {
  const K = wire.EVENT_KIND
  const changes: readonly [string, Partial<typeof PICTURE>][] = [
    ['2^40 + 1 bytes', { size: 2 ** 40 + 1 }],
    ['no type', { type: '' }],
    ['a type without a slash', { type: 'image' }],
    ['a type in capitals', { type: 'Image/jpeg' }],
    ['a type with parameters', { type: 'text/html;charset=utf-8' }],
    ['a type of 101 bytes', { type: `a/${'b'.repeat(99)}` }],
    ['no name', { name: '' }],
    ['the name ..', { name: '..' }],
    ['a path for a name', { name: 'a/b' }],
    ['a path of Windows for a name', { name: 'a\\b' }],
    ['a control character in its name', { name: 'a\u0000b' }],
    ['a name that turns round', { name: 'gpj.\u202eexe' }],
    ['a thumbnail of 8193 bytes', { thumbnail: new Uint8Array(8193) }],
  ]
  const post = (change: Partial<typeof PICTURE>): Uint8Array =>
    wire.post({ room, reply: room, text: 'a', file: { ...PICTURE, ...change } })
  return [
    ...changes.map(([what, change]): [string, number, Uint8Array] => [
      `POST of a file with ${what}`,
      K.POST,
      post(change),
    ]),
    [
      'POST with 2 for whether it has a file',
      K.POST,
      Uint8Array.from([...BODY.slice(0, -9), 2, ...new Uint8Array(8)]),
    ],
    ['MESSAGE deleted with a file', K.MESSAGE, wire.message({ ...DELETED, file: PICTURE })],
  ]
}

/** What nothing may be left of. */
const goneCases = (): [string, Partial<typeof HELLO & { file: typeof PICTURE }>][] => [
  ['a text', { text: 'a' }],
  ['an author', { author: id('member a') }],
  ['a device', { authorDevice: id('device a') }],
  ['a reply', { reply: id('message 0') }],
  ['a reaction', { reactions: ANSWERED.reactions }],
  ['a file', { file: PICTURE }],
  ['a time to end', { endsAtMs: 1 }],
  ['a notice', { notice: { lifeMs: 0 } }],
]

/** What was done says nothing but that. */
const noticeCases = (): [string, Partial<typeof HELLO & { file: typeof PICTURE }>][] => [
  ['of a millisecond', { notice: { lifeMs: 1 } }],
  ['of an hour less a millisecond', { notice: { lifeMs: HOUR_MS - 1 } }],
  ['of a year and a millisecond', { notice: { lifeMs: YEAR_MS + 1 } }],
  ['with a text', { text: 'a' }],
  ['with a reply', { reply: id('message 0') }],
  ['with a reaction', { reactions: ANSWERED.reactions }],
  ['with a file', { file: PICTURE }],
  ['that was edited', { flags: 2 }],
  ['that was deleted', { flags: 4 }],
]

export function eventRefusedVectors() {
  const K = wire.EVENT_KIND
  const cut: [string, number, Uint8Array][] = eventEntries().flatMap(([name, , body], i) => [
    [`${name} (event[${i}]) with a byte behind it`, K[name], trailing(body)],
    [`${name} (event[${i}]) cut by a byte`, K[name], body.subarray(0, -1)],
  ])
  const ids = (n: number): Uint8Array[] => Array.from({ length: n }, () => room)
  const cases: [string, number, Uint8Array][] = [
    ['unknown kind 0', 0, BODY],
    ['unknown kind 11', 11, BODY],
    ['unknown kind 255', 255, BODY],
    ...cut,
    ['POST without text', K.POST, wire.post({ room, reply: room, text: '' })],
    ['POST of 16001 bytes', K.POST, wire.post({ room, reply: room, text: 'a'.repeat(16_001) })],
    [
      'POST that is not UTF-8',
      K.POST,
      Uint8Array.from([...room, ...room, 0, 2, 0xc0, 0x80, ...new Uint8Array(9)]),
    ],
    [
      'POST with a lone surrogate',
      K.POST,
      Uint8Array.from([...room, ...room, 0, 3, 0xed, 0xa0, 0x80, ...new Uint8Array(9)]),
    ],
    ['MESSAGE with seq 0', K.MESSAGE, wire.message({ ...HELLO, seq: 0 })],
    ['MESSAGE with flags 9', K.MESSAGE, wire.message({ ...GONE_MESSAGE, flags: 9 })],
    ...goneCases().map(([what, message]): [string, number, Uint8Array] => [
      `MESSAGE gone with ${what}`,
      K.MESSAGE,
      wire.message({ ...GONE_MESSAGE, ...message }),
    ]),
    ...noticeCases().map(([what, message]): [string, number, Uint8Array] => [
      `MESSAGE of a lifetime ${what}`,
      K.MESSAGE,
      wire.message({ ...NOTICE, ...message }),
    ]),
    ['MESSAGE with notice 2', K.MESSAGE, Uint8Array.from([...wire.message(HELLO).slice(0, -1), 2])],
    ['MESSAGE deleted with text', K.MESSAGE, wire.message({ ...DELETED, text: 'a' })],
    ['MESSAGE deleted with reply', K.MESSAGE, wire.message({ ...DELETED, reply: id('message 0') })],
    [
      'MESSAGE deleted with a reaction',
      K.MESSAGE,
      wire.message({ ...ANSWERED, ...{ flags: 4, text: '', reply: room } }),
    ],
    ...(
      [
        ['an empty reaction', [{ emoji: '', members: [room] }]],
        ['a reaction of 33 bytes', [{ emoji: 'e'.repeat(33), members: [room] }]],
        ['a reaction with a line break', [{ emoji: 'e\n', members: [room] }]],
        ['a reaction of nobody', [{ emoji: 'e', members: [] }]],
        ['a reaction of 201', [{ emoji: 'e', members: ids(201) }]],
        [
          '33 reactions',
          Array.from({ length: 33 }, (_, i) => ({ emoji: `e${i}`, members: [room] })),
        ],
      ] as const
    ).map(([what, reactions]): [string, number, Uint8Array] => [
      `MESSAGE with ${what}`,
      K.MESSAGE,
      wire.message({ ...HELLO, reactions: [...reactions] }),
    ]),
    ...fileCases(),
    ['EDIT without text', K.EDIT, wire.edit({ message: room, text: '' })],
    ['EDIT of 16001 bytes', K.EDIT, wire.edit({ message: room, text: 'a'.repeat(16_001) })],
    ['REACT with on = 2', K.REACT, wire.react({ message: room, on: 2, emoji: 'e' })],
    ['REACT with nothing', K.REACT, wire.react({ message: room, on: 1, emoji: '' })],
    ['REACT with 33 bytes', K.REACT, wire.react({ message: room, on: 1, emoji: 'e'.repeat(33) })],
    ['REACT with a line break', K.REACT, wire.react({ message: room, on: 1, emoji: '\n' })],
    ['READ with shared = 2', K.READ, wire.read({ room, seq: 1, shared: 2 })],
    ['MESSAGE of 16001 bytes', K.MESSAGE, wire.message({ ...HELLO, text: 'a'.repeat(16_001) })],
    ['REFUSED 0', K.REFUSED, wire.refused({ id: room, code: 0 })],
    ['REFUSED 6', K.REFUSED, wire.refused({ id: room, code: 6 })],
    ['DELIVERED of 1001', K.DELIVERED, wire.delivered({ room, ids: ids(1001) })],
  ]
  return cases.map(([what, kind, body]) => ({ what, kind, body: compact(body), code: 'malformed' }))
}
