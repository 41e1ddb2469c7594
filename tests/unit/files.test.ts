// Files on a real disk and database (SPEC §6.5, §7.7): who may put and fetch, how much, and what a crash at any moment leaves.
import { createHash, randomBytes } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../host/database.ts'
import { type FileLimits, Files } from '../../host/files.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import type { Attachment } from '../../shared/attachment.ts'
import { toHex } from '../../shared/bytes.ts'
import { codeOf } from '../../shared/error.ts'
import { type ChatEvent, decodeEvent } from '../../shared/events.ts'
import { blocksOf, FILE_BLOCK_BYTES, fileHash, hashBlock } from '../../shared/files.ts'

const ROOM: Uint8Array = new Uint8Array(16)
const DAY_MS = 24 * 3600_000
const SECRET = new Uint8Array(32).fill(7)
const random = (n: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(n))
const LIMITS: FileLimits = { maxBytes: 2 ** 20, quotaBytes: 3 * 2 ** 20, memberBytes: 2 ** 21 }

let dir = ''
let nowMs = 1_700_000_000_000
let db: ReturnType<typeof openDatabase>
let members: Members
let rooms: Rooms
let files: Files

function start(limits = LIMITS): void {
  db = openDatabase(dir)
  members = new Members(db, random)
  rooms = new Rooms(db, random)
  files = new Files({ db, dir, secret: SECRET, random, now: () => nowMs, limits })
}
async function end(): Promise<void> {
  await files.stop()
  db.close()
}
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-files-'))
  start()
})
afterEach(async () => {
  await end()
  rmSync(dir, { recursive: true })
})

function someone(role: 'owner' | 'guest' = 'guest') {
  const args = { role, uses: 1, expiresMs: nowMs + 1000, note: '', rooms: [], nowMs }
  const { id } = members.invite({ ...args, secret: random(32), hostPublicKey: random(32) })
  const device = toHex(members.reserve(id, random(32), 'Ann', nowMs).deviceId)
  const { member } = members.confirm(device, nowMs, () => undefined)
  return { device, member }
}
type Someone = ReturnType<typeof someone>

const say = ({ device }: Someone, event: ChatEvent, id = random(16)): void =>
  void rooms.receive(device, rooms.incoming(device).stored + 1, id, event, nowMs)
const last = ({ device }: Someone) => {
  const event = rooms.pending(device, 0, 1000).at(-1)
  return event && decodeEvent(event.kind, event.body)
}
const onDisk = (): string[] => readdirSync(join(dir, 'files'))
const block = (content: Uint8Array, index: number): Uint8Array =>
  content.slice(index * FILE_BLOCK_BYTES, (index + 1) * FILE_BLOCK_BYTES)
const hashOf = (content: Uint8Array): Uint8Array =>
  Array.from({ length: blocksOf(content.length) }, (_, i) => block(content, i)).reduce(
    (hash, each) => hashBlock(hash, each),
    fileHash(content.length),
  )
const attachment = (content: Uint8Array, hash = hashOf(content)): Attachment => ({
  ...{ size: content.length, hash, type: 'image/png', name: 'a.png' },
  ...{ width: 1, height: 1, durationMs: 0, thumbnail: new Uint8Array(0) },
})
const offer = ({ member }: Someone, id: Uint8Array, size: number, room = ROOM) =>
  files.offer(member, { type: 'offer', id, room, size })
const put = ({ member }: Someone, id: Uint8Array, index: number, bytes: Uint8Array) =>
  files.put(member, { type: 'put', id, index, bytes })
const fetch = ({ member }: Someone, id: Uint8Array, index: number) =>
  files.fetch(member, { type: 'fetch', id, index })

/** From wherever the host is. */
async function upload(who: Someone, id: Uint8Array, content: Uint8Array, room = ROOM) {
  let at = await offer(who, id, content.length, room)
  while (at.blocks < blocksOf(content.length))
    at = await put(who, id, at.blocks, block(content, at.blocks))
  return at
}
async function send(who: Someone, content: Uint8Array, room = ROOM): Promise<Uint8Array> {
  const id = random(16)
  await upload(who, id, content, room)
  say(
    who,
    { type: 'post', endsAtMs: 0, room, replyTo: null, text: '', file: attachment(content) },
    id,
  )
  return id
}
async function download(who: Someone, id: Uint8Array, size: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let i = 0; i < blocksOf(size); i++) parts.push((await fetch(who, id, i)).bytes)
  return new Uint8Array(Buffer.concat(parts))
}
const refusedWith = async (run: () => Promise<unknown>): Promise<string> =>
  run().then(() => 'taken', codeOf)

const THREE = random(2 * FILE_BLOCK_BYTES + 5)

