// Every decoder of shared/: round trip, only ClawError escapes, any flipped bit of a sealed value fails (SPEC §2–§7).
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleanFileName } from '../../shared/attachment.ts'
import {
  fromBase64,
  fromBase64Url,
  fromUtf8,
  Reader,
  toBase64,
  toBase64Url,
  toUtf8,
  Writer,
} from '../../shared/bytes.ts'
import { EVENT_NUMBER_MAX, RECORD_BYTES } from '../../shared/constants.ts'
import type { RandomBytes } from '../../shared/crypto.ts'
import { ClawError, type ClawErrorCode } from '../../shared/error.ts'
import { type ChatEvent, decodeEvent, encodeEvent } from '../../shared/events.ts'
import { FILE_MAX_BYTES } from '../../shared/files.ts'
import { decodeInvite, encodeInvite, type Invite, inviteRoot } from '../../shared/invite.ts'
import {
  hostTag,
  icePassword,
  knockHint,
  knockUfrag,
  openKnock,
  parseKnock,
  sealKnock,
} from '../../shared/knock.ts'
import { type ClawMessage, decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { isDialable, openRecord, sealRecord } from '../../shared/record.ts'
import { formatSafetyQr, parseSafetyQr, safetyCode } from '../../shared/safety.ts'

/** Deterministic bytes, so that a failure repeats. */
function seeded(seed: string): RandomBytes {
  let n = 0
  return (length) => {
    const parts: Buffer[] = []
    for (let have = 0; have < length; have += 32) {
      parts.push(createHash('sha256').update(`${seed}:${n++}`).digest())
    }
    return new Uint8Array(Buffer.concat(parts).subarray(0, length))
  }
}

const bytes = (length: number, seed = `b${length}`): Uint8Array => seeded(seed)(length)

function codeOf(run: () => unknown): ClawErrorCode | 'none' {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof ClawError) return error.code
    throw error
  }
}

const identitySecret = bytes(32, 'H')
const hostPublicKey = ed25519PublicKey(identitySecret)
const root = bytes(32, 'R')

const invite: Invite = {
  hostPublicKey,
  secret: bytes(32, 'secret'),
  minSeq: 1_700_000_000,
  hostName: 'Ada Łovelace',
  locator: [
    { type: 'https', flags: 1, id: bytes(32, 'id'), url: 'http://127.0.0.1:8787' },
    { type: 'mega', flags: 1, handle: 'Ab3_-xyz', key: bytes(32, 'mega') },
    { type: 'unknown', code: 9, flags: 0, data: bytes(5) },
  ],
}

describe('text forms', () => {
  test('base64, base64url and UTF-8 agree with Node and are strict', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (value) => {
        const standard = Buffer.from(value).toString('base64').replaceAll('=', '')
        expect(toBase64(value)).toBe(standard)
        expect(fromBase64(standard)).toEqual(value)
        expect(toBase64Url(value)).toBe(Buffer.from(value).toString('base64url'))
        expect(fromBase64Url(toBase64Url(value))).toEqual(value)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        expect(fromUtf8(toUtf8(text))).toBe(text)
      }),
    )
    expect(codeOf(() => fromUtf8(Uint8Array.of(0xc0, 0x80)))).toBe('malformed')
    for (const bad of ['A', 'AA==', 'A A', 'AB', 'AA\n', 'é']) {
      expect([bad, codeOf(() => fromBase64(bad))]).toEqual([bad, 'malformed'])
    }
  })

  test('reader and writer agree at the edges of every width and refuse to over-read', () => {
    const data = new Writer(1)
      .u8(255)
      .u16(65535)
      .u32(2 ** 32 - 1)
      .u48(2 ** 48 - 1)
      .u64(Number.MAX_SAFE_INTEGER)
      .done()
    const reader = new Reader(data)
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u48(), reader.u64()]).toEqual([
      255,
      65535,
      2 ** 32 - 1,
      2 ** 48 - 1,
      Number.MAX_SAFE_INTEGER,
    ])
    reader.end()
    expect(codeOf(() => reader.u8())).toBe('malformed')
    expect(codeOf(() => new Reader(new Uint8Array(8).fill(255)).u64())).toBe('malformed')
  })
})

