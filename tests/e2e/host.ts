// A real host process, driven as people drive it: command line in, JSON events out. Waits on events, never on time.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../..')
const launcher = resolve(root, 'host/launcher.mjs')

/** One line of `--json` output. */
export interface HostEvent {
  readonly event: string
  readonly [field: string]: unknown
}

export interface CommandResult {
  /** parsed stdout lines; the test fails if one is not JSON */
  readonly lines: readonly Record<string, unknown>[]
  readonly code: number | null
  readonly stderr: string
}

/** What stands in the environment beside what the tests run with. */
export type Env = Readonly<Record<string, string>>

/** `enter`: a command that runs what follows, in another namespace for one. */
function run(args: readonly string[], env: Env, enter: readonly string[] = []): ChildProcess {
  const [file = '', ...rest] = [...enter, process.execPath, launcher, ...args]
  return spawn(file, rest, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs one command to its end. */
export const command = (...args: string[]): Promise<CommandResult> => commandWith({}, ...args)

export const commandWith = (env: Env, ...args: string[]): Promise<CommandResult> =>
  commandIn([], env, ...args)

/** As {@link command}, behind a command that runs it. */
export async function commandIn(
  enter: readonly string[],
  env: Env,
  ...args: string[]
): Promise<CommandResult> {
  const child = run(args, env, enter)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => (stdout += chunk))
  child.stderr?.on('data', (chunk) => (stderr += chunk))
  const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(deadline)
  const lines = stdout.split('\n').filter((line) => line !== '')
  return { lines: lines.map((line) => JSON.parse(line)), code, stderr }
}

/**
 * Minutes of an interval whose present epoch is between a fifth and three fifths over: two ports are bound around each switch,
 * and a test that counts them must not depend on the time of day. One for all hosts of a process, since an interval numbers
 * its epochs.
 */
const CALM_MINUTES = ((nowMs: number): number => {
  const minutes = Array.from({ length: 60 }, (_, i) => 60 + i)
  const isCalm = (interval: number): boolean => {
    const passed = (nowMs % (interval * 60_000)) / (interval * 60_000)
    return passed > 0.2 && passed < 0.6
  }
  return minutes.find(isCalm) ?? 60
})(Date.now())

/** What a host asks of a router by default: an epoch and its grace, in seconds (SPEC §4.3). */
export const LEASE_SECONDS = CALM_MINUTES * 60 + 420

export class Host {
  readonly dir: string
  readonly events: HostEvent[] = []
  stderr = ''
  #child: ChildProcess
  #waiting = new Set<() => void>()
  #exit: Promise<number | null>
  #ended = false

  constructor(dir: string, args: readonly string[], env: Env = {}, enter: readonly string[] = []) {
    this.dir = dir
    const times = args.includes('--rotate-every') ? [] : ['--rotate-every', `${CALM_MINUTES}m`]
    this.#child = run(['start', '--json', '--data', dir, ...times, ...args], env, enter)
    this.#child.stderr?.on('data', (chunk) => (this.stderr += chunk))
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.events.push(JSON.parse(line))
        this.#wake()
      })
    }
    this.#exit = once(this.#child, 'close').then(([code]) => {
      this.#ended = true
      this.#wake()
      return code as number | null
    })
  }

  #wake(): void {
    for (const check of this.#waiting) check()
  }

  /** The first event of that name from index `from` on that fulfils `test`. Fails when the host ends or 60 s pass. */
  waitFor(
    name: string,
    test: (event: HostEvent) => boolean = () => true,
    from = 0,
    timeoutMs = 60_000,
  ): Promise<HostEvent> {
    return new Promise((found, failed) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(check)
      }
      const fail = (why: string) => {
        end()
        failed(new Error(`no event "${name}": ${why}. Events: ${this.#names()}\n${this.stderr}`))
      }
      const check = () => {
        const hit = this.events.slice(from).find((event) => event.event === name && test(event))
        if (hit) {
          end()
          found(hit)
        } else if (this.#ended) fail('the host ended')
      }
      const timer = setTimeout(() => fail('time is up'), timeoutMs)
      this.#waiting.add(check)
      check()
    })
  }

  /** The exit code, once the process has ended by itself or otherwise. */
  get exited(): Promise<number | null> {
    return this.#exit
  }

  #names(): string {
    return this.events.map((event) => event.event).join(' ') || 'none'
  }

  /** Runs a command against this host, with `--json`. */
  command(name: string, ...args: string[]): Promise<CommandResult> {
    return command(name, '--json', '--data', this.dir, ...args)
  }

  /** A fresh invite link. */
  async invite(...args: string[]): Promise<string> {
    const result = await this.command('invite', ...args)
    const line = result.lines.find((entry) => typeof entry.invite === 'string')
    if (!line) throw new Error(`invite gave no link (exit ${result.code}): ${result.stderr}`)
    return String(line.invite)
  }

  /** Ends the host as a service manager would. Resolves to its exit code. */
  stop(): Promise<number | null> {
    if (!this.#ended) this.#child.kill('SIGTERM')
    return this.#exit
  }

  /** Resolves to the exit code once the host has ended by itself: a signal then could meet a process half gone. */
  ended(): Promise<number | null> {
    return this.#exit
  }

  /** Ends the host as a power cut would. */
  kill(): Promise<number | null> {
    this.#child.kill('SIGKILL')
    return this.#exit
  }
}

/** Starts a host and waits until it is ready. */
export async function startHost(
  dir: string,
  args: readonly string[],
  env: Env = {},
  enter: readonly string[] = [],
): Promise<{ host: Host; ready: HostEvent }> {
  const host = new Host(dir, args, env, enter)
  try {
    return { host, ready: await host.waitFor('ready') }
  } catch (error) {
    await host.kill()
    throw error
  }
}
