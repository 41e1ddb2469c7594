// One device's conversation with its host (SPEC §6.2, §7), from the device's side: RESUME first, then events both ways.
// No clock, timer or browser in here: what it keeps goes to a Keep, what it shows to a StateBox.
import { WINDOW_EVENTS } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { type FileMessage, isFileMessage } from '../shared/files.ts'
import type { LookupAnswer } from '../shared/lookups.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { SendWindow } from '../shared/window.ts'
import { Batches } from './batches.ts'
import { takeIn } from './intake.ts'
import type { Keep, StoredMessage } from './keep.ts'
import type { Own } from './own.ts'
import { type Heartbeat, Pulse } from './pulse.ts'
import type { Session } from './session.ts'
import type { StateBox } from './state.ts'
import { Timeline } from './timeline.ts'

/** Events read from the outbox at a time. */
const BATCH = 32

type Of<T extends ClawMessage['type']> = Extract<ClawMessage, { type: T }>

/** A carrier after its handshake. `epoch` is that of the port and certificate in use. */
export interface Live extends Heartbeat {
  readonly session: Session
  readonly epoch: number
  window: SendWindow
  resumed: boolean
  ended: boolean
  /** the host's, on their way to be kept */
  readonly events: Batches<Of<'event'>>
  /** numbers up to which the host has stored what this device sent */
  readonly acks: Batches<number>
}

/** Of nothing that an event changes: these need not wait for those before them. */
const APART: ReadonlySet<ClawMessage['type']> = new Set(['ping', 'pong', 'typing', 'notice'])

export interface ConversationPorts {
  readonly keep: Keep
  readonly own: Own
  readonly box: StateBox
  /** unix ms */
  readonly now: () => number
  /** ms that never go back, for latency */
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  /** false once another tab leads: then nothing more is sent or kept from here */
  readonly mayTalk: () => boolean
  readonly onEnded: (live: Live) => void
  readonly onRecord: (bytes: Uint8Array) => Promise<void>
  readonly onNotice: (notice: Of<'notice'>) => void
  readonly onAnswer: (answer: Of<'answer'> | LookupAnswer) => void
  /** of the carrier in use */
  readonly onFile: (message: FileMessage) => void
  readonly onBye: (reason: Of<'bye'>['reason']) => void
  /** the carrier in use had become suspect, and answers */
  readonly onTrusted: () => void
  /** the host sent messages, new or changed, and they are kept; for who tells a person of it */
  readonly onMessages?: (messages: readonly StoredMessage[]) => void
  /** messages went because their time was over (SPEC §7.10); as they were */
  readonly onGone?: (messages: readonly StoredMessage[]) => void
}

export class Conversation {
  readonly #ports: ConversationPorts
  /** rooms and messages */
  readonly timeline: Timeline
  #live: Live | null = null
  readonly #pulse = new Pulse()
  /** the RESUMEs under way */
  readonly #resuming = new Map<Live, Promise<unknown>>()
  #storing: Promise<unknown> = Promise.resolve()

