// A host under virtual time: the product's gate, rooms, members, rotation and publishing on a real SQLite database,
// with simulated sockets and stores. A crash falls before or after any commit; the database is what remains.
import { createHash } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import {
  EpochTable,
  NonceTable,
  prepareSchema,
  Settings,
  transaction,
} from '../../host/database.ts'
import { Gate } from '../../host/gate.ts'
import { Hub } from '../../host/hub.ts'
import { Members } from '../../host/members.ts'
import type { Author } from '../../host/messages.ts'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { createPublishing, type PublishingInput, stepPublishing } from '../../host/publishing.ts'
import { LOOK_MS, Retention } from '../../host/retention.ts'
import { commitRevocation } from '../../host/revocation.ts'
import { Rooms } from '../../host/rooms.ts'
import {
  createRotation,
  currentPort,
  pendingNotice,
  plannedSchedule,
  type RotationInput,
  type RotationOptions,
  type RotationStep,
  stepRotation,
} from '../../host/rotation.ts'
import { fillIndex } from '../../host/search.ts'
import { serveCarrier } from '../../host/serve.ts'
import { fromHex, toHex } from '../../shared/bytes.ts'
import type { CryptoBackend, DhKey } from '../../shared/crypto.ts'
import { ClawError } from '../../shared/error.ts'
import { encodeInvite } from '../../shared/invite.ts'
import { hostTag } from '../../shared/knock.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { openRecord, type RecordBody, sealRecord } from '../../shared/record.ts'
import { NO_PICTURES } from '../pictures.ts'
import type { Network, SimCarrier } from './network.ts'
import type { Chance, World } from './world.ts'

export const ROTATION: RotationOptions = {
  intervalMs: 30_000,
  noticeMs: 5000,
  graceMs: 10_000,
  firstPort: 49_152,
  lastPort: 65_535,
}

/** A place where records lie; it may be away, and it may be slow. */
export class SimStore {
  readonly name: string
  record: Uint8Array | null = null
  /** of `record`; a put needs a greater one */
  seq = 0
  away = false
  constructor(name: string) {
    this.name = name
  }
}

export interface Knock {
  readonly hostUfrag: string
  readonly clientUfrag: string
  readonly transaction: Uint8Array
  readonly password: string
  readonly device: string
  readonly address: string
}

/** What a device gets for an accepted knock. */
export interface Accepted {
  readonly carrier: SimCarrier
  readonly fingerprint: Uint8Array
}

const LOCATOR = [
  { type: 'https' as const, flags: 1, id: new Uint8Array(32), url: 'https://store.example' },
]

export class SimHost {
  readonly hostPublicKey: Uint8Array
  readonly stores: readonly SimStore[]
  readonly db: DatabaseSync
  /** probability that a commit is the last thing this run did */
  crashiness = 0
  clockOffsetMs = 0
  crashes = 0
  rotations = 0
  restores = 0
  /** the credentials that the backup knows */
  #backup: string | null = null
  /** whether rooms have lifetimes in this afternoon; then its clock is right */
  times = false
  #run: Run | null = null
  readonly #world: World
  readonly #network: Network
  readonly #chance: Chance
  readonly #secret: Uint8Array
  readonly #hostKey: DhKey
  readonly #backend: CryptoBackend

