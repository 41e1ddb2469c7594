// The page's engine: takes the link, finds the host, keeps one conversation going, and says how it stands (model.ts).
// Only the leading tab dials and sends (tab.ts); every tab writes to the same outbox.
import type { Mode } from '../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError, type ClawErrorCode, codeOf } from '../shared/error.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Chatting } from './chatting.ts'
import { Clock } from './clock.ts'
import type { Live } from './conversation.ts'
import { Device } from './device.ts'
import { Handover } from './handover.ts'
import { Joining } from './joining.ts'
import type { Profile } from './keep.ts'
import { speakAll } from './language.ts'
import { rememberedLink, rememberLink, takeFragment } from './link.ts'
import { closeTab, Locking } from './locking.ts'
import type { AppState, Connection, Engine } from './model.ts'
import { watchNetwork } from './network.ts'
import { type Opened, openCarrier, preloadWays, SHORTER } from './open.ts'
import type { Doors } from './opening.ts'
import { Own } from './own.ts'
import { Part } from './part.ts'
import { lookMs } from './pulse.ts'
import { causeOf, Records } from './records.ts'
import {
  counts,
  type DialEffect,
  type RedialEffect,
  type RedialInput,
  type RedialTimer,
  restingRedial,
  stepRedial,
  type Way,
} from './redial.ts'
import type { Resolved } from './resolve.ts'
import { securityOf } from './security.ts'
import type { Session } from './session.ts'
import { StateBox } from './state.ts'
import { idleSteps, Steps } from './steps.ts'
import { Tab, type TabMessage } from './tab.ts'
import { dhKeyOf, pickBackend } from './webcrypto.ts'

const ANSWER_MS = 15_000

/** What may lead to a dial. */
const BEGINS: ReadonlySet<RedialInput['type']> = new Set(['want', 'network', 'suspect', 'fired'])

const CHATTING = new Part(async () => {
  // Names of rooms and news are words too.
  const [{ Chatting }] = await Promise.all([import('./chatting.ts'), speakAll()])
  return Chatting
})

/** @throws ClawError: `storage`, `page-incomplete` */
export async function startEngine(doors: Doors): Promise<Engine> {
  const link = takeFragment() ?? rememberedLink()
  // With a link there is time until Join is pressed.
  if (link === null) CHATTING.preload()
  const backend = await pickBackend()
  const unlock: Doors['unlock'] = (lock) => {
    // A reload, or another day, asks again.
    if (link !== null) rememberLink(link)
    return doors.unlock(lock)
  }
  const blocked = (): void => doors.blocked()
  const engine = new PageEngine(backend, await Device.open(backend, { unlock, blocked }))
  // While it was locked another link may have been opened in this tab.
  await engine.start(takeFragment() ?? link)
  CHATTING.preload()
  return engine
}

class PageEngine implements Engine {
  readonly #backend: CryptoBackend
  readonly #device: Device
  readonly #own: Own
  readonly #box = new StateBox(() => this.#mirror())
  readonly #clock = new Clock(this.#box, () => Date.now())
  readonly #records: Records
  readonly #handover: Handover
  readonly lock: Locking
  /** null until it is loaded, which it is before a chat is shown or a carrier used */
  #loaded: Chatting | null = null
  readonly #tab: Tab
  readonly #joining: Joining
  #redial = restingRedial(SHORTER)
  readonly #timers = new Map<RedialTimer, ReturnType<typeof setTimeout>>()
  #replaced = false
  /** the host said that this device was revoked: nothing here asks it again but a person */
  #removed = false
  /** why the last dial failed */
  #cause: ClawErrorCode | null = null
  /** when the port of the notice comes into use */
  #noticed: ReturnType<typeof setTimeout> | undefined
  #nextBeat: ReturnType<typeof setTimeout> | undefined
  /** of the carrier in use, while another one is dialled because it is suspect */
  #trustedSteps: Connection['steps'] = []