describe('invite (SPEC §2)', () => {
  const link = encodeInvite(invite)

  test('round trip; fits a QR code', () => {
    expect(decodeInvite(link)).toEqual(invite)
    expect(encodeInvite({ ...invite, locator: invite.locator.slice(0, 1) }).length).toBeLessThan(
      260,
    )
  })

  test('every mistyped character and every truncation is refused before any network', () => {
    for (let i = 0; i < link.length; i++) {
      const other = link[i] === 'A' ? 'B' : 'A'
      const typo = link.slice(0, i) + other + link.slice(i + 1)
      expect([i, codeOf(() => decodeInvite(typo))]).toEqual([i, 'invite-malformed'])
      expect([i, codeOf(() => decodeInvite(link.slice(0, i)))]).toEqual([i, 'invite-malformed'])
    }
    expect(codeOf(() => decodeInvite(`${link}A`))).toBe('invite-malformed')
  })

  test('another version is named as such', () => {
    const body = Buffer.from(link, 'base64url').subarray(0, -4)
    body[0] = 2
    const sum = createHash('sha256').update('clawchat/v1 invite check\0').update(body).digest()
    const other = Buffer.concat([body, sum.subarray(0, 4)]).toString('base64url')
    expect(codeOf(() => decodeInvite(other))).toBe('invite-version')
  })

  test('different secrets and different hosts give different roots', () => {
    const roots = [
      inviteRoot(invite),
      inviteRoot({ ...invite, secret: bytes(32, 'other') }),
      inviteRoot({ ...invite, hostPublicKey: bytes(32, 'other host') }),
    ].map((value) => Buffer.from(value).toString('hex'))
    expect(new Set(roots).size).toBe(3)
  })
})

const seal = (
  over: { roots?: Uint8Array[]; seq?: number; ip?: Uint8Array; port?: number } = {},
): Uint8Array =>
  sealRecord({
    body: {
      hostPublicKey,
      seq: over.seq ?? 100,
      issuedMs: 1_800_000_000_000,
      burn: false,
      reason: 0,
      hostStatic: bytes(32, 'S_h'),
      intervalMs: 3_600_000,
      firstEpoch: 500_000,
      schedule: Array.from({ length: 26 }, (_, i) => ({
        port: over.port ?? 50_000 + i,
        fingerprint: bytes(32, `fp${i}`),
      })),
      addresses: [
        { kind: 4, flags: 1, externalPort: 0, ip: over.ip ?? Uint8Array.of(10, 0, 0, 7) },
      ],
      locator: invite.locator,
    },
    roots: over.roots ?? [root],
    identitySecret,
    random: seeded('record'),
  })

const open = (
  data: Uint8Array,
  over: { root?: Uint8Array; host?: Uint8Array; minSeq?: number } = {},
) =>
  openRecord({
    bytes: data,
    root: over.root ?? root,
    hostPublicKey: over.host ?? hostPublicKey,
    minSeq: over.minSeq ?? 0,
  })

describe('record (SPEC §3)', () => {
  const record = seal()

  test('round trip for each of 64 credentials; the 65th is refused', () => {
    const roots = Array.from({ length: 64 }, (_, i) => bytes(32, `root ${i}`))
    const full = seal({ roots })
    expect(full.length).toBe(RECORD_BYTES)
    for (const one of roots) expect(open(full, { root: one }).seq).toBe(100)
    expect(codeOf(() => seal({ roots: [...roots, root] }))).toBe('credentials-full')
  })

  test('a flip at every offset is refused, and nothing but the known codes escapes', () => {
    const seen = new Set<string>()
    for (let at = 0; at < RECORD_BYTES; at++) {
      const forged = record.slice()
      forged[at] = (forged[at] ?? 0) ^ 1
      seen.add(codeOf(() => open(forged)))
    }
    expect([...seen].sort()).toEqual(['record-forged', 'record-malformed', 'record-no-slot'])
  })

  test('length, foreign content, no slot, other host, rollback', () => {
    for (const size of [0, 6143, 6145]) {
      expect(codeOf(() => open(new Uint8Array(size)))).toBe('record-malformed')
    }
    const html = toUtf8('<!doctype html>'.padEnd(RECORD_BYTES, ' '))
    expect(codeOf(() => open(html))).toBe('record-malformed')
    expect(codeOf(() => open(bytes(RECORD_BYTES)))).toBe('record-malformed')
    expect(codeOf(() => open(record, { root: bytes(32, 'stranger') }))).toBe('record-no-slot')
    expect(codeOf(() => open(record, { host: bytes(32, 'other') }))).toBe('record-foreign')
    expect(codeOf(() => open(record, { minSeq: 101 }))).toBe('record-rollback')
    expect(open(record, { minSeq: 100 }).seq).toBe(100)
  })

  test('an insider with a slot cannot re-seal the content under new slots', () => {
    const other = seal({ roots: [root, bytes(32, 'second')] })
    const mixed = record.slice()
    mixed.set(other.slice(36, 3620), 36)
    expect(['record-forged', 'record-no-slot']).toContain(codeOf(() => open(mixed)))
  })

  test('a signed loopback, multicast or unspecified address or a port below 1024 is refused', () => {
    for (const ip of [
      [127, 0, 0, 1],
      [224, 0, 0, 1],
      [0, 0, 0, 0],
      [255, 255, 255, 255],
    ]) {
      expect([ip, codeOf(() => open(seal({ ip: Uint8Array.from(ip) })))]).toEqual([
        ip,
        'record-malformed',
      ])
    }
    expect(codeOf(() => open(seal({ port: 1023 })))).toBe('record-malformed')
    const mapped = new Uint8Array(16)
    mapped.set([255, 255, 127, 0, 0, 1], 10)
    expect(isDialable(mapped)).toBe(false)
    expect(isDialable(new Uint8Array(16).fill(1, 15))).toBe(false)
  })
})