  constructor(world: World, network: Network, chance: Chance, backend: CryptoBackend) {
    this.#world = world
    this.#network = network
    this.#chance = chance
    this.#backend = backend
    this.#secret = chance.bytes(32)
    this.hostPublicKey = ed25519PublicKey(this.#secret)
    this.#hostKey = nodeBackend.dhKey(chance.bytes(32))
    this.stores = [new SimStore('one'), new SimStore('two')]
    this.db = new DatabaseSync(':memory:')
    this.db.exec("PRAGMA foreign_keys = ON; ATTACH ':memory:' AS backup")
    prepareSchema(this.db)
    this.#prepareOnce()
    this.#crashAtCommits()
  }

  now = (): number => this.#world.nowMs + this.clockOffsetMs

  get running(): boolean {
    return this.#run !== null
  }

  get connected(): number {
    return this.#run === null ? 0 : [...this.#run.hub.sessions].length
  }

  /** By hex id. */
  talksTo(device: string): boolean {
    const sessions = this.#run === null ? [] : [...this.#run.hub.sessions]
    return sessions.some((session) => session.device === device)
  }

  /** Whether every store holds the newest record. */
  get published(): boolean {
    return this.#run !== null && this.stores.every(({ seq }) => seq === this.#run?.seq)
  }

  start(): void {
    if (this.#run !== null) return
    this.#run = new Run({
      host: this,
      world: this.#world,
      network: this.#network,
      chance: this.#chance,
      secret: this.#secret,
      hostKey: this.#hostKey,
      backend: this.#backend,
    })
    try {
      this.#run.start()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
  }

  /** The process is gone: nobody is told. */
  crash(): void {
    const run = this.#run
    if (run === null) return
    this.#run = null
    this.crashes += 1
    if (this.db.isTransaction) this.db.exec('ROLLBACK')
    run.end()
  }

  /**
   * First a backup of its database, at the next call that one is put back, as an operator does after a disk failure.
   * Only while it knows the same devices and links: who came in between would need a new link.
   */
  restore(): void {
    if (this.db.isTransaction) return
    if (this.#backup === null) {
      this.#backup = this.#credentialIds()
      for (const table of this.#tables())
        this.db.exec(`CREATE TABLE backup.${table} AS SELECT * FROM ${table}`)
      return
    }
    if (this.#backup !== this.#credentialIds()) return
    this.crash()
    this.restores += 1
    this.#backup = null
    this.db.exec('PRAGMA foreign_keys = OFF')
    for (const table of this.#tables()) {
      this.db.exec(
        `DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM backup.${table}`,
      )
      this.db.exec(`DROP TABLE backup.${table}`)
    }
    this.db.exec(`PRAGMA foreign_keys = ON; DELETE FROM kv WHERE key = 'index-maker'`)
    fillIndex(this.db)
  }

  /** But those of the index, which is made of the others. */
  #tables(): string[] {
    const rows = this.db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'").all()
    return rows.map(({ name }) => String(name)).filter((name) => !/^texts(_|$)/.test(name))
  }

  #credentialIds(): string {
    const all =
      'SELECT id FROM devices UNION SELECT device FROM reservations UNION SELECT id FROM invites'
    const rows = this.db.prepare(`${all} ORDER BY 1`).all()
    return rows.map(({ id }) => id).join()
  }

  stop(): void {
    const run = this.#run
    if (run === null) return
    for (const session of run.hub.sessions) session.end('stopping')
    this.#world.after(300, () => {
      if (this.#run !== run) return
      this.#run = null
      run.end()
    })
  }

  rotate(): void {
    this.#guard((run) =>
      run.feed({ type: 'rotate', nowMs: this.now(), random: this.#chance.bytes }),
    )
  }

  /** How long what is written from now on stays (SPEC §7.10), set by this device; hex ids. */
  setLifetime(device: string, member: string, lifeMs: number): void {
    this.#guard((run) => {
      if (run.members.devices().some(({ id }) => id === device))
        run.setLifetime({ device, member }, lifeMs)
    })
  }

  clockJumped(): void {
    this.#guard((run) => run.wake())
  }

  /** By hex id; nothing happens while the host is down or if it does not know the device. A crash may fall around the commit. */
  revoke(device: string): void {
    this.#guard((run) => {
      if (run.members.devices().some(({ id }) => id === device)) run.revoke(device)
    })
  }

  /** @returns the fragment of a fresh link, or null while the host is down */
  invite(role: 'owner' | 'member'): string | null {
    return (
      this.#guard((run) => {
        const secret = this.#chance.bytes(32)
        run.members.invite({
          role,
          note: '',
          rooms: [],
          uses: 1,
          expiresMs: 24 * 3_600_000,
          secret,
          hostPublicKey: this.hostPublicKey,
          nowMs: this.now(),
        })
        run.credentialsChanged()
        const { hostPublicKey } = this
        return encodeInvite({ hostPublicKey, secret, minSeq: 0, hostName: 'Sim', locator: LOCATOR })
      }) ?? null
    )
  }

  /** A datagram came to a port. `answer` is called for every check that passes. */
  knock(port: number, knock: Knock, answer: (accepted: Accepted) => void): void {
    this.#guard((run) => run.knock(port, knock, answer))
  }

  #guard<T>(act: (run: Run) => T): T | null {
    if (this.#run === null) return null
    try {
      return act(this.#run)
    } catch (error) {
      if (error instanceof Crash) return null
      throw error
    }
  }

  /** Every run of the process prepares the same statements; the connection is one here, and keeps them. */
  #prepareOnce(): void {
    const prepare = this.db.prepare.bind(this.db)
    const held = new Map<string, StatementSync>()
    this.db.prepare = (sql) => {
      const statement = held.get(sql) ?? prepare(sql)
      held.set(sql, statement)
      return statement
    }
  }

  /** The last commit before a crash is on disk, or not. */
  #crashAtCommits(): void {
    const exec = this.db.exec.bind(this.db)
    this.db.exec = (sql) => {
      if (sql !== 'COMMIT' || !this.#chance.chance(this.crashiness)) return exec(sql)
      if (this.#chance.chance(0.5)) exec(sql)
      this.crash()
      throw new Crash()
    }
  }
}

