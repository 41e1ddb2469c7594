// When a device dials, and what a failure means: web/redial.ts, under any order of events.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Route } from '../../shared/constants.ts'
import { SHORTER } from '../../web/open.ts'
import {
  BACKOFF_MS,
  counts,
  HEDGE_MS,
  MAX_DIALS,
  QUICK_TRIES,
  REDIAL_TIMERS,
  type RedialEffect,
  type RedialInput,
  type RedialState,
  type RedialTimer,
  restingRedial,
  STEADY_MS,
  stepRedial,
  UPGRADE_MS,
} from '../../web/redial.ts'

/** Keeps the timers that the machine sets, and remembers what it asked for. */
class Bench {
  state: RedialState = restingRedial(SHORTER)
  readonly timers = new Map<RedialTimer, number>()
  last: readonly RedialEffect[] = []

  feed(input: RedialInput): readonly RedialEffect[] {
    if (input.type === 'fired') this.timers.delete(input.timer)
    ;[this.state, this.last] = stepRedial(this.state, input)
    for (const effect of this.last) {
      if (effect.type !== 'timer') continue
      if (effect.ms === null) this.timers.delete(effect.timer)
      else this.timers.set(effect.timer, effect.ms)
    }
    return this.last
  }

  get dialled(): Extract<RedialEffect, { type: 'dial' }>[] {
    return this.last.filter((effect) => effect.type === 'dial')
  }

  get isDown(): boolean | null {
    return this.last.find((effect) => effect.type === 'down')?.lasting ?? null
  }

  /** connected by `route` */
  static up(route: Route): Bench {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    bench.feed({ type: 'up', dial: 1, route })
    return bench
  }
}

