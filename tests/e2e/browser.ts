// A Chromium set as a person's is (language, theme, size), for what goes beyond a Client: playwright's own page.
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { isComplaint } from './client.ts'
import { chromiumArgs } from './harness.ts'

/** `loaded`: names of the languages whose words were asked for, by those that each begins with. Fails on any error or warning in the page's console. */
export async function inBrowser(
  options: BrowserContextOptions,
  body: (page: Page, loaded: () => string[]) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...chromiumArgs, ...args],
  })
  try {
    const page = await (await browser.newContext(options)).newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('console', (message) => isComplaint(message) && errors.push(message.text()))
    const scripts: string[] = []
    page.on('request', (request) => {
      const name = /assets\/([a-z]{2})-first-[^/]*\.js$/.exec(request.url())?.[1]
      if (name !== undefined) scripts.push(name)
    })
    await body(page, () => scripts)
    expect(errors).toEqual([])
  } finally {
    await browser.close()
  }
}
