// Rooms and queues (SPEC §6.2, §7) while one authenticated device says whatever a message can hold:
// it may spoil its own conversation, never that of the others.
import { DatabaseSync } from 'node:sqlite'
import { prepareSchema } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import { toHex } from '../../shared/bytes.ts'
import { type ChatEvent, decodeEvent, encodeEvent } from '../../shared/events.ts'
import { type ClawMessage, decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { fixed, stream } from '../vectors/fixed.ts'
import { Choices } from './dice.ts'
import { attempt, must, type Target } from './target.ts'

const ROOM = new Uint8Array(16)
const SECRET = fixed('secret room', 16)
const NOW = 1_800_000_000_000
const NUMBERS = [0, 1, 2, 3, 255, 2 ** 31, 2 ** 32, 2 ** 48 - 1, 2 ** 48, 2 ** 53 - 2, 2 ** 53 - 1]

class Host {
  readonly db = new DatabaseSync(':memory:')
  readonly members
  readonly rooms
  /** posts of the honest device */
  posted = 0
  /** events that it has acknowledged */
  acknowledged = 0

  constructor() {
    prepareSchema(this.db)
    const random = stream('fuzz rooms')
    this.members = new Members(this.db, random)
    this.rooms = new Rooms(this.db, random)
  }

  join(name: string): string {
    const hostPublicKey = fixed('host')
    const secret = fixed(`invite ${name}`)
    const terms = {
      role: 'guest',
      uses: 1,
      expiresMs: 1000,
      note: '',
      rooms: [],
      nowMs: NOW,
    } as const
    const { id } = this.members.invite({ ...terms, secret, hostPublicKey })
    const device = toHex(this.members.reserve(id, fixed(`device ${name}`), name, NOW).deviceId)
    this.members.confirm(device, NOW, () => undefined)
    return device
  }

  memberOf(device: string): string {
    return this.members.devices().find(({ id }) => id === device)?.member ?? ''
  }

  /** As host/chat.ts passes it on. */
  hear(device: string, message: ClawMessage): void {
    const { rooms } = this
    if (message.type === 'resume') rooms.settle(device, message.stored, message.id)
    else if (message.type === 'ack') rooms.acknowledge(device, message.stored)
    else if (message.type === 'history') {
      const { messages } = rooms.history(
        this.memberOf(device),
        message.room,
        message.before,
        message.limit,
      )
      must(messages.length <= message.limit, 'no more history than asked for')
    } else if (message.type === 'search' || message.type === 'locate') {
      const answer = rooms.lookups.answer(this.memberOf(device), message)
      const said = encodeMessage(answer)
      must(toHex(encodeMessage(decodeMessage(said)).data) === toHex(said.data), 'can be said')
      if (message.type === 'locate' && answer.type === 'located')
        must(answer.seq === 0 || toHex(message.room) !== toHex(SECRET), 'no place elsewhere')
      if (message.type === 'search' && answer.type === 'found')
        must(
          answer.messages.every(({ room }) => toHex(room) === toHex(ROOM)) &&
            answer.messages.length <= message.limit,
          'finds in its rooms only',
        )
    } else if (message.type === 'event') {
      const event = decodeEvent(message.kind, message.body)
      const before = rooms.incoming(device).stored
      rooms.receive(device, message.number, message.id, event, NOW)
      const { stored } = rooms.incoming(device)
      must(stored === before || stored === before + 1, 'stores exactly the next number')
    }
  }

  /** In a room of its own. */
  tellSecret(device: string): void {
    this.db.prepare('INSERT INTO rooms (id, name, number) VALUES (?, ?, 9)').run(SECRET, 'Secret')
    this.db.prepare('INSERT INTO inside VALUES (?, ?, 0)').run(SECRET, this.memberOf(device))
    this.posted += 1
    const post = {
      type: 'post',
      endsAtMs: 0,
      room: SECRET,
      replyTo: null,
      text: 'hello secret t',
    } as const
    this.rooms.receive(device, this.posted, fixed('secret', 16), post, NOW)
  }

  /** What is over goes; what the honest device wrote is not over by what another one says. */
  end(afterMs: number): void {
    const count = (): unknown =>
      this.db.prepare(`SELECT count(*) AS n FROM messages WHERE text LIKE 'hello%'`).get()?.n
    const before = count()
    this.rooms.end(NOW + afterMs, 0)
    must(count() === before, 'ends only what was to end')
  }

  honest(device: string): void {
    this.posted += 1
    const id = fixed(`post ${this.posted}`, 16)
    const post = { type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text: 'hello' } as const
    const { stored } = this.rooms.receive(device, this.posted, id, post, NOW)
    must(stored === this.posted, 'the others can go on')
    const events = this.rooms.pending(device, this.acknowledged, 1000)
    must(
      events.every(({ number }, i) => number === this.acknowledged + 1 + i),
      'and miss nothing',
    )
    for (const { kind, body } of events) decodeEvent(kind, body)
    this.acknowledged += events.length
    this.rooms.acknowledge(device, this.acknowledged)
  }
}

function anything(from: Choices, host: Host, device: string): ClawMessage {
  const near = host.rooms.incoming(device).stored + from.below(3)
  const number = from.pick([near, near, near, ...NUMBERS])
  const id = new Uint8Array(16).fill(from.below(4))
  const room = from.rarely(4) ? id : ROOM
  switch (from.below(5)) {
    case 4:
      return anyLookup(from, room, id)
    case 0:
      return { type: 'resume', stored: number, id }
    case 1:
      return { type: 'ack', stored: number }
    case 2:
      return { type: 'history', room, before: number, limit: 1 + from.below(200) }
    default: {
      return { type: 'event', number, id, ...anyEvent(from, room) }
    }
  }
}

/** About its room and another's, in words that are there and such that are not. */
function anyLookup(from: Choices, room: Uint8Array, id: Uint8Array): ClawMessage {
  const where = from.pick([room, SECRET])
  const message = from.pick([id, fixed('secret', 16), fixed('post 1', 16)])
  const atMs = from.pick(NUMBERS)
  if (from.rarely(3))
    return { type: 'locate', token: 1, room: where, by: from.pick([{ atMs }, { message }]) }
  const query = from.pick(['hello', 'he', 't', 'secret', '"hello secret', '', '*', 'é東'])
  return {
    ...{ type: 'search', token: 1, query, fromMs: atMs, toMs: from.pick([0, ...NUMBERS]) },
    rooms: from.rarely(2) ? [] : [where, room],
    authors: from.rarely(3) ? [message] : [],
    below: from.rarely(2) ? null : message,
    limit: 1 + from.below(50),
    onlyFiles: from.rarely(2),
  }
}

/** What a device says, about messages that are there and such that are not; also what only hosts say. */
function anyEvent(from: Choices, room: Uint8Array): { kind: number; body: Uint8Array } {
  const message = from.rarely(3) ? new Uint8Array(16).fill(from.below(4)) : fixed('post 1', 16)
  const text = 't'.repeat(1 + from.below(20))
  return encodeEvent(
    from.pick<ChatEvent>([
      { type: 'post', endsAtMs: from.pick([0, NOW + 1, ...NUMBERS]), room, replyTo: message, text },
      { type: 'edit', message, text },
      { type: 'delete', message },
      { type: 'react', message, on: from.rarely(2), emoji: from.pick(['👍', 'e'.repeat(32)]) },
      { type: 'read', room, seq: from.pick(NUMBERS), shared: from.rarely(2) },
      { type: 'delivered', room, ids: [] },
    ]),
  )
}

export const rooms: Target = {
  name: 'rooms',
  maxBytes: 400,
  run(input) {
    const from = new Choices(input)
    const host = new Host()
    try {
      const honest = host.join('Ann')
      const hostile = host.join('Eve')
      host.tellSecret(honest)
      for (let steps = 0; from.more && steps < 60; steps++) {
        const said = encodeMessage(anything(from, host, hostile))
        attempt(['malformed', 'frame-invalid'], () => host.hear(hostile, decodeMessage(said)))
        if (from.rarely(4)) host.honest(honest)
        if (from.rarely(8)) host.end(from.below(3))
      }
      host.honest(honest)
    } finally {
      host.db.close()
    }
  },
}
