// What routers send, and the machine that speaks with them, under any sequence of answers (docs/DESIGN.md, "The router").
import { MapError } from '../../host/gateway.ts'
import { createMapping, type MappingInput, stepMapping } from '../../host/mapping.ts'
import { causeOf, farAddresses, type Job, type Slot } from '../../host/mapstate.ts'
import { parseNatPmp } from '../../host/natpmp.ts'
import { encodePcp, parsePcp } from '../../host/pcp.ts'
import { parseDescription, parseSsdp } from '../../host/upnp.ts'
import { Choices, Dice } from './dice.ts'
import { must, type Target } from './target.ts'

const GATEWAY = '192.168.1.1'
const LOCATION = new URL(`http://${GATEWAY}:5000/root.xml`)
export const PCP_QUERY = encodePcp(
  '192.168.1.5',
  {
    transport: 'udp',
    internalPort: 50_000,
    externalPort: 50_000,
    leaseMs: 3_600_000,
    nonce: new Uint8Array(12).fill(7),
  },
  3_600_000,
)

const PCP_ANSWER = Buffer.from(
  `0281000000000e1000000010${'00'.repeat(12)}${'07'.repeat(12)}11000000c350c350${'00'.repeat(10)}ffff0b630002`,
  'hex',
)
const SSDP_ANSWER = `HTTP/1.1 200 OK\r\nLocation: ${LOCATION}\r\n\r\n`
const DESCRIPTION = `<root><URLBase>http://${GATEWAY}/</URLBase><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/c?a&amp;b</controlURL></service></root>`

/** An answer of each kind that a host would take. */
export const ROUTER_ANSWERS: readonly Uint8Array[] = [
  Buffer.from('0081000000000010c350c35100001c20', 'hex'),
  PCP_ANSWER,
  Buffer.from(SSDP_ANSWER),
  Buffer.from(DESCRIPTION),
].map((answer, kind) => Uint8Array.from([kind, ...answer]))

/** The result, or null for a refusal. */
function attempt<T>(run: () => T): T | null {
  try {
    return run()
  } catch (error) {
    if (error instanceof MapError) return null
    throw error
  }
}

/** The first byte says which decoder reads the rest. */
const answers: Target = {
  name: 'router-answer',
  maxBytes: 2049,
  run(input) {
    const rest = Buffer.from(input.subarray(1))
    const kind = (input[0] ?? 0) % 4
    if (kind === 0) attempt(() => parseNatPmp(rest, 1))
    if (kind === 1) {
      const granted = attempt(() => parsePcp(rest, PCP_QUERY))
      must(
        granted === null || rest.subarray(24, 36).equals(PCP_QUERY.subarray(24, 36)),
        'own nonce',
      )
    }
    if (kind === 2) {
      const url = parseSsdp(rest.toString('latin1'), GATEWAY)
      must(url === null || (url.hostname === GATEWAY && url.protocol === 'http:'), 'on the gateway')
    }
    if (kind === 3) {
      const control = attempt(() => parseDescription(rest.toString(), LOCATION))
      must(control === null || control.url.hostname === GATEWAY, 'controlled on the gateway')
    }
  },
}

const PROTOCOLS = ['pcp', 'nat-pmp', 'upnp'] as const
const EXTERNALS = ['11.99.0.2', '11.99.0.3', '100.64.0.1', '192.168.0.2', '0.0.0.0', null] as const
const FAILURES = ['no-answer', 'refused', 'conflict', 'permanent-only', 'bad-answer'] as const
type Bare<T> = T extends unknown ? Omit<T, 'nowMs' | 'random'> : never

class Mapping {
  state = createMapping({ family: 4, leaseMs: 4_020_000 })
  nowMs = 1_000_000_000
  saved: readonly Slot[] = []
  stopped = false
  readonly #dice = new Dice(1)
  readonly #from: Choices

  constructor(from: Choices) {
    this.#from = from
  }

