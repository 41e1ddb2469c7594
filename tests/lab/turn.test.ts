// TURN servers that the owner named (SPEC §4.5), with a real coturn: where no hole opens, the route `mailbox` leads through
// it; where one does, it does not. The pair that the browser chose is asked, beside what the page says.
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENVELOPE_BYTES } from '../../shared/constants.ts'
import { Client, chromiumDriver, firefoxDriver } from '../e2e/client.ts'
import { commandIn, type Host } from '../e2e/host.ts'
import { type Home, type Kind, missing, type Node } from './topology.ts'
import {
  PAGE,
  STUN,
  TURN,
  TURN_CREDENTIAL,
  TURN_PORT,
  TURN_SECRET,
  TURNS,
  TURNS_BY_NAME,
  TURNS_PORT,
  World,
} from './world.ts'

const why = missing()
const BY_UDP = ['--turn', TURN]
const BY_TCP = [...BY_UDP, '--turn', `${TURN}?transport=tcp`]

describe.skipIf(why !== null)(`a TURN server${why === null ? '' : ` (${why})`}`, () => {
  let world: World
  let trust: { readonly certificate: string; readonly spki: string }
  beforeAll(async () => {
    world = await World.make()
    trust = await world.startTurn()
  })
  afterAll(() => world?.end())

  /** From now on this router lets out TCP to the page and to these ports, and nothing else. */
  const onlyTo = (router: Node, ...ports: number[]): void => {
    const allowed = [new URL(PAGE).port, ...ports].join(', ')
    router.rules(
      `table inet only {}\nflush table inet only\ntable inet only {\nchain f {\ntype filter hook forward priority -10;\niifname "lan" udp dport 1-65535 drop\niifname "lan" tcp dport != { ${allowed} } drop\n}\n}`,
    )
  }

  let homes = 0
  const home = (kind: Kind): Promise<Home> => {
    homes += 1
    return world.internet.home(kind, `11.99.7.${homes}`, 100 + homes)
  }
  const hostBehind = async (kind: Kind, servers: readonly string[]): Promise<Host> =>
    (await world.hostWith((await home(kind)).computer, ...servers)).host

  async function guestBehind(kind: Kind): Promise<Guest> {
    const browser = await world.browser((await home(kind)).computer)
    return guestOf(await browser.newContext())
  }

  test('two routers that give each peer another port: through TURN, where the worker relays nothing; no STUN server is named', async () => {
    const host = await hostBehind('sym', BY_UDP)
    const guest = await guestBehind('sym')
    await relayNothing(guest.page)
    await guest.client.join(await host.invite(), 'mailbox')
    await guest.client.send('through TURN')
    await guest.client.waitMessage('through TURN', 'sent')
    expect(await chosenPair(guest.client)).toEqual({ own: 'relay', by: 'udp' })
    await guest.client.driver.reload()
    await guest.client.waitConnected(60_000, 'mailbox')
    await guest.client.waitMessage('through TURN')
    await saysTurn(guest, 1)
    await guest.context.close()
  })

  test('a conversation that began on the relay moves to TURN by itself', async () => {
    const host = await hostBehind('sym', [...BY_UDP, '--stun', String(STUN[0])])
    const guest = await guestBehind('sym')
    await guest.client.driver.blockUdp()
    await guest.client.join(await host.invite(), 'relay')
    await guest.client.driver.openUdp()
    await guest.client.send('moves')
    await guest.client.waitConnected(60_000, 'mailbox')
    await guest.client.waitMessage('moves', 'sent')
    expect(await chosenPair(guest.client)).toEqual({ own: 'relay', by: 'udp' })
    await guest.context.close()
  })

  test.each(['eim', 'sym', 'public'] as const)(
    'UDP is blocked before the browser, the host is behind %s: TURN over TCP',
    async (kind) => {
      const host = await hostBehind(kind, BY_TCP)
      const guest = await guestBehind('noudp')
      await relayNothing(guest.page)
      await guest.client.join(await host.invite(), 'mailbox')
      await guest.client.send('by TCP to TURN')
      await guest.client.waitMessage('by TCP to TURN', 'sent')
      expect(await chosenPair(guest.client)).toEqual({ own: 'relay', by: 'tcp' })
      await saysTurn(guest, 1)
      await guest.context.close()
    },
  )

  test('only TCP to one port gets out, in Chromium: TURN over TLS, from a server whose certificate is trusted', async () => {
    const host = await hostBehind('sym', [...BY_UDP, '--turn', TURNS])
    const { computer, routers } = await home('noudp')
    onlyTo(routers[0] as Node, TURNS_PORT)
    const browser = await world.browser(
      computer,
      `--ignore-certificate-errors-spki-list=${trust.spki}`,
    )
    const guest = await guestOf(await browser.newContext())
    await relayNothing(guest.page)
    await guest.client.join(await host.invite(), 'mailbox')
    await guest.client.send('by TLS to TURN')
    await guest.client.waitMessage('by TLS to TURN', 'sent')
    expect(await chosenPair(guest.client)).toEqual({ own: 'relay', by: 'tls' })
    await saysTurn(guest, 1)
    await guest.context.close()
  })

  test('in Chromium that does not trust it: no TURN, the relay', async () => {
    const host = await hostBehind('sym', [...BY_UDP, '--turn', TURNS])
    const { computer, routers } = await home('noudp')
    onlyTo(routers[0] as Node, TURNS_PORT)
    const guest = await guestOf(await (await world.browser(computer)).newContext())
    await guest.client.join(await host.invite(), 'relay')
    await guest.context.close()
  })

  test('Firefox behind a router that gives each peer another port: TURN by UDP, where only TCP is left by TCP, where only TLS is by TLS', async () => {
    const host = await hostBehind('sym', [...BY_TCP, '--turn', TURNS_BY_NAME])
    const { computer, routers } = await home('sym')
    const [router] = routers as [Node]
    const browser = await world.firefox(computer)
    const page = await (await browser.createBrowserContext()).newPage()
    await page.evaluateOnNewDocument(keepConnections)
    const client = new Client('Fox', firefoxDriver(page))
    await client.join(await host.invite(), 'mailbox')
    expect(await chosenPair(client)).toEqual({ own: 'relay', by: 'udp' })
    for (const [by, port] of [
      ['tcp', TURN_PORT],
      ['tls', TURNS_PORT],
    ] as const) {
      // With both open it is Firefox's affair which of them is first.
      onlyTo(router, port)
      await client.driver.reload()
      await client.waitConnected(90_000, 'mailbox')
      expect(await chosenPair(client)).toEqual({ own: 'relay', by })
      await client.send(`in Firefox by ${by}`)
      await client.waitMessage(`in Firefox by ${by}`, 'sent')
    }
  })

  test('where a hole opens TURN is not used, and that is said as well', async () => {
    const host = await hostBehind('eim', BY_UDP)
    const guest = await guestBehind('eim')
    await guest.client.join(await host.invite(), 'mailbox')
    await saysTurn(guest, 0)
    expect((await chosenPair(guest.client))?.own).not.toBe('relay')
    await guest.context.close()
  })

  test('UDP is blocked before the host: the relay, as without TURN', async () => {
    const host = await hostBehind('noudp', BY_TCP)
    const guest = await guestBehind('eim')
    await guest.client.join(await host.invite(), 'relay')
    await guest.client.send('by the worker')
    await guest.client.waitMessage('by the worker', 'sent')
    await guest.context.close()
  })

  test('doctor warns a host behind a router that TURN by TCP alone does not tell it where it is', async () => {
    for (const [kind, more, cause] of [
      ['eim', [], 'turn-blind'],
      ['eim', ['--turn', TURN], null],
      ['public', [], 'stun-none'],
    ] as const) {
      const { computer } = await home(kind)
      const env = { CLAWCHAT_TURN_CREDENTIAL: TURN_CREDENTIAL }
      const args = ['--json', '--data', world.path(`doctor-${kind}`), ...BY_TCP.slice(2), ...more]
      const { lines, code } = await commandIn(computer.prefix, env, 'doctor', ...args)
      const { doctor: steps } = lines[0] as { doctor: { step: string; cause: unknown }[] }
      expect(steps.filter(({ step }) => step === 'stun')).toMatchObject([{ cause }])
      expect(code).toBe(cause === 'turn-blind' ? 1 : 0)
    }
  })

  test('doctor tells a login that is taken, one that is not, and silence', async () => {
    const { computer } = await home('eim')
    const doctor = async (credential: string) => {
      const env = { CLAWCHAT_TURN_CREDENTIAL: credential }
      const silent = ['--turn', `${TURN.replace(/\d+$/, '1')}?transport=tcp`]
      const args = ['--json', '--data', world.path('doctor'), ...BY_TCP, ...silent]
      const found = await commandIn(computer.prefix, env, 'doctor', ...args)
      const { doctor: steps } = found.lines[0] as { doctor: { step: string; cause: unknown }[] }
      const printed = JSON.stringify(found.lines) + found.stderr
      expect(printed).not.toContain(credential.replace('secret:', ''))
      return steps.filter(({ step }) => step === 'turn').map(({ cause }) => cause)
    }
    expect(await doctor(TURN_CREDENTIAL)).toEqual([null, null, 'turn-silent'])
    const refused = ['turn-refused', 'turn-refused', 'turn-silent']
    expect(await doctor(`secret:not-${TURN_SECRET}`)).toEqual(refused)
    expect(await doctor('login:ada:lovelace')).toEqual(refused)
  })
})