test.each([0, 1, FILE_BLOCK_BYTES, FILE_BLOCK_BYTES + 1, THREE.length])(
  'a file of %i bytes is put, posted and fetched as it was',
  async (size) => {
    const [ann, ben] = [someone('owner'), someone()]
    const content = THREE.slice(0, size)
    const id = await send(ann, content)
    expect(last(ben)).toMatchObject({ type: 'message', file: attachment(content) })
    expect(await download(ben, id, size)).toEqual(content)
  },
)

test('nothing of it can be read on the disk, and only its owner may try', async () => {
  const ann = someone('owner')
  const content = new Uint8Array(FILE_BLOCK_BYTES).fill(65)
  await send(ann, content)
  const [name = ''] = onDisk()
  expect(onDisk()).toHaveLength(1)
  const path = join(dir, 'files', name)
  expect(readFileSync(path).includes(Buffer.alloc(16, 65))).toBe(false)
  const plain = createHash('sha256').update(content).digest('hex')
  expect([plain, toHex(hashOf(content))]).not.toContain(name)
  expect([statSync(path).mode & 0o777, statSync(join(dir, 'files')).mode & 0o777]).toEqual([
    0o600, 0o700,
  ])
})

test('a guest of one room cannot fetch or guess the file of another, nor change or drop it', async () => {
  const ann = someone('owner')
  const room = rooms.list.make('Inner', ann.member, [ann.member], nowMs)
  const guest = someone()
  const id = await send(ann, THREE, room)
  const stranger = await refusedWith(() => fetch(guest, random(16), 0))
  expect(await refusedWith(() => fetch(guest, id, 0))).toBe(stranger)
  expect(stranger).toBe('file-unknown')
  expect(await refusedWith(() => offer(guest, id, THREE.length))).toBe('file-unknown')
  expect(await refusedWith(() => put(guest, id, 0, block(THREE, 0)))).toBe('file-unknown')
  await files.drop(guest.member, id)
  expect(await refusedWith(() => offer(guest, random(16), 1, room))).toBe('file-unknown')
  expect(await download(ann, id, THREE.length)).toEqual(THREE)
})

test('what was not posted yet can be fetched by nobody', async () => {
  const ann = someone('owner')
  const id = random(16)
  await upload(ann, id, THREE)
  expect(await refusedWith(() => fetch(ann, id, 0))).toBe('file-unknown')
})

test('a message whose file is not there, not whole, of another size, hash, room or member is refused', async () => {
  const [ann, ben] = [someone('owner'), someone()]
  const other = rooms.list.make('Other', ann.member, [ann.member], nowMs)
  const id = random(16)
  const post = { type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text: 'a' } as const
  const refused = { type: 'refused', reason: 'no-file' }
  const file = attachment(THREE)
  say(ann, { ...post, file }, id)
  expect(last(ann)).toMatchObject(refused)
  await offer(ann, id, THREE.length)
  await put(ann, id, 0, block(THREE, 0))
  say(ann, { ...post, file }, id)
  expect(last(ann)).toMatchObject(refused)
  await upload(ann, id, THREE)
  for (const wrong of [
    { ...post, file: { ...file, size: 1 } },
    { ...post, file: { ...file, hash: random(32) } },
    { ...post, room: other, file },
  ]) {
    say(ann, wrong, id)
    expect(last(ann)).toMatchObject(refused)
  }
  say(ben, { ...post, file }, id)
  expect(last(ben)).toMatchObject(refused)
  say(ann, { ...post, file }, id)
  expect(last(ann)).toMatchObject({ type: 'stored' })
})

test('blocks out of turn change nothing, those of a wrong length end the carrier, none go beyond the end', async () => {
  const ann = someone('owner')
  const id = random(16)
  await offer(ann, id, THREE.length)
  expect(await put(ann, id, 1, block(THREE, 1))).toMatchObject({ blocks: 0 })
  await put(ann, id, 0, block(THREE, 0))
  expect(await put(ann, id, 0, random(FILE_BLOCK_BYTES))).toMatchObject({ blocks: 1 })
  const wrong = [
    [1, FILE_BLOCK_BYTES - 1],
    [2, 6],
    [3, 5],
    [2 ** 32 - 1, 1],
  ] as const
  for (const [index, length] of wrong)
    expect(await refusedWith(() => put(ann, id, index, random(length)))).toBe('frame-invalid')
  expect((await upload(ann, id, THREE)).hash).toEqual(hashOf(THREE))
  const size = statSync(join(dir, 'files', onDisk()[0] ?? '')).size
  expect(await put(ann, id, 2, random(5))).toMatchObject({ blocks: 3 })
  expect(statSync(join(dir, 'files', onDisk()[0] ?? '')).size).toBe(size)
})

