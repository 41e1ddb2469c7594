// A room of 100 000 messages: few of them are drawn, none is missed, and the reader stays where he is.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { onStage } from './stage.ts'
import type {} from './stage-page.tsx'

const COUNT = 100_000
const PHONE = { width: 390, height: 844 }

interface Shown {
  /** sequence numbers of the first and last message */
  readonly from: number
  readonly to: number
  /** one more at the end, that answers this one */
  readonly answers?: number
  /** this one has this text */
  readonly grown?: readonly [seq: number, text: string]
  readonly hasOlder?: boolean
}

/** Messages are made in the page: they are too many to send there. */
const show = (page: Page, shown: Shown): Promise<void> =>
  page.evaluate(({ from, to, answers, grown, hasOlder }) => {
    const messageOf = (seq: number) => ({
      id: `m${seq}`,
      room: '00'.repeat(16),
      ...{
        edited: false,
        deleted: false,
        gone: false,
        endsAtMs: 0,
        notice: null,
        change: 0,
        replyTo: null as string | null,
      },
      ...{ reactions: [], author: 'b2', mine: false, state: 'sent' as const, seq },
      text: seq === grown?.[0] ? grown[1] : `${seq}: ${'so it goes on. '.repeat(1 + (seq % 9))}`,
      atMs: Date.UTC(2026, 2, 3) + seq * 20_000,
    })
    const messages = Array.from({ length: to - from + 1 }, (_, i) => messageOf(from + i))
    if (answers !== undefined) messages.push({ ...messageOf(to + 1), replyTo: `m${answers}` })
    globalThis.show({ messages, hasOlder: hasOlder ?? false }, true)
  }, shown)

/** Two frames: what follows a change is done then. */
const settled = (page: Page): Promise<void> =>
  page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))),
  )

interface View {
  /** how many rows are drawn, and the numbers of those in sight */
  readonly drawn: number
  readonly seen: readonly number[]
  /** px from the upper edge to the first in sight */
  readonly top: number
  readonly toEnd: number
}

const viewOf = (page: Page): Promise<View> =>
  page.evaluate(() => {
    const log = document.querySelector('[role="log"]')
    if (log === null) throw new Error('no log')
    const edge = log.getBoundingClientRect()
    const rows = [...log.querySelectorAll<HTMLElement>('article[data-id]')]
    const seen = rows.filter((row) => {
      const { top, bottom } = row.getBoundingClientRect()
      return bottom > edge.top && top < edge.bottom
    })
    return {
      drawn: rows.length,
      seen: seen.map((row) => Number(row.dataset.id?.slice(1))),
      top: (seen[0]?.getBoundingClientRect().top ?? 0) - edge.top,
      // Heights are fractions, what is scrolled is not.
      toEnd: Math.floor(Math.abs(log.scrollHeight - log.scrollTop - log.clientHeight) / 2),
    }
  })

const scrollTo = async (page: Page, share: number): Promise<void> => {
  await page.evaluate((share) => {
    const log = document.querySelector('[role="log"]')
    if (log !== null) log.scrollTop = share * (log.scrollHeight - log.clientHeight)
  }, share)
  await settled(page)
}

/** In sight is an unbroken run of messages that fills the view. */
function expectWhole({ seen, drawn }: View, where: string): void {
  expect(seen.length, where).toBeGreaterThan(3)
  expect(seen, where).toEqual(seen.map((_, i) => (seen[0] ?? 0) + i))
  expect(drawn, where).toBeLessThan(200)
}

test('of 100 000 messages only those near the view are drawn, and the view is full wherever one is', async () => {
  await onStage({ viewport: PHONE }, async ({ page }) => {
    await show(page, { from: 1, to: COUNT })
    await settled(page)
    const end = await viewOf(page)
    expect(end).toMatchObject({ toEnd: 0 })
    expect(end.seen.at(-1)).toBe(COUNT)
    expectWhole(end, 'at the end')
    for (const share of [0.99, 0.5, 0.123, 0.0001, 0, 0.77]) {
      await scrollTo(page, share)
      expectWhole(await viewOf(page), `at ${share}`)
    }
    await scrollTo(page, 0)
    expect((await viewOf(page)).seen[0]).toBe(1)
  })
})

test('scrolling up by wheel through a thousand messages misses none, in no frame', async () => {
  await onStage({ viewport: PHONE }, async ({ page }) => {
    await show(page, { from: 1, to: COUNT })
    await settled(page)
    await page.mouse.move(200, 400)
    const seen = new Set((await viewOf(page)).seen)
    let first = COUNT
    while (first > COUNT - 1000) {
      await page.mouse.wheel(0, -700)
      await settled(page)
      const view = await viewOf(page)
      expectWhole(view, `at ${first}`)
      for (const seq of view.seen) seen.add(seq)
      first = view.seen[0] ?? 0
    }
    const passed = Array.from({ length: COUNT - first + 1 }, (_, i) => first + i)
    expect(passed.filter((seq) => !seen.has(seq))).toEqual([])
  })
})

