// What else may break under a conversation: the host's router, its line's address, the stores one by one and all together,
// and a line that loses and delays. How long it took stands in out/lab-faults.md; asserted is only what SPEC promises.
import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatIp } from '../../host/addresses.ts'
import type { StatusResult } from '../../host/config.ts'
import { decodeInvite, inviteRoot } from '../../shared/invite.ts'
import { openRecord } from '../../shared/record.ts'
import type { Client } from '../e2e/client.ts'
import type { Host } from '../e2e/host.ts'
import { pause, Talk } from './talk.ts'
import { type Home, missing, type Node } from './topology.ts'
import { until } from './until.ts'
import { person, report, TALL, World } from './world.ts'

const why = missing()
const LAN = '192.168.50.1'
const [LINE, LATER_LINE] = ['11.99.1.1', '11.99.1.77']
/** SPEC §4.3 */
const NOTICED_MS = 30_000
const QUICK = ['--rotate-every', '30s', '--notice', '3s', '--grace', '3s']

const badLine = (port: string): string => `table inet bad {
  chain in {
    type filter hook input priority -5;
    iifname "wan" udp dport ${port} numgen random mod 100 < 5 counter drop
  }
  chain out {
    type filter hook output priority -5;
    oifname "wan" udp sport ${port} numgen random mod 100 < 5 counter drop
  }
}`

describe.skipIf(why !== null)(`faults${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  let hostHome: Home
  let guestHome: Home
  let host: Host
  let quick: Host
  let talk: Talk
  /** of Ann with the host whose port rotates every 30 s */
  let quickTalk: Talk
  let endMapping: () => Promise<void>
  let link: string
  let browsers: Browser[] = []

  beforeAll(async () => {
    world = await World.make()
    await world.startMega()
    hostHome = await world.internet.home('mapped', LINE, 50)
    guestHome = await world.internet.home('sym', '11.99.2.1', 51)
    const other = await world.internet.home('public', '11.99.3.1', 52)
    endMapping = await world.mapPorts(hostHome.routers[0] as Node, LAN)
    const file = ['--store', `file:${world.path('record.bin')}`]
    const mega = world.withMega(hostHome.computer)
    host = (await world.host(hostHome.computer, ...file, ...mega)).host
    const moving = await world.internet.home('public', '11.99.1.2', 53)
    const stores = world.withMega(moving.computer)
    quick = (await world.host(moving.computer, ...stores, ...QUICK)).host
    await isMapped()
    for (const each of [host, quick]) await each.waitFor('published', (e) => e.store === 'mega')
    link = await host.invite()

    browsers = [await world.browser(guestHome.computer), await world.browser(other.computer)]
    const clients = await Promise.all(
      browsers.flatMap((at) => ['host', 'quick'].map((of) => person(at, `${of} guest`, TALL))),
    )
    const [ann, annQuick, ben, benQuick] = clients.map(({ client }) => client) as [
      ...[Client, Client, Client, Client],
    ]
    for (const client of [ann, ben]) await join(client, host)
    for (const client of [annQuick, benQuick]) await join(client, quick)
    talk = new Talk(ann, ben)
    quickTalk = new Talk(annQuick, benQuick)
  })
  afterAll(async () => {
    report('lab-faults.md', [...(talk?.table ?? []), ...(quickTalk?.rows ?? [])])
    await world?.end()
  })

  async function join(client: Client, at: Host): Promise<void> {
    await client.driver.goto(await at.invite())
    await client.driver.fill('Your name', client.name)
    await client.driver.press('Join')
    await client.waitConnected(90_000)
  }

  const isMapped = (): Promise<unknown> =>
    until('a mapped port', 60_000, async () => {
      const { lines } = await host.command('status')
      const { router } = lines[0] as unknown as StatusResult
      return router.ipv4.mappings.length > 0
    })

  /** What the newest record says of where the host is. */
  function listed(): string[] {
    const invite = decodeInvite(link.slice(link.indexOf('#') + 1))
    const bytes = new Uint8Array(readFileSync(world.path('record.bin')))
    const root = inviteRoot(invite)
    const { hostPublicKey } = invite
    const { addresses } = openRecord({ bytes, root, hostPublicKey, minSeq: 0 })
    return addresses.map(({ ip }) => formatIp(ip.slice(0, 4)))
  }

  const guest = (line: string): string => guestHome.computer.run(line)
  const unplug = (): string => guest('ip link set eth0 down')
  const plugIn = (): void => {
    guest('ip link set eth0 up')
    guest('ip route replace default via 192.168.51.1')
  }

  test('the host’s router restarts and has forgotten all it mapped', () =>
    talk.through('the host’s router off for 5 s', async () => {
      await endMapping()
      hostHome = await world.internet.reboot(hostHome, 5000)
      endMapping = await world.mapPorts(hostHome.routers[0] as Node, LAN)
    }))

  test('the host’s line gets another address: published within 30 s', async () => {
    const [router] = hostHome.routers
    await talk.through('the host’s line has another address', async () => {
      router?.run(`ip addr del ${LINE}/16 dev wan`)
      router?.run(`ip addr add ${LATER_LINE}/16 dev wan`)
      router?.run('ip route replace default via 11.99.0.1')
      await until('its record', NOTICED_MS, () => listed().includes(LATER_LINE))
    })
    expect(listed()).not.toContain(LINE)
  })

  test('MEGA is away: nobody notices', () =>
    talk.through('MEGA away, then no link for 1 s', async () => {
      await world.stopMega()
      unplug()
      await talk.writer.waitDisconnected(60_000)
      await pause(1000)
      plugIn()
    }))

  test('all stores are away and the port has moved: the schedule is enough', async () => {
    await world.stopWorker()
    await quickTalk.through('no store, port moved while there was no link', async () => {
      const from = quick.events.length
      unplug()
      const { previousPort } = await quick.waitFor('rotated', undefined, from)
      await quick.waitFor('closed', ({ port }) => port === previousPort, from)
      plugIn()
    })
    await world.startWorker()
  })

  test('a line that loses 5 % and delays by 50 ms each way', async () => {
    const far = await world.internet.home('eim', '11.99.1.3', 54)
    const reached = ['--external-address', '11.99.1.3', '--no-map']
    const { host, ready } = await world.host(far.computer, ...reached)
    const [port, [router]] = [String(ready.port), far.routers as [Node]]
    router.rules(badLine(port))
    router.run(`nft insert rule inet filter input iifname wan udp dport ${port} accept`)
    await world.program(router, 'slowpath.ts', '11.99.1.3', port, '192.168.54.2', '50')
    const clients: Client[] = []
    const from = performance.now()
    for (const browser of browsers) {
      const { client } = await person(browser, `far guest ${clients.length}`, TALL)
      await join(client, host)
      clients.push(client)
    }
    const ms = Math.round(performance.now() - from)
    const [writer, reader] = clients as [Client, Client]
    const line = new Talk(writer, reader)
    for (let i = 0; i < 40; i++) await writer.send(`message ${i}`)
    await line.complete()
    const lost = router.run('nft list table inet bad').match(/packets (\d+)/g) ?? []
    expect(lost).toHaveLength(2)
    expect(lost).not.toContain('packets 0')
    talk.rows.push(`| 5 % lost, 50 ms each way: two guests join | ${ms} | 40 | none |`)
  })
})
