// Where the direct route leads nowhere but UDP does, both ends meet through a mailbox and talk with nothing in between
// (SPEC §4.5).
import { createSocket } from 'node:dgram'
import { expect } from 'vitest'
import { encodeBindingSuccess } from '../../host/stun.ts'
import type { Way } from './client.ts'
import { freePort, type Lab, labTest, lanAddress } from './harness.ts'

const httpArgs = () => ['--http', `127.0.0.1:${freePort()}`]

labTest(
  'the direct route is blocked: join by a mailbox, chat both ways, reload',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const ann = await lab.chromium('Ann')
    const ben = await lab.chromium('Ben')
    await ann.driver.blockUdp('direct')
    await ann.join(String(ready.invite), 'mailbox')
    expect(await host.waitFor('connected')).toMatchObject({ route: 'mailbox' })
    await ben.join(await host.invite())
    await ann.send('through both routers')
    await ben.waitMessage('through both routers')
    await ben.send('and back')
    await ann.waitMessage('and back')
    await ann.waitMessage('through both routers', 'delivered')

    await ann.driver.press('Connection details')
    const status = (step: string) =>
      ann.driver.read(
        (step) => document.querySelector<HTMLElement>(`[data-step="${step}"]`)?.className,
        step,
      )
    expect(await status('mailbox')).toBe('done')
    expect(await status('relay')).toBe('skipped')
    await ann.driver.key('Escape')

    await ann.driver.reload()
    await ann.waitConnected(45_000, 'mailbox')
    expect(await ann.texts()).toEqual(['through both routers', 'and back'])
  },
  180_000,
)

/** Ann comes by one way while another is blocked, and moves to it in mid-conversation: nothing is lost. */
async function moves(
  lab: Lab,
  came: { readonly blocked: 'all' | 'direct'; readonly by: Way },
  goes: { readonly blocked: 'nothing' | 'direct'; readonly by: Way },
): Promise<void> {
  const { host, ready } = await lab.host(httpArgs())
  const ann = await lab.chromium('Ann')
  const ben = await lab.chromium('Ben')
  await ben.join(String(ready.invite))
  await ann.driver.blockUdp(came.blocked)
  await ann.join(await host.invite(), came.by)
  const from = host.events.length
  await ann.driver.openUdp(goes.blocked)
  const expected = Array.from({ length: 30 }, (_, i) => `while it moves ${i}`)
  for (const text of expected) await ann.send(text)
  await ann.waitConnected(90_000, goes.by)
  expect(await host.waitFor('connected', undefined, from)).toMatchObject({ route: goes.by })
  await ann.send('moved')
  await ben.waitMessage('moved')
  expect(await ben.texts()).toEqual([...expected, 'moved'])
  expect(await ann.texts()).toEqual([...expected, 'moved'])
}

labTest(
  'what goes through a relay moves to a punched hole in mid-conversation and loses nothing',
  (lab) => moves(lab, { blocked: 'all', by: 'relay' }, { blocked: 'direct', by: 'mailbox' }),
  240_000,
)

labTest(
  'a punched hole is left for the direct route once that works, and nothing is lost',
  (lab) => moves(lab, { blocked: 'direct', by: 'mailbox' }, { blocked: 'nothing', by: 'direct' }),
  240_000,
)

labTest(
  'a punched hole outlives a rotation of the port that it does not use',
  async (lab) => {
    const { host, ready } = await lab.host([
      ...httpArgs(),
      ...['--rotate-every', '20s', '--notice', '5s', '--grace', '3s'],
    ])
    const ann = await lab.chromium('Ann')
    await ann.driver.blockUdp('direct')
    await ann.join(String(ready.invite), 'mailbox')
    await ann.send('before')
    await ann.waitMessage('before', 'sent')
    const from = host.events.length
    const { epoch } = await host.waitFor('rotated', undefined, from)
    await host.waitFor('closed', (event) => Number(event.epoch) === Number(epoch) - 1, from)
    await ann.send('after')
    await ann.waitMessage('after', 'sent')
    expect(host.events.slice(from).map(({ event }) => event)).not.toContain('disconnected')
  },
  240_000,
)

labTest(
  'host and page both ask the STUN server that the owner named',
  async (lab) => {
    const asked = new Set<string>()
    const server = createSocket('udp4')
    server.on('message', (query, from) => {
      asked.add(from.address)
      const answer = encodeBindingSuccess(query.subarray(8, 20), from, 'x')
      server.send(answer, from.port, from.address)
    })
    await new Promise<void>((bound) => server.bind(0, lanAddress, bound))
    try {
      const stun = `stun:${lanAddress}:${server.address().port}`
      const { ready } = await lab.host([...httpArgs(), '--lan', '--stun', stun])
      const ann = await lab.elsewhere('Ann')
      await ann.driver.blockUdp('direct')
      await ann.join(String(ready.invite), 'mailbox')
      // The page's address (harness.ts), and the host's.
      expect([...asked].sort()).toEqual(expect.arrayContaining([lanAddress, '10.78.0.2']))
    } finally {
      server.close()
    }
  },
  120_000,
)
