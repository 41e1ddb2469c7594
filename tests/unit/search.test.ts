// Searching on a real SQLite file (SPEC §7.5): what is found, by whom, in which order, and that nothing of what was
// deleted is left in the index.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prepareSchema } from '../../host/database.ts'
import { fromHex } from '../../shared/bytes.ts'
import type { Found, Search } from '../../shared/lookups.ts'
import { matchesIn, parseQuery } from '../../shared/terms.ts'
import {
  db,
  dir,
  NOW,
  onFile,
  open,
  ROOM,
  random,
  rooms,
  type Someone,
  say,
  someone,
} from './onfile.ts'

onFile()

const post = (who: Someone, text: string, room: Uint8Array = ROOM, nowMs = NOW): Uint8Array =>
  say(who, { type: 'post', endsAtMs: 0, room, replyTo: null, text }, nowMs)

function find(who: Someone, query: string, change: Partial<Search> = {}): Found {
  const answer = rooms.lookups.answer(who.member, {
    ...{ type: 'search', token: 7, query, rooms: [], authors: [], fromMs: 0, toMs: 0 },
    ...{ below: null, limit: 50, onlyFiles: false },
    ...change,
  })
  if (answer.type !== 'found') throw new Error(answer.type)
  return answer
}
const texts = (found: Found): string[] => found.messages.map(({ excerpt }) => excerpt.text)
const marked = ({ messages }: Found): string[] =>
  messages.flatMap(({ excerpt: { text, ranges } }) =>
    ranges.map(({ start, length }) => text.slice(start, start + length)),
  )

test('words in any order, the last one by its beginning, without case and accents, newest first', () => {
  const ann = someone('owner')
  post(ann, 'Die Grüße kommen aus Köln')
  post(ann, 'greetings from Cologne')
  post(ann, 'aus KOLN, viele Grusse')
  expect(texts(find(ann, 'köln gruss'))).toEqual(['aus KOLN, viele Grusse'])
  expect(texts(find(ann, 'koln GRU'))).toEqual([
    'aus KOLN, viele Grusse',
    'Die Grüße kommen aus Köln',
  ])
  expect(marked(find(ann, 'greet'))).toEqual(['greetings'])
  // A finished word is that word.
  expect(texts(find(ann, 'greet '))).toEqual([])
  expect(texts(find(ann, '"aus kö'))).toHaveLength(2)
  expect(texts(find(ann, '"kommen aus"'))).toEqual(['Die Grüße kommen aus Köln'])
  expect(texts(find(ann, '"aus kommen"'))).toEqual([])
})

test('Chinese, Japanese and Thai are found by any part, one character or more', () => {
  const ann = someone('owner')
  post(ann, '我们明天在东京见面')
  post(ann, '東京タワーに行きます')
  post(ann, 'ไปโตเกียวพรุ่งนี้')
  for (const query of ['东京', '明天', '面', '在东京见'])
    expect(texts(find(ann, query)), query).toEqual(['我们明天在东京见面'])
  expect(marked(find(ann, '在东京'))).toEqual(['在东京'])
  expect(texts(find(ann, 'タワー'))).toEqual(['東京タワーに行きます'])
  expect(texts(find(ann, 'โตเกียว'))).toEqual(['ไปโตเกียวพรุ่งนี้'])
  expect(texts(find(ann, '京东'))).toEqual([])
})

test('nothing of a query is an operator, and whatever is asked has an answer', () => {
  const ann = someone('owner')
  post(ann, 'NOT near AND "quoted" or* terms:x ^start')
  for (const query of ['NOT', 'AND', 'quoted', 'terms:x', '^start', 'or*', 'near(and quoted)'])
    expect(find(ann, query).messages, query).toHaveLength(1)
  for (const query of ['', ' ', '"', '""', '*', '(', ')', '- -', "';--", '\u0000'])
    expect(find(ann, query).messages, JSON.stringify(query)).toEqual([])
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  fc.assert(fc.property(text, (query) => find(ann, query).messages.length >= 0))
  const words = Array.from({ length: 100 }, (_, i) => 'abcdefghij'[i % 10]).join(' ')
  expect(find(ann, words).messages).toEqual([])
})

test('the index gives what going through all texts gives', () => {
  const ann = someone('owner')
  const unit = fc.constantFrom(
    'a',
    'ab',
    'abc',
    'b',
    ' ',
    ' ',
    ',',
    '京',
    '東',
    '都',
    'é',
    'E',
    '1',
  )
  const line = fc.array(unit, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''))
  const all: string[] = []
  for (const text of fc.sample(line, { numRuns: 120, seed: 5 })) {
    post(ann, text)
    all.unshift(text)
  }
  let hits = 0
  for (const query of fc.sample(line, { numRuns: 300, seed: 6 })) {
    const wanted = all.filter((text) => matchesIn(text, parseQuery(query)) !== null)
    hits += wanted.length
    const pages: string[] = []
    let below: Uint8Array | null = null
    do {
      const found = find(ann, query, { below, limit: 7 })
      pages.push(...texts(found))
      below = found.next
    } while (below !== null)
    expect(pages, query).toEqual(wanted)
  }
  expect(hits).toBeGreaterThan(300)
})

