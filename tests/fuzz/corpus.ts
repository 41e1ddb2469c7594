// The kept inputs: one file per target in corpus/, an input in hex per line. `node tests/fuzz/corpus.ts` makes them anew
// from the vectors and from one value of every kind; a test does so without a diff.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeBindingRequest } from '../../host/stun.ts'
import type { Attachment } from '../../shared/attachment.ts'
import {
  concat,
  fromBase64Url,
  fromHex,
  toBase64Url,
  toHex,
  toUtf8,
  Writer,
} from '../../shared/bytes.ts'
import { type ChatEvent, encodeEvent, type StoredMessage } from '../../shared/events.ts'
import { encodeFramePlaintext } from '../../shared/frames.ts'
import { encodeInvite } from '../../shared/invite.ts'
import { type Locator, writeLocator } from '../../shared/locator.ts'
import { encodeAttributes } from '../../shared/mega.ts'
import { type ClawMessage, encodeMessage } from '../../shared/messages.ts'
import { fixed } from '../vectors/fixed.ts'
import { FILE_KEY } from './mega.ts'
import { STUN_PASSWORD, TURN_ANSWERS } from './packets.ts'
import { ROUTER_ANSWERS } from './router.ts'
import { KNOCK_FIELDS, PUT, RECORD_FIELDS, RECORD_PLAINTEXT, SMALL_FIELDS } from './sealed.ts'
import { FRAMES, HANDSHAKE, KNOCK, RECORD } from './vectors.ts'

const FOLDER = join(import.meta.dirname, 'corpus')
const FINDINGS = join(import.meta.dirname, 'findings.txt')

export const corpusFile = (target: string): string => join(FOLDER, `${target}.hex`)

const lines = (path: string): string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []

/** The kept inputs of a target, and with them what was found before. */
export const corpusOf = (target: string): Uint8Array[] => [
  ...lines(corpusFile(target)).map((hex) => fromHex(hex)),
  ...findings()
    .filter((finding) => finding.target === target)
    .map(({ input }) => input),
]

/** Inputs that once broke a promise: target, hex and what it was. */
export const findings = (): { readonly target: string; readonly input: Uint8Array }[] =>
  lines(FINDINGS).map((line) => {
    const [target = '', hex = ''] = line.split(' ')
    return { target, input: fromHex(hex) }
  })

const LOCATOR: Locator = [
  { type: 'https', flags: 1, id: fixed('id'), url: 'http://127.0.0.1:8787' },
  { type: 'https', flags: 7, id: fixed('id'), url: 'https://store.example/claw/a' },
  { type: 'mega', flags: 1, handle: 'Ab3_-xyz', key: fixed('mega') },
  { type: 'unknown', code: 9, flags: 0, data: fixed('data', 5) },
]
const SERVERS: Locator = [
  { type: 'stun', flags: 0, server: 'stun.example:3478' },
  {
    ...{ type: 'turn', flags: 0, username: '1700086400', password: '5Sv3Z0fcPNQ1eJTeqvhYKQzFzCc=' },
    servers: [
      { transport: 'udp', server: '[2001:db8::3]:3478' },
      { transport: 'tls', server: 'turn.example:443' },
    ],
  },
]
/** As long as a URL may be. */
const LONGEST: Locator = [
  { type: 'https', flags: 1, id: fixed('id'), url: 'https://store.example/'.padEnd(200, 'a') },
]
const LOCATORS: readonly Locator[] = [[], LOCATOR.slice(0, 1), LOCATOR]

const INVITES = LOCATORS.map((locator, i) =>
  encodeInvite({
    hostPublicKey: RECORD.hostPublicKey,
    secret: fixed('secret'),
    minSeq: 2 ** 33,
    hostName: ['', 'Ada Łovelace', 'a'.repeat(48)][i] ?? '',
    locator,
  }),
)

