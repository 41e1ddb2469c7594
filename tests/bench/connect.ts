// In the network lab: from opening the page to connected, by route and pair of routers, split into the page's own steps; and
// from a usable path to going on, after each kind of break with messages in flight. Fails if one is lost or doubled.
import type { Client, Way } from '../e2e/client.ts'
import { pause, Talk } from '../lab/talk.ts'
import type { Kind, Node } from '../lab/topology.ts'
import { person, World } from '../lab/world.ts'
import { printRow } from './stats.ts'

const TIMES = Number(process.env.CLAWCHAT_BENCH_TIMES ?? 7)
const PATIENCE_MS = 120_000

const PAIRS: readonly { readonly host: Kind; readonly guest: Kind; readonly route: Way }[] = [
  { host: 'public', guest: 'eim', route: 'direct' },
  { host: 'mapped', guest: 'sym', route: 'direct' },
  { host: 'eim', guest: 'eim', route: 'mailbox' },
  { host: 'sym', guest: 'sym', route: 'relay' },
  { host: 'public', guest: 'noudp', route: 'relay' },
]

/** The steps that "Connection details" shows, in ms. */
const steps = (client: Client): Promise<[string, number][]> =>
  client.driver.read(
    () =>
      [...document.querySelectorAll<HTMLElement>('[data-step]')].map((row): [string, number] => [
        row.dataset.step ?? '',
        Number(row.dataset.ms ?? Number.NaN),
      ]),
    null,
  )

const row = (what: string, values: readonly number[]): void =>
  printRow({ cell: 'connect', what, unit: 'ms', values })

class Bench {
  readonly #world: World
  #homes = 0

  constructor(world: World) {
    this.#world = world
  }

  async #home(kind: Kind) {
    this.#homes += 1
    return this.#world.internet.home(kind, `11.99.1.${this.#homes}`, this.#homes)
  }

  async #host(kind: Kind) {
    const home = await this.#home(kind)
    if (kind === 'mapped')
      await this.#world.mapPorts(home.routers[0] as Node, `192.168.${home.net}.1`)
    return this.#world.host(home.computer)
  }

  /** The first visit enrols and warms up. */
  async pair({ host, guest, route }: (typeof PAIRS)[number]): Promise<void> {
    const { ready } = await this.#host(host)
    const browser = await this.#world.browser((await this.#home(guest)).computer)
    const { client } = await person(browser, 'Guest')
    await client.driver.goto(String(ready.invite))
    await client.driver.fill('Your name', client.name)
    await client.driver.press('Join')
    await client.waitConnected(PATIENCE_MS, route)
    const [opened, parts]: [number[], Map<string, number[]>] = [[], new Map()]
    for (let i = 0; i < TIMES; i++) {
      const start = performance.now()
      await client.driver.reload()
      await client.waitConnected(PATIENCE_MS, route)
      opened.push(performance.now() - start)
      await client.driver.press('Connection details')
      for (const [name, ms] of await steps(client)) {
        if (!Number.isNaN(ms)) parts.set(name, [...(parts.get(name) ?? []), ms])
      }
      await client.driver.press('Close')
    }
    row(`host ${host}, guest ${guest}: page opened → ${route}`, opened)
    for (const [name, values] of parts) row(`  of that, step "${name}"`, values)
    await browser.close()
  }

  /** Host in the open, guest at home. */
  async breaks(): Promise<void> {
    const { host } = await this.#host('public')
    const home = await this.#home('eim')
    const clients: Client[] = []
    for (const { computer } of [home, await this.#home('public')]) {
      const { client } = await person(await this.#world.browser(computer), 'Guest')
      await client.join(await host.invite())
      clients.push(client)
    }
    const [writer, reader] = clients as [Client, Client]
    const talk = new Talk(writer, reader)
    const { computer, routers } = home
    const via = (): string =>
      computer.run(`ip route replace default via 192.168.${home.net}.1 dev eth0`)
    let address = 2
    const kinds: readonly [string, Way, () => Promise<unknown>][] = [
      [
        'no link for 1 s',
        'direct',
        async () => {
          computer.run('ip link set eth0 down')
          await writer.waitDisconnected()
          await pause(1000)
          computer.run('ip link set eth0 up')
          via()
        },
      ],
      [
        'another address of the guest',
        'direct',
        async () => {
          computer.run(`ip addr del 192.168.${home.net}.${address}/24 dev eth0`)
          address += 1
          computer.run(`ip addr add 192.168.${home.net}.${address}/24 dev eth0`)
          via()
        },
      ],
      [
        'UDP blocked: on by the relay',
        'relay',
        async () => {
          routers[0]?.rules(
            'table inet block {\nchain f {\ntype filter hook forward priority -10;\nmeta l4proto udp drop\n}\n}',
          )
          await writer.waitDisconnected()
        },
      ],
      [
        'UDP back: direct again',
        'direct',
        async () => void routers[0]?.run('nft delete table inet block'),
      ],
    ]
    let messages = 0
    const times = new Map<string, number[]>(kinds.map(([what]) => [what, []]))
    for (let i = 0; i < TIMES; i++) {
      for (const [what, route, breaks] of kinds) {
        const from = what.startsWith('UDP back') ? 'relay' : 'direct'
        const resumed = await talk.through(what, async () => void (await breaks()), route, from)
        times.get(what)?.push(resumed.ms)
        messages += resumed.messages
      }
    }
    for (const [what, values] of times) row(`${what} → going on`, values)
    console.log(`connect    ${messages} messages in flight: 0 lost, 0 doubled, 0 out of order`)
  }
}

const world = await World.make()
try {
  const bench = new Bench(world)
  for (const pair of PAIRS) await bench.pair(pair)
  await bench.breaks()
} finally {
  await world.end()
}
