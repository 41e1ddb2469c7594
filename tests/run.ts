// `npm test`: all projects, inside network and process namespaces of their own (tests/README.md).
// The namespace ends with its last process, so nothing is left behind, whatever ends this run.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { buildPage, PAGE_BUILT } from './e2e/setup.ts'
import { inNamespace } from './namespace.ts'
import { UNTIL_ALONE } from './simulation/gaps.ts'
import { absent, asksForLab, BROWSER_TOOLS, labLacks } from './tools.ts'

const root = resolve(import.meta.dirname, '..')
const closing = /^\d+ passed, \d+ failed(, \d+ skipped)?$/
const noteworthy = /^(failed|skipped): /

/** Simulations of a full run: some minutes on two cores. `npm run check` does 200. */
const SEEDS = '5000'

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.stdout.write('0 passed, 1 failed\n')
  process.exit(1)
}

function aptGet(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // apt's chatter goes to stderr: stdout carries test results only.
  return spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2] }).status === 0
}

/** Installs what is missing if it may; ends this run where no browser test could run. */
function ensureTools(): void {
  const missing = absent()
  if (missing.length === 0) return
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (mayInstall) {
    process.stderr.write(`Installing ${missing.join(', ')} with apt-get …\n`)
    if (aptGet('update', '-qq')) {
      aptGet('install', '-y', '-qq', '--no-install-recommends', ...missing)
    }
  }
  const still = absent(BROWSER_TOOLS)
  if (still.length === 0) return
  fail(
    `The browser tests need ${still.join(', ')}. Install with: ` +
      `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${still.join(' ')}\n` +
      `(As root on Debian npm test does this itself. The tests without browsers: npm run check)`,
  )
}

type Args = readonly string[]
const projects = (...names: string[]): Args => names.flatMap((name) => ['--project', name])

/** This file says that nothing else goes on any more. */
const aloneIn = (scratch: string): string => join(scratch, 'alone')

/** One vitest in a namespace of its own, and how it ended. */
interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly last: string }>
}

/** `print` gets its lines, but the closing one, which is that of all runs together. */
function start(args: Args, scratch: string, inGaps: boolean, print: (line: string) => void): Run {
  const vitest = resolve(root, 'node_modules/vitest/vitest.mjs')
  // A session of its own, because Linux weighs sessions, and what takes gaps makes its own light (simulation/gaps.ts).
  const session = inGaps ? ['setsid', '--wait'] : []
  const command = inNamespace([...session, process.execPath, vitest, 'run', ...args])
  const env = {
    CLAWCHAT_SEEDS: SEEDS,
    ...process.env,
    CLAWCHAT_TEST_NAMESPACE: '1',
    TMPDIR: scratch,
    // Hosts and commands start by the hundred: what one has compiled, the next one need not.
    NODE_COMPILE_CACHE: join(scratch, 'compiled'),
    ...(inGaps ? { [UNTIL_ALONE]: aloneIn(scratch) } : {}),
  }
  const child = spawn('unshare', command, { cwd: root, env, stdio: [0, 'pipe', 2] })
  let last = ''
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!closing.test(line)) print(line)
      if (line.trim() !== '') last = line
    })
  }
  const ended = new Promise<{ code: number | null; last: string }>((resolve) => {
    child.on('error', () => fail('Could not start `unshare` (package util-linux).'))
    child.on('close', (code) => resolve({ code, last }))
  })
  return { child, ended }
}

/** All runs, and what came of them. Killing `unshare` ends a whole namespace (--kill-child). */
class Runs {
  readonly #scratch: string
  readonly #running = new Set<ChildProcess>()
  /** what runs beside others say, until they end */
  readonly #held = new Set<string[]>()
  readonly sum = { passed: 0, failed: 0, skipped: 0 }
  /** what failed or was skipped, said again at the end of all */
  readonly notes: string[] = []

