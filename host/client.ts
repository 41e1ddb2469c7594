// A device without a browser (`clawchat connect`): joins, finds its host, keeps one conversation going on one carrier after
// the other. The conversation itself, and all it keeps, is that of the page (web/conversation.ts).
import { randomBytes } from 'node:crypto'
import { toHex } from '../shared/bytes.ts'
import type { Route } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode, codeOf } from '../shared/error.ts'
import { decodeInvite, inviteRoot } from '../shared/invite.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { Clock } from '../web/clock.ts'
import { Conversation, type Live } from '../web/conversation.ts'
import { askToEnrol } from '../web/enrol.ts'
import { freshProfile, type Profile, type StoredMessage } from '../web/keep.ts'
import { Own } from '../web/own.ts'
import { lookMs } from '../web/pulse.ts'
import { causeOf, Records } from '../web/records.ts'
import {
  counts,
  type DialEffect,
  type RedialEffect,
  type RedialInput,
  type RedialTimer,
  restingRedial,
  type Shorter,
  stepRedial,
} from '../web/redial.ts'
import { browserRuntime } from '../web/runtime.ts'
import type { Session } from '../web/session.ts'
import { StateBox } from '../web/state.ts'
import { Steps } from '../web/steps.ts'
import type { ClientKeep } from './clientkeep.ts'
import { openWays } from './clientways.ts'

const ANSWER_MS = 15_000

/** What a conversation moves to in the background. */
const SHORTER: Shorter = { relay: ['signal'] }

export interface ClientState {
  readonly state: 'connecting' | 'connected' | 'reconnecting'
  readonly route: Route | null
  readonly epoch: number | null
  /** why it is not connected, once that has lasted */
  readonly code: ClawErrorCode | null
}

export interface ClientInput {
  readonly keep: ClientKeep
  readonly onState: (state: ClientState) => void
  /** messages came, got their place, or changed their state */
  readonly onMessages: () => void
}

export class Client {
  readonly #input: ClientInput
  readonly #own: Own
  readonly #box = new StateBox()
  readonly #clock = new Clock(this.#box, () => Date.now())
  readonly #records: Records
  readonly #chat: Conversation
  readonly #over = Promise.withResolvers<ClawErrorCode | null>()
  readonly #steps = new Steps({ box: this.#box, clock: () => performance.now() })
  #redial = restingRedial(SHORTER)
  readonly #timers = new Map<RedialTimer, NodeJS.Timeout>()
  #stopped = false
  #replaced = false
  #cause: ClawErrorCode = 'no-answer'
  #beat: NodeJS.Timeout | undefined

