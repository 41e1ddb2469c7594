// No violation of WCAG 2.2 A and AA that axe can find: in every main state, on a phone and a desktop, in every theme.
import { expect, test } from 'vitest'
import { violationsOf } from './axe.ts'
import { inBrowser } from './browser.ts'
import { BUSY } from './busy.ts'
import { freePort, labTest } from './harness.ts'
import { onStage } from './stage.ts'
import { leave, press, STATES } from './states.ts'

const FORMS = [
  ['phone', { width: 390, height: 844 }],
  ['desktop', { width: 1280, height: 800 }],
] as const
const THEMES = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['light, high contrast', { colorScheme: 'light', contrast: 'more' }],
  ['dark, high contrast', { colorScheme: 'dark', contrast: 'more' }],
  ['colours of the system', { forcedColors: 'active' }],
] as const

for (const [form, viewport] of FORMS) {
  for (const [theme, look] of THEMES) {
    test(`nothing to find: ${form}, ${theme}`, async () => {
      await onStage({ viewport, reducedMotion: 'reduce', ...look }, async ({ page, show }) => {
        for (const [name, { state, secure = true, open }] of Object.entries(STATES)) {
          await show({ phase: 'starting' })
          await show(state, secure)
          await open?.(page, form === 'phone')
          expect(await violationsOf(page), name).toEqual([])
          await leave(page)
        }
      })
    })
  }
}

test('axe does find what is wrong', async () => {
  await onStage({}, async ({ page, show }) => {
    await show(BUSY)
    await page.evaluate(() => document.querySelector('.send')?.removeAttribute('aria-label'))
    expect(await violationsOf(page)).toEqual([expect.stringContaining('button-name')])
  })
})

labTest('nothing to find on the page that a host serves', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  await inBrowser({ reducedMotion: 'reduce' }, async (page) => {
    await page.goto(String(ready.invite))
    await page.getByRole('textbox', { name: 'Your name' }).fill('Ann')
    expect(await violationsOf(page)).toEqual([])
    await press(page, 'Join')
    await page.getByRole('textbox', { name: 'Message' }).fill('hello')
    await page.keyboard.press('Enter')
    await page.getByRole('article').waitFor()
    expect(await violationsOf(page)).toEqual([])
  })
})
