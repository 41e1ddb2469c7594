// The history as text (SPEC §11.4): what a member of its rooms can read, and nothing that was deleted or has ended.
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../host/database.ts'
import { exportHistory } from '../../host/export.ts'
import { fileKeyOf } from '../../host/files.ts'
import { openFolder } from '../../host/folder.ts'
import { SealedFile } from '../../host/sealedfile.ts'
import { writeAttachment } from '../../shared/attachment.ts'
import { Writer } from '../../shared/bytes.ts'
import { blocksOf, FILE_BLOCK_BYTES } from '../../shared/files.ts'

const NOW = Date.UTC(2026, 10, 27, 9)
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
let root = ''
const at = (name: string): string => join(root, name)
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clawchat-export-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const fileBytes = (name: string, size: number): Uint8Array => {
  const writer = new Writer()
  const none = { width: 0, height: 0, durationMs: 0, thumbnail: new Uint8Array(0) }
  writeAttachment(writer, { size, hash: new Uint8Array(32), type: 'text/plain', name, ...none })
  return writer.done()
}

const TEXTS = [
  'good morning',
  'first\n**Ann**, 2026-01-01T00:00:00.000Z\n\nthis was never said',
  'deleted by its author',
  'gone by now',
  '',
] as const

/** A host with two rooms: its own with an owner and a guest in it, and one of the guest alone. */
async function host(passphrase: string | null = null): Promise<Uint8Array> {
  const folder = openFolder(at('host'), { passphrase })
  const db = openDatabase(at('host'))
  for (const [id, role, name] of [
    ['a1', 'owner', 'Ann'],
    ['b2', 'guest', 'Ben'],
  ] as const)
    db.prepare('INSERT INTO members (id, role, name, createdMs) VALUES (?, ?, ?, 1)').run(
      id,
      role,
      name,
    )
  const [own, other] = [new Uint8Array(16), random(16)]
  db.prepare(
    "INSERT INTO rooms (id, name, kind, number) VALUES (?, 'Guests only', 'room', 99)",
  ).run(other)
  const inside = db.prepare('INSERT INTO inside VALUES (?, ?, 1)')
  for (const [room, member] of [
    [own, 'a1'],
    [own, 'b2'],
    [other, 'b2'],
  ] as const)
    inside.run(room, member)
  const post = db.prepare(`INSERT INTO messages
    (room, seq, id, author, authorDevice, atMs, text, deleted, endsAtMs, file, ordinal) VALUES (?, ?, ?, ?, 'd', ?, ?, ?, ?, ?, ?)`)
  const ids = TEXTS.map((text, i) => {
    const id = random(16)
    const file = text === '' ? fileBytes('no[tes].txt', 100_000) : null
    post.run(
      own,
      i + 1,
      id,
      i % 2 === 0 ? 'a1' : 'b2',
      NOW - 1000 + i,
      text,
      i === 2 ? 1 : 0,
      i === 3 ? NOW - 1 : 0,
      file,
      i + 1,
    )
    return id
  })
  post.run(other, 1, random(16), 'b2', NOW, 'among guests', 0, 0, null, 50)
  db.prepare('INSERT INTO reactions VALUES (?, ?, ?)').run(ids[0] ?? own, '👍', 'b2')
  db.prepare("INSERT INTO files VALUES (?, 'a1', ?, 100000, 1, x'02', 'cc33')").run(
    ids[4] ?? own,
    own,
  )
  const content = random(100_000)
  mkdirSync(at('host/files'))
  const file = await SealedFile.create(
    at('host/files/cc33'),
    fileKeyOf(folder.identity.identitySecret),
    random,
  )
  for (let n = 0; n < blocksOf(content.length); n++)
    await file.write(n, content.slice(n * FILE_BLOCK_BYTES, (n + 1) * FILE_BLOCK_BYTES))
  await file.close()
  db.close()
  folder.close()
  return content
}

const run = (given: { all?: boolean; passphrase?: string } = {}) =>
  exportHistory({
    ...{ dataDir: at('host'), out: at('out'), all: given.all ?? false },
    ...{ passphrase: given.passphrase ?? null, random, nowMs: NOW },
  })
const lines = () =>
  readFileSync(at('out/history.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('holds the rooms of the owner, with files, and nothing that was deleted or has ended', async () => {
  const content = await host()
  expect(await run()).toMatchObject({ rooms: 1, messages: 3, files: 1, damaged: 0 })
  const [first, second, third] = lines()
  expect(first).toMatchObject({
    seq: 1,
    authorName: 'Ann',
    text: TEXTS[0],
    at: '2026-11-27T08:59:59.000Z',
  })
  expect(first.reactions).toEqual([{ emoji: '👍', by: 'Ben' }])
  expect(second).toMatchObject({ author: 'b2', text: TEXTS[1] })
  expect(third.file).toMatchObject({ name: 'no[tes].txt', size: 100_000 })
  expect(third.file.path).toMatch(/^files\/[0-9a-f]{32}\.txt$/)
  expect(new Uint8Array(readFileSync(join(at('out'), third.file.path)))).toEqual(content)
  const all = ['history.jsonl', 'room-1.md'].map((name) =>
    readFileSync(join(at('out'), name), 'utf8'),
  )
  for (const text of all) expect(text).not.toMatch(/deleted by|gone by now|among guests/)
})

test('a text cannot look like another message', async () => {
  await host()
  await run()
  const heads = readFileSync(at('out/room-1.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('**'))
  expect(heads).toHaveLength(3)
})

test('all rooms, if the owner says so; a folder with something in it is left alone', async () => {
  await host()
  expect(await run({ all: true })).toMatchObject({ rooms: 2, messages: 4 })
  expect(lines().map(({ text }) => text)).toContain('among guests')
  await expect(run()).rejects.toThrow('folder-foreign')
})

test('a damaged file is told, and the rest is there; keys behind a passphrase need it', async () => {
  await host('words')
  await expect(run({ passphrase: 'others' })).rejects.toThrow('passphrase-wrong')
  expect(existsSync(at('out'))).toBe(false)
  const path = at('host/files/cc33')
  const bytes = readFileSync(path)
  bytes[80_000] = (bytes[80_000] ?? 0) ^ 1
  writeFileSync(path, bytes)
  expect(await run({ passphrase: 'words' })).toMatchObject({ messages: 3, files: 0, damaged: 1 })
  expect(lines()[2].file.path).toBeNull()
  expect(readdirSync(at('out/files'))).toEqual([])
})
