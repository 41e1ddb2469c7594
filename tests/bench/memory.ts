// What a host's memory holds: an idle session, a half-open peer, and what a flood of good knocks beyond the limits adds.
// The host is the process of the silence tests; the sessions are the transport's (werift), before rooms and members.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Client, checkOf, MANY_ROOTS, makeKnock, Probe } from '../silence/dialer.ts'

const SESSIONS = 100
const HALF_OPEN = 64
const FLOOD = 5000

interface Host {
  readonly child: ChildProcess
  readonly port: number
  readonly fingerprint: Uint8Array
}

async function startVictim(): Promise<Host> {
  const path = new URL('../silence/victim.ts', import.meta.url)
  const child = fork(path, { execArgv: ['--expose-gc'] })
  const [{ port, fingerprint }] = await once(child, 'message')
  return { child, port, fingerprint: Buffer.from(fingerprint, 'hex') }
}

async function bytesOf({ child }: Host): Promise<number> {
  const answer = once(child, 'message')
  child.send({ laterMs: 0 })
  const [{ heapBytes, outsideBytes }] = await answer
  return heapBytes + outsideBytes
}

const rootOf = (i: number): Uint8Array => MANY_ROOTS[i % MANY_ROOTS.length] as Uint8Array
const addressOf = (i: number): string => `127.2.${i >> 7}.${1 + (i & 127)}`
const print = (what: string, bytes: number): void =>
  console.log(`${'memory'.padEnd(10)} ${what.padEnd(58)} ${(bytes / 1024).toFixed(1)} KiB`)

async function idleSessions(): Promise<void> {
  const host = await startVictim()
  const connect = async (i: number): Promise<Client> => {
    const client = await Client.connect(host, addressOf(i), host.fingerprint, rootOf(i))
    await client.echo('hello')
    return client
  }
  const warm = await Promise.all([0, 1, 2, 3].map(connect))
  const before = await bytesOf(host)
  const clients: Client[] = []
  for (let i = 4; i < 4 + SESSIONS; i++) clients.push(await connect(i))
  print(`an idle session, of ${SESSIONS}`, ((await bytesOf(host)) - before) / SESSIONS)
  for (const client of [...warm, ...clients]) await client.vanish()
  host.child.kill()
}

async function halfOpen(): Promise<void> {
  const host = await startVictim()
  const probe = await Probe.at('127.3.0.1', host.port)
  const before = await bytesOf(host)
  for (let i = 0; i < HALF_OPEN; i++) {
    const from = await Probe.at(addressOf(i), host.port)
    await from.ask(checkOf(makeKnock({ root: rootOf(i) }), { useCandidate: true }))
    from.close()
  }
  const full = await bytesOf(host)
  print(`a half-open peer, of ${HALF_OPEN}`, (full - before) / HALF_OPEN)
  for (let i = 0; i < FLOOD; i++) await probe.send(checkOf(makeKnock({ root: rootOf(i) })))
  print(`${FLOOD} good knocks beyond the limit, together`, (await bytesOf(host)) - full)
  probe.close()
  host.child.kill()
}

await idleSessions()
await halfOpen()
process.exit()
