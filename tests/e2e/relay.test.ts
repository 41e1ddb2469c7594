// Where UDP is blocked the conversation goes through a relay, and comes back to the direct route once that works (SPEC §4.4).
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'

const composed = (text: string): boolean =>
  document.querySelector('textarea')?.value.includes(text) === true
const httpArgs = () => ['--http', `127.0.0.1:${freePort()}`]

const MIB = 2 ** 20
const hashOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')
const progressOf = (page: Client): Promise<number | null> =>
  page.driver.read(() => document.querySelector('progress')?.value ?? null, null)

/** A file goes up and another comes down on the relay; what is written meanwhile does not wait for its end. */
async function passesFiles(lab: Lab, ann: Client, ben: Client): Promise<void> {
  // Twice what may pass a relay at once.
  const [up, down] = [randomBytes(8 * MIB + 5), randomBytes(8 * MIB + 7)]
  writeFileSync(lab.path('up.dat'), up)
  writeFileSync(lab.path('down.dat'), down)
  const moves = (): boolean => (document.querySelector('progress')?.value ?? 0) > 0
  await ann.driver.chooseFile('Attach file', lab.path('up.dat'))
  await ann.driver.until(moves, null, 45_000)
  await ann.send('while it goes up')
  await ben.waitMessage('while it goes up')
  expect(await progressOf(ann)).not.toBeNull()
  await ben.driver.press('Get up.dat')
  await ben.driver.chooseFile('Attach file', lab.path('down.dat'))
  await ann.driver.press('Get down.dat')
  await ann.driver.until(moves, null, 45_000)
  await ben.send('while it comes down')
  await ann.waitMessage('while it comes down')
  expect(await progressOf(ann)).not.toBeNull()
  for (const [page, name, content] of [
    [ben, 'up.dat', up],
    [ann, 'down.dat', down],
  ] as const)
    expect(hashOf(readFileSync(await page.driver.saveFile(`Save ${name}`)))).toBe(hashOf(content))
}

labTest(
  'behind a firewall that eats UDP: join, chat both ways, reload, and direct again in mid-conversation',
  async (lab) => {
    const { host, ready } = await lab.host(httpArgs())
    const ann = await lab.chromium('Ann')
    const ben = await lab.chromium('Ben')
    await ann.driver.blockUdp()
    await ann.join(String(ready.invite), 'relay')
    await ben.join(await host.invite())
    const device = (await host.waitFor('connected')).device
    expect(await host.waitFor('connected')).toMatchObject({ route: 'relay' })
    await ann.send('through the relay')
    await ben.waitMessage('through the relay')
    await ben.send('and back')
    await ann.waitMessage('and back')
    await ann.waitMessage('through the relay', 'delivered')
    const rows = (await host.command('members')).lines as { devices: { route: string }[] }[]
    const routes = rows.flatMap(({ devices }) => devices.map(({ route }) => route))
    expect(routes.toSorted()).toEqual(['direct', 'relay'])

    await passesFiles(lab, ann, ben)

    await ann.driver.press('Connection details')
    const row = await ann.driver.read(
      () => document.querySelector<HTMLElement>('[data-step="relay"]')?.textContent ?? '',
      null,
    )
    expect(row).toContain('Through a relay')
    const report = await ann.driver.read(
      () => document.querySelector('.report pre')?.textContent ?? '',
      null,
    )
    expect(report).toMatch(/^relay: done in \d+ ms$/m)
    const secrets = /127\.0\.0\.1|Ann|Ben|through the relay/
    expect(report).not.toMatch(secrets)
    // As somebody would who writes to whoever helps: copied, and pasted elsewhere.
    await ann.driver.read(() => document.querySelector('.report')?.setAttribute('open', ''), null)
    await ann.driver.press('Copy the report')
    await ann.driver.key('Escape')
    await ann.driver.fill('Message', '')
    await ann.driver.key('Control+V')
    await ann.driver.until(composed, 'relay: done in ', 45_000)
    const pasted = await ann.driver.read(
      () => document.querySelector('textarea')?.value ?? '',
      null,
    )
    expect(pasted).toMatch(/^ClawChat connection report\n/)
    expect(pasted).not.toMatch(secrets)
    await ann.driver.fill('Message', '')

    await ann.driver.reload()
    await ann.waitConnected(45_000, 'relay')
    const said = [
      'through the relay',
      'and back',
      'while it goes up',
      '',
      '',
      'while it comes down',
    ]
    expect(await ann.texts()).toEqual(said)

    const from = host.events.length
    await ann.driver.openUdp()
    for (let i = 0; i < 30; i++) await ann.send(`while it moves ${i}`)
    await ann.waitConnected(60_000)
    expect(await host.waitFor('connected', undefined, from)).toMatchObject({
      device,
      route: 'direct',
    })
    for (let i = 0; i < 30; i++) await ben.waitMessage(`while it moves ${i}`)
    const expected = [...said]
    for (let i = 0; i < 30; i++) expected.push(`while it moves ${i}`)
    expect(await ben.texts()).toEqual(expected)
    expect(await ann.texts()).toEqual(expected)
  },
  240_000,
)

labTest('a revoked device is out of the relay too, at once and for good', async (lab) => {
  const { host, ready } = await lab.host(httpArgs())
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  const ben = await lab.chromium('Ben')
  await ben.driver.blockUdp()
  await ben.join(await host.invite(), 'relay')
  const { device } = await host.waitFor('connected', (event) => event.route === 'relay', 0)
  expect(await host.command('revoke', String(device))).toMatchObject({ code: 0 })
  expect(await ben.alertCode()).toBe('removed')
  await ben.driver.reload()
  expect(await ben.alertCode()).toBe('removed')
})
