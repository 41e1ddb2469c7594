// Host and router, both real: a ClawChat host behind miniupnpd, judged by the router's own rules and by who gets in.
import { afterEach, describe, expect, test } from 'vitest'
import { LEASE_SECONDS } from '../e2e/host.ts'
import { Household } from './household.ts'
import { ADDRESS, type RouterChoice, type Rule } from './router.ts'
import { until } from './until.ts'

const PROTOCOLS = ['pcp', 'nat-pmp', 'upnp'] as const
/** SPEC §4.3: looks every 10 s, and a new record within 30 s. */
const NOTICED_MS = 30_000
const MAPPED_MS = 15_000

let home: Household | null = null
afterEach(async () => {
  await home?.close()
  home = null
})

async function household(choice: RouterChoice): Promise<Household> {
  home = await Household.open(choice)
  return home
}

/** The one rule for a port of the host. */
const ruleFor = (at: Household, port: number, withinMs = MAPPED_MS): Promise<Rule> =>
  until(`a rule for ${port}`, withinMs, () =>
    at.network.rules().find((rule) => rule.port === port && rule.to === ADDRESS.home),
  )

describe.each(PROTOCOLS)('%s', (protocol) => {
  test('maps the port, lets a device in, and leaves nothing behind', async () => {
    const at = await household({ speaks: [protocol] })
    const { port } = await at.start()
    const rule = await ruleFor(at, Number(port))
    expect(rule).toEqual({ transport: 'udp', external: port, to: ADDRESS.home, port })
    expect(at.network.rules()).toHaveLength(1)
    await until('the record', MAPPED_MS, () => at.mapped().includes(`${ADDRESS.wan} 0`))
    const { router } = await at.status()
    expect(router.ipv4).toMatchObject({
      cause: null,
      mappings: [{ protocol, transport: 'udp', port }],
    })
    expect(router.ipv4.mappings[0]?.leaseSeconds).toBe(LEASE_SECONDS)
    const { world } = at.network
    expect(await at.answers(world, ADDRESS.wan, Number(port))).toBe(true)
    const from = performance.now()
    expect(await at.host.stop()).toBe(0)
    expect(performance.now() - from).toBeLessThan(5000)
    expect(at.network.rules()).toEqual([])
  })

  test('a port that another computer has: another one outside, and it is told', async () => {
    const at = await household({ speaks: [protocol] })
    const range = { first: 50_000, last: 50_007 }
    at.network.occupy(range.first, range.last)
    expect(at.network.rules()).toHaveLength(8)
    // On its own address only: the neighbour is the same computer here.
    const choice = ['--port-range', `${range.first}-${range.last}`, '--udp', ADDRESS.home]
    const { port } = await at.start(...choice)
    const rule = await ruleFor(at, Number(port))
    expect(rule.external > range.last || rule.external < range.first).toBe(true)
    await until('the record', MAPPED_MS, () =>
      at.mapped().includes(`${ADDRESS.wan} ${rule.external}`),
    )
    expect(await at.answers(at.network.world, ADDRESS.wan, rule.external)).toBe(true)
    expect(await at.answers(at.network.world, ADDRESS.wan, Number(port))).toBe(false)
    await at.host.stop()
    const left = at.network.rules()
    expect(left.filter(({ to }) => to === ADDRESS.neighbour)).toHaveLength(8)
    expect(left).toHaveLength(8)
  })

  test('a router that restarts gets its rules again', async () => {
    const at = await household({ speaks: [protocol] })
    const { port } = await at.start()
    await ruleFor(at, Number(port))
    // Long enough up for its clock to tell (RFC 6886 §3.6).
    await until('10 s of uptime', 20_000, () => at.network.uptimeMs > 10_000)
    await at.network.stopDaemon()
    expect(at.network.rules()).toEqual([])
    await at.network.startDaemon()
    await ruleFor(at, Number(port), NOTICED_MS)
    expect(await at.answers(at.network.world, ADDRESS.wan, Number(port))).toBe(true)
  })

  test('another address of the line is in the record within 30 s', async () => {
    const at = await household({ speaks: [protocol] })
    const { port } = await at.start()
    await ruleFor(at, Number(port))
    await until('the record', MAPPED_MS, () => at.mapped().includes(`${ADDRESS.wan} 0`))
    at.network.moveWan(ADDRESS.wan, ADDRESS.wanLater)
    await until('the new record', NOTICED_MS, () => at.mapped().includes(`${ADDRESS.wanLater} 0`))
    expect(at.mapped()).toEqual([`${ADDRESS.wanLater} 0`])
    expect(await at.answers(at.network.world, ADDRESS.wanLater, Number(port))).toBe(true)
  })
})

