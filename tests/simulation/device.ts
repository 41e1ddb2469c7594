// A device under virtual time: the page's conversation, session and handshake on simulated storage and network.
// It finds, dials and comes back as web/engine.ts does, without a browser.
import { nodeBackend } from '../../host/nodecrypto.ts'
import { toHex } from '../../shared/bytes.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { ClawError } from '../../shared/error.ts'
import { decodeInvite, inviteRoot } from '../../shared/invite.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../../shared/knock.ts'
import type { RecordBody } from '../../shared/record.ts'
import { Conversation } from '../../web/conversation.ts'
import { candidates, epochsToTry } from '../../web/dial.ts'
import { askToEnrol } from '../../web/enrol.ts'
import { freshProfile } from '../../web/keep.ts'
import { Own } from '../../web/own.ts'
import { lookMs } from '../../web/pulse.ts'
import { HOST_ROOM } from '../../web/roster.ts'
import type { Runtime } from '../../web/runtime.ts'
import { openSession, type Session } from '../../web/session.ts'
import { StateBox } from '../../web/state.ts'
import { type Accepted, openOnce, readStore, type SimHost } from './host.ts'
import { Disk, SimKeep } from './keep.ts'
import type { Network } from './network.ts'
import type { Chance, World } from './world.ts'

const BACKOFF_MS = [200, 500, 1000, 2000, 4000, 8000, 15_000]
const DIAL_MS = 8000
const CHECK_MS = 500

export class SimDevice {
  readonly name: string
  readonly disk = new Disk()
  clockOffsetMs = 0
  /** probability that a write, or the moment before it, is the last of this run */
  crashiness = 0
  crashes = 0
  connects = 0
  /** ids of its messages, in the order in which they were written and kept */
  readonly written: string[] = []
  /** whether it ever forgot something */
  restored = false
  #backup: (() => void) | null = null
  #run: DeviceRun | null = null
  readonly #invite: string
  readonly #secret: Uint8Array
  readonly #input: DeviceInput

  constructor(name: string, invite: string, input: DeviceInput) {
    this.name = name
    this.#invite = invite
    this.#input = input
    this.#secret = input.chance.bytes(32)
  }

  now = (): number => this.#input.world.nowMs + this.clockOffsetMs

  get enrolled(): boolean {
    return this.disk.profile?.deviceId != null
  }
  get running(): boolean {
    return this.#run !== null
  }
  get connected(): boolean {
    return this.#run?.chat.live != null
  }
  /** whether a page of HISTORY is on its way */
  get asking(): boolean {
    return this.#run?.box.value.loadingOlder ?? false
  }
  /** Scrolls up, as long as there is more. @returns whether there was */
  scroll(): boolean {
    const { hasOlder, loadingOlder } = this.#run?.box.value ?? {}
    if (hasOlder && !loadingOlder) this.#run?.chat.timeline.loadOlder()
    return hasOlder === true
  }
  get shown() {
    return this.#run?.box.value.messages ?? []
  }

  start(): void {
    if (this.#run !== null) return
    this.#run = new DeviceRun(this, this.#input, this.#invite, this.#secret)
    this.#run.start()
  }

  crash(): void {
    if (this.#run === null) return
    this.crashes += 1
    this.#run.end()
    this.#run = null
  }

  /** Its whole storage goes back to the last backup, as a restored profile does; what was written since is gone. */
  restore(): void {
    if (this.#backup === null) {
      if (!this.enrolled) return
      const restore = this.disk.backup()
      const written = this.written.length
      this.#backup = () => {
        restore()
        this.written.length = written
      }
      return
    }
    this.crash()
    this.#backup()
    this.#backup = null
    this.restored = true
  }

  post(id: string, text: string): void {
    this.#run?.post(id, text)
  }

  /** Asks for a fresh carrier although the present one is fine. */
  /** Edits, takes away or thinks something of a message that is shown. */
  change(mayDelete: boolean): void {
    this.#run?.change(mayDelete)
  }
  renew(): void {
    this.#run?.renew()
  }
}

export interface DeviceInput {
  readonly world: World
  readonly network: Network
  readonly chance: Chance
  readonly host: SimHost
  readonly backend: CryptoBackend
}

class DeviceRun {
  readonly chat: Conversation
  readonly box: StateBox
  readonly #device: SimDevice
  readonly #input: DeviceInput
  readonly #invite: string
  readonly #secret: Uint8Array
  readonly #keep: SimKeep
  readonly #own: Own
  readonly #runtime: Runtime
  #ended = false
  #connecting = 0
  #attempt = 0
  #cancelRetry = (): void => undefined
  #cancelMove = (): void => undefined
  #cancelBeat = (): void => undefined

