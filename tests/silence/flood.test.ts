// 10 000 junk packets a second: not one byte comes back, the host needs less than half a core, and who belongs there gets in.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Client, MANY_ROOTS } from './dialer.ts'

const SECONDS = 6

let victim: ChildProcess
let flooder: ChildProcess | undefined
let host: { port: number; fingerprint: Uint8Array }

beforeAll(async () => {
  victim = fork(new URL('./victim.ts', import.meta.url), { execArgv: ['--expose-gc'] })
  const [ready] = await once(victim, 'message')
  host = { port: ready.port, fingerprint: Buffer.from(ready.fingerprint, 'hex') }
})
afterAll(() => {
  victim.kill()
  flooder?.kill()
})

/** ms of computing of the host's process since its start */
async function computed(): Promise<number> {
  const answer = once(victim, 'message')
  victim.send({ laterMs: 0 })
  return (await answer)[0].cpuMs
}

it('a flood gets nothing, costs less than half a core, and keeps nobody out', async () => {
  const before = await computed()
  flooder = fork(new URL('./flooder.ts', import.meta.url), [String(host.port), String(SECONDS)])
  const flooded = once(flooder, 'message')
  let over = false
  void flooded.then(() => {
    over = true
  })
  let chats = 0
  while (!over) {
    const root = MANY_ROOTS[chats % MANY_ROOTS.length]
    const client = await Client.connect(host, `127.8.0.${1 + chats}`, host.fingerprint, root)
    expect(await client.echo(`in the flood ${chats}`)).toBe(`in the flood ${chats}`)
    await client.close()
    chats += 1
    // About one a second: what is measured is the flood.
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  const [{ sent, tookMs, answers }] = await flooded
  const after = await computed()
  expect(sent).toBe(10_000 * SECONDS)
  expect(answers).toBe(0)
  expect(chats).toBeGreaterThan(0)
  // Computing, not time: others on this machine do not count.
  expect((after - before) / tookMs).toBeLessThan(0.5)
  console.info(`flood: ${Math.round(sent / (tookMs / 1000))} packets/s, ${chats} clients in`)
  console.info(`flood: host ${((100 * (after - before)) / tookMs).toFixed(1)} % of a core`)
})
