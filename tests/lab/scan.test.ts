// Silence of a real host as a real scanner and the host's own kernel see it (SPEC §4): nmap over all ports of both
// transports, from outside and from its own network, junk, and what a real browser once sent. Each scan has to find a port
// that is open on purpose.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseBindingRequest } from '../../host/stun.ts'
import { decodeInvite, inviteRoot } from '../../shared/invite.ts'
import { hostTag } from '../../shared/knock.ts'
import type { Host } from '../e2e/host.ts'
import { Capture } from './capture.ts'
import { AT_ITS_PACE, type Found, refuseQuickly, scan, WITHOUT_WAITING } from './scan.ts'
import { missing, type Node } from './topology.ts'
import { until } from './until.ts'
import { CONTROL_PORT, type Sent, watch } from './watch.ts'
import { person, World } from './world.ts'

const why = missing()
const FLOOD_SECONDS = 3
const HTTP_PORT = 8787

/** A host, who scans it, and what the host's computer sends there. */
interface Target {
  readonly node: Node
  readonly address: string
  readonly from: Node
  readonly sent: () => Sent
  host: Host
  /** of the current epoch */
  port: number
  epoch: number
}

type Six = ReturnType<World['internet']['six']>

const SILENCE = { datagrams: 0, accepted: 0, words: 0 }

