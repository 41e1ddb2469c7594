// A real `clawchat connect --json` process: texts in, JSON lines out. Waits on events, never on time.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../..')

export interface ClientEvent {
  readonly event: string
  readonly [field: string]: unknown
}

export class TerminalClient {
  readonly events: ClientEvent[] = []
  stderr = ''
  readonly #child: ChildProcess
  readonly #checks = new Set<() => void>()
  readonly exited: Promise<number | null>
  #ended = false

  /** `link` goes by standard input, as the help advises; null: the host known already */
  constructor(dir: string, link: string | null, ...args: readonly string[]) {
    const given = link === null ? [] : ['-']
    const command = ['connect', ...given, '--json', '--data', dir, ...args]
    this.#child = spawn(process.execPath, [resolve(root, 'host/launcher.mjs'), ...command], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    // A client that has ended reads nothing more.
    this.#child.stdin?.on('error', () => undefined)
    if (link !== null) this.say(link)
    this.#child.stderr?.on('data', (chunk) => (this.stderr += chunk))
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.events.push(JSON.parse(line))
        this.#wake()
      })
    }
    this.exited = once(this.#child, 'close').then(([code]) => {
      this.#ended = true
      this.#wake()
      return code as number | null
    })
  }

  #wake(): void {
    for (const check of this.#checks) check()
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** All texts that were told, in order. */
  get texts(): string[] {
    return this.events.flatMap(({ event, text }) => (event === 'message' ? [String(text)] : []))
  }

  /** Resolves once `ready` gives something. Fails when the client ends or 60 s pass. */
  until<T>(what: string, ready: () => T | undefined | false | null): Promise<T> {
    return new Promise((found, failed) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#checks.delete(check)
      }
      const fail = (why: string): void => {
        end()
        const seen = this.events.map((event) => JSON.stringify(event)).join('\n')
        failed(new Error(`${what}: ${why}\n${seen}\n${this.stderr}`))
      }
      const check = (): void => {
        const result = ready()
        if (result) {
          end()
          found(result)
        } else if (this.#ended) fail('the client ended')
      }
      const timer = setTimeout(() => fail('time is up'), 60_000)
      this.#checks.add(check)
      check()
    })
  }

  /** The first event from index `from` on that has these fields. */
  waitFor(wanted: Partial<ClientEvent>, from = 0): Promise<ClientEvent> {
    const fits = (event: ClientEvent): boolean =>
      Object.entries(wanted).every(([name, value]) => event[name] === value)
    return this.until(JSON.stringify(wanted), () => this.events.slice(from).find(fits))
  }

  kill(): Promise<number | null> {
    this.#child.kill('SIGKILL')
    return this.exited
  }

  stop(): Promise<number | null> {
    if (!this.#ended) this.#child.kill('SIGTERM')
    return this.exited
  }
}
