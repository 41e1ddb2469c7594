// Files within a session of the host (SPEC §6.5): the conversation goes on beside them, and endless ones end it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ChatSession } from '../../host/chat.ts'
import { openDatabase } from '../../host/database.ts'
import { Files } from '../../host/files.ts'
import { Hub } from '../../host/hub.ts'
import type { SecureLink } from '../../host/link.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import { Transfers } from '../../host/transfers.ts'
import { toHex } from '../../shared/bytes.ts'
import { FILE_AHEAD_MAX, FILE_BLOCK_BYTES } from '../../shared/files.ts'
import type { ClawMessage } from '../../shared/messages.ts'
import { NO_PICTURES } from '../pictures.ts'
import { Chance } from '../simulation/world.ts'

const ROOM = new Uint8Array(16)
const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

function scene() {
  const dir = mkdtempSync(join(tmpdir(), 'clawchat-transfers-'))
  const db = openDatabase(dir)
  const { bytes: random } = new Chance(3)
  const members = new Members(db, random)
  const rooms = new Rooms(db, random)
  const args = { role: 'owner', uses: 1, expiresMs: 1e6, note: '', rooms: [], nowMs: 0 } as const
  const invite = members.invite({ ...args, secret: random(32), hostPublicKey: random(32) })
  const device = toHex(members.reserve(invite.id, random(32), 'Ann', 0).deviceId)
  const { member } = members.confirm(device, 0, () => undefined)
  const limits = { maxBytes: 2 ** 30, quotaBytes: 2 ** 31, memberBytes: 2 ** 31 }
  const files = new Files({ db, dir, secret: random(32), random, now: () => 0, limits })
  endings.push(
    () => rmSync(dir, { recursive: true }),
    () => db.close(),
    () => files.stop(),
  )
  const sent: ClawMessage[] = []
  /** told of each message, and whether the carrier was closed */
  let onSent = (_: ClawMessage): void => undefined
  const ended = Promise.withResolvers<void>()
  const link = {
    closed: false,
    send: async (message: ClawMessage) => {
      sent.push(message)
      onSent(message)
    },
    end: async () => undefined,
    close: () => ended.resolve(),
  } as unknown as SecureLink
  const session = new ChatSession({
    ...{ link, device, member, rooms, route: 'direct', hub: new Hub(), now: () => 0 },
    after: () => () => undefined,
    pictures: NO_PICTURES,
    transfers: new Transfers(files, member, link),
    state: () => null,
    record: () => new Uint8Array(6144),
    notice: () => null,
    request: async () => ({ kind: 'done' }),
    onConnected: () => undefined,
  })
  session.handle({ type: 'resume', stored: 0, id: new Uint8Array(16) })
  const until = (type: ClawMessage['type']): Promise<ClawMessage> =>
    new Promise((resolve) => {
      onSent = (message) => message.type === type && resolve(message)
    })
  return { session, sent, until, ended: ended.promise, random }
}

test('what is said beside a transfer is answered before the disk has answered', async () => {
  const { session, sent, until, random } = scene()
  const id = random(16)
  const at = until('at')
  session.handle({ type: 'offer', id, room: ROOM, size: FILE_BLOCK_BYTES })
  void session.handle({ type: 'ping', token: 5 })
  expect(sent.at(-1)).toEqual({ type: 'pong', token: 5 })
  expect(await at).toMatchObject({ id, blocks: 0 })
  const whole = until('at')
  session.handle({ type: 'put', id, index: 0, bytes: random(FILE_BLOCK_BYTES) })
  expect(await whole).toMatchObject({ id, blocks: 1 })
})

test('what cannot be done is told by its code, and the carrier holds', async () => {
  const { session, until, random } = scene()
  const id = random(16)
  const failed = until('file-fail')
  session.handle({ type: 'fetch', id, index: 0 })
  expect(await failed).toEqual({ type: 'file-fail', id, code: 'file-unknown' })
})

test('a block of a wrong length ends the carrier', async () => {
  const { session, until, ended, random } = scene()
  const id = random(16)
  const at = until('at')
  session.handle({ type: 'offer', id, room: ROOM, size: 10 })
  await at
  session.handle({ type: 'put', id, index: 0, bytes: random(11) })
  await ended
})

test('blocks without end, faster than the disk, end the carrier', () => {
  const { session, random } = scene()
  const fetch = { type: 'fetch', id: random(16), index: 0 } as const
  for (let i = 0; i < FILE_AHEAD_MAX; i++) session.handle(fetch)
  expect(() => session.handle(fetch)).toThrow('frame-invalid')
})

test('no device says what only hosts say', async () => {
  const { session, ended, random } = scene()
  session.handle({ type: 'block', id: random(16), index: 0, bytes: random(1) })
  await ended
})
