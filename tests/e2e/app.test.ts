// The page as an app, in real Chromium: it installs, opens without a network, runs what it was pinned to and nothing else,
// and becomes a newer one when a person says so.
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Hono } from 'hono'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { createHttp } from '../../host/http.ts'
import { freePort, type Lab, labTest } from './harness.ts'

const DIST = resolve(import.meta.dirname, '../../web/dist')

const person = (lab: Lab, name: string) => lab.profile(name, lab.path(`profile-${name}`))

/** The page of this browser has its files, and the next one opens from them. */
const isKept = (page: Page): Promise<unknown> =>
  page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)

/** Serves a folder as a host does, each file as it was there at `open`. */
class Shelf {
  readonly #dir: string
  readonly #stores: readonly string[]
  readonly #port = freePort()
  #close: (() => Promise<void>) | null = null

  /** `stores`: URLs of what the page may read */
  constructor(dir: string, stores: readonly string[] = []) {
    this.#dir = dir
    this.#stores = stores
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  async open(): Promise<void> {
    await this.close()
    const input = {
      pageDir: this.#dir,
      stores: () => this.#stores,
      hostNames: [],
      fallback: new Hono(),
    }
    const http = await createHttp(input)
    await http.listen('127.0.0.1', this.#port)
    this.#close = () => http.close()
  }

  async close(): Promise<void> {
    await this.#close?.()
    this.#close = null
  }
}

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Makes of the build in `dir` one that differs in its style sheet, as a later release would. */
function release(dir: string, build: string): void {
  const [style = ''] = readdirSync(join(dir, 'assets')).filter((name) => name.endsWith('.css'))
  const old = readFileSync(join(dir, 'assets', style))
  const css = `${old}/* ${build} */`
  const worker = readFileSync(join(dir, 'sw.js'), 'utf8')
  const sri = (bytes: string | Buffer) => createHash('sha384').update(bytes).digest('base64')
  const page = readFileSync(join(dir, 'index.html'), 'utf8')
  const html = page.replace(sri(old), sri(css))
  const mark = JSON.stringify({ name: 'clawchat', version: '0.1.0', build })
  const before = JSON.parse(readFileSync(join(dir, 'build.json'), 'utf8')) as { build: string }
  const oldMark = readFileSync(join(dir, 'build.json'))
  writeFileSync(join(dir, 'assets', style), css)
  writeFileSync(join(dir, 'index.html'), html)
  writeFileSync(join(dir, 'build.json'), mark)
  const next = worker
    .replace(sha256(old), sha256(css))
    .replace(sha256(page), sha256(html))
    .replace(sha256(oldMark), sha256(mark))
    .replace(before.build, build)
  writeFileSync(join(dir, 'sw.js'), next)
}

labTest('the page can be installed', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const { page } = await person(lab, 'Ann')
  await page.goto(String(ready.page))
  await isKept(page)
  const devtools = await page.context().newCDPSession(page)
  const manifest = await devtools.send('Page.getAppManifest')
  expect(manifest.errors).toEqual([])
  const { icons, display, start_url } = JSON.parse(String(manifest.data))
  expect([display, start_url]).toEqual(['standalone', './'])
  expect(icons.map(({ purpose }: { purpose?: string }) => purpose)).toContain('maskable')
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
  // A test's browser may be in no mode in which it would offer that.
  expect(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')).toEqual([])
})

labTest(
  'with the host away the page opens from what is kept, shows the history, and keeps what is written',
  async (lab) => {
    const args = ['--http', `127.0.0.1:${freePort()}`]
    const first = await lab.host(args)
    const { page, client } = await person(lab, 'Ann')
    await client.join(String(first.ready.invite))
    await client.send('before')
    await client.waitMessage('before', 'sent')
    await isKept(page)
    await first.host.stop()

    await page.goto(String(first.ready.page))
    await client.waitMessage('before', 'sent')
    expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
    await client.send('meanwhile')
    await client.waitMessage('meanwhile', 'sending')

    const again = await lab.host(args)
    await client.waitMessage('meanwhile', 'sent')
    expect(again.ready.page).toBe(first.ready.page)
  },
)

labTest('nothing of a link is kept with the files, and no record', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const { page, client } = await person(lab, 'Ann')
  await client.driver.goto(String(ready.page))
  await isKept(page)
  await client.join(String(ready.invite))
  const kept = await page.evaluate(async () => {
    const caches = await Promise.all(
      (await globalThis.caches.keys()).map((name) => globalThis.caches.open(name)),
    )
    const requests = (await Promise.all(caches.map((cache) => cache.keys()))).flat()
    return requests.map(({ url }) => url)
  })
  expect(kept.length).toBeGreaterThan(5)
  for (const url of kept) expect(url).not.toMatch(/#|\/v1\//)
})

labTest(
  'a newer page waits until a person uses it, and Security tells which one this is',
  async (lab) => {
    const dir = lab.path('site')
    cpSync(DIST, dir, { recursive: true })
    const http = `127.0.0.1:${freePort()}`
    const shelf = new Shelf(dir, [`http://${http}`])
    await shelf.open()
    lab.closing(() => shelf.close())
    const { ready } = await lab.host(['--http', http, '--page', shelf.url])
    const { page, client } = await person(lab, 'Ann')
    await client.join(String(ready.invite))
    await isKept(page)
    const { build } = JSON.parse(readFileSync(join(dir, 'build.json'), 'utf8')) as { build: string }
    await client.driver.press('Security')
    await client.waitText(build)
    await client.driver.key('Escape')

    const newer = 'ab'.repeat(32)
    release(dir, newer)
    await shelf.open()
    await page.reload()
    await client.waitText('A new version of this page is here.')
    await client.waitText(newer.slice(0, 12))
    // Until then the page is what it was, reload or not.
    await page.reload()
    await client.waitText('A new version of this page is here.')
    await client.driver.press('Security')
    await client.waitText(build)
    await client.driver.key('Escape')

    await client.driver.press('Use it now')
    await page.getByRole('button', { name: 'Use it now' }).waitFor({ state: 'detached' })
    await client.waitConnected()
    await client.driver.press('Security')
    await client.waitText(newer)
    const text = await page.evaluate(() => document.body.textContent)
    expect(text).not.toContain('A new version')
    expect(text).not.toContain(build)
  },
)

labTest('a file that is not what the build says is neither kept nor shown', async (lab) => {
  const dir = lab.path('site')
  cpSync(DIST, dir, { recursive: true })
  const shelf = new Shelf(dir)
  await shelf.open()
  lab.closing(() => shelf.close())
  const { page } = await person(lab, 'Ann')
  await page.goto(shelf.url)
  await isKept(page)
  const title = () => page.evaluate(() => document.title)
  expect(await title()).toBe('ClawChat')

  // Altered where it lies, under the same service worker.
  const html = readFileSync(join(dir, 'index.html'), 'utf8')
  writeFileSync(join(dir, 'index.html'), html.replace('<title>ClawChat', '<title>Altered'))
  await shelf.open()
  await page.reload()
  expect(await title()).toBe('ClawChat')

  // Under a service worker that does not name what is served: it comes to nothing, and the one before goes on.
  const worker = readFileSync(join(dir, 'sw.js'), 'utf8')
  writeFileSync(join(dir, 'sw.js'), `${worker}\n// changed`)
  await shelf.open()
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready
    await registration.update().catch(() => undefined)
    const { installing } = registration
    if (installing === null) return
    await new Promise<void>((done) => {
      installing.onstatechange = () => installing.state === 'redundant' && done()
    })
  })
  await page.reload()
  expect(await title()).toBe('ClawChat')
  expect(await page.evaluate(async () => (await navigator.serviceWorker.ready).waiting)).toBeNull()
})
