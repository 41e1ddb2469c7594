// When a conversation gets a fresh carrier, and when it is over (SPEC §1.2, §6.2).
import { expect, test } from 'vitest'
import { FRESH_CARRIER_MS, PING_MS, Pulse, SILENCE_MS, WAKE_MS } from '../../web/pulse.ts'

const START = 1_700_000_000_000
const carrier = (sinceMs = START) => ({ sinceMs, heardMs: sinceMs })

/** A pulse that has looked once, at START. */
function begun() {
  const pulse = new Pulse()
  const live = carrier()
  expect(pulse.look(START, live)).toBe('ping')
  return { pulse, live }
}

test('a host that answers is asked on and on; at six hours a fresh carrier is wanted, once', () => {
  const { pulse, live } = begun()
  const wanted: number[] = []
  for (let ms = START + PING_MS; ms <= START + 2 * FRESH_CARRIER_MS; ms += PING_MS) {
    live.heardMs = ms - 10
    const due = pulse.look(ms, live)
    if (due === 'fresh') wanted.push(ms)
    else expect(due).toBe('ping')
  }
  expect(wanted).toEqual([START + FRESH_CARRIER_MS + PING_MS])
  // The one that came of it has an age of its own.
  const next = carrier(START + 2 * FRESH_CARRIER_MS)
  expect(pulse.look(next.sinceMs + PING_MS, next)).toBe('ping')
})

test('a host that is silent for too long is given up, and not a millisecond before', () => {
  const { pulse, live } = begun()
  expect(pulse.look(START + PING_MS, live)).toBe('ping')
  expect(pulse.look(START + SILENCE_MS, live)).toBe('ping')
  expect(pulse.look(START + SILENCE_MS + 1, live)).toBe('silent')
})

test.each([
  ['slept for an hour', 3_600_000],
  ['slept a little longer than a look takes', WAKE_MS + 1],
  ['set its clock back', -1],
  ['set its clock back a year', -365 * 86_400_000],
])('a device that %s opens a fresh carrier, and the old one may still answer', (_, jumpMs) => {
  const { pulse, live } = begun()
  const nowMs = START + jumpMs
  expect(pulse.look(nowMs, live)).toBe('fresh')
  expect(pulse.look(nowMs + SILENCE_MS, live)).toBe('ping')
  expect(pulse.look(nowMs + SILENCE_MS + 1, live)).toBe('silent')
})

test('a late look is no sleep, and none follows a pause without a carrier', () => {
  const { pulse, live } = begun()
  live.heardMs = START + WAKE_MS - 1
  expect(pulse.look(START + WAKE_MS, live)).toBe('ping')
  pulse.rest()
  const next = carrier(START + 10 * WAKE_MS)
  expect(pulse.look(next.sinceMs + PING_MS, next)).toBe('ping')
})
