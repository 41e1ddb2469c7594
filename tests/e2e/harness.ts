// One end-to-end test: its hosts, browsers, folders and second computer, all ended when the test ends.
// A failed test leaves a screenshot of every page and each host's log in tests/out.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import puppeteer from 'puppeteer-core'
import { expect, test } from 'vitest'
import { Client, chromiumDriver, firefoxDriver } from './client.ts'
import { Ear } from './ear.ts'
import { type Env, type Host, type HostEvent, startHost } from './host.ts'
import { StoreServer } from './store.ts'

/** The address of this namespace that is not loopback (tests/run.ts). */
export const lanAddress = '10.77.0.1'

const out = resolve(import.meta.dirname, '../out')

export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

// The namespace is ours alone, so counting up cannot meet a foreign listener.
let nextPort = 18_000 + (process.pid % 1000) * 20

/** A TCP port nobody listens on. */
export function freePort(): number {
  nextPort += 1
  return nextPort
}

export class Lab {
  readonly #name: string
  readonly #root = mkdtempSync(join(tmpdir(), 'lab-'))
  readonly #clients: Client[] = []
  readonly #hosts: Host[] = []
  readonly #closers: (() => Promise<unknown>)[] = []
  #chromium: Promise<import('playwright-core').Browser> | null = null

  constructor(name: string) {
    this.#name = name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()
  }

  /** A path in the test's own folder, which goes away with it. */
  path(name: string): string {
    return join(this.#root, name)
  }

  /** Starts a host on this folder (default: one folder per test) and waits for `ready`. */
  async host(
    args: readonly string[] = [],
    dir = this.path('host'),
    env: Env = {},
  ): Promise<{ host: Host; ready: HostEvent }> {
    const started = await startHost(dir, args, env)
    this.#hosts.push(started.host)
    return started
  }

  /** A store of the test's own, for `--store https:URL`. */
  async store(): Promise<StoreServer> {
    const store = new StoreServer()
    await store.start()
    this.#closers.push(() => store.close())
    return store
  }

  /** A person with a Chromium profile of their own. */
  async chromium(name: string): Promise<Client> {
    this.#chromium ??= this.#launchChromium('/usr/bin/chromium')
    return this.#contextIn(await this.#chromium, name)
  }

  /** As `chromium`, with a profile folder that outlives the browser. `close` ends it early, so that the folder can be copied. */
  async profile(
    name: string,
    dir: string,
  ): Promise<{ client: Client; page: Page; close(): Promise<void> }> {
    const context = await chromium.launchPersistentContext(dir, {
      executablePath: '/usr/bin/chromium',
      args: chromiumArgs,
      headless: true,
    })
    this.#closers.push(() => context.close())
    const page = await context.newPage()
    const client = this.#add(new Client(name, chromiumDriver(page)))
    return { client, page, close: () => context.close() }
  }

  async #launchChromium(executablePath: string): Promise<import('playwright-core').Browser> {
    const browser = await chromium.launch({ executablePath, args: chromiumArgs, headless: true })
    this.#closers.push(() => browser.close())
    return browser
  }

