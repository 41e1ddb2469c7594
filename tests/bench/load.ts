// What opening the page costs a browser: bytes and requests of a first visit, time until one can type a name; and for a device
// that is in, from reload to its chat. Times are the page's own, from the start of its navigation.
import type { BrowserContext, Page } from 'playwright-core'
import { inBrowser } from '../e2e/browser.ts'
import { Lab } from '../e2e/harness.ts'
import { printRatio, printRow } from './stats.ts'

const VISITS = 10
const NAME = '#name'
const CHAT = '.composer textarea'

interface Visit {
  readonly ms: number
  /** of what was loaded up to then, with headers, as it came over the wire */
  readonly bytes: number
  readonly requests: number
  /** the same, with what the page loads beforehand for later */
  readonly allBytes: number
}

/** Runs in a page before anything of it. */
function watchFor(selectors: readonly string[]): void {
  const seen: Record<string, number> = {}
  ;(globalThis as { seen?: typeof seen }).seen = seen
  new MutationObserver(() => {
    for (const each of selectors)
      if (document.querySelector(each) !== null) seen[each] ??= performance.now()
  }).observe(document, { childList: true, subtree: true })
}

async function visit(page: Page, selector: string): Promise<Visit> {
  await page.waitForFunction(
    (selector) => selector in ((globalThis as { seen?: object }).seen ?? {}),
    selector,
  )
  await page.waitForLoadState('networkidle')
  return page.evaluate((selector) => {
    const ms = (globalThis as { seen?: Record<string, number> }).seen?.[selector] ?? 0
    const entries = ['navigation', 'resource'].flatMap(
      (type) => performance.getEntriesByType(type) as PerformanceResourceTiming[],
    )
    const sum = (of: readonly PerformanceResourceTiming[]): number =>
      of.reduce((bytes, { transferSize }) => bytes + transferSize, 0)
    const before = entries.filter(({ responseEnd }) => responseEnd <= ms)
    return { ms, bytes: sum(before), requests: before.length, allBytes: sum(entries) }
  }, selector)
}

/** Of a browser that has never been here: what it takes to show a line of text of the same server. */
async function floor(context: BrowserContext, url: string): Promise<number> {
  const page = await context.newPage()
  await page.goto(new URL('build.json', url).href)
  const ms = await page.evaluate(() => {
    const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
    return entry?.domComplete ?? 0
  })
  await page.close()
  return ms
}

export async function benchLoad(): Promise<void> {
  const lab = new Lab('bench')
  try {
    const { host, ready } = await lab.host(['--http', '127.0.0.1:0', '--name', 'Bench'])
    const visits: Visit[] = []
    const floors: number[] = []
    for (let i = 0; i <= VISITS; i++) {
      const link = await host.invite()
      await inBrowser({}, async (page) => {
        const ms = await floor(page.context(), String(ready.page))
        await page.addInitScript(watchFor, [NAME, CHAT])
        await page.goto(link)
        const one = await visit(page, NAME)
        // The first warms up.
        if (i === 0) return
        floors.push(ms)
        visits.push(one)
      })
    }
    const of = (what: string, unit: string, values: readonly number[]): void =>
      printRow({ cell: 'load', what, unit, values })
    const first = visits.map(({ ms }) => ms)
    of('first visit: until a name can be typed', 'ms', first)
    of(
      '  bytes over the wire until then',
      'B',
      visits.map(({ bytes }) => bytes),
    )
    of(
      '  requests until then',
      '',
      visits.map(({ requests }) => requests),
    )
    of(
      '  bytes with what is loaded for later',
      'B',
      visits.map(({ allBytes }) => allBytes),
    )
    of('a line of text of the same server', 'ms', floors)
    printRatio('first visit / a line of text', first, floors)
    const again = await reloads(await host.invite())
    of(
      'reload of a device that is in: until its chat',
      'ms',
      again.map(({ ms }) => ms),
    )
    of(
      '  bytes over the wire until then',
      'B',
      again.map(({ bytes }) => bytes),
    )
    printRatio(
      'reload / first visit',
      again.map(({ ms }) => ms),
      first,
    )
  } finally {
    await lab.close()
  }
}

async function reloads(link: string): Promise<Visit[]> {
  const visits: Visit[] = []
  await inBrowser({}, async (page) => {
    await page.addInitScript(watchFor, [NAME, CHAT])
    await page.goto(link)
    await page.getByRole('textbox', { name: 'Your name' }).fill('Ada')
    await page.getByRole('button', { name: 'Join', exact: true }).click()
    await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => null))
    for (let i = 0; i <= VISITS; i++) {
      await page.reload()
      const one = await visit(page, CHAT)
      if (i > 0) visits.push(one)
    }
  })
  return visits
}

if (import.meta.main) await benchLoad()
