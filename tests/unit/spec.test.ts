// docs/SPEC.md says what the code does: every constant, label, error, message type, event kind and limit, with its value.
// Both ways where SPEC has a closed table, so that neither a new constant nor a stale row goes unnoticed.
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DEFAULT_ROTATION } from '../../host/config.ts'
import { LIMIT } from '../../host/gate.ts'
import { FILE_TYPE } from '../../shared/files.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const spec = read('docs/SPEC.md')
const sources = globSync('shared/*.ts', { cwd: root }).sort()

/** The cells of the table rows between two headings, without heads and rules. */
function rows(from: string, to: string): string[][] {
  const start = spec.indexOf(`\n${from}`)
  const end = spec.indexOf(`\n${to}`, start)
  expect([from, start >= 0, to, end > start]).toEqual([from, true, to, true])
  const lines = spec.slice(start, end).split('\n')
  const isRule = (line = ''): boolean => /^\|[\s|-]+\|$/.test(line)
  return lines
    .filter((line, i) => line.startsWith('| ') && !isRule(line) && !isRule(lines[i + 1]))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

const ticked = (cell = ''): string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => String(name))

type Constant = readonly [name: string, value: string]

/** How §1.3 writes a value; null for what is no constant. */
function written(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'string') return String(value)
  if (Array.isArray(value)) return value.join(', ')
  if (typeof value !== 'object' || value === null) return null
  const entries = Object.entries(value)
  if (entries.length === 0 || entries.some(([, v]) => typeof v !== 'number')) return null
  return entries.map(([name, v]) => `${name} ${v}`).join(', ')
}

async function constants(): Promise<Constant[]> {
  const found: Constant[] = []
  for (const path of sources) {
    const module = (await import(join(root, path))) as Record<string, unknown>
    for (const [name, value] of Object.entries(module)) {
      const text = written(value)
      if (text !== null) found.push([name, text])
    }
  }
  return found
}

describe('constants', () => {
  const all = rows('## ', '## 9 ')
  const listed = all.filter(([name = '']) => /^`[A-Z0-9_]+`$/.test(name))

  test('each one that shared/ exports has a row with its value', async () => {
    const found = await constants()
    expect(found.length).toBeGreaterThan(35)
    const told = new Map(listed.map(([name, value]) => [ticked(name)[0], value]))
    expect(found.map(([name]) => [name, told.get(name)])).toEqual(found)
  })

  test('each row names one that there is', async () => {
    const names = new Set((await constants()).map(([name]) => name))
    expect(listed.filter(([name]) => !names.has(ticked(name)[0] ?? ''))).toEqual([])
  })

  const times = all.filter(([side]) => side === 'host' || side === 'device')
  const timed = times.filter(([, cell]) => /\.ts` `/.test(cell ?? ''))

  test('times of one side are those of its source', () => {
    expect(timed.length).toBeGreaterThanOrEqual(10)
    for (const [, cell, value] of timed) {
      const [path = '', name = ''] = ticked(cell)
      const found = new RegExp(`^(?:export )?const ${name} = ([0-9_* ]+)$`, 'm').exec(read(path))
      const product = found?.[1]
        ?.split('*')
        .reduce((n, factor) => n * Number(factor.replaceAll('_', '')), 1)
      expect([cell, product]).toEqual([cell, Number(value)])
    }
  })

  const named = (from: string, to: string): Record<string, number> =>
    Object.fromEntries(rows(from, to).map(([, name, value]) => [ticked(name)[0], Number(value)]))

  test('limits of the gate (§4.1) and times of the rotation (§4.3)', () => {
    expect(named('### 4.1 ', '### 4.2 ')).toEqual(LIMIT)
    expect(named('### 4.3 ', 'notice + grace')).toEqual(DEFAULT_ROTATION)
  })
})

