// The page's views with a state of the test's own choosing, in real Chromium: for what no real host leads to, or not in time.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { expect } from 'vitest'
import type { Language } from '../../web/language.ts'
import type { AppState } from '../../web/model.ts'
import { isComplaint } from './client.ts'
import type {} from './stage-page.tsx'

const root = resolve(import.meta.dirname, '../..')

/** The views and `show` (stage-page.tsx) as one script, made once. */
let script: Promise<string> | null = null

async function makeScript(): Promise<string> {
  const output = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      write: false,
      minify: false,
      lib: { entry: 'tests/e2e/stage-page.tsx', formats: ['iife'], name: 'stage' },
    },
  })
  const [first] = Array.isArray(output) ? output : [output]
  if (first === undefined || !('output' in first)) throw new Error('the stage did not build')
  return first.output[0].code
}

export interface Stage {
  readonly page: Page
  /** Shows this change of a chat that is connected and in which nothing was written yet. */
  show(change: Partial<AppState>, secure?: boolean): Promise<void>
  /** The words of this language instead of the English ones. */
  speak(language: Language): Promise<void>
  /** The rooms that were asked for. */
  opened(): Promise<string[]>
}

/** Fails, as every end-to-end test does, on any error or warning in the page's console. */
export async function onStage(
  options: BrowserContextOptions,
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  script ??= makeScript()
  const code = await script
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  try {
    const page = await (await browser.newContext(options)).newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('console', (message) => {
      if (isComplaint(message)) errors.push(message.text())
    })
    const style = readFileSync(resolve(root, 'web/style.css'), 'utf8')
    await page.setContent(
      `<!doctype html><html lang="en"><title>ClawChat</title><style>${style}</style><div id="app"></div>`,
    )
    await page.addScriptTag({ content: code })
    await page.evaluate(() => globalThis.stageBuilt)
    await body({
      page,
      show: (change, secure = true) =>
        page.evaluate(([change, secure]) => globalThis.show(change, secure), [
          change,
          secure,
        ] as const),
      speak: (language) => page.evaluate((language) => globalThis.speakOnStage(language), language),
      opened: () => page.evaluate(() => globalThis.openedOnStage),
    })
    expect(errors).toEqual([])
  } finally {
    await browser.close()
  }
}
