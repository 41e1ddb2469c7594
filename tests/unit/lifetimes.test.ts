// How long messages stay on the host (SPEC §7.10), on a real SQLite file: what ends when, what is left of it and what is
// not, by which clock, and that nothing that comes later brings it back.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Retention } from '../../host/retention.ts'
import { toHex } from '../../shared/bytes.ts'
import { type ChatEvent, decodeEvent, type StoredMessage } from '../../shared/events.ts'
import { CONFIRM_MS } from '../../shared/steady.ts'
import { db, dir, NOW, onFile, open, ROOM, rooms, type Someone, say, someone } from './onfile.ts'

const HOUR_MS = 3_600_000
const WEEK_MS = 7 * 24 * HOUR_MS
onFile()

const postOf = (text: string, change: Partial<Extract<ChatEvent, { type: 'post' }>> = {}) =>
  ({ type: 'post', room: ROOM, replyTo: null, text, endsAtMs: 0, ...change }) as const
const post = (who: Someone, text: string, nowMs = NOW): Uint8Array => say(who, postOf(text), nowMs)
const history = ({ member }: Someone): readonly StoredMessage[] =>
  rooms.history(member, ROOM, 0, 200).messages
const events = ({ device }: Someone): ChatEvent[] =>
  rooms.pending(device, 0, 1000).map(({ kind, body }) => decodeEvent(kind, body))
const last = (who: Someone) => events(who).at(-1)
const find = ({ member }: Someone, query: string) =>
  rooms.lookups.answer(member, {
    ...{ type: 'search', token: 7, query, rooms: [], authors: [], fromMs: 0, toMs: 0 },
    ...{ below: null, limit: 50, onlyFiles: false },
  })
const roomRow = () => rooms.list.room(ROOM)

test('messages end by the lifetime that held when they were stored; older ones do not', () => {
  const ann = someone('owner')
  post(ann, 'before')
  rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)
  post(ann, 'an hour', NOW + 1)
  rooms.setLifetime(ann, ROOM, WEEK_MS, NOW + 2)
  post(ann, 'a week', NOW + 3)
  rooms.setLifetime(ann, ROOM, 0, NOW + 4)
  post(ann, 'for ever', NOW + 5)
  expect(history(ann).map(({ text, endsAtMs, notice }) => [text, endsAtMs, notice])).toEqual([
    ['for ever', 0, null],
    ['', 0, { lifeMs: 0 }],
    ['a week', NOW + 3 + WEEK_MS, null],
    ['', 0, { lifeMs: WEEK_MS }],
    ['an hour', NOW + 1 + HOUR_MS, null],
    ['', 0, { lifeMs: HOUR_MS }],
    ['before', 0, null],
  ])
  expect(rooms.end(NOW + HOUR_MS, 0)).toBe(0)
  expect(rooms.end(NOW + 1 + HOUR_MS, 0)).toBe(1)
  expect(rooms.end(NOW + 100 * WEEK_MS, 0)).toBe(1)
  const left = history(ann).filter(({ gone }) => !gone)
  expect(left.map(({ text }) => text)).toEqual(['for ever', '', '', '', 'before'])
})

test('the lifetime is told to all in the room, once, and the author’s devices learn when theirs ends', () => {
  const [ann, ben] = [someone('owner'), someone()]
  expect(rooms.setLifetime(ann, ROOM, HOUR_MS, NOW).sort()).toEqual([ann.device, ben.device].sort())
  expect(rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)).toEqual([])
  for (const who of [ann, ben])
    expect(last(who)).toMatchObject({ type: 'message', notice: { lifeMs: HOUR_MS }, text: '' })
  post(ben, 'hello', NOW + 9)
  expect(last(ben)).toMatchObject({ type: 'stored', endsAtMs: NOW + 9 + HOUR_MS })
  expect(last(ann)).toMatchObject({ type: 'message', endsAtMs: NOW + 9 + HOUR_MS })
  // An edit changes nothing of that.
  const id = post(ann, 'first', NOW + 10)
  say(ann, { type: 'edit', message: id, text: 'second' }, NOW + 1000)
  expect(history(ann)[0]).toMatchObject({ text: 'second', endsAtMs: NOW + 10 + HOUR_MS })
})

test('nobody edits, deletes or reacts to what says that a lifetime was set', () => {
  const ann = someone('owner')
  rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)
  const message = history(ann)[0]?.id as Uint8Array
  for (const event of [
    { type: 'edit', message, text: 'a' },
    { type: 'delete', message },
    { type: 'react', message, on: true, emoji: '👍' },
  ] as const) {
    say(ann, event)
    expect(last(ann)).toMatchObject({ type: 'refused', reason: 'not-allowed' })
  }
  expect(history(ann)).toMatchObject([{ notice: { lifeMs: HOUR_MS }, reactions: [] }])
})

