// Where the lab cannot run it says so, and why (tests/tools.ts); tests/run.ts lists it as not run.
import { expect, test } from 'vitest'
import { absent, asksForLab, BROWSER_TOOLS, labLacks, TOOLS } from '../tools.ts'

const all = (): boolean => true
const none = (): boolean => false

test('the lab needs root, then its programs', () => {
  expect(labLacks(0, all)).toBeNull()
  expect(labLacks(1000, all)).toBe('needs root')
  expect(labLacks(undefined, all)).toBe('needs root')
  const withoutNmap = (file: unknown): boolean => file !== '/usr/bin/nmap'
  expect(labLacks(0, withoutNmap)).toBe('not installed: nmap')
  expect(absent(BROWSER_TOOLS, withoutNmap)).toEqual([])
  expect(absent(TOOLS, none)).toHaveLength(TOOLS.length)
})

test('only who names the lab asks for it', () => {
  expect(asksForLab(['--project', 'lab'])).toBe(true)
  expect(asksForLab(['--project=lab', '-t', 'roaming'])).toBe(true)
  expect(asksForLab(['--project', 'e2e', '-t', 'lab'])).toBe(false)
  expect(asksForLab([])).toBe(false)
})