describe('one dial at a time', () => {
  test('a second wish waits for the first dial', () => {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    expect(bench.dialled).toMatchObject([{ dial: 1, way: {}, beside: false, urgent: false }])
    expect(bench.feed({ type: 'want' })).toEqual([])
  })

  test('a network that comes back is dialled on at once, whatever the dial before hangs on', () => {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    bench.feed({ type: 'network' })
    expect(bench.dialled).toMatchObject([{ dial: 2, way: {} }])
    // The older one's failure says nothing of the newer network.
    bench.feed({ type: 'failed', dial: 1 })
    expect(bench.isDown).toBe(null)
    expect(bench.timers.has('retry')).toBe(false)
    bench.feed({ type: 'up', dial: 2, route: 'direct' })
    expect(bench.state).toMatchObject({ route: 'direct', running: [] })
  })

  test('also if as many as may be hang on networks that are gone: the oldest comes to nothing', () => {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    for (let dial = 2; dial <= MAX_DIALS + 1; dial++) {
      bench.feed({ type: 'network' })
      expect(bench.dialled).toMatchObject([{ dial, way: {}, hedge: false }])
    }
    const counting = Array.from({ length: MAX_DIALS + 1 }, (_, i) => counts(bench.state, i + 1))
    expect(counting).toEqual([false, ...new Array(MAX_DIALS).fill(true)])
  })

  test('one that takes long may hang on what was true when it began: others begin beside it, and whichever is first wins', () => {
    for (const winner of [1, 2, 3]) {
      const bench = new Bench()
      bench.feed({ type: 'want' })
      for (const dial of [2, 3]) {
        expect(bench.timers.get('hedge')).toBe(HEDGE_MS)
        bench.feed({ type: 'fired', timer: 'hedge' })
        expect(bench.dialled).toMatchObject([{ dial, way: {}, hedge: true }])
      }
      bench.feed({ type: 'up', dial: winner, route: 'direct' })
      const others = [1, 2, 3].filter((dial) => dial !== winner)
      expect(others.map((dial) => counts(bench.state, dial))).toEqual([false, false])
      expect(bench.timers.has('hedge')).toBe(false)
    }
  })

  test('with as many under way as may be, the next one waits for its turn', () => {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    for (let dial = 2; dial <= MAX_DIALS; dial++) bench.feed({ type: 'fired', timer: 'hedge' })
    bench.feed({ type: 'fired', timer: 'hedge' })
    expect(bench.dialled).toEqual([])
    bench.feed({ type: 'failed', dial: 1 })
    expect(bench.timers.get('hedge')).toBe(HEDGE_MS)
    bench.feed({ type: 'fired', timer: 'hedge' })
    expect(bench.dialled).toMatchObject([{ dial: MAX_DIALS + 1 }])
  })

  test('one that fails is followed by another, whatever the others hang on', () => {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    bench.feed({ type: 'fired', timer: 'hedge' })
    bench.feed({ type: 'failed', dial: 1 })
    expect(bench.timers.get('retry')).toBe(BACKOFF_MS[0])
    bench.feed({ type: 'fired', timer: 'retry' })
    expect(bench.dialled).toMatchObject([{ dial: 3, way: {}, hedge: true }])
  })

  test('so it goes for some minutes, and each failure is told; then one at a time is enough', () => {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    bench.feed({ type: 'fired', timer: 'hedge' })
    const told = Array.from({ length: QUICK_TRIES }, (_, i) => {
      bench.feed({ type: 'failed', dial: i + 1 })
      const { isDown } = bench
      bench.feed({ type: 'fired', timer: 'hedge' })
      return isDown
    })
    expect(told).toEqual([false, ...new Array(QUICK_TRIES - 1).fill(true)])
    expect(bench.timers.has('hedge')).toBe(false)
    for (const { id } of bench.state.running) bench.feed({ type: 'failed', dial: id })
    expect(bench.timers.get('retry')).toBeGreaterThan(HEDGE_MS / 2)
    bench.feed({ type: 'fired', timer: 'retry' })
    expect(bench.state.running).toHaveLength(1)
    expect(bench.timers.has('hedge')).toBe(false)
  })

  test('what began before is of no use once a later dial is up, unless the host goes on with it', () => {
    const bench = new Bench()
    bench.feed({ type: 'want' })
    bench.feed({ type: 'network' })
    bench.feed({ type: 'up', dial: 2, route: 'direct' })
    expect(counts(bench.state, 1)).toBe(false)
    expect(bench.feed({ type: 'failed', dial: 1 })).toEqual([])
    expect(bench.state.route).toBe('direct')
    bench.feed({ type: 'up', dial: 1, route: 'relay' })
    expect(bench.state.route).toBe('relay')
    expect(bench.timers.get('upgrade')).toBe(UPGRADE_MS[0])
  })

  test('the carrier ends while only a shorter way is tried: every way is tried beside it', () => {
    const bench = Bench.up('relay')
    bench.feed({ type: 'fired', timer: 'upgrade' })
    expect(bench.dialled).toMatchObject([{ way: { routes: ['direct', 'mailbox'] }, beside: true }])
    bench.feed({ type: 'ended', heldMs: 0, replaced: false })
    bench.feed({ type: 'fired', timer: 'retry' })
    expect(bench.dialled).toMatchObject([{ dial: 3, way: {}, beside: false }])
  })
})