const id = fixed('id', 16)
const room = new Uint8Array(16)
const NONE = room
const MESSAGE: StoredMessage = {
  type: 'message',
  id,
  room,
  seq: 7,
  atMs: 1_700_000_000_000,
  author: fixed('author', 16),
  authorDevice: fixed('device', 16),
  ...{
    delivered: true,
    edited: true,
    deleted: false,
    gone: false,
    endsAtMs: 0,
    notice: null,
    change: 11,
    replyTo: id,
  },
  text: 'Laissez faire, ça ira',
  reactions: [{ emoji: '👍', members: [id, room] }],
}
const FILE: Attachment = {
  ...{ size: 65_357, hash: fixed('file'), type: 'image/png', name: 'a.png' },
  ...{ width: 3, height: 4, durationMs: 5, thumbnail: fixed('thumbnail', 20) },
}
const GONE: StoredMessage = {
  ...{ type: 'message', id, room, seq: 3, atMs: 1_700_000_000_000, author: room },
  ...{ authorDevice: room, delivered: false, edited: false, deleted: false, gone: true },
  ...{ endsAtMs: 0, notice: null, change: 12, replyTo: null, text: '', reactions: [] },
}
const EVENTS: readonly ChatEvent[] = [
  { type: 'post', endsAtMs: 0, room, replyTo: null, text: '', file: FILE },
  { ...MESSAGE, file: FILE },
  { type: 'post', endsAtMs: 0, room, replyTo: null, text: 'a' },
  { type: 'post', endsAtMs: 0, room, replyTo: id, text: 'a' },
  { type: 'edit', message: id, text: 'b' },
  { type: 'delete', message: id },
  { type: 'react', message: id, on: true, emoji: '👩🏽‍🚀' },
  { type: 'read', room, seq: 4, shared: true },
  { type: 'read-by', room, member: id, seq: 4 },
  MESSAGE,
  { type: 'stored', endsAtMs: 0, id, room, seq: 8, atMs: 9 },
  { type: 'refused', id, reason: 'no-room' },
  { type: 'delivered', room, ids: [id, room] },
  { ...MESSAGE, endsAtMs: 1_700_003_600_000 },
  GONE,
  { ...GONE, gone: false, author: id, authorDevice: id, notice: { lifeMs: 3_600_000 } },
  { type: 'post', endsAtMs: 1_700_003_600_000, room, replyTo: null, text: 'a' },
]
const MESSAGES: readonly ClawMessage[] = [
  { type: 'resume', stored: 3, id },
  { type: 'ack', stored: 2 ** 32 },
  ...EVENTS.map(
    (event, i): ClawMessage => ({ type: 'event', number: i + 1, id, ...encodeEvent(event) }),
  ),
  { type: 'ping', token: 5 },
  { type: 'pong', token: 2 ** 53 - 1 },
  { type: 'notice', epoch: 472_222, atMs: 1_700_000_000_000, intervalMs: 3_600_000 },
  { type: 'record', bytes: RECORD.bytes },
  { type: 'bye', reason: 'moving' },
  { type: 'history', room, before: 0, limit: 200 },
  { type: 'page', room, before: 9, more: true, messages: [MESSAGE, { ...MESSAGE, text: '' }] },
  {
    type: 'state',
    hostName: 'Ada',
    member: id,
    device: id,
    members: [
      {
        ...{ id, role: 'owner', name: 'Ann', online: true, gone: false },
        ...{ hidden: false, tone: 0, picture: NONE, lastSeenMs: 0 },
      },
      {
        ...{ id: room, role: 'bot', name: 'Bo', online: false, gone: true },
        ...{ hidden: true, tone: 6, picture: id, lastSeenMs: 7 },
      },
    ],
    devices: [
      {
        ...{ id, member: id, name: 'phone', publicKey: fixed('key'), createdMs: 1 },
        ...{ lastSeenMs: 1_700_000_000_000, route: 'relay' },
      },
    ],
    invites: [
      {
        ...{ id, role: 'guest', member: room, uses: 2, used: 1, expiresAtMs: 3, note: 'n' },
        rooms: [id],
      },
    ],
    rooms: [
      {
        ...{ id, kind: 'room', name: 'Room', mine: true, members: [id, room] },
        ...{ lifeMs: 604_800_000, goneUpTo: 3 },
      },
    ],
    keepMs: 7_776_000_000,
  },
  { type: 'enrol', name: 'Eve' },
  { type: 'enrol-ok', device: id, root: fixed('root'), locator: LOCATOR },
  { type: 'enrol-fail', code: 'invite-used' },
  {
    type: 'request',
    token: 1,
    request: { kind: 'invite', role: 'guest', uses: 3, lifeMs: 5000, note: 'n', rooms: [id] },
  },
  { type: 'request', token: 2, request: { kind: 'withdraw', id } },
  { type: 'request', token: 3, request: { kind: 'rename-device', id, name: 'phone' } },
  { type: 'request', token: 4, request: { kind: 'make-room', name: 'Room', members: [id] } },
  { type: 'request', token: 5, request: { kind: 'add-to-room', id, member: room } },
  { type: 'answer', token: 5, answer: { kind: 'room', room: id } },
  { type: 'request', token: 6, request: { kind: 'profile', tone: 2, present: false } },
  { type: 'request', token: 7, request: { kind: 'picture', picture: Uint8Array.of(0xff, 0xd8) } },
  {
    type: 'request',
    token: 8,
    request: {
      kind: 'push-on',
      push: { endpoint: 'https://push.example/a', p256dh: new Uint8Array(65), auth: id },
    },
  },
  { type: 'request', token: 9, request: { kind: 'push-off' } },
  { type: 'request', token: 10, request: { kind: 'push-key' } },
  { type: 'answer', token: 10, answer: { kind: 'push-key', key: new Uint8Array(65) } },
  { type: 'request', token: 7, request: { kind: 'overview' } },
  { type: 'request', token: 11, request: { kind: 'lifetime', id, lifeMs: 3_600_000 } },
  {
    type: 'answer',
    token: 7,
    answer: {
      kind: 'overview',
      overview: {
        ...{ databaseBytes: 1, filesBytes: 2, freeBytes: 3, messages: 4, seq: 5, intervalMs: 6 },
        stores: [{ name: 'mega', seq: 0, code: 'mega-quota' }],
        ports: [{ epoch: 7, port: 50_000 }],
        router: ['double-nat', ''],
      },
    },
  },
  { type: 'typing', room, member: id },
  { type: 'offer', id, room, size: 65_357 },
  { type: 'at', id, blocks: 1, hash: fixed('file') },
  { type: 'put', id, index: 1, bytes: fixed('block', 1) },
  { type: 'drop', id },
  { type: 'fetch', id, index: 2 },
  { type: 'block', id, index: 2, bytes: fixed('block', 9) },
  { type: 'file-fail', id, code: 'file-quota' },
  { type: 'file-fail', id, code: 'file-member-quota' },
  { type: 'answer', token: 1, answer: { kind: 'failed', code: 'not-allowed' } },
  { type: 'answer', token: 2, answer: { kind: 'done' } },
  {
    type: 'answer',
    token: 3,
    answer: { kind: 'link', invite: id, expiresAtMs: 9, reach: 'lan', link: 'http://h/#A' },
  },
  { type: 'answer', token: 4, answer: { kind: 'gone', waiting: ['mega'], links: [id] } },
  {
    ...{ type: 'search', token: 1, query: 'ça "ira', rooms: [room], authors: [id] },
    ...{ fromMs: 1, toMs: 2 ** 41, below: id, limit: 50, onlyFiles: true },
  },
  {
    ...{ type: 'found', token: 1, code: null, next: id },
    messages: [
      {
        ...{ id, room, seq: 7, atMs: 9, author: id },
        excerpt: { text: '…ça ira', ranges: [{ start: 1, length: 2 }] },
      },
    ],
  },
  { type: 'found', token: 1, code: 'too-many', next: null, messages: [] },
  { type: 'locate', token: 2, room, by: { atMs: 1_700_000_000_000 } },
  { type: 'locate', token: 2, room, by: { message: id } },
  { type: 'located', token: 2, code: null, seq: 8 },
  { type: 'versions', token: 3, message: id },
  { type: 'earlier', token: 3, code: null, texts: [{ untilMs: 5, text: 'a' }] },
  { type: 'picture', token: 4, member: id },
  { type: 'pictured', token: 4, code: null, picture: Uint8Array.of(0xff, 0xd8) },
  { type: 'pictured', token: 4, code: 'too-many', picture: new Uint8Array() },
]