test.each(PROTOCOLS)(
  '%s: another number outside for UDP than for TCP, and both lead in',
  async (protocol) => {
    const at = await household({ speaks: [protocol] })
    const range = { first: 50_000, last: 50_007 }
    at.network.occupy(range.first, range.last)
    const choice = ['--port-range', `${range.first}-${range.last}`, '--udp', ADDRESS.home]
    const { port } = await at.start(...choice, '--signal')
    const ruleOf = (transport: Rule['transport']): Promise<Rule> =>
      until(`a rule for ${transport}`, MAPPED_MS, () =>
        at.network.rules().find((rule) => rule.to === ADDRESS.home && rule.transport === transport),
      )
    const [udp, tcp] = [await ruleOf('udp'), await ruleOf('tcp')]
    expect(udp.external).not.toBe(tcp.external)
    const told = tcp.external === port ? 0 : tcp.external
    await until('the record', MAPPED_MS, () => at.mapped('tcp').includes(`${ADDRESS.wan} ${told}`))
    expect(at.mapped()).toEqual([`${ADDRESS.wan} ${udp.external}`])
    expect(await at.answers(at.network.world, ADDRESS.wan, udp.external)).toBe(true)
    expect(await at.carriesTcp(at.network.world)).toBe(true)
  },
)

test.each(PROTOCOLS)('%s maps TCP as well, and lets go of it', async (protocol) => {
  const at = await household({ speaks: [protocol] })
  at.network.occupy(50_100, 50_100, 'tcp')
  const port = 50_100
  expect(at.network.rules()).toEqual([
    { transport: 'tcp', external: port, to: ADDRESS.neighbour, port },
  ])
  at.network.occupy(50_100, 50_100, 'tcp', 'undo')
  expect(at.network.rules()).toEqual([])
})

test.each(PROTOCOLS)('%s: a router that is silent holds no stop up', async (protocol) => {
  const at = await household({ speaks: [protocol] })
  const { port } = await at.start()
  await ruleFor(at, Number(port))
  at.network.router.run('ip', 'link', 'set', 'lan', 'down')
  const from = performance.now()
  expect(await at.host.stop()).toBe(0)
  expect(performance.now() - from).toBeLessThan(5000)
})

test('IPv6: a pinhole for the port, and none afterwards', async () => {
  const at = await household({ speaks: ['pcp'] })
  const { port } = await at.start()
  await until('a pinhole', MAPPED_MS, () => at.network.pinholes().includes(Number(port)))
  expect(await at.answers(at.network.world, ADDRESS.home6, Number(port))).toBe(true)
  expect(await at.host.stop()).toBe(0)
  await until('no pinhole', MAPPED_MS, () => at.network.pinholes().length === 0)
})

test('without --map nothing is asked of the router, and nobody gets in', async () => {
  const at = await household({ speaks: ['pcp', 'nat-pmp', 'upnp'] })
  const { port } = await at.start('--no-map')
  expect((await at.status()).router.ipv4).toEqual({ cause: 'off', mappings: [] })
  expect(await at.answers(at.network.world, ADDRESS.wan, Number(port))).toBe(false)
  expect(await at.answers(at.network.home, ADDRESS.home, Number(port))).toBe(true)
  expect([at.network.rules(), at.network.pinholes(), at.mapped()]).toEqual([[], [], []])
})

