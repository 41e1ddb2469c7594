// The main states of the page, each with the way to it on the stage: for the tests that look at all of them.
import type { Page } from 'playwright-core'
import type { AppState } from '../../web/model.ts'
import { BUSY, FAILING, OFFLINE, PEOPLE } from './busy.ts'

export interface State {
  readonly state: Partial<AppState>
  /** false: the page came by plain http */
  readonly secure?: boolean
  /** the way to what is looked at */
  readonly open?: (page: Page, phone: boolean) => Promise<void>
}

export const press = (page: Page, name: string) =>
  page.getByRole('button', { name, exact: true }).click()

/** By a button of the rooms, which a phone hides. */
const fromRooms = (name: string) => async (page: Page, phone: boolean) => {
  if (phone) await press(page, 'Rooms and members')
  await press(page, name)
}

export const STATES: Readonly<Record<string, State>> = {
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
  'Keyboard shortcuts': {
    state: BUSY,
    open: async (page) => {
      await page.keyboard.press('Control+/')
      await page.getByRole('dialog').waitFor()
    },
  },
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

/** Away from a state, to where the next one can be shown. */
export async function leave(page: Page): Promise<void> {
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.evaluate(() => history.state === 'side' && history.back())
}