const TEXTS = {
  utf8: ['plain', 'é', 'ſ', '€', '😀', '\u{10ffff}', '\ufeffmark', 'a\0b'],
  safetyQr: [`CLAWCHAT:SAFETY:${'0123456789'.repeat(6)}`, 'CLAWCHAT:SAFETY:', '😀'],
  bases: ['AA', 'AAAA', '-_-_', '+/+/', '00ff', 'DEADBEEF', '😀😀'],
  'protocol-name': [
    'Noise_IKhfs+psk0+psk2_25519+MLKEM768_AESGCM_SHA256',
    'Noise_NNpsk0_25519_AESGCM_SHA256',
    'Noise_N_25519_AESGCM_SHA256',
    'Noise_X1X1_25519_AESGCM_SHA256',
  ],
  address: ['192.0.2.7', '255.255.255.255', '::', '::1', 'fe80::1%eth0', '::ffff:192.0.2.7'],
}
const CONFIGS = [
  'name = "My host" # shown\nlan = true\n',
  'store = [\n  "mega", # two\n  "file:a",\n]\n"grace" = \'5m\'\r\n',
  'name = """\nnotice = "1m"\n"""\nnotice = "1m"\n',
  '\ufeff# a\n[start]\nhttp = "8787"\n',
  'udp.a = 1\ngrace = 1979-05-27T07:32:00Z\n',
  '"gra\\u0063e" = "5m"\ndeploy_token = "x"\n',
]
/** Overlong, a surrogate, above the last code point, cut. */
const NOT_UTF8 = ['c080', 'e080af', 'eda080', 'f4908080', 'e282', 'ff']

