// A page with a PIN locks itself when no tab was used for as long as its person chose.
import { expect, test } from 'vitest'
import { Idle } from '../../web/idle.ts'

const MINUTE = 60_000

function idleness(minutes: number) {
  const at = { nowMs: 1_700_000_000_000, elsewhereMs: 0, locked: 0, minutes }
  const idle = new Idle({
    now: () => at.nowMs,
    minutes: () => at.minutes,
    usedMs: () => at.elsewhereMs,
    onUse: () => undefined,
    onIdle: () => {
      at.locked += 1
    },
  })
  return { at, idle }
}

test('after its minutes without use, and not one before', () => {
  const { at, idle } = idleness(5)
  at.nowMs += 5 * MINUTE - 1
  idle.look()
  expect(at.locked).toBe(0)
  at.nowMs += 1
  idle.look()
  expect(at.locked).toBe(1)
})

test('a use begins them anew, here or in another tab', () => {
  const { at, idle } = idleness(5)
  at.nowMs += 4 * MINUTE
  idle.use()
  at.nowMs += 4 * MINUTE
  at.elsewhereMs = at.nowMs
  at.nowMs += 4 * MINUTE
  idle.look()
  expect(at.locked).toBe(0)
})

test('a key that wakes a page which slept too long comes too late', () => {
  const { at, idle } = idleness(1)
  at.nowMs += 60 * MINUTE
  idle.use()
  expect(at.locked).toBe(1)
})

test('a clock that was set back by hours counts as long; with "never" nothing does', () => {
  const { at, idle } = idleness(15)
  at.nowMs -= 120 * MINUTE
  idle.look()
  expect(at.locked).toBe(1)
  const never = idleness(0)
  never.at.nowMs += 10_000 * MINUTE
  never.idle.look()
  expect(never.at.locked).toBe(0)
})
