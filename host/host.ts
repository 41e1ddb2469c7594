// A running host: its parts, and what they ask of each other. What happens is decided in the parts.
import { RECORD_LIFE_MS } from '../shared/constants.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { hostTag } from '../shared/knock.ts'
import type { Locator } from '../shared/locator.ts'
import { browserRuntime } from '../web/runtime.ts'
import type { OwnAddresses } from './addresses.ts'
import { requestsOf } from './commands.ts'
import type { HostEvent, StartOptions } from './config.ts'
import { EpochTable, NonceTable } from './database.ts'
import { RequestDesk } from './desk.ts'
import { DirectListener, guardWerift } from './direct.ts'
import { type EpochEvent, Epochs, hostEvent } from './epochs.ts'
import { Files } from './files.ts'
import { Hub } from './hub.ts'
import type { InvitesInput } from './invites.ts'
import { type LinkPlan, planLinks } from './links.ts'
import type { Doors } from './listen.ts'
import { nodeBackend } from './nodecrypto.ts'
import { Pictures } from './pictures.ts'
import { Ports } from './ports.ts'
import { Publisher } from './publisher.ts'
import { Push } from './push.ts'
import { Relays } from './relays.ts'
import { answerRequest } from './requests.ts'
import { watchLifetimes } from './retention.ts'
import { publishedEverywhere } from './revocation.ts'
import { Routers } from './routers.ts'
import { serveCarrier } from './serve.ts'
import { SignalListener } from './signal.ts'
import { type HostState, hostNameOf, noteCopy } from './state.ts'
import { locatorOf, type StoreList, serversOf } from './storelist.ts'
import { reflectorsOf } from './turn.ts'
import { Wake } from './wake.ts'

/** How long goodbyes get before everything closes. */
const BYE_MS = 300
/** until an address that cannot be bound yet is tried again */
const READDRESS_MS = 1000
const READDRESS_TRIES = 5

/** What a host stands on; all of it is open. */
export interface HostInput {
  readonly options: StartOptions
  readonly state: HostState
  readonly stores: StoreList
  readonly doors: Doors
  readonly addresses: OwnAddresses
  readonly random: RandomBytes
  readonly now: () => number
  readonly report: (event: HostEvent) => void
  readonly closers: (() => unknown)[]
  readonly closeAll: () => Promise<void>
}