  constructor(scratch: string) {
    this.#scratch = scratch
    process.on('exit', () => this.#end())
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => this.#kill())
  }

  /** What runs beside others is printed when it ends. */
  stage(queue: Queue): Promise<void> {
    return this.#queue(queue, false, queue.atOnce > 1)
  }

  /** A queue that takes the time which others leave, until {@link alone}. */
  inGaps(queue: Queue): Promise<void> {
    return this.#queue(queue, true, true)
  }

  alone(): void {
    writeFileSync(aloneIn(this.#scratch), '')
  }

  async #queue({ runs, atOnce }: Queue, inGaps: boolean, hold: boolean): Promise<void> {
    const waiting = [...runs]
    const lane = async (): Promise<void> => {
      for (let args = waiting.shift(); args !== undefined; args = waiting.shift())
        await this.#perform(args, inGaps, hold)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
  }

  async #perform(args: Args, inGaps: boolean, hold: boolean): Promise<void> {
    const lines: string[] = []
    this.#held.add(lines)
    const write = (line: string): void => void process.stdout.write(`${line}\n`)
    const { child, ended } = start(args, this.#scratch, inGaps, (line) => {
      if (noteworthy.test(line)) this.notes.push(line)
      else if (hold) lines.push(line)
      else write(line)
    })
    this.#running.add(child)
    const { code, last } = await ended
    this.#running.delete(child)
    this.#held.delete(lines)
    lines.forEach(write)
    if (code === 3 && last === '') {
      fail(
        'No network namespace could be made. Run as root, or allow unprivileged user namespaces.',
      )
    }
    if (!closing.test(last)) fail('The test run broke off before its end.')
    for (const [, count, what] of last.matchAll(/(\d+) (passed|failed|skipped)/g))
      this.sum[what as keyof typeof this.sum] += Number(count)
    if (code !== 0) process.exitCode = code ?? 1
  }

  #kill(): void {
    for (const child of this.#running) child.kill('SIGKILL')
  }

  #end(): void {
    this.#kill()
    for (const lines of this.#held) for (const line of lines) process.stdout.write(`${line}\n`)
    rmSync(this.#scratch, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** One run per file, so that each has a network of its own; those that take longest first, so that nobody waits for them. */
function fileByFile(project: string, ...longest: string[]): Args[] {
  const folder = resolve(root, 'tests', project)
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const found = all.filter((name) => /\.test\.tsx?$/.test(name))
  const unknown = longest.filter((name) => !found.includes(name))
  if (found.length === 0 || unknown.length > 0)
    fail(`tests/${project} lacks ${unknown.join(', ') || 'tests'}`)
  const files = [...longest, ...found.filter((name) => !longest.includes(name))]
  return files.map((name) => [...projects(project), `tests/${project}/${name}`])
}

/** Runs of which `atOnce` go on beside each other, each with a network of its own. */
interface Queue {
  readonly runs: readonly Args[]
  readonly atOnce: number
}
const lab = fileByFile(
  'lab',
  ...['table.test.ts', 'roaming.test.ts', 'mapping.test.ts', 'turn.test.ts'],
)
const e2e = fileByFile('e2e', 'finding.test.ts', 'chat.test.ts', 'files.test.ts', 'tabs.test.ts')

const STAGES: readonly Queue[] = [
  { atOnce: 1, runs: [projects('unit', 'worker', 'workerd', 'mega', 'silence')] },
  // More at once get in each other's way on two cores: pages then take other routes than those that tests look at.
  { atOnce: 3, runs: [...lab, ...e2e] },
]
/** Nothing but computing. */
const SIMULATIONS: Queue = { atOnce: 1, runs: [projects('simulation')] }

/** Without the lab where that cannot run, which is said; in CI that is a failure. */
function possible(stages: readonly Queue[]): readonly Queue[] {
  const why = labLacks(process.getuid?.())
  const asks = stages.some(({ runs }) => runs.some(asksForLab))
  if (why === null || !asks) return stages
  process.stdout.write(`not run: lab (${why})\n`)
  if (process.env.CI) process.exitCode = 1
  return stages.map((stage) => ({
    ...stage,
    runs: stage.runs.filter((args) => !asksForLab(args)),
  }))
}

async function runAll(wanted: readonly Queue[], beside: Queue, scratch: string): Promise<void> {
  const runs = new Runs(scratch)
  const stages = possible(wanted)
  if (stages !== wanted) runs.sum.skipped += 1
  const inGaps = runs.inGaps(beside)
  for (const stage of stages) {
    if (stage.atOnce > 1) {
      buildPage()
      process.env[PAGE_BUILT] = '1'
    }
    await runs.stage(stage)
  }
  runs.alone()
  await inGaps
  const { passed, failed, skipped } = runs.sum
  for (const note of runs.notes) process.stdout.write(`${note}\n`)
  const also = skipped > 0 ? `, ${skipped} skipped` : ''
  process.stdout.write(`${passed} passed, ${failed} failed${also}\n`)
}

if (process.platform !== 'linux') {
  fail('npm test runs on Linux only: it needs network namespaces. Without browsers: npm run check')
}
ensureTools()
// Short, because the path of a local socket may have 107 bytes only.
const scratch = mkdtempSync(join(tmpdir(), 'cc-'))
const args = process.argv.slice(2)
if (args.length === 0) await runAll(STAGES, SIMULATIONS, scratch)
else await runAll([{ atOnce: 1, runs: [args] }], { atOnce: 0, runs: [] }, scratch)
