// When a conversation gets a fresh carrier, and when it is over (SPEC §1.3, §4.2, §6.2), under virtual time.
import { describe, expect, test } from 'vitest'
import {
  CALM_PING_MS,
  type Due,
  FORGIVEN_MS,
  FRESH_CARRIER_MS,
  type Heartbeat,
  lookMs,
  MAX_SUSPECT_MS,
  PING_MS,
  Pulse,
  SILENCE_MS,
  SUSPECT_MS,
  WAKE_MS,
} from '../../web/pulse.ts'

const START = 1_700_000_000_000
const carrier = (sinceMs = START): Heartbeat => ({ sinceMs, heardMs: sinceMs, askedMs: null })

/** A device that looks as often as it should, and a host that answers after `answerMs`, or never. */
class Bench {
  readonly pulse = new Pulse()
  live = carrier()
  nowMs = START
  answerMs: number | null = 10
  brisk = true
  isOtherOpen = false
  readonly seen: { readonly due: Due; readonly atMs: number }[] = []
  trusted = 0

  look(): Due {
    const { nowMs, brisk, live } = this
    const due = this.pulse.look({ nowMs, brisk }, live)
    if (due === 'nothing') return due
    this.seen.push({ due, atMs: nowMs })
    if (due !== 'silent') live.askedMs ??= nowMs
    return due
  }

  pass(ms: number): this {
    const endMs = this.nowMs + ms
    for (; this.nowMs < endMs; this.nowMs += lookMs(this.brisk)) {
      const { live, answerMs } = this
      const answeredMs = (live.askedMs ?? Infinity) + (answerMs ?? Infinity)
      const isHeard = answeredMs <= this.nowMs
      if (isHeard && this.pulse.heard(answeredMs, live, this.isOtherOpen)) this.trusted += 1
      this.look()
    }
    return this
  }

  /** of what was due so far */
  times(due: Due): number[] {
    return this.seen.filter((each) => each.due === due).map(({ atMs }) => atMs - START)
  }
}

const begun = (): Bench => new Bench().pass(10 * PING_MS)

test('a host that answers is asked on and on, at the pace that was asked for', () => {
  for (const brisk of [true, false]) {
    const bench = new Bench()
    bench.brisk = brisk
    const everyMs = brisk ? PING_MS : CALM_PING_MS
    bench.pass(10 * everyMs)
    expect(bench.times('ping')).toEqual(Array.from({ length: 10 }, (_, i) => i * everyMs))
    expect(bench.seen).toHaveLength(10)
  }
})

test('at six hours a fresh carrier is wanted, once', () => {
  const bench = new Bench()
  bench.brisk = false
  bench.pass(2 * FRESH_CARRIER_MS)
  expect(bench.times('fresh')).toEqual([FRESH_CARRIER_MS + lookMs(false)])
  // The one that came of it has an age of its own.
  bench.live = carrier(bench.nowMs)
  bench.pass(FRESH_CARRIER_MS)
  expect(bench.times('fresh')).toHaveLength(1)
})

describe('a host that does not answer any more', () => {
  test('is suspect once an answer is overdue, and given up much later', () => {
    for (const brisk of [true, false]) {
      const bench = begun()
      bench.brisk = brisk
      bench.answerMs = null
      const fromMs = bench.nowMs - START
      bench.pass(SILENCE_MS + CALM_PING_MS)
      const [suspectMs = 0, ...more] = bench.times('suspect')
      expect(more).toEqual([])
      const worstMs = (brisk ? PING_MS : CALM_PING_MS) + SUSPECT_MS + lookMs(brisk)
      expect(suspectMs - fromMs).toBeLessThanOrEqual(worstMs)
      const [silentMs = 0] = bench.times('silent')
      expect(silentMs - fromMs).toBeGreaterThan(SILENCE_MS - PING_MS)
    }
  })

  test('whatever was said to it last: what waits for its answer counts as a question', () => {
    const bench = begun()
    bench.answerMs = null
    bench.live.askedMs = bench.nowMs
    const fromMs = bench.nowMs - START
    bench.pass(PING_MS * 2)
    expect(bench.times('suspect')).toEqual([fromMs + SUSPECT_MS])
  })

  test('a look before its time asks at once where something suggests another path', () => {
    const bench = begun()
    expect(bench.look()).toBe('ping')
    bench.nowMs += 1
    expect(bench.look()).toBe('nothing')
    bench.pulse.doubt()
    bench.nowMs += 1
    expect(bench.look()).toBe('ping')
  })

  test('is given up after so long, and not a millisecond before', () => {
    const bench = new Bench()
    for (const ms of [0, 4000, 8000, SILENCE_MS]) {
      bench.nowMs = START + ms
      expect(bench.look()).not.toBe('silent')
    }
    bench.nowMs += 1
    expect(bench.look()).toBe('silent')
  })
})

