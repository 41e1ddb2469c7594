// One device's conversation with its host (SPEC §6.2, §7), from the device's side: RESUME first, then events both ways.
// No clock, timer or browser in here: what it keeps goes to a Keep, what it shows to a StateBox.
import { toHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { decodeEvent, type StoredMessage as WireMessage } from '../shared/events.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { SendWindow } from '../shared/window.ts'
import { holeBefore, mergeMessages } from './chat.ts'
import type { Keep, StoredMessage } from './keep.ts'
import type { AppState } from './model.ts'
import type { Own } from './own.ts'
import { type Heartbeat, Pulse } from './pulse.ts'
import { postOf } from './resume.ts'
import { rosterOf } from './roster.ts'
import type { Session } from './session.ts'
import type { StateBox } from './state.ts'

const ROOM = new Uint8Array(16)
export const SHOWN_AT_START = 200
const PAGE = 100
/** Events read from the outbox at a time. */
const BATCH = 32

/** A carrier after its handshake. `epoch` is that of the port and certificate in use. */
export interface Live extends Heartbeat {
  readonly session: Session
  readonly epoch: number
  window: SendWindow
  resumed: boolean
  ended: boolean
}

type Of<T extends ClawMessage['type']> = Extract<ClawMessage, { type: T }>

export interface ConversationPorts {
  readonly keep: Keep
  readonly own: Own
  readonly box: StateBox
  /** unix ms */
  readonly now: () => number
  /** ms that never go back, for latency */
  readonly clock: () => number
  /** false once another tab leads: then nothing more is sent or kept from here */
  readonly mayTalk: () => boolean
  readonly onEnded: (live: Live) => void
  readonly onRecord: (bytes: Uint8Array) => Promise<void>
  readonly onNotice: (notice: Of<'notice'>) => void
  readonly onAnswer: (answer: Of<'answer'>) => void
  readonly onBye: (reason: Of<'bye'>['reason']) => void
}

/** Whether the room has messages before the first one here. */
export const startsLate = (messages: AppState['messages']): boolean =>
  (messages.find(({ seq }) => seq !== null)?.seq ?? 1) > 1

export class Conversation {
  readonly #ports: ConversationPorts
  #live: Live | null = null
  readonly #pulse = new Pulse()
  /** the RESUMEs under way */
  readonly #resuming = new Map<Live, Promise<unknown>>()
  #storing: Promise<unknown> = Promise.resolve()
  /** the hole that the present carrier was asked to fill last */
  #askedHole: number | null = null

  constructor(ports: ConversationPorts) {
    this.#ports = ports
  }

  /** The carrier that finished RESUME last, while it lasts. */
  get live(): Live | null {
    return this.#live
  }

  /** RESUME on a new carrier. Resolves once the host's RESUME is settled; rejects if the carrier ends before. */
  async resume(session: Session, epoch: number): Promise<Live> {
    const { now, own } = this.#ports
    const sinceMs = now()
    const live: Live = {
      session,
      epoch,
      sinceMs,
      heardMs: sinceMs,
      window: new SendWindow(0),
      resumed: false,
      ended: false,
    }
    const settled = Promise.withResolvers<void>()
    this.#resuming.set(
      live,
      settled.promise.catch(() => undefined),
    )
    try {
      // What is being stored just now belongs to the number that RESUME names.
      await this.#storing
      session.run(
        async (message) => {
          live.heardMs = now()
          if (live.resumed) return this.#handle(live, message)
          if (message.type !== 'resume') throw new ClawError('frame-invalid')
          await this.#settled(live, message)
          settled.resolve()
        },
        () => {
          live.ended = true
          settled.reject(new ClawError('no-answer'))
          this.#ended(live)
        },
      )
      const { stored, storedId } = own.must()
      session.send({ type: 'resume', stored, id: storedId })
      await settled.promise
      return live
    } finally {
      this.#resuming.delete(live)
    }
  }

  /** Says this on the carrier in use. @returns false without one */
  say(message: ClawMessage): boolean {
    this.#live?.session.send(message)
    return this.#live !== null
  }

  /** Ends the carrier without a wish for another. */
  drop(): void {
    const live = this.#live
    this.#live = null
    live?.session.close()
  }

  async #settled(live: Live, { stored, id }: Of<'resume'>): Promise<void> {
    const { keep, own, box, mayTalk } = this.#ports
    if (!mayTalk()) throw new ClawError('superseded')
    const sent = await keep.settle(stored, id)
    // Nobody would notice any more that this carrier has ended meanwhile.
    if (live.ended) throw new ClawError('no-answer')
    const older = this.#live
    live.window = new SendWindow(stored)
    live.resumed = true
    this.#live = live
    this.#askedHole = null
    older?.session.close()
    // The first connection with its own credential acknowledges the enrolment: the invite is spent.
    if (own.profile?.invite === null) await own.load()
    else await own.update({ invite: null })
    // What was asked for on the carrier before is not answered any more.
    box.set({ messages: mergeMessages(box.value.messages, sent), loadingOlder: false })
    if (own.must().behind) this.#askHistory(0)
    else this.#fillHole()
    await this.flush()
  }

  #ended(live: Live): void {
    if (this.#live !== live) return
    this.#live = null
    this.#ports.box.set({ loadingOlder: false })
    this.#ports.onEnded(live)
  }

  async #handle(live: Live, message: ClawMessage): Promise<void> {
    const { box, clock } = this.#ports
    switch (message.type) {
      case 'event':
        await this.#receive(live, message)
        break
      case 'ack':
        await this.#acknowledged(live, message.stored)
        break
      case 'page':
        await this.#take(message)
        break
      case 'record':
        await this.#ports.onRecord(message.bytes)
        break
      case 'state':
        await this.#takeState(message)
        break
      case 'notice':
        this.#ports.onNotice(message)
        break
      case 'answer':
        this.#ports.onAnswer(message)
        break
      case 'ping':
        live.session.send({ type: 'pong', token: message.token })
        break
      case 'pong':
        if (live !== this.#live) break
        this.#noteKey(live)
        // Also after the browser said "offline" and the carrier held all the same.
        box.connection({
          state: 'connected',
          latencyMs: Math.max(0, Math.round(clock()) - message.token),
        })
        break
      case 'bye':
        if (live === this.#live) this.#ports.onBye(message.reason)
        live.session.close()
        break
      default:
        throw new ClawError('frame-invalid')
    }
  }

  #noteKey({ session }: Live): void {
    const { box } = this.#ports
    const { security } = box.value
    if (security !== null && security.messageKeyAtMs !== session.keySinceMs)
      box.set({ security: { ...security, messageKeyAtMs: session.keySinceMs } })
  }

  /**
   * SPEC §6.2: between the number that a RESUME names and its outcome nothing is stored from another carrier, or the
   * host would give out that number again.
   */
  async #receive(live: Live, message: Of<'event'>): Promise<void> {
    for (;;) {
      const over = this.#otherResume(live)
      if (over === undefined) break
      await over
    }
    // The newer carrier brings it again.
    if (live !== this.#live) return
    const stored = this.#store(message)
    this.#storing = stored.catch(() => undefined)
    live.session.send({ type: 'ack', stored: await stored })
  }

  #otherResume(live: Live): Promise<unknown> | undefined {
    for (const [other, over] of this.#resuming) if (other !== live) return over
    return undefined
  }

  /** @returns the number to acknowledge */
  async #store(message: Of<'event'>): Promise<number> {
    const { own, keep, box } = this.#ports
    const { stored } = own.must()
    if (message.number > stored + 1) throw new ClawError('frame-invalid')
    if (message.number <= stored) return stored
    const changed = await this.#changes(message)
    await keep.receive(message.number, message.id, changed)
    own.stored(message.number, message.id)
    const messages = mergeMessages(box.value.messages, changed)
    box.set({ messages, hasOlder: startsLate(messages) })
    this.#fillHole()
    return message.number
  }

  /** The messages as they stand after an event. */
  async #changes({ kind, body }: Of<'event'>): Promise<StoredMessage[]> {
    const event = decodeEvent(kind, body)
    switch (event.type) {
      case 'message':
        return [this.#fromWire(event)]
      case 'stored': {
        const author = this.#ports.own.profile?.member
        const place = { seq: event.seq, atMs: event.atMs, ...(author ? { author } : {}) }
        return this.#changed([event.id], (message) => ({
          ...message,
          ...place,
          state: message.state === 'delivered' ? 'delivered' : 'sent',
        }))
      }
      case 'refused':
        return this.#changed([event.id], (message) => ({ ...message, state: 'failed' }))
      case 'delivered':
        return this.#changed(event.ids, (message) => ({ ...message, state: 'delivered' }))
      default:
        throw new ClawError('frame-invalid')
    }
  }

  async #changed(
    ids: readonly Uint8Array[],
    change: (message: StoredMessage) => StoredMessage,
  ): Promise<StoredMessage[]> {
    const found = await Promise.all(ids.map((id) => this.#ports.keep.message(toHex(id))))
    return found.flatMap((message) => (message === null ? [] : [change(message)]))
  }

  #fromWire(message: WireMessage): StoredMessage {
    const author = toHex(message.author)
    return {
      id: toHex(message.id),
      author,
      mine: this.#ports.own.profile?.member === author,
      text: message.text,
      atMs: message.atMs,
      seq: message.seq,
      state: message.delivered ? 'delivered' : 'sent',
    }
  }

  async #take(page: Of<'page'>): Promise<void> {
    const { keep, own, box } = this.#ports
    const messages = page.messages.map((message) => this.#fromWire(message))
    await keep.putMessages(messages)
    if (page.before === 0 && own.must().behind) await own.update({ behind: false })
    const merged = mergeMessages(box.value.messages, messages)
    box.set({ messages: merged, loadingOlder: false, hasOlder: page.more && startsLate(merged) })
    this.#fillHole()
  }

  async #acknowledged(live: Live, stored: number): Promise<void> {
    const { keep, box } = this.#ports
    live.window.acknowledged(stored)
    // What an older carrier still says stood in the host's RESUME on the newer one.
    if (live !== this.#live) return
    const sent = await keep.acknowledged(stored)
    box.set({ messages: mergeMessages(box.value.messages, sent) })
    await this.flush()
  }

  async #takeState(state: Of<'state'>): Promise<void> {
    const { own, box } = this.#ports
    const me = toHex(state.member)
    const { hostName, roomName } = state
    const known = own.must()
    if (known.member !== me || known.hostName !== hostName || known.roomName !== roomName)
      await own.update({ member: me, hostName, roomName })
    box.set({
      me,
      hostName,
      roomName,
      ...rosterOf(state, known.hostPublicKey),
      // What was written before the host first said who we are has no author yet.
      messages: box.value.messages.map((message) => {
        const author = message.author === '' ? me : message.author
        return { ...message, author, mine: author === me }
      }),
    })
  }

  /** Asks for each hole once: a restored host may never fill it. */
  #fillHole(): void {
    const before = holeBefore(this.#ports.box.value.messages)
    if (before === null || before === this.#askedHole) return
    if (this.#askHistory(before)) this.#askedHole = before
  }

  #askHistory(before: number): boolean {
    const { box } = this.#ports
    if (box.value.loadingOlder || this.#live === null) return false
    box.set({ loadingOlder: true })
    this.#live.session.send({ type: 'history', room: ROOM, before, limit: PAGE })
    return true
  }

  loadOlder(): void {
    const first = this.#ports.box.value.messages.find((message) => message.seq !== null)?.seq
    if (first != null && first > 1) this.#askHistory(first)
  }

  /** Keeps a message in the outbox; who leads sends it with `flush`. `id`: 32 hex digits, the same again for a retry. */
  async post(id: string, text: string): Promise<void> {
    const { keep, own, box, now } = this.#ports
    const message: StoredMessage = {
      id,
      author: own.profile?.member ?? '',
      mine: true,
      text,
      atMs: now(),
      seq: null,
      state: 'sending',
    }
    await keep.post(message, postOf(message))
    box.set({ messages: mergeMessages(box.value.messages, [message]) })
  }

  /** Sends what waits in the outbox and was not yet sent on this carrier, a window at a time (SPEC §6.4). */
  async flush(): Promise<void> {
    const live = this.#live
    while (live?.resumed && live.window.open) {
      const from = live.window.sentUpTo
      const entries = await this.#ports.keep.pending(from, BATCH)
      for (const { number, id, kind, body } of entries) {
        // Another call may have been quicker.
        if (number <= live.window.sentUpTo || !live.window.open) continue
        live.window.sent(number, body.length)
        live.session.send({ type: 'event', number, id, kind, body })
      }
      if (live.window.sentUpTo === from) return
    }
  }

  /** A regular look at the carrier. @returns whether another one is wanted beside it (`Pulse`) */
  beat(): boolean {
    const live = this.#live
    if (live === null) {
      this.#pulse.rest()
      return false
    }
    const due = this.#pulse.look(this.#ports.now(), live)
    if (due === 'silent') live.session.close()
    else live.session.send({ type: 'ping', token: Math.round(this.#ports.clock()) })
    return due === 'fresh'
  }
}
