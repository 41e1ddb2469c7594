// The mapping machine against a router that is a table: virtual time, every answer by hand of the router's rules.
import { describe, expect, test } from 'vitest'
import type { Granted, MapFailure, MapProtocol } from '../../host/gateway.ts'
import {
  createMapping,
  type MappingEffect,
  type MappingInput,
  stepMapping,
} from '../../host/mapping.ts'
import { causeOf, diagnose, farAddresses, type Slot, type Wanted } from '../../host/mapstate.ts'
import { boundPorts, createRotation, currentPort, stepRotation } from '../../host/rotation.ts'

const HOUR_MS = 3_600_000
const LEASE_MS = HOUR_MS + 420_000
type Bare<T> = T extends unknown ? Omit<T, 'nowMs' | 'random'> : never

interface Row {
  readonly externalPort: number
  readonly internalPort: number
  readonly untilMs: number
}

/** Whole numbers below 2^31, the same in every run. */
function dice(seed: number): () => number {
  let value = seed
  return () => {
    value = (value * 48_271) % 2_147_483_647
    return value
  }
}

/** A home router and the driver around the machine, in one clock. */
class World {
  nowMs = 1_800_000_000_000
  state = createMapping({ family: 4, leaseMs: LEASE_MS })
  /** by nonce */
  readonly table = new Map<string, Row>()
  readonly taken = new Set<number>()
  saved: readonly Slot[] = []
  changes = 0
  maps = 0
  most = 0
  stunAsked = 0
  stopped = false
  // The router's side.
  gateway: string | null = '192.168.1.1'
  answers = true
  protocols: MapProtocol[] = ['pcp', 'nat-pmp', 'upnp']
  refuses = new Map<MapProtocol, MapFailure>()
  external = '11.99.0.2'
  bootMs = this.nowMs - HOUR_MS
  permanentOnly = false
  leaseMs: number | null = null
  stun: string | null = null
  #wakeAtMs: number | null = null
  readonly #dice = dice(1)

  readonly #random = (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => this.#dice() & 255)

