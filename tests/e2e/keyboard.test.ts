// By keyboard alone: where the focus goes, that dialogs hold it and give it back, the shortcuts and their sheet; and what
// people set who see, move or read otherwise: little room, no motion, themes of their own.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { BUSY, FAILING } from './busy.ts'
import { onStage } from './stage.ts'

const DESKTOP = { width: 1280, height: 800 }

/** The name of what has the focus; null: nothing of the page. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement
    if (element === null || element === document.body) return null
    const label = document.querySelector(`label[for="${element.id}"]`)
    return element.getAttribute('aria-label') ?? label?.textContent ?? element.textContent
  })

const tabs = async (page: Page, times: number): Promise<(string | null)[]> => {
  const seen: (string | null)[] = []
  for (let i = 0; i < times; i++) {
    await page.keyboard.press('Tab')
    seen.push(await focused(page))
  }
  return seen
}

test('the tab key goes through the page in the order in which it is read', async () => {
  await onStage({ viewport: DESKTOP, reducedMotion: 'reduce' }, async ({ page, show }) => {
    await show(BUSY)
    const order = await tabs(page, 30)
    const places = [
      ...[
        'New room',
        'People and devices',
        'Settings',
        'Family: who is in it',
        'Connection details',
      ],
      ...['Security', 'Messages', 'What to do with this message', 'Attach file', 'Message', 'Send'],
    ].map((name) => order.indexOf(name))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })
})

test.each([
  'Security',
  'Connection details',
  'People and devices',
  'New room',
  'Settings',
  'Family: who is in it',
])('the dialog behind “%s” holds the focus and gives it back', async (name) => {
  await onStage({ viewport: DESKTOP, reducedMotion: 'reduce' }, async ({ page, show }) => {
    await show(BUSY)
    await page.getByRole('button', { name, exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    const outside = () =>
      page.evaluate(() => {
        const element = document.activeElement
        return element !== document.body && element?.closest('dialog') === null
      })
    expect(await outside()).toBe(false)
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press(i < 15 ? 'Tab' : 'Shift+Tab')
      expect(await outside(), `after ${i + 1} steps`).toBe(false)
    }
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused(page)).toContain(name === 'Family: who is in it' ? 'Family' : name)
  })
})

/** Closed is not gone yet: until the page heard of it, it takes the sheet for open. */
const gone = (page: Page): Promise<void> => page.locator('dialog').waitFor({ state: 'detached' })

test('shortcuts: a sheet of them, search or rooms, the rooms before and after; single keys can be off', async () => {
  await onStage({ viewport: DESKTOP, reducedMotion: 'reduce' }, async ({ page, show, opened }) => {
    await show(BUSY)
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    const field = page.getByRole('textbox', { name: 'Message' })
    await field.focus()
    // Where one writes a question mark is one.
    await page.keyboard.type('?')
    expect(await field.inputValue()).toBe('?')
    expect(await sheet.count()).toBe(0)
    await page.keyboard.press('Control+/')
    await sheet.waitFor()
    expect(await sheet.textContent()).toContain('The next room')
    await page.screenshot({ path: 'tests/out/shortcuts.png' })
    await sheet.getByRole('checkbox', { name: /Single keys/ }).uncheck()
    await page.keyboard.press('Escape')
    await gone(page)
    expect(await focused(page)).toBe('Message')
    await page.getByRole('log').focus()
    await page.keyboard.press('Shift+?')
    expect(await sheet.count()).toBe(0)
    await page.keyboard.press('Control+/')
    await sheet.getByRole('checkbox', { name: /Single keys/ }).check()
    await page.keyboard.press('Escape')
    await gone(page)
    await page.keyboard.press('Shift+?')
    await sheet.waitFor()
    // A dialog has its own keys: nothing happens behind it.
    await page.keyboard.press('Alt+ArrowDown')
    await page.keyboard.press('Escape')
    expect(await opened()).toEqual([])
    await page.keyboard.press('Alt+ArrowDown')
    await page.keyboard.press('Alt+ArrowUp')
    expect(await opened()).toEqual(['11'.repeat(16)])
    await page.keyboard.press('Control+k')
    expect(['Search messages', 'FFamily']).toContain(await focused(page))
  })
})

