// The page's engine: takes the link, finds the host, keeps one conversation going, and says how it stands (model.ts).
// Only the leading tab dials and sends (tab.ts); every tab writes to the same outbox.
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { type ClawErrorCode, codeOf } from '../shared/error.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Chatting } from './chatting.ts'
import { Clock } from './clock.ts'
import type { Live } from './conversation.ts'
import { Device } from './device.ts'
import { Dialling } from './dialling.ts'
import { Handover } from './handover.ts'
import { Joining } from './joining.ts'
import type { Profile } from './keep.ts'
import { speakAll } from './language.ts'
import { rememberedLink, rememberLink, takeFragment } from './link.ts'
import { closeTab, Locking } from './locking.ts'
import type { AppState, Engine } from './model.ts'
import { watchNetwork } from './network.ts'
import { type Opened, preloadWays } from './open.ts'
import type { Doors } from './opening.ts'
import { Own } from './own.ts'
import { Part } from './part.ts'
import { lookMs } from './pulse.ts'
import { Records } from './records.ts'
import type { Resolved } from './resolve.ts'
import { securityOf } from './security.ts'
import { StateBox } from './state.ts'
import { Tab, type TabMessage } from './tab.ts'
import { dhKeyOf, pickBackend } from './webcrypto.ts'

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
  readonly #dialling: Dialling
  #replaced = false
  /** the host said that this device was revoked: nothing here asks it again but a person */
  #removed = false
  /** when the port of the notice comes into use */
  #noticed: ReturnType<typeof setTimeout> | undefined
  #nextBeat: ReturnType<typeof setTimeout> | undefined

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
    this.#dialling = new Dialling({
      ...{ backend, own: this.#own, box: this.#box, clock: this.#clock, records: this.#records },
      deviceKey: () => this.#deviceKey(),
      load: () => this.#load(),
      mayDial: () => !this.#removed && this.#mayTalk(),
      onNobody: () => this.#rest(),
      onConnected: (live, found) => this.#connected(live, found),
      onFailed: (cause) => this.#failed(cause),
      onDown: (cause, lasting) => this.#down(cause, lasting),
    })
    this.#joining = new Joining({
      device,
      own: this.#own,
      box: this.#box,
      records: this.#records,
      steps: this.#dialling.steps(),
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
      onTrusted: () => this.#dialling.trusted(),
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
      onAnother: () => this.#dialling.feed({ type: 'network' }),
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
    this.#dialling.feed({ type: 'want' })
  }

  // Connecting

  /** One tab talks to the host, and not while a link waits in it. */
  #mayTalk(): boolean {
    return this.#tab.leading && this.#joining.invite === null
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

  /** @returns whether there is nothing left to dial for */
  #failed(cause: ClawErrorCode): boolean {
    if (cause === 'burned') void this.#burn()
    // Asked again by a person, and still out.
    if (cause === 'record-no-slot' && this.#own.profile?.removed) this.#showRemoved()
    return cause === 'burned'
  }

  #down(cause: ClawErrorCode | null, lasting: boolean): void {
    if (this.#removed) return
    this.#box.connection({
      state: navigator.onLine ? 'reconnecting' : 'offline',
      route: null,
      latencyMs: null,
    })
    // The first failure may be a host that is just restarting; a second one is worth words.
    if (lasting) this.#box.set({ error: cause })
    this.#joining.offerSpare(cause)
  }

  /** The host is asked for nothing that could not be shown then. */
  async #openToEnrol(record: RecordBody, root: Uint8Array): Promise<Opened> {
    const opened = await this.#dialling.open(record, root, 'enrol', this.#dialling.steps())
    await this.#load().catch((error) => {
      opened.session.close()
      throw error
    })
    return opened
  }

  /** What the tab before stored last it may have told nobody. */
  async #lead(): Promise<void> {
    this.#dialling.feed({ type: 'want' })
    if (this.#loaded === null) return
    const { files, conversation } = this.#loaded
    void files.load().catch(() => undefined)
    await conversation.timeline.refresh().catch((error) => this.#box.set({ error: codeOf(error) }))
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
    await this.#loaded?.faces.clear().catch(() => undefined)
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

  #ended(live: Live): void {
    this.#chat.files.rest()
    if (!this.#tab.leading) return
    if (this.#removed) {
      this.#showRemoved()
      return
    }
    const replaced = this.#replaced
    this.#replaced = false
    this.#dialling.feed({ type: 'ended', heldMs: Date.now() - live.sinceMs, replaced })
  }

  /** No carrier, and no wish for one. */
  #rest(): void {
    this.#dialling.feed({ type: 'rest' })
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
    this.#dialling.feed({ type: 'notice', epoch, inMs })
  }

  #beat(): void {
    clearTimeout(this.#nextBeat)
    // A relay's messages are counted by whoever runs it.
    const { visibilityState } = document
    const brisk = visibilityState === 'visible' && this.state.connection.route !== 'relay'
    this.#nextBeat = setTimeout(() => this.#beat(), lookMs(brisk))
    const due = this.#loaded?.conversation.beat(brisk)
    if (due === 'fresh') this.#dialling.feed({ type: 'want' })
    if (due === 'suspect') this.#dialling.suspect(this.#chat.conversation.live)
  }

  #doubt(): void {
    this.#loaded?.conversation.doubt()
    this.#beat()
  }

  #hurry(): void {
    // Whether the clock has been set right meanwhile, a fresh carrier tells.
    if ((this.#loaded?.conversation.live ?? null) === null || this.state.clock !== null)
      this.#dialling.feed({ type: 'want', soon: true })
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
    this.#dialling.feed({ type: 'want' })
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