  send(input: Bare<MappingInput>): void {
    const before = JSON.stringify(this.state)
    // Not from the input: no two nonces are equal in the world.
    const random = (n: number) => this.#dice.bytes(n)
    const whole = { ...input, nowMs: this.nowMs, random } as MappingInput
    const { state, effects, wakeAtMs } = stepMapping(this.state, whole)
    must(JSON.stringify(this.state) === before, 'a step changes nothing that it was given')
    this.state = state
    const jobs = effects.filter(({ type }) => ['find', 'map', 'unmap', 'look'].includes(type))
    must(jobs.length <= 1, 'one question at a time')
    for (const effect of effects) {
      if (effect.type === 'save') this.saved = effect.slots
      if (effect.type === 'stopped') this.stopped = true
      if (effect.type === 'map') {
        must(
          this.saved.some(({ nonce }) => nonce === effect.slot.nonce),
          'on disk before',
        )
      }
    }
    for (const transport of ['udp', 'tcp']) {
      const live = state.live.filter((slot) => slot.transport === transport && slot.granted)
      must(live.length <= 2 || state.phase === 'searching', 'at most two of a transport')
    }
    must(state.leftovers.length <= 16, 'leftovers are few')
    const waits = state.busy === null && !['idle', 'stopped'].includes(state.phase)
    must((wakeAtMs !== null) === waits, 'wakes while nothing is asked, and only then')
    must(wakeAtMs === null || wakeAtMs > this.nowMs, 'does not spin')
    const far = farAddresses(state)
    for (const transport of ['udp', 'tcp']) {
      const told = far.filter((each) => each.transport === transport)
      must(told.length <= 2 || state.phase === 'searching', 'tells of two of a transport at most')
    }
    causeOf(state)
  }

  answer(job: Job): Bare<MappingInput> {
    const from = this.#from
    if (from.rarely(4)) return { type: 'failed', failure: from.pick([...FAILURES]) }
    const sight = { external: from.pick([...EXTERNALS]), uptimeMs: from.below(3) * 100_000 }
    switch (job.type) {
      case 'find':
        if (from.rarely(4)) return { type: 'not-found', cause: 'no-gateway' }
        return {
          type: 'found',
          gateway: from.pick([GATEWAY, '10.0.0.1']),
          client: '192.168.1.5',
          protocols: [{ protocol: from.pick([...PROTOCOLS]), ...sight }],
        }
      case 'map':
        return { type: 'mapped', ...sight, externalPort: 50_000, leaseMs: from.below(5) * 2000 }
      case 'unmap':
        return { type: 'unmapped' }
      case 'look':
        return { type: 'looked', ...sight, present: from.pick([true, false, null]) }
    }
  }

  step(): void {
    const from = this.#from
    const { busy } = this.state
    const kind = from.below(8)
    if (kind < 4 && busy !== null) this.send(this.answer(busy))
    else if (kind === 4) this.nowMs += from.below(5) * 10_000 - (from.rarely(16) ? 7_200_000 : 0)
    else if (kind === 5) this.send({ type: 'wake' })
    else if (kind === 6) this.want()
    else if (kind === 7 && from.rarely(4)) this.send({ type: 'moved' })
  }

  want(): void {
    const from = this.#from
    const wanted = Array.from({ length: from.below(4) }, () => ({
      transport: from.pick(['udp', 'tcp'] as const),
      port: 50_000 + from.below(4),
      listed: !from.rarely(3),
    }))
    const once = wanted.filter(
      (each, i) =>
        wanted.findIndex((o) => o.port === each.port && o.transport === each.transport) === i,
    )
    this.send({ type: 'wanted', wanted: once })
  }
}

const mapping: Target = {
  name: 'mapping',
  maxBytes: 400,
  run(input) {
    const from = new Choices(input)
    const world = new Mapping(from)
    world.send({ type: 'start', leftovers: [] })
    while (from.more) world.step()
    world.send({ type: 'stop' })
    for (let i = 0; !world.stopped; i++) {
      must(i < 40, 'comes to its end')
      if (world.state.busy !== null) world.send(world.answer(world.state.busy))
    }
  },
}

export const ROUTER_TARGETS: readonly Target[] = [answers, mapping]
