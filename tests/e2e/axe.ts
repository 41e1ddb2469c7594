// axe-core over a page: every rule of WCAG 2.2 A and AA. It runs as the debugger does, so that the page's policy stays as it is.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const OPTIONS: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  // Off unless it is asked for by name.
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations'],
}

/** The rule, the element, and what is wrong with it, for each that is broken. */
export async function violationsOf(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(source)
  const { violations, passes } = await page.evaluate(
    (options) => (globalThis as unknown as Axe).axe.run(options),
    OPTIONS,
  )
  // A page on which no rule applies would break none.
  expect(passes.length).toBeGreaterThan(8)
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
  )
}

interface Axe {
  readonly axe: { run(options: RunOptions): Promise<AxeResults> }
}
