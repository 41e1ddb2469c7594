// What only the Durable Object does: one per id, nothing kept without need, expiry by workerd's own alarm.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RECORD_EXPIRY_MS } from '../../fallback-worker/cell.ts'
import { BEARER, get, put, read, writer } from '../worker/endpoint.ts'
import { startWorkerd, type Workerd } from './worker.ts'

/** How far in the future an alarm must lie to be set before it is due, and not so far that a test waits. */
const SOON_MS = 1500

let workerd: Workerd
beforeAll(async () => {
  workerd = await startWorkerd({ main: 'tests/workerd/clocked.ts', className: 'ClockedObject' })
})
afterAll(() => workerd?.close())

async function setClock(offsetMs: number): Promise<void> {
  const answer = await fetch(`${workerd.url}/v1/test/clock?offset=${offsetMs}`)
  expect(answer.status).toBe(200)
}
async function alarmAt(id: string): Promise<number | null> {
  const answer = await fetch(`${workerd.url}/v1/test/alarm?id=${id}`)
  return (await answer.json()) as number | null
}

test('a write arms the alarm for 30 days, the next one arms it anew', async () => {
  const { id, body } = writer()
  await setClock(-3_600_000)
  expect(await put(workerd, id, body(1))).toBe('204')
  const first = await alarmAt(id)
  await setClock(0)
  const before = Date.now()
  expect(await put(workerd, id, body(2))).toBe('204')
  const second = await alarmAt(id)
  expect(first).toBeLessThan(before - 3_000_000 + RECORD_EXPIRY_MS)
  expect(second).toBeGreaterThanOrEqual(before + RECORD_EXPIRY_MS)
  expect(second).toBeLessThanOrEqual(Date.now() + RECORD_EXPIRY_MS)
})

test('a refused write leaves the alarm as it was, and arms none', async () => {
  const [one, two] = [writer(), writer()]
  await put(workerd, one.id, one.body(5))
  const armed = await alarmAt(one.id)
  await setClock(60_000)
  expect(await put(workerd, one.id, one.body(5))).toBe('409 counter-not-greater')
  await setClock(0)
  expect(await alarmAt(one.id)).toBe(armed)
  expect(await put(workerd, two.id, two.body(1), {})).toBe('403 token')
  expect(await read(workerd, two.id)).toBe('404')
  expect(await alarmAt(two.id)).toBeNull()
})

test('the alarm comes, deletes all, and the id can be written again', async () => {
  const { id, body } = writer()
  await setClock(SOON_MS - RECORD_EXPIRY_MS)
  expect(await put(workerd, id, body(5))).toBe('204')
  await setClock(0)
  expect((await get(workerd, id)).status).toBe(200)
  await expect
    .poll(() => workerd.held(id), { timeout: 60_000, interval: 200 })
    .toEqual({ tables: 0, rows: 0 })
  expect(await alarmAt(id)).toBeNull()
  expect(await read(workerd, id)).toBe('404')
  expect(await put(workerd, id, body(1), {})).toBe('403 token')
  expect(await put(workerd, id, body(1), BEARER)).toBe('204')
  expect(await workerd.held(id)).toEqual({ tables: 1, rows: 1 })
})

test('an alarm that comes too early deletes nothing and is set again', async () => {
  const { id, body } = writer()
  await setClock(SOON_MS - RECORD_EXPIRY_MS)
  expect(await put(workerd, id, body(5))).toBe('204')
  const early = (await alarmAt(id)) ?? 0
  // As if the last write had been an hour later than the alarm was set for.
  await workerd.age(id, -3_600_000)
  await setClock(0)
  await expect
    .poll(() => alarmAt(id), { timeout: 60_000, interval: 200 })
    .toBeGreaterThanOrEqual(early + 3_500_000)
  expect((await get(workerd, id)).status).toBe(200)
})

test('each id has its own object', async () => {
  const [one, two] = [writer(), writer()]
  await put(workerd, one.id, one.body(1, 1))
  await put(workerd, two.id, two.body(1, 2))
  for (const { id } of [one, two]) {
    expect(await workerd.sql(id, 'SELECT id FROM record')).toEqual([{ id }])
  }
})

test('what is no id wakes no object', async () => {
  const before = await workerd.objects()
  for (const at of ['x', 'A'.repeat(64), '0'.repeat(63)]) {
    expect(await read(workerd, at)).toBe('404')
    expect(await put(workerd, at, writer().body(1))).toBe('400 malformed')
  }
  const { id, body } = writer()
  expect(await put(workerd, id, body(1).slice(1))).toBe('413 length')
  expect(await put(workerd, id, writer().body(1))).toBe('403 forbidden')
  expect(await workerd.objects()).toBe(before)
})
