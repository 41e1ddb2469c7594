// The table of negative cases in SPEC §10 is true: each test that it names is there.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const spec = readFileSync(resolve(root, 'docs/SPEC.md'), 'utf8')
const section = spec.slice(spec.indexOf('## 10 '), spec.indexOf('## 11 '))

/** `| case | file: name; name | …`: names are the test's own words, or a part of them. */
const rows = section
  .split('\n')
  .filter(
    (line) => line.startsWith('| ') && !line.startsWith('| case') && !line.startsWith('| ---'),
  )
  .map((line) => line.split('|').map((cell) => cell.trim()))

test('the table has its rows', () => {
  expect(rows.length).toBeGreaterThan(60)
})

test.each(rows.map(([, what = '', where = '']) => ({ what, where })))('$what', ({ where }) => {
  if (/^later: /.test(where)) return
  const found = /^`([^`]+)`: (.+)$/.exec(where)
  expect(found, where).not.toBeNull()
  const [, file = '', names = ''] = found ?? []
  const text = readFileSync(resolve(root, 'tests', file), 'utf8')
  for (const name of names.split(' ¦ ')) expect(text, `${file}: ${name}`).toContain(name)
})
