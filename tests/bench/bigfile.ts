// One large file from disk through Chromium to a real host, back, and out of the browser again: how fast, and what host and
// browser hold in memory all the way. Flat is what does not grow between a tenth of the way and its end.
// `--size 10GB` (default 1GiB); it needs four times that on the disk.
import { createHash } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { CDPSession, Page } from 'playwright-core'
import { KEPT_BYTES } from '../../web/filestore.ts'
import { Lab } from '../e2e/harness.ts'

const NAME = 'big.dat'
const SAMPLE_MS = 1000
const MIB = 2 ** 20
const UNITS: Readonly<Record<string, number>> = { MiB: MIB, GiB: 2 ** 30, GB: 1e9 }

/** MiB. `heap`: of the page; `page`: its renderers; `browser`: all processes of Chromium. */
interface Sample {
  readonly done: number
  readonly host: number
  readonly heap: number
  readonly page: number
  readonly browser: number
}

function parseBytes(text: string): number {
  const [, count, unit] = /^([1-9][0-9]*)(MiB|GiB|GB)$/.exec(text) ?? []
  const bytes = Number(count) * (UNITS[unit ?? ''] ?? Number.NaN)
  if (Number.isNaN(bytes)) throw new Error(`--size ${text}: such as 1GiB, 10GB`)
  // Its sender keeps a smaller one, and has nothing to get.
  if (bytes <= KEPT_BYTES) throw new Error(`--size ${text}: more than 64MiB`)
  return bytes
}

/** Zeros on no disk, but for the number of each MiB at its beginning: what is misplaced is noticed. */
async function makeFile(path: string, size: number): Promise<void> {
  const file = await open(path, 'w')
  await file.truncate(size)
  for (let at = 0; at + 8 <= size; at += MIB) {
    const mark = Buffer.alloc(8)
    mark.writeBigUInt64BE(BigInt(at / MIB + 1))
    await file.write(mark, 0, 8, at)
  }
  await file.close()
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Buffer)
  return hash.digest('hex')
}

const statusOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/**
 * MiB that the processes whose command line fits hold: resident, without what is mapped from files, which is their program.
 * The namespace holds ours alone.
 */
function heldBy(fits: (command: string) => boolean): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && fits(commandOf(name)))
  const kib = pids.flatMap((pid) =>
    [...statusOf(pid).matchAll(/^Rss(?:Anon|Shmem):\s+(\d+)/gm)].map(([, count]) => Number(count)),
  )
  return kib.reduce((sum, each) => sum + each, 0) / 1024
}

async function sample(cdp: CDPSession, done: number): Promise<Sample> {
  const { metrics } = await cdp.send('Performance.getMetrics')
  const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize')?.value ?? 0
  return {
    done,
    heap: heap / MIB,
    host: heldBy((command) => / start --json /.test(command)),
    page: heldBy((command) => command.includes('--type=renderer')),
    browser: heldBy((command) => command.includes('chromium')),
  }
}

/** Bytes of the transfer that is on the screen, or how it ended. */
const progressOf = (page: Page): Promise<number | 'over' | 'failed'> =>
  page.evaluate(() => {
    const bar = document.querySelector('progress')
    const alert = document.querySelector('[role="alert"][data-code]')
    if (alert !== null) return 'failed'
    return bar === null ? 'over' : bar.value
  })

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const figuresOf = ({ host, heap, page, browser }: Sample): string =>
  Object.entries({ host, heap, page, browser })
    .map(([what, mib]) => `${what} ${mib.toFixed(0)}`)
    .join(', ')

/** Looks on from the first byte to the last, and says each tenth of the way what is held. */
async function watch(page: Page, size: number): Promise<{ samples: Sample[]; seconds: number }> {
  let tenths = 0
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable')
  await page.locator('progress').waitFor()
  const startMs = performance.now()
  const samples: Sample[] = []
  for (;;) {
    const at = await progressOf(page)
    if (at === 'failed') throw new Error((await page.locator('[role="alert"]').textContent()) ?? '')
    const now = await sample(cdp, at === 'over' ? size : at)
    samples.push(now)
    for (; (now.done * 10) / size >= tenths + 1; tenths++)
      console.error(`bigfile      ${tenths + 1}0 %: ${figuresOf(now)} MiB`)
    if (at === 'over') break
    await wait(SAMPLE_MS)
  }
  await cdp.detach()
  return { samples, seconds: (performance.now() - startMs) / 1000 }
}

function print(way: string, size: number, seconds: number, samples: readonly Sample[]): void {
  const rate = (size / MIB / seconds).toFixed(1)
  console.log(
    `bigfile    ${way}: ${(size / 1e9).toFixed(2)} GB in ${seconds.toFixed(0)} s, ${rate} MiB/s`,
  )
  const early = samples.find(({ done }) => done >= size / 10) ?? samples[0]
  const late = samples.filter(({ done }) => done >= size / 10)
  for (const what of ['host', 'heap', 'page', 'browser'] as const) {
    const peak = Math.max(...late.map((each) => each[what]))
    const [at, last] = [early?.[what] ?? Number.NaN, samples.at(-1)?.[what] ?? Number.NaN]
    const figures = `${at.toFixed(0)} MiB at 10 %, peak ${peak.toFixed(0)}, end ${last.toFixed(0)}`
    console.log(`bigfile      ${what.padEnd(8)} ${figures}; ×${(peak / at).toFixed(2)}`)
  }
}

async function benchBigFile(size: number): Promise<void> {
  const lab = new Lab('bench')
  try {
    const limits = ['--max-file', '16GiB', '--files-quota', '64GiB']
    const { ready } = await lab.host(['--http', '127.0.0.1:0', ...limits])
    // A profile on disk: what a private window stores, it holds in memory.
    const { client, page } = await lab.profile('Ada', lab.path('profile'))
    await client.join(String(ready.invite))
    const path = lab.path(NAME)
    await makeFile(path, size)
    await client.driver.chooseFile('Attach file', path)
    const up = await watch(page, size)
    print('up', size, up.seconds, up.samples)
    await client.driver.press(`Get ${NAME}`)
    const down = await watch(page, size)
    print('down', size, down.seconds, down.samples)
    const saved = page.waitForEvent('download', { timeout: 0 })
    await client.driver.press(`Save ${NAME}`)
    const out = await watch(page, size)
    const copy = await (await saved).path()
    print('out', size, out.seconds, out.samples)
    if ((await hashOf(copy)) !== (await hashOf(path)))
      throw new Error('it came back as another one')
    console.log('bigfile    what was saved is what was sent')
  } finally {
    await lab.close()
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { size: { type: 'string', default: '1GiB' } } })
  await benchBigFile(parseBytes(values.size))
}
