// The page's engine: takes the link, finds the host, keeps one conversation going, and says how it stands (web/model.ts).
// Only the leading tab dials and sends (web/tab.ts); every tab writes to the same outbox.
import { fromHex, toHex } from '../shared/bytes.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { decodeEvent, encodeEvent, type StoredMessage as WireMessage } from '../shared/events.ts'
import { sha256 } from '../shared/hash.ts'
import { decodeInvite, type Invite, inviteRoot } from '../shared/invite.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { epochAt, openRecord, type RecordBody } from '../shared/record.ts'
import { safetyCode } from '../shared/safety.ts'
import { holeBefore, mergeMessages } from './chat.ts'
import { Device, type Profile, type StoredMessage } from './device.ts'
import { type Carrier, dial } from './dial.ts'
import type { AppState, Engine, Step, StepName } from './model.ts'
import { resolveRecord } from './resolve.ts'
import { openSession, type Session } from './session.ts'
import { Tab, type TabMessage } from './tab.ts'
import { dhKeyOf, pickBackend } from './webcrypto.ts'

const ROOM = new Uint8Array(16)
const SHOWN_AT_START = 200
const PAGE = 100
const BACKOFF_MS = [200, 500, 1000, 2000, 4000, 8000, 15_000]
const PING_MS = 5000
const SILENCE_MS = 12_000
const JOIN_AGAIN_MS = 3000
/** What passes by itself. */
const PASSING: readonly ClawErrorCode[] = [
  'no-network',
  'no-answer',
  'store-unreachable',
  'record-missing',
]
const STEADY_MS = 10_000
const ANSWER_MS = 15_000
const FRESH_CARRIER_MS = 6 * 3_600_000
const SLOT_TRIES = 10
const SLOT_WAIT_MS = 500
const STEPS: readonly StepName[] = ['record', 'verify', 'direct', 'handshake', 'sync']
const idleSteps = (): Step[] =>
  STEPS.map((name) => ({ name, status: 'waiting', ms: null, code: null, facts: {} }))
const codeOf = (error: unknown): ClawErrorCode =>
  error instanceof ClawError ? error.code : 'internal'
/** Whether the room has messages before the first one here. */
const startsLate = (messages: AppState['messages']): boolean =>
  (messages.find(({ seq }) => seq !== null)?.seq ?? 1) > 1
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const blank: AppState = {
  phase: 'starting',
  hostName: '',
  roomName: '',
  me: null,
  members: [],
  devices: [],
  messages: [],
  hasOlder: false,
  loadingOlder: false,
  connection: {
    state: 'connecting',
    route: null,
    epoch: null,
    latencyMs: null,
    steps: idleSteps(),
  },
  security: null,
  error: null,
}

/** Takes the invite out of the address bar before anything else can see it. */
function takeFragment(): string | null {
  const fragment = location.hash.slice(1)
  if (fragment === '') return null
  history.replaceState(null, '', location.pathname + location.search)
  return fragment
}

export async function startEngine(): Promise<Engine> {
  const fragment = takeFragment()
  const engine = new PageEngine()
  await engine.start(fragment)
  return engine
}

interface Live {
  readonly session: Session
  readonly carrier: Carrier
  readonly sinceMs: number
  heardMs: number
  sentUpTo: number
  resumed: boolean
}

class PageEngine implements Engine {
  state: AppState = blank
  readonly #listeners = new Set<(state: AppState) => void>()
  #device: Device | null = null
  #profile: Profile | null = null
  #invite: { fragment: string; invite: Invite } | null = null
  #backend: CryptoBackend | null = null
  #tab: Tab | null = null
  #live: Live | null = null
  #connecting = false
  #attempt = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #moveTimer: ReturnType<typeof setTimeout> | undefined
  #joinTimer: ReturnType<typeof setTimeout> | undefined
  #painted = false