describe('a false alarm', () => {
  /** A host that takes so long for each answer. */
  const slow = (answerMs: number): Bench => {
    const bench = begun()
    bench.answerMs = answerMs
    return bench
  }

  test('is called off by the answer, and makes patient: a slow line does not move on and on', () => {
    const bench = slow(SUSPECT_MS + 1000).pass(FORGIVEN_MS / 2)
    expect(bench.times('suspect')).toHaveLength(1)
    expect(bench.trusted).toBe(1)
    bench.answerMs = 2 * SUSPECT_MS + 1000
    bench.pass(FORGIVEN_MS / 2)
    expect(bench.times('suspect')).toHaveLength(2)
    bench.answerMs = 4 * SUSPECT_MS - lookMs(true)
    bench.pass(10 * FORGIVEN_MS)
    expect(bench.times('suspect')).toHaveLength(2)
  })

  /** How long after the host fell silent it was noticed. */
  const noticedAfter = (bench: Bench): number => {
    bench.answerMs = null
    bench.live.askedMs = bench.nowMs
    const fromMs = bench.nowMs - START
    bench.pass(SILENCE_MS)
    return Number(bench.times('suspect').at(-1)) - fromMs
  }
  const SHORT_MS = SUSPECT_MS + lookMs(true)

  test('is forgotten once answers were in time for a while', () => {
    for (const [ms, isShort] of [
      [FORGIVEN_MS + PING_MS, true],
      [FORGIVEN_MS / 2, false],
    ] as const) {
      const bench = slow(2 * SUSPECT_MS - lookMs(true)).pass(PING_MS * 4)
      expect(bench.trusted).toBe(1)
      bench.answerMs = 10
      bench.pass(ms)
      expect(noticedAfter(bench) <= SHORT_MS).toBe(isShort)
    }
  })

  test('is none where nothing came for long: that line was broken', () => {
    const bench = slow(MAX_SUSPECT_MS + PING_MS).pass(MAX_SUSPECT_MS + 2 * PING_MS)
    expect(bench.trusted).toBe(1)
    bench.answerMs = 10
    bench.pass(PING_MS * 2)
    expect(noticedAfter(bench)).toBeLessThanOrEqual(SHORT_MS)
  })

  test('is none where the other carrier is there already: that one was not slow', () => {
    const bench = slow(2 * SUSPECT_MS - lookMs(true))
    bench.isOtherOpen = true
    bench.pass(PING_MS * 2)
    expect(bench.trusted).toBe(1)
    bench.answerMs = 10
    bench.pass(PING_MS * 2)
    expect(noticedAfter(bench)).toBeLessThanOrEqual(SHORT_MS)
  })

  test('is none where this device itself was too busy to look', () => {
    const bench = begun()
    bench.answerMs = null
    expect(bench.look()).toBe('ping')
    for (let looks = 1; looks * lookMs(true) < SUSPECT_MS; looks++) {
      bench.nowMs += lookMs(true) + 2 * SUSPECT_MS
      expect(bench.look()).not.toBe('suspect')
    }
    bench.nowMs += lookMs(true)
    expect(bench.look()).toBe('suspect')
  })
})

test.each([
  ['slept for an hour', 3_600_000],
  ['slept a little longer than a look takes', WAKE_MS + 1],
  ['set its clock back', -1],
  ['set its clock back a year', -365 * 86_400_000],
])('a device that %s opens a fresh carrier, and the old one may still answer', (_, jumpMs) => {
  const bench = new Bench()
  expect(bench.look()).toBe('ping')
  bench.nowMs = START + jumpMs
  expect(bench.look()).toBe('fresh')
  const fromMs = bench.nowMs
  bench.answerMs = null
  bench.pass(SILENCE_MS + PING_MS)
  expect(bench.seen.find(({ due }) => due === 'silent')?.atMs).toBeGreaterThan(fromMs + SILENCE_MS)
})

test('a late look is no sleep, and none follows a pause without a carrier', () => {
  const bench = new Bench()
  bench.look()
  bench.nowMs = START + WAKE_MS - 1
  bench.pulse.heard(bench.nowMs, bench.live, false)
  bench.nowMs += 1
  expect(bench.look()).toBe('ping')
  bench.pulse.rest()
  bench.nowMs = START + 10 * WAKE_MS
  bench.live = carrier(bench.nowMs)
  expect(bench.look()).toBe('ping')
})
