// No violation of WCAG 2.2 A and AA that axe can find: in every main state, on a phone and a desktop, in every theme.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { AppState } from '../../web/model.ts'
import { violationsOf } from './axe.ts'
import { inBrowser } from './browser.ts'
import { BUSY, FAILING, OFFLINE, PEOPLE } from './busy.ts'
import { freePort, labTest } from './harness.ts'
import { onStage } from './stage.ts'

interface State {
  readonly state: Partial<AppState>
  /** false: the page came by plain http */
  readonly secure?: boolean
  /** the way to what is looked at */
  readonly open?: (page: Page, phone: boolean) => Promise<void>
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

/** By a button of the rooms, which a phone hides. */
const fromRooms = (name: string) => async (page: Page, phone: boolean) => {
  if (phone) await press(page, 'Rooms and members')
  await press(page, name)
}

const STATES: Readonly<Record<string, State>> = {
  blank: { state: { phase: 'blank' } },
  'joining, with an error': { state: { phase: 'join', error: 'no-answer' }, secure: false },
  'a name that is too long': {
    state: { phase: 'join' },
    open: (page) => page.getByRole('textbox', { name: 'Your name' }).fill('x'.repeat(60)),
  },
  'an empty room': { state: PEOPLE },
  'a busy room': { state: BUSY, secure: false },
  'actions of a message': {
    state: BUSY,
    open: (page) =>
      page.getByRole('button', { name: 'What to do with this message' }).last().click(),
  },
  'a reply': {
    state: BUSY,
    open: async (page) => {
      await page.getByRole('button', { name: 'What to do with this message' }).last().click()
      await press(page, 'Reply')
    },
  },
  'rooms and members': {
    state: BUSY,
    open: async (page, phone) => {
      if (phone) await press(page, 'Rooms and members')
    },
  },
  offline: { state: OFFLINE },
  'nobody answers': { state: FAILING },
  Security: { state: BUSY, open: (page) => press(page, 'Security') },
  'Security, nothing known': { state: { security: null }, open: (page) => press(page, 'Security') },
  'Connection details': { state: FAILING, open: (page) => press(page, 'Connection details') },
  'People and devices': { state: BUSY, open: fromRooms('People and devices') },
  'a question before something is lost': {
    state: BUSY,
    open: async (page, phone) => {
      await fromRooms('People and devices')(page, phone)
      await press(page, 'Remove Ben')
    },
  },
  'New room': { state: BUSY, open: fromRooms('New room') },
  'who is in a room': { state: BUSY, open: (page) => press(page, 'Family: who is in it') },
  'Keyboard shortcuts': { state: BUSY, open: (page) => page.keyboard.press('Control+/') },
  'the safety code as a QR code': {
    state: BUSY,
    open: async (page) => {
      await press(page, 'Security')
      await page.getByText('Show it as a QR code').click()
    },
  },
  Settings: { state: BUSY, open: fromRooms('Settings') },
  'no room': { state: { rooms: [] } },
}

const FORMS = [
  ['phone', { width: 390, height: 844 }],
  ['desktop', { width: 1280, height: 800 }],
] as const
const THEMES = [
  ['light', 'no-preference'],
  ['dark', 'no-preference'],
  ['light', 'more'],
  ['dark', 'more'],
] as const

for (const [form, viewport] of FORMS) {
  for (const [colorScheme, contrast] of THEMES) {
    test(`nothing to find: ${form}, ${colorScheme}, contrast ${contrast}`, async () => {
      const look = { viewport, colorScheme, contrast, reducedMotion: 'reduce' } as const
      await onStage(look, async ({ page, show }) => {
        for (const [name, { state, secure = true, open }] of Object.entries(STATES)) {
          await show({ phase: 'starting' })
          await show(state, secure)
          await open?.(page, form === 'phone')
          expect(await violationsOf(page), name).toEqual([])
          await page.keyboard.press('Escape')
          await page.keyboard.press('Escape')
          await page.evaluate(() => history.state === 'side' && history.back())
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
