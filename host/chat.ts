// One device's conversation on one carrier (SPEC §6.2, §7): RESUME first, then events both ways.
// What is stored and who may see it is decided in rooms.ts; this file only moves it.
import { fromHex } from '../shared/bytes.ts'
import { type Route, WINDOW_EVENTS } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { decodeEvent } from '../shared/events.ts'
import { type FileMessage, isFileMessage } from '../shared/files.ts'
import type { Lookup } from '../shared/lookups.ts'
import type { Bye, ClawMessage } from '../shared/messages.ts'
import { type Pace, PacedQueue } from '../shared/pace.ts'
import type { Answer, Request } from '../shared/requests.ts'
import { SendWindow } from '../shared/window.ts'
import type { Hub } from './hub.ts'
import type { SecureLink } from './link.ts'
import { lookupPace, tooMany } from './lookups.ts'
import type { Pictures } from './pictures.ts'
import type { Rooms } from './rooms.ts'
import type { Transfers } from './transfers.ts'

/** Events read at a time; what does not fit the window waits in the database, where it costs no memory. */
const BATCH = 32
/** Requests of one session that are being carried out; a further one ends it. */
const REQUESTS_AT_ONCE = 4
/** between two TYPING of a session that are passed on */
const TYPING_MS = 2000

type EventMessage = Extract<ClawMessage, { type: 'event' }>

export interface ChatInput {
  readonly link: SecureLink
  /** hex ids */
  readonly device: string
  readonly member: string
  readonly route: Route
  readonly rooms: Rooms
  readonly pictures: Pick<Pictures, 'answer'>
  /** null: this host takes no files */
  readonly transfers: Transfers | null
  readonly hub: Hub
  readonly now: () => number
  /** calls back in so many ms. @returns a function that takes that back */
  readonly after: (ms: number, run: () => void) => () => void
  /** STATE for this device, or null once it is out */
  readonly state: () => ClawMessage | null
  /** the newest record, 6144 bytes */
  readonly record: () => Uint8Array
  /** a switch that was announced before this device came, or null */
  readonly notice: () => ClawMessage | null
  /** Carries a request out and resolves with the answer (SPEC §7.3). */
  readonly request: (token: number, request: Request) => Promise<Answer>
  /** RESUME is done: from here on the device is connected */
  readonly onConnected: () => void
}

export class ChatSession {
  readonly device: string
  readonly member: string
  readonly route: Route
  readonly #input: ChatInput
  readonly #latestState: Latest
  readonly #latestRecord: Latest
  #resumed = false
  #ended = false
  #window = new SendWindow(0)
  #acknowledged = 0
  #pumping = false
  #pumpAgain = false
  /** requests under way */
  #asked = 0
  #typedMs = Number.NEGATIVE_INFINITY
  readonly #lookups
  readonly #pace: Pace
  /** events that came faster than they are taken */
  readonly #late: PacedQueue<EventMessage>

  constructor(input: ChatInput) {
    const { now, after, hub, device } = input
    this.#input = input
    this.#lookups = lookupPace(now())
    this.#pace = hub.pace(device, now())
    this.#late = new PacedQueue({ now, after, send: (event) => this.#takeLate(event) }, this.#pace)
    this.#latestState = new Latest(input.link)
    this.#latestRecord = new Latest(input.link)
    this.device = input.device
    this.member = input.member
    this.route = input.route
  }

