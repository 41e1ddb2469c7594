// decode(encode(v)) = v for values of the whole range (SPEC §2–§6); messages and events are in protocol.test.ts,
// encode(decode(x)) = x is what the targets of property-corpus.test.ts check.
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { encodeBindingRequest, parseBindingRequest } from '../../host/stun.ts'
import { EVENT_NUMBER_MAX, FRAME_MAX_DATA, MAX_ADDRESSES, ROUTE } from '../../shared/constants.ts'
import { decodeEvent, encodeEvent } from '../../shared/events.ts'
import {
  decodeFrame,
  decodeFramePlaintext,
  encodeFrameHeader,
  encodeFramePlaintext,
} from '../../shared/frames.ts'
import { answerHandshake, startHandshake } from '../../shared/handshake.ts'
import { decodeInvite, encodeInvite } from '../../shared/invite.ts'
import {
  knockHint,
  knockUfrag,
  openKnock,
  parseKnock,
  sealKnock,
  signalHint,
} from '../../shared/knock.ts'
import type { LocatorEntry } from '../../shared/locator.ts'
import { decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { decodePut, encodePut, storageId } from '../../shared/put.ts'
import { isDialable, openRecord, sealRecord } from '../../shared/record.ts'
import { Opener, Sealer } from '../../shared/session.ts'
import { Dice } from '../fuzz/dice.ts'
import { fixed } from '../vectors/fixed.ts'

// Plenty, for machines that do much else.
vi.setConfig({ testTimeout: 30_000 })

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const number = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }))
const byte = fc.nat(255)
const route = fc.constantFrom(...(Object.keys(ROUTE) as (keyof typeof ROUTE)[]))
const name = fc
  .string({ unit: 'grapheme', maxLength: 48 })
  .filter((text) => Buffer.byteLength(text) <= 48)
const dice = (seed: number) => {
  const source = new Dice(seed)
  return (length: number): Uint8Array => source.bytes(length)
}

