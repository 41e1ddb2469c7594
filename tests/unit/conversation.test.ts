// The device's side of a conversation (SPEC §6.2) on carriers that the test holds in its hands.
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../shared/bytes.ts'
import { WINDOW_EVENTS } from '../../shared/constants.ts'
import { decodeEvent, encodeEvent } from '../../shared/events.ts'
import type { ClawMessage } from '../../shared/messages.ts'
import { Conversation } from '../../web/conversation.ts'
import { freshProfile, type Profile } from '../../web/keep.ts'
import { Own } from '../../web/own.ts'
import { lookMs, SUSPECT_MS } from '../../web/pulse.ts'
import { HOST_ROOM } from '../../web/roster.ts'
import type { Session } from '../../web/session.ts'
import { StateBox } from '../../web/state.ts'
import { Disk, SimKeep } from '../simulation/keep.ts'
import { Chance, settle, World } from '../simulation/world.ts'

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/** The host's end: what the device sent, and a way to speak. */
class Wire implements Session {
  readonly keySinceMs = 0
  readonly hostTimeMs = 0
  readonly sent: ClawMessage[] = []
  closed = false
  onClose = (): void => undefined
  #handler: (message: ClawMessage) => Promise<void> | void = () => undefined
  #onEnd = (): void => undefined
  #tail: Promise<void> = Promise.resolve()

  send(message: ClawMessage): void {
    this.sent.push(message)
  }
  close(): void {
    if (this.closed) return
    this.closed = true
    this.onClose()
    this.#onEnd()
  }
  run(handler: (message: ClawMessage) => Promise<void> | void, onEnd: () => void): void {
    this.#handler = handler
    this.#onEnd = onEnd
  }
  /** One at a time, as a session does; what a handler throws ends the carrier. */
  speak(message: ClawMessage): void {
    this.#tail = this.#tail.then(() => this.#handler(message)).catch(() => this.close())
  }
  get acks(): number[] {
    return this.sent.flatMap((message) => (message.type === 'ack' ? [message.stored] : []))
  }
  get resumed(): number | undefined {
    return this.sent.flatMap((m) => (m.type === 'resume' ? [m.stored] : []))[0]
  }
}

const eventOf = (number: number, author = bytes(16)) => {
  const room = new Uint8Array(16)
  return {
    type: 'message',
    id: bytes(16),
    room,
    seq: number,
    atMs: 1,
    author,
    authorDevice: bytes(16),
    delivered: false,
    text: `text ${number}`,
    ...{
      edited: false,
      deleted: false,
      gone: false,
      endsAtMs: 0,
      notice: null,
      change: 0,
      replyTo: null,
      reactions: [],
    },
  } as const
}

const event = (number: number, author = bytes(16)): ClawMessage => ({
  ...{ type: 'event', number, id: bytes(16), ...encodeEvent(eventOf(number, author)) },
})

const RESUME: ClawMessage = { type: 'resume', stored: 0, id: new Uint8Array(16) }

async function device(known: Partial<Profile> = {}) {
  const world = new World(0)
  const disk = new Disk()
  const fresh = freshProfile({
    ...{ hostPublicKey: bytes(32), hostName: '', key: bytes(32), invite: null },
    ...{ deviceId: bytes(16), root: bytes(32), name: 'Ann', knownSinceMs: 0 },
  })
  disk.profile = { ...fresh, ...known }
  const keep = new SimKeep(disk, world, new Chance(1), () => false)
  const own = new Own(keep)
  void own.load()
  await world.run(100)
  const box = new StateBox()
  const ended: number[] = []
  const byes: string[] = []
  const trusted: number[] = []
  const chat = new Conversation({
    keep,
    own,
    box,
    now: () => world.nowMs,
    clock: () => world.nowMs,
    random: bytes,
    mayTalk: () => true,
    onEnded: (live) => ended.push(live.epoch),
    onRecord: async () => undefined,
    onNotice: () => undefined,
    onAnswer: () => undefined,
    onFile: () => undefined,
    onBye: (reason) => byes.push(reason),
    onTrusted: () => trusted.push(world.nowMs),
  })
  const pass = async (ms = 100): Promise<void> => void (await world.run(world.nowMs + ms))
  /** A carrier whose RESUME the host has answered. */
  const connected = async (epoch: number): Promise<Wire> => {
    const wire = new Wire()
    const live = chat.resume(wire, epoch)
    await pass()
    wire.speak(RESUME)
    await pass()
    await live
    return wire
  }
  return { chat, disk, box, ended, byes, trusted, pass, connected }
}