test('the sheet opens from the settings, and the focus is back on their button afterwards', async () => {
  await onStage({ viewport: DESKTOP, reducedMotion: 'reduce' }, async ({ page, show }) => {
    await show(BUSY)
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click()
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(1)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused(page)).toBe('Settings')
  })
})

test('a theme of one’s own, kept for this browser', async () => {
  await onStage({ viewport: DESKTOP, colorScheme: 'light' }, async ({ page, show }) => {
    await show(BUSY)
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(await ground()).toBe('rgb(246, 246, 243)')
    await page.getByRole('button', { name: 'Settings' }).click()
    const choice = page.getByRole('combobox', { name: 'Look' })
    for (const [theme, colour] of [
      ['dark', 'rgb(16, 19, 22)'],
      ['contrast-dark', 'rgb(0, 0, 0)'],
      ['contrast-light', 'rgb(255, 255, 255)'],
      ['system', 'rgb(246, 246, 243)'],
      ['dark', 'rgb(16, 19, 22)'],
    ] as const) {
      await choice.selectOption(theme)
      expect(await ground(), theme).toBe(colour)
    }
    await page.screenshot({ path: 'tests/out/settings-dark.png' })
    await choice.selectOption('system')
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await ground()).toBe('rgb(16, 19, 22)')
    await page.emulateMedia({ colorScheme: 'dark', contrast: 'more' })
    await page.waitForFunction(() => document.documentElement.dataset.contrast === 'more')
    expect(await ground()).toBe('rgb(0, 0, 0)')
  })
})

// 1280 × 800 at 400 % leaves 320 × 200 (WCAG 1.4.10); at 200 % it is a small tablet.
test.each([
  [320, 480],
  [640, 400],
])('at %i × %i nothing has to be scrolled sideways', async (width, height) => {
  await onStage(
    { viewport: { width, height }, reducedMotion: 'reduce' },
    async ({ page, show }) => {
      const wide = () =>
        page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement
          const body = document.querySelector('dialog .body') ?? document.body
          return Math.max(scrollWidth - clientWidth, body.scrollWidth - body.clientWidth)
        })
      await show({ phase: 'join', error: 'no-answer' }, false)
      expect(await wide(), 'joining').toBeLessThanOrEqual(0)
      for (const [name, state] of Object.entries({ BUSY, FAILING })) {
        await show(state, false)
        expect(await wide(), name).toBeLessThanOrEqual(0)
      }
      for (const name of ['Security', 'Connection details']) {
        await page.getByRole('button', { name, exact: true }).click()
        expect(await wide(), name).toBeLessThanOrEqual(0)
        await page.keyboard.press('Escape')
      }
      await page.getByRole('button', { name: 'Rooms and members' }).click()
      expect(await wide(), 'rooms').toBeLessThanOrEqual(0)
      for (const name of ['People and devices', 'Settings']) {
        await page.getByRole('button', { name, exact: true }).click()
        expect(await wide(), name).toBeLessThanOrEqual(0)
        await page.keyboard.press('Escape')
      }
    },
  )
})

test('nothing moves for who wants no motion', async () => {
  await onStage({ viewport: DESKTOP, reducedMotion: 'reduce' }, async ({ page, show }) => {
    const moving = () =>
      page.evaluate(
        () =>
          document
            .getAnimations()
            .filter((one) => Number(one.effect?.getComputedTiming().duration) > 0).length,
      )
    await show(BUSY)
    expect(await moving()).toBe(0)
    await page.getByRole('button', { name: 'Security', exact: true }).click()
    expect(await moving()).toBe(0)
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Security', exact: true }).click()
    expect(await moving()).toBeGreaterThan(0)
  })
})

test('what changes is announced: connection, errors, what is kept, who writes', async () => {
  await onStage({ viewport: DESKTOP }, async ({ page, show }) => {
    await show(FAILING)
    const live = () =>
      page.evaluate(() =>
        Object.fromEntries(
          [
            ...document.querySelectorAll(
              '[role="status"], [role="alert"], [role="log"], [aria-live]',
            ),
          ].map((region) => [
            region.getAttribute('role') ?? region.className,
            region.textContent?.replace(/\s+/g, ' ').slice(0, 40),
          ]),
        ),
      )
    expect(await live()).toMatchObject({
      status: 'Reconnecting',
      alert: expect.stringContaining('The host does not answer.'),
      typing: 'Ben is writing …',
      log: expect.any(String),
    })
  })
})
