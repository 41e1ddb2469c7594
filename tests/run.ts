// `npm test`: all projects, inside network and process namespaces of their own (tests/README.md).
// The namespace ends with its last process, so nothing is left behind, whatever ends this run.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { buildPage, PAGE_BUILT } from './e2e/setup.ts'
import { inNamespace } from './namespace.ts'
import { absent, asksForLab, BROWSER_TOOLS, labLacks } from './tools.ts'

const root = resolve(import.meta.dirname, '..')
const closing = /^\d+ passed, \d+ failed(, \d+ skipped)?$/

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

/** One vitest in a namespace of its own, and how it ended. */
interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly last: string }>
}

function start(args: readonly string[], scratch: string): Run {
  const vitest = resolve(root, 'node_modules/vitest/vitest.mjs')
  const command = inNamespace([process.execPath, vitest, 'run', ...args])
  const env = {
    CLAWCHAT_SEEDS: SEEDS,
    ...process.env,
    CLAWCHAT_TEST_NAMESPACE: '1',
    TMPDIR: scratch,
  }
  const child = spawn('unshare', command, { cwd: root, env, stdio: [0, 'pipe', 2] })
  let last = ''
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      // The closing line is that of all runs together.
      if (!closing.test(line)) process.stdout.write(`${line}\n`)
      if (line.trim() !== '') last = line
    })
  }
  const ended = new Promise<{ code: number | null; last: string }>((resolve) => {
    child.on('error', () => fail('Could not start `unshare` (package util-linux).'))
    child.on('close', (code) => resolve({ code, last }))
  })
  return { child, ended }
}

/** Killing `unshare` ends the whole namespace (--kill-child). */
function endTogether(running: ReadonlySet<ChildProcess>, scratch: string): void {
  const kill = (): void => {
    for (const child of running) child.kill('SIGKILL')
  }
  process.on('exit', () => {
    kill()
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, kill)
}

/** Those of a stage run beside each other: browsers and the lab mostly wait, and each has a network of its own. */
const STAGES: readonly (readonly (readonly string[])[])[] = [
  [['unit', 'worker', 'workerd', 'mega', 'simulation', 'silence']],
  [['e2e'], ['lab']],
].map((stage) => stage.map((names) => names.flatMap((name) => ['--project', name])))

/** Without the lab where that cannot run, which is said; in CI that is a failure. */
function possible(stages: typeof STAGES): typeof STAGES {
  const why = labLacks(process.getuid?.())
  if (why === null || !stages.flat().some(asksForLab)) return stages
  process.stdout.write(`not run: lab (${why})\n`)
  if (process.env.CI) process.exitCode = 1
  return stages.map((stage) => stage.filter((args) => !asksForLab(args)))
}

async function runAll(wanted: typeof STAGES, scratch: string): Promise<void> {
  const running = new Set<ChildProcess>()
  endTogether(running, scratch)
  const stages = possible(wanted)
  const sum = { passed: 0, failed: 0, skipped: stages === wanted ? 0 : 1 }
  for (const stage of stages) {
    if (stage.length > 1) {
      buildPage()
      process.env[PAGE_BUILT] = '1'
    }
    const runs = stage.map((args) => start(args, scratch))
    for (const { child } of runs) running.add(child)
    for (const { ended } of runs) {
      const { code, last } = await ended
      if (code === 3 && last === '') {
        fail(
          'No network namespace could be made. Run as root, or allow unprivileged user namespaces.',
        )
      }
      if (!closing.test(last)) fail('The test run broke off before its end.')
      for (const [, count, what] of last.matchAll(/(\d+) (passed|failed|skipped)/g))
        sum[what as keyof typeof sum] += Number(count)
      if (code !== 0) process.exitCode = code ?? 1
    }
  }
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
  process.stdout.write(`${sum.passed} passed, ${sum.failed} failed${skipped}\n`)
}

if (process.platform !== 'linux') {
  fail('npm test runs on Linux only: it needs network namespaces. Without browsers: npm run check')
}
ensureTools()
// Short, because the path of a local socket may have 107 bytes only.
const scratch = mkdtempSync(join(tmpdir(), 'cc-'))
const args = process.argv.slice(2)
await runAll(args.length === 0 ? STAGES : [[args]], scratch)
