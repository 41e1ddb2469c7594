// A real host's line to the worker in workerd, and carriers over it (SPEC §4.4): the host's end and the page's own code.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Carrier as HostCarrier } from '../../host/link.ts'
import { MailboxLine } from '../../host/mailbox.ts'
import { RelayDesk } from '../../host/relay.ts'
import { fromHex } from '../../shared/bytes.ts'
import { RELAY_BURST } from '../../shared/constants.ts'
import { hostTag } from '../../shared/knock.ts'
import { signalHints } from '../../shared/mailbox.ts'
import { epochAt, type RecordBody } from '../../shared/record.ts'
import { dialRelay, type RelayCarrier } from '../../web/relay.ts'
import { put, writer } from '../worker/endpoint.ts'
import { startWorkerd, type Workerd } from './worker.ts'

const HOUR = 3_600_000
const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

let workerd: Workerd
beforeAll(async () => {
  workerd = await startWorkerd()
})
afterAll(() => workerd?.close())

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** A host that is in, with one credential. */
async function scene() {
  const { secret, id, body } = writer()
  await put(workerd, id, body(Date.now()))
  const hostPublicKey = random(32)
  let roots = [random(32)]
  const carriers: HostCarrier[] = []
  const epoch = (): number => epochAt(Date.now(), HOUR)
  const desk = new RelayDesk({
    hostTag: hostTag(hostPublicKey),
    credentials: () => roots.map((root, i) => ({ id: String(i), root })),
    epoch,
    intervalMs: HOUR,
    now: () => performance.now(),
    wallMs: Date.now,
    certificate: () => null,
    addresses: () => [],
    stun: [],
    nonces: { all: () => [], add: () => undefined, remove: () => undefined },
    onCarrier: (carrier) => {
      carrier.markLive()
      carriers.push(carrier)
    },
  })
  desk.refresh()
  const line = new MailboxLine({
    url: workerd.url,
    writeSecret: secret,
    hints: () => signalHints(roots, epoch(), secret),
    now: Date.now,
    onTrunk: (trunk) => desk.serve(trunk),
  })
  line.start()
  await until(() => line.isUp)
  const dial = (root = roots[0]): Promise<RelayCarrier> => {
    const record = { hostPublicKey, issuedMs: Date.now(), intervalMs: HOUR } as RecordBody
    const endpoint = { type: 'https', flags: 4, id: fromHex(id), url: workerd.url } as const
    return dialRelay(endpoint, { record, root: root as Uint8Array, timesMs: [Date.now()] })
  }
  const change = (next: Uint8Array[]): void => {
    roots = next
    desk.refresh()
    line.refresh()
  }
  const stop = (): void => {
    line.stop()
    desk.stop()
  }
  return { id, line, carriers, dial, change, stop }
}

test('carries far more than a burst both ways, in order, also across a sleep of the object', async () => {
  const { id, carriers, dial, stop } = await scene()
  const client = await dial()
  await until(() => carriers.length === 1)
  const [host] = carriers as [HostCarrier]
  const [toHost, toClient]: number[][] = [[], []]
  host.onMessage((bytes) => toHost?.push((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)))
  client.onMessage((bytes) => toClient?.push((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)))
  const count = 2 * RELAY_BURST
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(300)
    bytes.set([i >> 8, i & 255])
    host.send(bytes)
    client.send(bytes)
    if (i === RELAY_BURST) await workerd.forget(id)
  }
  await host.drained()
  await until(() => toHost?.length === count && toClient?.length === count)
  const expected = Array.from({ length: count }, (_, i) => i)
  expect(toHost).toEqual(expected)
  expect(toClient).toEqual(expected)
  let closed = false
  host.onClose(() => {
    closed = true
  })
  client.close()
  await until(() => closed)
  stop()
})

test('a credential that is gone is not there, a new one is; the host’s end tells the client', async () => {
  const { carriers, dial, change, stop } = await scene()
  const [old, fresh] = [await dial(), random(32)]
  await until(() => carriers.length === 1)
  change([fresh])
  const refused = await dial(random(32))
  await until(() => refused.endedBy() !== null)
  expect(refused.endedBy()).toBe('no-answer')
  const next = await dial(fresh)
  await until(() => carriers.length === 2)
  carriers[1]?.close()
  await until(() => next.endedBy() === 'no-answer')
  expect(old.endedBy()).toBeNull()
  stop()
  await until(() => old.endedBy() === 'no-answer')
})