  constructor(device: SimDevice, input: DeviceInput, invite: string, secret: Uint8Array) {
    this.#device = device
    this.#input = input
    this.#invite = invite
    this.#secret = secret
    const { world, chance } = input
    this.#keep = new SimKeep(device.disk, world, chance, () => {
      const dies = chance.chance(device.crashiness)
      if (dies) device.crash()
      return dies
    })
    this.#own = new Own(this.#keep)
    this.box = new StateBox()
    this.#runtime = {
      now: device.now,
      random: chance.bytes,
      after: (ms, run) => world.after(ms, run),
    }
    this.chat = new Conversation({
      keep: this.#keep,
      own: this.#own,
      box: this.box,
      now: device.now,
      clock: () => world.nowMs,
      random: chance.bytes,
      mayTalk: () => !this.#ended,
      onEnded: () => this.#later(),
      onRecord: (bytes) => this.#takeRecord(bytes),
      onNotice: ({ atMs, epoch, intervalMs }) => {
        this.#cancelMove()
        const wait = Math.max(0, atMs - device.now()) + 200 + chance.unit() * (intervalMs / 10)
        this.#cancelMove = world.after(wait, () => this.#try(epoch))
      },
      onAnswer: () => undefined,
      onFile: () => undefined,
      onBye: () => undefined,
      onTrusted: () => undefined,
    })
  }

  start(): void {
    void this.#restore().catch(this.#input.world.fail)
    const beat = (): void => {
      if (this.chat.beat(false) !== null) this.#try()
      // As a person does who scrolls up.
      if (this.box.value.hasOlder) this.chat.timeline.loadOlder()
      this.#cancelBeat = this.#input.world.after(lookMs(false), beat)
    }
    this.#cancelBeat = this.#input.world.after(lookMs(false), beat)
  }

  async #restore(): Promise<void> {
    await this.#own.load()
    const messages = await this.#keep.messages(HOST_ROOM, 1_000_000)
    this.box.set({ messages, me: this.#own.profile?.member ?? null })
    await this.#connect()
  }

  end(): void {
    this.#ended = true
    this.#keep.crash()
    this.#cancelRetry()
    this.#cancelMove()
    this.#cancelBeat()
    for (const carrier of this.#carriers) carrier.vanish()
  }

  readonly #carriers = new Set<Accepted['carrier']>()

  post(id: string, text: string): void {
    if (this.#own.profile?.deviceId == null) return
    void this.#post(id, text).catch(this.#input.world.fail)
  }

  async #post(id: string, text: string): Promise<void> {
    await this.chat.timeline.post(id, text, null)
    this.#device.written.push(id)
    await this.chat.flush()
  }

  change(mayDelete: boolean): void {
    const { chance, world } = this.#input
    const { timeline } = this.chat
    const { messages } = this.box.value
    const message = chance.pick(messages.filter(({ seq, deleted }) => seq !== null && !deleted))
    if (message === undefined || this.#own.profile?.deviceId == null) return
    const { id, mine } = message
    const act = (): Promise<void> => {
      if (!mine || chance.chance(0.5))
        return timeline.react(id, chance.pick(['👍', '🎉']) ?? '', chance.chance(0.7))
      return mayDelete && chance.chance(0.3)
        ? timeline.remove(id)
        : timeline.edit(id, `${message.text.slice(0, 60)} edited ${chance.between(0, 999)}`)
    }
    void (async () => {
      await act()
      await timeline.markRead()
      await this.chat.flush()
    })().catch(world.fail)
  }

  renew(): void {
    if (this.chat.live !== null) this.#try()
  }

  #later(): void {
    if (this.#ended) return
    const wait = BACKOFF_MS[Math.min(this.#attempt, BACKOFF_MS.length - 1)] ?? 0
    this.#attempt += 1
    this.#cancelRetry()
    // As in the page: what is under way tries again itself if it fails.
    this.#cancelRetry = this.#input.world.after(wait, () => {
      if (this.#connecting === 0) this.#try()
    })
  }

  #try(onlyEpoch?: number): void {
    void this.#connect(onlyEpoch).catch(this.#input.world.fail)
  }

  async #connect(onlyEpoch?: number): Promise<void> {
    // Two at once are allowed here, unlike in the page: RESUME must stand that too.
    if (this.#ended || this.#connecting > 1) return
    this.#connecting += 1
    this.#cancelRetry()
    try {
      if (this.#own.profile?.deviceId == null) await this.#enrol()
      const { root, seq } = this.#own.must()
      const record = await this.#find(root as Uint8Array, seq)
      const { session, epoch } = await this.#open(record, root as Uint8Array, 'connect', onlyEpoch)
      const cancel = this.#runtime.after(15_000, () => session.close())
      await this.chat.resume(session, epoch).finally(cancel)
      this.#attempt = 0
      this.#device.connects += 1
    } catch (error) {
      if (!(error instanceof ClawError)) throw error
      this.#later()
    } finally {
      this.#connecting -= 1
    }
  }

  async #enrol(): Promise<void> {
    const invite = decodeInvite(this.#invite)
    const root = inviteRoot(invite)
    const record = await this.#find(root, 0)
    const { session } = await this.#open(record, root, 'enrol')
    const answer = await askToEnrol(session, this.#device.name, this.#runtime)
    await this.#keep.enrol(
      freshProfile({
        ...{ hostPublicKey: invite.hostPublicKey, hostName: '', key: this.#secret },
        ...{ invite: this.#invite, deviceId: answer.device, root: answer.root },
        ...{ name: this.#device.name, knownSinceMs: 0 },
      }),
    )
    await this.#own.load()
  }

  async #find(root: Uint8Array, minSeq: number): Promise<RecordBody> {
    const { host, network, world } = this.#input
    const { hostPublicKey } = host
    await new Promise<void>((resolve) => world.after(network.latency(), resolve))
    const cut = network.cut.has(this.#device.name)
    let newest: { bytes: Uint8Array; record: RecordBody } | null = null
    for (const store of cut ? [] : host.stores) {
      try {
        const found = readStore(store, { root, hostPublicKey, minSeq })
        if (newest === null || found.record.seq > newest.record.seq) newest = found
      } catch (error) {
        if (!(error instanceof ClawError)) throw error
      }
    }
    const cached = this.#own.profile?.record ?? null
    if (newest === null) {
      if (cached === null) throw new ClawError('record-missing')
      return openOnce({ bytes: cached, root, hostPublicKey, minSeq: 0 })
    }
    if (this.#own.profile !== null)
      await this.#own.update({ record: newest.bytes, seq: newest.record.seq })
    return newest.record
  }

  async #takeRecord(bytes: Uint8Array): Promise<void> {
    const { root, seq, hostPublicKey } = this.#own.must()
    const input = { bytes, root: root as Uint8Array, hostPublicKey, minSeq: seq }
    const record = openOnce(input)
    await this.#own.update({ record: bytes, seq: record.seq })
  }

  async #open(
    record: RecordBody,
    root: Uint8Array,
    mode: 'enrol' | 'connect',
    onlyEpoch?: number,
  ): Promise<{ session: Session; epoch: number }> {
    const [first = 0, other] = epochsToTry(record, [this.#device.now()])
    const dialled = await this.#dial(record, root, onlyEpoch ?? first, onlyEpoch).catch((error) => {
      if (onlyEpoch !== undefined || other === undefined) throw error
      return this.#dial(record, root, other)
    })
    const { carrier } = dialled
    this.#carriers.add(carrier)
    carrier.onClose(() => this.#carriers.delete(carrier))
    try {
      const session = await openSession({
        carrier: Object.assign(carrier, dialled.bound, { route: 'direct' as const }),
        mode,
        backend: this.#input.backend,
        record,
        root,
        deviceKey: nodeBackend.dhKey(this.#secret),
        runtime: this.#runtime,
      })
      return { session, epoch: dialled.bound.epoch }
    } catch (error) {
      carrier.close()
      throw error
    }
  }

  #dial(record: RecordBody, root: Uint8Array, epoch: number, onlyEpoch?: number) {
    const { world, network, chance, host } = this.#input
    const hostFingerprint = record.schedule[epoch - record.firstEpoch]?.fingerprint
    if (hostFingerprint === undefined) throw new ClawError('record-stale')
    const epochs = onlyEpoch === undefined ? [epoch, epoch + 1, epoch - 1] : [onlyEpoch]
    const clientFingerprint = chance.bytes(32)
    const clientUfrag = toHex(chance.bytes(2))
    const nonce = chance.bytes(12)
    const password = icePassword(root, nonce)
    const knock = sealKnock({
      root,
      hostTag: hostTag(record.hostPublicKey),
      epoch,
      route: 'direct',
      timeMs: this.#device.now(),
      clientFingerprint,
      nonce,
      clientUfrag,
    })
    const bound = {
      knock,
      hint: knock.slice(0, 8),
      hostFingerprint,
      clientFingerprint,
      epoch,
    }
    return new Promise<{ carrier: Accepted['carrier']; bound: typeof bound }>((resolve, reject) => {
      let over = false
      const cancel = world.after(DIAL_MS, () => {
        over = true
        reject(new ClawError('no-answer'))
      })
      const check = (): void => {
        if (over || this.#ended) return
        for (const { port } of candidates(record, epochs)) {
          const transaction = chance.bytes(12)
          network.datagram(this.#device.name, () =>
            host.knock(
              port,
              {
                hostUfrag: knockUfrag(knock),
                clientUfrag,
                transaction,
                password,
                device: this.#device.name,
                // Each peer connection has a port of its own.
                address: `10.1.${chance.between(0, 255)}.${chance.between(1, 254)}`,
              },
              ({ carrier, fingerprint }) =>
                network.datagram(this.#device.name, () => {
                  if (over) return
                  over = true
                  cancel()
                  // The browser verifies the certificate that the host presents.
                  if (toHex(fingerprint) === toHex(hostFingerprint)) resolve({ carrier, bound })
                  else reject(new ClawError('no-answer'))
                }),
            ),
          )
        }
        world.after(CHECK_MS, check)
      }
      check()
    })
  }
}