  send(input: Bare<MappingInput>): void {
    const whole = { ...input, nowMs: this.nowMs, random: this.#random } as MappingInput
    const { state, effects, wakeAtMs } = stepMapping(this.state, whole)
    this.state = state
    this.#wakeAtMs = wakeAtMs
    for (const effect of effects) this.#carryOut(effect)
  }

  start(leftovers: readonly Slot[] = []): this {
    this.send({ type: 'start', leftovers })
    return this
  }

  want(...ports: (number | Wanted)[]): this {
    const wanted = ports.map((port) =>
      typeof port === 'number' ? ({ transport: 'udp', port, listed: true } as const) : port,
    )
    this.send({ type: 'wanted', wanted })
    return this
  }

  /** Lets time pass; wakes when the machine asked for it. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms
    for (let steps = 0; this.#wakeAtMs !== null && this.#wakeAtMs <= endMs; steps++) {
      if (steps > 100_000) throw new Error('the machine spins')
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs)
      this.send({ type: 'wake' })
    }
    this.nowMs = endMs
  }

  reboot(): void {
    this.table.clear()
    this.bootMs = this.nowMs
  }

  get rows(): [number, number][] {
    const live = [...this.table.values()].filter(({ untilMs }) => untilMs > this.nowMs)
    return live.map(({ externalPort, internalPort }) => [externalPort, internalPort])
  }

  #carryOut(effect: MappingEffect): void {
    switch (effect.type) {
      case 'save':
        this.saved = effect.slots
        return
      case 'changed':
        this.changes++
        return
      case 'stopped':
        this.stopped = true
        return
      case 'ask-stun':
        this.stunAsked++
        this.send({ type: 'seen', address: this.stun })
        return
      default:
        this.send(this.#answer(effect))
    }
  }

  #answer(job: Extract<MappingEffect, { type: 'find' | 'map' | 'unmap' | 'look' }>) {
    const failed = (failure: MapFailure) => ({ type: 'failed', failure }) as const
    const sight = { external: this.external, uptimeMs: this.nowMs - this.bootMs }
    if (job.type === 'find') {
      if (this.gateway === null) return { type: 'not-found', cause: 'no-gateway' } as const
      if (!this.answers) return { type: 'not-found', cause: 'no-answer' } as const
      const protocols = this.protocols.map((protocol) => ({ protocol, ...sight }))
      return { type: 'found', gateway: this.gateway, client: '192.168.1.5', protocols } as const
    }
    if (!this.answers) return failed('no-answer')
    if (job.type === 'look') {
      const row = job.slot ? this.table.get(job.slot.nonce) : undefined
      const present = row !== undefined && row.untilMs > this.nowMs
      // NAT-PMP cannot be asked for a mapping.
      const tells = job.slot !== null && job.slot.protocol !== 'nat-pmp'
      return { type: 'looked', ...sight, present: tells ? present : null } as const
    }
    const refusal = this.refuses.get(job.slot.protocol)
    if (refusal) return failed(refusal)
    if (job.type === 'unmap') {
      this.table.delete(job.slot.nonce)
      return { type: 'unmapped' } as const
    }
    // On disk before the router hears of it.
    expect(this.saved).toContainEqual(job.slot)
    if (this.permanentOnly && job.leaseMs !== 0) return failed('permanent-only')
    if (this.taken.has(job.slot.externalPort)) return failed('conflict')
    return { type: 'mapped', ...sight, ...this.#grant(job.slot, job.leaseMs) } as const
  }

  #grant(
    { nonce, externalPort, internalPort }: Slot,
    asked: number,
  ): Pick<Granted, 'externalPort' | 'leaseMs'> {
    const leaseMs = asked === 0 ? 0 : (this.leaseMs ?? asked)
    const untilMs = leaseMs === 0 ? Number.POSITIVE_INFINITY : this.nowMs + leaseMs
    this.table.set(nonce, { externalPort, internalPort, untilMs })
    this.maps++
    this.most = Math.max(this.most, this.rows.length)
    return { externalPort, leaseMs }
  }
}

const far = (world: World) =>
  farAddresses(world.state).map(({ address, externalPort }) => `${address} ${externalPort}`)

describe('mapping', () => {
  test('maps what is wanted, outside as inside, and says so once', () => {
    const world = new World().start().want(50_000)
    expect(world.rows).toEqual([[50_000, 50_000]])
    expect(far(world)).toEqual(['11.99.0.2 50000'])
    expect(causeOf(world.state)).toBeNull()
    expect(world.changes).toBe(1)
    world.pass(10 * 60_000)
    expect(world.changes).toBe(1)
  })

  test('renews at half of the lease that was granted', () => {
    const world = new World()
    world.protocols = ['nat-pmp']
    world.leaseMs = 600_000
    world.start().want(50_000)
    world.pass(299_000)
    expect(world.maps).toBe(1)
    world.pass(2000)
    expect(world.maps).toBe(2)
    world.pass(24 * HOUR_MS)
    expect(world.maps).toBe(290)
    expect(world.rows).toHaveLength(1)
  })

  test('a day of rotation: never more than two, none left over', () => {
    const world = new World().start().want(50_000)
    for (let epoch = 1; epoch <= 24; epoch++) {
      const old = { transport: 'udp', port: 49_999 + epoch, listed: false } as const
      world.pass(HOUR_MS - 420_000)
      world.want({ ...old, listed: true }, 50_000 + epoch)
      expect(world.rows).toHaveLength(2)
      expect(far(world)).toHaveLength(2)
      world.pass(120_000)
      world.want(50_000 + epoch, old)
      expect(far(world)).toEqual([`11.99.0.2 ${50_000 + epoch}`])
      expect(world.rows).toHaveLength(2)
      world.pass(300_000)
      world.want(50_000 + epoch)
      expect(world.rows).toEqual([[50_000 + epoch, 50_000 + epoch]])
    }
    expect(world.most).toBe(2)
    expect(world.saved).toHaveLength(1)
  })

  test('of three ports the two most needed, for each transport', () => {
    const tcp = { transport: 'tcp', port: 50_000, listed: true } as const
    const world = new World().start().want(50_000, 50_001, 50_002, tcp)
    expect(world.rows.sort()).toEqual([
      [50_000, 50_000],
      [50_000, 50_000],
      [50_001, 50_001],
    ])
    expect(far(world)).toEqual(['11.99.0.2 50000', '11.99.0.2 50001'])
  })

  test('where TCP has another number outside it is told as well, where it has the same it is not', () => {
    const tcp = { transport: 'tcp', port: 50_000, listed: true } as const
    const transports = (world: World) =>
      farAddresses(world.state).map(({ transport, internalPort }) => `${transport} ${internalPort}`)
    expect(transports(new World().start().want(50_000, tcp))).toEqual(['udp 50000'])
    const world = new World()
    // Each draws another one.
    world.taken.add(50_000)
    world.start().want(50_000, tcp)
    expect(transports(world)).toEqual(['udp 50000', 'tcp 50000'])
    world.want(tcp)
    expect(transports(world)).toEqual(['tcp 50000'])
    world.want({ ...tcp, listed: false })
    expect(transports(world)).toEqual([])
  })

  test('a port that another computer has: another one outside', () => {
    const world = new World()
    world.taken.add(50_000)
    world.start().want(50_000)
    const [[external, internal] = []] = world.rows
    expect(internal).toBe(50_000)
    expect(external).not.toBe(50_000)
    expect(external).toBeGreaterThanOrEqual(49_152)
    expect(far(world)).toEqual([`11.99.0.2 ${external}`])
    expect(world.saved[0]?.externalPort).toBe(external)
  })

  test('a router with permanent leases only: mapped without end, and deleted all the same', () => {
    const world = new World()
    world.protocols = ['upnp']
    world.permanentOnly = true
    world.start().want(50_000)
    expect(world.state.live[0]).toMatchObject({ granted: true, leaseMs: 0, untilMs: null })
    world.pass(24 * HOUR_MS)
    expect(world.maps).toBe(1)
    world.send({ type: 'stop' })
    expect([world.stopped, world.rows, world.saved]).toEqual([true, [], []])
  })

  test('a protocol that refuses gives way to the next; where all refuse, that is said and tried later', () => {
    const world = new World()
    world.refuses.set('pcp', 'refused')
    world.start().want(50_000)
    expect(world.state.live[0]).toMatchObject({ granted: true, protocol: 'nat-pmp' })
    const none = new World()
    for (const protocol of none.protocols) none.refuses.set(protocol, 'refused')
    none.start().want(50_000)
    expect(causeOf(none.state)).toBe('refused')
    none.refuses.clear()
    none.pass(9 * 60_000)
    expect(none.rows).toEqual([])
    none.pass(60_000)
    expect(none.rows).toHaveLength(1)
    expect(causeOf(none.state)).toBeNull()
  })

  test('nonsense changes nothing and is named', () => {
    const world = new World()
    world.protocols = ['upnp']
    world.refuses.set('upnp', 'bad-answer')
    world.start().want(50_000)
    expect([causeOf(world.state), far(world), world.changes]).toEqual(['bad-answer', [], 0])
  })
})

describe('the end', () => {
  test('deletes everything, then stops', () => {
    const world = new World().start().want(50_000, 50_001)
    world.send({ type: 'stop' })
    expect([world.stopped, world.rows, world.saved]).toEqual([true, [], []])
    world.send({ type: 'wake' })
    expect(world.rows).toEqual([])
  })

  test('where the router is silent it stops too, and the next run deletes what is left', () => {
    const world = new World().start().want(50_000)
    world.answers = false
    world.send({ type: 'stop' })
    expect(world.stopped).toBe(true)
    expect(world.saved).toHaveLength(1)
    const next = new World()
    for (const [nonce, row] of world.table) next.table.set(nonce, row)
    next.start(world.saved).want(50_007)
    expect(next.rows).toEqual([[50_007, 50_007]])
    expect(next.saved.map(({ internalPort }) => internalPort)).toEqual([50_007])
  })

  test('a crash at any moment leaves nothing that is not on disk', () => {
    const world = new World().start().want(50_000, 50_001)
    world.pass(HOUR_MS)
    expect(world.saved.map(({ nonce }) => nonce).sort()).toEqual([...world.table.keys()].sort())
  })

  test('leftovers of another network are not asked for here, and forgotten when they have run out', () => {
    const world = new World().start().want(50_000)
    const foreign = world.saved.map((slot) => ({ ...slot, gateway: '10.0.0.1', nonce: 'ff' }))
    const next = new World().start(foreign)
    next.pass(60_000)
    expect(next.state.leftovers).toHaveLength(1)
    next.pass(2 * HOUR_MS)
    expect(next.state.leftovers).toEqual([])
  })
})

describe('what can happen to a router', () => {
  test.each([['pcp'], ['nat-pmp'], ['upnp']] as const)(
    '%s: a restart is noticed within 30 s',
    (protocol) => {
      const world = new World()
      world.protocols = [protocol]
      world.start().want(50_000)
      world.pass(HOUR_MS / 4)
      world.reboot()
      expect(world.rows).toEqual([])
      world.pass(30_000)
      expect(world.rows).toEqual([[50_000, 50_000]])
    },
  )

  test('it is silent for a minute and comes back empty', () => {
    const world = new World().start().want(50_000)
    world.pass(60_000)
    world.answers = false
    world.pass(60_000)
    world.reboot()
    world.answers = true
    world.pass(10_000)
    expect(world.rows).toEqual([[50_000, 50_000]])
    expect(causeOf(world.state)).toBeNull()
  })

  test('when something else broke it is asked at once, and more often for a while', () => {
    const world = new World().start().want(50_000)
    world.pass(15_000)
    world.reboot()
    world.send({ type: 'doubt' })
    expect(world.rows).toEqual([[50_000, 50_000]])
    const before = world.state.looks
    world.pass(60_000)
    const soon = world.state.looks - before
    world.pass(60_000)
    expect(soon).toBeGreaterThan(25)
    expect(world.state.looks - before - soon).toBeLessThan(8)
  })

  test('it is silent while something broke: it is mapped within 3 s of its first answer, for a minute at least', () => {
    const world = new World().start().want(50_000)
    for (const silentMs of [3000, 20_000, 60_000]) {
      world.answers = false
      world.send({ type: 'doubt' })
      world.pass(silentMs)
      world.reboot()
      world.answers = true
      world.pass(3000)
      expect(world.rows).toEqual([[50_000, 50_000]])
    }
  })

  test('a router that was never there is not asked on and on', () => {
    const world = new World()
    world.answers = false
    world.start().want(50_000)
    for (let i = 1; i <= 4; i++) {
      world.send({ type: 'doubt' })
      expect(world.state.searches).toBe(1 + i)
    }
    world.pass(60_000)
    expect(world.state.searches).toBeLessThan(7)
  })

  test('silent for longer than the lease: no longer told', () => {
    const world = new World().start().want(50_000)
    world.answers = false
    world.pass(60_000)
    expect(far(world)).toEqual(['11.99.0.2 50000'])
    world.pass(2 * HOUR_MS)
    expect(far(world)).toEqual([])
    expect(causeOf(world.state)).toBe('no-answer')
  })

  test('another far address is told within 30 s', () => {
    const world = new World().start().want(50_000)
    world.pass(HOUR_MS / 4)
    world.external = '11.99.0.77'
    world.pass(30_000)
    expect(far(world)).toEqual(['11.99.0.77 50000'])
    expect(world.changes).toBe(2)
    expect(world.stunAsked).toBe(2)
  })

  test('none there: asked again after 1, 2, 4 … 15 minutes, at once in another network', () => {
    const world = new World()
    world.gateway = null
    world.start().want(50_000)
    expect(causeOf(world.state)).toBe('no-gateway')
    world.pass(HOUR_MS)
    const searches = world.state.searches
    expect(searches).toBeGreaterThan(5)
    expect(searches).toBeLessThan(10)
    world.gateway = '192.168.7.1'
    world.send({ type: 'moved' })
    expect(world.rows).toHaveLength(1)
  })

  test('another network: mapped there; the old one is kept in mind', () => {
    const world = new World().start().want(50_000)
    world.gateway = '192.168.7.1'
    world.send({ type: 'moved' })
    expect(world.state.live[0]).toMatchObject({ gateway: '192.168.7.1', granted: true })
    expect(world.saved.map(({ gateway }) => gateway)).toEqual(['192.168.1.1', '192.168.7.1'])
  })

  test('a clock that goes back or ahead loses no mapping', () => {
    const world = new World()
    world.protocols = ['nat-pmp']
    world.start().want(50_000)
    for (const jumpMs of [-5 * HOUR_MS, 5 * HOUR_MS, -24 * HOUR_MS, 90_000]) {
      // The router's own clock does not jump.
      for (const [nonce, row] of world.table) {
        world.table.set(nonce, { ...row, untilMs: row.untilMs + jumpMs })
      }
      world.bootMs += jumpMs
      world.nowMs += jumpMs
      world.send({ type: 'wake' })
      world.pass(3 * HOUR_MS)
      expect(world.rows).toHaveLength(1)
      expect(far(world)).toHaveLength(1)
    }
  })
})

describe('what stands between', () => {
  test.each([
    ['100.64.3.4', 'carrier-nat'],
    ['192.0.0.4', 'carrier-nat'],
    ['192.168.0.2', 'double-nat'],
    ['10.1.2.3', 'double-nat'],
    ['172.31.0.1', 'double-nat'],
    ['169.254.1.1', 'double-nat'],
    ['0.0.0.0', 'no-public-address'],
    ['100.128.0.1', null],
    ['172.32.0.1', null],
    ['11.99.0.2', null],
  ])('%s: %s', (external, cause) => {
    expect(diagnose(external)).toBe(cause)
    const world = new World()
    world.external = external
    world.start().want(50_000)
    expect(causeOf(world.state)).toBe(cause)
  })

  test('behind a carrier nothing is mapped, until that is over', () => {
    const world = new World()
    world.external = '100.64.3.4'
    world.start().want(50_000)
    expect([world.rows, far(world)]).toEqual([[], []])
    world.external = '11.99.0.2'
    world.pass(30_000)
    expect(far(world)).toEqual(['11.99.0.2 50000'])
    world.external = '100.64.3.4'
    world.pass(30_000)
    expect([world.rows, far(world)]).toEqual([[], []])
  })

  test('behind a second router the mapping is kept and told: the network in between can use it', () => {
    const world = new World()
    world.external = '192.168.0.2'
    world.start().want(50_000)
    expect(far(world)).toEqual(['192.168.0.2 50000'])
  })

  test('a router that hides its private address, as miniupnpd does', () => {
    const world = new World()
    world.external = '0.0.0.0'
    for (const protocol of world.protocols) world.refuses.set(protocol, 'refused')
    world.stun = '11.77.0.1'
    world.start().want(50_000)
    expect([causeOf(world.state), far(world)]).toEqual(['double-nat', []])
    // It gets a public one: no waiting out of the refusal.
    world.refuses.clear()
    world.external = world.stun
    world.pass(30_000)
    expect([causeOf(world.state), far(world)]).toEqual([null, ['11.77.0.1 50000']])
  })

  test('a STUN server that sees another address', () => {
    const world = new World()
    world.stun = '11.77.0.1'
    world.start().want(50_000)
    expect(causeOf(world.state)).toBe('address-differs')
    expect(far(world)).toEqual(['11.99.0.2 50000'])
    const same = new World()
    same.stun = same.external
    expect(causeOf(same.start().want(50_000).state)).toBeNull()
  })
})

/** 10 000 in a full run (tests/run.ts) */
const EPOCHS = process.env.CLAWCHAT_SEEDS === undefined ? 2000 : 10_000

test(`${EPOCHS} epochs with restarts, silence, moves and jumps: at most two rows, none forgotten`, () => {
  const world = new World().start().want(50_000)
  const next31 = dice(7)
  const roll = (n: number): number => next31() % n
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    const event = roll(12)
    world.answers = event !== 0
    if (event === 1) world.reboot()
    if (event === 2) world.external = `11.99.0.${2 + roll(200)}`
    const [old, next] = [10_000 + ((epoch - 1) % 40_000), 10_000 + (epoch % 40_000)]
    world.pass(roll(60_000))
    world.want(old, next)
    world.pass(120_000)
    world.answers = true
    world.want(next, { transport: 'udp', port: old, listed: false })
    world.pass(300_000)
    world.want(next)
    world.pass(60_000)
    expect(world.rows).toEqual([[next, next]])
    expect(far(world)).toEqual([`${world.external} ${next}`])
    expect(world.saved).toHaveLength(1)
  }
  expect(world.most).toBeLessThanOrEqual(2)
})

describe('which ports a rotation has mapped', () => {
  const times = { intervalMs: HOUR_MS, noticeMs: 120_000, graceMs: 300_000 }
  const random = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    crypto.getRandomValues(bytes)
    return bytes
  }
  /** Every bind succeeds. */
  function rotating(nowMs: number) {
    let state = createRotation({ ...times, firstPort: 50_000, lastPort: 59_999 })
    const send = (input: Parameters<typeof stepRotation>[1]): void => {
      const step = stepRotation(state, input)
      state = step.state
      for (const effect of step.effects) {
        if (effect.type === 'bind') send({ type: 'bound', port: effect.port, nowMs, random })
      }
    }
    send({ type: 'start', nowMs, random, planned: [] })
    return {
      after: (ms: number, type: 'wake' | 'rotate' = 'wake') => {
        nowMs += ms
        send({ type, nowMs, random })
        return boundPorts(state)
      },
      current: () => currentPort(state).port,
    }
  }

  test('the current one, with the next from the notice on, with the last until its grace ends', () => {
    const at = rotating(500 * HOUR_MS)
    const first = at.current()
    expect(at.after(1000)).toEqual([{ port: first, listed: true }])
    const noticed = at.after(HOUR_MS - 121_000 + 1000)
    expect(noticed).toEqual([
      { port: first, listed: true },
      { port: expect.any(Number), listed: true },
    ])
    const next = noticed[1]?.port
    expect(at.after(120_000)).toEqual([
      { port: next, listed: true },
      { port: first, listed: false },
    ])
    expect(at.after(300_000)).toEqual([{ port: next, listed: true }])
  })

  test('rotated by hand: of the ports in grace the one that ends last comes first', () => {
    const at = rotating(500 * HOUR_MS)
    const first = at.current()
    at.after(60_000, 'rotate')
    const second = at.current()
    const all = at.after(60_000, 'rotate')
    expect(all).toEqual([
      { port: at.current(), listed: true },
      { port: second, listed: false },
      { port: first, listed: false },
    ])
  })
})
