// What fuzzing has found, each as the behaviour that it broke.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { EVENT_NUMBER_MAX } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import { type ClawMessage, decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { Opener, Sealer } from '../../shared/session.ts'

const id = new Uint8Array(16)

/** Nothing of a device's queue could be numbered behind 2^53: the host could no longer read its counter. */
test.each([
  (stored: number): ClawMessage => ({ type: 'resume', stored, id }),
  (stored: number): ClawMessage => ({ type: 'ack', stored }),
  (number: number): ClawMessage => ({ type: 'event', number, id, kind: 1, body: id }),
])('an event number has its limit in every message that names one', (message) => {
  const highest = encodeMessage(message(EVENT_NUMBER_MAX))
  expect(decodeMessage(highest)).toEqual(message(EVENT_NUMBER_MAX))
  for (const beyond of [EVENT_NUMBER_MAX + 1, Number.MAX_SAFE_INTEGER]) {
    expect(() => decodeMessage(encodeMessage(message(beyond)))).toThrow(new ClawError('malformed'))
  }
})

test('a count in STATE takes no memory for members that are not there', () => {
  setFlagsFromString('--expose_gc')
  const collect: () => void = runInNewContext('gc')
  const data = new Uint8Array(35).fill(255, 33)
  const taken = Array.from({ length: 5 }, () => {
    collect()
    const before = process.memoryUsage().heapUsed
    expect(() => decodeMessage({ type: 0x0b, data })).toThrow(new ClawError('malformed'))
    return process.memoryUsage().heapUsed - before
  })
  expect(Math.min(...taken)).toBeLessThan(64 * 1024)
})

test('a frame out of turn takes nothing from those before it that are still being opened', async () => {
  const key = new Uint8Array(32).fill(1)
  const sealer = new Sealer({ backend: nodeBackend, key, channel: 0, nowMs: 0 })
  const frames = (
    await Promise.all([1, 2].map((type) => sealer.seal({ type, data: id }, 0)))
  ).flat()
  const opener = new Opener({ backend: nodeBackend, key, channel: 0 })
  const [first = id] = frames
  const results = await Promise.allSettled(
    [...frames, first, ...frames].map((frame) => opener.open(frame)),
  )
  expect(results.map((r) => (r.status === 'fulfilled' ? r.value?.type : r.reason.code))).toEqual([
    1,
    2,
    'frame-invalid',
    'frame-invalid',
    'frame-invalid',
  ])
})
