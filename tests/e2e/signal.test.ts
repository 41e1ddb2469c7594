// The route `signal` and `clawchat connect` (SPEC §4.6): programs and a browser in one chat, over TCP, rotations and crashes.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { freePort, type Lab, labTest, lanAddress } from './harness.ts'
import { TerminalClient } from './terminal-client.ts'

const httpArgs = () => ['--http', `127.0.0.1:${freePort()}`]
const connected = (route: string) => ({ event: 'state', state: 'connected', route })

/** TCP ports of this namespace that are listened on, as the kernel tells. */
function listening(): number[] {
  const { stdout } = spawnSync('ss', ['-Htln'], { encoding: 'utf8' })
  return stdout.split('\n').flatMap((line) => {
    const port = /:(\d+)\s/.exec(line)?.[1]
    return port === undefined ? [] : [Number(port)]
  })
}

const inRange = (port: number): boolean => port >= 49_152

async function withClients(
  lab: Lab,
  run: (start: (name: string, link: string | null) => TerminalClient) => Promise<void>,
): Promise<void> {
  const started: TerminalClient[] = []
  try {
    await run((name, link) => {
      const client = new TerminalClient(lab.path(name), link, '--name', name)
      started.push(client)
      return client
    })
  } finally {
    await Promise.all(started.map((client) => client.kill()))
  }
}

labTest(
  'without --signal no TCP port of the range is bound, and a program comes by the relay',
  (lab) =>
    withClients(lab, async (start) => {
      const { ready } = await lab.host(httpArgs())
      expect(listening().length).toBeGreaterThan(0)
      expect(listening().filter(inRange)).toEqual([])
      const ann = start('Ann', String(ready.invite))
      await ann.waitFor(connected('relay'))
      ann.say('through the relay')
      await ann.waitFor({ event: 'message', text: 'through the relay', mine: true, name: 'Ann' })
    }),
)

labTest('two programs by TCP and a browser chat together', (lab) =>
  withClients(lab, async (start) => {
    const { host, ready } = await lab.host(['--signal', ...httpArgs()])
    expect(listening().filter(inRange)).toEqual([ready.port])
    const ann = start('Ann', String(ready.invite))
    await ann.waitFor(connected('signal'))
    const ben = start('Ben', await host.invite())
    await ben.waitFor(connected('signal'))
    const cleo = await lab.chromium('Cleo')
    await cleo.join(await host.invite())
    ann.say('from a program')
    ben.say(JSON.stringify({ text: 'two\nlines' }))
    await cleo.waitMessage('from a program')
    await cleo.send('from a browser')
    for (const client of [ann, ben]) {
      await client.waitFor({ event: 'message', text: 'from a program', name: 'Ann' })
      await client.waitFor({ event: 'message', text: 'two\nlines', name: 'Ben' })
      await client.waitFor({ event: 'message', text: 'from a browser', name: 'Cleo', mine: false })
    }
    const { id } = await ann.waitFor({ event: 'taken' })
    await ann.waitFor({ event: 'delivery', id, state: 'delivered' })
    // Keys are for their owner alone.
    const folder = join(lab.path('Ann'), 'clients')
    const [identity = ''] = readdirSync(folder)
    expect(identity).toBe(ready.identity)
    const modes = readdirSync(join(folder, identity)).map(
      (name) => statSync(join(folder, identity, name)).mode & 0o777,
    )
    expect(modes.length).toBeGreaterThanOrEqual(2)
    expect(modes.every((mode) => mode === 0o600)).toBe(true)
    // A second one with the same keys would take turns with the first.
    const twin = start('Ann', null)
    expect(await twin.exited).toBe(1)
    expect(twin.events.at(-1)).toMatchObject({ event: 'error', code: 'folder-locked' })
  }),
)

