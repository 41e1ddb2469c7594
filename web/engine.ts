// The page's engine: takes the link, finds the host, keeps one conversation going, and says how it stands (model.ts).
// Only the leading tab dials and sends (tab.ts); every tab writes to the same outbox.
import { toHex } from '../shared/bytes.ts'
import type { Mode, Route } from '../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { decodeInvite, type Invite, inviteRoot } from '../shared/invite.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { RecordBody } from '../shared/record.ts'
import { Clock } from './clock.ts'
import { Conversation, type Live } from './conversation.ts'
import { Device } from './device.ts'
import { askToEnrol } from './enrol.ts'
import { Handover } from './handover.ts'
import type { Profile } from './keep.ts'
import { rememberedLink, rememberLink, takeFragment } from './link.ts'
import type { AppState, Engine } from './model.ts'
import { type Opened, type OpenInput, openCarrier, SHORTER } from './open.ts'
import { Own } from './own.ts'
import { PING_MS } from './pulse.ts'
import { causeOf, Records } from './records.ts'
import { Requests } from './requests.ts'
import type { Resolved } from './resolve.ts'
import { browserRuntime } from './runtime.ts'
import { securityOf } from './security.ts'
import type { Session } from './session.ts'
import { codeOf, idleSteps, StateBox } from './state.ts'
import { Tab, type TabMessage } from './tab.ts'
import { Talk } from './talk.ts'
import { dhKeyOf, pickBackend } from './webcrypto.ts'

const BACKOFF_MS = [200, 500, 1000, 2000, 4000, 8000, 15_000]
const JOIN_AGAIN_MS = 3000
/** What passes by itself. */
const PASSING: readonly ClawErrorCode[] = [
  'no-network',
  'no-answer',
  'store-unreachable',
  'record-missing',
]
/** on a longer way: when the shorter ones are tried again */
const UPGRADE_MS = [5000, 30_000, 60_000, 120_000, 300_000, 600_000]
const STEADY_MS = 10_000
const ANSWER_MS = 15_000

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && toHex(a) === toHex(b)

/** Not every way is tried. */
type Way = Pick<OpenInput, 'onlyEpoch' | 'routes'>

/** An invite as it was opened, and what it says. */
interface Link {
  readonly fragment: string
  readonly invite: Invite
}

export async function startEngine(): Promise<Engine> {
  const fragment = takeFragment()
  const backend = await pickBackend()
  const engine = new PageEngine(backend, await Device.open())
  await engine.start(fragment ?? rememberedLink())
  return engine
}

