// Cloudflare's wrangler as a child process: found among our packages, told to be quiet, its words passed on to the person.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClawError } from '../shared/error.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONFIG = join(ROOT, 'wrangler.toml')
/** No usage figures, no crash reports, no log files: they would name the account and the worker. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  NODE_USE_SYSTEM_CA: '1',
} as const

export interface Wrangler {
  /**
   * Page and worker under `name`; logs in first where a person can do that.
   * @returns the addresses it now has; none after a dry run
   */
  deploy(name: string, dryRun: boolean): Promise<readonly string[]>
  /** Makes `value` known to the worker only. It goes through a pipe: other users can read a program's arguments. */
  putSecret(name: string, key: string, value: string): Promise<void>
}

/** `toPeople`: file descriptor for wrangler's words. Throws ClawError: `wrangler-missing`; its calls `deploy-failed`. */
export function openWrangler(toPeople: 1 | 2): Wrangler {
  const program = findProgram()
  const run = (args: readonly string[], env: NodeJS.ProcessEnv, input?: string): Promise<void> =>
    new Promise((done, fail) => {
      const child = spawn(process.execPath, [program, ...args, '--config', CONFIG], {
        cwd: ROOT,
        env: { ...process.env, CLAWCHAT_DEPLOY_TOKEN: undefined, ...QUIET, ...env },
        stdio: [input === undefined ? 'inherit' : 'pipe', toPeople, 2],
      })
      child.on('error', () => fail(new ClawError('deploy-failed')))
      child.on('close', (code) => (code === 0 ? done() : fail(new ClawError('deploy-failed'))))
      // It may have ended before it read.
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(input)
    })
  return {
    async deploy(name, dryRun) {
      const folder = mkdtempSync(join(tmpdir(), 'clawchat-deploy-'))
      const output = join(folder, 'output.ndjson')
      try {
        const args = ['deploy', '--name', name, ...(dryRun ? ['--dry-run'] : [])]
        await run(args, { WRANGLER_OUTPUT_FILE_PATH: output })
        return dryRun ? [] : targetsOf(readFileSync(output, 'utf8'))
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    putSecret: (name, key, value) => run(['secret', 'put', key, '--name', name], {}, value),
  }
}

function findProgram(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve('wrangler/package.json')
    return join(dirname(manifest), 'bin', 'wrangler.js')
  } catch {
    throw new ClawError('wrangler-missing')
  }
}

/** The https addresses in wrangler's report: one JSON object a line, that of type `deploy` has `targets`. */
function targetsOf(report: string): string[] {
  const lines = report.split('\n').filter((line) => line !== '')
  const entries = lines.map((line) => JSON.parse(line) as { type?: string; targets?: string[] })
  const targets = entries.flatMap(
    ({ type, targets: list }) => (type === 'deploy' ? list : []) ?? [],
  )
  return targets.filter((target) => URL.canParse(target) && target.startsWith('https://'))
}
