// Messages, queues and resume on a real SQLite file, a process killed in the middle included.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeEvent } from '../../shared/events.ts'
import { db, dir, members, NOW, onFile, open, ROOM, rooms, someone } from './onfile.ts'

const ZERO = new Uint8Array(16)
onFile()
const join_ = (role?: 'owner' | 'member'): string => someone(role).device

const postIn = (room: Uint8Array, text: string) =>
  ({ type: 'post', endsAtMs: 0, room, replyTo: null, text }) as const
const memberOf = (device: string): string =>
  members.devices().find(({ id }) => id === device)?.member ?? ''
const post = (device: string, number: number, text: string, id = randomBytes(16)) =>
  rooms.receive(device, number, id, postIn(ROOM, text), NOW)
const events = (device: string, after = 0) =>
  rooms.pending(device, after, 1000).map(({ kind, body }) => decodeEvent(kind, body))

test('a post is stored once, in order, for every other device and answered to its author', () => {
  const [a, b] = [join_(), join_()]
  const id = randomBytes(16)
  expect(post(a, 1, 'one', id)).toEqual({ stored: 1, touched: expect.arrayContaining([a, b]) })
  expect(post(a, 1, 'one', id)).toEqual({ stored: 1, touched: [] })
  expect(post(a, 2, 'one', id).stored).toBe(2)
  expect(() => post(a, 4, 'gap')).toThrow('frame-invalid')
  expect(rooms.incoming(a).stored).toBe(2)
  expect(events(b)).toMatchObject([{ type: 'message', seq: 1, text: 'one', delivered: false }])
  expect(events(a)[0]).toMatchObject({ type: 'stored', endsAtMs: 0, seq: 1 })
  expect(rooms.history(memberOf(a), ROOM, 0, 200).messages).toHaveLength(1)
})

test('another room and an over-long text are refused, and the number advances', () => {
  const a = join_()
  rooms.receive(a, 1, randomBytes(16), postIn(randomBytes(16), 'x'), NOW)
  expect(post(a, 2, 'x'.repeat(16_001)).stored).toBe(2)
  expect(events(a)).toMatchObject([
    { type: 'refused', reason: 'no-room' },
    { type: 'refused', reason: 'too-long' },
  ])
})

test('an acknowledgement delivers to all devices of the author, once', () => {
  const [a1, a2, b] = [join_('owner'), join_('owner'), join_()]
  for (let i = 1; i <= 3; i++) post(a1, i, `m${i}`)
  expect(new Set(rooms.acknowledge(b, 2))).toEqual(new Set([a1, a2]))
  const told = events(a1).filter((event) => event.type === 'delivered')
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ ids: [expect.anything(), expect.anything()] })
  expect(events(b)).toMatchObject([{ text: 'm3' }])
  expect(rooms.acknowledge(b, 2)).toEqual([])
  expect(() => rooms.acknowledge(b, 4)).toThrow('frame-invalid')
})

test('resume: acknowledges, or renumbers when histories have forked', () => {
  const [a, b] = [join_(), join_()]
  for (let i = 1; i <= 5; i++) post(a, i, `m${i}`)
  const second = rooms.pending(b, 1, 1)[0]
  expect(rooms.settle(b, 2, second?.id ?? ZERO).forked).toBe(false)
  expect(rooms.pending(b, 0, 10).map(({ number }) => number)).toEqual([3, 4, 5])
  // From here on b may have forgotten anything, so it gets m1 and m2 again too; however often it asks, once.
  expect(rooms.settle(b, 4, randomBytes(16))).toEqual({ touched: [], forked: true })
  expect(rooms.pending(b, 0, 10).map(({ number }) => number)).toEqual([5, 6, 7, 8, 9])
  expect(rooms.settle(b, 100, randomBytes(16)).forked).toBe(true)
  expect(rooms.pending(b, 0, 10).map(({ number }) => number)).toEqual([101, 102, 103, 104, 105])
  expect(rooms.settle(b, 0, ZERO).forked).toBe(false)
  expect(rooms.pending(b, 0, 10).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5])
  post(a, 6, 'm6')
  const texts = ['m3', 'm4', 'm5', 'm1', 'm2', 'm6']
  expect(events(b)).toMatchObject(texts.map((text) => ({ text })))
})

test('a device that forgot what it once acknowledged gets the newest messages again', () => {
  const [a, b] = [join_(), join_()]
  for (let i = 1; i <= 3; i++) post(a, i, `m${i}`)
  rooms.acknowledge(b, 3)
  expect(rooms.pending(b, 0, 10)).toEqual([])
  expect(rooms.settle(b, 1, randomBytes(16)).forked).toBe(false)
  expect(rooms.pending(b, 0, 10).map(({ number }) => number)).toEqual([2, 3, 4])
  expect(events(b)).toMatchObject([{ text: 'm1' }, { text: 'm2' }, { text: 'm3' }])
})

test('history pages newest first; a new device gets the last 200', () => {
  const a = join_()
  for (let i = 1; i <= 250; i++) post(a, i, `m${i}`)
  const page = rooms.history(memberOf(a), ROOM, 0, 100)
  expect(page.more).toBe(true)
  expect(page.messages[0]?.seq).toBe(250)
  expect(rooms.history(memberOf(a), ROOM, 51, 200)).toMatchObject({ more: false })
  const late = join_()
  rooms.joinDevice(late)
  const got = events(late)
  expect(got).toHaveLength(200)
  expect(got[0]).toMatchObject({ seq: 51 })
})

const CHILD = `
import { openDatabase } from './host/database.ts'
import { Rooms } from './host/rooms.ts'
import { randomBytes } from 'node:crypto'
const [dir, device] = process.argv.slice(1)
const rooms = new Rooms(openDatabase(dir), randomBytes)
for (let n = 1; ; n++) {
  const post = { type: 'post', endsAtMs: 0, room: new Uint8Array(16), replyTo: null, text: 'm' + n }
  rooms.receive(device, n, randomBytes(16), post, ${NOW})
  process.stdout.write(n + '\\n')
  if (n % 10 === 0) await new Promise((done) => setImmediate(done))
}`

test('kill -9 in the middle of posts: everything acknowledged is there, without a hole', async () => {
  const [a, b] = [join_(), join_()]
  db.close()
  const cwd = join(import.meta.dirname, '../..')
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, dir, a], { cwd })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (said.split('\n').length > 50) child.kill('SIGKILL')
  })
  const signal = await new Promise((done) => child.on('close', (_, by) => done(by)))
  expect(signal).toBe('SIGKILL')
  const acknowledged = Number(said.split('\n').at(-2))
  open()
  const { stored } = rooms.incoming(a)
  expect(acknowledged).toBeGreaterThanOrEqual(50)
  expect(stored).toBeGreaterThanOrEqual(acknowledged)
  const all = rooms.pending(b, 0, stored + 10)
  expect(all.map(({ number }) => number)).toEqual(Array.from({ length: stored }, (_, i) => i + 1))
})
