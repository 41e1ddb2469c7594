// Links that do not work say which of the reasons it is, before or after the network is asked.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest, mistyped } from './harness.ts'

async function hostAndLink(lab: Lab) {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  return { host, link: String(ready.invite) }
}

async function tryJoin(client: Client, link: string): Promise<string> {
  await client.driver.goto(link)
  await client.driver.fill('Your name', client.name)
  await client.driver.press('Join')
  return client.alertCode()
}

labTest('a used link', async (lab) => {
  const { host } = await hostAndLink(lab)
  const link = await host.invite()
  await (await lab.chromium('Ann')).join(link)
  // A spent link has no slot in the newest record (SPEC §3.2), so the page names all that may have happened to it.
  const eve = await lab.chromium('Eve')
  expect(await tryJoin(eve, link)).toBe('record-no-slot')
  expect(
    await eve.driver.read(() => document.querySelector('[role="alert"]')?.textContent ?? '', null),
  ).toMatch(/used/)
})

labTest('a withdrawn link', async (lab) => {
  const { host } = await hostAndLink(lab)
  const { lines } = await host.command('invite')
  await host.command('invite', '--withdraw', String(lines[0]?.id))
  const code = await tryJoin(await lab.chromium('Ann'), String(lines[0]?.invite))
  expect(['invite-withdrawn', 'record-no-slot']).toContain(code)
})

labTest('a mistyped and a truncated link, found without any network', async (lab) => {
  const { host, link } = await hostAndLink(lab)
  const ann = await lab.chromium('Ann')
  await ann.driver.goto(mistyped(link))
  expect(await ann.alertCode()).toBe('invite-malformed')
  const ben = await lab.chromium('Ben')
  await ben.driver.goto(link.slice(0, -9))
  expect(await ben.alertCode()).toBe('invite-malformed')
  await (await lab.chromium('Cay')).join(link)
  await host.stop()
})

labTest('a good link while the host is away, and "Try again" once it is back', async (lab) => {
  const args = ['--http', `127.0.0.1:${freePort()}`]
  const { host, ready } = await lab.host(args)
  const ann = await lab.chromium('Ann')
  await ann.driver.goto(String(ready.invite))
  // Its words come after the page itself.
  await ann.driver.fill('Your name', 'Ann')
  await host.stop()
  await ann.driver.press('Join')
  expect(['store-unreachable', 'record-missing', 'no-answer']).toContain(await ann.alertCode())
  await lab.host(args)
  await ann.driver.press('Try again')
  await ann.waitConnected()
})

labTest(
  'a reload before Join asks the same again, and no address bar has the link',
  async (lab) => {
    const { link } = await hostAndLink(lab)
    const ann = await lab.chromium('Ann')
    await ann.driver.goto(link)
    await ann.driver.fill('Your name', 'A')
    await ann.driver.reload()
    await ann.driver.fill('Your name', 'Ann')
    await ann.driver.press('Join')
    await ann.waitConnected()
    expect(await ann.driver.read(() => location.href.includes('#'), null)).toBe(false)
  },
)

labTest(
  'a removed device joins again by a new link; what it had not sent goes out',
  async (lab) => {
    const args = ['--http', `127.0.0.1:${freePort()}`]
    const { host, ready } = await lab.host(args)
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await ann.send('before')
    await ann.waitMessage('before', 'sent')
    await host.stop()
    await ann.waitDisconnected()
    await ann.send('written meanwhile')
    const db = new DatabaseSync(join(host.dir, 'clawchat.db'))
    db.exec('DELETE FROM outgoing; DELETE FROM devices')
    db.close()
    const { host: again } = await lab.host(args)
    await ann.driver.until(
      () => document.querySelector('[role="alert"][data-code="record-no-slot"]') !== null,
      null,
      60_000,
    )
    await ann.driver.goto(await again.invite())
    await ann.driver.fill('Your name', 'Ann')
    await ann.driver.press('Join')
    await ann.waitConnected()
    await ann.waitMessage('written meanwhile', 'sent')
    expect(await ann.texts()).toEqual(['before', 'written meanwhile'])
  },
)

labTest(
  'the page at another address: the owner is told, and gets a link for the own device',
  async (lab) => {
    const first = ['--http', `127.0.0.1:${freePort()}`]
    const { host, ready } = await lab.host(first)
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await ann.send('before the move')
    await ann.waitMessage('before the move', 'sent', 'delivered')
    await host.stop()
    const { host: same, ready: still } = await lab.host(first)
    expect(still.invite).toBeNull()
    expect(same.events.some(({ event }) => event === 'warning')).toBe(false)
    await same.stop()
    const { host: moved, ready: now } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    expect(moved.events).toContainEqual({ event: 'warning', code: 'origin-changed' })
    await ann.join(String(now.invite))
    await ann.waitMessage('before the move')
    const { lines } = await moved.command('status')
    expect(lines[0]).toMatchObject({ members: 1, devices: 2 })
  },
)
