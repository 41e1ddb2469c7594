// Every code a person may meet has words: short, kind, and with something to do next (SPEC §9, the look).
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { WORDS } from '../../web/words.ts'

// The codes exist as a type only, so the list is read where it is written.
const source = readFileSync(resolve(import.meta.dirname, '../../shared/error.ts'), 'utf8')
const codes = [...source.matchAll(/^ {2}\| '([a-z0-9-]+)'$/gm)].map((match) => String(match[1]))

test('the words cover exactly the closed list of codes', () => {
  expect(codes.length).toBeGreaterThan(30)
  expect(Object.keys(WORDS).sort()).toEqual([...codes].sort())
})

test.each(Object.entries(WORDS))('%s says what, why and what next', (_code, words) => {
  for (const text of [words.what, words.why, words.next]) {
    expect(text).toMatch(/^[A-Z].{8,}\.$/)
    expect(text).not.toMatch(/!|oops|null|undefined/i)
    expect(text.length).toBeLessThan(120)
  }
})

test('no two codes open with the same sentence', () => {
  const said = Object.values(WORDS).map((words) => words.what)
  expect(new Set(said).size).toBe(said.length)
})

test('silence names the firewall, a spent link says that it may have been used', () => {
  expect(WORDS['no-answer'].why).toContain('firewall')
  expect(WORDS['record-no-slot'].why).toContain('used')
})
