// Messages whose time is over go from a device (SPEC §7.10), on a real disk: what is kept, what waits to be said of them, by
// which clock, and what a restored host gets again.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ClientKeep } from '../../host/clientkeep.ts'
import { fromHex, toHex } from '../../shared/bytes.ts'
import { decodeEvent, encodeEvent } from '../../shared/events.ts'
import { CONFIRM_MS } from '../../shared/steady.ts'
import { Ending } from '../../web/ending.ts'
import { freshProfile, type StoredMessage } from '../../web/keep.ts'
import { Own } from '../../web/own.ts'
import { postOf } from '../../web/resume.ts'
import { HOST_ROOM } from '../../web/roster.ts'

const NOW = 1_700_000_000_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

let seq = 0
const message = (text: string, change: Partial<StoredMessage> = {}): StoredMessage => ({
  ...{ id: toHex(random(16)), room: HOST_ROOM, author: 'me', mine: true, text, atMs: NOW },
  ...{ seq: ++seq, edited: false, deleted: false, gone: false, endsAtMs: 0, notice: null },
  ...{ change: 0, replyTo: null, reactions: [], state: 'sent' },
  ...change,
})

let dir = ''
let keep: ClientKeep
let own: Own
const clock = { wallMs: NOW, monoMs: 0 }
let gone: string[] = []

async function start(): Promise<Ending> {
  own = new Own(keep)
  await own.load()
  return new Ending({
    ...{ keep, own, now: () => clock.wallMs, clock: () => clock.monoMs },
    onEnded: (messages) => gone.push(...messages.map(({ text }) => text)),
  })
}
const pass = (wallMs: number, monoMs = wallMs): void => {
  clock.wallMs += wallMs
  clock.monoMs += monoMs
}
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-ending-'))
  keep = ClientKeep.open(dir)
  Object.assign(clock, { wallMs: NOW, monoMs: 0 })
  ;[seq, gone] = [0, []]
  const fresh = freshProfile({
    ...{ hostPublicKey: random(32), hostName: 'Host', name: 'Ann', invite: null, key: random(32) },
    ...{ deviceId: random(16), root: random(32), knownSinceMs: 1 },
  })
  await keep.begin({ ...fresh, member: 'me' })
})
afterEach(() => {
  keep.close()
  rmSync(dir, { recursive: true })
})

const texts = async (): Promise<string[]> =>
  (await keep.messages(HOST_ROOM, 100)).filter((one) => !one.gone).map(({ text }) => text)
const onDisk = (): string =>
  readdirSync(dir)
    .map((name) => readFileSync(join(dir, name)).toString('latin1'))
    .join()

test('what is over goes, by its room or its host, and its place stays', async () => {
  const ending = await start()
  const all = [
    message('an hour', {
      endsAtMs: NOW + HOUR_MS,
      mine: false,
      reactions: [{ emoji: '👍', members: ['me'] }],
    }),
    message('a day', { endsAtMs: NOW + DAY_MS }),
    message('for ever'),
    message('yesterday', { atMs: NOW - DAY_MS }),
  ]
  await keep.putMessages(all)
  await ending.look()
  expect(await texts()).toHaveLength(4)
  expect(onDisk()).toContain('an hour')
  pass(HOUR_MS)
  await ending.look()
  expect(gone).toEqual(['an hour'])
  expect(await keep.message(all[0]?.id ?? '')).toMatchObject({
    ...{ seq: 1, gone: true, text: '', reactions: [], author: '00'.repeat(16), mine: false },
  })
  expect(onDisk()).not.toContain('an hour')
  // Nobody is told that there is something new.
  expect(await keep.others(HOST_ROOM, 0)).toEqual([])
  await own.update({ keepMs: DAY_MS })
  await ending.look()
  expect(await texts()).toEqual(['a day', 'for ever'])
  pass(DAY_MS)
  await ending.look()
  expect(await texts()).toEqual([])
  expect(await keep.messages(HOST_ROOM, 100)).toHaveLength(4)
})

test('more than go at once', async () => {
  const ending = await start()
  await keep.putMessages(
    Array.from({ length: 450 }, (_, i) => message(`text ${i}`, { endsAtMs: NOW + 1 })),
  )
  pass(1)
  await ending.look()
  expect(gone).toHaveLength(450)
})

test('nothing is said any more of what is gone, and no number is missing', async () => {
  const ending = await start()
  const [over, other] = [message('over', { endsAtMs: NOW + HOUR_MS }), message('other')]
  await keep.putMessages([over, other])
  const events = [
    { type: 'edit', message: fromHex(over.id), text: 'secretly edited' },
    { type: 'react', message: fromHex(over.id), on: true, emoji: '👍' },
    { type: 'edit', message: fromHex(other.id), text: 'said' },
  ] as const
  for (const event of events) await keep.enqueue({ id: random(16), ...encodeEvent(event) })
  // Posted again to a host that lost it, and not there yet: it has no place.
  const again = message('again', { endsAtMs: NOW + HOUR_MS, seq: null })
  await keep.post(again, postOf(again))
  pass(HOUR_MS)
  await ending.look()
  const waiting = await keep.pending(0, 10)
  expect(waiting.map(({ number }) => number)).toEqual([1, 2, 3, 4])
  const nothing = { type: 'read', room: new Uint8Array(16), seq: 0, shared: false }
  expect(waiting.map(({ kind, body }) => decodeEvent(kind, body))).toEqual([
    nothing,
    nothing,
    events[2],
    nothing,
  ])
  expect(await keep.message(again.id)).toBeNull()
  for (const word of ['secretly', 'again']) expect(onDisk()).not.toContain(word)
})