class PageEngine implements Engine {
  readonly #backend: CryptoBackend
  readonly #device: Device
  readonly #own: Own
  readonly #box = new StateBox(
    () => performance.now(),
    () => this.#mirror(),
  )
  readonly #clock = new Clock(this.#box, () => Date.now())
  readonly ask: Requests
  readonly talk: Talk
  readonly #records: Records
  readonly #handover: Handover
  readonly #chat: Conversation
  readonly #tab: Tab
  /** waits for Join; the conversation rests meanwhile */
  #invite: Link | null = null
  /** another link of a host that knows this device: of use only if it turns out not to any more */
  #spare: Link | null = null
  #connecting = false
  #replaced = false
  /** the host said that this device was revoked: nothing here asks it again but a person */
  #removed = false
  #attempt = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #moveTimer: ReturnType<typeof setTimeout> | undefined
  #upgradeTimer: ReturnType<typeof setTimeout> | undefined
  #upgrades = 0
  #joinTimer: ReturnType<typeof setTimeout> | undefined

  constructor(backend: CryptoBackend, device: Device) {
    this.#backend = backend
    this.#device = device
    this.#own = new Own(device)
    this.#records = new Records(this.#own, this.#box, this.#clock)
    this.#handover = new Handover({
      own: this.#own,
      box: this.#box,
      records: this.#records,
      invite: () => this.#invite?.invite ?? null,
      onTaken: () => this.#again(),
      onBurned: () => void this.#burn(),
    })
    this.ask = new Requests({
      box: this.#box,
      runtime: browserRuntime,
      send: (message) => {
        if (this.#tab.leading) return this.#chat.say(message)
        this.#tab.tell({ type: 'request', message })
        return true
      },
      onRoom: (room) => this.talk.openRoom(room),
    })
    this.#chat = new Conversation({
      keep: device,
      own: this.#own,
      box: this.#box,
      now: () => Date.now(),
      clock: () => performance.now(),
      random: browserRuntime.random,
      mayTalk: () => this.#mayTalk(),
      onEnded: (live) => this.#ended(live),
      onRecord: (bytes) => this.#takeRecord(bytes),
      onNotice: (notice) => this.#plan(notice),
      onAnswer: (message) => {
        if (!this.ask.answered(message)) this.#tab.tell({ type: 'answer', message })
      },
      onBye: (reason) => {
        this.#replaced = reason === 'replaced'
        if (reason === 'revoked') void this.#noteRemoved()
      },
    })
    this.#tab = new Tab({
      device,
      onMessage: (message) => this.#onTab(message),
      onLead: () => void this.#lead(),
      onLost: () => this.#drop(),
    })
    this.talk = new Talk({
      box: this.#box,
      timeline: this.#chat.timeline,
      tab: this.#tab,
      runtime: browserRuntime,
      clock: () => performance.now(),
      flush: () => this.#chat.flush(),
      isSeen: () => document.visibilityState === 'visible' && document.hasFocus(),
    })
  }

  get state(): AppState {
    return this.#box.value
  }

  subscribe(listener: (state: AppState) => void): () => void {
    return this.#box.subscribe(listener)
  }

  async start(fragment: string | null): Promise<void> {
    addEventListener('hashchange', () => {
      const later = takeFragment()
      if (later !== null) this.#takeInvite(later)
    })
    try {
      const profile = await this.#own.load()
      if (profile !== null) await this.#showProfile(profile)
    } catch (error) {
      this.#box.set({ phase: 'blank', error: codeOf(error) })
      return
    }
    if (fragment !== null) this.#takeInvite(fragment)
    if (this.#own.profile === null && this.#invite === null) this.#box.set({ phase: 'blank' })
    addEventListener('online', () => {
      // Another network, perhaps: what the old carrier still says is no sign that it lasts.
      this.#attempt = 0
      void this.#connect()
    })
    addEventListener('offline', () => this.#box.connection({ state: 'offline' }))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return
      this.#hurry()
      this.talk.look()
    })
    addEventListener('focus', () => this.talk.look())
    setInterval(() => this.#beat(), PING_MS)
    await this.#tab.start()
  }

  /** Shows the other tabs how things stand; an invite, and what was asked, concern only the tab where that was. */
  #mirror(): void {
    if (this.#tab.leading && this.#invite === null)
      this.#tab.tell({ type: 'state', state: { ...this.state, asked: null } })
    this.talk.look()
  }

  async #showProfile(profile: Profile): Promise<void> {
    if (profile.deviceId === null) {
      // An enrolment that broke off: the same link, kept here, is tried again.
      if (profile.invite !== null) this.#takeInvite(profile.invite)
      return
    }
    this.#box.set({ phase: 'chat' })
    await this.#chat.timeline.load()
    await this.#showSecurity(null)
    if (profile.removed) this.#showRemoved()
  }

  /** Kept, so that a reload does not ask the host again either. */
  async #noteRemoved(): Promise<void> {
    this.#removed = true
    await this.#own.update({ removed: true }).catch(() => undefined)
  }

  #showRemoved(): void {
    this.#removed = true
    // Who removed this very device gets no answer.
    this.ask.dismiss()
    this.#box.connection({ state: 'offline', route: null, latencyMs: null })
    this.#box.set({ error: 'removed' })
    this.#offerSpare('removed')
  }

  async #deviceKey(): Promise<DhKey> {
    const { key } = this.#own.must()
    return key instanceof Uint8Array ? this.#backend.dhKey(key) : dhKeyOf(key)
  }

  async #showSecurity(live: Live | null): Promise<void> {
    const profile = this.#own.profile
    if (profile === null) return
    const { publicKey } = await this.#deviceKey()
    const known = this.state.security
    const security = securityOf({
      ...{ profile, publicKey, backend: this.#backend, live, known },
      record: this.#records.newest,
    })
    this.#box.set({ security })
  }

  // Joining

  #takeInvite(fragment: string): void {
    try {
      const link = { fragment, invite: decodeInvite(fragment) }
      const { hostPublicKey, deviceId } = this.#own.profile ?? {}
      // This browser is a device of that host already: the link stays unused while that holds.
      if (deviceId && same(hostPublicKey, link.invite.hostPublicKey)) {
        this.#spare = link
        this.#offerSpare(this.state.error)
      } else this.#offer(link)
    } catch (error) {
      const phase = this.#own.profile === null ? 'blank' : this.state.phase
      this.#box.set({ phase, error: codeOf(error) })
    }
  }

  #offer(link: Link): void {
    this.#invite = link
    rememberLink(link.fragment)
    // The press of Join was for the link before.
    clearTimeout(this.#joinTimer)
    // What another host still says must not stand under this one's name.
    this.#drop()
    const { deviceId, hostName } = this.#own.profile ?? {}
    this.#box.set({
      phase: 'join',
      hostName: link.invite.hostName,
      otherChat: deviceId && hostName !== undefined ? hostName : null,
      error: null,
    })
  }

  /** The host's record has nothing for this device any more: a new link may let it in again. */
  #offerSpare(code: ClawErrorCode | null): void {
    if (code !== 'record-no-slot' && code !== 'removed') return
    if (this.#spare === null) return
    this.#offer(this.#spare)
    this.#spare = null
  }

  join(name: string): void {
    void this.#join(name)
  }

  /** Leaves the invite alone and goes back to the chat that this browser has. */
  dismiss(): void {
    if (this.#own.profile?.deviceId == null || this.state.phase === 'joining') return
    clearTimeout(this.#joinTimer)
    this.#invite = null
    rememberLink(null)
    this.#box.set({ otherChat: null, error: null })
    void this.#reload()
  }

  async #join(name: string, again = false): Promise<void> {
    clearTimeout(this.#joinTimer)
    const link = this.#invite
    if (link === null || this.state.phase === 'joining') return
    this.#box.set(again ? { phase: 'joining' } : { phase: 'joining', error: null })
    this.#box.connection({ state: 'connecting', steps: idleSteps() })
    try {
      await this.#enrol(link, name)
      this.#invite = null
      this.#removed = false
      rememberLink(null)
      this.#box.set({ phase: 'chat', otherChat: null, error: null })
      this.#tab.tell({ type: 'joined' })
      await this.#connect()
    } catch (error) {
      const code = codeOf(error)
      await this.#own.load().catch(() => this.#own.note(null))
      this.#box.set({ phase: 'join', error: causeOf(code, null, this.state.clock) })
      // Join was pressed once; what a network does meanwhile should not ask for it again.
      if (PASSING.includes(code))
        this.#joinTimer = setTimeout(() => void this.#join(name, true), JOIN_AGAIN_MS)
    }
  }

  async #enrol({ fragment, invite }: Link, name: string): Promise<void> {
    if (await this.#device.isBurnt(invite.hostPublicKey)) throw new ClawError('burned')
    const begun = await this.#device.begin(fragment, invite.hostPublicKey, invite.hostName, name)
    this.#own.note(begun)
    const root = inviteRoot(invite)
    const { record } = await this.#records.find(root, invite)
    const { session } = await this.#open(record, root, 'enrol')
    const { device, root: ownRoot } = await askToEnrol(session, name, browserRuntime)
    this.#tab.tell({ type: 'joining' })
    await this.#device.enrolled({ ...this.#own.must(), deviceId: device, root: ownRoot })
    await this.#own.load()
    this.#box.set({
      members: [],
      devices: [],
      invites: [],
      asked: null,
      security: null,
    })
    await this.#chat.timeline.load()
  }

  // Connecting

  /** One tab talks to the host, and not while a link waits in it. */
  #mayTalk(): boolean {
    return this.#tab.leading && this.#invite === null
  }

  /** What the tab before stored last it may have told nobody. */
  async #lead(): Promise<void> {
    const connecting = this.#connect()
    await this.#chat.timeline.refresh().catch((error) => this.#box.set({ error: codeOf(error) }))
    await connecting
  }

  /** One attempt to get connected, or to a fresh carrier; the next attempt follows by itself. */
  async #connect(way: Way = {}): Promise<void> {
    if (this.#connecting || this.#removed || !this.#mayTalk()) return
    this.#connecting = true
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#upgradeTimer)
    const moving = this.#chat.live !== null
    let found: Resolved | null = null
    try {
      // Another tab may have led, or joined, since this one looked.
      if (!moving) await this.#own.load()
      const root = this.#own.profile?.root ?? null
      if (root === null) return
      if (!moving) {
        const again = this.state.connection.epoch === null ? 'connecting' : 'reconnecting'
        const state = navigator.onLine ? again : 'offline'
        this.#box.connection({ state, route: null, steps: idleSteps() })
      }
      found = await this.#records.findOwn(root)
      const { session, route, epoch } = await this.#open(found.record, root, 'connect', way)
      const live = await this.#resume(session, epoch)
      this.#box.connection({ state: 'connected', route, epoch })
      this.#upgrades = 0
      this.ask.again()
      this.#tab.tell({ type: 'connected' })
      await this.#showSecurity(live)
      this.#spare = null
      rememberLink(null)
      if (this.#own.profile?.removed) await this.#own.update({ removed: false })
      // Every store gave an older record than this device has seen: the chat goes on, and it is said.
      const rolledBack = found.stores === 0 && found.older > 0
      this.#box.set({ error: rolledBack ? 'record-rollback' : null })
    } catch (error) {
      const stays =
        way.routes !== undefined && this.#chat.live !== null && codeOf(error) !== 'burned'
      if (!stays) this.#failed(causeOf(codeOf(error), found, this.state.clock), moving)
    } finally {
      this.#connecting = false
      this.#upgradeLater()
    }
  }

  /** What shorter ways there are than the one that carries the conversation; empty on the shortest, or on none. */
  #shorter(): readonly Route[] {
    const { route } = this.state.connection
    return this.#chat.live === null || route === null ? [] : SHORTER[route]
  }

  /** What does not go the shortest way tries it from time to time. */
  #upgradeLater(): void {
    const routes = this.#shorter()
    if (routes.length === 0) return
    const wait = UPGRADE_MS[Math.min(this.#upgrades, UPGRADE_MS.length - 1)] ?? 0
    this.#upgrades += 1
    this.#upgradeTimer = setTimeout(() => void this.#connect({ routes }), wait)
  }

  #open(record: RecordBody, root: Uint8Array, mode: Mode, way: Way = {}): Promise<Opened> {
    return openCarrier({
      box: this.#box,
      clock: this.#clock,
      records: this.#records,
      backend: this.#backend,
      deviceKey: () => this.#deviceKey(),
      record,
      root,
      mode,
      ...way,
    })
  }

  async #resume(session: Session, epoch: number): Promise<Live> {
    const deadline = setTimeout(() => session.close(), ANSWER_MS)
    try {
      return await this.#box.step('sync', () => this.#chat.resume(session, epoch))
    } finally {
      clearTimeout(deadline)
    }
  }

  #later(): void {
    const wait = BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 0
    this.#attempt += 1
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => void this.#connect(), wait)
  }

  async #takeRecord(bytes: Uint8Array): Promise<void> {
    try {
      await this.#records.take(bytes)
    } catch (error) {
      if (codeOf(error) !== 'burned') throw error
      await this.#burn()
    }
  }

  /** The host's last word (SPEC §3.5): nothing of this chat stays here, in no tab. */
  async #burn(): Promise<void> {
    const { profile } = this.#own
    // Session and store may both have said it.
    if (profile === null) return
    this.#drop()
    this.#own.note(null)
    await this.#device.burn(profile.hostPublicKey)
    this.#tab.tell({ type: 'burned' })
    this.#showBurned()
  }

  #showBurned(): void {
    this.#own.note(null)
    clearTimeout(this.#moveTimer)
    this.#box.set({
      ...{ phase: 'blank', error: 'burned', hostName: '', roomName: '', me: null, security: null },
      ...{
        rooms: [],
        members: [],
        devices: [],
        invites: [],
        asked: null,
        messages: [],
        hasOlder: false,
        loadingOlder: false,
      },
    })
  }

  #failed(code: ClawErrorCode, moving: boolean): void {
    if (code === 'burned') return void this.#burn()
    if (this.#removed) return
    // Asked again by a person, and still out.
    if (code === 'record-no-slot' && this.#own.profile?.removed) {
      this.#showRemoved()
      return
    }
    this.#later()
    if (moving && this.#chat.live !== null) return
    this.#box.connection({
      state: navigator.onLine ? 'reconnecting' : 'offline',
      route: null,
      latencyMs: null,
    })
    // The first failure may be a host that is just restarting; a second one is worth words.
    if (this.#attempt >= 2) this.#box.set({ error: code })
    this.#offerSpare(code)
  }

  #ended(live: Live): void {
    if (!this.#tab.leading) return
    if (this.#removed) {
      this.#showRemoved()
      return
    }
    // A conversation that held earns a quick return; one that breaks at once must not become a loop.
    if (Date.now() - live.sinceMs > STEADY_MS) this.#attempt = 0
    // Somebody else has this device's keys, a copy of the profile perhaps: taking turns quickly would help neither.
    if (this.#replaced) this.#attempt = BACKOFF_MS.length
    this.#replaced = false
    this.#box.connection({ state: 'reconnecting', route: null, latencyMs: null })
    this.#later()
  }

  #drop(): void {
    clearTimeout(this.#retryTimer)
    this.#chat.drop()
  }

  /** After a rotation, at a moment of its own within the grace, the conversation moves to the new port. */
  #plan({ atMs, epoch, intervalMs }: Extract<ClawMessage, { type: 'notice' }>): void {
    clearTimeout(this.#moveTimer)
    this.#moveTimer = setTimeout(
      () => {
        const { security } = this.state
        if (security !== null) this.#box.set({ security: { ...security, epoch, intervalMs } })
        const shorter = this.#shorter()
        // A carrier that uses none of the host's ports need not move; it may.
        const routes = shorter.length === 0 ? undefined : shorter
        void this.#connect({ onlyEpoch: epoch, routes })
      },
      this.#clock.untilAfter(atMs, intervalMs),
    )
  }

  #beat(): void {
    if (this.#chat.beat()) void this.#connect()
  }

  #hurry(): void {
    this.#attempt = 0
    // Whether the clock has been set right meanwhile, a fresh carrier tells.
    if (this.#chat.live === null || this.state.clock !== null) void this.#connect()
    else this.#beat()
  }

  handOver(files: readonly Blob[]): Promise<boolean> {
    return this.#handover.take(files)
  }

  retry(): void {
    this.#removed = false
    this.#box.set({ error: null, handover: null })
    this.#again()
  }

  #again(): void {
    if (this.#tab.leading) this.#hurry()
    else this.#tab.tell({ type: 'retry' })
  }

  // Other tabs

  /** Another tab has joined a host: this one belongs to it too. */
  async #reload(): Promise<void> {
    this.#drop()
    const profile = await this.#own.load()
    if (same(profile?.hostPublicKey, this.#invite?.invite.hostPublicKey)) {
      this.#invite = null
      rememberLink(null)
    }
    if (profile === null || this.#invite !== null) return
    await this.#showProfile(profile)
    await this.#connect()
  }

  #onTab(message: TabMessage): void {
    const { leading } = this.#tab
    if (leading && this.talk.onTab(message)) return
    switch (message.type) {
      case 'state':
        if (!leading && this.#invite === null)
          this.#box.set({
            ...message.state,
            handover: this.state.handover,
            asked: message.state.error === 'removed' ? null : this.state.asked,
          })
        break
      case 'joining':
        // The profile is about to change: nothing of the host so far may be written to it.
        this.#drop()
        this.#own.note(null)
        break
      case 'burned':
        this.#drop()
        this.#showBurned()
        break
      case 'joined':
        void this.#reload()
        break
      case 'request':
        if (leading) this.#chat.say(message.message)
        break
      case 'answer':
        this.ask.answered(message.message)
        break
      case 'connected':
        this.ask.again()
        break
      case 'hello':
        if (leading) this.#mirror()
        break
      case 'retry':
        if (leading) this.retry()
        break
      case 'resigned':
        break
    }
  }
}
