// The closing line is what CI and people read: it must not say "passed" for a run that did not run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const dir = mkdtempSync(resolve(root, 'node_modules/.reporter-test-'))
afterAll(() => rmSync(dir, { recursive: true }))

function runVitest(
  source: string | null,
  ci: boolean,
): { last: string; status: number | null; all: string } {
  if (source !== null) writeFileSync(resolve(dir, 'sample.test.ts'), source)
  else rmSync(resolve(dir, 'sample.test.ts'), { force: true })
  const reporter = resolve(root, 'tests/reporter.ts')
  const vitest = resolve(root, 'node_modules/vitest/vitest.mjs')
  writeFileSync(
    resolve(dir, 'vitest.config.ts'),
    `export default { test: { include: ['*.test.ts'], exclude: [], reporters: ['default', ${JSON.stringify(reporter)}] } }`,
  )
  const { CI: _, ...env } = process.env
  const run = spawnSync(process.execPath, [vitest, 'run', '--root', dir], {
    env: ci ? { ...env, CI: '1' } : env,
    encoding: 'utf8',
  })
  return {
    last: run.stdout.trimEnd().split('\n').at(-1) ?? '',
    status: run.status,
    all: run.stdout,
  }
}

const imports = `import { test, expect, beforeAll, describe } from 'vitest'\n`

test('counts passed and failed tests', () => {
  const run = runVitest(
    `${imports}test('a', () => {}); test('b', () => { expect(1).toBe(2) })`,
    false,
  )
  expect(run.last).toBe('1 passed, 1 failed')
  expect(run.all).toContain('\nfailed: sample.test.ts > b: expected 1 to be 2')
  expect(run.status).toBe(1)
})

test('names a skipped test with its reason, and fails in CI', () => {
  const source = `${imports}test('a', () => {}); test('b', (c) => c.skip('needs a moon'))`
  const home = runVitest(source, false)
  expect(home.last).toBe('1 passed, 0 failed, 1 skipped')
  expect(home.all).toContain('sample.test.ts > b (needs a moon)')
  expect(home.status).toBe(0)
  const ci = runVitest(source, true)
  expect(ci.last).toBe('1 passed, 0 failed, 1 skipped')
  expect(ci.status).toBe(1)
})

test('an import error is a failure', () => {
  const run = runVitest(`import './nowhere.ts'`, false)
  expect(run.last).toBe('0 passed, 1 failed')
  expect(run.status).toBe(1)
})

test('a failed hook is a failure even where its tests are only skipped', () => {
  const source = `${imports}describe('s', () => { beforeAll(() => { throw new Error('x') }); test('a', () => {}) })`
  const run = runVitest(source, false)
  expect(run.last).toMatch(/^0 passed, [1-9]\d* failed/)
  expect(run.status).toBe(1)
})

test('no tests at all is a failure', () => {
  const run = runVitest(null, false)
  expect(run.last).toBe('0 passed, 1 failed')
  expect(run.status).toBe(1)
})

test('a stray rejection is a failure', () => {
  const source = `${imports}test('a', async () => { Promise.reject(new Error('stray')); await new Promise((r) => setImmediate(r)) })`
  const run = runVitest(source, false)
  expect(run.last).toBe('1 passed, 1 failed')
  expect(run.status).toBe(1)
})