test('who is not in a room finds nothing of it, by no filter, and no page leads there', () => {
  const [ann, guy] = [someone('owner'), someone()]
  const kitchen = rooms.list.make('Kitchen', ann.member, [ann.member], NOW)
  const secret = post(ann, 'the secret word', kitchen)
  post(ann, 'the open word')
  expect(texts(find(ann, 'word'))).toEqual(['the open word', 'the secret word'])
  expect(texts(find(ann, 'word', { rooms: [kitchen] }))).toEqual(['the secret word'])
  for (const change of [
    {},
    { rooms: [kitchen] },
    { rooms: [kitchen, ROOM] },
    { authors: [fromHex(ann.member)] },
    { below: secret },
    { toMs: NOW + 1 },
  ]) {
    const found = find(guy, 'secret', change)
    expect([found.messages, found.next]).toEqual([[], null])
  }
  expect(find(guy, 'word', { below: secret })).toEqual(find(guy, 'word', { below: random(16) }))
  rooms.enter(kitchen, guy.member, NOW)
  expect(texts(find(guy, 'secret'))).toEqual(['the secret word'])
  rooms.list.leave(kitchen, guy.member)
  expect(find(guy, 'secret').messages).toEqual([])
})

test('author and dates', () => {
  const [ann, ben] = [someone('owner'), someone()]
  for (let day = 0; day < 10; day++)
    post(day % 2 === 0 ? ann : ben, `word ${day}`, ROOM, NOW + day * 1000)
  const digits = (change: Partial<Search>): string =>
    texts(find(ann, 'word', change))
      .map((text) => text.at(-1))
      .join('')
  expect(digits({ authors: [fromHex(ben.member)] })).toBe('97531')
  expect(digits({ fromMs: NOW + 3000 })).toBe('9876543')
  expect(digits({ fromMs: NOW + 3000, toMs: NOW + 6000 })).toBe('543')
  expect(digits({ toMs: NOW })).toBe('')
  expect(digits({ fromMs: NOW + 60_000 })).toBe('')
})

test('an edit is found as it reads now; what is deleted is found no more', () => {
  const ann = someone('owner')
  const message = post(ann, 'first wording')
  say(ann, { type: 'edit', message, text: 'second wording' })
  expect(texts(find(ann, 'wording'))).toEqual(['second wording'])
  expect(find(ann, 'first').messages).toEqual([])
  say(ann, { type: 'delete', message })
  expect(find(ann, 'wording').messages).toEqual([])
})

test('what is deleted stands in no file any more, in none of its forms', () => {
  const ann = someone('owner')
  const gone = post(ann, 'Xylophonquartett im Zwischenraum')
  for (let i = 0; i < 50; i++) post(ann, `other text ${i}`)
  say(ann, { type: 'edit', message: gone, text: 'Wolkenkuckucksheim' })
  const files = (): string =>
    readdirSync(dir)
      .map((name) => readFileSync(join(dir, name)).toString('latin1').toLowerCase())
      .join()
  expect(files()).toContain('xylophon')
  say(ann, { type: 'delete', message: gone })
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  for (const word of ['xylophon', 'quartett', 'zwischenraum', 'kuckuck'])
    expect(files(), word).not.toContain(word)
  db.exec(`INSERT INTO texts (texts) VALUES ('integrity-check')`)
})

test('a database from before there was an index has one after the upgrade; so has one of other terms', () => {
  db.close()
  rmSync(join(dir, 'clawchat.db'))
  const old = new DatabaseSync(join(dir, 'clawchat.db'))
  prepareSchema(old, 4)
  old.exec(`INSERT INTO messages (room, seq, id, author, authorDevice, atMs, text, deleted)
    SELECT zeroblob(16), value, randomblob(16), 'aa', 'bb', value, 'old text ' || value, value = 3
    FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 6000) SELECT value FROM n);
    UPDATE rooms SET seq = 6000`)
  old.close()
  open()
  const ann = someone('owner')
  expect(texts(find(ann, 'old', { limit: 2 }))).toEqual(['old text 6000', 'old text 5999'])
  post(ann, 'new text')
  expect(texts(find(ann, 'text', { limit: 2 }))).toEqual(['new text', 'old text 6000'])
  expect(find(ann, '3 ').messages.map(({ seq }) => seq)).toEqual([])
  db.exec(`UPDATE kv SET value = 'another' WHERE key = 'index-maker'`)
  db.close()
  open()
  expect(texts(find(ann, 'text', { limit: 2 }))).toEqual(['new text', 'old text 6000'])
})

