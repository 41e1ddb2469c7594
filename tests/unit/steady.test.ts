// The clock that messages are deleted by (SPEC §7.10): never ahead of one that nobody sets, unless that has lasted.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  believed,
  CONFIRM_MS,
  STEADY_TOLERANCE_MS,
  type Steady,
  steadyMs,
  stepSteady,
  UNKNOWN,
} from '../../shared/steady.ts'

const START = 1_700_000_000_000
const DAY_MS = 86_400_000

/** Reads a clock that is off by what `offBy` says, at times of one that never is. */
function read(monos: readonly number[], offBy: (monoMs: number) => number, from: Steady) {
  return monos.map((monoMs) => {
    from = stepSteady(from, { wallMs: START + monoMs + offBy(monoMs), monoMs })
    return steadyMs(from, monoMs) - START - monoMs
  })
}
const minutes = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => (from + i) * 60_000)
const RIGHT = believed({ wallMs: START, monoMs: 0 })

test('a clock that is right counts, also after any time in which nobody looked', () => {
  expect(read([0, 1000, DAY_MS, 400 * DAY_MS], () => 0, RIGHT)).toEqual([0, 0, 0, 0])
  // What a time server corrects.
  expect(read([0, 60_000], (ms) => (ms === 0 ? 0 : STEADY_TOLERANCE_MS), RIGHT)).toEqual([
    0,
    STEADY_TOLERANCE_MS,
  ])
})

test('a clock set ahead and then right again never counted', () => {
  const wrong = (ms: number): number => (ms >= 120_000 && ms < 600_000 ? DAY_MS : 0)
  expect(new Set(read(minutes(0, 60), wrong, RIGHT))).toEqual(new Set([0]))
})

test('a clock set ahead counts once it has stood so; each jump anew', () => {
  const twice = (ms: number): number => (ms < 300_000 ? DAY_MS : 2 * DAY_MS)
  const seen = read(minutes(1, 30), twice, RIGHT)
  const first = seen.indexOf(2 * DAY_MS)
  expect(seen).not.toContain(DAY_MS)
  expect(first).toBe(4 + CONFIRM_MS / 60_000)
})

test('a clock set back counts at once', () => {
  expect(read([0, 60_000], (ms) => (ms === 0 ? 0 : -DAY_MS), RIGHT)).toEqual([0, -DAY_MS])
})

test('a clock of which nothing is known counts once it has stood', () => {
  const seen = read(minutes(0, 12), () => 0, UNKNOWN)
  expect(seen.slice(0, 10).every((off) => off === Number.NEGATIVE_INFINITY)).toBe(true)
  expect(seen.slice(10)).toEqual([0, 0, 0])
})

test('no jump ahead that lasts less than it must is ever believed', () => {
  const jump = fc.record({
    afterMs: fc.integer({ min: CONFIRM_MS, max: DAY_MS }),
    lastsMs: fc.integer({ min: 1, max: CONFIRM_MS - 1 }),
    byMs: fc.integer({ min: -DAY_MS, max: 1000 * DAY_MS }),
  })
  const looks = fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 200 })
  fc.assert(
    fc.property(fc.array(jump, { maxLength: 5 }), looks, (jumps, gaps) => {
      const wrong: [from: number, to: number, byMs: number][] = []
      let at = 0
      for (const { afterMs, lastsMs, byMs } of jumps) {
        wrong.push([at + afterMs, at + afterMs + lastsMs, byMs])
        at += afterMs + lastsMs
      }
      const offBy = (ms: number): number =>
        wrong.find(([from, to]) => ms >= from && ms < to)?.[2] ?? 0
      let monoMs = 0
      const monos = gaps.map((gap) => {
        monoMs += gap
        return monoMs
      })
      for (const off of read(monos, offBy, RIGHT))
        expect(off).toBeLessThanOrEqual(STEADY_TOLERANCE_MS)
    }),
  )
})