describe('knock (SPEC §4)', () => {
  const tag = hostTag(hostPublicKey)
  const knock = sealKnock({
    root,
    hostTag: tag,
    epoch: 77,
    route: 'direct',
    timeMs: 1_800_000_000_123,
    clientFingerprint: bytes(32, 'client'),
    nonce: bytes(12, 'nonce'),
    clientUfrag: 'AbCd',
  })
  const attempt = (over: Partial<Parameters<typeof openKnock>[0]> = {}) =>
    openKnock({ root, hostTag: tag, knock, clientUfrag: 'AbCd', route: 'direct', ...over })

  test('round trip in 124 ICE characters', () => {
    const ufrag = knockUfrag(knock)
    expect(ufrag).toMatch(/^[A-Za-z0-9+/]{124}$/)
    expect(parseKnock(ufrag).raw).toEqual(knock)
    expect(parseKnock(ufrag).hint).toEqual(knockHint(root, 77))
    expect(attempt()).toEqual({ timeMs: 1_800_000_000_123, clientFingerprint: bytes(32, 'client') })
    expect(icePassword(root, parseKnock(ufrag).nonce)).toMatch(/^[A-Za-z0-9+/]{24}$/)
  })

  test('every byte changed, other route, ufrag, host or root: refused', () => {
    for (let at = 0; at < knock.length; at++) {
      const forged = knock.slice()
      forged[at] = (forged[at] ?? 0) ^ 0x80
      expect([at, codeOf(() => attempt({ knock: forged }))]).toEqual([at, 'knock-refused'])
    }
    const others = [
      { route: 'relay' as const },
      { clientUfrag: 'AbCe' },
      { hostTag: bytes(16, 'other') },
      { root: bytes(32, 'other') },
      { knock: knock.slice(1) },
    ]
    for (const over of others) expect(codeOf(() => attempt(over))).toBe('knock-refused')
  })

  test('text that is not a knock is refused without cryptography', () => {
    const ufrag = knockUfrag(knock)
    const bad = [
      '',
      'A'.repeat(257),
      `${ufrag}=`,
      `${ufrag.slice(1)}-`,
      `${ufrag.slice(1)}\n`,
      `${ufrag.slice(1)}é`,
      ufrag.slice(1),
    ]
    for (const text of bad) expect(codeOf(() => parseKnock(text))).toBe('knock-refused')
  })
})

