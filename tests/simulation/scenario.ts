// One simulated afternoon per seed: people write while the network, the stores, the clocks and the processes misbehave;
// then everything calms down, and what must be true then is checked.
import { nodeBackend } from '../../host/nodecrypto.ts'
import { fromHex, toHex, toUtf8 } from '../../shared/bytes.ts'
import { ClawError } from '../../shared/error.ts'
import type { Message } from '../../web/model.ts'
import { SimDevice } from './device.ts'
import { readStore, SimHost, type SimStore } from './host.ts'
import { CALM, type Faults, Network, watchNonces } from './network.ts'
import { Chance, World } from './world.ts'

export const START_MS = 1_800_000_000_000
const TROUBLE_MS = 20_000
const CALM_MS = 900_000
/** How long after its time a message may still be somewhere. */
const BOUND_MS = 40_000
/** of messages, as somebody sets them; 0: for ever */
const LIVES = [0, 3_600_000, 3_605_000, 3_610_000]
/** Stands in every message, so that the network can look for it. */
export const MARK = 'kestrel-4711'

export interface Outcome {
  readonly messages: number
  readonly frames: number
  readonly events: number
  readonly crashes: number
  readonly rotations: number
  readonly connects: number
  readonly restores: number
  readonly revocations: number
  readonly gone: number
}

/** Of a revoked device, by its hex id. */
interface Revocation {
  readonly device: SimDevice
  readonly atMs: number
  /** the room's last number at the commit */
  readonly seq: number
}

/** Throws where an invariant is broken. */
export async function simulate(seed: number): Promise<Outcome> {
  const chance = new Chance(seed)
  const world = new World(START_MS + chance.between(0, 59_999))
  const network = new Network(world, chance, faultsOf(chance))
  network.secrets.push(toUtf8(MARK), toUtf8('device-'))
  const backend = watchNonces(nodeBackend, world)
  const host = new SimHost(world, network, chance, backend)
  const devices: SimDevice[] = []
  const input = { world, network, chance, host, backend }
  const enter = (role: 'owner' | 'member'): void => {
    const invite = host.invite(role)
    if (invite === null) return
    const device = new SimDevice(`device-${devices.length}`, invite, input)
    devices.push(device)
    // Wrong all the time, as far as its host is right.
    if (host.times) device.clockOffsetMs = chance.between(-600_000, 600_000)
    device.start()
  }
  const hostForgets = chance.chance(0.3)
  // A host that forgets is another afternoon's: what it forgot has no time.
  host.times = !hostForgets && chance.chance(0.5)
  host.start()
  enter('owner')
  enter('member')
  if (chance.chance(0.5)) enter('member')
  await world.run(world.nowMs + 20_000, () => devices.every((device) => device.connected))
  host.crashiness = chance.pick([0, 0, 0.01, 0.03]) ?? 0
  for (const device of devices) device.crashiness = chance.pick([0, 0, 0.002, 0.01]) ?? 0
  const revoked = new Map<string, Revocation>()
  const trouble = new Trouble(world, network, chance, host, devices, enter, revoked, hostForgets)
  trouble.begin()
  await world.run(world.nowMs + TROUBLE_MS)
  trouble.end()
  await world.run(world.nowMs + 2000)
  const check = new Check(
    host,
    devices,
    [...revoked.values()].map(({ device }) => device),
  )
  const quiet = await world.run(world.nowMs + CALM_MS, () => check.quiet(world.nowMs))
  if (!quiet) throw new Error(`not quiet after ${CALM_MS / 60_000} minutes: ${check.whyNot()}`)
  check.all()
  if (host.times) await letEnd(world, host, devices, check)
  for (const [id, revocation] of revoked) checkRevoked(id, revocation, host, network, check.stored)
  const outcome = {
    messages: check.stored.length,
    frames: network.frames,
    events: network.events,
    crashes: host.crashes + devices.reduce((sum, device) => sum + device.crashes, 0),
    rotations: host.rotations,
    connects: devices.reduce((sum, device) => sum + device.connects, 0),
    restores: host.restores + devices.filter(({ restored }) => restored).length,
    revocations: revoked.size,
    gone: check.stored.filter(({ gone }) => gone).length,
  }
  await end(world, network, host, devices)
  return outcome
}