  constructor(ports: ConversationPorts) {
    this.#ports = ports
    this.timeline = new Timeline({
      ...ports,
      say: (message) => this.say(message),
      flush: () => this.flush(),
    })
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
      askedMs: null,
      window: new SendWindow(0),
      resumed: false,
      ended: false,
      events: this.#batches((events) => this.#receive(live, events), session),
      acks: this.#batches((numbers) => this.#acknowledged(live, numbers), session),
    }
    const settled = Promise.withResolvers<void>()
    this.#resuming.set(
      live,
      settled.promise.catch(() => undefined),
    )
    try {
      // What is being stored just now belongs to the number that RESUME names.
      await this.#storing
      if (live.ended) throw new ClawError('no-answer')
      session.run(
        async (message) => {
          const isOtherOpen = this.#otherResume(live) !== undefined
          if (this.#pulse.heard(now(), live, isOtherOpen)) this.#ports.onTrusted()
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

  /** As with a message that is refused at once, a failure ends the carrier. */
  #batches<T>(handle: (batch: readonly T[]) => Promise<void>, session: Session): Batches<T> {
    return new Batches(async (batch) => {
      try {
        await handle(batch)
      } catch (error) {
        session.close()
        throw error
      }
    })
  }

  /** Says this on the carrier in use. @returns false without one */
  say(message: ClawMessage): boolean {
    this.#live?.session.send(message)
    return this.#live !== null
  }

  /** Ends the carrier without a wish for another, and those whose RESUME is under way: they may belong to another host. */
  drop(): void {
    const live = this.#live
    this.#live = null
    live?.session.close()
    for (const resuming of this.#resuming.keys()) {
      resuming.ended = true
      resuming.session.close()
    }
  }

  async #settled(live: Live, { stored, id }: Of<'resume'>): Promise<void> {
    const { keep, own, mayTalk } = this.#ports
    if (!mayTalk()) throw new ClawError('superseded')
    await this.timeline.ending.heard(live.session.hostTimeMs)
    const sent = await keep.settle(stored, id, this.timeline.ending.nowMs())
    // Nobody would notice any more that this carrier has ended meanwhile.
    if (live.ended) throw new ClawError('no-answer')
    const older = this.#live
    live.window = new SendWindow(stored)
    live.resumed = true
    this.#live = live
    older?.session.close()
    // The first connection with its own credential acknowledges the enrolment: the invite is spent.
    if (own.profile?.invite === null) await own.load()
    else await own.update({ invite: null })
    this.timeline.resumed(sent)
    void this.timeline.ending.look().catch(() => undefined)
    await this.flush()
  }

  #ended(live: Live): void {
    if (this.#live !== live) return
    this.#live = null
    this.timeline.rest()
    this.#ports.onEnded(live)
  }

  #bye(live: Live, reason: Of<'bye'>['reason']): void {
    const newer = this.#otherResume(live)
    if (live !== this.#live) live.session.close()
    else if (reason === 'replaced' && newer !== undefined) this.#handOver(live, newer)
    else {
      this.#ports.onBye(reason)
      live.session.close()
    }
  }

  /** The host goes on with a newer carrier of this device, whose RESUME is not settled here yet. */
  #handOver(live: Live, newer: Promise<unknown>): void {
    this.#live = null
    live.session.close()
    void newer.then(() => {
      if (this.#live !== null) return
      this.timeline.rest()
      this.#ports.onEnded(live)
    })
  }

  async #handle(live: Live, message: ClawMessage): Promise<void> {
    const { box, clock } = this.#ports
    if (isFileMessage(message)) {
      if (live === this.#live) this.#ports.onFile(message)
      return
    }
    if (message.type === 'event') return this.#queue(live, message)
    if (message.type === 'ack') {
      live.window.acknowledged(message.stored)
      return live.acks.put(message.stored)
    }
    if (!APART.has(message.type)) {
      await live.events.settled()
      await live.acks.settled()
    }
    switch (message.type) {
      case 'page':
        // What an older carrier brings may be older than what the newer one has told.
        if (live === this.#live) await this.timeline.takePage(message)
        break
      case 'record':
        await this.#ports.onRecord(message.bytes)
        break
      case 'state':
        await this.timeline.takeState(message)
        break
      case 'typing':
        this.timeline.takeTyping(message)
        break
      case 'notice':
        this.#ports.onNotice(message)
        break
      case 'answer':
      case 'found':
      case 'located':
      case 'earlier':
      case 'pictured':
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
        this.#bye(live, message.reason)
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

  /** No honest host sends more ahead of its acknowledgement (SPEC §6.4). */
  #queue(live: Live, message: Of<'event'>): void {
    if (live.events.waiting >= WINDOW_EVENTS) throw new ClawError('frame-invalid')
    live.events.put(message)
  }

  /**
   * SPEC §6.2: between the number that a RESUME names and its outcome nothing is stored from another carrier, or the
   * host would give out that number again.
   */
  async #receive(live: Live, events: readonly Of<'event'>[]): Promise<void> {
    for (;;) {
      const over = this.#otherResume(live)
      if (over === undefined) break
      await over
    }
    // The newer carrier brings it again.
    if (live !== this.#live) return
    const storing = this.#store(events)
    this.#storing = storing.catch(() => undefined)
    const failure = await storing
    live.session.send({ type: 'ack', stored: this.#ports.own.must().stored })
    if (failure !== null) throw failure
  }

  #otherResume(live: Live): Promise<unknown> | undefined {
    for (const [other, over] of this.#resuming) if (other !== live) return over
    return undefined
  }

  /** @returns what the host did wrong, once what came before that is stored */
  async #store(events: readonly Of<'event'>[]): Promise<ClawError | null> {
    const { own, keep } = this.#ports
    const { last, outcome, news, failure } = await takeIn(events, {
      ...{ keep, profile: () => own.must() },
      outcome: (...event) => this.timeline.outcome(...event),
    })
    if (last === null) return failure
    const { messages, profile } = outcome
    await keep.receive(last.number, last.id, messages, profile)
    own.stored(last.number, last.id, profile)
    await this.timeline.took(outcome)
    if (news.length > 0) this.#ports.onMessages?.(news)
    return failure
  }

  /** `numbers`: the last says all. */
  async #acknowledged(live: Live, numbers: readonly number[]): Promise<void> {
    // What an older carrier still says stood in the host's RESUME on the newer one.
    if (live !== this.#live) return
    this.timeline.show(await this.#ports.keep.acknowledged(numbers.at(-1) ?? 0))
    await this.flush()
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
        live.askedMs ??= this.#ports.now()
        live.session.send({ type: 'event', number, id, kind, body })
      }
      if (live.window.sentUpTo === from) return
    }
  }

  /** A regular look at the carrier (`lookMs`). @returns whether another one is wanted beside it, and why */
  beat(brisk: boolean): 'fresh' | 'suspect' | null {
    const live = this.#live
    if (this.#ports.mayTalk()) this.timeline.ending.beat()
    if (live === null) {
      this.#pulse.rest()
      return null
    }
    const { now, clock } = this.#ports
    const due = this.#pulse.look({ nowMs: now(), brisk }, live)
    if (due === 'nothing') return null
    if (due === 'silent') {
      live.session.close()
      return null
    }
    live.askedMs ??= now()
    live.session.send({ type: 'ping', token: Math.round(clock()) })
    return due === 'ping' ? null : due
  }

  /** The path may be another one now: the next look asks. */
  doubt(): void {
    this.#pulse.doubt()
  }
}