describe.skipIf(why !== null)(`scanned${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  let outside: Target
  let inside: Target
  let outsideSix: Target
  let insideSix: Target

  beforeAll(async () => {
    world = await World.make()
    const scanner = await world.internet.home('public', '11.99.8.1', 41)
    const open = await world.internet.home('public', '11.99.1.1', 42)
    const home = await world.internet.home('eim', '11.99.1.2', 40)
    const neighbour = home.routers[0] as Node
    const [openSix, scannerSix, homeSix] = [open, scanner, home].map((each) =>
      world.internet.six(each),
    ) as [Six, Six, Six]
    outside = await target(open.computer, '11.99.1.1', scanner.computer, '11.99.8.1')
    inside = await target(home.computer, '192.168.40.2', neighbour, '192.168.40.1')
    outsideSix = overSix(outside, openSix.address, scannerSix.address)
    insideSix = overSix(inside, homeSix.address, homeSix.neighbour)
  })
  afterAll(() => world?.end())

  async function target(node: Node, address: string, from: Node, its: string): Promise<Target> {
    refuseQuickly(node)
    await world.program(node, 'openports.ts', String(CONTROL_PORT))
    return { node, address, from, sent: watch(node, its), ...(await hostAt(node)) }
  }

  /** The same host, by its other address. */
  const overSix = (at: Target, address: string, its: string): Target => ({
    ...at,
    ...{ address, sent: watch(at.node, its) },
  })

  /** It asks nothing of its router, which is who scans from inside. */
  async function hostAt(node: Node, ...options: string[]) {
    const { host, ready } = await world.host(node, '--no-map', ...options)
    return { host, port: Number(ready.port), epoch: Number(ready.epoch) }
  }

  /** Each transport finds the control port, which is left out of what this gives. */
  async function scanned(at: Target, transport: 'tcp' | 'udp', pace = AT_ITS_PACE): Promise<Found> {
    const { open, ...more } = await scan(at.from, at.address, transport, pace)
    expect(open).toContain(CONTROL_PORT)
    return { open: open.filter((port) => port !== CONTROL_PORT), ...more }
  }

  test.for(['outside', 'inside', 'outside over IPv6', 'inside over IPv6'] as const)(
    'from %s: no port is open',
    async (where) => {
      const at = {
        outside,
        inside,
        'outside over IPv6': outsideSix,
        'inside over IPv6': insideSix,
      }[where]
      at.sent()
      expect(await scanned(at, 'tcp')).toMatchObject({ open: [], others: 'closed' })
      const udp = await scanned(at, 'udp')
      expect(udp).toMatchObject({ open: [], others: 'closed' })
      // The kernel refuses for every closed port and not for this one: `open|filtered`. OPERATING hides that, see below.
      expect(udp.silent).toContain(at.port)
      const sent = at.sent()
      expect(sent).toMatchObject(SILENCE)
      expect(sent.control).toBeGreaterThan(0)
      // What it refused: nearly all ports were asked.
      expect(sent.anything).toBeGreaterThan(120_000)
    },
  )

  test('behind the rule of OPERATING the port cannot be told from others', async () => {
    inside.node.rules(
      'table inet hide {\nchain output {\ntype filter hook output priority 0;\nicmp type destination-unreachable icmp code port-unreachable drop\nicmpv6 type destination-unreachable icmpv6 code port-unreachable drop\n}\n}',
    )
    try {
      for (const at of [inside, insideSix]) {
        at.sent()
        const found = await scanned(at, 'udp', WITHOUT_WAITING)
        expect(found).toEqual({ open: [], silent: [], others: 'open|filtered' })
        expect(at.sent()).toMatchObject({ anything: 0 })
      }
    } finally {
      inside.node.run('nft delete table inet hide')
    }
  })

  test('with --lan the page’s port is open and no other', async () => {
    await inside.host.stop()
    Object.assign(inside, await hostAt(inside.node, '--lan'))
    expect((await scanned(inside, 'tcp')).open).toEqual([HTTP_PORT])
    expect((await scanned(inside, 'udp')).open).toEqual([])
  })

  const attack = async (what: string): Promise<unknown> => {
    const { address, port, from } = outside
    return JSON.parse(await world.program(from, 'stranger.ts', address, String(port), what))
  }

  test('junk, and all that a browser sent, get not one byte from another address', async () => {
    const { node, host, address, sent } = outside
    const guest = await world.internet.home('eim', '11.99.2.1', 43)
    const browser = await world.browser(guest.computer)
    const [ann, ben] = [await person(browser, 'Ann'), await person(browser, 'Ben')]
    const filter = `udp and dst ${address} and src 11.99.2.1`
    const capture = await Capture.start(node, filter, world.path('pcap'))
    await ann.client.join(await host.invite())
    sent()
    const flood = attack(String(FLOOD_SECONDS))
    await ben.client.join(await host.invite())
    expect(await flood).toEqual({ sent: 10_000 * FLOOD_SECONDS, answers: 0 })

    const taken = await capture.stop()
    const knocks = taken.filter((packet) => parseBindingRequest(packet)?.hostUfrag.length === 124)
    expect(knocks.length).toBeGreaterThan(1)
    const file = world.path('taken')
    writeFileSync(file, taken.map((packet) => packet.toString('hex')).join('\n'))
    expect(await attack(file)).toEqual({ sent: taken.length, answers: 0 })
    await ann.client.send('after the replay')
    await ben.client.waitMessage('after the replay')
    const from = host.events.length
    for (const { client } of [ann, ben]) await client.driver.goto('about:blank')
    await until('both gone', 45_000, () => goneSince(from) === 2)
    expect(await attack(file)).toEqual({ sent: taken.length, answers: 0 })
    expect(sent()).toMatchObject({ ...SILENCE, anything: 0 })

    // That would have been seen: a knock of the scanner's own is answered.
    await knock(outside)
    expect(sent().datagrams).toBeGreaterThan(0)
  })

  test('over IPv6 as well: a browser gets in by the direct route, a stranger with all that it sent gets nothing', async () => {
    const { node, from, address, port, sent, host } = outsideSix
    const guest = await world.internet.home('public', '11.99.2.2', 44)
    const its = world.internet.six(guest)
    // Then the host's IPv4 address leads nowhere.
    guest.computer.rules(
      'table ip old {\nchain o {\ntype filter hook output priority 0;\nmeta l4proto udp drop\n}\n}',
    )
    const browser = await world.browser(guest.computer)
    const { client } = await person(browser, 'Cleo')
    const filter = `udp and dst ${address} and src ${its.address}`
    const capture = await Capture.start(node, filter, world.path('pcap6'))
    await client.join(await host.invite(), 'direct')
    await client.send('over IPv6')
    await client.waitMessage('over IPv6', 'sent')
    const taken = await capture.stop()
    expect(taken.filter((packet) => parseBindingRequest(packet)).length).toBeGreaterThan(1)
    const file = world.path('taken6')
    writeFileSync(file, taken.map((packet) => packet.toString('hex')).join('\n'))
    sent()
    for (const [what, count] of [
      [file, taken.length],
      ['1', 10_000],
    ] as const) {
      const said = await world.program(from, 'stranger.ts', address, String(port), what)
      expect(JSON.parse(said)).toEqual({ sent: count, answers: 0 })
    }
    expect(sent()).toMatchObject({ ...SILENCE, anything: 0 })
    await knock(outsideSix)
    expect(sent().datagrams).toBeGreaterThan(0)
  })

  const goneSince = (from: number): number =>
    outside.host.events.slice(from).filter(({ event }) => event === 'disconnected').length

  /** From the scanner's address, with a link. */
  async function knock({ from, address, port, epoch, host }: Target): Promise<void> {
    const link = await host.invite()
    const invite = decodeInvite(link.slice(link.indexOf('#') + 1))
    const parts = [inviteRoot(invite), hostTag(invite.hostPublicKey)]
    const hex = parts.map((bytes) => Buffer.from(bytes).toString('hex'))
    const script = resolve(import.meta.dirname, 'knocker.ts')
    from.exec([process.execPath, script, address, String(port), ...hex, String(epoch)])
  }

  test('with --signal one TCP port is open, and says nothing to whoever has no knock', async () => {
    await outside.host.stop()
    Object.assign(outside, await hostAt(outside.node, '--signal'))
    const { from, address, port, sent } = outside
    expect((await scanned(outside, 'tcp')).open).toEqual([port])
    expect((await scanned(outside, 'udp')).open).toEqual([])
    sent()
    from.run(`nmap -n -Pn -sV --version-intensity 0 -p ${port} ${address}`)
    const { accepted, words } = sent()
    expect(words).toBe(0)
    expect(accepted).toBeGreaterThan(1)
  })
})
