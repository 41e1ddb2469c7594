// What a browser keeps, sealed (SPEC §11.1), in real Chromium: a room opened, one message more, a search, at 10³ to 10⁵ messages;
// and bringing up what lay in the clear.
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { printRow } from './stats.ts'

const COUNTS = [1000, 10_000, 100_000]
const REPEATS = 15

declare global {
  var measureKept: (count: number, repeats: number) => Promise<Record<string, number[]>>
}

async function script(): Promise<string> {
  const root = resolve(import.meta.dirname, '../..')
  const output = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: {
      write: false,
      lib: { entry: 'tests/bench/kept-page.ts', formats: ['iife'], name: 'kept' },
    },
  })
  const [first] = Array.isArray(output) ? output : [output]
  if (first === undefined || !('output' in first)) throw new Error('the page did not build')
  return first.output[0].code
}

export async function benchKept(): Promise<void> {
  const code = await script()
  const server = createServer((_, answer) => void answer.end('<!doctype html><title>kept</title>'))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  try {
    for (const count of COUNTS) {
      const page = await (await browser.newContext()).newPage()
      await page.goto(`http://127.0.0.1:${port}/`)
      await page.evaluate(code)
      const figures = await page.evaluate(
        ([count, repeats]) => globalThis.measureKept(count, repeats),
        [count, REPEATS] as const,
      )
      for (const [what, values] of Object.entries(figures))
        printRow({ cell: 'kept', what: `${count} messages: ${what}`, unit: 'ms', values })
    }
  } finally {
    await browser.close()
    server.close()
  }
}

if (import.meta.main) await benchKept()
