// A PIN before what a browser keeps (SPEC §11.1): without it nothing of the chat is on the screen, and never in the files of the
// browser's profile.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { violationsOf } from './axe.ts'
import { Client, chromiumDriver } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'

const TEXT = 'the bees are in the garden house'
const LATER = 'and the honey stands in the cellar'
const PIN = 'four of clubs'

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true })
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

async function setPin(page: Page, pin: string): Promise<void> {
  await button(page, 'Settings').click()
  await button(page, 'Set a PIN').click()
  await field(page, 'New PIN or passphrase').fill(pin)
  await field(page, 'The same once more').fill(pin)
  await page.keyboard.press('Enter')
  await page.getByText('The PIN is set.').waitFor()
  await button(page, 'Close').click()
}

async function unlock(page: Page, pin: string): Promise<void> {
  await field(page, 'PIN or passphrase').fill(pin)
  await page.keyboard.press('Enter')
}

/** All that is on the screen of a locked page, read to the end of its roots. */
const shown = (page: Page): Promise<string> =>
  page.evaluate(() => `${document.title} ${document.documentElement.outerHTML}`)

/** What lies in the store `keys`, as text. */
const lockRow = (page: Page): Promise<string> =>
  page.evaluate(
    () =>
      new Promise<string>((resolve, reject) => {
        const opening = indexedDB.open('clawchat')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const asked = opening.result.transaction('keys').objectStore('keys').get('lock')
          asked.onsuccess = () => {
            opening.result.close()
            resolve(JSON.stringify(asked.result))
          }
        }
      }),
  )

/** Which of these texts stand in the files in which a browser keeps what pages store, as UTF-8 or UTF-16. */
function found(profile: string, texts: readonly string[]): string[] {
  const folders = '{IndexedDB,File System,Local Storage,Session Storage}'
  const files = globSync(`Default/${folders}/**/*`, { cwd: profile, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
  expect(files.length).toBeGreaterThan(3)
  return texts.filter((text) =>
    (['utf8', 'utf16le'] as const).some((encoding) =>
      files.some((bytes) => bytes.includes(Buffer.from(text, encoding))),
    ),
  )
}

async function joined(lab: Lab) {
  const { host, ready } = await lab.host([
    ...['--http', `127.0.0.1:${freePort()}`, '--name', 'Apiary Hollow'],
  ])
  const dir = lab.path('profile')
  const { client, page, close } = await lab.profile('Annegret', dir)
  await client.join(String(ready.invite))
  await client.send(TEXT)
  await client.waitMessage(TEXT, 'sent')
  return { host, url: String(ready.page), dir, client, page, close }
}

labTest(
  'a PIN: nothing is shown before it, a wrong one changes nothing, all tabs close and open together',
  async (lab) => {
    const { url, dir, client, page, close } = await joined(lab)
    const others = ['Annegret', 'Apiary Hollow']
    await setPin(page, PIN)
    await client.send(LATER)
    await client.waitMessage(LATER, 'sent')
    await page.reload()
    await button(page, 'Unlock').waitFor()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('pin')
    expect(await violationsOf(page)).toEqual([])
    const locked = await shown(page)
    for (const text of [TEXT, LATER, ...others]) expect(locked).not.toContain(text)
    const before = await lockRow(page)
    await unlock(page, 'five of clubs')
    await page.getByText('That is not the PIN or passphrase.').waitFor()
    expect(await lockRow(page)).toBe(before)
    await unlock(page, PIN)
    for (const text of [TEXT, LATER]) await client.waitMessage(text, 'sent')
    await client.waitConnected()

    const second = await page.context().newPage()
    const tab = new Client('Annegret', chromiumDriver(second))
    await second.goto(url)
    await unlock(second, PIN)
    await tab.waitMessage(LATER)
    await button(second, 'Settings').click()
    await button(second, 'Lock now').click()
    for (const one of [page, second]) {
      await button(one, 'Unlock').waitFor()
      expect(await shown(one)).not.toContain(LATER)
    }
    await unlock(page, PIN)
    await client.waitMessage(LATER)
    await tab.waitMessage(LATER)
    expect(tab.driver.errors).toEqual([])

    // That such a text would be found.
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          const opening = indexedDB.open('control')
          opening.onupgradeneeded = () => {
            opening.result.createObjectStore('plain').put('a control in the clear', 1)
          }
          opening.onsuccess = resolve
        }),
    )
    await close()
    expect(found(dir, ['a control in the clear', TEXT, LATER, ...others, PIN])).toEqual([
      'a control in the clear',
    ])
  },
)

