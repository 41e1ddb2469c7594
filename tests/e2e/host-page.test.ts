// The owner's page about the host, and what members show of themselves (SPEC §7.2, §7.9), in real browsers.
import { expect } from 'vitest'
import type { Client } from './client.ts'
import { freePort, labTest } from './harness.ts'

const members = (client: Client): Promise<string[]> =>
  client.driver.read(
    () => [...document.querySelectorAll('.members li')].map((row) => row.textContent ?? ''),
    null,
  )
const untilMembers = (client: Client, wanted: string): Promise<void> =>
  client.driver.until(
    (wanted) =>
      [...document.querySelectorAll('.members li')].some((row) =>
        row.textContent?.includes(wanted),
      ),
    wanted,
    20_000,
  )
const dialogSays = (client: Client, words: string): Promise<void> =>
  client.driver.until(
    (words) => document.querySelector('dialog')?.textContent?.includes(words) === true,
    words,
    20_000,
  )

labTest('the owner sees disk, stores, ports and router; nobody else is offered it', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`, '--no-map'])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  await ann.send('first words here')
  await ann.waitMessage('first words here', 'sent')
  await ann.driver.press('The host')
  await dialogSays(ann, 'one message')
  await dialogSays(ann, 'has the newest address')
  await dialogSays(ann, `${ready.port}, open now`)
  await dialogSays(ann, 'is not asked (--no-map)')
  const { lines } = await host.command('rotate')
  const moved = (lines[0] as { port: number }).port
  await ann.driver.press('Look again')
  await dialogSays(ann, `${moved}, open now`)
  await ann.driver.press('Close')
  const ben = await lab.chromium('Ben')
  await ben.join(await host.invite())
  const offered = await ben.driver.read(
    () => [...document.querySelectorAll('nav button')].map((each) => each.textContent),
    null,
  )
  expect(offered).toContain('People and devices')
  expect(offered).not.toContain('The host')
})

labTest('a colour of one\u2019s own, and presence that can be kept to oneself', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  await ann.join(String(ready.invite))
  const ben = await lab.chromium('Ben')
  await ben.join(await host.invite())
  await untilMembers(ann, 'Benhere')
  await ben.driver.press('People and devices')
  const choose = (label: string): Promise<void> =>
    ben.driver.until(
      (label) => {
        const inputs = [...document.querySelectorAll<HTMLInputElement>('dialog .profile input')]
        const input = inputs.find(
          (each) =>
            each.getAttribute('aria-label') === label ||
            each.parentElement?.textContent?.startsWith(label),
        )
        if (input === undefined || input.matches(':disabled')) return false
        input.click()
        return true
      },
      label,
      20_000,
    )
  await choose('plum')
  await ann.driver.until(
    () => document.querySelectorAll('.members .tone-4').length === 1,
    null,
    20_000,
  )
  await choose('Others see whether I am here')
  await ann.driver.until(
    () =>
      [...document.querySelectorAll('.members li')].every(
        (row) => !row.textContent?.startsWith('BBenhere'),
      ),
    null,
    20_000,
  )
  expect((await members(ann)).filter((row) => /Ben.*(here|away)/.test(row))).toEqual([])
  // One's own row still tells oneself.
  expect((await members(ben)).filter((row) => row.includes('Ben (you)here'))).toHaveLength(1)
  await choose('Others see whether I am here')
  await untilMembers(ann, 'Benhere')
})
