// Routers that miniupnpd cannot play: without leases, behind a carrier, broken, hostile. The host is a real one.
import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { LEASE_SECONDS } from '../e2e/host.ts'
import type { Mode } from './fakerouter.ts'
import { Household } from './household.ts'
import { ADDRESS, type Place } from './router.ts'
import { until } from './until.ts'

const ASKED_MS = 20_000

interface Said {
  readonly ready?: boolean
  readonly get?: string
  readonly action?: string
  /** external port and transport */
  readonly key?: string
  readonly lease?: string
}

let home: Household | null = null
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await home?.close()
  home = null
})

/** Resolves once it listens; grows as it is asked. */
async function fake(place: Place, mode: Mode, ...args: string[]): Promise<readonly Said[]> {
  const script = resolve(import.meta.dirname, 'fakerouter.ts')
  const [file = '', ...rest] = [...place.enter, process.execPath, script, mode, ...args]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const said: Said[] = []
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line)))
  await until('the router', 10_000, () => said.some(({ ready }) => ready))
  return said
}

async function household(): Promise<Household> {
  home = await Household.open({ speaks: [] })
  return home
}

const count = (said: readonly Said[], action: string): number =>
  said.filter((each) => each.action === action).length

test('permanent leases only (725): mapped without end, deleted at the end', async () => {
  const at = await household()
  const said = await fake(at.network.router, 'permanent', ADDRESS.lan)
  const { port } = await at.start()
  await until('a mapping', ASKED_MS, async () => {
    return (await at.status()).router.ipv4.mappings[0]?.leaseSeconds === null
  })
  const asked = said.filter(({ action }) => action === 'AddPortMapping')
  expect(asked.map(({ lease }) => lease)).toEqual([String(LEASE_SECONDS), '0'])
  expect(await at.host.stop()).toBe(0)
  const deleted = said.filter(({ action }) => action === 'DeletePortMapping')
  expect(deleted.map(({ key }) => key)).toEqual([`${port} UDP`])
})

test('carrier NAT is named, and nothing is mapped', async () => {
  const at = await household()
  const said = await fake(at.network.router, 'carrier', ADDRESS.lan)
  await at.start()
  await until('the cause', ASKED_MS, async () => {
    return (await at.status()).router.ipv4.cause === 'carrier-nat'
  })
  expect(count(said, 'AddPortMapping')).toBe(0)
  expect(at.mapped()).toEqual([])
})

test.each<[Mode, string]>([
  ['nonsense', 'bad-answer'],
  ['endless', 'bad-answer'],
  ['redirect', 'bad-answer'],
  ['slow', 'no-answer'],
])('a router that gives %s: %s, and the host goes on', async (mode, cause) => {
  const at = await household()
  const elsewhere = `http://${ADDRESS.world}:5000/root.xml`
  const beyond = await fake(at.network.world, 'permanent', ADDRESS.world)
  await fake(at.network.router, mode, ADDRESS.lan, ...(mode === 'redirect' ? [elsewhere] : []))
  const { port } = await at.start()
  await until(cause, ASKED_MS, async () => (await at.status()).router.ipv4.cause === cause)
  expect(at.mapped()).toEqual([])
  expect(await at.answers(at.network.home, ADDRESS.home, Number(port))).toBe(true)
  expect(beyond).toEqual([{ ready: true }])
  expect(await at.host.stop()).toBe(0)
})

test('actions answered with nonsense change nothing', async () => {
  const at = await household()
  const said = await fake(at.network.router, 'nonsense-later', ADDRESS.lan)
  await at.start()
  await until('the cause', ASKED_MS, async () => {
    return (await at.status()).router.ipv4.cause === 'bad-answer'
  })
  expect(count(said, 'AddPortMapping')).toBe(1)
  expect(at.mapped()).toEqual([])
  expect(await at.host.stop()).toBe(0)
})

test('a LOCATION that leads elsewhere is not followed', async () => {
  const at = await household()
  const beyond = await fake(at.network.world, 'permanent', ADDRESS.world)
  const location = `http://${ADDRESS.world}:5000/root.xml`
  await fake(at.network.router, 'permanent', ADDRESS.lan, location)
  await at.start()
  await until('the cause', ASKED_MS, async () => {
    return (await at.status()).router.ipv4.cause === 'no-answer'
  })
  expect(beyond).toEqual([{ ready: true }])
})

test('without a router: that is said, and a stop does not wait for one', async () => {
  const at = await household()
  await at.start()
  await until('the cause', ASKED_MS, async () => {
    return (await at.status()).router.ipv4.cause === 'no-answer'
  })
  const from = performance.now()
  expect(await at.host.stop()).toBe(0)
  expect(performance.now() - from).toBeLessThan(3000)
})
