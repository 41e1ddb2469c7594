// The tree's rules (CONTRIBUTING, "Layout"): who may import whom, and what shared/ cannot even name.
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const parts = ['shared', 'host', 'web', 'fallback-worker'] as const

/** The one door between programs: the host embeds the fallback endpoint through these files. */
const doors = ['fallback-worker/app.ts', 'fallback-worker/node.ts']

/** What of the page's side needs no browser: `clawchat connect` runs it too. Compiling host/ proves that it can. */
const withoutBrowser = [
  'conversation',
  'chat',
  'clock',
  'endpoints',
  'enrol',
  'gone',
  'keep',
  'model',
  'own',
  'pulse',
  'records',
  'redial',
  'relay',
  'resume',
  'runtime',
  'session',
  'state',
  'steps',
  'targets',
].map((name) => `web/${name}.ts`)

function sources(part: string): string[] {
  return globSync(`${part}/**/*.{ts,tsx,mjs}`, { cwd: root, exclude: ['**/dist/**'] }).sort()
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)
  return [...found].map((match) => match[1] ?? '')
}

/** Where a relative import leads, seen from the root; packages stay as they are. */
function target(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return relative(root, resolve(root, dirname(file), specifier))
}

describe('imports', () => {
  for (const part of parts) {
    test(`${part}/ imports itself, shared/ and packages only`, () => {
      const files = sources(part)
      expect(files.length, `no source files found in ${part}/`).toBeGreaterThan(0)
      for (const file of files) {
        for (const specifier of importsOf(file).filter((name) => name.startsWith('.'))) {
          const leads = target(file, specifier)
          const allowed =
            leads.startsWith(`${part}/`) ||
            (part !== 'shared' && leads.startsWith('shared/')) ||
            (part === 'host' && [...doors, ...withoutBrowser].includes(leads))
          expect(allowed, `${file} imports ${leads}`).toBe(true)
        }
      }
    })
  }

  test('shared/ imports no package but the noble libraries', () => {
    const specifiers = sources('shared').flatMap((file) => importsOf(file))
    const packages = specifiers.filter((name) => !name.startsWith('.'))
    expect(specifiers.length).toBeGreaterThan(10)
    expect(packages.filter((name) => !name.startsWith('@noble/'))).toEqual([])
  })

  test('relative imports carry their extension, so that Node runs them as they are', () => {
    for (const file of parts.flatMap(sources)) {
      for (const specifier of importsOf(file).filter((name) => name.startsWith('.'))) {
        expect(specifier, file).toMatch(/\.(ts|tsx|mjs|css|json|svg)$/)
      }
    }
  })
})

test('files are named after what they do', () => {
  const vague = /^(utils?|helpers?|manager|common|misc|index)\.tsx?$/
  const names = parts.flatMap(sources)
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((file) => vague.test(basename(file)))).toEqual([])
})

test('product code draws no weak randomness', () => {
  for (const file of parts.flatMap(sources)) {
    expect(readFileSync(join(root, file), 'utf8'), file).not.toContain('Math.random')
  }
})

describe('shared/ names nothing of a runtime', () => {
  const impure: readonly (readonly [what: string, source: string])[] = [
    ['Buffer', 'export const x = Buffer.alloc(1)'],
    ['fetch', "export const x = fetch('https://example.org')"],
    ['setTimeout', 'setTimeout(() => {}, 1)'],
    ['crypto', 'export const x = crypto.getRandomValues(new Uint8Array(1))'],
    ['TextEncoder', 'export const x = new TextEncoder()'],
    ['document', 'export const x = document'],
    ['process', 'export const x = process.env'],
    ['console', "console.log('x')"],
    ['node:fs', "export { readFileSync } from 'node:fs'"],
    ['node:crypto', "import { createHash } from 'node:crypto'\nexport const x = createHash"],
  ]
  // Inside the repository, so that an import is refused by the settings and not because nothing is installed there.
  const dir = mkdtempSync(join(root, 'node_modules/.purity-'))
  let errors = new Map<string, string[]>()

  beforeAll(() => {
    const clean =
      "import { ClawError } from '../../shared/error.ts'\nexport const x = new ClawError('limit')"
    const fixtures = [['clean', clean] as const, ...impure]
    for (const [index, [, source]] of fixtures.entries()) {
      writeFileSync(join(dir, `f${index}.ts`), source)
    }
    const files = fixtures.map((_, index) => `f${index}.ts`)
    const settings = { extends: '../../shared/tsconfig.json', include: [], files }
    writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(settings))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const run = spawnSync(process.execPath, [tsc, '-p', dir, '--pretty', 'false'], {
      cwd: dir,
      encoding: 'utf8',
    })
    errors = new Map(fixtures.map(([name], i) => [name, linesOf(run.stdout, `f${i}.ts`)]))
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  function linesOf(output: string, file: string): string[] {
    return output.split('\n').filter((line) => basename(line.split('(')[0] ?? '') === file)
  }

  test('what shared/ may use compiles', () => {
    expect(errors.get('clean')).toEqual([])
  })

  for (const [what] of impure) {
    test(`${what} does not compile`, () => {
      expect(errors.get(what)?.join('\n')).toMatch(/error TS(2304|2307|2580|2584|2591|2868)/)
    })
  }
})
