// From right to left: the layout turns as a whole, what points turns with it, codes and each text keep their own direction.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { BUSY, turn } from './busy.ts'
import { onStage } from './stage.ts'

const FORMS = [
  ['phone', { width: 390, height: 844 }],
  ['desktop', { width: 1280, height: 800 }],
] as const

/** Where each of these begins, as seen from the left edge of the page. */
const starts = (page: Page) =>
  page.evaluate(() =>
    Object.fromEntries(
      [
        'nav',
        '.conversation',
        '.message:not(.mine)',
        '.mine .bubble',
        '.send',
        '.composer textarea',
      ]
        .map((part) => [part, document.querySelector(part)])
        .filter((entry): entry is [string, Element] => entry[1] instanceof Element)
        .filter(([, element]) => element.checkVisibility())
        .map(([part, element]) => {
          const { left, right } = element.getBoundingClientRect()
          return [part, [Math.round(left), Math.round(innerWidth - right)]]
        }),
    ),
  )

test.each(FORMS)('the layout is its own mirror image: %s', async (form, viewport) => {
  await onStage({ viewport, reducedMotion: 'reduce' }, async ({ page, show }) => {
    await show(BUSY)
    const before = await starts(page)
    expect(Object.keys(before).length).toBeGreaterThan(4)
    await turn(page, 'rtl')
    await show({ ...BUSY })
    const after = await starts(page)
    const mirrored = Object.entries(before).map(([part, [left, right]]) => [part, [right, left]])
    expect(after).toEqual(Object.fromEntries(mirrored))
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width)
    await page.screenshot({ path: `tests/out/rtl-chat-${form}.png` })
    for (const name of ['Security', 'Connection details']) {
      await page.getByRole('button', { name, exact: true }).click()
      await page.screenshot({ path: `tests/out/rtl-${name.slice(0, 8).toLowerCase()}-${form}.png` })
      await page.keyboard.press('Escape')
    }
  })
})

test('what points turns round, codes and texts do not', async () => {
  const viewport = { width: 390, height: 844 }
  await onStage({ viewport, reducedMotion: 'reduce' }, async ({ page, show }) => {
    await turn(page, 'rtl')
    await show(BUSY)
    const flipped = (selector: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((e) => getComputedStyle(e).transform.startsWith('matrix(-1'))
    expect(await flipped('.send .icon-svg')).toBe(true)
    expect(await flipped('.to-rooms > .icon-svg')).toBe(true)
    const direction = (text: string) =>
      page
        .locator('[data-part="text"]', { hasText: text })
        .first()
        .evaluate((element) => getComputedStyle(element).direction)
    expect(await direction('so it goes on')).toBe('ltr')
    expect(await direction('שלום')).toBe('rtl')
    await page.getByRole('button', { name: 'Security', exact: true }).click()
    // The groups of the safety code are read in one order everywhere.
    const lefts = await page
      .locator('.code span')
      .evaluateAll((spans) => spans.slice(0, 4).map((span) => span.getBoundingClientRect().left))
    expect(lefts).toHaveLength(4)
    expect(lefts).toEqual(lefts.toSorted((a, b) => a - b))
  })
})
