// What the lab's tests share: the cloud's services, real hosts and real browsers, each in its own home.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type Browser, chromium } from 'playwright-core'
import puppeteer, { type Browser as Firefox } from 'puppeteer-core'
import { Client, chromiumDriver, firefoxDriver } from '../e2e/client.ts'
import { chromiumArgs } from '../e2e/harness.ts'
import { type Host, type HostEvent, startHost } from '../e2e/host.ts'
import { selfSigned } from '../worker/certificate.ts'
import { DEPLOY_TOKEN } from '../worker/endpoint.ts'
import { startMiniupnpd } from './miniupnpd.ts'
import { CLOUD, Internet, type Node } from './topology.ts'

const PORT = 8080
const MEGA_PORT = 8090
const MEGA = `http://${CLOUD}:${MEGA_PORT}`
const ACCOUNT = { email: 'ada@example.org', password: 'hunter2-hunter2' }
export const PAGE = `http://${CLOUD}:${PORT}`
/** Two on one machine: what a router does for each of them tells its kind. */
const STUN_PORTS = [3478, 3479]
export const STUN = STUN_PORTS.map((port) => `stun:${CLOUD}:${port}`)
export const TURN_PORT = 3480
export const TURN = `turn:${CLOUD}:${TURN_PORT}`
/** over TLS on a port of its own */
export const TURNS_PORT = 3481
export const TURNS = `turns:${CLOUD}:${TURNS_PORT}`
/** Of the same server by a name: Firefox takes no address for TLS. */
const TURN_NAME = 'turn.example'
export const TURNS_BY_NAME = `turns:${TURN_NAME}:${TURNS_PORT}`
export const TURN_SECRET = 'what-host-and-coturn-share'
export const TURN_CREDENTIAL = `secret:${TURN_SECRET}`
/** of WebDriver BiDi; one Firefox at a time */
const BIDI_PORT = 9222
const out = resolve(import.meta.dirname, '../out')

/** A table for people, in tests/out and on the terminal. */
export function report(name: string, lines: readonly string[]): void {
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, name), `${lines.join('\n')}\n`)
  process.stdout.write(`${lines.join('\n')}\n`)
}

export class World {
  readonly internet: Internet
  readonly #dir = mkdtempSync(join(tmpdir(), 'net-'))
  readonly #closers: (() => Promise<unknown>)[] = []
  #worker: ChildProcess | null = null
  #mega: ChildProcess | null = null

  private constructor(internet: Internet) {
    this.internet = internet
  }

  static async make(): Promise<World> {
    const world = new World(await Internet.make())
    await world.startWorker()
    for (const port of STUN_PORTS) world.#startStun(port)
    return world
  }

  /** The worker, alive again after `stopWorker` with nothing in its memory. */
  async startWorker(): Promise<void> {
    const file = resolve(import.meta.dirname, 'cloud.ts')
    const args = [file, CLOUD, String(PORT), MEGA]
    this.#worker = this.#spawn(this.internet.cloud, [process.execPath, ...args])
    await firstLine(this.#worker)
  }

  async stopWorker(): Promise<void> {
    if (this.#worker !== null) await endProcess(this.#worker)
  }

  /** MEGA for hosts with {@link withMega}. */
  async startMega(): Promise<void> {
    const file = resolve(import.meta.dirname, 'megacloud.ts')
    const args = [file, CLOUD, String(MEGA_PORT), ACCOUNT.email, ACCOUNT.password]
    this.#mega = this.#spawn(this.internet.cloud, [process.execPath, ...args])
    await firstLine(this.#mega)
  }

  async stopMega(): Promise<void> {
    if (this.#mega !== null) await endProcess(this.#mega)
  }

  /** Options of a host in there that publishes at MEGA too; its account lies in its folder. */
  withMega(node: Node): string[] {
    const dir = this.#hostDir(node)
    mkdirSync(dir, { mode: 0o700, recursive: true })
    const file = join(dir, 'mega-account.json')
    writeFileSync(file, JSON.stringify(ACCOUNT), { mode: 0o600 })
    return ['--store', 'mega', '--mega-api', MEGA]
  }

  #hostDir(node: Node): string {
    return this.path(`host ${node.name}`.replaceAll(' ', '-'))
  }

  #startStun(port: number): void {
    const options = ['--stun-only', '--no-cli', '--no-tls', '--no-dtls', '--log-file', 'stdout']
    const [pid, db] = [this.path(`turn${port}.pid`), this.path(`turn${port}.db`)]
    const files = ['--pidfile', pid, '--userdb', db, '-n']
    this.#spawn(this.internet.cloud, [
      'turnserver',
      ...options,
      ...files,
      ...['--listening-ip', CLOUD, '--listening-port', String(port)],
    ])
  }