test('too large, too much, too many: refused, and nobody else notices', async () => {
  const [ann, ben] = [someone('owner'), someone()]
  expect(await refusedWith(() => offer(ann, random(16), LIMITS.maxBytes + 1))).toBe(
    'file-too-large',
  )
  await offer(ann, random(16), LIMITS.maxBytes)
  await offer(ann, random(16), LIMITS.maxBytes - 100)
  expect(await refusedWith(() => offer(ann, random(16), 101))).toBe('file-member-quota')
  await offer(ben, random(16), LIMITS.maxBytes - 1000)
  expect(await refusedWith(() => offer(ben, random(16), 2000))).toBe('file-quota')
  for (let i = 0; i < 14; i++) await offer(ann, random(16), 1)
  expect(await refusedWith(() => offer(ann, random(16), 1))).toBe('file-too-many')
  expect(await refusedWith(() => offer(ben, random(16), 1))).toBe('taken')
})

test('a disk that is too full for a file is said at once', async () => {
  await end()
  start({ maxBytes: 2 ** 60, quotaBytes: 2 ** 61, memberBytes: 2 ** 61 })
  const ann = someone('owner')
  expect(await refusedWith(() => offer(ann, random(16), 2 ** 50))).toBe('file-disk-full')
  expect(onDisk()).toEqual([])
})

test('the same content lies there once, and goes with the last message that has it', async () => {
  const [ann, ben] = [someone('owner'), someone()]
  const [first, second] = [await send(ann, THREE), await send(ben, THREE)]
  expect(onDisk()).toHaveLength(1)
  say(ann, { type: 'delete', message: first })
  files.sweep()
  expect(await refusedWith(() => fetch(ben, first, 0))).toBe('file-unknown')
  expect(await download(ann, second, THREE.length)).toEqual(THREE)
  expect(last(ann)).toMatchObject({ deleted: true, text: '' })
  say(ben, { type: 'delete', message: second })
  files.sweep()
  expect(onDisk()).toEqual([])
})

test('an upload that is dropped, or that nobody posts for a week, leaves nothing', async () => {
  const ann = someone('owner')
  const [dropped, old] = [random(16), random(16)]
  await offer(ann, dropped, THREE.length)
  await files.drop(ann.member, dropped)
  expect(onDisk()).toEqual([])
  await upload(ann, old, THREE)
  nowMs += 8 * DAY_MS
  files.sweep()
  expect(onDisk()).toEqual([])
  const sent = await send(ann, THREE)
  await files.drop(ann.member, sent)
  expect(await download(ann, sent, THREE.length)).toEqual(THREE)
})

test.each(['as it was', 'without its end', 'with a damaged block', 'with a damaged head'])(
  'after a crash an upload goes on from what can be read: %s',
  async (how) => {
    const ann = someone('owner')
    const id = random(16)
    await offer(ann, id, THREE.length)
    for (const i of [0, 1]) await put(ann, id, i, block(THREE, i))
    const path = join(dir, 'files', `${toHex(id)}.part`)
    await end()
    const bytes = readFileSync(path)
    if (how === 'without its end') truncateSync(path, bytes.length - 1)
    if (how === 'with a damaged block') bytes[100] = (bytes[100] ?? 0) ^ 1
    if (how === 'with a damaged head') bytes[20] = (bytes[20] ?? 0) ^ 1
    if (how.includes('damaged')) writeFileSync(path, bytes)
    start()
    const { blocks, hash } = await offer(ann, id, THREE.length)
    expect(blocks).toBe({ 'as it was': 2, 'without its end': 1 }[how] ?? 0)
    expect(hash).toEqual(
      Array.from({ length: blocks }, (_, i) => block(THREE, i)).reduce(
        (so, each) => hashBlock(so, each),
        fileHash(THREE.length),
      ),
    )
    expect((await upload(ann, id, THREE)).hash).toEqual(hashOf(THREE))
  },
)

test('a crash between the file and its row costs the upload, and nothing stays behind', async () => {
  const ann = someone('owner')
  const id = random(16)
  await upload(ann, id, THREE)
  db.exec('UPDATE files SET hash = NULL, content = NULL')
  await end()
  start()
  expect(onDisk()).toEqual([])
  expect((await upload(ann, id, THREE)).hash).toEqual(hashOf(THREE))
})

test('damage on the disk is told, not passed on', async () => {
  const ann = someone('owner')
  const id = await send(ann, THREE)
  const path = join(dir, 'files', onDisk()[0] ?? '')
  const bytes = readFileSync(path)
  bytes[200] = (bytes[200] ?? 0) ^ 1
  writeFileSync(path, bytes)
  expect(await refusedWith(() => fetch(ann, id, 0))).toBe('file-damaged')
  expect((await fetch(ann, id, 1)).bytes).toEqual(block(THREE, 1))
  rmSync(path)
  expect(await refusedWith(() => fetch(ann, id, 1))).toBe('file-damaged')
})

test('a file offered again with another size is another one', async () => {
  const ann = someone('owner')
  const id = random(16)
  await offer(ann, id, 10)
  expect(await refusedWith(() => offer(ann, id, 11))).toBe('file-unknown')
})
