// Edits, deletions, reactions and reading on a real SQLite file (SPEC §7): who may, what all see, and what stays secret.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { prepareSchema } from '../../host/database.ts'
import { toHex } from '../../shared/bytes.ts'
import { type ChatEvent, decodeEvent, REACTIONS_MAX } from '../../shared/events.ts'
import {
  db,
  dir,
  someone as enter,
  members,
  NOW,
  onFile,
  open,
  ROOM,
  random,
  rooms,
  say as sayAs,
} from './onfile.ts'

onFile()
const someone = (role: 'owner' | 'member'): string => enter(role).device
const say = (device: string, event: ChatEvent, id: Uint8Array = random(16), nowMs = NOW) =>
  sayAs({ device }, event, nowMs, id)

const post = (
  device: string,
  text: string,
  replyTo: Uint8Array | null = null,
  room: Uint8Array = ROOM,
) => say(device, { type: 'post', endsAtMs: 0, room, replyTo, text })
const last = (device: string) => {
  const event = rooms.pending(device, 0, 1000).at(-1)
  return event && decodeEvent(event.kind, event.body)
}
const memberOf = (device: string): string =>
  members.devices().find(({ id }) => id === device)?.member ?? ''
const shown = (device: string) => rooms.history(memberOf(device), ROOM, 0, 9).messages
const refused = (reason: string) => ({ type: 'refused', reason })

test('an edit is the author\u2019s alone; all see it, and the log keeps what it said before', () => {
  const [ann, ben] = [someone('owner'), someone('member')]
  const message = post(ben, 'one')
  const before = shown(ann)[0]?.change ?? 0
  say(ann, { type: 'edit', message, text: 'mine now' })
  expect(last(ann)).toMatchObject(refused('not-allowed'))
  say(ben, { type: 'edit', message, text: 'two' })
  for (const device of [ann, ben])
    expect(last(device)).toMatchObject({ type: 'message', text: 'two', edited: true, seq: 1 })
  expect(shown(ann)[0]?.change).toBeGreaterThan(before)
  const waiting = rooms.pending(ann, 0, 99).length
  say(ben, { type: 'edit', message, text: 'two' })
  expect(rooms.pending(ann, 0, 99)).toHaveLength(waiting)
  say(ben, { type: 'edit', message, text: 'x'.repeat(16_001) })
  expect(last(ben)).toMatchObject(refused('too-long'))
  expect(db.prepare('SELECT kind, text FROM changes').all()).toEqual([
    { kind: 'edit', text: 'one' },
  ])
})

test('a post under the id of somebody else’s message is refused, and theirs stays as it is', () => {
  const [ann, ben] = [someone('owner'), someone('member')]
  const message = post(ann, 'mine')
  say(ben, { type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text: 'taken over' }, message)
  expect(last(ben)).toMatchObject({ ...refused('not-allowed'), id: message })
  expect(shown(ann)).toMatchObject([{ text: 'mine', edited: false }])
  expect(toHex(shown(ben)[0]?.author as Uint8Array)).toBe(memberOf(ann))
})

test('what is deleted is gone for all, from message and log; an owner may, another member not', () => {
  const [ann, ben, cat] = [someone('owner'), someone('member'), someone('member')]
  const first = post(ann, 'first')
  const message = post(ben, 'secret', first)
  say(ben, { type: 'edit', message, text: 'more secret' })
  say(cat, { type: 'react', message, on: true, emoji: '👍' })
  say(cat, { type: 'delete', message })
  expect(last(cat)).toMatchObject(refused('not-allowed'))
  say(ann, { type: 'delete', message })
  const gone = { deleted: true, edited: false, text: '', replyTo: null, reactions: [] }
  for (const device of [ann, ben, cat]) expect(last(device)).toMatchObject({ seq: 2, ...gone })
  const texts = ['messages', 'changes'].flatMap((table) =>
    db
      .prepare(`SELECT text FROM ${table}`)
      .all()
      .map(({ text }) => text),
  )
  expect(texts.join()).not.toContain('secret')
  for (const event of [
    { type: 'edit', message, text: 'back' },
    { type: 'react', message, on: true, emoji: '👍' },
  ] as const) {
    say(ben, event)
    expect(last(ben)).toMatchObject(refused('not-allowed'))
  }
  say(ben, { type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text: 'again' }, message)
  expect(shown(ann)).toHaveLength(2)
})

