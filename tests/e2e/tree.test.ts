// What a screen reader is told of each main state, whole, as real Chromium computes it: compared with `trees/`, which is
// meant to be read. After a change that is meant: `npm test -- --project e2e tests/e2e/tree.test.ts -u`, and read the diff.
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { NOW } from './busy.ts'
import { onStage } from './stage.ts'
import { leave, press, STATES } from './states.ts'
import { treeOf } from './tree.ts'

const DAY_MS = 86_400_000
/** Words, times and time zone are the same wherever this runs. */
const HERE = { locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' } as const
const FORMS = [
  ['desktop', { width: 1280, height: 800 }, Object.keys(STATES)],
  // What is another thing where there is less room.
  ['phone', { width: 390, height: 844 }, ['a busy room', 'rooms and members']],
] as const

const fileOf = (form: string, state: string): string =>
  resolve(import.meta.dirname, 'trees', `${form}-${state.replaceAll(/[^a-z]+/gi, '-')}.txt`)

for (const [form, viewport, names] of FORMS) {
  test(`the accessibility tree: ${form}`, async () => {
    await onStage({ viewport, ...HERE }, async ({ page, show }) => {
      await page.clock.setFixedTime(NOW + 3 * DAY_MS)
      for (const name of names) {
        const { state, secure = true, open } = STATES[name] ?? { state: {} }
        await show({ phase: 'starting' })
        await show(state, secure)
        await open?.(page, form === 'phone')
        await expect.soft(await treeOf(page)).toMatchFileSnapshot(fileOf(form, name))
        await leave(page)
      }
    })
  })
}

test('a name that is missing is seen in it', async () => {
  await onStage({}, async ({ page, show }) => {
    await show({})
    expect(await treeOf(page)).toMatch(/^ +button "Send"$/m)
    await page.evaluate(() => document.querySelector('.send')?.removeAttribute('aria-label'))
    expect(await treeOf(page)).not.toMatch(/"Send"/)
    await press(page, 'Security')
    expect(await treeOf(page)).toMatch(/^ +dialog "Security" modal/m)
  })
})
