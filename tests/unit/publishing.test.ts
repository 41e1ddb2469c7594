// The publishing machine: which store gets which record when, under virtual time.
import { expect, it } from 'vitest'
import {
  confirmedBy,
  createPublishing,
  type PublishingInput,
  stepPublishing,
  storeStates,
} from '../../host/publishing.ts'

const MINUTE = 60_000

function machine(...stores: string[]) {
  let state = createPublishing(stores)
  return {
    send(input: PublishingInput) {
      const step = stepPublishing(state, input)
      state = step.state
      return {
        puts: step.effects.map(({ store, seq }) => `${store} ${seq}`),
        wakeAtMs: step.wakeAtMs,
      }
    },
    states: () => storeStates(state),
    confirmedBy: (seq: number) => confirmedBy(state, seq).length,
  }
}

it('puts a record into every store and counts who has it', () => {
  const { send, states, confirmedBy: count } = machine('a', 'b')
  expect(send({ type: 'wake', nowMs: 0 })).toEqual({ puts: [], wakeAtMs: null })
  expect(send({ type: 'wanted', seq: 7, nowMs: 0 })).toEqual({
    puts: ['a 7', 'b 7'],
    wakeAtMs: null,
  })
  expect(send({ type: 'stored', store: 'a', seq: 7, nowMs: 5 }).puts).toEqual([])
  expect([count(6), count(7), count(8)]).toEqual([1, 1, 0])
  expect(states()).toEqual([
    { store: 'a', seq: 7, code: null },
    { store: 'b', seq: null, code: null },
  ])
})

it('has one put per store on its way, and skips to the newest', () => {
  const { send } = machine('a')
  send({ type: 'wanted', seq: 1, nowMs: 0 })
  expect(send({ type: 'wanted', seq: 2, nowMs: 1 }).puts).toEqual([])
  expect(send({ type: 'wanted', seq: 3, nowMs: 2 }).puts).toEqual([])
  expect(send({ type: 'wanted', seq: 2, nowMs: 2 }).puts).toEqual([])
  expect(send({ type: 'stored', store: 'a', seq: 1, nowMs: 3 }).puts).toEqual(['a 3'])
  expect(send({ type: 'stored', store: 'a', seq: 1, nowMs: 4 }).puts).toEqual([])
  expect(send({ type: 'stored', store: 'a', seq: 3, nowMs: 4 })).toEqual({
    puts: [],
    wakeAtMs: null,
  })
})

it('waits 1 s, doubling to 5 min, ±20 %, and starts over after a success', () => {
  const { send, states } = machine('a')
  let nowMs = 0
  send({ type: 'wanted', seq: 1, nowMs })
  for (let failures = 0; failures < 40; failures++) {
    const jitter = [0, 0.5, 1][failures % 3] ?? 0
    const step = send({
      type: 'failed',
      store: 'a',
      seq: 1,
      code: 'store-unreachable',
      nowMs,
      jitter,
    })
    expect(step.puts).toEqual([])
    const waited = Math.min(1000 * 2 ** failures, 5 * MINUTE) * (0.8 + 0.4 * jitter)
    expect(step.wakeAtMs).toBeCloseTo(nowMs + waited)
    nowMs = step.wakeAtMs ?? 0
    expect(send({ type: 'wake', nowMs: nowMs - 1 }).puts).toEqual([])
    expect(send({ type: 'wake', nowMs }).puts).toEqual(['a 1'])
  }
  expect(states()[0]?.code).toBe('store-unreachable')
  send({ type: 'stored', store: 'a', seq: 1, nowMs })
  expect(states()[0]).toEqual({ store: 'a', seq: 1, code: null })
  send({ type: 'wanted', seq: 2, nowMs })
  const again = send({
    type: 'failed',
    store: 'a',
    seq: 2,
    code: 'store-refused',
    nowMs,
    jitter: 0.5,
  })
  expect(again.wakeAtMs).toBeCloseTo(nowMs + 1000)
})

it('keeps the back-off of a failing store when a newer record comes, and lets the others go on', () => {
  const { send } = machine('a', 'b')
  send({ type: 'wanted', seq: 1, nowMs: 0 })
  send({ type: 'failed', store: 'a', seq: 1, code: 'store-unreachable', nowMs: 0, jitter: 0.5 })
  send({ type: 'stored', store: 'b', seq: 1, nowMs: 0 })
  expect(send({ type: 'wanted', seq: 2, nowMs: 10 })).toEqual({ puts: ['b 2'], wakeAtMs: 1000 })
  expect(send({ type: 'wake', nowMs: 1000 }).puts).toEqual(['a 2'])
})

it('waits no longer once there is another network, and begins anew', () => {
  const { send } = machine('a')
  send({ type: 'wanted', seq: 1, nowMs: 0 })
  const failed = {
    type: 'failed',
    store: 'a',
    seq: 1,
    code: 'store-unreachable',
    jitter: 0.5,
  } as const
  let nowMs = 0
  for (let i = 0; i < 6; i++) {
    send({ type: 'wake', nowMs })
    nowMs = send({ ...failed, nowMs }).wakeAtMs ?? 0
  }
  nowMs -= 30_000
  expect(send({ type: 'wake', nowMs }).puts).toEqual([])
  expect(send({ type: 'network', nowMs }).puts).toEqual(['a 1'])
  expect(send({ ...failed, nowMs }).wakeAtMs).toBe(nowMs + 1000)
})

it('does not wait for hours when the clock goes back', () => {
  const { send } = machine('a')
  const late = 100 * 60 * MINUTE
  send({ type: 'wanted', seq: 1, nowMs: late })
  send({ type: 'failed', store: 'a', seq: 1, code: 'store-unreachable', nowMs: late, jitter: 0 })
  expect(send({ type: 'wake', nowMs: 0 }).puts).toEqual(['a 1'])
})
