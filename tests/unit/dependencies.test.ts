// Every dependency has a row in docs/DESIGN.md that says what for, where and why; and the row is true.
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Manifest {
  scripts: Record<string, string>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  optionalDependencies: Record<string, string>
}

const manifest: Manifest = JSON.parse(read('package.json'))
const declared = {
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
}

/** Packages the mission names: these must be imported by code, not merely mentioned. */
const named = [
  'werift',
  'simple-peer',
  '@noble/ciphers',
  'megajs',
  'hono',
  'node-schedule',
  'vitest',
]

interface Row {
  name: string
  purpose: string
  files: string[]
  reason: string
}

function rows(): Row[] {
  const section = read('docs/DESIGN.md')
    .split(/^## /m)
    .find((part) => part.startsWith('Dependencies'))
  const lines = (section ?? '').split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) => {
    const [, name = '', purpose = '', where = '', reason = ''] = line
      .split('|')
      .map((s) => s.trim())
    const files = [...where.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
    return { name: name.replaceAll('`', ''), purpose, files, reason }
  })
}

const table = rows()

function escaped(name: string): string {
  return name.replace(/[/.@-]/g, '\\$&')
}

function imports(file: string, name: string): boolean {
  return new RegExp(`(from|import|import\\()\\s*'${escaped(name)}(/[^']*)?'`).test(read(file))
}

function mentions(file: string, name: string): boolean {
  return new RegExp(`(^|[^\\w-])${escaped(name.replace(/^@types\//, ''))}($|[^\\w-])`, 'm').test(
    read(file),
  )
}

test('the table has one row for each declared package, and no other', () => {
  expect(Object.keys(declared).length).toBeGreaterThan(10)
  expect(table.map((row) => row.name).sort()).toEqual(Object.keys(declared).sort())
})

test('versions are exact', () => {
  for (const [name, version] of Object.entries(declared)) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
  }
})

describe('each row is true', () => {
  for (const { name, purpose, files, reason } of table) {
    test(name, () => {
      expect(purpose).not.toBe('')
      expect(reason.length, 'says why').toBeGreaterThan(15)
      expect(files.length, 'names a file').toBeGreaterThan(0)
      for (const file of files) {
        const proof = named.includes(name) ? imports(file, name) : mentions(file, name)
        expect(proof, `${file} does not use ${name}`).toBe(true)
      }
    })
  }
})

test('each package the mission names is in the table', () => {
  const names = table.map((row) => row.name)
  for (const name of named) expect(names).toContain(name)
})

test('product code imports nothing that is not a declared dependency', () => {
  const files = globSync('{shared,host,web,fallback-worker}/**/*.{ts,tsx}', { cwd: root })
  expect(files.length).toBeGreaterThan(10)
  const runtime = Object.keys(manifest.dependencies)
  for (const file of files.filter((name) => !name.includes('/dist/'))) {
    for (const match of read(file).matchAll(/^(?:import|export)[^'"]*\bfrom '([^'.][^']*)'/gm)) {
      const specifier = match[1] ?? ''
      if (/^(node|virtual|cloudflare):/.test(specifier)) continue
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      expect(runtime, `${file} imports ${specifier}`).toContain(name)
    }
  }
})

test('the lockfile names no registry host and agrees with package.json', () => {
  const lock = JSON.parse(read('package-lock.json'))
  expect(read('package-lock.json')).not.toContain('"resolved": "http')
  const own = lock.packages['']
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
    expect(own[kind]).toEqual(manifest[kind])
  }
})

test('CONTRIBUTING explains every script, and no script needs a shell', () => {
  const guide = read('CONTRIBUTING.md')
  for (const [name, script] of Object.entries(manifest.scripts)) {
    const call = name === 'test' || name === 'start' ? `npm ${name}` : `npm run ${name}`
    expect(guide, name).toContain(`\`${call}`)
    expect(script, 'runs on Windows too').not.toMatch(/[|&;<>$`]/)
  }
})
