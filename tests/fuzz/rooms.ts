// Rooms and queues (SPEC §6.2, §7) while one authenticated device says whatever a message can hold:
// it may spoil its own conversation, never that of the others.
import { DatabaseSync } from 'node:sqlite'
import { prepareSchema } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import { toHex } from '../../shared/bytes.ts'
import { decodeEvent } from '../../shared/events.ts'
import { type ClawMessage, decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { fixed, stream } from '../vectors/fixed.ts'
import { Choices } from './dice.ts'
import { attempt, must, type Target } from './target.ts'

const ROOM = new Uint8Array(16)
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
    const terms = { role: 'guest', uses: 1, expiresMs: 1000, note: '', nowMs: NOW } as const
    const { id } = this.members.invite({ ...terms, secret, hostPublicKey })
    const device = toHex(this.members.reserve(id, fixed(`device ${name}`), name, NOW).deviceId)
    this.members.confirm(device, NOW, () => undefined)
    return device
  }

  /** As host/chat.ts passes it on. */
  hear(device: string, message: ClawMessage): void {
    const { rooms } = this
    if (message.type === 'resume') rooms.settle(device, message.stored, message.id)
    else if (message.type === 'ack') rooms.acknowledge(device, message.stored)
    else if (message.type === 'history') {
      const { messages } = rooms.history(message.room, message.before, message.limit)
      must(messages.length <= message.limit, 'no more history than asked for')
    } else if (message.type === 'event') {
      const event = decodeEvent(message.kind, message.body)
      if (event.type !== 'post') return
      const before = rooms.incoming(device).stored
      rooms.receivePost(device, message.number, message.id, event.room, event.text, NOW)
      const { stored } = rooms.incoming(device)
      must(stored === before || stored === before + 1, 'stores exactly the next number')
    }
  }

  honest(device: string): void {
    this.posted += 1
    const id = fixed(`post ${this.posted}`, 16)
    const { stored } = this.rooms.receivePost(device, this.posted, id, ROOM, 'hello', NOW)
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
  switch (from.below(4)) {
    case 0:
      return { type: 'resume', stored: number, id }
    case 1:
      return { type: 'ack', stored: number }
    case 2:
      return { type: 'history', room, before: number, limit: 1 + from.below(200) }
    default: {
      const text = Buffer.from(from.bytes(1 + from.below(20)))
      const body = Buffer.concat([room, Uint8Array.of(0, text.length), text])
      return { type: 'event', number, id, kind: 1, body }
    }
  }
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
      for (let steps = 0; from.more && steps < 60; steps++) {
        const said = encodeMessage(anything(from, host, hostile))
        attempt(['malformed', 'frame-invalid'], () => host.hear(hostile, decodeMessage(said)))
        if (from.rarely(4)) host.honest(honest)
      }
      host.honest(honest)
    } finally {
      host.db.close()
    }
  },
}
