// A room of 100 000 messages in real Chromium: what one frame costs while one scrolls up, and what one more message costs.
import type { Page } from 'playwright-core'
import { mergeMessages } from '../../web/chat.ts'
import type { Message } from '../../web/model.ts'
import { onStage } from '../e2e/stage.ts'
import type {} from '../e2e/stage-page.tsx'
import { printRow } from './stats.ts'

const COUNT = 100_000
const FRAMES = 300
const VIEWPORT = { width: 1280, height: 800 }

const show = (page: Page, count: number): Promise<void> =>
  page.evaluate((count) => {
    const messages = Array.from({ length: count }, (_, i) => ({
      ...{ id: `m${i}`, room: '00'.repeat(16), author: 'b2', mine: false, state: 'sent' as const },
      ...{
        edited: false,
        deleted: false,
        gone: false,
        endsAtMs: 0,
        notice: null,
        change: 0,
        replyTo: null,
        reactions: [],
      },
      ...{ seq: i + 1, atMs: Date.UTC(2026, 2, 3) + i * 20_000 },
      text: `${i}: ${'so *it* goes `on`. '.repeat(1 + (i % 9))}`,
    }))
    globalThis.show({ messages }, true)
  }, count)

/** Milliseconds from frame to frame, and of the page's own work in each, while it scrolls `px` a frame. */
const scroll = (page: Page, px: number): Promise<{ frames: number[]; work: number[] }> =>
  page.evaluate(
    async ([px, count]) => {
      const log = document.querySelector('[role="log"]')
      if (log === null) throw new Error('no log')
      const frame = () => new Promise<number>((done) => requestAnimationFrame(done))
      const [frames, work]: number[][] = [[], []]
      let last = await frame()
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        log.scrollTop -= px
        log.dispatchEvent(new Event('scroll'))
        // What the page does for it is drawn in microtasks; a question for a size ends the layout.
        await Promise.resolve()
        log.getBoundingClientRect()
        work?.push(performance.now() - start)
        const now = await frame()
        frames?.push(now - last)
        last = now
      }
      return { frames: frames ?? [], work: work ?? [] }
    },
    [px, FRAMES] as const,
  )

function benchMerge(): void {
  const messageOf = (seq: number): Message => ({
    ...{ id: `m${seq}`, room: 'r', author: 'b', mine: false, state: 'sent', seq, atMs: seq },
    ...{
      edited: false,
      deleted: false,
      gone: false,
      endsAtMs: 0,
      notice: null,
      change: 0,
      replyTo: null,
      reactions: [],
      text: 'text',
    },
  })
  const known = Array.from({ length: COUNT }, (_, i) => messageOf(i + 101))
  const page = Array.from({ length: 100 }, (_, i) => messageOf(i + 1))
  for (const [what, news] of [
    ['one new message', [messageOf(COUNT + 101)]],
    ['an older page of 100', page],
  ] as const) {
    const values = Array.from({ length: 20 }, () => {
      const start = performance.now()
      mergeMessages(known, news)
      return performance.now() - start
    })
    printRow({ cell: 'scroll', what: `${what} merged into 100 000`, unit: 'ms', values })
  }
}

export async function benchScroll(): Promise<void> {
  benchMerge()
  await onStage({ viewport: VIEWPORT }, async ({ page }) => {
    for (const [count, steps] of [
      [1000, [100]],
      [COUNT, [100, 2000]],
    ] as const) {
      await show(page, count)
      for (const px of steps) {
        const { frames, work } = await scroll(page, px)
        const what = `${count} messages, ${px} px a frame`
        printRow({ cell: 'scroll', what: `${what}: frame to frame`, unit: 'ms', values: frames })
        printRow({
          cell: 'scroll',
          what: '  of that the page’s own work',
          unit: 'ms',
          values: work,
        })
      }
      const drawn = await page.locator('article').count()
      const { JSHeapUsedSize = 0, Nodes = 0 } = await metrics(page)
      console.log(
        `  rows drawn: ${drawn}, nodes: ${Nodes}, heap: ${Math.round(JSHeapUsedSize / 2 ** 20)} MiB`,
      )
    }
  })
}

async function metrics(page: Page): Promise<Record<string, number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const { metrics } = await session.send('Performance.getMetrics')
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
}

if (import.meta.main) await benchScroll()