  async start(fragment: string | null): Promise<void> {
    addEventListener('hashchange', () => {
      const later = takeFragment()
      if (later !== null) this.#takeInvite(later)
    })
    this.#backend = await pickBackend()
    try {
      this.#device = await Device.open()
      this.#profile = await this.#device.profile()
    } catch (error) {
      this.#set({ phase: 'blank', error: codeOf(error) })
      return
    }
    const device = this.#device
    if (this.#profile !== null) await this.#showProfile(this.#profile)
    if (fragment !== null) this.#takeInvite(fragment)
    if (this.#profile === null && this.#invite === null) this.#set({ phase: 'blank' })
    this.#tab = new Tab({
      device,
      onMessage: (message) => this.#onTab(message),
      onLead: () => void this.#connect(),
      onLost: () => this.#drop(),
    })
    addEventListener('online', () => this.#hurry())
    addEventListener('offline', () => this.#connection({ state: 'offline' }))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#hurry()
    })
    setInterval(() => this.#beat(), PING_MS)
    await this.#tab.start()
  }

  subscribe(listener: (state: AppState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #set(change: Partial<AppState>): void {
    this.state = { ...this.state, ...change }
    this.#mirror()
    if (this.#painted) return
    this.#painted = true
    queueMicrotask(() => {
      this.#painted = false
      for (const listener of this.#listeners) listener(this.state)
    })
  }

  /** Shows the other tabs how things stand; an invite concerns only the tab that opened it. */
  #mirror(): void {
    if (this.#tab?.leading && this.#invite === null)
      this.#tab.tell({ type: 'state', state: this.state })
  }

  #connection(change: Partial<AppState['connection']>): void {
    this.#set({ connection: { ...this.state.connection, ...change } })
  }

  /** Runs one step of "Connection details" and notes how long it took and how it ended. */
  async #step<T>(
    name: StepName,
    run: () => Promise<T>,
    facts: (result: T) => Step['facts'] = () => ({}),
  ): Promise<T> {
    const startMs = performance.now()
    const note = (change: Partial<Step>): void => {
      const ms = Math.round(performance.now() - startMs)
      const steps = this.state.connection.steps.map((step) =>
        step.name === name ? { ...step, ms, ...change } : step,
      )
      this.#connection({ steps })
    }
    note({ status: 'running', ms: null, code: null })
    try {
      const result = await run()
      note({ status: 'done', facts: facts(result) })
      return result
    } catch (error) {
      note({ status: 'failed', code: codeOf(error) })
      throw error
    }
  }

  #takeInvite(fragment: string): void {
    try {
      const invite = decodeInvite(fragment)
      const host = this.#profile?.hostPublicKey
      const known = host !== undefined && toHex(host) === toHex(invite.hostPublicKey)
      // This browser is a device of that host already: the link stays unused.
      if (known && this.#profile?.deviceId) return
      this.#invite = { fragment, invite }
      // The press of Join was for the link before.
      clearTimeout(this.#joinTimer)
      // What another host still says must not stand under this one's name.
      this.#drop()
      this.#set({ phase: 'join', hostName: invite.hostName, error: null })
    } catch (error) {
      const phase = this.#profile === null ? 'blank' : this.state.phase
      this.#set({ phase, error: codeOf(error) })
    }
  }

  async #showProfile(profile: Profile): Promise<void> {
    if (profile.deviceId === null) {
      // An enrolment that broke off: the same link, kept here, is tried again.
      if (profile.invite !== null) this.#takeInvite(profile.invite)
      return
    }
    const messages = (await this.#device?.messages(SHOWN_AT_START)) ?? []
    this.#set({
      phase: 'chat',
      hostName: profile.hostName,
      roomName: profile.roomName,
      me: profile.member,
      messages,
      hasOlder: startsLate(messages),
    })
    await this.#showSecurity(null)
  }

  async #deviceKey(): Promise<DhKey> {
    const key = this.#profile?.key
    if (key === undefined || this.#backend === null) throw new ClawError('storage')
    return key instanceof Uint8Array ? this.#backend.dhKey(key) : dhKeyOf(key)
  }

  async #showSecurity(live: Live | null): Promise<void> {
    const profile = this.#profile
    if (profile === null || this.#backend === null) return
    const { publicKey } = await this.#deviceKey()
    const known = this.state.security
    this.#set({
      security: {
        hostFingerprint: toHex(sha256(profile.hostPublicKey).slice(0, 16)),
        safetyCode: safetyCode(profile.hostPublicKey, publicKey),
        keysRenewedAtMs: live?.sinceMs ?? known?.keysRenewedAtMs ?? null,
        epoch: live?.carrier.epoch ?? known?.epoch ?? null,
        intervalMs: known?.intervalMs ?? null,
        knownSinceMs: profile.knownSinceMs,
        keyProtected: !(profile.key instanceof Uint8Array),
        secureContext: isSecureContext,
        backend: this.#backend.name === 'webcrypto' ? 'webcrypto' : 'noble',
      },
    })
  }

  join(name: string): void {
    void this.#join(name)
  }

  async #join(name: string, again = false): Promise<void> {
    clearTimeout(this.#joinTimer)
    const taken = this.#invite
    if (taken === null || this.#device === null || this.state.phase === 'joining') return
    const { fragment, invite } = taken
    this.#set(again ? { phase: 'joining' } : { phase: 'joining', error: null })
    this.#connection({ state: 'connecting', steps: idleSteps() })
    try {
      this.#profile = await this.#device.begin(
        fragment,
        invite.hostPublicKey,
        invite.hostName,
        name,
      )
      await this.#enrol(invite, name)
      this.#invite = null
      this.#set({ phase: 'chat', roomName: invite.hostName, error: null })
      this.#tab?.tell({ type: 'joined' })
      await this.#connect()
    } catch (error) {
      const code = codeOf(error)
      this.#profile = await this.#device.profile().catch(() => null)
      this.#set({ phase: 'join', error: code })
      // Join was pressed once; what a network does meanwhile should not ask for it again.
      if (PASSING.includes(code)) {
        this.#joinTimer = setTimeout(() => void this.#join(name, true), JOIN_AGAIN_MS)
      }
    }
  }

  /** Mode 1 (SPEC §6.3). */
  async #enrol(invite: Invite, name: string): Promise<void> {
    const root = inviteRoot(invite)
    const { record } = await this.#find(root, invite.locator, invite.hostPublicKey, invite.minSeq)
    const { session } = await this.#open(record, root, 'enrol')
    const answer = await new Promise<ClawMessage>((resolve, reject) => {
      session.run(resolve, () => reject(new ClawError('no-answer')))
      session.send({ type: 'enrol', name })
      setTimeout(() => session.close(), ANSWER_MS)
    })
    session.close()
    if (answer.type === 'enrol-fail') throw new ClawError(answer.code)
    if (answer.type !== 'enrol-ok') throw new ClawError('handshake-failed')
    this.#tab?.tell({ type: 'joining' })
    const enrolled = { ...this.#mustProfile(), deviceId: answer.device, root: answer.root }
    await this.#device?.enrolled(enrolled)
    this.#profile = (await this.#device?.profile()) ?? null
    this.#set({ messages: [], hasOlder: false, me: null, members: [], devices: [], security: null })
  }

  async #find(
    root: Uint8Array,
    locator: Invite['locator'],
    hostPublicKey: Uint8Array,
    minSeq: number,
  ) {
    const cached = this.#profile?.record ?? null
    const resolve = () =>
      resolveRecord({
        locator,
        root,
        hostPublicKey,
        minSeq,
        cached,
        fetch: (url, init) => fetch(url, init),
      })
    const found = await this.#step('record', resolve, ({ stores, asked, record }) => ({
      stores,
      asked,
      ageMs: Math.max(0, Date.now() - record.issuedMs),
    }))
    await this.#step('verify', async () => this.#keepRecord(found.bytes, found.record))
    return found
  }

  async #keepRecord(bytes: Uint8Array, record: RecordBody): Promise<void> {
    if (this.#profile === null || record.seq < this.#profile.seq) return
    if (this.#profile.deviceId === null) {
      this.#profile = { ...this.#profile, record: bytes, seq: record.seq }
      return
    }
    this.#profile = (await this.#device?.update({ record: bytes, seq: record.seq })) ?? null
    const { security } = this.state
    if (security !== null) this.#set({ security: { ...security, intervalMs: record.intervalMs } })
  }

  async #open(record: RecordBody, root: Uint8Array, mode: 'enrol' | 'connect') {
    const facts = { addresses: record.addresses.length }
    const carrier = await this.#step(
      'direct',
      () => dial({ record, root, nowMs: Date.now() }),
      () => facts,
    )
    const backend = this.#backend
    if (backend === null) throw new Error('bug: no crypto back end')
    const handshake = async (): Promise<Session> =>
      openSession({ carrier, mode, backend, record, root, deviceKey: await this.#deviceKey() })
    try {
      return { carrier, session: await this.#step('handshake', handshake) }
    } catch (error) {
      carrier.close()
      throw error
    }
  }

  /** One tab talks to the host, and not while a link to another host waits in it. */
  #mayTalk(): boolean {
    return this.#tab?.leading === true && this.#invite === null
  }

  /** One attempt to get connected; the next follows by itself. */
  async #connect(): Promise<void> {
    if (this.#connecting || !this.#mayTalk()) return
    this.#connecting = true
    clearTimeout(this.#retryTimer)
    const moving = this.#live !== null
    try {
      // Another tab may have led, or joined, since this one looked.
      if (!moving) this.#profile = (await this.#device?.profile()) ?? null
      const root = this.#profile?.root ?? null
      if (root === null) return
      if (!moving) {
        const state = this.state.connection.epoch === null ? 'connecting' : 'reconnecting'
        this.#connection({ state, route: null, steps: idleSteps() })
      }
      const { record } = await this.#findOwn(root)
      const opened = await this.#open(record, root, 'connect')
      await this.#resume(opened.session, opened.carrier, record)
      if (this.state.error !== 'record-rollback') this.#set({ error: null })
    } catch (error) {
      this.#failed(codeOf(error), moving)
    } finally {
      this.#connecting = false
    }
  }

  /** A device that has just enrolled waits until a store has the record with its slot. */
  async #findOwn(root: Uint8Array) {
    for (let i = 1; ; i++) {
      const { record, hostPublicKey, seq } = this.#mustProfile()
      const locator = this.#locator(record, root)
      try {
        return await this.#find(root, locator, hostPublicKey, seq)
      } catch (error) {
        if (codeOf(error) !== 'record-no-slot' || i === SLOT_TRIES) throw error
        await sleep(SLOT_WAIT_MS)
      }
    }
  }

  /** The newest record's own list of stores; before there is one, the invite's. */
  #locator(bytes: Uint8Array | null, root: Uint8Array): Invite['locator'] {
    const { hostPublicKey, invite } = this.#mustProfile()
    for (const credential of [
      root,
      ...(invite === null ? [] : [inviteRoot(decodeInvite(invite))]),
    ]) {
      try {
        if (bytes !== null)
          return openRecord({ bytes, root: credential, hostPublicKey, minSeq: 0 }).locator
      } catch {
        // Sealed for the other credential.
      }
    }
    return invite === null ? [] : decodeInvite(invite).locator
  }

  #mustProfile(): Profile {
    if (this.#profile === null) throw new ClawError('storage')
    return this.#profile
  }

  #later(): void {
    const wait = BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 0
    this.#attempt += 1
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(() => void this.#connect(), wait)
  }

  #failed(code: ClawErrorCode, moving: boolean): void {
    this.#later()
    if (moving) return
    this.#connection({
      state: navigator.onLine ? 'reconnecting' : 'offline',
      route: null,
      latencyMs: null,
    })
    // The first failure may be a host that is just restarting; a second one is worth words.
    if (this.#attempt >= 2) this.#set({ error: code })
  }

  /** RESUME on a new carrier; resolves once the host's RESUME came (SPEC §6.2). */
  async #resume(session: Session, carrier: Carrier, record: RecordBody): Promise<void> {
    const live: Live = {
      session,
      carrier,
      sinceMs: Date.now(),
      heardMs: Date.now(),
      sentUpTo: 0,
      resumed: false,
    }
    await this.#step('sync', () => {
      return new Promise<void>((resolve, reject) => {
        const handle = async (message: ClawMessage): Promise<void> => {
          live.heardMs = Date.now()
          if (live.resumed) return this.#handle(live, message)
          if (message.type !== 'resume') throw new ClawError('frame-invalid')
          await this.#settled(live, message.stored, message.id)
          resolve()
        }
        session.run(handle, () => {
          reject(new ClawError('no-answer'))
          this.#ended(live)
        })
        setTimeout(() => {
          if (!live.resumed) session.close()
        }, ANSWER_MS)
        const { stored, storedId } = this.#mustProfile()
        session.send({ type: 'resume', stored, id: storedId })
      })
    })
    this.#connection({
      state: 'connected',
      route: 'direct',
      epoch: epochAt(Date.now(), record.intervalMs),
    })
    await this.#showSecurity(live)
    await this.#flush()
  }

  async #settled(live: Live, stored: number, id: Uint8Array): Promise<void> {
    const device = this.#device
    if (device === null || !this.#mayTalk()) throw new ClawError('superseded')
    const sent = await device.settle(stored, id)
    const older = this.#live
    live.sentUpTo = stored
    live.resumed = true
    this.#live = live
    older?.session.close()
    // The first connection with its own credential acknowledges the enrolment: the invite is spent.
    this.#profile =
      this.#profile?.invite === null
        ? await device.profile()
        : await device.update({ invite: null })
    await this.#mark(sent, 'sent')
    // What was asked for on the carrier before is not answered any more.
    this.#set({ loadingOlder: false })
    this.#fillHole()
  }

  #ended(live: Live): void {
    if (this.#live !== live) return
    this.#live = null
    this.#set({ loadingOlder: false })
    if (!this.#tab?.leading) return
    // A conversation that held earns a quick return; one that breaks at once must not become a loop.
    if (Date.now() - live.sinceMs > STEADY_MS) this.#attempt = 0
    this.#connection({ state: 'reconnecting', route: null, latencyMs: null })
    this.#later()
  }

  #drop(): void {
    const live = this.#live
    this.#live = null
    live?.session.close()
    clearTimeout(this.#retryTimer)
  }

  async #handle(live: Live, message: ClawMessage): Promise<void> {
    switch (message.type) {
      case 'event':
        await this.#receive(live, message)
        break
      case 'ack':
        await this.#acknowledged(message.stored)
        break
      case 'page':
        await this.#take(message.messages)
        this.#set({
          loadingOlder: false,
          hasOlder: message.more && startsLate(this.state.messages),
        })
        // An empty page closes no hole: asking again would never end.
        if (message.messages.length > 0) this.#fillHole()
        break
      case 'record':
        await this.#takeRecord(message.bytes)
        break
      case 'state':
        await this.#takeState(message)
        break
      case 'notice':
        this.#plan(message)
        break
      case 'ping':
        live.session.send({ type: 'pong', token: message.token })
        break
      case 'pong':
        if (live !== this.#live) break
        // Also after the browser said "offline" and the carrier held all the same.
        this.#connection({
          state: 'connected',
          latencyMs: Math.max(0, Math.round(performance.now()) - message.token),
        })
        break
      case 'bye':
        live.session.close()
        break
      default:
        throw new ClawError('frame-invalid')
    }
  }

  async #receive(live: Live, message: Extract<ClawMessage, { type: 'event' }>): Promise<void> {
    const profile = this.#mustProfile()
    const device = this.#device
    if (device === null || message.number > profile.stored + 1) throw new ClawError('frame-invalid')
    if (message.number === profile.stored + 1) {
      const changed = await this.#changes(message)
      await device.receive(message.number, message.id, changed)
      const latest = this.#mustProfile()
      if (message.number > latest.stored)
        this.#profile = { ...latest, stored: message.number, storedId: message.id }
      const messages = mergeMessages(this.state.messages, changed)
      this.#set({ messages, hasOlder: startsLate(messages) })
      this.#fillHole()
    }
    live.session.send({ type: 'ack', stored: this.#mustProfile().stored })
  }

  /** The messages as they stand after an event. */
  async #changes({ kind, body }: { kind: number; body: Uint8Array }): Promise<StoredMessage[]> {
    const event = decodeEvent(kind, body)
    const known = async (
      id: Uint8Array,
      change: Partial<StoredMessage>,
    ): Promise<StoredMessage[]> => {
      const message = await this.#device?.message(toHex(id))
      return message == null ? [] : [{ ...message, ...change }]
    }
    switch (event.type) {
      case 'message':
        return [this.#fromWire(event)]
      case 'stored': {
        const found = await known(event.id, { seq: event.seq, atMs: event.atMs })
        return found.map((message) => ({
          ...message,
          state: message.state === 'delivered' ? 'delivered' : 'sent',
        }))
      }
      case 'refused':
        return known(event.id, { state: 'failed' })
      case 'delivered':
        return (await Promise.all(event.ids.map((id) => known(id, { state: 'delivered' })))).flat()
      default:
        throw new ClawError('frame-invalid')
    }
  }

  #fromWire(message: WireMessage): StoredMessage {
    const mine = this.#profile?.member === toHex(message.author)
    return {
      id: toHex(message.id),
      author: toHex(message.author),
      mine,
      text: message.text,
      atMs: message.atMs,
      seq: message.seq,
      state: message.delivered ? 'delivered' : 'sent',
    }
  }

  async #take(wire: readonly WireMessage[]): Promise<void> {
    const messages = wire.map((message) => this.#fromWire(message))
    await this.#device?.putMessages(messages)
    this.#set({ messages: mergeMessages(this.state.messages, messages) })
  }

  async #acknowledged(stored: number): Promise<void> {
    const device = this.#device
    if (device === null) return
    const entries = (await device.pending(0)).filter((entry) => entry.number <= stored)
    await device.acknowledged(stored)
    await this.#mark(
      entries.map((entry) => toHex(entry.id)),
      'sent',
    )
  }

  async #mark(ids: readonly string[], state: 'sent'): Promise<void> {
    const found = await Promise.all(ids.map((id) => this.#device?.message(id)))
    const news = found.flatMap((message) =>
      message == null || message.state !== 'sending' ? [] : [{ ...message, state }],
    )
    await this.#device?.putMessages(news)
    this.#set({ messages: mergeMessages(this.state.messages, news) })
  }

  async #takeRecord(bytes: Uint8Array): Promise<void> {
    const { root, hostPublicKey, seq } = this.#mustProfile()
    if (root === null) return
    try {
      const record = openRecord({ bytes, root, hostPublicKey, minSeq: seq })
      await this.#keepRecord(bytes, record)
      this.#connection({ epoch: epochAt(Date.now(), record.intervalMs) })
    } catch {
      // A record that does not verify changes nothing; the session goes on.
    }
  }

  async #takeState(state: Extract<ClawMessage, { type: 'state' }>): Promise<void> {
    const me = toHex(state.member)
    const here = toHex(state.device)
    const { hostName, roomName } = state
    const known = this.#mustProfile()
    if (known.member !== me || known.hostName !== hostName || known.roomName !== roomName) {
      this.#profile = (await this.#device?.update({ member: me, hostName, roomName })) ?? null
    }
    this.#set({
      me,
      hostName,
      roomName,
      members: state.members.map((member) => ({ ...member, id: toHex(member.id) })),
      devices: state.devices.map((device) => ({
        ...device,
        id: toHex(device.id),
        here: toHex(device.id) === here,
      })),
      messages: this.state.messages.map((message) => ({
        ...message,
        mine: message.author === '' || message.author === me,
      })),
    })
  }

  /** After a rotation, at a moment of its own within the grace, the conversation moves to the new port. */
  #plan({ atMs, epoch, intervalMs }: Extract<ClawMessage, { type: 'notice' }>): void {
    const untilSwitch = Math.max(0, atMs - Date.now())
    const [draw = 0] = crypto.getRandomValues(new Uint32Array(1))
    const spread = Math.min(intervalMs / 10, 60_000) * (draw / 2 ** 32)
    clearTimeout(this.#moveTimer)
    this.#moveTimer = setTimeout(
      () => {
        const { security } = this.state
        if (security !== null) this.#set({ security: { ...security, epoch, intervalMs } })
        void this.#connect()
      },
      untilSwitch + 200 + spread,
    )
  }

  #fillHole(): void {
    const before = holeBefore(this.state.messages)
    if (before !== null) this.#askHistory(before)
  }

  #askHistory(before: number): void {
    if (this.state.loadingOlder || this.#live === null) return
    this.#set({ loadingOlder: true })
    this.#live.session.send({ type: 'history', room: ROOM, before, limit: PAGE })
  }

  loadOlder(): void {
    if (!this.#tab?.leading) {
      this.#tab?.tell({ type: 'older' })
      return
    }
    const first = this.state.messages.find((message) => message.seq !== null)?.seq
    if (first != null && first > 1) this.#askHistory(first)
  }

  send(text: string): void {
    if (text === '') return
    void this.#post(toHex(crypto.getRandomValues(new Uint8Array(16))), text)
  }

  retryMessage(id: string): void {
    const message = this.state.messages.find((candidate) => candidate.id === id)
    if (message?.state === 'failed') void this.#post(id, message.text)
  }

  async #post(id: string, text: string): Promise<void> {
    const message: StoredMessage = {
      id,
      author: this.state.me ?? '',
      mine: true,
      text,
      atMs: Date.now(),
      seq: null,
      state: 'sending',
    }
    try {
      const { kind, body } = encodeEvent({ type: 'post', room: ROOM, text })
      await this.#device?.post(message, { id: fromHex(id), kind, body })
    } catch (error) {
      this.#set({ error: codeOf(error) })
      return
    }
    this.#set({ messages: mergeMessages(this.state.messages, [message]) })
    if (this.#tab?.leading) await this.#flush()
    else this.#tab?.tell({ type: 'outbox' })
  }

  /** Sends what waits in the outbox and was not yet sent on this carrier. */
  async #flush(): Promise<void> {
    const live = this.#live
    if (live === null || !live.resumed) return
    const entries = (await this.#device?.pending(live.sentUpTo)) ?? []
    for (const { number, id, kind, body } of entries) {
      if (number <= live.sentUpTo) continue
      live.sentUpTo = number
      live.session.send({ type: 'event', number, id, kind, body })
    }
  }

  #beat(): void {
    const live = this.#live
    if (live === null) return
    if (Date.now() - live.heardMs > SILENCE_MS) {
      live.session.close()
      return
    }
    live.session.send({ type: 'ping', token: Math.round(performance.now()) })
    if (Date.now() - live.sinceMs > FRESH_CARRIER_MS) void this.#connect()
  }

  #hurry(): void {
    this.#attempt = 0
    if (this.#live === null) void this.#connect()
    else this.#beat()
  }

  retry(): void {
    this.#set({ error: null })
    if (!this.#tab?.leading) {
      this.#tab?.tell({ type: 'retry' })
      return
    }
    this.#hurry()
  }

  /** Another tab has joined a host: this one belongs to it too. */
  async #reload(): Promise<void> {
    this.#drop()
    this.#profile = (await this.#device?.profile()) ?? null
    const host = this.#profile?.hostPublicKey
    const awaited = this.#invite?.invite.hostPublicKey
    if (host && awaited && toHex(host) === toHex(awaited)) this.#invite = null
    if (this.#profile === null || this.#invite !== null) return
    await this.#showProfile(this.#profile)
    await this.#connect()
  }

  #onTab(message: TabMessage): void {
    const leads = this.#tab?.leading === true
    if (message.type === 'state') {
      if (!leads && this.#invite === null) this.#set(message.state)
      return
    }
    if (message.type === 'joining') {
      // The profile is about to change: nothing of the host so far may be written to it.
      this.#drop()
      this.#profile = null
      return
    }
    if (message.type === 'joined') {
      void this.#reload()
      return
    }
    if (!leads) return
    if (message.type === 'hello') this.#mirror()
    if (message.type === 'older') this.loadOlder()
    if (message.type === 'retry') this.retry()
    if (message.type === 'outbox') {
      void this.#device?.messages(SHOWN_AT_START).then((messages) => {
        this.#set({ messages: mergeMessages(this.state.messages, messages) })
      })
      void this.#flush()
    }
  }
}
