// Drives the mapping machine (host/mapping.ts) for one address family: finds the router, speaks with it, keeps on disk what
// was mapped. Nothing here reports an address.
import { createSocket } from 'node:dgram'
import { fromHex } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import type { FamilyStatus } from './config.ts'
import type { Settings } from './database.ts'
import {
  defaultGateway,
  type Gateway,
  MAP_PROTOCOLS,
  MapError,
  type MapFailure,
  type MapProtocol,
  type MapRequest,
  type RouterPort,
} from './gateway.ts'
import { createMapping, type MappingEffect, type MappingInput, stepMapping } from './mapping.ts'
import {
  causeOf,
  type FarAddress,
  farAddresses,
  type Job,
  type Slot,
  type Wanted,
} from './mapstate.ts'
import { natPmpPort } from './natpmp.ts'
import { pcpPort } from './pcp.ts'
import { askStun } from './reflexive.ts'
import { upnpPort } from './upnp.ts'
import { atMost } from './wake.ts'

/** contract.md gives a whole stop 5 s. */
const STOP_MS = 2500
/** Another gateway is noticed this fast. */
const TICK_MS = 10_000
const SOON_MS = 50

export interface RouterInput {
  readonly family: 4 | 6
  /** of `--udp`; null: all */
  readonly bindAddress: string | null
  /** asked of the router */
  readonly leaseMs: number
  /** `host:port` */
  readonly stun: readonly string[]
  readonly settings: Settings
  readonly random: RandomBytes
  readonly now: () => number
  /** {@link RouterMapping.far} is another */
  readonly onChange: () => void
}

type Ports = ReadonlyMap<MapProtocol, RouterPort>
type Bare<T> = T extends unknown ? Omit<T, 'nowMs' | 'random'> : never

export class RouterMapping {
  readonly #input: RouterInput
  readonly #setting: string
  #state
  #ports: Ports = new Map()
  /** that of the last search */
  #at: Gateway | null = null
  #timer: NodeJS.Timeout | undefined
  readonly #stopped = Promise.withResolvers<void>()
  #closed = false

  constructor(input: RouterInput) {
    this.#input = input
    this.#setting = `router-${input.family}`
    this.#state = createMapping({ family: input.family, leaseMs: input.leaseMs })
  }

  start(): void {
    this.#send({ type: 'start', leftovers: readSlots(this.#input.settings.get(this.#setting)) })
  }

