// Every kind of router before the host × every kind before the guest: connected by the route that design says, always by some.
import type { Browser } from 'playwright-core'
import type { Browser as Firefox } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StatusResult } from '../../host/config.ts'
import type { Host } from '../e2e/host.ts'
import { type Kind, missing, type Node } from './topology.ts'
import { until } from './until.ts'
import { foxPerson, person, report, World } from './world.ts'

const why = missing()
type Route = 'direct' | 'mailbox' | 'relay'

interface Cell {
  readonly host: Kind
  readonly guest: Kind
  readonly browser: 'Chromium' | 'Firefox'
}

/** Each of these with each. */
const KINDS: readonly Kind[] = ['public', 'full', 'eim', 'sym', 'double', 'noudp']
const CELLS: readonly Cell[] = [
  ...KINDS.flatMap((host) => KINDS.map((guest): Cell => ({ host, guest, browser: 'Chromium' }))),
  { host: 'mapped', guest: 'sym', browser: 'Chromium' },
  { host: 'public', guest: 'eim', browser: 'Firefox' },
  { host: 'eim', guest: 'eim', browser: 'Firefox' },
  { host: 'mapped', guest: 'eim', browser: 'Firefox' },
  { host: 'noudp', guest: 'eim', browser: 'Firefox' },
]

/** Design (routes.md): a symmetric router needs an open other side, and two closed ones must map alike. */
function expected({ host, guest }: Cell): Route {
  if (host === 'noudp' || guest === 'noudp') return 'relay'
  if (host === 'public' || host === 'mapped') return 'direct'
  if (guest === 'public' || host === 'full' || guest === 'full') return 'mailbox'
  return host === 'sym' || guest === 'sym' ? 'relay' : 'mailbox'
}

const rows: string[] = []

/** Its port is mapped, and the record says so. */
async function mapped(host: Host): Promise<void> {
  await until('a mapped port', 30_000, async () => {
    const { lines } = await host.command('status')
    const { router } = lines[0] as unknown as StatusResult
    return router.ipv4.mappings.length > 0
  })
  const published = (): number => host.events.filter(({ event }) => event === 'published').length
  await until('a second record', 30_000, () => published() > 1)
}

describe.skipIf(why !== null)(`router by router${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  const hosts = new Map<Kind, Host>()
  const browsers = new Map<Kind, Browser>()
  let fox: Firefox
  beforeAll(async () => {
    world = await World.make()
    for (const [i, kind] of [...KINDS, 'mapped' as const].entries()) {
      const home = await world.internet.home(kind, `11.99.1.${i + 1}`, 10 + i)
      if (kind === 'mapped') await world.mapPorts(home.routers[0] as Node, `192.168.${10 + i}.1`)
      hosts.set(kind, (await world.host(home.computer)).host)
    }
    for (const [i, kind] of KINDS.entries()) {
      const { computer } = await world.internet.home(kind, `11.99.2.${i + 1}`, 20 + i)
      browsers.set(kind, await world.browser(computer))
      if (kind === 'eim') fox = await world.firefox(computer)
    }
    await mapped(hosts.get('mapped') as Host)
  })
  afterAll(async () => {
    report('lab-table.md', [
      '| host | guest | browser | route | connected in ms | steps |',
      '|---|---|---|---|---|---|',
      ...rows,
    ])
    await world?.end()
  })

  const someone = ({ guest, browser }: Cell) => {
    const name = `${guest} ${browser}`
    return browser === 'Firefox'
      ? foxPerson(fox, name)
      : person(browsers.get(guest) as Browser, name)
  }

  test.for(CELLS)('host $host, guest $guest, $browser', async (cell) => {
    const { host, guest } = cell
    const process = hosts.get(host)
    if (process === undefined) throw new Error('bug: no such home')
    const { client, close } = await someone(cell)
    const from = process.events.length
    try {
      await client.driver.goto(await process.invite())
      await client.driver.fill('Your name', client.name)
      const began = performance.now()
      await client.driver.press('Join')
      const route = expected(cell)
      await client.waitConnected(60_000, route)
      const ms = Math.round(performance.now() - began)
      expect(await process.waitFor('connected', (e) => e.route === route, from)).toBeTruthy()
      await client.send(`from ${guest}`)
      await client.waitMessage(`from ${guest}`, 'sent')
      // And from the host to the guest: who comes anew has it from there.
      await client.driver.reload()
      await client.waitMessage(`from ${guest}`)
      await client.waitConnected(60_000, route)
      await client.driver.press('Connection details')
      const text = await client.driver.read(
        () => document.querySelector('.report pre')?.textContent ?? '',
        null,
      )
      // Where UDP is blocked, the page finds that out by itself and says so.
      if (route !== 'direct' && cell.browser === 'Chromium') {
        const deaf = guest === 'noudp'
        await client.driver.until(
          ({ wanted, deaf }) => {
            const said = document.querySelector('[data-step="mailbox"]')?.textContent ?? ''
            const report = document.querySelector('.report pre')?.textContent ?? ''
            return report.includes(wanted) && said.includes('No STUN server answered') === deaf
          },
          { wanted: `stun 1, reflexive ${deaf ? 0 : 1}`, deaf },
          20_000,
        )
      }
      const steps = text.match(/^\w+: (done|failed|running)( in \d+ ms)?/gm) ?? []
      rows.push(`| ${host} | ${guest} | ${cell.browser} | ${route} | ${ms} | ${steps.join('; ')} |`)
    } catch (error) {
      const shown = await client.driver.read(() => document.body.textContent?.slice(0, 400), null)
      rows.push(`| ${host} | ${guest} | ${cell.browser} | **failed** | – | – |`)
      throw new Error(`on screen: ${shown}`, { cause: error })
    } finally {
      await close()
    }
  })
})
