// Finding the host when clocks are wrong, stores are away or lie: the chat goes on, and what is wrong is named.
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'
import type { Lie } from './store.ts'

const MINUTE = 60_000
const DAY = 1440 * MINUTE
const httpArgs = (): string[] => ['--http', `127.0.0.1:${freePort()}`]

const alerts = (client: Client) =>
  client.driver.read(
    () =>
      [...document.querySelectorAll<HTMLElement>('[role="alert"]')].map(
        (alert) => `${alert.dataset.code}: ${alert.textContent}`,
      ),
    null,
  )

/** The row of a step in "Connection details": its code, if any, and what it says. */
async function stepOf(
  client: Client,
  name: string,
): Promise<{ code: string | null; text: string }> {
  await client.driver.press('Connection details')
  const found = await client.driver.read((name) => {
    const row = document.querySelector<HTMLElement>(`[data-step="${name}"]`)
    return { code: row?.dataset.code ?? null, text: row?.textContent ?? '' }
  }, name)
  await client.driver.key('Escape')
  return found
}

async function chats(client: Client, text: string): Promise<void> {
  await client.send(text)
  await client.waitMessage(text, 'sent', 'delivered')
}

for (const [name, at, words] of [
  ['20 minutes behind', (now: number) => now - 20 * MINUTE, '20 minutes behind'],
  ['2 days ahead', (now: number) => now + 2 * DAY, '2 days ahead'],
  ['in 1970', () => DAY, /\d\d years behind/],
  ['in 2100', () => Date.UTC(2100, 0, 1), /\d\d years ahead/],
] as const) {
  labTest(
    `a device whose clock is ${name} joins, chats and comes back, and is told`,
    async (lab) => {
      const { ready } = await lab.host(httpArgs())
      const ann = await lab.chromium('Ann')
      await ann.driver.shiftClock(at(Date.now()) - Date.now())
      await ann.join(String(ready.invite))
      await chats(ann, 'first')
      const told = [expect.stringMatching(words)]
      expect(await alerts(ann)).toEqual(told)
      expect((await alerts(ann))[0]).toMatch(
        /^clock-wrong: This device’s clock is .*The chat works/,
      )
      await ann.driver.reload()
      await ann.waitConnected()
      await chats(ann, 'second')
      expect(await alerts(ann)).toEqual(told)
      expect(await ann.texts()).toEqual(['first', 'second'])
    },
  )
}

labTest('a clock nine minutes off is nobody’s concern', async (lab) => {
  const { host, ready } = await lab.host(httpArgs())
  for (const [name, byMs] of [
    ['Ann', 9 * MINUTE],
    ['Ben', -9 * MINUTE],
  ] as const) {
    const one = await lab.chromium(name)
    await one.driver.shiftClock(byMs)
    await one.join(name === 'Ann' ? String(ready.invite) : await host.invite())
    await chats(one, `of ${name}`)
    expect(await alerts(one)).toEqual([])
  }
})

labTest('a clock that is set right is said to be wrong no longer', async (lab) => {
  const { ready } = await lab.host(httpArgs())
  const ann = await lab.chromium('Ann')
  await ann.driver.shiftClock(2 * DAY)
  await ann.join(String(ready.invite))
  expect(await ann.alertCode()).toBe('clock-wrong')
  await ann.driver.read(() => {
    const wrong = Date.now
    Date.now = () => wrong() - 2 * 86_400_000
    // In the same turn: the page may notice by itself that its clock was set, and the button is gone then.
    document.querySelector<HTMLElement>('[role="alert"] button')?.click()
  }, null)
  await ann.driver.until(() => document.querySelector('[role="alert"]') === null, null, 30_000)
  await chats(ann, 'in time')
})

for (const [name, offset, words] of [
  ['20 minutes behind', '-20m', '20 minutes ahead'],
  ['2 days ahead', '+48h', '2 days behind'],
] as const) {
  labTest(`a host whose clock is ${name} is joined and the difference told`, async (lab) => {
    const { ready } = await lab.host(httpArgs(), lab.path('host'), {
      CLAWCHAT_CLOCK_OFFSET: offset,
    })
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await chats(ann, 'hello')
    expect(await alerts(ann)).toEqual([expect.stringContaining(words)])
  })
}

labTest(
  'where a store’s https Date agrees with the device, the clock of the host is named',
  async (lab) => {
    const args = [...httpArgs(), '--store', 'https:https://store.example']
    const { ready } = await lab.host(args, lab.path('host'), { CLAWCHAT_CLOCK_OFFSET: '+48h' })
    const ann = await lab.chromium('Ann')
    await ann.driver.answerDate('https://store.example', Date.now())
    await ann.join(String(ready.invite))
    await chats(ann, 'hello')
    expect(await alerts(ann)).toEqual([expect.stringContaining('The host’s clock is 2 days ahead')])
  },
)

for (const [name, byMs] of [
  ['with its clock right', 0],
  ['in 2100', Date.UTC(2100, 0, 1) - Date.now()],
  ['in 1970', DAY - Date.now()],
] as const) {
  labTest(`with all stores down a device finds the host by schedule, ${name}`, async (lab) => {
    const { ready } = await lab.host(httpArgs())
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await chats(ann, 'before')
    await ann.driver.answerRecords('dead')
    await ann.driver.shiftClock(byMs)
    await ann.driver.reload()
    await ann.waitConnected()
    await chats(ann, 'after')
    expect(await ann.texts()).toEqual(['before', 'after'])
    const { code, text } = await stepOf(ann, 'record')
    expect(code).toBe('store-unreachable')
    expect(text).toContain('found by schedule')
    expect((await alerts(ann)).length).toBe(byMs === 0 ? 0 : 1)
  })
}

labTest(
  'stores that lie: the chat goes on by the honest one, and by schedule without it; nothing is forgotten',
  async (lab) => {
    const honest = await lab.store()
    const liar = await lab.store()
    const stores = [liar, honest].flatMap(({ url }) => ['--store', `https:${url}`])
    const { host, ready } = await lab.host([...httpArgs(), ...stores])
    for (const store of ['https-1', 'https-2'])
      await host.waitFor('published', (event) => event.store === store)
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    await chats(ann, 'kept')
    const old = liar.record
    await ann.driver.answerRecords('dead', new URL(String(ready.page)).origin)
    const lies: Readonly<Record<string, Lie>> = {
      old: { body: old },
      random: { body: randomBytes(6144) },
      truncated: { body: randomBytes(6000) },
      html: { body: Buffer.from('<!doctype html><title>Sign in</title>') },
      huge: { endless: true },
      drip: { drip: true },
      silence: { silent: true },
    }
    for (const [name, lie] of Object.entries(lies)) {
      liar.lie = lie
      honest.lie = null
      await ann.driver.reload()
      await ann.waitConnected()
      await chats(ann, `beside ${name}`)
      honest.lie = lie
      await ann.driver.reload()
      await ann.waitConnected()
      await chats(ann, `without, ${name}`)
      if (name !== 'old') expect((await stepOf(ann, 'record')).text).toContain('found by schedule')
    }
    expect(liar.asked).toBeGreaterThan(10)
    const said = Object.keys(lies).flatMap((name) => [`beside ${name}`, `without, ${name}`])
    expect(await ann.texts()).toEqual(['kept', ...said])
    const { lines } = await host.command('status')
    expect(lines[0]).toMatchObject({ members: 1, devices: 1 })
  },
  240_000,
)
