// What `clawchat connect` keeps, on a real disk: every call is there after the file is opened anew, and numbers never lie.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ClientKeep } from '../../host/clientkeep.ts'
import { CLIENTS_FOLDER, holdFolder, openFolder } from '../../host/folder.ts'
import { toHex } from '../../shared/bytes.ts'
import { freshProfile, type Profile, type StoredMessage } from '../../web/keep.ts'
import { postOf } from '../../web/resume.ts'
import { HOST_ROOM } from '../../web/roster.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

const fresh = (): Profile => ({
  ...freshProfile({
    ...{ hostPublicKey: random(32), hostName: 'Höst', name: 'Ann', invite: 'link' },
    ...{ key: random(32), deviceId: null, root: null, knownSinceMs: 1 },
  }),
  member: 'me',
})

const message = (text: string, change: Partial<StoredMessage> = {}): StoredMessage => ({
  ...{ id: toHex(random(16)), room: HOST_ROOM, author: 'me', mine: true, text, atMs: 5, seq: null },
  ...{
    edited: false,
    deleted: false,
    gone: false,
    endsAtMs: 0,
    notice: null,
    change: 0,
    replyTo: null,
    reactions: [],
  },
  ...{ state: 'sending', ...change },
})

let dir = ''
let keep: ClientKeep
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-client-'))
  keep = ClientKeep.open(dir)
})
afterEach(() => {
  keep.close()
  rmSync(dir, { recursive: true })
})

/** As after a kill. */
function reopen(): void {
  keep.close()
  keep = ClientKeep.open(dir)
}

async function post(text: string): Promise<StoredMessage> {
  const one = message(text)
  await keep.post(one, postOf(one))
  return one
}

test('a profile comes back with all its bytes, in files for their owner alone', async () => {
  expect(await keep.profile()).toBeNull()
  const profile = fresh()
  await keep.begin(profile)
  reopen()
  expect(await keep.profile()).toEqual(profile)
  await keep.enrolled({ ...profile, deviceId: random(16), root: random(32) })
  const changed = await keep.update({ record: random(6144), seq: 7 })
  reopen()
  expect(await keep.profile()).toEqual(changed)
  const modes = readdirSync(dir).map((name) => statSync(join(dir, name)).mode & 0o777)
  expect(modes.length).toBeGreaterThan(0)
  expect(new Set(modes)).toEqual(new Set([0o600]))
})

test('without a profile nothing is kept', async () => {
  await expect(post('lost')).rejects.toMatchObject({ code: 'storage' })
  expect(await keep.messages(HOST_ROOM, 10)).toEqual([])
  await expect(keep.update({})).rejects.toMatchObject({ code: 'storage' })
})

test('texts wait in their order, over restarts, until the host has them', async () => {
  await keep.begin(fresh())
  const [a, b, c] = [await post('a'), await post('b'), await post('c')]
  reopen()
  expect((await keep.pending(0, 10)).map(({ number }) => number)).toEqual([1, 2, 3])
  expect((await keep.pending(1, 1)).map(({ id }) => toHex(id))).toEqual([b.id])
  expect((await keep.acknowledged(2)).map(({ id, state }) => [id, state])).toEqual([
    [a.id, 'sent'],
    [b.id, 'sent'],
  ])
  expect(await keep.acknowledged(2)).toEqual([])
  expect((await keep.pending(0, 10)).map(({ id }) => toHex(id))).toEqual([c.id])
  expect((await keep.messages(HOST_ROOM, 10)).map(({ text }) => text)).toEqual(['a', 'b', 'c'])
  // A number is given out once.
  await post('d')
  expect((await keep.pending(3, 10)).map(({ number }) => number)).toEqual([4])
})

test('a RESUME settles what waits; a host that forgot gets again what it once had', async () => {
  await keep.begin(fresh())
  const [a, b] = [await post('a'), await post('b')]
  const [first] = await keep.pending(0, 1)
  expect((await keep.settle(1, first?.id ?? random(16), 0)).map(({ id }) => id)).toEqual([a.id])
  expect((await keep.pending(0, 10)).map(({ id }) => toHex(id))).toEqual([b.id])
  await keep.acknowledged(2)
  await keep.putMessages([{ ...a, state: 'sent', seq: 1 }])
  // Restored from before the first one.
  await keep.settle(0, new Uint8Array(16), 0)
  const again = await keep.pending(0, 10)
  expect(again.map(({ number, id }) => [number, toHex(id)])).toEqual([
    [1, a.id],
    [2, b.id],
  ])
  expect((await keep.message(a.id))?.seq).toBeNull()
  expect((await keep.profile())?.assigned).toBe(2)
})

test('an event and its number are one, and a second time it changes nothing', async () => {
  await keep.begin(fresh())
  const id = random(16)
  const theirs = message('hi', { author: 'you', mine: false, seq: 1, state: 'sent' })
  await keep.receive(1, id, [theirs])
  await keep.receive(1, random(16), [{ ...theirs, text: 'another' }])
  reopen()
  expect(await keep.profile()).toMatchObject({ stored: 1, storedId: id })
  expect(await keep.message(theirs.id)).toEqual(theirs)
})

test('counted are the messages of others above a place', async () => {
  await keep.begin(fresh())
  await keep.putMessages(
    [true, false, true, false, true].map((mine, i) =>
      message(`number ${i + 1}`, { mine, seq: i + 1, state: 'sent' }),
    ),
  )
  expect(await keep.others(HOST_ROOM, 0)).toHaveLength(2)
  expect(await keep.others(HOST_ROOM, 2)).toHaveLength(1)
  expect(await keep.others(HOST_ROOM, 4)).toHaveLength(0)
  expect(await keep.others('another', 0)).toHaveLength(0)
})

test('what was not told is told by the next run, once and in order', async () => {
  await keep.begin(fresh())
  const two = message('2', { seq: 2, state: 'sent' })
  const one = message('1', { seq: 1, state: 'sent' })
  await keep.putMessages([two, one, message('no place yet')])
  reopen()
  expect(keep.untold().map(({ text }) => text)).toEqual(['1', '2'])
  keep.told([one.id])
  // A later state of it is no new message.
  await keep.putMessages([{ ...one, state: 'delivered' }])
  expect(keep.untold().map(({ text }) => text)).toEqual(['2'])
})

test('a new device of a removed one sends what that wrote; a burn leaves nothing', async () => {
  await keep.begin(fresh())
  await post('a')
  await keep.acknowledged(1)
  const waiting = await post('b')
  const profile = { ...fresh(), deviceId: random(16), root: random(32) }
  await keep.enrolled(profile)
  expect(await keep.profile()).toEqual({ ...profile, assigned: 1 })
  const [entry] = await keep.pending(0, 10)
  expect([entry?.number, toHex(entry?.id ?? random(1))]).toEqual([1, waiting.id])
  await keep.burn()
  expect(await keep.profile()).toBeNull()
  expect(await keep.messages(HOST_ROOM, 10)).toEqual([])
  expect(await keep.pending(0, 10)).toEqual([])
})

test('clients and a host share a data folder, whoever comes first; one client has a folder at a time', () => {
  const data = join(dir, 'data')
  const client = join(data, CLIENTS_FOLDER, '0'.repeat(32))
  mkdirSync(data)
  const held = holdFolder(client)
  expect(statSync(client).mode & 0o777).toBe(0o700)
  expect(() => holdFolder(client)).toThrow('folder-locked')
  const host = openFolder(data)
  host.close()
  held.close()
  holdFolder(client).close()
})
