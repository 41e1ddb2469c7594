// docs/OPERATING.md is true: every command in it runs. What would deploy, log in or stay running is run with --help, and
// its own options are parsed as they stand.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseCommand } from '../../host/options.ts'
import { OFFLINE, ROOT } from './worker.ts'

interface Line {
  readonly text: string
  readonly env: Record<string, string>
  readonly program: string
  readonly args: readonly string[]
}

const guide = readFileSync(join(ROOT, 'docs/OPERATING.md'), 'utf8')
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
const lines = blocks.flatMap((block) => block.split('\n').filter((line) => line !== '')).map(parse)

/** `NAME=value … npx PROGRAM ARGS`: no shell syntax, so that it works in every shell but for the variables. */
function parse(text: string): Line {
  const words = text.split(' ')
  const at = words.indexOf('npx')
  const pairs = words.slice(0, at).map((word) => word.split(/=(.*)/s))
  const [program = '', ...args] = words.slice(at + 1)
  return { text, program, args, env: Object.fromEntries(pairs) }
}

const FILES: Readonly<Record<string, string>> = {
  clawchat: join(ROOT, 'host/launcher.mjs'),
  wrangler: join(ROOT, 'node_modules/wrangler/bin/wrangler.js'),
}

function run(line: Line, extra: readonly string[]): Promise<{ code: number | null; out: string }> {
  const file = FILES[line.program] ?? ''
  const child = spawn(process.execPath, [file, ...line.args, ...extra], {
    cwd: ROOT,
    env: { ...process.env, ...OFFLINE, ...line.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk))
  return new Promise((done) => child.on('close', (code) => done({ code, out })))
}

test('there are commands in it, and none of another program', () => {
  expect(lines.length).toBeGreaterThanOrEqual(10)
  for (const { text, program } of lines) {
    expect(Object.keys(FILES), text).toContain(program)
    expect(text).not.toMatch(/[|&;<>$`'"]/)
  }
})

test.each(lines)(
  '$text',
  async (line) => {
    const dry = line.args.includes('--dry-run')
    if (line.program === 'clawchat') parseCommand(line.args, line.env)
    const { code, out } = await run(line, dry ? [] : ['--help'])
    expect(code, out).toBe(0)
    expect(out).toContain(dry ? 'nothing was uploaded' : (line.args[0] ?? ''))
  },
  60_000,
)

test('its words of our own exist: options, codes, settings', () => {
  const source = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
  for (const code of ['store-token', 'superseded']) {
    expect(guide).toContain(`\`${code}\``)
    expect(source('shared/error.ts')).toContain(`'${code}'`)
  }
  for (const setting of ['PUT_BUCKET', 'PUT_REFILL_MS', '[observability]']) {
    expect(guide).toContain(setting)
    expect(source('wrangler.toml')).toContain(setting)
  }
  for (const file of ['deploy-token', 'worker.json']) {
    expect(guide).toContain(`\`${file}\``)
    expect(source('host/worker.ts')).toContain(`'${file}'`)
  }
})