const entry: fc.Arbitrary<LocatorEntry> = fc.oneof(
  fc.record({
    type: fc.constant('https' as const),
    flags: byte,
    id: exactly(32),
    url: fc.webUrl().map((url) => url.replace(/\/+$/, '')),
  }),
  fc.record({
    type: fc.constant('mega' as const),
    flags: byte,
    handle: fc.stringMatching(/^[A-Za-z0-9_-]{8}$/),
    key: exactly(32),
  }),
  fc.record({
    type: fc.constant('stun' as const),
    flags: byte,
    server: fc.stringMatching(/^[a-z0-9]{1,20}\.[a-z]{2,9}:[1-9]\d{0,3}$/),
  }),
  fc.record({
    type: fc.constant('turn' as const),
    flags: byte,
    username: fc.stringMatching(/^[\x21-\x7e]{1,128}$/),
    password: fc.stringMatching(/^[\x21-\x7e]{1,128}$/),
    servers: fc.array(
      fc.record({
        transport: fc.constantFrom('udp' as const, 'tcp' as const, 'tls' as const),
        server: fc.stringMatching(/^[a-z0-9]{1,20}\.[a-z]{2,9}:[1-9]\d{0,3}$/),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({
    type: fc.constant('unknown' as const),
    code: fc.integer({ min: 5, max: 255 }),
    flags: byte,
    data: fc.uint8Array({ maxLength: 60 }),
  }),
)
const locator = fc.array(
  entry.filter((one) => one.type !== 'https' || Buffer.byteLength(one.url) <= 200),
  { maxLength: 8 },
)

test('an invite comes back as it was made', () => {
  const invite = fc.record({
    hostPublicKey: exactly(32),
    secret: exactly(32),
    minSeq: number,
    hostName: name,
    locator,
  })
  fc.assert(
    fc.property(invite, (value) => {
      expect(decodeInvite(encodeInvite(value))).toEqual(value)
    }),
  )
})

describe('record', () => {
  const identitySecret = fixed('H')
  const hostPublicKey = ed25519PublicKey(identitySecret)
  const address = fc
    .oneof(
      fc.record({ kind: fc.constant(4 as const), ip: exactly(4) }),
      fc.record({ kind: fc.constant(6 as const), ip: exactly(16) }),
    )
    .filter(({ ip }) => isDialable(ip))
    .chain((one) =>
      fc.record({
        kind: fc.constant(one.kind),
        flags: byte,
        externalPort: fc.oneof(fc.constant(0), fc.integer({ min: 1024, max: 65_535 })),
        ip: fc.constant(one.ip),
      }),
    )
  const body = fc.record({
    hostPublicKey: fc.constant(hostPublicKey),
    seq: number,
    issuedMs: fc.integer({ min: 0, max: 2 ** 52 }),
    burn: fc.boolean(),
    reason: byte,
    hostStatic: exactly(32),
    intervalMs: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    firstEpoch: number,
    schedule: fc.array(
      fc.record({ port: fc.integer({ min: 1024, max: 65_535 }), fingerprint: exactly(32) }),
      { minLength: 1, maxLength: 26 },
    ),
    addresses: fc.array(address, { maxLength: MAX_ADDRESSES }),
    locator: locator.filter((entries) => entries.length <= 3),
  })
  test('comes back as it was sealed, for each root, and always with 6144 bytes', () => {
    const roots = fc.array(exactly(32), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(body, roots, fc.nat(), (value, keys, seed) => {
        const random = dice(seed)
        const bytes = sealRecord({ body: value, roots: keys, identitySecret, random })
        expect(bytes).toHaveLength(6144)
        for (const root of keys) {
          const read = openRecord({ bytes, root, hostPublicKey, minSeq: value.seq })
          expect(read).toEqual({ ...value, notAfterMs: value.issuedMs + 24 * 3_600_000 })
        }
      }),
      { numRuns: 40 },
    )
  })

  test('a store write comes back as it was signed', () => {
    fc.assert(
      fc.property(exactly(32), number, fc.nat(), (secret, ctr, seed) => {
        const put = { ctr, record: new Dice(seed).bytes(6144) }
        const id = storageId(ed25519PublicKey(secret))
        expect(decodePut(id, encodePut(secret, put))).toEqual(put)
      }),
      { numRuns: 40 },
    )
  })
})

test('a knock comes back as it was sealed, in 124 characters', () => {
  const knock = fc.record({
    root: exactly(32),
    hostTag: exactly(16),
    epoch: number,
    route,
    timeMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    clientFingerprint: exactly(32),
    nonce: exactly(12),
    clientUfrag: fc.stringMatching(/^[A-Za-z0-9+/]{0,64}$/),
  })
  fc.assert(
    fc.property(knock, (drawn) => {
      const relayed = drawn.route === 'relay'
      const bare = relayed || drawn.route === 'signal'
      const value = bare ? { ...drawn, clientFingerprint: new Uint8Array(32) } : drawn
      const ufrag = knockUfrag(sealKnock(value))
      expect(ufrag).toHaveLength(124)
      const { raw, hint, nonce } = parseKnock(ufrag)
      const hintOf = relayed ? signalHint : knockHint
      expect(hint).toEqual(hintOf(value.root, value.epoch))
      expect(nonce).toEqual(value.nonce)
      const { timeMs, clientFingerprint } = value
      expect(openKnock({ ...value, knock: raw })).toEqual({ timeMs, clientFingerprint })
    }),
  )
})

test('frame header and plaintext come back as they were laid out', () => {
  const header = fc.record({
    channel: fc.nat(65_535),
    generation: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    counter: number,
  })
  const plaintext = fc.record({
    type: byte,
    more: fc.boolean(),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(FRAME_MAX_DATA).map((length) => new Uint8Array(length).fill(7)),
    ),
  })
  fc.assert(
    fc.property(header, plaintext, (head, plain) => {
      const padded = encodeFramePlaintext(plain)
      expect(decodeFramePlaintext(padded)).toEqual(plain)
      const frame = new Uint8Array(16 + padded.length + 16)
      frame.set(encodeFrameHeader(head))
      expect(decodeFrame(frame)).toMatchObject(head)
    }),
  )
})

test('messages of any size come out of an Opener as they went into a Sealer, across ratchets', async () => {
  const message = fc.record({
    type: byte,
    data: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(40_000).map((length) => new Uint8Array(length).fill(9)),
    ),
  })
  const turns = fc.array(fc.tuple(message, fc.nat(20 * 60_000)), { minLength: 1, maxLength: 8 })
  const property = fc.asyncProperty(turns, exactly(32), async (sent, key) => {
    const sealer = new Sealer({ backend: nodeBackend, key, channel: 0, nowMs: 0 })
    const opener = new Opener({ backend: nodeBackend, key, channel: 0 })
    let nowMs = 0
    const got: unknown[] = []
    for (const [one, pauseMs] of sent) {
      nowMs += pauseMs
      const frames = await sealer.seal(one, nowMs)
      const opened = await Promise.all(frames.map((frame) => opener.open(frame)))
      got.push(...opened.filter((found) => found !== null))
    }
    expect(got).toEqual(sent.map(([one]) => one))
  })
  await fc.assert(property, { numRuns: 60 })
})

test('what M1 and M2 tell arrives, and both ends have the same keys', async () => {
  const hostKey = nodeBackend.dhKey(fixed('S_h'))
  const deviceKey = nodeBackend.dhKey(fixed('S_d'))
  const told = fc.record({
    mode: fc.constantFrom('enrol' as const, 'connect' as const),
    route,
    timeMs: number,
    features: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    reply: fc.record({
      hostTimeMs: number,
      recordSeq: number,
      sessionId: exactly(16),
      status: byte,
    }),
    root: exactly(32),
    seed: fc.nat(),
  })
  const property = fc.asyncProperty(
    told,
    async ({ mode, route: way, root, seed, reply, ...own }) => {
      const context = {
        mode,
        route: way,
        hostPublicKey: fixed('H_pub'),
        hostFingerprint: fixed('fp host'),
        clientFingerprint: fixed('fp client'),
        hint: fixed('hint', 8),
        bind: fixed('bind'),
      }
      const side = { backend: nodeBackend, random: dice(seed), context, root }
      const started = await startHandshake({
        ...side,
        ...own,
        deviceKey,
        hostStatic: hostKey.publicKey,
      })
      const answered = await answerHandshake({ ...side, hostKey, m1: started.m1, reply })
      const finished = await started.finish(answered.m2)
      expect(answered).toMatchObject({ ...own, devicePublicKey: deviceKey.publicKey })
      expect(finished).toEqual({ ...reply, send: answered.receive, receive: answered.send })
    },
  )
  await fc.assert(property, { numRuns: 15 })
})

test('a binding request says what it was given', () => {
  const ufrag = fc.stringMatching(/^[A-Za-z0-9+/]{1,124}$/)
  const password = fc.stringMatching(/^[A-Za-z0-9+/]{24}$/)
  const values = fc.tuple(exactly(12), ufrag, ufrag, password, fc.boolean())
  fc.assert(
    fc.property(values, ([id, hostUfrag, clientUfrag, secret, useCandidate]) => {
      const transaction = Buffer.from(id)
      const username = `${hostUfrag}:${clientUfrag}`
      const packet = encodeBindingRequest({ transaction, username, password: secret, useCandidate })
      const read = parseBindingRequest(packet)
      expect(read).toMatchObject({ transaction, hostUfrag, clientUfrag, useCandidate })
      expect(read?.verify(secret)).toBe(true)
      expect(read?.verify(`${secret}.`)).toBe(false)
    }),
  )
})

test('texts and lists at their limits come back', () => {
  const id = fixed('id', 16)
  const text = 'ü'.repeat(8000)
  const post = encodeEvent({ type: 'post', endsAtMs: 0, room: id, replyTo: null, text })
  expect(decodeEvent(post.kind, post.body)).toEqual({
    ...{ type: 'post', endsAtMs: 0, room: id, replyTo: null, text },
  })
  const ids = Array.from({ length: 1000 }, () => id)
  const delivered = encodeEvent({ type: 'delivered', room: id, ids })
  expect(decodeEvent(delivered.kind, delivered.body)).toEqual({ type: 'delivered', room: id, ids })
  const resume = { type: 'resume', stored: EVENT_NUMBER_MAX, id } as const
  expect(decodeMessage(encodeMessage(resume))).toEqual(resume)
  const member = {
    ...({ id, role: 'guest', name: 'x', online: false, gone: true } as const),
    ...{ hidden: true, tone: 3, picture: id, lastSeenMs: 5 },
  } as const
  const state = {
    type: 'state',
    hostName: 'a'.repeat(48),
    member: id,
    device: id,
    members: Array.from({ length: 64 }, () => member),
    devices: [],
    invites: [],
    rooms: [],
    keepMs: 3650 * 86_400_000,
  } as const
  expect(decodeMessage(encodeMessage(state))).toEqual(state)
})