/** RFC 5769 §2.1, and one of ours with USE-CANDIDATE. */
const REQUESTS: readonly Uint8Array[] = [
  fromHex(
    '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf',
  ),
  encodeBindingRequest({
    transaction: Buffer.alloc(12, 1),
    username: `${'k'.repeat(124)}:abcd`,
    password: STUN_PASSWORD,
    useCandidate: true,
  }),
]

/** X25519 points of small order and around the prime (RFC 7748 §6.1), and an honest one. */
const POINTS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  toHex(fixed('point')),
]

const record = (type: number, epoch: number, bytes: number): Uint8Array =>
  new Writer(64).u8(type).u16(0xfefd).u16(epoch).u48(5).u16(bytes).zeros(bytes).done()

/** Choices of the machines: no vector has any. The first ones, which set the scene, differ from program to program. */
const programs = (name: string, length: number): Uint8Array[] =>
  Array.from({ length: 12 }, (_, i) => {
    const scene = Uint8Array.of(i, Math.floor(i / 4), Math.floor(i / 2))
    return concat(scene, fixed(`corpus ${name} ${i}`, length))
  })

const fromTexts = (texts: readonly string[]): Uint8Array[] => texts.map(toUtf8)

function locatorBytes(locator: Locator): Uint8Array {
  const writer = new Writer()
  writeLocator(writer, locator)
  return writer.done()
}

const MEGA_AT = encodeAttributes(FILE_KEY, { name: 'clawchat', record: null })
const MEGA_ANSWERS = [
  `[{"s":173,"at":"${MEGA_AT}","msd":1}]`,
  `[{"at":"${encodeAttributes(FILE_KEY, { name: 'clawchat', record: RECORD.bytes })}"}]`,
  ...['[-9]', '-3', '[{"err":-15}]', '[0]', '[]', '[[{"at":"AAAA"}]]', '<html>'],
]
const MEGA_PLAIN = [
  'MEGA{"n":"clawchat"}',
  'MEGA{"n":"a","_r":"AAAA"}',
  `MEGA{"n":"a","_r":"${toBase64Url(RECORD.bytes)}"}`,
  'MEGA{"__proto__":{"n":1},"n":"\\ud800"}\0\0',
  'MEGA[]',
]