test('reactions: each member once for each, taken back, and no more kinds than the limit', () => {
  const [ann, ben] = [someone('owner'), someone('member')]
  const message = post(ann, 'nice')
  const react = (device: string, emoji: string, on = true) =>
    say(device, { type: 'react', message, on, emoji })
  react(ben, '👍')
  react(ben, '👍')
  react(ann, '👍')
  expect(shown(ann)[0]?.reactions.map(({ emoji, members }) => [emoji, members.map(toHex)])).toEqual(
    [['👍', [memberOf(ben), memberOf(ann)]]],
  )
  react(ben, '👍', false)
  expect(shown(ann)[0]?.reactions).toMatchObject([{ emoji: '👍', members: [expect.anything()] }])
  for (let i = 1; i < REACTIONS_MAX; i++) react(ben, `e${i}`)
  expect(shown(ann)[0]?.reactions).toHaveLength(REACTIONS_MAX)
  react(ben, 'one more')
  expect(last(ben)).toMatchObject(refused('too-long'))
  react(ben, '👍')
  expect(shown(ann)[0]?.reactions[0]?.members).toHaveLength(2)
})

test('a message of a room that one is not in cannot be changed, nor told from one that is not there', () => {
  const [ann, ben] = [someone('owner'), someone('member')]
  const club = rooms.list.make('Club', memberOf(ann), [memberOf(ann)], NOW)
  const message = post(ann, 'inside', null, club)
  for (const target of [message, random(16)])
    for (const event of [
      { type: 'edit', message: target, text: 'x' },
      { type: 'delete', message: target },
      { type: 'react', message: target, on: true, emoji: '👍' },
    ] as const) {
      say(ben, event)
      expect(last(ben)).toMatchObject(refused('no-room'))
    }
  // Its id is taken, which only who has seen it can know.
  say(ben, { type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text: 'x' }, message)
  expect(last(ben)).toMatchObject(refused('not-allowed'))
  // A reply across rooms would tell what is in the other one.
  post(ben, 'about that', message)
  expect(shown(ben)[0]).toMatchObject({ text: 'about that', replyTo: null })
})

test('change never goes below the clock, so a restored host gives no number out twice', () => {
  const ann = someone('owner')
  const message = post(ann, 'a')
  say(ann, { type: 'edit', message, text: 'b' }, random(16), NOW + 5000)
  const changed = shown(ann)[0]?.change ?? 0
  expect(changed).toBeGreaterThanOrEqual(NOW + 5000)
  say(ann, { type: 'edit', message, text: 'c' }, random(16), NOW - 5000)
  expect(shown(ann)[0]?.change).toBe(changed + 1)
})

test('reading: it only goes on, up to what is there, and the others hear of it only if they may', () => {
  const [ann, phone, ben] = [someone('owner'), someone('owner'), someone('member')]
  expect(memberOf(phone)).toBe(memberOf(ann))
  for (let i = 0; i < 3; i++) post(ben, `m${i}`)
  const heard = (device: string) =>
    rooms
      .pending(device, 0, 99)
      .map(({ kind, body }) => decodeEvent(kind, body))
      .filter((event) => event.type === 'read-by')
      .map(({ member, seq }) => [toHex(member), seq])
  const read = (device: string, seq: number, shared: boolean, room: Uint8Array = ROOM) =>
    say(device, { type: 'read', room, seq, shared })
  read(ann, 2, true)
  read(ann, 1, true)
  read(ann, 2, true)
  expect(heard(ben)).toEqual([[memberOf(ann), 2]])
  expect(heard(phone)).toEqual([[memberOf(ann), 2]])
  expect(heard(ann)).toEqual([])
  read(ann, 99, false)
  expect(heard(phone).at(-1)).toEqual([memberOf(ann), 3])
  expect(heard(ben)).toHaveLength(1)
  read(ben, 3, true, random(16))
  expect(heard(ann)).toEqual([])
  // Who joins learns what is shared, and the own.
  const late = someone('member')
  rooms.joinDevice(late)
  expect(heard(late)).toEqual([])
  const third = someone('owner')
  rooms.joinDevice(third)
  expect(heard(third)).toEqual([[memberOf(ann), 3]])
})

test('a database of version 3 comes up: who was in is in the host\u2019s room, and messages stay', () => {
  db.close()
  rmSync(join(dir, 'clawchat.db'))
  const old = new DatabaseSync(':memory:')
  prepareSchema(old, 3)
  const [member, device, id] = ['ab'.repeat(16), 'cd'.repeat(16), random(16)]
  old.prepare('INSERT INTO members VALUES (?, ?, ?, ?)').run(member, 'owner', 'Ann', NOW)
  old
    .prepare(
      'INSERT INTO messages (room, seq, id, author, authorDevice, atMs, text) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(ROOM, 1, id, member, device, NOW, 'kept')
  old.exec('UPDATE rooms SET seq = 1')
  old.exec(`VACUUM INTO '${join(dir, 'clawchat.db')}'`)
  old.close()
  open()
  expect(rooms.history(member, ROOM, 0, 9).messages).toMatchObject([
    { text: 'kept', change: 0, reactions: [] },
  ])
  expect(rooms.list.roomsOf(member)).toMatchObject([{ kind: 'room', members: [member] }])
})