const texts = (box: StateBox): string[] => box.value.messages.map(({ text }) => text)

test('while a RESUME is under way nothing is stored from the older carrier; if it fails, the older goes on', async () => {
  const { chat, disk, box, pass, connected } = await device()
  const older = await connected(1)
  older.speak(event(1))
  await pass()
  expect(older.acks).toEqual([1])
  const newer = new Wire()
  const live = chat.resume(newer, 2)
  await pass()
  expect(newer.resumed).toBe(1)
  older.speak(event(2))
  await pass()
  expect(disk.profile?.stored).toBe(1)
  expect(older.acks).toEqual([1])
  newer.close()
  await expect(live).rejects.toThrow('no-answer')
  await pass()
  expect(older.acks).toEqual([1, 2])
  expect(texts(box)).toEqual(['text 1', 'text 2'])
})

test('of several RESUMEs under way each holds the older carrier back, whichever ends first', async () => {
  const { chat, disk, box, pass, connected } = await device()
  const older = await connected(1)
  const second = new Wire()
  const settled = chat.resume(second, 2)
  const third = new Wire()
  chat.resume(third, 3).catch(() => undefined)
  await pass()
  third.close()
  older.speak(event(1))
  await pass()
  expect(disk.profile?.stored).toBe(0)
  second.speak(RESUME)
  second.speak(event(1))
  await pass()
  await settled
  expect([older.acks, second.acks]).toEqual([[], [1]])
  expect(texts(box)).toEqual(['text 1'])
})

describe('events that come faster than they can be kept', () => {
  const stored = (number: number, id: Uint8Array, seq: number): ClawMessage => {
    const room = new Uint8Array(16)
    const told = { type: 'stored', id, room, seq, atMs: 7, endsAtMs: 0 } as const
    return { type: 'event', number, id: bytes(16), ...encodeEvent(told) }
  }

  test('are kept together and acknowledged once, each by what those before it changed', async () => {
    const { chat, disk, box, pass, connected } = await device()
    void chat.timeline.post('ab'.repeat(16), 'mine', null)
    await pass()
    const wire = await connected(1)
    const id = bytes(16)
    const first = { ...eventOf(1), id }
    const both = { type: 'event', number: 2, id: bytes(16), ...encodeEvent(first) } as const
    const batch = [event(1), both, stored(3, id, 9), stored(4, fromHex('ab'.repeat(16)), 10)]
    for (const message of batch) wire.speak(message)
    for (let number = 5; number <= 70; number++) wire.speak(event(number))
    await pass()
    // The first one alone, as it was alone when it came.
    expect(wire.acks.length).toBeLessThan(5)
    expect([wire.acks[0], wire.acks.at(-1)]).toEqual([1, 70])
    expect(disk.profile?.stored).toBe(70)
    const shown = new Map(box.value.messages.map((message) => [message.id, message]))
    expect(shown.get(toHex(id))).toMatchObject({ seq: 9, atMs: 7 })
    expect(shown.get('ab'.repeat(16))).toMatchObject({ seq: 10, state: 'sent' })
    expect(disk.messages.get(toHex(id))).toMatchObject({ seq: 9, atMs: 7 })
  })

  test('count up to the first that is wrong; it ends the carrier, and nothing behind it counts', async () => {
    const wrongs: ClawMessage[] = [
      event(9),
      { type: 'event', number: 4, id: bytes(16), kind: 255, body: bytes(3) },
      { ...event(4), body: bytes(3) } as ClawMessage,
    ]
    for (const wrong of wrongs) {
      const { disk, box, pass, connected } = await device()
      const wire = await connected(1)
      for (const message of [event(1), event(2), event(3), wrong, event(4), event(5)])
        wire.speak(message)
      await pass()
      expect(wire.closed).toBe(true)
      expect(wire.acks.at(-1)).toBe(3)
      expect(disk.profile?.stored).toBe(3)
      expect(texts(box)).toEqual(['text 1', 'text 2', 'text 3'])
    }
  })

  test('are no more than an honest host sends ahead', async () => {
    const { disk, pass, connected } = await device()
    const wire = await connected(1)
    for (let number = 1; number <= WINDOW_EVENTS + 2; number++) wire.speak(event(number))
    await pass()
    expect(wire.closed).toBe(true)
    expect(disk.profile?.stored).toBeLessThanOrEqual(WINDOW_EVENTS + 1)
  })

  test('what follows them is handled after them, and a question at once', async () => {
    const { disk, pass, connected } = await device()
    const wire = await connected(1)
    let storedThen = -1
    for (const number of [1, 2, 3]) wire.speak(event(number))
    wire.speak({ type: 'ping', token: 5 })
    wire.speak({ type: 'bye', reason: 'stopping' })
    wire.onClose = () => {
      storedThen = disk.profile?.stored ?? -1
    }
    await pass()
    expect(storedThen).toBe(3)
    const kinds = wire.sent.map(({ type }) => type)
    expect(kinds.indexOf('pong')).toBeLessThan(kinds.lastIndexOf('ack'))
  })
})

