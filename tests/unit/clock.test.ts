// Whose clock is wrong, by how much, and in which words (SPEC §3.2).
import { describe, expect, test } from 'vitest'
import { Clock, diagnoseClock } from '../../web/clock.ts'
import { takeWords } from '../../web/language.ts'
import { en } from '../../web/messages/en.ts'
import type { Resolved } from '../../web/resolve.ts'
import { StateBox } from '../../web/state.ts'
import { clockWords, formatSpan } from '../../web/words.ts'

takeWords(en, 'en')

const NOW = Date.UTC(2026, 10, 23, 12)
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const unknown = { nowMs: NOW, hostMs: null, storeMs: null, issuedMs: null }

describe('by the time of the host', () => {
  test.each([
    ['ten minutes ahead', -10 * MINUTE],
    ['ten minutes behind', 10 * MINUTE],
    ['the same', 0],
  ])('%s is nobody’s concern', (_name, by) => {
    expect(diagnoseClock({ ...unknown, hostMs: NOW + by })).toBeNull()
  })

  test.each([
    ['20 minutes', 20 * MINUTE],
    ['2 days', 2 * DAY],
    ['57 years', NOW],
    ['73 years', NOW - Date.UTC(2100, 0, 1)],
  ])('%s is the device’s, both ways', (span, by) => {
    for (const aheadMs of [by, -by]) {
      const found = diagnoseClock({ ...unknown, hostMs: NOW - aheadMs })
      expect(found).toEqual({ whose: 'device', aheadMs, atLeast: false })
      const where = aheadMs > 0 ? 'ahead' : 'behind'
      expect(found && clockWords(found).what).toBe(`This device’s clock is ${span} ${where}.`)
    }
  })

  test('a store that agrees with the device makes it the host’s; one that does not changes nothing', () => {
    const hostMs = NOW + 2 * DAY
    expect(diagnoseClock({ ...unknown, hostMs, storeMs: NOW - 9 * MINUTE })).toEqual({
      whose: 'host',
      aheadMs: 2 * DAY,
      atLeast: false,
    })
    expect(diagnoseClock({ ...unknown, hostMs, storeMs: hostMs })?.whose).toBe('device')
    expect(diagnoseClock({ ...unknown, hostMs, storeMs: NOW - 11 * MINUTE })?.whose).toBe('device')
  })
})

describe('where nobody answered', () => {
  test('the stores’ time tells', () => {
    const storeMs = NOW - 3 * HOUR
    const found = diagnoseClock({ ...unknown, storeMs, issuedMs: NOW + DAY })
    expect(found).toEqual({ whose: 'device', aheadMs: 3 * HOUR, atLeast: false })
    expect(diagnoseClock({ ...unknown, storeMs: NOW + 10 * MINUTE })).toBeNull()
  })

  test('a clock before the record is behind by at least that; one after it may be right', () => {
    const found = diagnoseClock({ ...unknown, issuedMs: NOW + 2 * DAY })
    expect(found).toEqual({ whose: 'device', aheadMs: -2 * DAY, atLeast: true })
    expect(found && clockWords(found).what).toContain('at least 2 days behind')
    expect(diagnoseClock({ ...unknown, issuedMs: NOW + 10 * MINUTE - 1 })).toBeNull()
    expect(diagnoseClock({ ...unknown, issuedMs: NOW - 30 * DAY })).toBeNull()
    expect(diagnoseClock(unknown)).toBeNull()
  })
})

test('a span is said as people say it', () => {
  const said = [
    [11 * MINUTE, '11 minutes'],
    [119 * MINUTE, '119 minutes'],
    [2 * HOUR - 1000, '2 hours'],
    [47 * HOUR, '47 hours'],
    [2 * DAY - 1000, '2 days'],
    [-729 * DAY, '729 days'],
    [731 * DAY, '2 years'],
  ] as const
  for (const [ms, text] of said) expect(formatSpan(ms), text).toBe(text)
})

test('every sentence about a clock is one, and says that the chat goes on or what to do', () => {
  for (const whose of ['device', 'host'] as const) {
    for (const atLeast of [false, true]) {
      const { what, why, next } = clockWords({ whose, aheadMs: -2 * DAY, atLeast })
      for (const text of [what, why, next]) expect(text).toMatch(/^[A-Z].{8,}\.$/)
      expect(next).toMatch(/chat works|try again/)
    }
  }
})

describe('the clock of a page', () => {
  const found = (storeMs: number | null, issuedMs = NOW - HOUR) =>
    ({ storeMs, record: { issuedMs } }) as Pick<Resolved, 'storeMs' | 'record'>

  function page() {
    const time = { ms: NOW }
    const box = new StateBox()
    return { time, box, clock: new Clock(box, () => time.ms) }
  }

  test('takes the host’s time once it has heard it, and goes on from there', () => {
    const { time, clock } = page()
    expect(clock.timesMs()).toEqual([NOW, NOW])
    clock.heard(NOW - 2 * DAY)
    time.ms += 5000
    expect(clock.hostNowMs()).toBe(NOW - 2 * DAY + 5000)
    expect(clock.timesMs()).toEqual([NOW - 2 * DAY + 5000, NOW + 5000])
  })

  test('takes the stores’ time last, and forgets it when they no longer tell', () => {
    const { clock } = page()
    clock.found(found(NOW - DAY))
    expect(clock.timesMs()).toEqual([NOW, NOW, NOW - DAY])
    clock.found(found(null))
    expect(clock.timesMs()).toEqual([NOW, NOW])
  })

  test('is said when the host was heard or nobody answered, and no longer once it is right', () => {
    const { time, box, clock } = page()
    clock.heard(NOW - 2 * DAY)
    expect(box.value.clock).toMatchObject({ whose: 'device', aheadMs: 2 * DAY })
    time.ms -= 2 * DAY
    clock.heard(NOW - 2 * DAY)
    expect(box.value.clock).toBeNull()
    clock.found(found(null, NOW))
    expect(box.value.clock).toBeNull()
    clock.silent()
    expect(box.value.clock).toEqual({ whose: 'device', aheadMs: -2 * DAY, atLeast: true })
  })
})