labTest('a rotation moves an open session to the new TCP port, and the old one closes', (lab) =>
  withClients(lab, async (start) => {
    const times = ['--rotate-every', '20s', '--notice', '5s', '--grace', '8s']
    const { host, ready } = await lab.host(['--signal', ...times, ...httpArgs()])
    const ann = start('Ann', String(ready.invite))
    const first = await ann.waitFor(connected('signal'))
    const { port, previousPort, epoch } = await host.waitFor(
      'rotated',
      (event) => Number(event.epoch) > Number(first.epoch),
    )
    await host.waitFor('closed', (event) => event.port === previousPort)
    const moved = await ann.waitFor({ ...connected('signal'), epoch })
    // It never was without a carrier.
    const between = ann.events.slice(ann.events.indexOf(first), ann.events.indexOf(moved))
    expect(between.filter(({ state }) => state === 'reconnecting')).toEqual([])
    ann.say('over the new port')
    await ann.waitFor({ event: 'message', text: 'over the new port' })
    expect(listening()).toContain(port)
    expect(listening()).not.toContain(previousPort)
  }),
)

labTest(
  'kill -9 of host and programs in the middle of traffic: nothing lost, nothing doubled',
  (lab) =>
    withClients(lab, async (start) => {
      const args = ['--signal', ...httpArgs()]
      const { host, ready } = await lab.host(args)
      let ann = start('Ann', String(ready.invite))
      await ann.waitFor(connected('signal'))
      const ben = start('Ben', await host.invite())
      await ben.waitFor(connected('signal'))
      const takenIds = new Set<string>()
      const note = (client: TerminalClient): void => {
        for (const { event, id } of client.events) if (event === 'taken') takenIds.add(String(id))
      }
      const say = (from: number, to: number): void => {
        for (let i = from; i < to; i++) ann.say(`message ${i}`)
      }
      const told = (client: TerminalClient): string[] => [
        ...new Set(client.events.flatMap((e) => (e.event === 'message' ? [String(e.id)] : []))),
      ]
      const seen = (): Set<string> => new Set(told(ben))
      say(0, 100)
      await ben.until('20 messages', () => seen().size >= 20)
      await host.kill()
      // Written while nobody is there.
      say(100, 150)
      await ann.until(
        '150 taken',
        () => ann.events.filter((e) => e.event === 'taken').length === 150,
      )
      note(ann)
      await ann.kill()
      await lab.host(args)
      ann = start('Ann', null)
      await ann.waitFor(connected('signal'))
      say(150, 200)
      await ann.until('50 more', () => ann.events.filter((e) => e.event === 'taken').length === 50)
      note(ann)
      expect(takenIds.size).toBe(200)
      await ben.until('all', () => [...takenIds].every((id) => seen().has(id)))
      expect(seen().size).toBe(200)
      const texts = ben.texts
      expect(texts).toEqual(Array.from({ length: 200 }, (_, i) => `message ${i}`))
    }),
)

labTest('a program that is revoked ends, says why, and stays out', (lab) =>
  withClients(lab, async (start) => {
    const { host, ready } = await lab.host(['--signal', ...httpArgs()])
    const ann = start('Ann', String(ready.invite))
    await ann.waitFor(connected('signal'))
    const { device } = await host.waitFor('connected')
    expect((await host.command('revoke', String(device))).code).toBe(0)
    expect(await ann.exited).toBe(1)
    expect(ann.events.at(-1)).toMatchObject({ event: 'error', code: 'removed' })
    const again = start('Ann', null)
    expect(await again.exited).toBe(1)
    expect(again.events.at(-1)).toMatchObject({ event: 'error', code: 'removed' })
    // A new link lets it in again, as a new device.
    const anew = start('Ann', await host.invite())
    await anew.waitFor(connected('signal'))
  }),
)

labTest('a TCP stranger at a real host gets a reset and nothing else', async (lab) => {
  const { ready } = await lab.host(['--signal', ...httpArgs()])
  const socket = createConnection({ host: lanAddress, port: Number(ready.port) })
  let bytes = 0
  const code = await new Promise<string>((resolve) => {
    socket.on('data', (data) => {
      bytes += data.length
    })
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : 'error'))
    socket.on('close', () => resolve('closed'))
    socket.write(
      'GET / HTTP/1.1\r\nHost: somewhere\r\nAccept: everything there is, in any form whatsoever\r\n\r\n',
    )
  })
  expect({ bytes, code }).toEqual({ bytes: 0, code: 'ECONNRESET' })
})