  /** One message of the device; whatever it throws ends the carrier. The next one waits until the answer has left. */
  handle(message: ClawMessage): void | Promise<void> {
    // After the RESUME of a newer carrier nothing of this one counts (SPEC §6.2).
    if (this.#ended) return
    if (!this.#resumed) {
      if (message.type !== 'resume') throw new ClawError('frame-invalid')
      this.#resume(message.stored, message.id)
      return
    }
    if (isFileMessage(message)) return this.#transfer(message)
    switch (message.type) {
      case 'event':
        return this.#take(message)
      case 'ack':
        this.#acknowledge(message.stored)
        break
      case 'ping':
        return this.#input.link.send({ type: 'pong', token: message.token })
      case 'history':
        return this.#history(message)
      case 'search':
      case 'locate':
      case 'versions':
      case 'picture':
        return this.#lookUp(message)
      case 'request':
        this.#ask(message)
        break
      case 'bye':
        this.#input.link.close()
        break
      case 'typing':
        this.#typing(message.room)
        break
      case 'pong':
        break
      default:
        throw new ClawError('frame-invalid')
    }
  }

  /** Files wait for the disk; the conversation goes on meanwhile. */
  #transfer(message: FileMessage): void {
    if (this.#input.transfers === null) throw new ClawError('frame-invalid')
    this.#input.transfers.take(message)
  }

  /** What is asked may wait for stores; the conversation goes on meanwhile. */
  #ask({ token, request }: Extract<ClawMessage, { type: 'request' }>): void {
    if (this.#asked >= REQUESTS_AT_ONCE) throw new ClawError('limit')
    this.#asked += 1
    this.#input
      .request(token, request)
      .then((answer) => this.send({ type: 'answer', token, answer }))
      .catch(() => this.#input.link.close())
      .finally(() => {
        this.#asked -= 1
      })
  }

  /** Those of the room who are here are told, and nobody more often than that. */
  #typing(room: Uint8Array): void {
    const { rooms, hub, now } = this.#input
    if (now() - this.#typedMs < TYPING_MS || !rooms.list.isInside(room, this.member)) return
    this.#typedMs = now()
    const told = new Set(rooms.list.devices(room))
    for (const session of hub.sessions)
      if (session.member !== this.member && told.has(session.device))
        session.send({ type: 'typing', room, member: fromHex(this.member) })
  }

  send(message: ClawMessage): void {
    if (!this.#ended) void this.#input.link.send(message)
  }

  sendState(): void {
    this.#latestState.send(() => (this.#ended ? null : this.#input.state()))
  }

  sendRecord(): void {
    const record = (): ClawMessage => ({ type: 'record', bytes: this.#input.record() })
    this.#latestRecord.send(() => (this.#ended ? null : record()))
  }

  /** Says goodbye and closes once that is with the carrier. */
  end(reason: Bye): void {
    if (this.#ended) return
    this.#ended = true
    this.#late.end()
    const { link } = this.#input
    void link.end({ type: 'bye', reason })
  }

  #resume(stored: number, id: Uint8Array): void {
    const { rooms, hub } = this.#input
    const settled = rooms.settle(this.device, stored, id)
    this.#window = new SendWindow(stored)
    this.#acknowledged = stored
    this.#resumed = true
    this.send({ type: 'resume', ...rooms.incoming(this.device) })
    this.sendRecord()
    hub.enter(this)
    this.#input.onConnected()
    this.sendState()
    const notice = this.#input.notice()
    if (notice !== null) this.send(notice)
    hub.wake(settled.touched)
    this.pump()
  }

  /** Whoever is too fast waits, and nobody else; what else this device says is handled meanwhile. */
  #take(event: EventMessage): Promise<void> | undefined {
    const { now } = this.#input
    if (this.#late.waiting === 0 && this.#pace.take(now()) === 0) return this.#receive(event)
    // No honest device sends more ahead of its acknowledgement.
    if (this.#late.waiting >= WINDOW_EVENTS) throw new ClawError('frame-invalid')
    this.#late.push(event)
    return undefined
  }

  #takeLate(event: EventMessage): void {
    const { link } = this.#input
    try {
      // What was not stored comes again on the next carrier.
      if (this.#ended || link.closed) this.#late.end()
      else this.#receive(event).catch(() => link.close())
    } catch {
      this.#late.end()
      link.close()
    }
  }

  #receive(message: EventMessage): Promise<void> {
    const { number, id, kind, body } = message
    const { rooms, hub, now } = this.#input
    const event = decodeEvent(kind, body)
    const { stored, touched } = rooms.receive(this.device, number, id, event, now())
    const acknowledged = this.#input.link.send({ type: 'ack', stored })
    if (event.type === 'delete') this.#input.transfers?.sweep()
    hub.wake(touched)
    return acknowledged
  }

  #acknowledge(stored: number): void {
    this.#window.acknowledged(stored)
    if (stored <= this.#acknowledged) return
    this.#acknowledged = stored
    const { rooms, hub } = this.#input
    hub.wake(rooms.acknowledge(this.device, stored))
    this.pump()
  }

  #history({ room, before, limit }: Extract<ClawMessage, { type: 'history' }>): Promise<void> {
    const { messages, more } = this.#input.rooms.history(this.member, room, before, limit)
    return this.#input.link.send({ type: 'page', room, before, more, messages })
  }

  async #lookUp(lookup: Lookup): Promise<void> {
    const { rooms, pictures, link, now } = this.#input
    if (this.#lookups.take(now()) > 0) return link.send(tooMany(lookup))
    const answer =
      lookup.type === 'picture'
        ? await pictures.answer(this.member, lookup)
        : rooms.lookups.answer(this.member, lookup)
    return link.send(answer)
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
    while (!this.#ended && this.#window.open) {
      this.#pumpAgain = false
      const sent: Promise<void>[] = []
      for (const event of rooms.pending(this.device, this.#window.sentUpTo, BATCH)) {
        if (!this.#window.open) break
        this.#window.sent(event.number, event.body.length)
        sent.push(link.send({ type: 'event', ...event }))
      }
      await Promise.all(sent)
      // Nothing is left; what has come meanwhile has asked for another round.
      if (sent.length < BATCH) return
    }
  }
}

/** Of messages that replace each other only the newest waits behind one that is on its way. */
class Latest {
  readonly #link: SecureLink
  #busy = false
  #next: (() => ClawMessage | null) | null = null

  constructor(link: SecureLink) {
    this.#link = link
  }

  send(make: () => ClawMessage | null): void {
    this.#next = make
    // Whatever cannot be said ends this carrier, not the process.
    if (!this.#busy) this.#run().catch(() => this.#link.close())
  }

  async #run(): Promise<void> {
    this.#busy = true
    // Nobody is there to be told any more, and what the message is made of may be gone.
    while (this.#next !== null && !this.#link.closed) {
      const message = this.#next()
      this.#next = null
      if (message !== null) await this.#link.send(message)
    }
    this.#busy = false
  }
}