test('nothing jumps: older pages come in, a message above grows, the window changes, somebody writes', async () => {
  await onStage({ viewport: PHONE, reducedMotion: 'reduce' }, async ({ page }) => {
    const from = COUNT - 5000
    await show(page, { from, to: COUNT, hasOlder: true })
    await scrollTo(page, 0.4)
    const there = await viewOf(page)
    const first = there.seen[0] ?? 0
    const stays = async (what: string) => {
      await settled(page)
      const view = await viewOf(page)
      expect(view.seen[0], what).toBe(first)
      expectWhole(view, what)
      return view.top
    }
    const top = expect.closeTo(there.top, -0.3)
    await show(page, { from: from - 3000, to: COUNT, hasOlder: true })
    expect(await stays('older ones')).toEqual(top)
    const grown = [first - 3, 'much longer now. '.repeat(60)] as const
    await show(page, { from: from - 3000, to: COUNT, grown, hasOlder: true })
    expect(await stays('grown')).toEqual(top)
    await show(page, { from: 1, to: COUNT, grown })
    expect(await stays('all older ones')).toEqual(top)
    await show(page, { from: 1, to: COUNT + 1, grown })
    expect(await stays('a new one')).toEqual(top)
    for (const size of [{ width: 1280, height: 800 }, { width: 844, height: 390 }, PHONE]) {
      await page.setViewportSize(size)
      await stays(JSON.stringify(size))
    }
    await page.getByRole('button', { name: 'New messages' }).click()
    await settled(page)
    const end = await viewOf(page)
    expect([end.toEnd, end.seen.at(-1)]).toEqual([0, COUNT + 1])
    expect(await page.getByRole('button', { name: /newest|New messages/ }).count()).toBe(0)
  })
})

test('by keyboard: arrow keys lead from message to message past all that was drawn', async () => {
  await onStage({ viewport: PHONE }, async ({ page }) => {
    await show(page, { from: 1, to: 2000 })
    await settled(page)
    const focused = () =>
      page.evaluate(() => document.activeElement?.closest('article')?.dataset.id ?? null)
    await page.getByRole('log').focus()
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('m2000')
    for (let seq = 1999; seq > 1850; seq--) {
      await page.keyboard.press('ArrowUp')
      expect(await focused()).toBe(`m${seq}`)
    }
    await settled(page)
    expect((await viewOf(page)).seen).toContain(1851)
    // Scrolled out of reach, the focus is the log's, and not lost.
    await scrollTo(page, 0)
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('log')
    // The line of the first day leads to other days.
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.closest('.day') !== null)).toBe(true)
    await page.keyboard.press('Tab')
    const stop = Number((await focused())?.slice(1))
    expect((await viewOf(page)).seen).toContain(stop)
  })
})

test('a quote leads to its message however far up that is', async () => {
  await onStage({ viewport: PHONE }, async ({ page }) => {
    await show(page, { from: 1, to: 50_000, answers: 123 })
    await page.getByRole('button', { name: /^Someone 123: so it goes on/ }).click()
    await settled(page)
    const { seen } = await viewOf(page)
    expect(seen).toContain(123)
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset.id)).toBe(
      'm123',
    )
    await page.getByRole('button', { name: 'To the newest message' }).click()
    await settled(page)
    expect((await viewOf(page)).seen.at(-1)).toBe(50_001)
  })
})

test('a screen reader is told what comes at the end, and not what is drawn while one reads further up', async () => {
  await onStage({ viewport: PHONE }, async ({ page }) => {
    const log = page.getByRole('log', { name: 'Messages' })
    await show(page, { from: 1, to: 1000 })
    await settled(page)
    expect(await log.getAttribute('aria-live')).toBe('polite')
    await scrollTo(page, 0.5)
    expect(await log.getAttribute('aria-live')).toBe('off')
    const [first] = (await viewOf(page)).seen
    const row = page.locator(`[data-id="m${first}"]`)
    expect(await row.getAttribute('aria-posinset')).toBe(String(first))
    await show(page, { from: 1, to: 1001 })
    expect(await page.getByText('New messages further down').count()).toBe(1)
    await scrollTo(page, 1)
    expect(await log.getAttribute('aria-live')).toBe('polite')
    expect(await page.getByText('New messages further down').count()).toBe(0)
  })
})
