// Every kind of router before the host × every kind before the guest: connected by the route that design says, always by some.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Host } from '../e2e/host.ts'
import { KINDS, type Kind, missing } from './topology.ts'
import { person, report, World } from './world.ts'

const why = missing()
type Route = 'direct' | 'mailbox' | 'relay'

/** Design (routes.md): a symmetric router needs an open other side, and two closed ones must map alike. */
function expected(host: Kind, guest: Kind): Route {
  if (host === 'noudp' || guest === 'noudp') return 'relay'
  if (host === 'public') return 'direct'
  if (guest === 'public') return 'mailbox'
  return host === 'sym' || guest === 'sym' ? 'relay' : 'mailbox'
}

const rows: string[] = []

describe.skipIf(why !== null)(`router by router${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  const hosts = new Map<Kind, Host>()
  const browsers = new Map<Kind, Browser>()
  beforeAll(async () => {
    world = await World.make()
    for (const [i, kind] of KINDS.entries()) {
      const home = await world.internet.home(kind, `11.99.1.${i + 1}`, 10 + i)
      hosts.set(kind, (await world.host(home.computer)).host)
      const guest = await world.internet.home(kind, `11.99.2.${i + 1}`, 20 + i)
      browsers.set(kind, await world.browser(guest.computer))
    }
  })
  afterAll(async () => {
    report('lab-table.md', [
      '| host | guest | route | connected in ms | steps |',
      '|---|---|---|---|---|',
      ...rows,
    ])
    await world?.end()
  })

  const pairs = KINDS.flatMap((host) => KINDS.map((guest) => ({ host, guest })))
  test.for(pairs)('host $host, guest $guest', async ({ host, guest }) => {
    const browser = browsers.get(guest)
    const process = hosts.get(host)
    if (browser === undefined || process === undefined) throw new Error('bug: no such home')
    const { client, close } = await person(browser, `${guest} guest`)
    const from = process.events.length
    try {
      await client.driver.goto(await process.invite())
      await client.driver.fill('Your name', client.name)
      const began = performance.now()
      await client.driver.press('Join')
      const route = expected(host, guest)
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
      const steps = text.match(/^\w+: (done|failed|running)( in \d+ ms)?/gm) ?? []
      rows.push(`| ${host} | ${guest} | ${route} | ${ms} | ${steps.join('; ')} |`)
    } catch (error) {
      const shown = await client.driver.read(() => document.body.textContent?.slice(0, 400), null)
      rows.push(`| ${host} | ${guest} | **failed** | – | – |`)
      throw new Error(`on screen: ${shown}`, { cause: error })
    } finally {
      await close()
    }
  })
})
