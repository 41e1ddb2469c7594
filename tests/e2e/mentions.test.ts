// Naming somebody: names offered while one writes, a chip in the message, and an @ for the one who is named.
import { expect, test } from 'vitest'
import { freePort, labTest } from './harness.ts'
import { onStage } from './stage.ts'

const members = [
  ['a1', 'Ann'],
  ['b2', 'Ben'],
  ['b3', 'Bea Lee'],
  ['c4', 'Cleo'],
].map(([id = '', name = '']) => ({
  ...({ id, name, role: 'member', online: true, gone: false } as const),
  ...{ hidden: false, tone: 0, picture: '', lastSeenMs: 0 },
}))

test('names are offered after an @, and taken by keyboard or pointer, while the focus stays in the field', async () => {
  await onStage({ viewport: { width: 390, height: 844 } }, async ({ page, show }) => {
    await show({ members })
    const field = page.getByRole('textbox', { name: 'Message' })
    const options = () => page.getByRole('listbox').getByRole('option').allTextContents()
    await field.focus()
    await page.keyboard.type('hi @b')
    expect(await options()).toEqual(['BBen', 'BBea Lee'])
    const active = () =>
      page.evaluate(() => {
        const id = document.activeElement?.getAttribute('aria-activedescendant')
        return document.getElementById(id ?? '')?.querySelector('bdi')?.textContent
      })
    expect(await active()).toBe('Ben')
    await page.keyboard.press('ArrowDown')
    expect(await active()).toBe('Bea Lee')
    await page.keyboard.press('Enter')
    expect(await field.inputValue()).toBe('hi @Bea Lee ')
    await page.keyboard.type('and @le')
    expect(await options()).toEqual(['BBea Lee'])
    await page.keyboard.press('Escape')
    expect(await page.getByRole('listbox').count()).toBe(0)
    await page.keyboard.type(' @cl')
    await page.getByRole('option', { name: 'Cleo' }).click()
    await page.keyboard.type('x')
    expect(await field.inputValue()).toBe('hi @Bea Lee and @le @Cleo x')
    await page.keyboard.type(' a@b')
    expect(await page.getByRole('listbox').count()).toBe(0)
  })
})

test('an emoji comes in where one writes, and Escape closes what it was chosen from', async () => {
  await onStage({}, async ({ page, show }) => {
    await show({})
    const field = page.getByRole('textbox', { name: 'Message' })
    await field.fill('well done')
    await page.getByRole('button', { name: 'Emoji and formatting' }).click()
    await page.getByRole('button', { name: 'Add 🎉' }).click()
    expect(await field.inputValue()).toBe('well done🎉')
    await page.getByRole('button', { name: 'Emoji and formatting' }).click()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('button', { name: 'Add 🎉' }).count()).toBe(0)
  })
})

labTest('who is named sees an @ at the room, and the name as a chip', async (lab) => {
  const { host, ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const ann = await lab.chromium('Ann')
  const ben = await lab.chromium('Ben')
  await ann.join(String(ready.invite))
  await ben.join(await host.invite())
  await ann.driver.until(
    () => document.querySelector('ul[aria-label="Members"]')?.textContent?.includes('Ben') === true,
    null,
    45_000,
  )
  // Ben looks at another room.
  await ben.driver.press('Write to Ann alone')
  await ben.driver.until(
    () => document.querySelector('nav .room[aria-current] .room-name')?.textContent === 'Ann',
    null,
    45_000,
  )
  await ann.send('no names here')
  await ann.send('@Ben, are you there?')
  await ben.driver.until(() => document.querySelector('nav .badge.at') !== null, null, 45_000)
  const badges = await ben.driver.read(
    () => [...document.querySelectorAll('nav .badge')].map(({ textContent }) => textContent),
    null,
  )
  expect(badges).toEqual(['@ names you', '2 unread'])
  await ben.driver.read(() => document.querySelector<HTMLElement>('nav .room')?.click(), null)
  await ben.waitMessage('@Ben, are you there?')
  expect(
    await ben.driver.read(() => document.querySelector('.mention.of-me')?.textContent, null),
  ).toBe('@Ben')
  await ben.driver.until(() => document.querySelector('nav .badge') === null, null, 45_000)
})