export class Host {
  readonly input: HostInput
  readonly hub = new Hub()
  readonly #desk = new RequestDesk({
    nowMs: () => performance.now(),
    carryOut: (asker, request) => answerRequest(requestsOf(this), asker, request),
  })
  readonly publisher: Publisher
  readonly epochs: Epochs
  readonly direct: DirectListener
  readonly ports: Ports
  readonly relays: Relays
  readonly push: Push
  readonly router: Routers
  readonly invites: InvitesInput
  readonly files: Files
  readonly pictures: Pictures
  /** the next moment at which an invite or a reservation ends */
  readonly #expiry: Wake
  readonly #ended = Promise.withResolvers<'stopped' | 'burnt'>()
  #started = false
  #stopping: Promise<void> | null = null

  constructor(input: HostInput) {
    this.input = input
    // Nobody may be waiting yet.
    this.#ended.promise.catch(() => undefined)
    const { closers } = input
    this.publisher = this.#makePublisher()
    closers.push(() => this.publisher.stop())
    this.files = this.#makeFiles()
    closers.push(() => this.files.stop())
    this.pictures = this.#makePictures()
    closers.push(watchLifetimes(input, () => this.files.sweep()))
    this.#expiry = new Wake(() => this.#expire(), input.options.clockOffsetMs)
    closers.push(() => this.#expiry.stop())
    this.epochs = this.#makeEpochs()
    this.direct = this.#makeDirect()
    this.ports = new Ports(this.direct, input.options.signal ? this.#makeSignal() : null)
    this.relays = this.#makeRelays()
    closers.push(
      guardWerift(),
      () => this.relays.stop(),
      () => this.ports.stop(),
      () => this.epochs.stop(),
    )
    this.push = this.#makePush()
    this.hub.watcher = this.push
    closers.push(() => this.push.stop())
    this.invites = this.#makeInvites()
    this.router = this.#makeRouter()
    closers.push(() => this.router.stop())
  }

  /** `burnt`: the folder has another identity now, and waits for its host to start */
  get stopped(): Promise<'stopped' | 'burnt'> {
    return this.#ended.promise
  }

  get isStopping(): boolean {
    return this.#stopping !== null
  }

  /** From here on what changes is published, and knocks are answered. */
  open(): void {
    this.#started = true
    this.ports.refresh()
    this.relays.start()
    this.router.start()
    this.#mapPorts()
  }

  /** The router hands on what is bound; SPEC §4.3 says which, if it is too much. */
  #mapPorts(): void {
    const transports = this.input.options.signal ? (['udp', 'tcp'] as const) : (['udp'] as const)
    this.router.want(
      transports.flatMap((transport) => this.epochs.bound.map((each) => ({ transport, ...each }))),
    )
  }

  /** What a revocation ends before the devices are told (SPEC §3.4). */
  retire(devices: ReadonlySet<string>): void {
    this.ports.retire(devices)
    this.relays.retire(devices)
  }

  #refresh(): void {
    this.ports.refresh()
    this.relays.refresh()
  }

  /** Something that the record says is another now. */
  changed(): void {
    if (this.#started) void this.publisher.publish()
  }

  /** This machine's addresses are others, or came back. */
  async networkChanged(): Promise<void> {
    await this.#readdress(READDRESS_TRIES)
    this.changed()
    this.publisher.networkChanged()
    this.#doubt()
  }

  /** Not every address can be bound at once. */
  async #readdress(tries: number): Promise<void> {
    if ((await this.ports.readdress()) || tries === 1 || this.isStopping) return
    const again = setTimeout(() => void this.#readdress(tries - 1), READDRESS_MS)
    again.unref()
  }

  /** What leads here from outside may do so no more. */
  #doubt(): void {
    if (!this.#started) return
    this.relays.doubt()
    this.router.doubt()
  }

  /** The stores, as links and ENROL_OK name them. */
  readonly locator = (): Locator => {
    const { state, doors, stores } = this.input
    return locatorOf(state.keys.storageId, doors.urls, stores)
  }

  /** Of a record that is sealed now: stores and servers. */
  readonly recordLocator = (): Locator => {
    const { options, now } = this.input
    return [...this.locator(), ...serversOf(options, now() + RECORD_LIFE_MS)]
  }

  /** Throws ClawError('no-usable-store'). */
  readonly plan = (): LinkPlan => {
    const { options, doors } = this.input
    const { listener, lan } = doors
    return planLinks({ pageUrl: options.pageUrl, http: listener, lan, locator: this.locator() })
  }

  readonly hostName = (): string => hostNameOf(this.input.state.settings)

  /** Credentials changed: knocks and record must follow. */
  readonly credentialsChanged = (): Promise<void> => {
    this.#refresh()
    this.watchExpiry()
    return this.publisher.publish()
  }

  watchExpiry(): void {
    this.#expiry.at(this.input.state.members.nextExpiry())
  }

  #expire(): void {
    const { state, now } = this.input
    if (state.members.expire(now())) void this.credentialsChanged()
    else this.watchExpiry()
  }

  /** Whoever is connected leaves the old port for the new one, each at a moment of its own (SPEC §6). */
  moveSessions(epoch: number, atMs: number): void {
    const { intervalMs } = this.input.options.rotation
    for (const session of this.hub.sessions)
      session.send({ type: 'notice', epoch, atMs, intervalMs })
  }

  /** Idempotent. With a reason `stopped` rejects with it. */
  stop(reason?: ClawError): Promise<void> {
    this.#stopping ??= this.#stop(reason)
    return this.#stopping
  }

  async #stop(reason: ClawError | undefined): Promise<void> {
    const { state, report, closeAll } = this.input
    for (const session of this.hub.sessions) session.end('stopping')
    if ([...this.hub.sessions].length > 0) await new Promise((done) => setTimeout(done, BYE_MS))
    await closeAll()
    const { identity } = state.keys
    report(state.over ? { event: 'burnt', identity } : { event: 'stopped' })
    if (reason === undefined) this.#ended.resolve(state.over ? 'burnt' : 'stopped')
    else this.#ended.reject(reason)
  }

  #makePublisher(): Publisher {
    const { state, stores, random, now, options, report, addresses } = this.input
    const { settings, members, keys } = state
    return new Publisher({
      stores: stores.all,
      settings,
      random,
      now,
      clockOffsetMs: options.clockOffsetMs,
      identitySecret: keys.identitySecret,
      roots: () => members.credentials().map(({ root }) => root),
      body: () => {
        const { firstEpoch, entries } = this.epochs.schedule()
        return {
          hostPublicKey: keys.hostPublicKey,
          burn: false,
          reason: 0,
          hostStatic: keys.hostKey.publicKey,
          intervalMs: options.rotation.intervalMs,
          firstEpoch,
          schedule: entries,
          addresses: addresses.list,
          locator: this.recordLocator(),
        }
      },
      report,
      onSealed: () => {
        for (const session of this.hub.sessions) session.sendRecord()
      },
      onSuperseded: () => {
        noteCopy(settings)
        void this.stop(new ClawError('superseded'))
      },
      onEverywhere: () => publishedEverywhere(settings),
    })
  }

  #makeEpochs(): Epochs {
    const { options, state, random, now } = this.input
    const { rotation, portRange, clockOffsetMs } = options
    return new Epochs({
      options: { ...rotation, firstPort: portRange.first, lastPort: portRange.last },
      table: new EpochTable(state.database),
      random,
      now,
      clockOffsetMs,
      open: (port) => this.ports.open(port),
      close: (port) => this.ports.close(port),
      publish: () => this.changed(),
      onEvent: (event) => this.#onEpochEvent(event),
    })
  }

  #onEpochEvent(event: EpochEvent): void {
    this.#refresh()
    this.#mapPorts()
    this.input.report(hostEvent(event))
    if (event.type === 'notice') this.moveSessions(event.epoch, event.atMs)
  }

  #makeRouter(): Routers {
    const { options, state, random, now, addresses } = this.input
    const router = new Routers({
      options,
      settings: state.settings,
      random,
      now,
      onChange: () => this.changed(),
    })
    addresses.far = () => router.far
    return router
  }

  #makeDirect(): DirectListener {
    const { options, state, now } = this.input
    const { intervalMs } = options.rotation
    return new DirectListener({
      bindAddress: options.udpAddress,
      hostTag: hostTag(state.keys.hostPublicKey),
      credentials: () => state.members.credentials(),
      epoch: () => Math.floor(now() / intervalMs),
      certificate: (epoch) => this.epochs.certificate(epoch),
      now: () => performance.now(),
      intervalMs,
      nonces: new NonceTable(state.database),
      onCarrier: (carrier, peer) =>
        serveCarrier(carrier, { ...peer, route: 'direct' }, this.#serveInput()),
      onQuiet: () => this.#doubt(),
    })
  }

  #makeSignal(): SignalListener {
    const { options, state, now } = this.input
    const { intervalMs } = options.rotation
    return new SignalListener({
      hostTag: hostTag(state.keys.hostPublicKey),
      credentials: () => state.members.credentials(),
      epoch: () => Math.floor(now() / intervalMs),
      certificate: (epoch) => this.epochs.certificate(epoch),
      addresses: () => this.direct.addresses(),
      now: () => performance.now(),
      intervalMs,
      nonces: new NonceTable(state.database),
      onCarrier: (carrier, intro) => serveCarrier(carrier, intro, this.#serveInput()),
    })
  }

  #makeRelays(): Relays {
    const { options, state, stores, now } = this.input
    const { intervalMs } = options.rotation
    const { hostPublicKey, storageId, writeSecret } = state.keys
    return new Relays({
      urls: stores.urls,
      own: stores.mailbox,
      storageId,
      writeSecret,
      wallMs: now,
      hostTag: hostTag(hostPublicKey),
      credentials: () => state.members.credentials(),
      epoch: () => Math.floor(now() / intervalMs),
      now: () => performance.now(),
      intervalMs,
      nonces: new NonceTable(state.database),
      certificate: () => this.epochs.certificate(Math.floor(now() / intervalMs)),
      addresses: () => this.direct.addresses(),
      stun: [...options.stun, ...reflectorsOf(options.turn)],
      onCarrier: (carrier, intro) => serveCarrier(carrier, intro, this.#serveInput()),
    })
  }

  #makePush(): Push {
    const { options, state, random, now } = this.input
    const { pageUrl } = options
    return new Push({
      database: state.database,
      settings: state.settings,
      random,
      now,
      clockOffsetMs: options.clockOffsetMs,
      isHere: (device) => this.hub.online.has(device),
      services: options.pushServices,
      contact: pageUrl?.startsWith('https:') ? pageUrl : null,
    })
  }

  #serveInput(): Parameters<typeof serveCarrier>[2] {
    const { options, state, random, now, report } = this.input
    const { hostPublicKey, hostKey } = state.keys
    return {
      hostPublicKey,
      hostKey,
      hostName: this.hostName,
      backend: nodeBackend,
      random,
      now,
      after: browserRuntime.after,
      members: state.members,
      rooms: state.rooms,
      files: this.files,
      pictures: this.pictures,
      hub: this.hub,
      keepMs: options.keepMs,
      locator: this.locator,
      recordSeq: () => this.publisher.seq,
      record: () => this.publisher.record,
      notice: () => this.epochs.notice,
      publish: this.credentialsChanged,
      request: (asker, token, request) => this.#desk.answer(asker, token, request),
      report,
    }
  }

  #makeFiles(): Files {
    const { state, options, random, now } = this.input
    const { database, dir, keys } = state
    const secret = keys.identitySecret
    return new Files({ db: database, dir, secret, random, now, limits: options.files })
  }

  #makePictures(): Pictures {
    const { state, random } = this.input
    const { database: db, members, rooms, keys } = state
    const nowMs = (): number => performance.now()
    return new Pictures({
      ...{ db, members, random, nowMs },
      ...{ rooms: rooms.list, secret: keys.identitySecret },
    })
  }

  #makeInvites(): InvitesInput {
    const { state, now, random } = this.input
    return {
      members: state.members,
      hostPublicKey: state.keys.hostPublicKey,
      hostName: this.hostName,
      plan: this.plan,
      recordSeq: () => this.publisher.seq,
      now,
      random,
      publish: this.credentialsChanged,
    }
  }
}