describe('a carrier whose answers are overdue', () => {
  const suspect = { type: 'suspect', heldMs: STEADY_MS + 1 } as const

  test('another one is dialled beside it at once, by every way, and replaces it', () => {
    const bench = Bench.up('direct')
    bench.feed(suspect)
    expect(bench.dialled).toMatchObject([{ dial: 2, way: {}, beside: true, urgent: true }])
    expect(bench.isDown).toBe(null)
    bench.feed({ type: 'up', dial: 2, route: 'relay' })
    expect(bench.state).toMatchObject({ route: 'relay', suspect: false, running: [] })
  })

  test('if they come after all, that dial comes to nothing', () => {
    const bench = Bench.up('relay')
    bench.feed(suspect)
    bench.feed({ type: 'fired', timer: 'hedge' })
    bench.feed({ type: 'trusted' })
    expect([2, 3].map((dial) => counts(bench.state, dial))).toEqual([false, false])
    expect([...bench.timers.keys()]).toEqual(['upgrade'])
    expect(bench.feed({ type: 'failed', dial: 2 })).toEqual([])
  })

  test('a dial that fails is followed by others until it is trusted or gone', () => {
    const bench = Bench.up('direct')
    bench.feed(suspect)
    bench.feed({ type: 'failed', dial: 2 })
    expect(bench.timers.get('retry')).toBe(BACKOFF_MS[0])
    bench.feed({ type: 'fired', timer: 'retry' })
    expect(bench.dialled).toMatchObject([{ dial: 3, way: {} }])
    bench.feed({ type: 'ended', heldMs: 0, replaced: false })
    expect(bench.isDown).toBe(false)
    expect(counts(bench.state, 3)).toBe(true)
  })

  test('a dial that is under way for another reason began before: one more begins, and only that one is called off', () => {
    const bench = Bench.up('direct')
    bench.feed({ type: 'want' })
    bench.feed(suspect)
    expect(bench.dialled).toMatchObject([{ dial: 3, way: {}, beside: true }])
    expect(bench.timers.get('hedge')).toBe(HEDGE_MS)
    bench.feed({ type: 'trusted' })
    expect([2, 3].map((dial) => counts(bench.state, dial))).toEqual([true, false])
  })

  test('what is dialled meanwhile only for a shorter way or another port is not urgent', () => {
    const bench = Bench.up('relay')
    bench.feed({ type: 'fired', timer: 'upgrade' })
    expect(bench.dialled).toMatchObject([{ urgent: false }])
  })
})

describe('after a failure', () => {
  test('the next try comes later each time, and the second failure is worth words', () => {
    const bench = new Bench()
    const seen = Array.from({ length: BACKOFF_MS.length + 1 }, (_, i) => {
      bench.feed(i === 0 ? { type: 'want' } : { type: 'fired', timer: 'retry' })
      bench.feed({ type: 'failed', dial: i + 1 })
      return [bench.timers.get('retry'), bench.isDown]
    })
    const expected = [...BACKOFF_MS, BACKOFF_MS.at(-1)].map((ms, i) => [ms, i > 0])
    expect(seen).toEqual(expected)
  })

  test('a person who asks is not made to wait like a machine', () => {
    const bench = new Bench()
    for (let dial = 1; dial < 6; dial++) {
      bench.feed({ type: 'want' })
      bench.feed({ type: 'failed', dial })
    }
    bench.feed({ type: 'want', soon: true })
    bench.feed({ type: 'failed', dial: 6 })
    expect(bench.timers.get('retry')).toBe(BACKOFF_MS[0])
  })

  test('a conversation that held returns quickly, one that breaks at once does not, and a copy of the keys least of all', () => {
    const waits = [STEADY_MS + 1, STEADY_MS].map((heldMs) => {
      const bench = new Bench()
      for (const dial of [1, 2]) {
        bench.feed({ type: 'want' })
        bench.feed({ type: 'failed', dial })
      }
      bench.feed({ type: 'want' })
      bench.feed({ type: 'up', dial: 3, route: 'direct' })
      bench.feed({ type: 'ended', heldMs, replaced: false })
      return bench.timers.get('retry')
    })
    expect(waits).toEqual([BACKOFF_MS[0], BACKOFF_MS[2]])
    const copied = Bench.up('direct')
    copied.feed({ type: 'ended', heldMs: STEADY_MS * 2, replaced: true })
    expect(copied.timers.get('retry')).toBe(BACKOFF_MS.at(-1))
  })

  test('a fresh carrier that was not to be had is tried again; the one in use stays', () => {
    const bench = Bench.up('direct')
    bench.feed({ type: 'want' })
    bench.feed({ type: 'failed', dial: 2 })
    expect(bench.isDown).toBe(null)
    expect(bench.state.route).toBe('direct')
    expect(bench.timers.has('retry')).toBe(true)
  })
})

