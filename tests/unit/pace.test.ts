// How fast a relay is used (SPEC §4.4), under virtual time.
import { expect, test } from 'vitest'
import { RELAY_BURST, RELAY_PER_SECOND } from '../../shared/constants.ts'
import { Pace, PacedQueue } from '../../shared/pace.ts'

test('a burst at once, then so many a second, and never more in any second', () => {
  const pace = new Pace(0)
  let taken = 0
  while (pace.take(0) === 0) taken += 1
  expect(taken).toBe(RELAY_BURST)
  for (let ms = 1; ms <= 10_000; ms++) while (pace.take(ms) === 0) taken += 1
  expect(taken).toBe(RELAY_BURST + 10 * RELAY_PER_SECOND)
})

test('says how long to wait, and a clock that goes back gives nothing away', () => {
  const pace = new Pace(1000, 10, 1)
  expect(pace.take(1000)).toBe(0)
  const wait = pace.take(1000)
  expect(wait).toBe(100)
  expect(pace.take(500)).toBe(100)
  expect(pace.take(500 + wait)).toBe(0)
})

test('a queue keeps order, waits, tells when it is empty, and ends', async () => {
  let nowMs = 0
  const timers: { atMs: number; run: () => void }[] = []
  const sent: number[] = []
  const queue = new PacedQueue<Uint8Array>({
    send: ([first = -1]) => void sent.push(first),
    now: () => nowMs,
    after: (ms, run) => {
      const timer = { atMs: nowMs + ms, run }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
  })
  const all = Array.from({ length: RELAY_BURST + 100 }, (_, i) => i % 256)
  for (const n of all) queue.push(Uint8Array.of(n))
  expect(sent).toEqual(all.slice(0, RELAY_BURST))
  let drained = false
  void queue.drained().then(() => {
    drained = true
  })
  while (timers.length > 0) {
    expect(timers).toHaveLength(1)
    const timer = timers.shift()
    nowMs = timer?.atMs ?? 0
    timer?.run()
  }
  await Promise.resolve()
  expect([sent, drained]).toEqual([all, true])
  expect(nowMs).toBeGreaterThanOrEqual((100 / RELAY_PER_SECOND) * 1000 - 1)
  expect(nowMs).toBeLessThan((100 / RELAY_PER_SECOND) * 1000 + 100)

  for (const n of all) queue.push(Uint8Array.of(n))
  const waiting = queue.drained()
  queue.end()
  await waiting
  expect(timers).toEqual([])
  queue.push(Uint8Array.of(1))
  await queue.drained()
})