test('a place by time or by message, and earlier texts, of the own rooms only', () => {
  const [ann, guy] = [someone('owner'), someone()]
  const kitchen = rooms.list.make('Kitchen', ann.member, [ann.member], NOW)
  const ids = [1, 2, 3, 4].map((i) => post(ann, `m${i}`, kitchen, NOW + i * 1000))
  const locate = (
    who: Someone,
    by: { atMs: number } | { message: Uint8Array },
    room: Uint8Array = kitchen,
  ) => rooms.lookups.answer(who.member, { type: 'locate', token: 1, room, by })
  const seq = (n: number) => ({ type: 'located', token: 1, code: null, seq: n })
  expect(locate(ann, { atMs: 0 })).toEqual(seq(1))
  expect(locate(ann, { atMs: NOW + 2001 })).toEqual(seq(3))
  expect(locate(ann, { atMs: NOW + 9e9 })).toEqual(seq(4))
  expect(locate(ann, { message: ids[1] ?? ROOM })).toEqual(seq(2))
  expect(locate(ann, { message: ids[1] ?? ROOM }, ROOM)).toEqual(seq(0))
  expect(locate(guy, { message: ids[1] ?? ROOM })).toEqual(seq(0))
  expect(locate(guy, { atMs: 0 })).toEqual(seq(0))
  expect(locate(ann, { atMs: 0 }, ROOM)).toEqual(seq(0))

  const message = ids[0] ?? ROOM
  const versions = (who: Someone) =>
    rooms.lookups.answer(who.member, { type: 'versions', token: 2, message })
  for (let i = 1; i <= 60; i++) say(ann, { type: 'edit', message, text: `e${i}` }, NOW + i)
  const earlier = versions(ann)
  expect(earlier.type === 'earlier' && earlier.texts).toEqual(
    Array.from({ length: 50 }, (_, i) => ({ untilMs: NOW + 60 - i, text: `e${59 - i}` })),
  )
  expect(versions(guy)).toMatchObject({ texts: [] })
  say(ann, { type: 'delete', message })
  expect(versions(ann)).toMatchObject({ texts: [] })
})

/** A post with a file that is on the host already. */
function postFile(who: Someone, text: string, name: string, room: Uint8Array = ROOM): Uint8Array {
  const [id, hash] = [random(16), random(32)]
  db.prepare('INSERT INTO files VALUES (?, ?, ?, 1, 1, ?, ?)').run(id, who.member, room, hash, 'x')
  const file = { size: 1, hash, type: 'a/b', name, width: 0, height: 0, durationMs: 0 }
  const what = { text, file: { ...file, thumbnail: new Uint8Array(0) } }
  const post = { type: 'post', endsAtMs: 0, room, replyTo: null, ...what } as const
  const number = rooms.incoming(who.device).stored + 1
  rooms.receive(who.device, number, id, post, NOW)
  return id
}

test('files are found by name and by the text beside them; alone, and with no words all of them', () => {
  const ann = someone('owner')
  post(ann, 'the plan is late')
  postFile(ann, 'here is the plan', 'garden.pdf')
  postFile(ann, '', 'plan-b.pdf')
  expect(texts(find(ann, 'garden'))).toEqual(['here is the plan\ngarden.pdf'])
  expect(texts(find(ann, 'plan'))).toHaveLength(3)
  const only = (query: string) => texts(find(ann, query, { onlyFiles: true }))
  expect(only('plan')).toEqual(['plan-b.pdf', 'here is the plan\ngarden.pdf'])
  expect(only('late')).toEqual([])
  expect(only('')).toHaveLength(2)
  expect(texts(find(ann, ''))).toEqual([])
})

test('files of another room, or of a deleted message, are found by nobody', () => {
  const [ann, ben] = [someone('owner'), someone()]
  const other = rooms.list.make('Other', null, [ann.member], NOW)
  postFile(ann, '', 'secret.pdf', other)
  const gone = postFile(ann, '', 'gone.pdf')
  const edited = postFile(ann, 'before', 'kept.pdf')
  say(ann, { type: 'delete', message: gone })
  say(ann, { type: 'edit', message: edited, text: 'after' })
  const all = (who: Someone) => texts(find(who, '', { onlyFiles: true }))
  expect(all(ben)).toEqual(['after\nkept.pdf'])
  expect(texts(find(ben, 'secret'))).toEqual([])
  expect(all(ann)).toEqual(['after\nkept.pdf', 'secret.pdf'])
  expect(texts(find(ann, 'gone'))).toEqual([])
})