test('short leases are renewed before they end', async () => {
  const at = await household({ speaks: ['pcp'], maxLease: 8 })
  const { port } = await at.start()
  await ruleFor(at, Number(port))
  expect((await at.status()).router.ipv4.mappings[0]?.leaseSeconds).toBe(8)
  const endMs = performance.now() + 26_000
  await until('three leases', 35_000, () => {
    expect(at.network.rules()).toHaveLength(1)
    return performance.now() > endMs
  })
})

test('what a killed host left is deleted by the next run', async () => {
  const at = await household({ speaks: ['pcp', 'nat-pmp', 'upnp'] })
  const first = await at.start('--port-range', '50000-50009')
  await ruleFor(at, Number(first.port))
  await at.host.kill()
  expect(at.network.rules()).toHaveLength(1)
  const second = await at.start('--port-range', '51000-51009')
  await ruleFor(at, Number(second.port))
  expect(at.network.rules().map((rule) => rule.port)).toEqual([second.port])
})

test('ports that rotate: never more than two rules, none left over', async () => {
  const at = await household({ speaks: ['pcp', 'nat-pmp', 'upnp'] })
  const times = ['--rotate-every', '10s', '--notice', '3s', '--grace', '3s']
  const { port } = await at.start(...times)
  await ruleFor(at, Number(port))
  const seen = new Set<number>()
  let most = 0
  await until('four ports', 60_000, () => {
    const rules = at.network.rules()
    for (const rule of rules) seen.add(rule.port)
    most = Math.max(most, rules.length)
    return seen.size >= 4
  })
  expect(most).toBe(2)
  await at.host.stop()
  expect(at.network.rules()).toEqual([])
})

test.each(['100.64.7.2', '192.168.66.2'])('a router at %s has no public address', async (wan) => {
  const at = await household({ speaks: ['pcp', 'nat-pmp', 'upnp'], wan })
  await at.start()
  await until('the cause', MAPPED_MS, async () => {
    const { cause, mappings } = (await at.status()).router.ipv4
    return cause === 'no-public-address' && mappings.length === 0
  })
  expect([at.network.rules(), at.mapped()]).toEqual([[], []])
})

describe('what a STUN server sees', () => {
  const stun = ['--stun', `stun:${ADDRESS.world}:3478`]

  test('the same address: all is well, and doctor says so step by step', async () => {
    const at = await household({ speaks: ['pcp', 'nat-pmp', 'upnp'] })
    await at.program(at.network.world, 'stunserver.ts', ADDRESS.world)
    const { steps, code } = await at.doctor(...stun)
    const all = ['gateway', 'pcp', 'nat-pmp', 'upnp', 'map', 'external', 'stun']
    expect(steps.map(({ step, cause }) => [step, cause])).toEqual(all.map((step) => [step, null]))
    expect(code).toBe(0)
    expect(at.network.rules()).toEqual([])
    const { port } = await at.start(...stun)
    await ruleFor(at, Number(port))
    expect((await at.status()).router.ipv4.cause).toBeNull()
  })

  test('another address: that is said, by host and doctor', async () => {
    const at = await household({ speaks: ['upnp'], behindAnother: true })
    await at.program(at.network.world, 'stunserver.ts', ADDRESS.world)
    const { steps, code } = await at.doctor(...stun)
    const found = Object.fromEntries(steps.map(({ step, cause }) => [step, cause]))
    expect(found).toEqual({
      gateway: null,
      pcp: 'no-answer',
      'nat-pmp': 'no-answer',
      upnp: null,
      map: null,
      external: null,
      stun: 'address-differs',
    })
    expect(code).toBe(1)
    const { port } = await at.start(...stun)
    await ruleFor(at, Number(port))
    await until('the doubt', MAPPED_MS, async () => {
      return (await at.status()).router.ipv4.cause === 'address-differs'
    })
  })

  test('no router: doctor stops there', async () => {
    const at = await household({ speaks: [] })
    const { steps, code } = await at.doctor()
    const causes = steps.map(({ step, cause }) => `${step} ${cause}`)
    expect(causes).toEqual(['gateway null', 'pcp no-answer', 'nat-pmp no-answer', 'upnp no-answer'])
    expect(code).toBe(1)
  })
})