/** Thrown where the process would have ended. */
class Crash extends Error {}

interface RunInput {
  readonly host: SimHost
  readonly world: World
  readonly network: Network
  readonly chance: Chance
  readonly secret: Uint8Array
  readonly hostKey: DhKey
  readonly backend: CryptoBackend
}

/** One run of the process. */
class Run {
  readonly hub = new Hub()
  readonly members: Members
  readonly #rooms: Rooms
  readonly #input: RunInput
  readonly #gate: Gate
  readonly #nonces: NonceTable
  readonly #epochs: EpochTable
  readonly #settings: Settings
  readonly #fingerprints = new Map<number, Uint8Array>()
  readonly #carriers = new Map<
    string,
    { host: SimCarrier; accepted: Accepted; port: number; credential: string; live: boolean }
  >()
  /** ports that take no new knock */
  readonly #retired = new Set<number>()
  readonly #bound = new Set<number>()
  #rotation = createRotation(ROTATION)
  #publishing
  #seq: number
  #record: Uint8Array = new Uint8Array(0)
  #ended = false
  #wakes: (() => void)[] = []
  #cancelRotation = (): void => undefined
  #cancelPublishing = (): void => undefined

  constructor(input: RunInput) {
    this.#input = input
    const { host, chance } = input
    this.members = new Members(host.db, chance.bytes)
    this.#rooms = new Rooms(host.db, chance.bytes)
    this.#nonces = new NonceTable(host.db)
    this.#epochs = new EpochTable(host.db)
    this.#settings = new Settings(host.db)
    const used = this.#nonces.all()
    this.#gate = new Gate(
      hostTag(host.hostPublicKey),
      used.map(({ nonce, untilEpoch }) => ({ nonce: toHex(nonce), untilEpoch })),
      input.world.nowMs,
    )
    this.#publishing = createPublishing(host.stores.map(({ name }) => name))
    // As the real publisher, which reads its stores before the first publish; with a clock that is right.
    const stored = Number(this.#settings.get('seq') ?? 0) + 1024
    this.#seq = Math.max(stored, input.world.nowMs, ...host.stores.map(({ seq }) => seq))
  }

  get seq(): number {
    return this.#seq
  }

  start(): void {
    const { host, chance } = this.#input
    const current = Math.floor(host.now() / ROTATION.intervalMs)
    const stored = this.#epochs.all().filter(({ epoch }) => Math.abs(epoch - current) <= 64)
    for (const { epoch, fingerprint } of stored) this.#fingerprints.set(epoch, fingerprint)
    const planned = stored.map(({ epoch, port }) => ({ epoch, port }))
    this.feed({ type: 'start', nowMs: host.now(), random: chance.bytes, planned })
    if (host.times) this.#watchLifetimes()
  }