test('a restored host gets again what is not over yet, until when it was to last', async () => {
  const ending = await start()
  await own.update({ keepMs: DAY_MS })
  const lasting = [
    message('an hour', { endsAtMs: NOW + HOUR_MS }),
    message('two hours', { endsAtMs: NOW + 2 * HOUR_MS }),
    message('as long as the host keeps it'),
    message('', { notice: { lifeMs: HOUR_MS } }),
  ]
  await keep.putMessages(lasting)
  // The host once had its first event.
  await keep.enqueue({ id: random(16), ...encodeEvent({ type: 'delete', message: random(16) }) })
  await keep.acknowledged(1)
  pass(HOUR_MS)
  await keep.settle(0, new Uint8Array(16), ending.nowMs())
  const posted = (await keep.pending(0, 10)).map(({ kind, body }) => decodeEvent(kind, body))
  expect(
    posted.map((event) => (event.type === 'post' ? [event.text, event.endsAtMs] : [])),
  ).toEqual([
    ['two hours', NOW + 2 * HOUR_MS],
    ['as long as the host keeps it', NOW + DAY_MS],
  ])
})

test('what the host still sends of what is over is not kept', async () => {
  const ending = await start()
  pass(HOUR_MS)
  const late = message('late', { endsAtMs: NOW + HOUR_MS })
  expect(ending.asOf(late)).toMatchObject({ gone: true, text: '', seq: late.seq })
  const early = message('early', { endsAtMs: NOW + HOUR_MS + 1 })
  expect(ending.asOf(early)).toBe(early)
  await own.update({ keepMs: HOUR_MS })
  expect(ending.asOf(early)).toMatchObject({ gone: true })
})

test('the host’s time counts, also in a later run without it; a clock that is set ahead does not', async () => {
  // This device is a day ahead.
  clock.wallMs += DAY_MS
  let ending = await start()
  await ending.heard(NOW)
  await keep.putMessages([message('an hour', { endsAtMs: NOW + HOUR_MS })])
  await ending.look()
  expect(gone).toEqual([])
  ending = await start()
  await ending.look()
  expect(gone).toEqual([])
  pass(DAY_MS, 1)
  await ending.look()
  pass(CONFIRM_MS - 1)
  await ending.look()
  expect(gone).toEqual([])
  // The host says that it is so after all: the device slept.
  await ending.heard(NOW + HOUR_MS)
  await ending.look()
  expect(gone).toEqual(['an hour'])
})

test('what an older version kept ends like anything else', async () => {
  keep.close()
  rmSync(dir, { recursive: true })
  dir = mkdtempSync(join(tmpdir(), 'clawchat-ending-'))
  const old = new DatabaseSync(join(dir, 'client.db'))
  old.exec(`
    CREATE TABLE profile (id INTEGER PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL) STRICT;
    CREATE TABLE messages (
      position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, room TEXT NOT NULL, seq INTEGER,
      message TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX messagesByPlace ON messages (room, seq);
    CREATE TABLE outbox (number INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    PRAGMA user_version = 1;`)
  const { gone: _, endsAtMs: __, notice: ___, ...row } = message('old', { atMs: NOW - DAY_MS })
  const add = old.prepare('INSERT INTO messages (id, room, seq, message) VALUES (?, ?, ?, ?)')
  add.run(row.id, row.room, row.seq, JSON.stringify(row))
  const profile = {
    ...{ deviceId: { hex: '00' }, member: 'me', assigned: 0, stored: 0 },
    rooms: [
      { id: HOST_ROOM, kind: 'room', name: 'Host', members: ['me'], mine: false, leavable: false },
    ],
  }
  old.prepare('INSERT INTO profile VALUES (0, ?)').run(JSON.stringify(profile))
  old.close()
  keep = ClientKeep.open(dir)
  const ending = await start()
  expect(own.profile).toMatchObject({
    ...{ keepMs: 0, aheadMs: 0, member: 'me' },
    rooms: [{ name: 'Host', members: ['me'], mine: false, lifeMs: 0, goneUpTo: 0, isTimer: false }],
  })
  await ending.look()
  expect(await keep.messages(HOST_ROOM, 9)).toMatchObject([
    { text: 'old', gone: false, endsAtMs: 0, notice: null },
  ])
  await own.update({ keepMs: HOUR_MS })
  await ending.look()
  expect(gone).toEqual(['old'])
})
