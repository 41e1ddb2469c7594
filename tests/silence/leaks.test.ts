// A host keeps nothing of those who came and went: sockets, timers and heap after 500 connections and 100 clients
// that vanished without a word. The host is a process of its own, so that only its resources are counted.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Client, MANY_ROOTS } from './dialer.ts'

interface Usage {
  readonly handles: number
  readonly timers: number
  readonly heapBytes: number
  readonly peers: number
}

const CONNECTIONS = 500
const VANISHED = 100
const AT_ONCE = 4
/** What one forgotten peer costs at least: a DTLS and an SCTP association with their buffers. */
const PEER_BYTES = 20_000

let child: ChildProcess
let host: { port: number; fingerprint: Uint8Array }
let used = 0

beforeAll(async () => {
  child = fork(new URL('./victim.ts', import.meta.url), { execArgv: ['--expose-gc'] })
  const [ready] = await once(child, 'message')
  host = { port: ready.port, fingerprint: Buffer.from(ready.fingerprint, 'hex') }
})
afterAll(() => void child.kill())

/** `laterMs`: the host's clock is put forward by this first. */
async function usage(laterMs = 0): Promise<Usage> {
  const answer = once(child, 'message')
  child.send({ laterMs })
  return (await answer)[0]
}

/** A minute without a word: once the host has noticed, what does it still hold? */
async function afterSilence(timers = Number.POSITIVE_INFINITY): Promise<Usage> {
  await usage(60_000)
  return vi.waitUntil(
    async () => {
      const now = await usage()
      return now.peers === 0 && now.timers <= timers ? now : null
    },
    { timeout: 60_000, interval: 250 },
  )
}

/** A credential may knock 60 times a minute; each source address has its own bucket. */
async function client(): Promise<Client> {
  const n = used++
  const root = MANY_ROOTS[n % MANY_ROOTS.length]
  return Client.connect(host, `127.1.${n >> 7}.${1 + (n & 127)}`, host.fingerprint, root)
}

async function inTurns(count: number, visit: (guest: Client) => Promise<void>): Promise<void> {
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) await visit(await client())
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

it('500 connections and 100 vanished clients leave nothing behind', async () => {
  const visit = async (guest: Client): Promise<void> => {
    expect(await guest.echo('hello')).toBe('hello')
    await guest.close()
  }
  await inTurns(40, visit)
  const before = await afterSilence()
  await inTurns(CONNECTIONS, visit)
  await inTurns(VANISHED, async (guest) => {
    expect(await guest.echo('hello')).toBe('hello')
    await guest.vanish()
  })
  // Or nothing was there to be forgotten.
  expect((await usage()).peers).toBeGreaterThan(VANISHED / 2)
  const after = await afterSilence(before.timers)
  expect(after.handles).toBe(before.handles)
  expect(after.heapBytes - before.heapBytes).toBeLessThan((CONNECTIONS * PEER_BYTES) / 10)
})
