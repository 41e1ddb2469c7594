// A device without a browser (`clawchat connect`): joins, finds its host, keeps one conversation going on one carrier after
// the other. The conversation itself, and all it keeps, is that of the page (web/conversation.ts).
import { randomBytes } from 'node:crypto'
import { toHex } from '../shared/bytes.ts'
import type { Route } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { decodeInvite, inviteRoot } from '../shared/invite.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { Clock } from '../web/clock.ts'
import { Conversation, type Live } from '../web/conversation.ts'
import { askToEnrol } from '../web/enrol.ts'
import { freshProfile, type Profile, type StoredMessage } from '../web/keep.ts'
import { Own } from '../web/own.ts'
import { PING_MS } from '../web/pulse.ts'
import { causeOf, Records } from '../web/records.ts'
import { browserRuntime } from '../web/runtime.ts'
import { codeOf, StateBox } from '../web/state.ts'
import type { ClientKeep } from './clientkeep.ts'
import { openWays } from './clientways.ts'

const BACKOFF_MS = [200, 500, 1000, 2000, 4000, 8000, 15_000]
/** on a relay: when TCP is tried again */
const UPGRADE_MS = [5000, 30_000, 60_000, 120_000, 300_000, 600_000]
const STEADY_MS = 10_000
const ANSWER_MS = 15_000

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

const nth = (list: readonly number[], at: number): number =>
  list[Math.min(at, list.length - 1)] ?? 0

export class Client {
  readonly #input: ClientInput
  readonly #own: Own
  readonly #box = new StateBox(() => performance.now())
  readonly #clock = new Clock(this.#box, () => Date.now())
  readonly #records: Records
  readonly #chat: Conversation
  readonly #over = Promise.withResolvers<ClawErrorCode | null>()
  #connecting = false
  #stopped = false
  #replaced = false
  #attempt = 0
  #upgrades = 0
  #route: Route | null = null
  #retryTimer: NodeJS.Timeout | undefined
  #moveTimer: NodeJS.Timeout | undefined
  #upgradeTimer: NodeJS.Timeout | undefined
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
      onBye: (reason) => {
        this.#replaced = reason === 'replaced'
        if (reason === 'revoked') void this.#end('removed')
      },
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
    const { record } = await this.#records.find(root, invite)
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
    this.#beat = setInterval(() => {
      if (this.#chat.beat()) void this.#connect()
    }, PING_MS)
    void this.#connect()
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
    for (const timer of [this.#retryTimer, this.#moveTimer, this.#upgradeTimer]) clearTimeout(timer)
    clearInterval(this.#beat)
    this.#chat.drop()
    // Kept, so that a restart does not ask the host again either.
    if (code === 'removed') await this.#own.update({ removed: true }).catch(() => undefined)
    if (code === 'burned') await this.#input.keep.burn().catch(() => undefined)
    this.#over.resolve(code)
  }

  #say(state: ClientState['state'], route: Route | null, epoch: number | null): void {
    this.#route = route
    this.#input.onState({ state, route, epoch, code: null })
  }

  async #connect(way: { onlyEpoch?: number; noRelay?: boolean } = {}): Promise<void> {
    const { root } = this.#own.must()
    if (this.#connecting || this.#stopped || root === null) return
    this.#connecting = true
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#upgradeTimer)
    const moving = this.#chat.live !== null
    let found: Awaited<ReturnType<Records['findOwn']>> | null = null
    try {
      if (!moving && this.#attempt === 0) this.#say('connecting', null, null)
      found = await this.#records.findOwn(root)
      const { record } = found
      const opening = openWays({ ...this.#dialler(), record, root, mode: 'connect', ...way })
      const { session, route, epoch } = await this.#records.dialled(opening)
      const deadline = setTimeout(() => session.close(), ANSWER_MS)
      await this.#chat.resume(session, epoch).finally(() => clearTimeout(deadline))
      this.#upgrades = 0
      this.#say('connected', route, epoch)
    } catch (error) {
      const stays = this.#chat.live !== null && way.noRelay === true
      if (!stays) this.#failed(causeOf(codeOf(error), found, this.#box.value.clock))
    } finally {
      this.#connecting = false
      this.#upgradeLater()
    }
  }

  #upgradeLater(): void {
    if (this.#stopped || this.#chat.live === null || this.#route !== 'relay') return
    this.#upgradeTimer = setTimeout(
      () => void this.#connect({ noRelay: true }),
      nth(UPGRADE_MS, this.#upgrades++),
    )
  }

  #failed(code: ClawErrorCode): void {
    if (code === 'burned' || code === 'storage') return void this.#end(code)
    this.#later()
    if (this.#chat.live !== null) return
    this.#input.onState({ state: 'reconnecting', route: null, epoch: null, code })
  }

  #later(): void {
    if (this.#stopped) return
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => void this.#connect(), nth(BACKOFF_MS, this.#attempt++))
  }

  #ended(live: Live): void {
    if (this.#stopped) return
    if (Date.now() - live.sinceMs > STEADY_MS) this.#attempt = 0
    // Somebody else has this device's keys: taking turns quickly would help neither.
    if (this.#replaced) this.#attempt = BACKOFF_MS.length
    this.#replaced = false
    this.#say('reconnecting', null, null)
    this.#later()
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
    clearTimeout(this.#moveTimer)
    const move = (): void =>
      void this.#connect({ onlyEpoch: epoch, noRelay: this.#route === 'relay' })
    this.#moveTimer = setTimeout(move, this.#clock.untilAfter(atMs, intervalMs))
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
