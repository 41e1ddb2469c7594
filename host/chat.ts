// One device's conversation on one carrier (SPEC §6.2, §7): RESUME first, then events both ways.
// What is stored and who may see it is decided in rooms.ts; this file only moves it.
import { ClawError } from '../shared/error.ts'
import { decodeEvent } from '../shared/events.ts'
import type { Bye, ClawMessage } from '../shared/messages.ts'
import type { Hub } from './hub.ts'
import type { SecureLink } from './link.ts'
import type { Rooms } from './rooms.ts'

/** Events sent and not yet acknowledged; more wait in the database, where they cost no memory. */
const WINDOW = 256
const BATCH = 32

export interface ChatInput {
  readonly link: SecureLink
  /** hex ids */
  readonly device: string
  readonly member: string
  readonly rooms: Rooms
  readonly hub: Hub
  readonly now: () => number
  /** STATE for this device */
  readonly state: () => ClawMessage
  /** the newest record, 6144 bytes */
  readonly record: () => Uint8Array
  /** RESUME is done: from here on the device is connected */
  readonly onConnected: () => void
}

export class ChatSession {
  readonly device: string
  readonly member: string
  readonly #input: ChatInput
  #resumed = false
  #ended = false
  #sentUpTo = 0
  #acknowledged = 0
  #pumping = false
  #pumpAgain = false

  constructor(input: ChatInput) {
    this.#input = input
    this.device = input.device
    this.member = input.member
  }

  /** One message of the device; whatever it throws ends the carrier. */
  handle(message: ClawMessage): void {
    // After the RESUME of a newer carrier nothing of this one counts (SPEC §6.2).
    if (this.#ended) return
    if (!this.#resumed) {
      if (message.type !== 'resume') throw new ClawError('frame-invalid')
      this.#resume(message.stored, message.id)
      return
    }
    switch (message.type) {
      case 'event':
        this.#receive(message)
        break
      case 'ack':
        this.#acknowledge(message.stored)
        break
      case 'ping':
        this.send({ type: 'pong', token: message.token })
        break
      case 'history':
        this.#history(message)
        break
      case 'bye':
        this.#input.link.close()
        break
      case 'pong':
        break
      default:
        throw new ClawError('frame-invalid')
    }
  }

  send(message: ClawMessage): void {
    void this.#input.link.send(message)
  }

  sendState(): void {
    if (!this.#ended) this.send(this.#input.state())
  }

  /** Says goodbye and closes once that is with the carrier. */
  end(reason: Bye): void {
    if (this.#ended) return
    this.#ended = true
    const { link } = this.#input
    void link.send({ type: 'bye', reason }).finally(() => link.close())
  }

  #resume(stored: number, id: Uint8Array): void {
    const { rooms, hub } = this.#input
    const settled = rooms.settle(this.device, stored, id)
    this.#sentUpTo = stored
    this.#acknowledged = stored
    this.#resumed = true
    this.send({ type: 'resume', ...rooms.incoming(this.device) })
    this.send({ type: 'record', bytes: this.#input.record() })
    hub.enter(this)
    this.#input.onConnected()
    this.sendState()
    hub.wake(settled.touched)
    this.pump()
  }

  #receive(message: Extract<ClawMessage, { type: 'event' }>): void {
    const event = decodeEvent(message.kind, message.body)
    if (event.type !== 'post') throw new ClawError('frame-invalid')
    const { rooms, hub, now } = this.#input
    const { stored, touched } = rooms.receivePost(
      this.device,
      message.number,
      message.id,
      event.room,
      event.text,
      now(),
    )
    this.send({ type: 'ack', stored })
    hub.wake(touched)
  }

  #acknowledge(stored: number): void {
    if (stored > this.#sentUpTo) throw new ClawError('frame-invalid')
    if (stored <= this.#acknowledged) return
    this.#acknowledged = stored
    const { rooms, hub } = this.#input
    hub.wake(rooms.acknowledge(this.device, stored))
    this.pump()
  }

  #history({ room, before, limit }: Extract<ClawMessage, { type: 'history' }>): void {
    const { messages, more } = this.#input.rooms.history(room, before, limit)
    this.send({ type: 'page', room, before, more, messages })
  }

  /** Sends what waits for this device, a window at a time. */
  pump(): void {
    this.#pumpAgain = true
    if (!this.#resumed || this.#ended || this.#pumping) return
    this.#pumping = true
    void this.#pumpAll().finally(() => {
      this.#pumping = false
      if (this.#pumpAgain) this.pump()
    })
  }

  async #pumpAll(): Promise<void> {
    const { rooms, link } = this.#input
    // A full window ends the loop at once: the next acknowledgement asks again.
    this.#pumpAgain = false
    while (!this.#ended && this.#sentUpTo - this.#acknowledged < WINDOW) {
      this.#pumpAgain = false
      const events = rooms.pending(this.device, this.#sentUpTo, BATCH)
      if (events.length === 0) return
      const sent = events.map((event) => link.send({ type: 'event', ...event }))
      this.#sentUpTo = events.at(-1)?.number ?? this.#sentUpTo
      await Promise.all(sent)
    }
  }
}
