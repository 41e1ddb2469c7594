// Networks that change under a conversation: it goes on by itself, and nothing is lost, doubled or out of order. How long it
// took stands in out/lab-roaming.md; no time is asserted.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Client } from '../e2e/client.ts'
import type { Host } from '../e2e/host.ts'
import { pause, Talk } from './talk.ts'
import { type Home, missing, tunnel } from './topology.ts'
import { person, report, TALL, World } from './world.ts'

const why = missing()
const CLOUD_WAN = '11.99.0.1'

describe.skipIf(why !== null)(`roaming${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  let host: Host
  let hostHome: Home
  let guestHome: Home
  let browser: Browser
  let ann: Client
  let ben: Client
  let talk: Talk

  beforeAll(async () => {
    world = await World.make()
    hostHome = await world.internet.home('public', '11.99.1.1', 10)
    host = (await world.host(hostHome.computer)).host
    guestHome = await world.internet.home('eim', '11.99.2.1', 20)
    browser = await world.browser(guestHome.computer)
    const other = await world.internet.home('public', '11.99.3.1', 30)
    const elsewhere = await world.browser(other.computer)
    ann = (await person(browser, 'Ann', TALL)).client
    ben = (await person(elsewhere, 'Ben', TALL)).client
    for (const client of [ann, ben]) await client.join(await host.invite())
    talk = new Talk(ann, ben)
  })
  afterAll(async () => {
    report('lab-roaming.md', talk?.table ?? [])
    await world?.end()
  })

  const guest = (line: string): string => guestHome.computer.run(line)
  const router = (line: string): string => guestHome.routers[0]?.run(line) ?? ''
  const awayFor = async (ms: number): Promise<void> => {
    guest('ip link set eth0 down')
    await ann.waitDisconnected(60_000)
    await pause(ms)
    guest('ip link set eth0 up')
    guest('ip route replace default via 192.168.20.1')
  }

  test('the guest has no link for 10 s', () =>
    talk.through('no link for 10 s', () => awayFor(10_000)))

  test('the guest has no link for 60 s', () =>
    talk.through('no link for 60 s', () => awayFor(60_000)))

  test('the guest comes back with another address, as from Wi-Fi to mobile', () =>
    talk.through('another network', async () => {
      guest('ip addr del 192.168.20.2/24 dev eth0')
      guest('ip addr add 192.168.20.77/24 dev eth0')
      guest('ip route replace default via 192.168.20.1')
    }))

  test('the guest’s router gets another address and forgets every connection', () =>
    talk.through('router with another address', async () => {
      router('ip addr del 11.99.2.1/16 dev wan')
      router('ip addr add 11.99.2.77/16 dev wan')
      router(`ip route replace default via ${CLOUD_WAN}`)
    }))

  test('UDP is blocked in mid-conversation, and let through again', async () => {
    await talk.through(
      'UDP blocked',
      async () => {
        guestHome.routers[0]?.rules(
          'table inet block {\nchain f {\ntype filter hook forward priority -10;\nmeta l4proto udp drop\n}\n}',
        )
        await ann.waitDisconnected(60_000)
      },
      'relay',
    )
    router('nft delete table inet block')
    await ann.waitConnected(120_000)
    await ann.send(`message ${ann.wrote.length}`)
    await talk.complete()
  })

  test('the worker dies: who is connected goes on, and who comes back finds the host by what it kept', () =>
    talk.through('worker dead, then no link for 1 s', async () => {
      await world.stopWorker()
      await awayFor(1000)
    }))

  test('the host gets another address', async () => {
    await world.startWorker()
    await talk.through('host with another address', async () => {
      const from = host.events.length
      hostHome.computer.run('ip addr del 11.99.1.1/16 dev eth0')
      hostHome.computer.run('ip addr add 11.99.1.77/16 dev eth0')
      hostHome.computer.run(`ip route replace default via ${CLOUD_WAN}`)
      return published(from)
    })
  })

  test('the host has no link for 10 s', () =>
    talk.through('host without a link for 10 s', async () => {
      hostHome.computer.run('ip link set eth0 down')
      await ann.waitDisconnected(60_000)
      await pause(10_000)
      hostHome.computer.run('ip link set eth0 up')
      hostHome.computer.run(`ip route replace default via ${CLOUD_WAN}`)
    }))

  test('the guest’s computer sleeps for longer than the host waits, and wakes', () =>
    talk.through('asleep for 35 s', async () => {
      const wake = world.freeze(guestHome.computer, 'chromium')
      await pause(35_000)
      wake()
    }))

  test('the guest turns a VPN on, and off again', async () => {
    const provider = await world.internet.tunnels('11.99.4.1')
    let off = (): void => undefined
    await talk.through('VPN on, guest', async () => {
      off = tunnel(guestHome, provider)
    })
    await talk.through('VPN off, guest', async () => off())
  })

  test('the host turns a VPN on: nobody reaches its port any more; and off again', async () => {
    const provider = await world.internet.tunnels('11.99.5.1')
    let off = (): void => undefined
    const on = (): Promise<number> => {
      const from = host.events.length
      off = tunnel(hostHome, provider)
      return published(from)
    }
    const end = (): Promise<number> => {
      const from = host.events.length
      off()
      return published(from)
    }
    await talk.through('VPN on, host', on, 'mailbox')
    await talk.through('VPN off, host', end, 'direct', 'mailbox')
  })

  /** @returns when the worker had the record with the host's new addresses */
  async function published(from: number): Promise<number> {
    await host.waitFor('published', ({ store }) => store === 'https-1', from)
    return performance.now()
  }
})