  /**
   * coturn by UDP, TCP and TLS as docs/OPERATING.md sets it up, with the secret of TURN_CREDENTIAL. Nobody trusts its
   * certificate who is not told to. @returns the file of it, and the hash of its key
   */
  async startTurn(): Promise<{ readonly certificate: string; readonly spki: string }> {
    const { key, cert, spki } = selfSigned([CLOUD, TURN_NAME])
    const [certificate, pkey] = [this.path('turn.pem'), this.path('turn.key')]
    writeFileSync(certificate, cert)
    writeFileSync(pkey, key)
    const [pid, db] = [this.path('turn.pid'), this.path('turn.db')]
    const config = this.path('turnserver.conf')
    writeFileSync(config, guidedConfig())
    const child = this.#spawn(this.internet.cloud, [
      ...['turnserver', '-c', config, '--no-dtls', '--log-file', 'stdout'],
      ...['--tls-listening-port', String(TURNS_PORT), '--cert', certificate, '--pkey', pkey],
      ...['--pidfile', pid, '--userdb', db, '--listening-ip', CLOUD, '--relay-ip', CLOUD],
    ])
    await lineWith(child, 'admin thread')
    return { certificate, spki }
  }

  #spawn(node: Node, command: readonly string[]): ChildProcess {
    const [file = '', ...args] = [...node.prefix, ...command]
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 2] })
    this.#closers.push(() => endProcess(child))
    child.stdout?.resume()
    return child
  }

  path(name: string): string {
    return join(this.#dir, name)
  }

  /** Starts a program of this folder in there; resolves to its first line. */
  program(node: Node, script: string, ...args: string[]): Promise<string> {
    const file = resolve(import.meta.dirname, script)
    return firstLine(this.#spawn(node, [process.execPath, file, ...args]))
  }

  host(node: Node, ...more: string[]): Promise<{ host: Host; ready: HostEvent }> {
    return this.hostWith(node, '--stun', String(STUN[0]), ...more)
  }

  /** Without a STUN server unless one is given. */
  async hostWith(node: Node, ...more: string[]): Promise<{ host: Host; ready: HostEvent }> {
    const cloud = ['--page', `${PAGE}/`, '--store', `https:${PAGE}`, ...more]
    const dir = this.#hostDir(node)
    const env = {
      ...{ CLAWCHAT_DEPLOY_TOKEN: DEPLOY_TOKEN, CLAWCHAT_TURN_CREDENTIAL: TURN_CREDENTIAL },
    }
    const started = await startHost(dir, ['--http', '127.0.0.1:8787', ...cloud], env, node.prefix)
    this.#closers.push(() => started.host.kill())
    return started
  }

  async browser(node: Node, ...more: string[]): Promise<Browser> {
    const executablePath = this.#inside(node, '/usr/bin/chromium')
    const options = { executablePath, args: [...chromiumArgs, ...more], headless: true }
    const browser = await chromium.launch(options)
    this.#closers.push(() => browser.close())
    return browser
  }

  /** What runs of this program in there stops at once, as when the lid is closed. @returns a function that wakes it */
  freeze(node: Node, program: string): () => void {
    const network = readlinkSync(`/proc/${node.pid}/ns/net`)
    const asleep = readdirSync('/proc').filter((pid) => isOf(pid, network, program))
    if (asleep.length === 0) throw new Error(`no ${program} runs there`)
    for (const pid of asleep) process.kill(Number(pid), 'SIGSTOP')
    return () => {
      for (const pid of asleep) process.kill(Number(pid), 'SIGCONT')
    }
  }

  /** Firefox listens for us on its own loopback: the same port of ours leads there. */
  async firefox(node: Node): Promise<Firefox> {
    await this.#lead(node, BIDI_PORT)
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: this.#inside(node, '/usr/bin/firefox-esr'),
      headless: true,
      // There are no names in here but the cloud's, and no authorities.
      acceptInsecureCerts: true,
      extraPrefsFirefox: { 'network.dns.forceResolve': CLOUD },
      debuggingPort: BIDI_PORT,
      userDataDir: mkdtempSync(this.path('firefox-')),
      // Firefox asks for a home it may write to; nothing of the real one is read.
      env: { ...process.env, HOME: this.#dir },
    })
    this.#closers.push(() => browser.close())
    return browser
  }

  /** A program that runs another one in there. */
  #inside(node: Node, program: string): string {
    const wrapper = this.path(`${basename(program)} ${node.name}`.replaceAll(' ', '-'))
    writeFileSync(wrapper, `#!/bin/sh\nexec ${node.prefix.join(' ')} ${program} "$@"\n`)
    chmodSync(wrapper, 0o755)
    return wrapper
  }

  async #lead(node: Node, port: number): Promise<void> {
    const script = resolve(import.meta.dirname, 'pipe.ts')
    const [file = '', ...args] = [...node.prefix, process.execPath, script, String(port)]
    const server = createServer((socket) => {
      const pipe = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      for (const end of [socket, pipe.stdin, pipe.stdout]) end.on('error', () => socket.destroy())
      socket.pipe(pipe.stdin)
      pipe.stdout.pipe(socket)
      socket.on('close', () => pipe.kill())
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    this.#closers.push(async () => server.close())
  }

  /** A router of the kind `mapped` starts to map ports. @returns a function that ends that */
  async mapPorts(router: Node, lan: string): Promise<() => Promise<void>> {
    const folder = mkdtempSync(this.path('miniupnpd-'))
    const speaks = ['pcp', 'nat-pmp', 'upnp'] as const
    const daemon = await startMiniupnpd(router.prefix, folder, { speaks, lan })
    const end = (): Promise<void> => endProcess(daemon)
    this.#closers.push(end)
    return end
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#closers.reverse().map((close) => close()))
    await this.internet.end()
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

/** So high that the page draws each message of a long conversation: what is out of view it does not. */
export const TALL = { width: 800, height: 40_000 }

/** A person with a profile of their own in this browser; `close` ends it. */
export async function person(
  browser: Browser,
  name: string,
  viewport = { width: 1280, height: 720 },
): Promise<{ client: Client; close(): Promise<void> }> {
  const context = await browser.newContext({ viewport })
  // A computer may be asleep for a while.
  context.setDefaultTimeout(60_000)
  const client = new Client(name, chromiumDriver(await context.newPage()))
  return { client, close: () => context.close() }
}

/** The same in Firefox. */
export async function foxPerson(
  browser: Firefox,
  name: string,
): Promise<{ client: Client; close(): Promise<void> }> {
  const context = await browser.createBrowserContext()
  const client = new Client(name, firefoxDriver(await context.newPage()))
  return { client, close: () => context.close() }
}

function isOf(pid: string, network: string, program: string): boolean {
  try {
    const here = readlinkSync(`/proc/${pid}/ns/net`) === network
    return here && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program)
  } catch {
    // No process, or one that has just ended.
    return false
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no output to wait for')
  const line = once(createInterface({ input: child.stdout }), 'line')
  const ended = once(child, 'close').then((): never => {
    throw new Error('ended before it was ready')
  })
  const [first] = await Promise.race([line, ended])
  return String(first)
}

/** What the guide tells people to write, on a port that is free here. */
function guidedConfig(): string {
  const guide = readFileSync(resolve(import.meta.dirname, '../../docs/OPERATING.md'), 'utf8')
  const [, config = ''] = /^```\n(listening-port=3478\n[\s\S]*?)^```$/m.exec(guide) ?? []
  const changes = {
    'listening-port=3478': `listening-port=${TURN_PORT}`,
    'THE-SECRET': TURN_SECRET,
  }
  return Object.entries(changes).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`not in the guide: ${from}`)
    return text.replace(from, to)
  }, config)
}

async function lineWith(child: ChildProcess, words: string): Promise<void> {
  if (child.stdout === null) throw new Error('no output to wait for')
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes(words)) continue
    child.stdout.resume()
    return
  }
  throw new Error('ended before it was ready')
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