/**
 * The time of messages comes while nobody runs, of some of them first (SPEC §7.10). Each is there until then; afterwards it
 * stands nowhere any more, in no form: the texts bear their ids.
 */
async function letEnd(world: World, host: SimHost, devices: readonly SimDevice[], check: Check) {
  const timed = host.db
    .prepare('SELECT id, endsAtMs FROM messages WHERE endsAtMs > 0 ORDER BY endsAtMs')
    .all()
    .map(({ id, endsAtMs }) => ({ id: toHex(id as Uint8Array), endsAtMs: Number(endsAtMs) }))
  for (const index of [timed.length >> 1, timed.length - 1]) {
    host.crash()
    for (const device of devices) device.crash()
    await world.run(timed[index]?.endsAtMs ?? world.nowMs)
    host.start()
    for (const device of devices) device.start()
    await world.run(world.nowMs + BOUND_MS)
    const quiet = await world.run(world.nowMs + CALM_MS, () => check.quiet(world.nowMs))
    must(quiet, `not quiet once messages were over: ${check.whyNot()}`)
    const over = timed.filter(({ endsAtMs }) => endsAtMs < world.nowMs - BOUND_MS)
    check.gone(over.map(({ id }) => id))
  }
  check.all()
}

/** All texts that a device keeps, and those that it is about to say. */
const wordsOn = ({ messages, outbox }: SimDevice['disk']): string =>
  [
    ...[...messages.values()].map(({ text }) => text),
    ...outbox.map(({ body }) => Buffer.from(body).toString('latin1')),
  ].join('\n')

/** After the commit a revoked device gets nothing, says nothing and is let in by nothing that it holds (SPEC §3.4). */
function checkRevoked(
  id: string,
  { device, atMs, seq }: Revocation,
  host: SimHost,
  network: Network,
  stored: readonly StoredRow[],
): void {
  // It may itself not have noticed yet.
  must(!host.talksTo(id), `${device.name}: revoked, and still connected`)
  must(
    (network.connectedMs.get(id) ?? 0) <= atMs,
    `${device.name}: was let in after its revocation`,
  )
  const later = stored.filter((row) => row.seq > seq)
  must(!later.some((row) => row.device === id), `${device.name}: spoke after its revocation`)
  const got = later.filter((row) => device.disk.messages.has(row.id))
  must(got.length === 0, `${device.name}: got ${got.length} messages after its revocation`)
  const root = device.disk.profile?.root as Uint8Array
  for (const store of host.stores) must(!opens(store, root, host), `${store.name} still names it`)
  const waiting = host.db.prepare('SELECT count(*) AS n FROM outgoing WHERE device = ?').get(id)?.n
  must(waiting === 0, `${waiting} events wait for a revoked device`)
}

function opens(store: SimStore, root: Uint8Array, { hostPublicKey }: SimHost): boolean {
  try {
    readStore(store, { root, hostPublicKey, minSeq: 0 })
    return true
  } catch (error) {
    if (error instanceof ClawError && error.code === 'record-no-slot') return false
    throw error
  }
}

/** Nothing may go on by itself once all have left. */
async function end(world: World, network: Network, host: SimHost, devices: SimDevice[]) {
  for (const device of devices) device.crash()
  host.crash()
  await world.run(world.nowMs + 60_000)
  if (world.waiting > 0) throw new Error(`${world.waiting} timers are left over`)
  if (network.carriers.size > 0) throw new Error(`${network.carriers.size} carriers are left over`)
  host.db.close()
}

function faultsOf(chance: Chance): Faults {
  const some = (most: number): number => (chance.chance(0.5) ? 0 : chance.unit() * most)
  return { lose: some(0.02), double: some(0.02), swap: some(0.02), damage: some(0.01) }
}