const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const eventNumber = fc.integer({ min: 0, max: EVENT_NUMBER_MAX })
const name = fc.string({ unit: 'grapheme-ascii', maxLength: 48 })
const NOBODY = new Uint8Array(16)
const nonZeroId = id.filter((bytes) => bytes.some((byte) => byte !== 0))
const emoji = fc.constantFrom('👍', '👩🏽‍🚀', 'e'.repeat(32))
const attachment = fc.record({
  size: fc.integer({ min: 0, max: FILE_MAX_BYTES }),
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  type: fc.constantFrom('image/jpeg', 'application/vnd.ms-excel.sheet+xml'),
  name: fc.string({ unit: 'grapheme', maxLength: 60 }).map(cleanFileName),
  width: fc.nat(65_535),
  height: fc.nat(65_535),
  durationMs: fc.nat(2 ** 32 - 1),
  thumbnail: fc.uint8Array({ maxLength: 60 }),
})
const file = fc
  .option(attachment, { nil: null })
  .map((value) => (value === null ? {} : { file: value }))
const storedMessage = fc
  .record({
    type: fc.constant('message' as const),
    id,
    room: id,
    seq: fc.integer({ min: 1, max: 2 ** 40 }),
    atMs: counter,
    author: id,
    authorDevice: id,
    delivered: fc.boolean(),
    edited: fc.boolean(),
    deleted: fc.constant(false),
    gone: fc.constant(false),
    endsAtMs: counter,
    notice: fc.constant(null),
    change: counter,
    replyTo: fc.option(nonZeroId, { nil: null }),
    text: fc.string({ unit: 'grapheme', maxLength: 60 }),
    reactions: fc.array(
      fc.record({ emoji, members: fc.array(id, { minLength: 1, maxLength: 3 }) }),
      {
        maxLength: 3,
      },
    ),
  })
  .chain((bare) => file.map((one) => ({ ...bare, ...one })))