  /** As host/retention.ts does it. Nothing goes before its time. */
  #watchLifetimes(): void {
    const { host, world } = this.#input
    const retention = new Retention({
      ...{ db: host.db, rooms: this.#rooms, keepMs: 0, clockOffsetMs: 0 },
      read: () => ({ wallMs: host.now(), monoMs: world.nowMs }),
      onEnded: () => undefined,
    })
    const look = (): void => {
      const early = host.db
        .prepare('SELECT id FROM messages WHERE gone = 0 AND (endsAtMs = 0 OR endsAtMs > ?)')
        .all(world.nowMs)
      this.#guarded(() => retention.look())
      if (this.#ended) return
      const isThere = host.db.prepare('SELECT 1 FROM messages WHERE id = ? AND gone = 0')
      if (early.some(({ id }) => isThere.get(id as Uint8Array) === undefined))
        world.fail(new Error('the host deleted a message before its time'))
      this.#wakes.push(world.after(LOOK_MS, look))
    }
    look()
  }

  setLifetime(author: Author, lifeMs: number): void {
    const { host } = this.#input
    const touched = this.#rooms.setLifetime(author, new Uint8Array(16), lifeMs, host.now())
    this.hub.wake(touched)
    this.hub.broadcastState()
  }

  end(): void {
    this.#ended = true
    this.#cancelRotation()
    this.#cancelPublishing()
    for (const cancel of this.#wakes) cancel()
    for (const { host } of this.#carriers.values()) host.vanish()
  }

  wake(): void {
    const { host, chance } = this.#input
    this.feed({ type: 'wake', nowMs: host.now(), random: chance.bytes })
    this.#publish({ type: 'wake', nowMs: host.now() })
  }

  /** As the real host does it (host/commands.ts, host/epochs.ts), with one commit in the middle. */
  revoke(device: string): void {
    const { host, chance } = this.#input
    const step = stepRotation(this.#rotation, {
      type: 'redraw',
      nowMs: host.now(),
      random: chance.bytes,
    })
    const rows = plannedSchedule(step.state).map((planned) => ({
      ...planned,
      certPem: '',
      keyPem: '',
      fingerprint: chance.bytes(32),
    }))
    commitRevocation(host.db, device, rows, host.now())
    this.#fingerprints.clear()
    for (const { epoch, fingerprint } of rows) this.#fingerprints.set(epoch, fingerprint)
    for (const port of this.#bound) this.#retired.add(port)
    for (const [key, { host: carrier, credential, live }] of this.#carriers)
      if (credential === device && !live) this.#forget(key, carrier)
    this.#refresh()
    this.hub.expel(device)
    const saved = { ...step, effects: step.effects.filter(({ type }) => type !== 'save') }
    this.#perform(saved)
    this.credentialsChanged()
    const { epoch } = currentPort(this.#rotation)
    const { intervalMs } = ROTATION
    for (const session of this.hub.sessions)
      session.send({ type: 'notice', epoch, atMs: host.now(), intervalMs })
  }

  feed(input: RotationInput): void {
    if (this.#ended) return
    this.#perform(stepRotation(this.#rotation, input))
  }

  #perform({ state, effects, wakeAtMs }: RotationStep): void {
    const { world, host, chance } = this.#input
    this.#rotation = state
    this.#cancelRotation()
    if (wakeAtMs !== null) {
      const again = (): void => {
        if (this.#ended) return
        const left = wakeAtMs - host.now()
        if (left <= 0) this.#guarded(() => this.wake())
        else this.#cancelRotation = world.after(Math.min(left, 1000), again)
      }
      this.#cancelRotation = world.after(0, again)
    }
    for (const { epoch } of plannedSchedule(state))
      if (!this.#fingerprints.has(epoch)) this.#fingerprints.set(epoch, chance.bytes(32))
    for (const effect of effects) {
      if (this.#ended) return
      switch (effect.type) {
        case 'bind': {
          const { port } = effect
          // Somebody else has a port now and then.
          const type = chance.chance(0.05) ? ('bind-failed' as const) : ('bound' as const)
          if (type === 'bound') this.#bound.add(port)
          this.feed({ type, port, nowMs: host.now(), random: chance.bytes })
          break
        }
        case 'close':
          this.#bound.delete(effect.port)
          this.#retired.delete(effect.port)
          for (const [key, carrier] of this.#carriers)
            if (carrier.port === effect.port) this.#forget(key, carrier.host)
          break
        case 'save':
          this.#saveEpochs(effect.planned)
          break
        case 'publish':
          this.credentialsChanged()
          break
        case 'notice': {
          const { epoch, atMs } = effect
          const { intervalMs } = ROTATION
          for (const session of this.hub.sessions)
            session.send({ type: 'notice', epoch, atMs, intervalMs })
          break
        }
        case 'rotated':
          host.rotations += 1
          this.#refresh()
      }
    }
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
  }

  #saveEpochs(planned: readonly { epoch: number; port: number }[]): void {
    const first = planned[0]?.epoch ?? 0
    const rows = planned.map(({ epoch, port }) => ({
      epoch,
      port,
      certPem: '',
      keyPem: '',
      fingerprint: this.#fingerprints.get(epoch) as Uint8Array,
    }))
    this.#epochs.save(rows, first - 3)
  }

  #refresh(): void {
    const { host, world } = this.#input
    const epoch = Math.floor(host.now() / ROTATION.intervalMs)
    this.#gate.setCredentials(this.members.credentials(), epoch)
    const old = this.#gate.forget(epoch, world.nowMs, ROTATION.intervalMs)
    for (const nonce of old) this.#nonces.remove(fromHex(nonce))
  }

  credentialsChanged(): void {
    if (this.#ended) return
    this.#refresh()
    const { host, secret, hostKey, chance } = this.#input
    const planned = plannedSchedule(this.#rotation)
    if (planned.length === 0) return
    this.#seq += 1
    this.#record = sealRecord({
      body: {
        hostPublicKey: host.hostPublicKey,
        seq: this.#seq,
        issuedMs: host.now(),
        burn: false,
        reason: 0,
        hostStatic: hostKey.publicKey,
        intervalMs: ROTATION.intervalMs,
        firstEpoch: planned[0]?.epoch ?? 0,
        schedule: planned.map(({ epoch, port }) => ({
          port,
          fingerprint: this.#fingerprints.get(epoch) as Uint8Array,
        })),
        addresses: [{ kind: 4, flags: 1, externalPort: 0, ip: Uint8Array.of(10, 0, 0, 1) }],
        locator: LOCATOR,
      },
      roots: this.members.credentials().map(({ root }) => root),
      identitySecret: secret,
      random: chance.bytes,
    })
    transaction(host.db, () => this.#settings.set('seq', String(this.#seq)))
    for (const session of this.hub.sessions) session.sendRecord()
    this.#publish({ type: 'wanted', seq: this.#seq, nowMs: host.now() })
  }

  /** As the real publisher: after a crash nobody waits for an answer any more. */
  #published(): Promise<void> {
    try {
      this.credentialsChanged()
      return Promise.resolve()
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      return new Promise(() => undefined)
    }
  }

  #publish(input: PublishingInput): void {
    if (this.#ended) return
    const { world, network, host, chance } = this.#input
    const { state, effects, wakeAtMs } = stepPublishing(this.#publishing, input)
    this.#publishing = state
    this.#cancelPublishing()
    if (wakeAtMs !== null)
      this.#cancelPublishing = world.after(wakeAtMs - host.now(), () =>
        this.#publish({ type: 'wake', nowMs: host.now() }),
      )
    for (const { store: name, seq } of effects) {
      const record = this.#record
      const store = host.stores.find((candidate) => candidate.name === name) as SimStore
      world.after(network.latency(), () => {
        const nowMs = host.now()
        if (store.away) {
          const jitter = chance.unit()
          const code = 'store-unreachable'
          this.#publish({ type: 'failed', store: name, seq, code, nowMs, jitter })
        } else if (seq <= store.seq) {
          // A run that was put back to a backup learns late what the one before it had on its way.
          this.#seq = Math.max(this.#seq, store.seq)
          this.#guarded(() => this.credentialsChanged())
        } else {
          store.record = record
          store.seq = seq
          this.#publish({ type: 'stored', store: name, seq, nowMs })
        }
      })
    }
  }

  knock(port: number, knock: Knock, answer: (accepted: Accepted) => void): void {
    if (!this.#bound.has(port)) return
    const { world, host, network, hostKey, backend, chance } = this.#input
    const path = { socket: `10.0.0.1 ${port}`, address: knock.address, port: 40_000 }
    const decision = this.#gate.handle(
      {
        transaction: Buffer.from(knock.transaction),
        hostUfrag: knock.hostUfrag,
        clientUfrag: knock.clientUfrag,
        useCandidate: true,
        verify: (password) => password === knock.password,
      },
      path,
      world.nowMs,
      !this.#retired.has(port),
    )
    if (decision.type === 'drop') return
    const { key } = decision.peer
    if (decision.type === 'check') {
      const known = this.#carriers.get(key)
      if (known !== undefined) answer(known.accepted)
      return
    }
    const fingerprint = this.#fingerprints.get(decision.peer.epoch)
    if (fingerprint === undefined) {
      this.#gate.close(key)
      return
    }
    transaction(host.db, () => this.#nonces.add(fromHex(key), decision.untilEpoch))
    const [mine, theirs] = network.connect(knock.device)
    const accepted = { carrier: theirs, fingerprint }
    const entry = {
      host: mine,
      accepted,
      port,
      credential: decision.peer.credentialId,
      live: false,
    }
    this.#carriers.set(key, entry)
    mine.onClose(() => this.#forget(key, mine))
    const markLive = (): void => this.#gate.markLive(key)
    const carrier = Object.assign(mine, { markLive })
    // A client that never speaks is not waited for.
    const deadline = this.#input.world.after(20_000, () => {
      if (!entry.live) mine.close()
    })
    carrier.markLive = () => {
      entry.live = true
      deadline()
      markLive()
    }
    mine.onClose(deadline)
    serveCarrier(
      carrier,
      { ...decision.peer, hostFingerprint: fingerprint, route: 'direct' },
      {
        hostPublicKey: host.hostPublicKey,
        hostKey,
        hostName: () => 'Sim',
        backend,
        random: chance.bytes,
        now: host.now,
        after: (ms, run) => this.#input.world.after(ms, run),
        members: this.members,
        rooms: this.#rooms,
        files: null,
        pictures: NO_PICTURES,
        hub: this.hub,
        keepMs: 0,
        locator: () => LOCATOR,
        recordSeq: () => this.#seq,
        record: () => this.#record,
        notice: () => {
          const pending = pendingNotice(this.#rotation, host.now())
          return pending && { type: 'notice', ...pending, intervalMs: ROTATION.intervalMs }
        },
        publish: () => this.#published(),
        request: async () => ({ kind: 'done' }),
        report: (event) => network.hear(event),
      },
    )
    answer(accepted)
  }

  #forget(key: string, carrier: SimCarrier): void {
    this.#carriers.delete(key)
    if (!this.#ended) this.#gate.close(key)
    carrier.close()
  }
}

/** What a device gets from one store; ClawError as in web/resolve.ts. */
export function readStore(store: SimStore, input: Omit<Opening, 'bytes'>) {
  if (store.away) throw new ClawError('store-unreachable')
  if (store.record === null) throw new ClawError('record-missing')
  return { bytes: store.record, record: openOnce({ bytes: store.record, ...input }) }
}

interface Opening {
  readonly bytes: Uint8Array
  readonly root: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly minSeq: number
}

const opened = new Map<string, RecordBody | ClawError>()

/** `openRecord`, with the costly part done once for the same bytes and credential. */
export function openOnce({ minSeq, ...input }: Opening): RecordBody {
  const name = createHash('sha256').update(input.bytes).update(input.root).digest('hex')
  let found = opened.get(name)
  if (found === undefined) {
    try {
      found = openRecord({ ...input, minSeq: 0 })
    } catch (error) {
      if (!(error instanceof ClawError)) throw error
      found = error
    }
    if (opened.size > 1000) opened.clear()
    opened.set(name, found)
  }
  if (found instanceof ClawError) throw found
  if (found.seq < minSeq) throw new ClawError('record-rollback')
  return found
}
