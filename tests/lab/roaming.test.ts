// Networks that change under a conversation: it goes on by itself, and nothing is lost, doubled or out of order. How long it
// took stands in out/lab-roaming.md; no time is asserted.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '../e2e/client.ts'
import type { Host } from '../e2e/host.ts'
import { type Home, missing } from './topology.ts'
import { person, report, World } from './world.ts'

const why = missing()
const CLOUD_WAN = '11.99.0.1'
const rows: string[] = []
/** between two messages: what a page shows without effort, for all of the minutes that this takes */
const EVERY_MS = 400

/** One message after the other until told to stop. */
class Chatter {
  readonly #client: Client
  readonly #from: number
  #going = true
  readonly #done: Promise<void>

  constructor(client: Client) {
    this.#client = client
    this.#from = client.wrote.length
    this.#done = this.#run()
  }

  async #run(): Promise<void> {
    for (let i = this.#from; this.#going; i++) {
      await this.#client.send(`message ${i}`)
      await pause(EVERY_MS)
    }
  }

  async stop(): Promise<void> {
    this.#going = false
    await this.#done
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(why !== null)(`roaming${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  let host: Host
  let hostHome: Home
  let guestHome: Home
  let browser: Browser
  let ann: Client
  let ben: Client

  beforeAll(async () => {
    world = await World.make()
    hostHome = await world.internet.home('public', '11.99.1.1', 10)
    host = (await world.host(hostHome.computer)).host
    guestHome = await world.internet.home('eim', '11.99.2.1', 20)
    browser = await world.browser(guestHome.computer)
    const other = await world.internet.home('public', '11.99.3.1', 30)
    const elsewhere = await world.browser(other.computer)
    ann = (await person(browser, 'Ann')).client
    ben = (await person(elsewhere, 'Ben')).client
    for (const client of [ann, ben]) await client.join(await host.invite())
  })
  afterAll(async () => {
    report('lab-roaming.md', [
      '| what happened | usable again to connected, ms | messages | lost, doubled, out of order |',
      '|---|---|---|---|',
      ...rows,
    ])
    await world?.end()
  })

  /** `breaks` ends when the path is usable again; Ann writes all the time. */
  async function through(
    what: string,
    breaks: () => Promise<void>,
    route: 'direct' | 'relay' = 'direct',
  ): Promise<void> {
    await ann.waitConnected(60_000)
    const before = ann.wrote.length
    const chatter = new Chatter(ann)
    let ms = 0
    try {
      await breaks()
      const usable = performance.now()
      await ann.waitConnected(120_000, route)
      ms = Math.round(performance.now() - usable)
    } finally {
      await chatter.stop()
    }
    const last = ann.wrote.at(-1) ?? ''
    await ann.waitMessage(last, 'delivered')
    await ben.waitMessage(last)
    expect(await ben.texts()).toEqual(ann.wrote)
    expect(await ann.texts()).toEqual(ann.wrote)
    rows.push(`| ${what} | ${ms} | ${ann.wrote.length - before} | none |`)
  }

  const guest = (line: string): string => guestHome.computer.run(line)
  const router = (line: string): string => guestHome.routers[0]?.run(line) ?? ''
  const awayFor = async (ms: number): Promise<void> => {
    guest('ip link set eth0 down')
    await ann.waitDisconnected(60_000)
    await pause(ms)
    guest('ip link set eth0 up')
    guest('ip route replace default via 192.168.20.1')
  }

  test('the guest has no link for 10 s', () => through('no link for 10 s', () => awayFor(10_000)))

  test('the guest has no link for 60 s', () => through('no link for 60 s', () => awayFor(60_000)))

  test('the guest comes back with another address, as from Wi-Fi to mobile', () =>
    through('another network', async () => {
      guest('ip addr del 192.168.20.2/24 dev eth0')
      guest('ip addr add 192.168.20.77/24 dev eth0')
      guest('ip route replace default via 192.168.20.1')
    }))

  test('the guest’s router gets another address and forgets every connection', () =>
    through('router with another address', async () => {
      router('ip addr del 11.99.2.1/16 dev wan')
      router('ip addr add 11.99.2.77/16 dev wan')
      router(`ip route replace default via ${CLOUD_WAN}`)
    }))

  test('UDP is blocked in mid-conversation, and let through again', async () => {
    await through(
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
    await ben.waitMessage(ann.wrote.at(-1) ?? '')
    expect(await ben.texts()).toEqual(ann.wrote)
  })

  test('the worker dies: who is connected goes on, and who comes back finds the host by what it kept', () =>
    through('worker dead, then no link for 1 s', async () => {
      await world.stopWorker()
      await awayFor(1000)
    }))

  test('the host gets another address', async () => {
    await world.startWorker()
    await through('host with another address', async () => {
      hostHome.computer.run('ip addr del 11.99.1.1/16 dev eth0')
      hostHome.computer.run('ip addr add 11.99.1.77/16 dev eth0')
      hostHome.computer.run(`ip route replace default via ${CLOUD_WAN}`)
      await ann.waitDisconnected(60_000)
    })
  })
})