test('what a person changes is changed from what is kept at that moment: nothing that the host told meanwhile is lost', async () => {
  const { chat, disk, pass, connected } = await device({ member: 'ee'.repeat(16) })
  const wire = await connected(1)
  const post = { ...eventOf(1), id: bytes(16), delivered: false }
  const id = toHex(post.id)
  wire.speak({ type: 'event', number: 1, id: bytes(16), ...encodeEvent(post) })
  await pass()
  const told = { type: 'delivered', room: new Uint8Array(16), ids: [post.id] } as const
  wire.speak({ type: 'event', number: 2, id: bytes(16), ...encodeEvent(told) })
  void chat.timeline.react(id, '\u{1f44d}', true)
  await pass()
  expect(disk.messages.get(id)).toMatchObject({
    state: 'delivered',
    reactions: [{ emoji: '\u{1f44d}', members: ['ee'.repeat(16)] }],
  })
})

test('once it is settled the newer carrier brings what the older one held', async () => {
  const { chat, disk, box, pass, connected } = await device()
  const older = await connected(1)
  const newer = new Wire()
  const live = chat.resume(newer, 2)
  await pass()
  older.speak(event(1))
  await pass()
  newer.speak(RESUME)
  newer.speak(event(1))
  await pass()
  await live
  expect(older.closed).toBe(true)
  expect([older.acks, newer.acks]).toEqual([[], [1]])
  expect(disk.profile?.stored).toBe(1)
  expect(texts(box)).toEqual(['text 1'])
})

test('an event that is being stored when a RESUME begins counts in it', async () => {
  const { chat, pass, connected } = await device()
  const older = await connected(1)
  older.speak(event(1))
  await settle()
  const newer = new Wire()
  void chat.resume(newer, 2)
  await pass()
  expect(newer.resumed).toBe(1)
  expect(older.acks).toEqual([1])
})

test('a carrier that ends while its RESUME is being settled is not taken for live', async () => {
  const { chat, pass } = await device()
  const wire = new Wire()
  const live = chat.resume(wire, 1)
  live.catch(() => undefined)
  await pass()
  wire.speak(RESUME)
  await settle()
  wire.close()
  await pass()
  await expect(live).rejects.toThrow('no-answer')
  expect(chat.live).toBeNull()
})

test('what is dropped says nothing more, on a carrier in mid-RESUME neither: the profile may be another host’s by then', async () => {
  const { chat, pass } = await device()
  const wires = [new Wire(), new Wire()]
  const lives = wires.map((wire, i) => {
    const live = chat.resume(wire, i + 1)
    live.catch(() => undefined)
    return live
  })
  const [waiting, answered] = wires
  await pass()
  expect(waiting?.resumed).toBe(0)
  answered?.speak(RESUME)
  chat.drop()
  await pass()
  for (const live of lives) await expect(live).rejects.toThrow('no-answer')
  expect(wires.map(({ closed }) => closed)).toEqual([true, true])
  expect(chat.live).toBeNull()
  // Dropped before it has said anything.
  const early = new Wire()
  const never = chat.resume(early, 3)
  chat.drop()
  await expect(never).rejects.toThrow('no-answer')
  expect(early.sent).toEqual([])
})

