// `npm test`: all projects, inside a network and process namespace of their own (tests/README.md).
// The namespace ends with its last process, so nothing is left behind, whatever ends this run.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { inNamespace } from './namespace.ts'

const root = resolve(import.meta.dirname, '..')
const closing = /^\d+ passed, \d+ failed(, \d+ skipped)?$/

/** Simulations of a full run: some minutes on two cores. `npm run check` does 200. */
const SEEDS = '5000'

// The tools of the browser tests and of the lab, and the Debian package of each.
const tools: readonly { files: readonly string[]; debian: string }[] = [
  { files: ['/usr/bin/chromium'], debian: 'chromium' },
  { files: ['/usr/bin/firefox-esr'], debian: 'firefox-esr' },
  { files: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'], debian: 'iproute2' },
  { files: ['/usr/bin/unshare'], debian: 'util-linux' },
  { files: ['/usr/sbin/nft'], debian: 'nftables' },
  { files: ['/usr/sbin/miniupnpd'], debian: 'miniupnpd-nftables' },
]

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.stdout.write('0 passed, 1 failed\n')
  process.exit(1)
}

function missingPackages(): string[] {
  return tools.filter((tool) => !tool.files.some((file) => existsSync(file))).map((t) => t.debian)
}

function aptGet(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // apt's chatter goes to stderr: stdout carries test results only.
  return spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2] }).status === 0
}

function ensureTools(): void {
  const missing = missingPackages()
  if (missing.length === 0) return
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (mayInstall) {
    process.stderr.write(`Installing ${missing.join(', ')} with apt-get …\n`)
    if (aptGet('update', '-qq')) {
      aptGet('install', '-y', '-qq', '--no-install-recommends', ...missing)
    }
    if (missingPackages().length === 0) return
  }
  fail(
    `The browser tests and the lab need ${missing.join(', ')}. Install with: ` +
      `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}\n` +
      `(As root on Debian npm test does this itself. The tests without browsers: npm run check)`,
  )
}

function start(args: readonly string[], scratch: string): ChildProcess {
  const vitest = resolve(root, 'node_modules/vitest/vitest.mjs')
  const command = inNamespace([process.execPath, vitest, 'run', ...args])
  const env = {
    CLAWCHAT_SEEDS: SEEDS,
    ...process.env,
    CLAWCHAT_TEST_NAMESPACE: '1',
    TMPDIR: scratch,
  }
  return spawn('unshare', command, { cwd: root, env, stdio: [0, 'pipe', 2] })
}

function passOn(child: ChildProcess): { last: () => string } {
  let last = ''
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      process.stdout.write(`${line}\n`)
      if (line.trim() !== '') last = line
    })
  }
  return { last: () => last }
}

function endTogether(child: ChildProcess, scratch: string): void {
  // Killing `unshare` ends the whole namespace (--kill-child).
  process.on('exit', () => {
    child.kill('SIGKILL')
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill('SIGKILL'))
  }
}

if (process.platform !== 'linux') {
  fail('npm test runs on Linux only: it needs network namespaces. Without browsers: npm run check')
}
ensureTools()
// Short, because the path of a local socket may have 107 bytes only.
const scratch = mkdtempSync(join(tmpdir(), 'cc-'))
const child = start(process.argv.slice(2), scratch)
const output = passOn(child)
endTogether(child, scratch)
child.on('error', () => fail('Could not start `unshare` (package util-linux).'))
child.on('close', (code) => {
  if (code === 3 && output.last() === '') {
    fail('No network namespace could be made. Run as root, or allow unprivileged user namespaces.')
  }
  if (!closing.test(output.last())) fail('The test run broke off before its end.')
  process.exitCode = code ?? 1
})