describe('shorter ways', () => {
  test('a longer way tries the shorter ones again and again, ever more rarely; the shortest stays', () => {
    const bench = Bench.up('mailbox')
    const waits = Array.from({ length: UPGRADE_MS.length + 1 }, (_, i) => {
      const wait = bench.timers.get('upgrade')
      bench.feed({ type: 'fired', timer: 'upgrade' })
      expect(bench.dialled).toMatchObject([{ way: { routes: ['direct'] } }])
      bench.feed({ type: 'failed', dial: i + 2 })
      expect([bench.isDown, bench.timers.has('retry')]).toEqual([null, false])
      return wait
    })
    expect(waits).toEqual([...UPGRADE_MS, UPGRADE_MS.at(-1)])
    expect(Bench.up('direct').timers.size).toBe(0)
  })
})

describe('moving to a new port', () => {
  test('by the route in use; from a relay by a shorter one', () => {
    for (const [route, routes] of [
      ['direct', undefined],
      ['relay', ['direct', 'mailbox']],
    ] as const) {
      const bench = Bench.up(route)
      bench.feed({ type: 'notice', epoch: 7, inMs: 1234 })
      expect(bench.timers.get('move')).toBe(1234)
      bench.feed({ type: 'fired', timer: 'move' })
      expect(bench.dialled).toMatchObject([{ way: { onlyEpoch: 7, routes }, beside: true }])
    }
  })

  test('waits for a dial that is under way, and is not forgotten', () => {
    const bench = Bench.up('direct')
    bench.feed({ type: 'notice', epoch: 7, inMs: 0 })
    bench.feed({ type: 'want' })
    bench.feed({ type: 'fired', timer: 'move' })
    expect(bench.dialled).toEqual([])
    bench.feed({ type: 'up', dial: 2, route: 'direct' })
    bench.feed({ type: 'fired', timer: 'move' })
    expect(bench.dialled).toMatchObject([{ way: { onlyEpoch: 7 } }])
  })

  test('without a carrier there is nothing to move: the next dial finds the new port', () => {
    const bench = Bench.up('direct')
    bench.feed({ type: 'notice', epoch: 7, inMs: 0 })
    bench.feed({ type: 'ended', heldMs: 0, replaced: false })
    expect(bench.feed({ type: 'fired', timer: 'move' })).toEqual([])
  })
})

describe('in any order of events', () => {
  const dial = fc.nat({ max: 12 })
  const input: fc.Arbitrary<RedialInput> = fc.oneof(
    fc.record({ type: fc.constant('want' as const), soon: fc.boolean() }),
    fc.record({ type: fc.constantFrom('network' as const, 'trusted' as const) }),
    fc.record({ type: fc.constant('suspect' as const), heldMs: fc.nat() }),
    fc.record({
      type: fc.constant('fired' as const),
      timer: fc.constantFrom<RedialTimer>(...REDIAL_TIMERS),
    }),
    fc.record({
      type: fc.constant('up' as const),
      dial,
      route: fc.constantFrom<Route>('direct', 'mailbox', 'relay'),
    }),
    fc.record({ type: fc.constant('failed' as const), dial }),
    fc.record({
      type: fc.constant('ended' as const),
      heldMs: fc.nat(),
      replaced: fc.boolean(),
    }),
    fc.record({ type: fc.constant('notice' as const), epoch: fc.nat(), inMs: fc.nat() }),
  )

  test('there is always a carrier, a dial or a time for the next; never too many dials', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        const bench = new Bench()
        bench.feed({ type: 'want' })
        for (const each of inputs) {
          // A timer that is not set does not fire, and what is not there does not end.
          if (each.type === 'fired' && !bench.timers.has(each.timer)) continue
          const ofCarrier = each.type === 'ended' || each.type === 'suspect'
          if (ofCarrier && bench.state.route === null) continue
          bench.feed(each)
          const { running, route } = bench.state
          expect(running.length).toBeLessThanOrEqual(MAX_DIALS)
          const waiting = bench.timers.has('retry')
          expect(route !== null || running.length > 0 || waiting).toBe(true)
          const longer = route !== null && SHORTER[route].length > 0
          if (longer) expect(running.length > 0 || bench.timers.has('upgrade')).toBe(true)
        }
        bench.feed({ type: 'rest' })
        expect(bench.timers.size).toBe(0)
        expect(bench.state).toMatchObject({ route: null, running: [] })
      }),
      { numRuns: 2000 },
    )
  })
})