interface Guest {
  readonly context: BrowserContext
  readonly page: Page
  readonly client: Client
}

async function guestOf(context: BrowserContext): Promise<Guest> {
  await context.addInitScript(keepConnections)
  const page = await context.newPage()
  return { context, page, client: new Client('Guest', chromiumDriver(page)) }
}

/** A mailbox that passes offers and answers on, and is no relay: what begins with a knock ends. */
async function relayNothing(page: Page): Promise<void> {
  await page.routeWebSocket(/\/v1\/mailbox\//, (socket) => {
    const server = socket.connectToServer()
    socket.onMessage((message) => {
      if (message.length === ENVELOPE_BYTES) server.send(message)
      else void socket.close()
    })
  })
}

type Kept = typeof globalThis & { connections: RTCPeerConnection[] }

/** Runs in a page before anything of it. */
function keepConnections(): void {
  const Real = RTCPeerConnection
  const kept: RTCPeerConnection[] = []
  ;(globalThis as Kept).connections = kept
  globalThis.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration)
      kept.push(this)
    }
  }
}

/** Of the connection that is open: its own end of the pair in use, and how it reaches the TURN server. */
const chosenPair = (client: Client): ReturnType<typeof pairInPage> =>
  client.driver.read(pairInPage, null)

/** Runs in a page. Firefox has no report of the transport, and marks the pair instead. */
async function pairInPage(): Promise<{ own: string; by: string | undefined } | undefined> {
  const all = (globalThis as Kept).connections
  const open = all.findLast((one) => one.connectionState === 'connected')
  const reports = [...((await open?.getStats()) ?? new Map()).values()]
  const transport = reports.find(({ type }) => type === 'transport')
  const pair = reports.find(
    ({ id, selected }) => id === transport?.selectedCandidatePairId || selected,
  )
  const own = reports.find(({ id }) => id === pair?.localCandidateId)
  return own && { own: own.candidateType, by: own.relayProtocol }
}

/** "Connection details" and "Security" say what the browser does. */
async function saysTurn({ client, page }: Guest, turn: 0 | 1): Promise<void> {
  await client.driver.press('Connection details')
  await client.waitText(`, turn ${turn}`)
  const pill = await page.locator('[role="status"][data-state]').textContent()
  expect(pill?.includes('Relay')).toBe(turn === 1)
  const step = await page.locator('[data-step="mailbox"]').textContent()
  expect(step?.includes('TURN server')).toBe(turn === 1)
  await client.driver.key('Escape')
  await client.driver.press('Security')
  const security = await page.getByRole('dialog', { name: 'Security' }).textContent()
  expect(security?.includes('Through a TURN server')).toBe(turn === 1)
  expect(security?.includes('Direct, through both routers')).toBe(turn === 0)
  await client.driver.key('Escape')
}