  /** The most needed first. */
  want(wanted: readonly Wanted[]): void {
    if (JSON.stringify(wanted) === JSON.stringify(this.#state.wanted)) return
    this.#send({ type: 'wanted', wanted })
  }

  /** Asks at once, and more often for a while. */
  doubt(): void {
    this.#send({ type: this.#hasMoved() ? 'moved' : 'doubt' })
  }

  /** Deletes what is mapped, within 2.5 s; what the router did not confirm is deleted at the next start. */
  async stop(): Promise<void> {
    if (this.#closed) return
    this.#send({ type: 'stop' })
    await atMost(STOP_MS, this.#stopped.promise)
    this.#closed = true
    clearTimeout(this.#timer)
  }

  get far(): readonly FarAddress[] {
    return farAddresses(this.#state)
  }

  get status(): FamilyStatus {
    const { live } = this.#state
    return {
      cause: causeOf(this.#state),
      mappings: live
        .filter(({ granted }) => granted)
        .map(({ protocol, transport, internalPort, externalPort, sinceMs, leaseMs }) => ({
          protocol,
          transport,
          port: internalPort,
          externalPort,
          since: new Date(sinceMs).toISOString(),
          leaseSeconds: leaseMs === 0 ? null : Math.round(leaseMs / 1000),
        })),
    }
  }

  #send(input: Bare<MappingInput>): void {
    if (this.#closed) return
    const { now, random } = this.#input
    const whole = { ...input, nowMs: now(), random } as MappingInput
    const { state, effects, wakeAtMs } = stepMapping(this.#state, whole)
    this.#state = state
    this.#wakeAt(wakeAtMs)
    for (const effect of effects) this.#carryOut(effect)
  }

  #wakeAt(atMs: number | null): void {
    clearTimeout(this.#timer)
    if (atMs === null) return
    const wait = Math.min(Math.max(atMs - this.#input.now(), SOON_MS), TICK_MS)
    this.#timer = setTimeout(() => {
      this.#send({ type: this.#hasMoved() ? 'moved' : 'wake' })
    }, wait)
  }

  /** A gateway that is gone may come back: that is silence. Another one is another network. */
  #hasMoved(): boolean {
    const { family, bindAddress } = this.#input
    const at = defaultGateway(family, bindAddress)
    return at !== null && (at.gateway !== this.#at?.gateway || at.client !== this.#at.client)
  }

  #carryOut(effect: MappingEffect): void {
    const { settings, onChange } = this.#input
    switch (effect.type) {
      case 'save':
        settings.set(this.#setting, JSON.stringify(effect.slots))
        break
      case 'changed':
        onChange()
        break
      case 'ask-stun':
        void this.#askStun()
        break
      case 'stopped':
        this.#stopped.resolve()
        break
      default:
        void this.#answer(effect).then((input) => this.#send(input))
    }
  }

  async #answer(job: Job): Promise<Bare<MappingInput>> {
    try {
      return job.type === 'find' ? await this.#find() : await this.#ask(job)
    } catch (error) {
      return { type: 'failed', failure: failureOf(error) }
    }
  }

  async #find(): Promise<Bare<MappingInput>> {
    const { family, bindAddress } = this.#input
    this.#at = defaultGateway(family, bindAddress)
    if (this.#at === null) return { type: 'not-found', cause: 'no-gateway' }
    const found = await findPorts(this.#at)
    this.#ports = new Map(found.ports.map(({ port }) => [port.protocol, port]))
    if (found.ports.length === 0) return { type: 'not-found', cause: found.cause }
    const { gateway, client } = this.#at
    const protocols = found.ports.map(({ port, sight }) => ({ ...sight, protocol: port.protocol }))
    return { type: 'found', gateway, client, protocols }
  }

  async #ask(job: Exclude<Job, { type: 'find' }>): Promise<Bare<MappingInput>> {
    const protocol = job.slot?.protocol ?? [...this.#ports.keys()][0]
    const port = protocol && this.#ports.get(protocol)
    if (port === undefined) throw new MapError('no-answer')
    switch (job.type) {
      case 'map':
        return { type: 'mapped', ...(await port.map(requestOf(job.slot, job.leaseMs))) }
      case 'unmap':
        await port.unmap(requestOf(job.slot, 0))
        return { type: 'unmapped' }
      case 'look': {
        const request = job.slot && requestOf(job.slot, this.#input.leaseMs)
        return { type: 'looked', ...(await port.look(request)) }
      }
    }
  }

  async #askStun(): Promise<void> {
    if (this.#input.family === 6 || this.#input.stun.length === 0 || this.#at === null) return
    this.#send({ type: 'seen', address: await seenAddress(this.#at.client, this.#input.stun) })
  }
}

const requestOf = (slot: Slot, leaseMs: number): MapRequest => ({
  transport: slot.transport,
  internalPort: slot.internalPort,
  externalPort: slot.externalPort,
  leaseMs,
  nonce: fromHex(slot.nonce),
})

/** Whatever else breaks on a router's answer must not end the host. */
const failureOf = (error: unknown): MapFailure =>
  error instanceof MapError ? error.failure : 'bad-answer'

interface FoundPort {
  readonly port: RouterPort
  readonly sight: Awaited<ReturnType<RouterPort['look']>>
}

/** Asks by all protocols at once; the best first. `cause`: what to say if there are none. */
export async function findPorts(at: Gateway): Promise<{
  readonly ports: readonly FoundPort[]
  readonly cause: 'no-answer' | 'refused' | 'bad-answer'
}> {
  const asked = MAP_PROTOCOLS.filter((protocol) => at.family === 4 || protocol === 'pcp')
  const all = await Promise.allSettled(asked.map((protocol) => findPort(protocol, at)))
  const ports = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failures = all.flatMap((each) =>
    each.status === 'rejected' ? [failureOf(each.reason)] : [],
  )
  const heard = failures.filter((failure) => failure !== 'no-answer')
  const refused = heard.length > 0 ? 'refused' : 'no-answer'
  return { ports, cause: heard.includes('bad-answer') ? 'bad-answer' : refused }
}

export async function findPort(protocol: MapProtocol, at: Gateway): Promise<FoundPort> {
  const port = await { pcp: pcpPort, 'nat-pmp': natPmpPort, upnp: upnpPort }[protocol](at)
  return { port, sight: await port.look(null) }
}

/** The address of this computer as the first STUN server that answers sees it; null if none does. */
export async function seenAddress(
  client: string,
  servers: readonly string[],
): Promise<string | null> {
  const socket = createSocket('udp4')
  socket.on('error', () => undefined)
  try {
    await new Promise<void>((bound, fail) => {
      socket.once('error', fail)
      socket.bind({ address: client }, bound)
    })
    for (const server of servers) {
      const seen = await askStun(socket, server)
      if (seen !== null) return seen.address
    }
    return null
  } catch {
    return null
  } finally {
    socket.close()
  }
}

/** What an earlier run left, this version's or not. */
function readSlots(text: string | null): Slot[] {
  try {
    const slots: unknown = JSON.parse(text ?? '[]')
    return Array.isArray(slots) ? slots.filter(isSlot) : []
  } catch {
    return []
  }
}

function isSlot(value: unknown): value is Slot {
  if (typeof value !== 'object' || value === null) return false
  const slot = value as Partial<Record<keyof Slot, unknown>>
  const texts = [slot.gateway, slot.client, slot.nonce].every((text) => typeof text === 'string')
  const numbers = [slot.internalPort, slot.externalPort, slot.sinceMs].every(Number.isSafeInteger)
  const known = MAP_PROTOCOLS.some((protocol) => protocol === slot.protocol)
  return texts && numbers && known && (slot.untilMs === null || Number.isSafeInteger(slot.untilMs))
}