test('of what is gone only its place is left, whoever asks for it in whatever way', () => {
  const [ann, ben] = [someone('owner'), someone()]
  rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)
  const id = post(ann, 'xylophone')
  const answer = say(ben, postOf('it answers', { replyTo: id }), NOW + 1)
  say(ben, { type: 'react', message: id, on: true, emoji: '👍' })
  say(ann, { type: 'edit', message: id, text: 'zither' })
  expect(rooms.end(NOW + HOUR_MS, 0)).toBe(1)
  const nobody = new Uint8Array(16)
  expect(history(ben).find(({ seq }) => seq === 2)).toEqual({
    ...{ type: 'message', id, room: ROOM, seq: 2, atMs: NOW, author: nobody, authorDevice: nobody },
    ...{ delivered: false, edited: false, deleted: false, gone: true, endsAtMs: 0, notice: null },
    ...{ change: expect.any(Number), replyTo: null, text: '', reactions: [] },
  })
  for (const word of ['xylophone', 'zither'])
    expect(find(ben, word)).toMatchObject({ messages: [] })
  const lookUp = (lookup: Parameters<typeof rooms.lookups.answer>[1]) =>
    rooms.lookups.answer(ben.member, lookup)
  expect(lookUp({ type: 'versions', token: 1, message: id })).toMatchObject({ texts: [] })
  expect(lookUp({ type: 'locate', token: 1, room: ROOM, by: { message: id } })).toMatchObject({
    seq: 0,
  })
  // A day whose messages are gone leads to the next one that is there, or to the last.
  const day = (atMs: number) => lookUp({ type: 'locate', token: 1, room: ROOM, by: { atMs } })
  expect(day(NOW)).toMatchObject({ seq: 1 })
  expect(day(NOW + 1)).toMatchObject({ seq: 3 })
  expect(day(NOW + 2)).toMatchObject({ seq: 3 })
  // The answer stays; it answers what nobody can see any more.
  expect(history(ben)[0]).toMatchObject({ id: answer, replyTo: id, text: 'it answers' })
  // Devices that were away get the place, not the words.
  const seen = events(ben).filter((event) => event.type === 'message' && event.seq === 2)
  expect(seen.length).toBeGreaterThan(0)
  expect(seen.every((event) => event.type === 'message' && event.gone)).toBe(true)
})

test('nothing brings back what is gone, and nobody can say anything of it', () => {
  const [ann, ben] = [someone('owner'), someone()]
  rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)
  const id = post(ann, 'once')
  const later = NOW + HOUR_MS
  rooms.end(later, 0)
  for (const who of [ann, ben]) {
    say(who, postOf('once'), later, id)
    expect(last(who)).toEqual({ type: 'refused', id, reason: 'gone' })
    for (const event of [
      { type: 'edit', message: id, text: 'twice' },
      { type: 'react', message: id, on: true, emoji: '👍' },
      { type: 'delete', message: id },
    ] as const) {
      say(who, event, later)
      expect(last(who)).toMatchObject({ type: 'refused', reason: 'no-room' })
    }
  }
  const answer = say(ben, postOf('to what?', { replyTo: id }), later)
  expect(history(ben).find((message) => toHex(message.id) === toHex(answer))?.replyTo).toBeNull()
})

test('what is posted again to a host that lost it ends when it was to end', () => {
  const ann = someone('owner')
  // The backup is from before the lifetime was set.
  say(ann, postOf('still there', { endsAtMs: NOW + 10 }))
  expect(history(ann)[0]?.endsAtMs).toBe(NOW + 10)
  const late = say(ann, postOf('too late', { endsAtMs: NOW }))
  expect(last(ann)).toEqual({ type: 'refused', id: late, reason: 'gone' })
  // No device makes its messages last longer than the room says.
  rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)
  say(ann, postOf('long', { endsAtMs: NOW + WEEK_MS }))
  expect(history(ann)[0]?.endsAtMs).toBe(NOW + HOUR_MS)
})

test('a host that keeps messages for a while deletes all that are older, in every room', () => {
  const [ann, ben] = [someone('owner'), someone()]
  const other = rooms.list.make('Kitchen', ann.member, [ann.member, ben.member], NOW)
  rooms.setLifetime(ann, other, WEEK_MS, NOW)
  post(ann, 'old', NOW)
  say(ann, postOf('in the kitchen', { room: other }), NOW)
  post(ann, 'new', NOW + 10)
  expect(rooms.end(NOW + HOUR_MS, HOUR_MS)).toBe(3)
  expect(history(ann).map(({ text, gone }) => [text, gone])).toEqual([
    ['new', false],
    ['', true],
  ])
  expect(rooms.history(ann.member, other, 0, 9).messages.every(({ gone }) => gone)).toBe(true)
  expect(rooms.list.messageCount).toBe(1)
})