describe('labels (§1.1)', () => {
  const table = rows('### 1.1 ', '### 1.2 ').flatMap(([label, usedAs, , then]) =>
    ticked(label).map((name) => ({ name, then, reserved: usedAs?.includes('reserved') === true })),
  )
  const code = sources.map(read).join('\n')

  test('whole ones, and whether 00 follows', () => {
    const used = [...code.matchAll(/'clawchat\/v1 ([a-z0-9 ]+)(\\0)?'/g)]
    const found = used.map(
      ([, name, zero]) => `clawchat/v1 ${name}, ${zero === undefined ? '–' : '00'}`,
    )
    const told = table.filter(({ name }) => name.startsWith('clawchat/v1 '))
    expect(found.length).toBeGreaterThan(9)
    expect(told.map(({ name, then }) => `${name}, ${then}`).sort()).toEqual(
      [...new Set(found)].sort(),
    )
  })

  test('those of kdf', () => {
    const found = [...code.matchAll(/\bkdf\([^,()]+, '([a-z0-9 ]+)'/g)].map(([, name]) =>
      String(name),
    )
    const told = table.filter(({ then, reserved }) => then === 'kdf' && !reserved)
    expect(found.length).toBeGreaterThan(8)
    expect(told.map(({ name }) => name).sort()).toEqual([...new Set(found)].sort())
  })
})

/** `const NAME = { a: 1, 'b-c': 0x02 }`, which the module keeps to itself. */
function table(path: string, name: string): Record<string, number> {
  const [, body = ''] = new RegExp(`^const ${name} = \\{([^}]*)\\}`, 'm').exec(read(path)) ?? []
  const entries = [...body.matchAll(/'?([a-z-]+)'?: (0x[0-9a-f]+|\d+)/g)]
  return Object.fromEntries(entries.map(([, key, value]) => [key, Number(value)]))
}

const lower = (name = ''): string => name.toLowerCase().replace('_', '-')

describe('messages, events, errors', () => {
  test('types of messages (§6.1)', () => {
    const listed = rows('### 6.1 ', 'An unknown type').map(([type, name]) => [
      lower(name),
      Number.parseInt(type ?? '', 16),
    ])
    expect(listed).toHaveLength(25)
    expect(Object.fromEntries(listed)).toEqual(table('shared/messages.ts', 'TYPE'))
  })

  test('types of messages about files (§6.5)', () => {
    const listed = rows('### 6.5 ', '**Up.**').map(([type, name]) => [
      lower(name),
      Number.parseInt(type ?? '', 16),
    ])
    expect(Object.fromEntries(listed)).toEqual(FILE_TYPE)
  })

  test('kinds of events (§7)', () => {
    const listed = rows('## 7 ', 'An unknown kind').map(([kind, name]) => [
      lower(name),
      Number(kind),
    ])
    expect(listed).toHaveLength(10)
    expect(Object.fromEntries(listed)).toEqual(table('shared/events.ts', 'KIND'))
  })

  test('codes of errors (§9)', () => {
    const source = read('shared/error.ts')
    const codes = [...source.matchAll(/^ {2}\| '([a-z0-9-]+)'$/gm)].map(([, code]) => String(code))
    let stem = ''
    // `record-missing`, `-forged`: a code that begins with a dash shares the first word of the one before.
    const told = rows('## 9 ', '### 9.1 ').flatMap(([cell]) =>
      ticked(cell).map((code) => {
        if (code.startsWith('-')) return stem + code
        stem = code.split('-')[0] ?? ''
        return code
      }),
    )
    expect(codes.length).toBeGreaterThan(30)
    expect(told.sort()).toEqual(codes.sort())
  })

  test('every section that the code names is there', () => {
    const files = globSync('{shared,host,web,fallback-worker}/**/*.{ts,tsx}', {
      cwd: root,
      exclude: ['**/dist/**'],
    })
    const named = files.flatMap((path) =>
      [...read(path).matchAll(/SPEC((?:,? (?:and )?§\d+(?:\.\d+)?(?:–§?\d+)?)+)/g)].flatMap(
        ([, list]) =>
          [...String(list).matchAll(/§(\d+(?:\.\d+)?)/g)].map(([, section]) => String(section)),
      ),
    )
    const headings = new Set([...spec.matchAll(/^#{2,3} (\d+(?:\.\d+)?)/gm)].map(([, n]) => n))
    expect(named.length).toBeGreaterThan(40)
    expect([...new Set(named)].filter((section) => !headings.has(section))).toEqual([])
  })
})
