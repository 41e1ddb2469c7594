// What the page says of clocks, files and stores, in states that no host leads to quickly: words, place, keyboard.
import { expect, test } from 'vitest'
import type { AppState, Step } from '../../web/model.ts'
import { onStage } from './stage.ts'

const DAY = 86_400_000
const PHONE = { width: 360, height: 640 }
const ahead = { whose: 'device', aheadMs: 2 * DAY, atLeast: false } as const

test('one thing is said at a time: a bad file, else an error, else a wrong clock', async () => {
  await onStage({}, async ({ page, show }) => {
    const alert = page.getByRole('alert')
    const said = async () => [await alert.getAttribute('data-code'), await alert.textContent()]
    await show({ clock: ahead })
    expect(await said()).toEqual(['clock-wrong', expect.stringContaining('is 2 days ahead.')])
    await show({ clock: ahead, error: 'store-unreachable' })
    expect((await said())[0]).toBe('store-unreachable')
    await show({ clock: ahead, error: 'store-unreachable', handover: 'record-forged' })
    expect(await said()).toEqual(['record-forged', expect.stringContaining('This file failed')])
    await show({ clock: ahead, error: 'clock-wrong' })
    expect((await said())[1]).toContain('2 days ahead')
    await show({ handover: 'taken' })
    expect(await alert.count()).toBe(0)
  })
})

const step = (facts: Step['facts']): AppState['connection'] => ({
  state: 'connected',
  route: 'direct',
  epoch: 1,
  latencyMs: 3,
  steps: [{ name: 'record', status: 'done', ms: 12, code: null, facts }],
})

test('Connection details says by what the host was found, how old that is, and why', async () => {
  await onStage({}, async ({ page, show }) => {
    const row = page.locator('[data-step="record"]')
    const facts = { asked: 2, older: 0 }
    await show({ connection: step({ ...facts, stores: 2, ageMs: 5 * 60_000, stale: 0 }) })
    await page.getByRole('button', { name: 'Connection details' }).click()
    expect(await row.textContent()).toContain('2 of 2 stores agree, 5 minutes old.')
    const cause = 'store-unreachable'
    await show({ connection: step({ ...facts, stores: 0, ageMs: 3 * DAY, stale: 1, cause }) })
    expect(await row.getAttribute('data-code')).toBe(cause)
    const text = await row.textContent()
    expect(text).toContain('found by schedule')
    expect(text).toContain('A store could not be reached.')
    expect(text).toContain('The copy is 3 days old.')
    expect(text).toContain('The host’s address is out of date.')
  })
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`on a phone the file button is in reach and nothing sticks out: ${colorScheme}`, async () => {
    await onStage({ viewport: PHONE, colorScheme, reducedMotion: 'reduce' }, async (stage) => {
      const { page, show } = stage
      // Playwright takes choosers over from the first listener on, and says not when.
      page.on('filechooser', () => undefined)
      const sticksOut = () =>
        page.evaluate(() => document.documentElement.scrollWidth - innerWidth > 0)
      const button = page.getByRole('button', { name: 'Open address file' })
      for (const phase of ['join', 'chat'] as const) {
        await show({ phase, error: 'store-unreachable', clock: ahead })
        const box = await button.boundingBox()
        expect(box?.height, phase).toBeGreaterThanOrEqual(40)
        expect(await sticksOut(), phase).toBe(false)
        await button.focus()
        const chooser = page.waitForEvent('filechooser')
        await page.keyboard.press('Enter')
        await (await chooser).setFiles([])
      }
      await page.getByRole('button', { name: 'Connection details' }).click()
      await show({ handover: 'record-foreign', clock: ahead })
      const dialog = page.getByRole('dialog')
      expect(await dialog.textContent()).toContain('This file is of another host.')
      expect(await dialog.textContent()).toContain('2 days ahead')
      await dialog.getByRole('button', { name: 'Open address file' }).scrollIntoViewIfNeeded()
      expect(await sticksOut()).toBe(false)
      await page.evaluate(() => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File(['x'], 'x'))
        const options = { bubbles: true, cancelable: true, dataTransfer }
        document.body.dispatchEvent(new DragEvent('dragover', options))
      })
      await page.getByText('Drop files here to send them').waitFor()
      await page.screenshot({ path: `tests/out/notices-${colorScheme}.png` })
    })
  })
}