test('an event above the next number ends the carrier and keeps nothing', async () => {
  const { chat, disk, ended, pass, connected } = await device()
  const wire = await connected(7)
  wire.speak(event(2))
  await pass()
  expect(wire.closed).toBe(true)
  expect(chat.live).toBeNull()
  expect(ended).toEqual([7])
  expect(disk.messages.size).toBe(0)
})

async function resumed(chat: Conversation, pass: () => Promise<void>): Promise<Wire> {
  const wire = new Wire()
  const live = chat.resume(wire, 1)
  await pass()
  wire.speak(RESUME)
  await pass()
  await live
  return wire
}

test.each([
  ['a number that it never gave out', 5],
  ['another event under a number that waits', 1],
])('a device that learns of %s asks for what it forgot', async (_, stored) => {
  const { chat, pass } = await device()
  void chat.timeline.post('0'.repeat(32), 'written since', null)
  await pass()
  const wire = new Wire()
  const live = chat.resume(wire, 1)
  await pass()
  wire.speak({ type: 'resume', stored, id: bytes(16) })
  await pass()
  await live
  const before = 0
  expect(wire.sent).toContainEqual({
    type: 'history',
    room: new Uint8Array(16),
    before,
    limit: 100,
  })
})

test('a device that ended before what it forgot has come asks again, until it has', async () => {
  const { chat, disk, pass } = await device()
  if (disk.profile !== null) disk.profile = { ...disk.profile, behind: [HOST_ROOM] }
  const first = await resumed(chat, pass)
  expect(first.sent.at(-1)).toMatchObject({ type: 'history', before: 0 })
  const second = await resumed(chat, pass)
  expect(second.sent.at(-1)).toMatchObject({ type: 'history', before: 0 })
  second.speak({ type: 'page', room: new Uint8Array(16), before: 0, more: false, messages: [] })
  await pass()
  expect(disk.profile?.behind).toEqual([])
  const third = await resumed(chat, pass)
  expect(third.sent.some(({ type }) => type === 'history')).toBe(false)
})

test('to a host that forgot, its member posts again what the host once had, before what waits', async () => {
  const { chat, disk, pass } = await device()
  if (disk.profile !== null) disk.profile = { ...disk.profile, member: 'aa', assigned: 7 }
  const row = {
    ...({ room: HOST_ROOM, atMs: 1, state: 'delivered', mine: true, author: 'aa' } as const),
    ...{
      edited: false,
      deleted: false,
      gone: false,
      endsAtMs: 0,
      notice: null,
      change: 0,
      replyTo: null,
      reactions: [],
    },
  } as const
  const [mine, another, newer] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [
    string,
    string,
    string,
  ]
  disk.messages.set(mine, { ...row, id: mine, text: 'mine', seq: 4 })
  disk.messages.set(another, { ...row, id: another, text: 'not mine', seq: 5, author: 'bb' })
  void chat.timeline.post(newer, 'written since', null)
  await pass()
  const wire = new Wire()
  const live = chat.resume(wire, 1)
  await pass()
  wire.speak({ type: 'resume', stored: 3, id: bytes(16) })
  await pass()
  await live
  const posts = wire.sent.flatMap((m) => (m.type === 'event' ? [[m.number, toHex(m.id)]] : []))
  expect(posts).toEqual([
    [4, mine],
    [5, newer],
  ])
})

test('a long outbox goes out a window at a time', async () => {
  const { chat, pass } = await device()
  for (let i = 0; i < 300; i++) void chat.timeline.post(String(i).padStart(32, '0'), 'x', null)
  await pass(5000)
  const wire = await resumed(chat, pass)
  await pass(5000)
  const sent = (): number => wire.sent.filter(({ type }) => type === 'event').length
  expect(sent()).toBe(256)
  wire.speak({ type: 'ack', stored: 10 })
  await pass(5000)
  expect(sent()).toBe(266)
  wire.speak({ type: 'ack', stored: 267 })
  await pass(5000)
  expect(wire.closed).toBe(true)
})