  async #contextIn(browser: import('playwright-core').Browser, name: string): Promise<Client> {
    const context = await browser.newContext({ viewport: { width: 1100, height: 750 } })
    return this.#add(new Client(name, chromiumDriver(await context.newPage())))
  }

  /** A person with Firefox ESR. */
  async firefox(name: string): Promise<Client> {
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: '/usr/bin/firefox-esr',
      headless: true,
      userDataDir: mkdtempSync(this.path('firefox-')),
      // Firefox asks for a home it may write to; nothing of the real one is read.
      env: { ...process.env, HOME: this.#root },
    })
    this.#closers.push(() => browser.close())
    return this.#add(new Client(name, firefoxDriver(await browser.newPage())))
  }

  /** A person at another computer: a Chromium in a network namespace that is joined to ours by a cable (veth). */
  async elsewhere(name: string): Promise<Client> {
    const computer = spawn('unshare', ['--net', '--', 'sleep', 'infinity'], { stdio: 'ignore' })
    this.#closers.push(() => endProcess(computer))
    await once(computer, 'spawn')
    const pid = await namespaceOf(computer)
    const there = ['nsenter', '--target', String(pid), '--net', '--']
    for (const line of [
      ['ip', 'link', 'add', 'cable0', 'type', 'veth', 'peer', 'name', 'cable1'],
      ['ip', 'link', 'set', 'cable1', 'netns', String(pid)],
      ['ip', 'addr', 'add', '10.78.0.1/24', 'dev', 'cable0'],
      ['ip', 'link', 'set', 'cable0', 'up'],
      [...there, 'ip', 'link', 'set', 'lo', 'up'],
      [...there, 'ip', 'addr', 'add', '10.78.0.2/24', 'dev', 'cable1'],
      [...there, 'ip', 'link', 'set', 'cable1', 'up'],
      [...there, 'ip', 'route', 'add', 'default', 'via', '10.78.0.1'],
    ]) {
      const [file = '', ...args] = line
      execFileSync(file, args, { stdio: 'pipe' })
    }
    const wrapper = this.path('chromium-elsewhere')
    writeFileSync(wrapper, `#!/bin/sh\nexec ${there.join(' ')} /usr/bin/chromium "$@"\n`)
    chmodSync(wrapper, 0o755)
    return this.#contextIn(await this.#launchChromium(wrapper), name)
  }

  /** Takes the network away, as on a laptop in the woods, and gives it back at the end of the test. */
  unplug(): void {
    execFileSync('ip', ['link', 'set', 'cc0', 'down'])
    this.#closers.push(async () => this.plugIn())
  }

  /** Gives the network back, if it is away. */
  plugIn(): void {
    execFileSync('ip', ['link', 'set', 'cc0', 'up'])
    const routes = execFileSync('ip', ['route', 'show', 'default'], { encoding: 'utf8' })
    if (routes === '') execFileSync('ip', ['route', 'add', 'default', 'via', '10.77.0.2'])
  }

  /** Done when the test ends, the last one first. */
  closing(close: () => Promise<unknown>): void {
    this.#closers.push(close)
  }

  #add(client: Client): Client {
    this.#clients.push(client)
    return client
  }

  /** Fails if any page logged an error, or a host said what it must not. */
  assertClean(): void {
    const ear = new Ear()
    for (const { name, wrote } of this.#clients)
      for (const text of [name, ...wrote]) ear.private(text)
    for (const host of this.#hosts) expect(ear.complaint(host)).toBeNull()
    for (const client of this.#clients) {
      expect(client.driver.errors, `console of ${client.name}`).toEqual([])
    }
  }

  /** Leaves what a person needs to understand the failure. */
  async keepTraces(): Promise<void> {
    mkdirSync(out, { recursive: true })
    for (const client of this.#clients) {
      // A page that cannot be pictured must not hide the failure itself.
      await client.driver
        .screenshot(join(out, `${this.#name}-${client.name}.png`))
        .catch(() => null)
    }
    const logs = this.#hosts.map((host) => {
      const events = host.events.map((event) => event.event).join(' ')
      return `events: ${events}\n${host.stderr}`
    })
    const consoles = this.#clients.map(
      (c) => `console of ${c.name}:\n${c.driver.errors.join('\n')}`,
    )
    writeFileSync(join(out, `${this.#name}.log`), [...logs, ...consoles].join('\n---\n'))
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#hosts.map((host) => host.kill()))
    await Promise.allSettled(this.#closers.reverse().map((close) => close()))
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

// `unshare` without --fork becomes the sleeper itself, but only once the namespace is made.
async function namespaceOf(child: ChildProcess): Promise<number> {
  const own = namespaceId('self')
  const deadline = Date.now() + 5000
  while (Date.now() < deadline) {
    if (child.pid !== undefined && namespaceId(String(child.pid)) !== own) return child.pid
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('unshare made no namespace within 5 s')
}

function namespaceId(process: string): string {
  return execFileSync('readlink', [`/proc/${process}/ns/net`], { encoding: 'utf8' }).trim()
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A vitest test with a lab of its own. */
export function labTest(
  name: string,
  body: (lab: Lab) => Promise<void>,
  timeoutMs = 120_000,
): void {
  test(
    name,
    async () => {
      const lab = new Lab(name)
      try {
        await body(lab)
        lab.assertClean()
      } catch (error) {
        await lab.keepTraces()
        throw error
      } finally {
        await lab.close()
      }
    },
    timeoutMs,
  )
}

/** `http://…/#…` with one character of the secret part changed. */
export function mistyped(link: string): string {
  const at = link.indexOf('#') + 40
  const other = link[at] === 'A' ? 'B' : 'A'
  return link.slice(0, at) + other + link.slice(at + 1)
}