  constructor(input: ClientInput) {
    this.#input = input
    this.#own = new Own(input.keep)
    this.#records = new Records(this.#own, this.#box, this.#clock)
    this.#chat = new Conversation({
      keep: input.keep,
      own: this.#own,
      box: this.#box,
      now: () => Date.now(),
      clock: () => performance.now(),
      random: browserRuntime.random,
      mayTalk: () => !this.#stopped,
      onEnded: (live) => this.#ended(live),
      onRecord: (bytes) => this.#takeRecord(bytes),
      onNotice: (notice) => this.#plan(notice),
      onAnswer: () => undefined,
      onFile: () => undefined,
      onBye: (reason) => {
        this.#replaced = reason === 'replaced'
        if (reason === 'revoked') void this.#end('removed')
      },
      onTrusted: () => this.#feed({ type: 'trusted' }),
    })
    // What comes while it ends is told by the next run.
    this.#box.subscribe(() => this.#stopped || input.onMessages())
  }

  /** Resolves when it is over: null after `stop`, else why it cannot go on (`removed`, `burned`, `storage`). */
  get over(): Promise<ClawErrorCode | null> {
    return this.#over.promise
  }

  get messages(): readonly StoredMessage[] {
    return this.#box.value.messages
  }

  /** hex id → name, as the host last told */
  get names(): ReadonlyMap<string, string> {
    return new Map(this.#box.value.members.map(({ id, name }) => [id, name]))
  }

  get hostName(): string {
    return this.#own.profile?.hostName ?? ''
  }

  /**
   * Takes an invite, unless this folder has a device of the host already: keys are on disk before they are used, so that
   * a crash is followed by the same question (SPEC §6.3). `askName` is called if it needs one. Throws ClawError.
   */
  async join(fragment: string, askName: () => string | Promise<string>): Promise<void> {
    const invite = decodeInvite(fragment)
    const known = await this.#own.load()
    if (known?.deviceId && !known.removed) return
    const name = await askName()
    const again = known?.invite === fragment ? { ...known, name } : null
    this.#own.note(await this.#input.keep.begin(again ?? profileOf(fragment, name)))
    const root = inviteRoot(invite)
    const { record } = await this.#records.find(root, invite, this.#steps)
    const { session } = await openWays({ ...this.#dialler(), record, root, mode: 'enrol' })
    const answer = await askToEnrol(session, name, browserRuntime)
    const profile = { ...this.#own.must(), deviceId: answer.device, root: answer.root }
    this.#own.note(await this.#input.keep.enrolled(profile))
  }

  #dialler(): { readonly clock: Clock; readonly secret: Uint8Array } {
    const { key } = this.#own.must()
    if (!(key instanceof Uint8Array)) throw new ClawError('storage')
    return { clock: this.#clock, secret: key }
  }

  /** From here on it connects, and stays connected. Throws ClawError('removed') for a device that was revoked. */
  async start(): Promise<void> {
    const profile = await this.#own.load()
    if (profile === null) throw new ClawError('storage')
    if (profile.removed) throw new ClawError('removed')
    await this.#chat.timeline.load()
    // Whether a person waits nobody knows here: many a device of this kind is a program.
    this.#beat = setInterval(() => this.#look(), lookMs(false))
    this.#feed({ type: 'want' })
  }

  /**
   * On disk once it resolves, and sent as soon as there is a carrier. `room`: hex; default: the one written to last, at
   * first the oldest. @returns its id, 32 hex digits. Throws ClawError('room-unknown') for one that this device is not in.
   */
  async post(text: string, room: string | null = null): Promise<string> {
    const { timeline } = this.#chat
    const { rooms } = this.#box.value
    if (room !== null && !rooms.some(({ id }) => id === room)) throw new ClawError('room-unknown')
    if (room !== null && room !== this.#box.value.room) await timeline.openRoom(room)
    const id = toHex(randomBytes(16))
    await timeline.post(id, text, null)
    void this.#chat.flush().catch(() => undefined)
    return id
  }

  stop(): void {
    void this.#end(null)
  }

  async #end(code: ClawErrorCode | null): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#feed({ type: 'rest' })
    clearInterval(this.#beat)
    this.#chat.drop()
    // Kept, so that a restart does not ask the host again either.
    if (code === 'removed') await this.#own.update({ removed: true }).catch(() => undefined)
    if (code === 'burned') await this.#input.keep.burn().catch(() => undefined)
    this.#over.resolve(code)
  }

  #look(): void {
    const due = this.#chat.beat(false)
    if (due === 'fresh') this.#feed({ type: 'want' })
    const sinceMs = this.#chat.live?.sinceMs ?? 0
    if (due === 'suspect') this.#feed({ type: 'suspect', heldMs: Date.now() - sinceMs })
  }

  #feed(input: RedialInput): void {
    if (this.#stopped && input.type !== 'rest') return
    const [next, effects] = stepRedial(this.#redial, input)
    this.#redial = next
    for (const effect of effects) this.#do(effect)
  }

  #do(effect: RedialEffect): void {
    switch (effect.type) {
      case 'dial':
        void this.#dial(effect)
        break
      case 'timer':
        clearTimeout(this.#timers.get(effect.timer))
        if (effect.ms !== null) {
          const fire = (): void => this.#feed({ type: 'fired', timer: effect.timer })
          this.#timers.set(effect.timer, setTimeout(fire, effect.ms))
        }
        break
      case 'down':
        this.#say('reconnecting', null, null, effect.lasting ? this.#cause : null)
        break
    }
  }

  #say(
    state: ClientState['state'],
    route: Route | null,
    epoch: number | null,
    code: ClawErrorCode | null = null,
  ): void {
    this.#input.onState({ state, route, epoch, code })
  }

  async #dial({ dial, way, urgent, hedge }: DialEffect): Promise<void> {
    const { root } = this.#own.must()
    if (root === null) return
    let found: Awaited<ReturnType<Records['findOwn']>> | null = null
    try {
      if (dial === 1) this.#say('connecting', null, null)
      found = await this.#records.findOwn(root, this.#steps, hedge)
      const { record } = found
      const how = { ...way, urgent }
      const opening = openWays({ ...this.#dialler(), record, root, mode: 'connect', ...how })
      const { session, route, epoch } = await this.#records.dialled(opening)
      const live = await this.#resume(session, epoch, dial)
      if (this.#chat.live !== live) throw new ClawError('no-answer')
      this.#feed({ type: 'up', dial, route })
      this.#say('connected', route, epoch)
    } catch (error) {
      this.#failed(dial, causeOf(codeOf(error), found, this.#box.value.clock))
    }
  }

  async #resume(session: Session, epoch: number, dial: number): Promise<Live> {
    if (!counts(this.#redial, dial)) {
      session.close()
      throw new ClawError('superseded')
    }
    const deadline = setTimeout(() => session.close(), ANSWER_MS)
    try {
      return await this.#chat.resume(session, epoch)
    } finally {
      clearTimeout(deadline)
    }
  }

  #failed(dial: number, cause: ClawErrorCode): void {
    if (cause === 'burned' || cause === 'storage') return void this.#end(cause)
    this.#cause = cause
    this.#feed({ type: 'failed', dial })
  }

  #ended(live: Live): void {
    const replaced = this.#replaced
    this.#replaced = false
    this.#feed({ type: 'ended', heldMs: Date.now() - live.sinceMs, replaced })
  }

  async #takeRecord(bytes: Uint8Array): Promise<void> {
    try {
      await this.#records.take(bytes)
    } catch (error) {
      if (codeOf(error) !== 'burned') throw error
      await this.#end('burned')
    }
  }

  /** After a rotation, at a moment of its own within the grace, the conversation moves to the new port (SPEC §4.3). */
  #plan({ atMs, epoch, intervalMs }: Extract<ClawMessage, { type: 'notice' }>): void {
    this.#feed({ type: 'notice', epoch, inMs: this.#clock.untilAfter(atMs, intervalMs) })
  }
}

function profileOf(fragment: string, name: string): Profile {
  const { hostPublicKey, hostName } = decodeInvite(fragment)
  return freshProfile({
    ...{ hostPublicKey, hostName, name, invite: fragment },
    key: new Uint8Array(randomBytes(32)),
    ...{ deviceId: null, root: null, knownSinceMs: Date.now() },
  })
}