labTest(
  'a PIN that is forgotten: this device is, and a new link lets the browser in',
  async (lab) => {
    const { host, client, page } = await joined(lab)
    await setPin(page, PIN)
    await page.reload()
    await page.getByText('Forgot it?').click()
    await button(page, 'Forget this device').click()
    await button(page, 'Yes, forget').click()
    await page.getByText('This page opens with a link').waitFor()
    await client.join(await host.invite())
    await client.send(LATER)
    await client.waitMessage(LATER, 'sent')
    expect(JSON.parse(await lockRow(page))).toMatchObject({ kind: 'open', revision: 1 })
  },
)

labTest('a PIN is changed and taken away only by who knows it', async (lab) => {
  const { client, page } = await joined(lab)
  await setPin(page, PIN)
  await button(page, 'Settings').click()
  await button(page, 'Remove the PIN').click()
  await field(page, 'Current PIN or passphrase').fill('2468')
  await button(page, 'Remove it').click()
  await page.getByText('That is not the PIN or passphrase.').waitFor()
  await button(page, 'Cancel').click()
  await button(page, 'Change the PIN').click()
  await field(page, 'Current PIN or passphrase').fill(PIN)
  expect(await violationsOf(page)).toEqual([])
  await field(page, 'New PIN or passphrase').fill('123')
  await field(page, 'The same once more').fill('123')
  await button(page, 'Change it').click()
  await page.getByText('At least 4 characters.').waitFor()
  await field(page, 'New PIN or passphrase').fill('86421')
  await field(page, 'The same once more').fill('86421')
  await button(page, 'Change it').click()
  await page.getByText('The PIN is changed.').waitFor()
  await page.reload()
  await unlock(page, '86421')
  await client.waitMessage(TEXT, 'sent')
  await button(page, 'Settings').click()
  await button(page, 'Remove the PIN').click()
  await field(page, 'Current PIN or passphrase').fill('86421')
  await button(page, 'Remove it').click()
  await page.getByText('The PIN is removed.').waitFor()
  await page.reload()
  await client.waitMessage(TEXT, 'sent')
})

labTest(
  'a page that nobody uses locks itself after the minutes chosen, in every tab',
  async (lab) => {
    const { url, client, page } = await joined(lab)
    await setPin(page, PIN)
    await button(page, 'Settings').click()
    await field(page, 'Lock when not used').selectOption('5')
    // Timers of the page from here on are those of a clock that can be put forward.
    await page.clock.install()
    await page.reload()
    await unlock(page, PIN)
    await client.waitMessage(TEXT, 'sent')
    const second = await page.context().newPage()
    const tab = new Client('Annegret', chromiumDriver(second))
    await second.goto(url)
    await unlock(second, PIN)
    await tab.waitMessage(TEXT)
    await page.clock.fastForward('04:00')
    await field(page, 'Message').press('A')
    await page.clock.fastForward('04:50')
    expect(await field(page, 'Message').inputValue()).toBe('A')
    await page.clock.fastForward('00:15')
    for (const one of [page, second]) {
      await button(one, 'Unlock').waitFor()
      expect(await shown(one)).not.toContain(TEXT)
    }
    expect(tab.driver.errors).toEqual([])
  },
)