  constructor(backend: CryptoBackend, device: Device) {
    this.#backend = backend
    this.#device = device
    this.#own = new Own(device)
    this.#records = new Records(this.#own, this.#box, this.#clock)
    this.#handover = new Handover({
      own: this.#own,
      box: this.#box,
      records: this.#records,
      invite: () => this.#joining.invite,
      onTaken: () => this.#again(),
      onBurned: () => void this.#burn(),
    })
    this.#tab = new Tab({
      device,
      onMessage: (message) => this.#onTab(message),
      onLead: () => void this.#lead(),
      onLost: () => {
        this.#rest()
        this.#loaded?.files.leave()
      },
    })
    this.lock = new Locking({ device, tell: (message) => this.#tab.tell(message) })
    this.#joining = new Joining({
      device,
      own: this.#own,
      box: this.#box,
      records: this.#records,
      steps: this.#steps(),
      open: (record, root) => this.#openToEnrol(record, root),
      onOffer: () => this.#rest(),
      onJoining: () => this.#tab.tell({ type: 'joining' }),
      onEnrolled: () => this.#enrolled(),
      onJoined: () => this.#joined(),
      onDismiss: () => void this.#reload(),
    })
  }

  get #chat(): Chatting {
    if (this.#loaded === null) throw new Error('bug: the chat is not loaded yet')
    return this.#loaded
  }

  get ask(): Chatting['asking'] {
    return this.#chat.asking
  }

  get talk(): Chatting['talk'] {
    return this.#chat.talk
  }

  get files(): Chatting['filing'] {
    return this.#chat.filing
  }

  get seek(): Chatting['seek'] {
    return this.#chat.seek
  }

  get notifications(): Chatting['notifications'] {
    return this.#chat.notifications
  }

  /** What follows the handshake. @throws ClawError('page-incomplete') */
  async #load(): Promise<Chatting> {
    const Loaded = await CHATTING.load()
    if (this.#loaded !== null) return this.#loaded
    this.#loaded = new Loaded({
      device: this.#device,
      own: this.#own,
      box: this.#box,
      tab: this.#tab,
      mayTalk: () => this.#mayTalk(),
      onEnded: (live) => this.#ended(live),
      onRecord: (bytes) => this.#takeRecord(bytes),
      onNotice: (notice) => this.#plan(notice),
      onBye: (reason) => {
        this.#replaced = reason === 'replaced'
        if (reason === 'revoked') void this.#noteRemoved()
      },
      onTrusted: () => this.#trusted(),
    })
    if (this.#tab.leading) void this.#loaded.files.load().catch(() => undefined)
    return this.#loaded
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
      if (later !== null) this.#joining.take(later)
    })
    try {
      const profile = await this.#own.load()
      if (profile !== null) await this.#showProfile(profile)
    } catch (error) {
      if (codeOf(error) === 'page-incomplete') throw error
      this.#box.set({ phase: 'blank', error: codeOf(error) })
      return
    }
    if (fragment !== null) this.#joining.take(fragment)
    if (this.#own.profile === null && this.#joining.invite === null)
      this.#box.set({ phase: 'blank' })
    watchNetwork({
      // What the old carrier still says is no sign that it lasts.
      onAnother: () => this.#feed({ type: 'network' }),
      onNone: () => this.#box.connection({ state: 'offline' }),
      onDoubt: () => this.#doubt(),
    })
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return
      this.#hurry()
      this.#loaded?.talk.look()
    })
    addEventListener('focus', () => this.#loaded?.talk.look())
    this.#beat()
    this.lock.start()
    await this.#tab.start()
  }

  /** Shows the other tabs how things stand; an invite, and what was asked, concern only the tab where that was. */
  #mirror(): void {
    if (this.#mayTalk()) this.#tab.tell({ type: 'state', state: { ...this.state, asked: null } })
    this.#loaded?.follow()
  }

  async #showProfile(profile: Profile): Promise<void> {
    if (profile.deviceId === null) {
      // An enrolment that broke off: the same link, kept here, is tried again.
      if (profile.invite !== null) this.#joining.take(profile.invite)
      return
    }
    const { conversation } = await this.#load()
    this.#box.set({ phase: 'chat' })
    await conversation.timeline.load()
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
    this.#joining.offerSpare('removed')
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

  join(name: string): void {
    void this.#joining.join(name)
  }

  dismiss(): void {
    this.#joining.dismiss()
  }

  async #enrolled(): Promise<void> {
    this.notifications.forget()
    this.#box.set({ members: [], devices: [], invites: [], asked: null, security: null })
    await this.#chat.conversation.timeline.load()
  }

  async #joined(): Promise<void> {
    this.#removed = false
    this.#box.set({ phase: 'chat', otherChat: null, error: null })
    this.#tab.tell({ type: 'joined' })
    this.#feed({ type: 'want' })
  }

  // Connecting

  /** One tab talks to the host, and not while a link waits in it. */
  #mayTalk(): boolean {
    return this.#tab.leading && this.#joining.invite === null
  }

  /** What the tab before stored last it may have told nobody. */
  async #lead(): Promise<void> {
    this.#feed({ type: 'want' })
    if (this.#loaded === null) return
    const { files, conversation } = this.#loaded
    void files.load().catch(() => undefined)
    await conversation.timeline.refresh().catch((error) => this.#box.set({ error: codeOf(error) }))
  }

  #feed(input: RedialInput): void {
    if (BEGINS.has(input.type) && (this.#removed || !this.#mayTalk())) return
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
        this.#down(effect.lasting)
        break
    }
  }

  /** Of this dial, else of joining; once a later dial has begun, its steps are shown instead. */
  #steps(dial: number | null = null): Steps {
    const isShown = (): boolean =>
      dial === null || (dial === this.#redial.begun && counts(this.#redial, dial))
    return new Steps({ box: this.#box, clock: () => performance.now(), isShown })
  }

  /** Finds the host, opens a carrier and resumes the conversation on it. */
  async #dial({ dial, way, beside, urgent, hedge }: DialEffect): Promise<void> {
    const steps = this.#steps(dial)
    let found: Resolved | null = null
    try {
      // Another tab may have led, or joined, since this one looked.
      if (!beside) await this.#own.load()
      const root = this.#own.profile?.root ?? null
      if (root === null) return this.#rest()
      const loading = this.#load()
      // Awaited once there is a session to use it.
      loading.catch(() => undefined)
      if (!beside) this.#showDialling()
      found = await this.#records.findOwn(root, steps, hedge)
      const how = { ...way, urgent }
      const { session, route, epoch } = await this.#open(found.record, root, 'connect', steps, how)
      await loading.catch((error) => {
        session.close()
        throw error
      })
      const live = await this.#resume(session, epoch, dial, steps)
      // It may have ended since.
      if (this.#chat.conversation.live !== live) throw new ClawError('no-answer')
      // A later one may have begun beside it.
      if (dial !== this.#redial.begun) steps.show()
      this.#feed({ type: 'up', dial, route })
      this.#box.connection({ state: 'connected', route, epoch })
      this.#chat.files.live(route)
      await this.#connected(live, found).catch((error) => this.#box.set({ error: codeOf(error) }))
    } catch (error) {
      this.#failed(dial, causeOf(codeOf(error), found, this.state.clock))
    }
  }

  #failed(dial: number, cause: ClawErrorCode): void {
    if (cause === 'burned') return void this.#burn()
    // Asked again by a person, and still out.
    if (cause === 'record-no-slot' && this.#own.profile?.removed) this.#showRemoved()
    this.#cause = cause
    this.#feed({ type: 'failed', dial })
  }

  #showDialling(): void {
    const again = this.state.connection.epoch === null ? 'connecting' : 'reconnecting'
    const state = navigator.onLine ? again : 'offline'
    this.#box.connection({ state, route: null, steps: idleSteps() })
  }

  async #connected(live: Live, found: Resolved): Promise<void> {
    this.#chat.askAgain()
    preloadWays()
    this.#tab.tell({ type: 'connected' })
    await this.#showSecurity(live)
    this.#joining.forgetSpare()
    if (this.#own.profile?.removed) await this.#own.update({ removed: false })
    // Every store gave an older record than this device has seen: the chat goes on, and it is said.
    const rolledBack = found.stores === 0 && found.older > 0
    this.#box.set({ error: rolledBack ? 'record-rollback' : null })
  }

  #open(
    record: RecordBody,
    root: Uint8Array,
    mode: Mode,
    steps: Steps,
    how: Way & { readonly urgent?: boolean } = {},
  ): Promise<Opened> {
    return openCarrier({
      steps,
      clock: this.#clock,
      records: this.#records,
      backend: this.#backend,
      deviceKey: () => this.#deviceKey(),
      record,
      root,
      mode,
      ...how,
    })
  }

  /** The host is asked for nothing that could not be shown then. */
  async #openToEnrol(record: RecordBody, root: Uint8Array): Promise<Opened> {
    const opened = await this.#open(record, root, 'enrol', this.#steps())
    await this.#load().catch((error) => {
      opened.session.close()
      throw error
    })
    return opened
  }

  async #resume(session: Session, epoch: number, dial: number, steps: Steps): Promise<Live> {
    // Meanwhile the profile may have become another host's: nothing of it may be said to this one.
    if (!counts(this.#redial, dial)) {
      session.close()
      throw new ClawError('superseded')
    }
    const deadline = setTimeout(() => session.close(), ANSWER_MS)
    try {
      return await steps.run('sync', () => this.#chat.conversation.resume(session, epoch))
    } finally {
      clearTimeout(deadline)
    }
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
    this.#rest()
    this.#loaded?.notifications.forget()
    this.#own.note(null)
    await this.#device.burn(profile.hostPublicKey)
    await this.#loaded?.files.clear().catch(() => undefined)
    this.#tab.tell({ type: 'burned' })
    this.#showBurned()
  }

  #showBurned(): void {
    this.#own.note(null)
    clearTimeout(this.#noticed)
    this.#box.set({
      ...{ phase: 'blank', error: 'burned', hostName: '', roomName: '', me: null, security: null },
      ...{
        rooms: [],
        members: [],
        devices: [],
        invites: [],
        asked: null,
        messages: [],
        transfers: [],
        hasOlder: false,
        loadingOlder: false,
      },
    })
  }

  #down(lasting: boolean): void {
    if (this.#removed) return
    this.#box.connection({
      state: navigator.onLine ? 'reconnecting' : 'offline',
      route: null,
      latencyMs: null,
    })
    // The first failure may be a host that is just restarting; a second one is worth words.
    if (lasting) this.#box.set({ error: this.#cause })
    this.#joining.offerSpare(this.#cause)
    this.#cause = null
  }

  #ended(live: Live): void {
    this.#chat.files.rest()
    if (!this.#tab.leading) return
    if (this.#removed) {
      this.#showRemoved()
      return
    }
    const replaced = this.#replaced
    this.#replaced = false
    this.#feed({ type: 'ended', heldMs: Date.now() - live.sinceMs, replaced })
  }

  /** No carrier, and no wish for one. */
  #rest(): void {
    this.#feed({ type: 'rest' })
    this.#loaded?.files.rest()
    this.#loaded?.conversation.drop()
  }

  /** After a rotation, at a moment of its own within the grace, the conversation moves to the new port. */
  #plan({ atMs, epoch, intervalMs }: Extract<ClawMessage, { type: 'notice' }>): void {
    const inMs = this.#clock.untilAfter(atMs, intervalMs)
    clearTimeout(this.#noticed)
    this.#noticed = setTimeout(() => {
      const { security } = this.state
      if (security !== null) this.#box.set({ security: { ...security, epoch, intervalMs } })
    }, inMs)
    this.#feed({ type: 'notice', epoch, inMs })
  }

  #beat(): void {
    clearTimeout(this.#nextBeat)
    // A relay's messages are counted by whoever runs it.
    const { visibilityState } = document
    const brisk = visibilityState === 'visible' && this.state.connection.route !== 'relay'
    this.#nextBeat = setTimeout(() => this.#beat(), lookMs(brisk))
    const due = this.#loaded?.conversation.beat(brisk)
    if (due === 'fresh') this.#feed({ type: 'want' })
    if (due === 'suspect') this.#suspect()
  }

  /** Make before break: what the old carrier may still say is heard meanwhile. */
  #suspect(): void {
    this.#trustedSteps = this.state.connection.steps
    const heldMs = Date.now() - (this.#chat.conversation.live?.sinceMs ?? 0)
    this.#feed({ type: 'suspect', heldMs })
    this.#box.connection({ state: 'reconnecting', latencyMs: null })
  }

  #trusted(): void {
    this.#feed({ type: 'trusted' })
    this.#box.connection({ state: 'connected', steps: this.#trustedSteps })
  }

  #doubt(): void {
    this.#loaded?.conversation.doubt()
    this.#beat()
  }

  #hurry(): void {
    // Whether the clock has been set right meanwhile, a fresh carrier tells.
    if ((this.#loaded?.conversation.live ?? null) === null || this.state.clock !== null)
      this.#feed({ type: 'want', soon: true })
    else this.#doubt()
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
    this.#rest()
    const profile = await this.#own.load()
    this.#joining.forgetIfOf(profile?.hostPublicKey)
    if (profile === null || this.#joining.invite !== null) return
    await this.#showProfile(profile)
    if (!this.#tab.leading) this.#tab.tell({ type: 'hello' })
    this.#feed({ type: 'want' })
  }

  #onTab(message: TabMessage): void {
    const { leading } = this.#tab
    if (this.#loaded?.onTab(message)) return
    switch (message.type) {
      case 'state':
        // A chat can be shown once it is loaded; then it is asked for.
        if (!leading && this.#loaded !== null && this.#joining.invite === null)
          this.#box.set({
            ...message.state,
            handover: this.state.handover,
            asked: message.state.error === 'removed' ? null : this.state.asked,
          })
        break
      case 'joining':
        // The profile is about to change: nothing of the host so far may be written to it.
        this.#rest()
        this.#own.note(null)
        break
      case 'burned':
        this.#rest()
        this.#showBurned()
        break
      case 'joined':
        void this.#reload().catch((error) => this.#box.set({ error: codeOf(error) }))
        break
      case 'hello':
        if (leading) this.#mirror()
        break
      case 'retry':
        if (leading) this.retry()
        break
      case 'lock':
        void closeTab()
        break
    }
  }
}