export const makeCorpus = (): ReadonlyMap<string, readonly Uint8Array[]> =>
  new Map(
    Object.entries({
      utf8: [...fromTexts(TEXTS.utf8), ...NOT_UTF8.map((hex) => fromHex(hex))],
      bases: fromTexts(TEXTS.bases),
      'safety-qr': fromTexts(TEXTS.safetyQr),
      invite: fromTexts(INVITES),
      'invite-body': INVITES.map((text) => fromBase64Url(text).slice(0, -4)),
      'protocol-name': fromTexts(TEXTS['protocol-name']),
      address: fromTexts(TEXTS.address),
      config: fromTexts(CONFIGS),
      locator: [...LOCATORS, LONGEST, SERVERS].map(locatorBytes),
      'mega-answer': fromTexts(MEGA_ANSWERS),
      'mega-attributes': fromTexts(MEGA_PLAIN),
      // The largest frame would be most of this folder.
      frame: FRAMES.filter((frame) => frame.length < 1000),
      'frame-plaintext': [0, 1, 56, 57, 248, 249].map((length) =>
        encodeFramePlaintext({ type: 3, more: false, data: fixed('data', length) }),
      ),
      message: MESSAGES.map(encodeMessage).map(({ type, data }) =>
        concat(Uint8Array.of(type), data),
      ),
      event: EVENTS.map(encodeEvent).map(({ kind, body }) => concat(Uint8Array.of(kind), body)),
      record: [RECORD.bytes],
      'record-body': [RECORD_PLAINTEXT],
      'record-fields': [RECORD_FIELDS, SMALL_FIELDS],
      put: [PUT],
      knock: [KNOCK.bytes],
      'knock-fields': [KNOCK_FIELDS],
      m1: [HANDSHAKE.m1],
      m2: [HANDSHAKE.m2],
      'm1-payload': [concat(fixed('time', 6), new Uint8Array(58)), fromHex('00000000000000010101')],
      'm2-payload': [concat(new Uint8Array(33), Uint8Array.of(1))],
      backends: POINTS.map((point) =>
        concat(Uint8Array.of(0), fromHex(point), Uint8Array.of(0), fixed('sealed', 60)),
      ),
      picture: [
        '89504e470d0a1a0a0000000d494844520000028000000190',
        'ffd8ffe00010000000000000000000000000ffc2001108019002800000000000',
        '47494638396180029001',
        '524946460000000057454250565038580000000000000000000000007f02008f0100',
        '52494646000000005745425056503820000000000000000000008002900100000000',
      ].map((hex) => fromHex(hex)),
      stun: REQUESTS,
      'stun-signed': REQUESTS.map((packet) => packet.slice(20, -32)),
      'turn-answer': [
        ...TURN_ANSWERS,
        concat(...TURN_ANSWERS),
        concat(...TURN_ANSWERS).slice(0, -3),
      ],
      dtls: programs('dtls', 100),
      'dtls-raw': [record(22, 0, 10), concat(record(23, 1, 24), record(21, 1, 26))],
      opener: programs('opener', 80),
      gate: programs('gate', 300),
      rotation: programs('rotation', 100),
      'router-answer': ROUTER_ANSWERS,
      mapping: programs('mapping', 300),
      publishing: programs('publishing', 100),
      outbox: programs('outbox', 20),
      rooms: programs('rooms', 100),
      members: programs('members', 100),
      endpoint: programs('endpoint', 100),
    }),
  )

export const formatCorpus = (inputs: readonly Uint8Array[]): string =>
  inputs.map((input) => `${toHex(input)}\n`).join('')

if (import.meta.main) {
  for (const [target, inputs] of makeCorpus())
    writeFileSync(corpusFile(target), formatCorpus(inputs))
}