const room = fc.record({
  ...{ id, kind: fc.constantFrom('room' as const, 'direct' as const), name, mine: fc.boolean() },
  ...{ members: fc.array(id, { maxLength: 4 }), goneUpTo: counter },
  lifeMs: fc.constantFrom(0, 3_600_000, 31_536_000_000),
})
const role = fc.constantFrom('owner' as const, 'member' as const, 'guest' as const, 'bot' as const)
const message: fc.Arbitrary<ClawMessage> = fc.oneof(
  fc.record({ type: fc.constant('resume' as const), stored: eventNumber, id }),
  fc.record({ type: fc.constant('ack' as const), stored: eventNumber }),
  fc.record({
    type: fc.constant('event' as const),
    number: eventNumber,
    id,
    kind: fc.nat(255),
    body: fc.uint8Array({ maxLength: 80 }),
  }),
  fc.record({ type: fc.constantFrom('ping' as const, 'pong' as const), token: counter }),
  fc.record({
    type: fc.constant('notice' as const),
    epoch: counter,
    atMs: counter,
    intervalMs: fc.nat(),
  }),
  fc.record({ type: fc.constant('record' as const), bytes: fc.constant(bytes(RECORD_BYTES)) }),
  fc.record({
    type: fc.constant('bye' as const),
    reason: fc.constantFrom('stopping' as const, 'replaced' as const, 'idle' as const),
  }),
  fc.record({
    type: fc.constant('history' as const),
    room: id,
    before: counter,
    limit: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({
    type: fc.constant('page' as const),
    room: id,
    before: counter,
    more: fc.boolean(),
    messages: fc.array(storedMessage, { maxLength: 5 }),
  }),
  fc.record({
    type: fc.constant('state' as const),
    hostName: name,
    member: id,
    device: id,
    members: fc.array(
      fc.record({
        ...{ id, role, name, online: fc.boolean(), gone: fc.boolean(), hidden: fc.boolean() },
        ...{ tone: fc.nat(6), picture: id, lastSeenMs: counter },
      }),
      { maxLength: 4 },
    ),
    devices: fc.array(
      fc.record({
        ...{ id, member: id, name, publicKey: fc.uint8Array({ minLength: 32, maxLength: 32 }) },
        ...{ createdMs: counter, lastSeenMs: counter },
        route: fc.constantFrom(null, 'direct' as const, 'relay' as const),
      }),
      { maxLength: 4 },
    ),
    invites: fc.array(
      fc.record({
        ...{ id, role, member: id, uses: fc.nat(255), used: fc.nat(255) },
        ...{ expiresAtMs: counter, note: name, rooms: fc.array(id, { maxLength: 3 }) },
      }),
      { maxLength: 4 },
    ),
    rooms: fc.array(room, { maxLength: 3 }),
    keepMs: fc.constantFrom(0, 3_600_000, 315_360_000_000),
  }),
  fc.record({ type: fc.constant('enrol' as const), name }),
  fc.record({ type: fc.constant('typing' as const), room: id, member: id }),
  fc.record({
    ...{ type: fc.constant('offer' as const), id, room: id },
    size: fc.integer({ min: 0, max: FILE_MAX_BYTES }),
  }),
  fc.record({
    ...{ type: fc.constant('at' as const), id, blocks: fc.nat(2 ** 32 - 1) },
    hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
  fc.record({
    ...{ type: fc.constantFrom('put' as const, 'block' as const), id, index: fc.nat(2 ** 32 - 1) },
    bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
  }),
  fc.record({ type: fc.constant('fetch' as const), id, index: fc.nat(2 ** 32 - 1) }),
  fc.record({ type: fc.constant('drop' as const), id }),
  fc.record({
    ...{ type: fc.constant('file-fail' as const), id },
    code: fc.constantFrom('file-unknown' as const, 'file-too-many' as const),
  }),
  fc.record({
    type: fc.constant('enrol-ok' as const),
    device: id,
    root: fc.constant(bytes(32)),
    locator: fc.constant(invite.locator),
  }),
  fc.record({
    type: fc.constant('request' as const),
    token: fc.nat(2 ** 32 - 1),
    request: fc.oneof(
      fc.record({
        kind: fc.constant('invite' as const),
        ...{ role, uses: fc.integer({ min: 1, max: 64 }), note: name },
        lifeMs: fc.integer({ min: 1000, max: 31_536_000_000 }),
        rooms: fc.array(id, { maxLength: 3 }),
      }),
      fc.record({
        kind: fc.constantFrom('device-link', 'withdraw', 'remove-device', 'remove-member'),
        id,
      }),
      fc.record({ kind: fc.constantFrom('rename-member', 'rename-device'), id, name }),
      fc.record({ kind: fc.constant('rename-room' as const), id, name }),
      fc.record({ kind: fc.constant('talk-to' as const), id }),
      fc.record({
        ...{ kind: fc.constant('lifetime' as const), id },
        lifeMs: fc.constantFrom(0, 3_600_000, 31_536_000_000),
      }),
      fc.record({
        kind: fc.constant('make-room' as const),
        ...{ name, members: fc.array(id, { maxLength: 3 }) },
      }),
      fc.record({ kind: fc.constantFrom('add-to-room', 'leave-room'), id, member: id }),
      fc.record({ kind: fc.constantFrom('push-off', 'push-key') }),
      fc.record({
        kind: fc.constant('picture' as const),
        picture: fc.uint8Array({ maxLength: 90 }),
      }),
      fc.record({
        kind: fc.constant('push-on' as const),
        push: fc.record({
          endpoint: fc.webUrl({ size: 'small' }),
          p256dh: fc.uint8Array({ minLength: 65, maxLength: 65 }),
          auth: id,
        }),
      }),
    ),
  }),
  fc.record({
    type: fc.constant('answer' as const),
    token: fc.nat(2 ** 32 - 1),
    answer: fc.oneof(
      fc.constant({ kind: 'done' as const }),
      fc.record({ kind: fc.constant('room' as const), room: id }),
      fc.record({
        kind: fc.constant('push-key' as const),
        key: fc.uint8Array({ minLength: 65, maxLength: 65 }),
      }),
      fc.record({
        kind: fc.constant('failed' as const),
        code: fc.constantFrom('not-allowed', 'port-taken'),
      }),
      fc.record({
        kind: fc.constant('link' as const),
        ...{ invite: id, expiresAtMs: counter, link: name },
        reach: fc.constantFrom('computer', 'lan', 'anywhere'),
      }),
      fc.record({
        kind: fc.constant('gone' as const),
        waiting: fc.array(name, { maxLength: 3 }),
        links: fc.array(id, { maxLength: 3 }),
      }),
    ),
  }),
  fc.record({ ...{ type: fc.constant('picture' as const), token: fc.nat() }, member: id }),
  fc.record({
    ...{ type: fc.constant('pictured' as const), token: fc.nat(), code: fc.constant(null) },
    picture: fc.uint8Array({ maxLength: 90 }),
  }),
  fc.record({
    type: fc.constant('enrol-fail' as const),
    code: fc.constantFrom('invite-used' as const, 'name-invalid' as const),
  }),
)
const event: fc.Arbitrary<ChatEvent> = fc.oneof(
  fc.record({
    type: fc.constant('post' as const),
    ...{ room: id, endsAtMs: counter },
    replyTo: fc.option(nonZeroId, { nil: null }),
    text: fc.string({ minLength: 1, maxLength: 60 }),
  }),
  fc.record({
    type: fc.constant('edit' as const),
    message: id,
    text: fc.string({ minLength: 1, maxLength: 60 }),
  }),
  fc.record({ type: fc.constant('delete' as const), message: id }),
  fc.record({ type: fc.constant('react' as const), message: id, on: fc.boolean(), emoji }),
  fc.record({ type: fc.constant('read' as const), room: id, seq: counter, shared: fc.boolean() }),
  fc.record({ type: fc.constant('read-by' as const), room: id, member: id, seq: counter }),
  storedMessage,
  storedMessage.map(({ file: _, ...message }) => ({
    ...{ ...message, text: '', reactions: [], replyTo: null, edited: false, delivered: false },
    ...{ gone: true, author: NOBODY, authorDevice: NOBODY, endsAtMs: 0 },
  })),
  fc.record({
    ...{ type: fc.constant('stored' as const), id, room: id },
    ...{ seq: counter, atMs: counter, endsAtMs: counter },
  }),
  fc.record({
    type: fc.constant('refused' as const),
    id,
    reason: fc.constantFrom('too-long' as const, 'no-room' as const, 'not-allowed' as const),
  }),
  fc.record({
    type: fc.constant('delivered' as const),
    room: id,
    ids: fc.array(id, { maxLength: 20 }),
  }),
)

describe('messages and events (SPEC §6.1, §7)', () => {
  test('round trip; a missing or extra byte is refused', () => {
    fc.assert(
      fc.property(message, (value) => {
        const encoded = encodeMessage(value)
        expect(decodeMessage(encoded)).toEqual(value)
        // These end in bytes that may be more or fewer.
        if (!['event', 'put', 'block'].includes(value.type)) {
          const longer = new Uint8Array([...encoded.data, 0])
          expect(codeOf(() => decodeMessage({ ...encoded, data: longer }))).toBe('malformed')
          expect(codeOf(() => decodeMessage({ ...encoded, data: encoded.data.slice(0, -1) }))).toBe(
            'malformed',
          )
        }
      }),
    )
    fc.assert(
      fc.property(event, (value) => {
        const { kind, body } = encodeEvent(value)
        expect(decodeEvent(kind, body)).toEqual(value)
        expect(codeOf(() => decodeEvent(kind, new Uint8Array([...body, 0])))).toBe('malformed')
      }),
    )
  })

  test('whatever arrives, only ClawError escapes', () => {
    const hostile = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(fc.nat(255), hostile, (type, data) => {
        codeOf(() => decodeMessage({ type, data }))
        codeOf(() => decodeEvent(type, data))
        codeOf(() => decodeInvite(toBase64Url(data)))
      }),
      { numRuns: 2000 },
    )
  })
})

test('the safety code depends on both keys and has twelve groups of five digits', () => {
  const code = safetyCode(hostPublicKey, root)
  expect(code).toHaveLength(12)
  for (const group of code) expect(group).toMatch(/^\d{5}$/)
  expect(safetyCode(root, hostPublicKey)).not.toEqual(code)
})

describe('a safety code as a QR code', () => {
  const code = safetyCode(hostPublicKey, root)

  test('is one text, and leads back to the code', () => {
    expect(formatSafetyQr(code)).toMatch(/^CLAWCHAT:SAFETY:\d{60}$/)
    expect(parseSafetyQr(formatSafetyQr(code))).toEqual(code)
  })

  test.each([
    ['', 'nothing'],
    ['https://claw.example/#link', 'a link'],
    [formatSafetyQr(code).toLowerCase(), 'other letters'],
    [formatSafetyQr(code).slice(0, -1), 'a digit less'],
    [`${formatSafetyQr(code)}0`, 'a digit more'],
    [`${formatSafetyQr(code)}\n`, 'a line more'],
    [`CLAWCHAT:SAFETY:${'٣'.repeat(60)}`, 'digits of another script'],
  ])('%j is refused: %s', (text) => {
    expect(() => parseSafetyQr(text)).toThrow(new ClawError('malformed'))
  })
})