test.each(['is settled', 'fails'])(
  'the goodbye to an older carrier comes before the RESUME of the own newer one %s',
  async (outcome) => {
    const { chat, ended, byes, pass } = await device()
    const older = await resumed(chat, pass)
    const newer = new Wire()
    const live = chat.resume(newer, 2)
    const settled = live.then(
      () => true,
      () => false,
    )
    await pass()
    older.speak({ type: 'bye', reason: 'replaced' })
    await pass()
    expect(older.closed).toBe(true)
    expect([ended, byes]).toEqual([[], []])
    if (outcome === 'fails') newer.close()
    else newer.speak(RESUME)
    await pass()
    expect(await settled).toBe(outcome === 'is settled')
    expect(ended).toEqual(outcome === 'fails' ? [1] : [])
    expect(chat.live === null).toBe(outcome === 'fails')
  },
)

test('a goodbye to the only carrier is one to this device', async () => {
  const { chat, ended, byes, pass } = await device()
  const wire = await resumed(chat, pass)
  wire.speak({ type: 'bye', reason: 'replaced' })
  await pass()
  expect([ended, byes]).toEqual([[1], ['replaced']])
})

test('what one wrote oneself is never unread, in a room that is not shown neither', async () => {
  const me = bytes(16)
  const { box, chat, pass, connected } = await device({ member: toHex(me) })
  const room = (id: string) => ({
    ...{
      id,
      kind: 'room' as const,
      name: id,
      members: [],
      mine: false,
      leavable: false,
      lifeMs: 0,
      isTimer: false,
      goneUpTo: 0,
    },
    ...{ unread: 0, mentions: 0 },
  })
  const written = '00'.repeat(16)
  box.set({ rooms: [room(written), room('other')], room: 'other' })
  const wire = await connected(1)
  const unread = () => box.value.rooms.map((each) => each.unread)
  for (const [i, author] of [me, me, bytes(16), me].entries()) wire.speak(event(i + 1, author))
  await pass()
  expect(unread()).toEqual([1, 0])
  void chat.timeline.openRoom(written)
  await pass()
  void chat.timeline.markRead()
  await pass()
  expect(unread()).toEqual([0, 0])
})

test('what is read after one stopped sharing that is not shared, however soon after', async () => {
  const { box, chat, disk, pass, connected } = await device({ member: toHex(bytes(16)) })
  const wire = await connected(1)
  wire.speak(event(1))
  await pass()
  expect(box.value.messages).toHaveLength(1)
  void chat.timeline.shareReceipts(false)
  void chat.timeline.markRead()
  await pass()
  const [read] = disk.outbox.map(({ kind, body }) => decodeEvent(kind, body))
  expect(read).toMatchObject({ type: 'read', seq: 1, shared: false })
})

describe('answers that are overdue', () => {
  test.each(['a question', 'a message'] as const)(
    '%s without an answer makes the carrier suspect, once, and not before its time',
    async (what) => {
      const { chat, trusted, pass, connected } = await device()
      const wire = await connected(1)
      if (what === 'a message') {
        void chat.timeline.post(toHex(bytes(16)), 'hello', null).then(() => chat.flush())
        while (!wire.sent.some(({ type }) => type === 'event')) await pass(1)
        chat.beat(true)
      } else expect(chat.beat(true)).toBe(null)
      for (let ms = 0; ms + lookMs(true) < SUSPECT_MS; ms += lookMs(true)) {
        await pass(lookMs(true))
        expect(chat.beat(true)).toBe(null)
      }
      await pass(lookMs(true))
      expect(chat.beat(true)).toBe('suspect')
      await pass(lookMs(true))
      expect(chat.beat(true)).toBe(null)
      expect([wire.closed, trusted]).toEqual([false, []])
      wire.speak({ type: 'pong', token: 0 })
      await pass()
      expect(trusted).toHaveLength(1)
    },
  )

  test('what an older carrier still says is no answer of the newer one', async () => {
    const { chat, trusted, pass, connected } = await device()
    const older = await connected(1)
    const newer = await connected(2)
    const due: unknown[] = []
    for (let ms = 0; ms <= SUSPECT_MS; ms += lookMs(true)) {
      due.push(chat.beat(true))
      older.speak({ type: 'pong', token: 0 })
      await pass(lookMs(true))
    }
    expect([due.at(-1), trusted, newer.closed]).toEqual(['suspect', [], false])
  })
})