test('a thousand, some at a time; numbers stay contiguous, and nothing below what is left is asked for', () => {
  const ann = someone('owner')
  post(ann, 'kept')
  rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)
  for (let i = 0; i < 1000; i++) post(ann, `text ${i}`)
  const ended = Array.from({ length: 6 }, () => rooms.end(NOW + HOUR_MS, 0))
  expect(ended).toEqual([200, 200, 200, 200, 200, 0])
  expect(roomRow()).toMatchObject({ goneUpTo: 0 })
  expect(rooms.list.messageCount).toBe(2)
  const page = rooms.history(ann.member, ROOM, 0, 200)
  expect(page.messages.map(({ seq }) => seq)).toEqual(
    Array.from({ length: 200 }, (_, i) => 1002 - i),
  )
  expect(page.more).toBe(true)
  // What came before the lifetime goes too: now there is nothing behind the page.
  rooms.end(NOW + 1, 1)
  expect(roomRow()).toMatchObject({ goneUpTo: 1002 })
  expect(rooms.history(ann.member, ROOM, 0, 200).more).toBe(false)
  post(ann, 'after', NOW + 2)
  expect(rooms.history(ann.member, ROOM, 0, 1)).toMatchObject({
    messages: [{ text: 'after' }],
    more: false,
  })
  // Who comes in gets what is there, and no thousand places of what was.
  const ben = someone()
  rooms.joinDevice(ben.device)
  expect(events(ben).filter(({ type }) => type === 'message')).toMatchObject([{ text: 'after' }])
})

test('what is gone stands in no file any more, in none of its forms', () => {
  const ann = someone('owner')
  rooms.setLifetime(ann, ROOM, HOUR_MS, NOW)
  const id = post(ann, 'Xylophonquartett im Zwischenraum')
  for (let i = 0; i < 50; i++) post(ann, `other text ${i}`)
  say(ann, { type: 'edit', message: id, text: 'Wolkenkuckucksheim' })
  const files = (): string =>
    readdirSync(dir)
      .map((name) => readFileSync(join(dir, name)).toString('latin1').toLowerCase())
      .join()
  const words = ['xylophon', 'quartett', 'zwischenraum', 'kuckuck']
  for (const word of words) expect(files()).toContain(word)
  let wallMs = NOW
  const read = () => ({ wallMs, monoMs: wallMs })
  const retention = new Retention({
    ...{ db, rooms, keepMs: 0, clockOffsetMs: 0, onEnded: () => undefined, read },
  })
  // The host has messages, and does not know its clock yet.
  retention.look()
  wallMs += HOUR_MS
  retention.look()
  for (const word of words) expect(files(), word).not.toContain(word)
  db.exec(`INSERT INTO texts (texts) VALUES ('integrity-check')`)
})

test('what is over is deleted by a clock that is certain, and by it at once after a restart', () => {
  const ann = someone('owner')
  const clock = { wallMs: NOW, monoMs: 1000 }
  const pass = (wallMs: number, monoMs = wallMs): void => {
    clock.wallMs += wallMs
    clock.monoMs += monoMs
  }
  let ended = 0
  const start = (): Retention =>
    new Retention({
      ...{ db, rooms, keepMs: 0, clockOffsetMs: 0, read: () => clock },
      onEnded: () => void ended++,
    })
  const isThere = (): boolean => history(ann)[0]?.gone === false
  // Nothing was written yet.
  let retention = start()
  rooms.setLifetime(ann, ROOM, HOUR_MS, clock.wallMs)
  post(ann, 'hello', clock.wallMs)
  pass(HOUR_MS - 1)
  retention.look()
  // The clock goes wrong for five minutes.
  pass(WEEK_MS, 0)
  retention.look()
  expect(isThere()).toBe(true)
  db.close()
  open()
  retention = start()
  retention.look()
  expect(isThere()).toBe(true)
  pass(-WEEK_MS, 0)
  retention.look()
  expect([isThere(), ended]).toEqual([true, 0])
  // The same clock in another run of the host.
  db.close()
  open()
  retention = start()
  pass(1)
  retention.look()
  expect([isThere(), ended]).toEqual([false, 1])
  // Another start of the computer: its clock has to stand for a while.
  post(ann, 'again', clock.wallMs)
  pass(HOUR_MS, 0)
  clock.monoMs = 50
  retention = start()
  retention.look()
  pass(CONFIRM_MS - 1)
  retention.look()
  expect(isThere()).toBe(true)
  pass(1)
  retention.look()
  expect([isThere(), ended]).toEqual([false, 2])
})