class Trouble {
  readonly #world: World
  readonly #network: Network
  readonly #chance: Chance
  readonly #host: SimHost
  readonly #devices: readonly SimDevice[]
  readonly #enter: (role: 'member') => void
  readonly #hostForgets: boolean
  /** the room has lifetimes; clocks that jump are another afternoon's */
  readonly #times: boolean
  readonly #revoked: Map<string, Revocation>
  #over = false

  constructor(
    world: World,
    network: Network,
    chance: Chance,
    host: SimHost,
    devices: readonly SimDevice[],
    enter: (role: 'member') => void,
    revoked: Map<string, Revocation>,
    hostForgets: boolean,
  ) {
    this.#world = world
    this.#network = network
    this.#chance = chance
    this.#host = host
    this.#devices = devices
    this.#enter = enter
    this.#revoked = revoked
    this.#hostForgets = hostForgets
    this.#times = host.times
  }

  begin(): void {
    if (this.#times)
      this.#world.after(this.#chance.between(0, 5000), () => this.#setLifetime(LIVES.slice(1)))
    this.#goOn()
  }

  #goOn(): void {
    if (this.#over) return
    this.#act()
    this.#world.after(this.#chance.between(10, 2000), () => this.#goOn())
  }

  /** All that was broken works again; clocks stay as wrong as they are. */
  end(): void {
    this.#over = true
    this.#network.faults = CALM
    this.#network.cut.clear()
    this.#host.crashiness = 0
    for (const device of this.#devices) device.crashiness = 0
    for (const store of this.#host.stores) store.away = false
    // One that is just stopping is started once it has.
    this.#world.after(1000, () => this.#host.start())
    for (const device of this.#devices) device.start()
  }

  #act(): void {
    const chance = this.#chance
    const device = chance.pick(this.#devices) as SimDevice
    const wait = chance.between(100, 20_000)
    const later = (act: () => void): void => {
      this.#world.after(wait, () => {
        if (!this.#over) act()
      })
    }
    switch (chance.between(0, 22)) {
      case 0:
        device.crash()
        later(() => device.start())
        break
      case 1:
        this.#host.crash()
        later(() => this.#host.start())
        break
      case 2:
        this.#host.stop()
        later(() => this.#host.start())
        break
      case 3:
        this.#network.cut.add(device.name)
        later(() => this.#network.cut.delete(device.name))
        break
      case 4: {
        const store = chance.pick(this.#host.stores)
        if (store === undefined) break
        store.away = true
        later(() => {
          store.away = false
        })
        break
      }
      case 5:
        this.#host.rotate()
        break
      case 6:
        if (!this.#times) device.clockOffsetMs = chance.between(-600_000, 600_000)
        break
      case 7:
        if (this.#times) break
        this.#host.clockOffsetMs = chance.between(-90_000, 90_000)
        this.#host.clockJumped()
        break
      case 8:
        // With others speaking at that very moment: what is on the way on the old carrier must not be lost.
        for (const each of this.#devices) this.#burst(each, chance.between(1, 20))
        this.#world.after(chance.between(0, 200), () => {
          device.renew()
          if (chance.chance(0.5)) device.renew()
        })
        break
      case 9:
        if (this.#devices.length < 4) this.#enter('member')
        break
      case 11:
      case 12:
      case 13:
        // What both ends forgot is gone: one of them is restored in one afternoon.
        if (this.#hostForgets) this.#host.restore()
        else device.restore()
        break
      case 14:
      case 15:
      case 16:
        this.#revoke(device)
        break
      case 17:
      case 18:
      case 19:
        // A deleted message that the host forgets is gone, as it should be: nothing could be told of it.
        for (let i = chance.between(1, 6); i > 0; i--)
          (chance.pick(this.#devices) as SimDevice).change(!this.#hostForgets)
        break
      case 20:
      case 21:
        if (this.#times) this.#setLifetime()
        else this.#burst(device, chance.between(1, 3))
        break
      case 10:
        this.#burst(device, chance.between(5, 40))
        break
      default:
        this.#burst(device, chance.between(1, 3))
    }
    // A run that ended at a commit is started again, as a service manager does.
    if (!this.#host.running) later(() => this.#host.start())
    for (const each of this.#devices) if (!each.running) later(() => each.start())
  }

  /**
   * Two stay at least, so that there is somebody to talk to. Not where the host forgets: what a revoked device wrote and
   * the host lost, nobody brings back.
   */
  #revoke(device: SimDevice): void {
    const inside = this.#devices.filter(({ enrolled }) => enrolled)
    if (this.#hostForgets || !device.enrolled) return
    if (inside.length - this.#revoked.size < 3) return
    // Others speak at that very moment, and so does it.
    for (const each of inside) this.#burst(each, this.#chance.between(1, 5))
    this.#world.after(this.#chance.between(0, 200), () => {
      const id = toHex(device.disk.profile?.deviceId as Uint8Array)
      const atMs = this.#world.nowMs
      this.#host.revoke(id)
      const { db } = this.#host
      if (db.prepare('SELECT 1 FROM revoked WHERE device = ?').get(id) === undefined) return
      if (this.#revoked.has(id)) return
      const seq = Number(db.prepare('SELECT seq FROM rooms').get()?.seq)
      this.#revoked.set(id, { device, atMs, seq })
    })
  }

  #setLifetime(lives: readonly number[] = LIVES): void {
    const { profile } = this.#chance.pick(this.#devices.filter((one) => one.enrolled))?.disk ?? {}
    if (profile?.deviceId == null || profile.member === null) return
    const lifeMs = this.#chance.pick(lives) ?? 0
    this.#host.setLifetime(toHex(profile.deviceId), profile.member, lifeMs)
  }

  #burst(device: SimDevice, count: number): void {
    for (let i = 0; i < count; i++) {
      const id = toHex(this.#chance.bytes(16))
      const length = this.#chance.chance(0.1) ? this.#chance.between(1, 4000) : 5
      device.post(id, `${MARK} ${id} ${'x'.repeat(length)}`)
    }
  }
}

interface StoredRow {
  readonly id: string
  readonly gone: boolean
  /** as `contentOf` */
  readonly content: string
  readonly seq: number
  readonly device: string
}

function contentOf({ text, edited, deleted, gone, reactions }: Message): string {
  const reacted = reactions.flatMap(({ emoji, members }) =>
    members.map((member) => [emoji, member]),
  )
  return JSON.stringify([text, edited, deleted, gone, reacted.toSorted(byText)])
}

const byText = (a: readonly string[], b: readonly string[]): number =>
  a.join('\0') < b.join('\0') ? -1 : 1

export class Check {
  readonly #host: SimHost
  readonly #devices: readonly SimDevice[]
  #nextLookMs = 0

  /** `out`: devices that were revoked, of which nothing is expected here. */
  constructor(host: SimHost, devices: readonly SimDevice[], out: readonly SimDevice[] = []) {
    this.#host = host
    this.#devices = devices.filter((device) => !out.includes(device))
  }

  get stored(): StoredRow[] {
    const rows = this.#host.db
      .prepare(
        `SELECT *, (SELECT json_group_array(json_array(emoji, member)) FROM
          (SELECT emoji, member FROM reactions r WHERE r.message = messages.id ORDER BY emoji, member))
          AS reacted FROM messages ORDER BY seq`,
      )
      .all()
    return rows.map((row) => ({
      id: toHex(row.id as Uint8Array),
      seq: Number(row.seq),
      device: String(row.authorDevice),
      gone: row.gone === 1,
      content: JSON.stringify([
        row.text,
        row.edited === 1 && row.deleted !== 1,
        row.deleted === 1,
        row.gone === 1,
        JSON.parse(String(row.reacted)),
      ]),
    }))
  }

  /** Who is in; a link that nobody could use in all that trouble let nobody in. */
  get #in(): SimDevice[] {
    return this.#devices.filter((device) => device.enrolled)
  }

  /** Asked after every event; looked up twice a second. */
  quiet(nowMs: number): boolean {
    if (nowMs < this.#nextLookMs) return false
    this.#nextLookMs = nowMs + 500
    return this.whyNot() === ''
  }

  whyNot(): string {
    const waiting = Number(this.#host.db.prepare('SELECT count(*) AS n FROM outgoing').get()?.n)
    const behind = this.#devices.filter((device) => !device.connected).map(({ name }) => name)
    const outboxes = this.#in.filter((device) => device.disk.outbox.length > 0)
    // A carrier to a process that is gone looks alive until its silence is noticed.
    if (this.#host.connected < this.#in.length) return 'the host has not heard from all'
    if (!this.#host.published) return 'a store holds an older record'
    if (behind.length > 0) return `not connected: ${behind.join(', ')}`
    if (outboxes.length > 0) return `unsent: ${outboxes.map(({ name }) => name).join(', ')}`
    if (waiting > 0) return `${waiting} events wait on the host`
    if (this.#devices.some((device) => device.scroll() || device.asking))
      return 'history is asked for'
    return this.#devices.some(({ shown }) => shown.some((message) => message.state === 'sending'))
      ? 'a message is still being sent'
      : ''
  }

  /** These are, on all ends. */
  gone(ids: readonly string[]): void {
    const left = this.stored.filter(({ id, gone }) => !gone && ids.includes(id))
    must(left.length === 0, `the host keeps ${left.length} messages after their time`)
    for (const { name, disk } of this.#in) {
      const words = wordsOn(disk)
      must(!ids.some((id) => words.includes(id)), `${name}: keeps a message after its time`)
    }
  }

  all(): void {
    const { stored } = this
    const ids = stored.map(({ id }) => id)
    must(new Set(ids).size === ids.length, 'a message is stored twice')
    must(
      stored.every(({ seq }, i) => seq === i + 1),
      'the room has a gap',
    )
    for (const device of this.#in) this.#ofDevice(device, stored)
    const written = this.#in.reduce((sum, device) => sum + device.written.length, 0)
    // What was kept right before a crash is not in `written`, but it is in the room.
    must(stored.length >= written, 'a message is missing')
  }

  #ofDevice(device: SimDevice, stored: readonly StoredRow[]): void {
    const own = toHex(device.disk.profile?.deviceId as Uint8Array)
    const mine = stored.filter((row) => row.device === own).map(({ id }) => id)
    const place = new Map(mine.map((id, i) => [id, i]))
    // Of what is gone nobody knows who wrote it.
    const gone = new Set(stored.filter((row) => row.gone).map(({ id }) => id))
    const places = device.written.filter((id) => !gone.has(id)).map((id) => place.get(id))
    must(
      places.every((at) => at !== undefined),
      `${device.name}: a kept message is missing`,
    )
    must(
      places.every((at, i) => i === 0 || (at as number) > (places[i - 1] as number)),
      `${device.name}: its messages are out of order`,
    )
    for (const id of device.disk.promised)
      must(place.has(id) || gone.has(id), `${device.name}: "sent" was a lie`)
    const shown = device.shown
    const wrong = stored.findIndex(({ id }, i) => id !== shown[i]?.id)
    must(
      wrong < 0 && shown.length === stored.length,
      `${device.name}: shows ${shown.length} of ${stored.length} messages, another one at ${wrong}`,
    )
    must(
      shown.every(({ seq }, i) => seq === stored[i]?.seq),
      `${device.name}: other places than the room`,
    )
    // What a host forgot of changes, nobody brings back.
    if (this.#host.restores === 0)
      must(
        shown.every((message, i) => contentOf(message) === stored[i]?.content),
        `${device.name}: shows another content than the room`,
      )
    const alone = this.#in.length < 2
    for (const { id, state } of shown)
      if (place.has(id))
        must(alone || state === 'delivered', `${device.name}: ${id} is still ${state}`)
    must([...device.disk.messages.values()].length === stored.length, `${device.name}: disk`)
    must(fromHex(own).length === 16, 'an id')
  }
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
