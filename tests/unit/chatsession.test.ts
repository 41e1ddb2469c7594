// The host's side of a conversation, on a real database and a carrier that the test holds in its hands (SPEC §6.2).
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { ChatSession } from '../../host/chat.ts'
import { prepareSchema } from '../../host/database.ts'
import { EVENT_BURST, EVENTS_PER_SECOND, Hub } from '../../host/hub.ts'
import type { SecureLink } from '../../host/link.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import { toHex } from '../../shared/bytes.ts'
import { WINDOW_EVENTS } from '../../shared/constants.ts'
import { encodeEvent } from '../../shared/events.ts'
import type { ClawMessage } from '../../shared/messages.ts'
import { NO_PICTURES } from '../pictures.ts'
import { Chance } from '../simulation/world.ts'

const { bytes } = new Chance(1)
const RESUME = { type: 'resume', stored: 0, id: new Uint8Array(16) } as const

function scene(notice: ClawMessage | null = null) {
  const clock = { nowMs: 0, due: [] as { readonly atMs: number; readonly run: () => void }[] }
  const pass = (ms: number): void => {
    const endMs = clock.nowMs + ms
    for (;;) {
      const next = clock.due.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > endMs) break
      clock.due = clock.due.filter((each) => each !== next)
      clock.nowMs = next.atMs
      next.run()
    }
    clock.nowMs = endMs
  }
  const after = (ms: number, run: () => void): (() => void) => {
    const task = { atMs: clock.nowMs + ms, run }
    clock.due.push(task)
    return () => {
      clock.due = clock.due.filter((each) => each !== task)
    }
  }
  const db = new DatabaseSync(':memory:')
  prepareSchema(db)
  const members = new Members(db, bytes)
  const rooms = new Rooms(db, bytes)
  const hub = new Hub()
  const args = { role: 'owner', uses: 2, expiresMs: 1e6, note: '', rooms: [], nowMs: 0 } as const
  const invite = members.invite({ ...args, secret: bytes(32), hostPublicKey: bytes(32) })
  const enrol = (name: string): { device: string; member: string } => {
    const device = toHex(members.reserve(invite.id, bytes(32), name, 0).deviceId)
    return { device, member: members.confirm(device, 0, () => undefined).member }
  }
  const ann = enrol('Ann')
  const carrier = ({ device, member } = ann) => {
    const sent: ClawMessage[] = []
    const link = {
      closed: false,
      send: async (message: ClawMessage) => void sent.push(message),
      end: async (message: ClawMessage) => void sent.push(message),
      close: () => {
        link.closed = true
      },
    }
    const session = new ChatSession({
      link: link as unknown as SecureLink,
      device,
      member,
      route: 'direct',
      rooms,
      pictures: NO_PICTURES,
      transfers: null,
      hub,
      now: () => clock.nowMs,
      after,
      state: () => ({ type: 'ping', token: 0 }),
      record: () => new Uint8Array(6144),
      notice: () => notice,
      request: async () => ({ kind: 'done' }) as const,
      onConnected: () => undefined,
    })
    return { session, sent, link }
  }
  return { device: ann.device, rooms, carrier, enrol, pass }
}

const post = (number: number): ClawMessage => ({
  type: 'event',
  number,
  id: bytes(16),
  ...encodeEvent({
    type: 'post',
    endsAtMs: 0,
    room: new Uint8Array(16),
    replyTo: null,
    text: `text ${number}`,
  }),
})

test('after the RESUME of a newer carrier nothing of the older one counts', () => {
  const { device, rooms, carrier } = scene()
  const older = carrier()
  older.session.handle(RESUME)
  older.session.handle(post(1))
  expect(rooms.incoming(device).stored).toBe(1)
  const newer = carrier()
  newer.session.handle(RESUME)
  expect(older.sent.at(-1)).toEqual({ type: 'bye', reason: 'replaced' })
  older.session.handle(post(2))
  older.session.handle({ type: 'ack', stored: 1 })
  expect(rooms.incoming(device).stored).toBe(1)
  expect(rooms.pending(device, 0, 10)).toHaveLength(1)
  newer.session.handle(post(2))
  expect(rooms.incoming(device).stored).toBe(2)
})

test('anything before RESUME, and an acknowledgement of what was never sent, end the carrier', () => {
  const { carrier } = scene()
  expect(() => carrier().session.handle(post(1))).toThrow('frame-invalid')
  const { session } = carrier()
  session.handle(RESUME)
  expect(() => session.handle({ type: 'ack', stored: 5 })).toThrow('frame-invalid')
})

test('who connects between the notice and the switch is told too', () => {
  const notice = { type: 'notice', epoch: 7, atMs: 700, intervalMs: 100 } as const
  const { session, sent } = scene(notice).carrier()
  session.handle(RESUME)
  expect(sent).toContainEqual(notice)
})

test('look-ups without end are answered with too-many, and the conversation goes on', async () => {
  const { carrier } = scene()
  const { session, sent } = carrier()
  session.handle(RESUME)
  const locate = { type: 'locate', token: 3, room: new Uint8Array(16), by: { atMs: 0 } } as const
  for (let i = 0; i < 40; i++) await session.handle(locate)
  const codes = sent.flatMap((message) => (message.type === 'located' ? [message.code] : []))
  expect(codes.filter((code) => code === null)).toHaveLength(30)
  expect(codes.slice(30)).toEqual(Array.from({ length: 10 }, () => 'too-many'))
  await session.handle(post(1))
  expect(sent.some(({ type }) => type === 'ack')).toBe(true)
})

const acks = (sent: readonly ClawMessage[]): number =>
  Math.max(0, ...sent.flatMap((message) => (message.type === 'ack' ? [message.stored] : [])))

test('a member who floods with messages waits, on whatever carrier; nobody else does, and nothing is lost', async () => {
  const { device, rooms, carrier, enrol, pass } = scene()
  const flood = carrier()
  const other = carrier(enrol('Ben'))
  for (const { session } of [flood, other]) session.handle(RESUME)
  const more = 100
  for (let n = 1; n <= EVENT_BURST + more; n++) void flood.session.handle(post(n))
  expect(acks(flood.sent)).toBe(EVENT_BURST)
  void other.session.handle(post(1))
  expect(acks(other.sent)).toBe(1)
  // Its own questions are answered, so that it does not take the host for gone.
  void flood.session.handle({ type: 'ping', token: 5 })
  expect(flood.sent).toContainEqual({ type: 'pong', token: 5 })
  pass(1000)
  expect(acks(flood.sent)).toBe(EVENT_BURST + EVENTS_PER_SECOND)
  const again = carrier()
  const { stored } = rooms.incoming(device)
  again.session.handle(RESUME)
  for (let n = stored + 1; n <= EVENT_BURST + more; n++) void again.session.handle(post(n))
  expect(rooms.incoming(device).stored).toBe(stored)
  pass((1000 * more) / EVENTS_PER_SECOND)
  expect(acks(again.sent)).toBe(EVENT_BURST + more)
})

test('more than an honest device sends ahead ends its carrier, and what waited on it counts for nothing', () => {
  const { device, rooms, carrier, pass } = scene()
  const { session, link } = carrier()
  session.handle(RESUME)
  const most = EVENT_BURST + WINDOW_EVENTS
  for (let n = 1; n <= most; n++) void session.handle(post(n))
  expect(() => session.handle(post(most + 1))).toThrow('frame-invalid')
  link.close()
  pass(60_000)
  expect(rooms.incoming(device).stored).toBe(EVENT_BURST)
})
