// Revocation (SPEC §3.4) on a real SQLite file: what one transaction takes away, and what a crash behind it leaves.
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { Role } from '../../host/config.ts'
import { EpochTable, prepareSchema, Settings, type StoredEpoch } from '../../host/database.ts'
import { fullText, memberList, membersText, revokeText } from '../../host/memberlist.ts'
import { commitRevocation, isPublishPending, publishedEverywhere } from '../../host/revocation.ts'
import { toHex } from '../../shared/bytes.ts'
import { safetyCode } from '../../shared/safety.ts'
import { db, dir, members, NOW, onFile, open, ROOM, random, rooms } from './onfile.ts'

const hostPublicKey = new Uint8Array(32)
onFile()

const invite = (role: Role, uses = 1, byDevice?: string) =>
  members.invite({
    role,
    uses,
    expiresMs: 3_600_000,
    note: '',
    rooms: [],
    secret: randomBytes(32),
    hostPublicKey,
    nowMs: NOW,
    ...(byDevice === undefined ? {} : { byDevice }),
  }).id
function enrol(link: string, key: Uint8Array = random(32)) {
  const device = toHex(members.reserve(link, key, 'Ann', NOW).deviceId)
  return { key, device, ...members.confirm(device, NOW, (fresh) => rooms.joinDevice(fresh)) }
}
const plan = (first: number, port: number): StoredEpoch[] =>
  Array.from({ length: 26 }, (_, i) => ({
    epoch: first + i,
    port: port + i,
    certPem: `certificate ${port + i}`,
    keyPem: `key ${port + i}`,
    fingerprint: random(32),
  }))
const revoke = (id: string, epochs = plan(99, 60_000)) => commitRevocation(db, id, epochs, NOW)
const post = (text: string) =>
  ({ type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text }) as const
const ids = () => members.credentials().map(({ id }) => id)

test('the credential is gone, and with it what waited for the device; the others lose nothing', () => {
  const ann = enrol(invite('owner'))
  const ben = enrol(invite('member'))
  rooms.receive(ann.device, 1, random(16), post('hello'), NOW)
  expect(rooms.pending(ben.device, 0, 9)).toHaveLength(1)
  const waiting = rooms.pending(ann.device, 0, 9)
  expect(revoke(ben.device)).toEqual({ devices: [ben.device], links: [] })
  expect(ids()).toEqual([ann.device])
  expect(rooms.pending(ben.device, 0, 9)).toEqual([])
  expect(rooms.pending(ann.device, 0, 9)).toEqual(waiting)
  expect(() => members.confirm(ben.device, NOW, () => undefined)).toThrow('invite-unknown')
  expect(() => rooms.settle(ben.device, 0, ROOM)).toThrow('internal')
  // What the member wrote keeps its author.
  expect(members.members().map(({ id }) => id)).toEqual([ann.member, ben.member])
})

test('a revoked key is refused by every link, before and after a restart; a fresh key may come', () => {
  const ben = enrol(invite('member'))
  const link = invite('member', 9)
  revoke(ben.device)
  expect(() => members.reserve(link, ben.key, 'Ben', NOW)).toThrow('removed')
  db.close()
  open()
  expect(() => members.reserve(link, ben.key, 'Ben', NOW)).toThrow('removed')
  enrol(link)
})

test('the open link that it came by, and those that it made, die with what is reserved on them', () => {
  const link = invite('member', 9)
  const ben = enrol(link)
  const made = invite('member', 1, ben.device)
  const own = invite('owner', 2)
  const cay = enrol(own)
  const [late, lent] = [random(32), random(32)]
  members.reserve(link, late, 'Late', NOW)
  members.reserve(made, lent, 'Lent', NOW)
  const { links } = revoke(ben.device)
  expect(links.toSorted()).toEqual([link, made].toSorted())
  expect(ids()).toEqual([own, cay.device])
  expect(() => members.reserve(link, late, 'Late', NOW)).toThrow('invite-withdrawn')
  expect(() => members.reserve(made, lent, 'Lent', NOW)).toThrow('invite-withdrawn')
})

test('what is reserved on a link that expired meanwhile dies too', () => {
  const ben = enrol(invite('member'))
  const made = invite('member', 1, ben.device)
  members.reserve(made, random(32), 'Lent', NOW + 3_599_000)
  members.expire(NOW + 3_600_000)
  expect(members.credentials()).toHaveLength(2)
  expect(revoke(ben.device).links).toEqual([])
  expect(members.credentials()).toEqual([])
})

test('a member goes with all devices; nobody else does', () => {
  const [one, two] = [enrol(invite('owner')), enrol(invite('owner'))]
  const ben = enrol(invite('member'))
  expect(revoke(one.member).devices).toEqual([one.device, two.device])
  expect(ids()).toEqual([ben.device])
  expect(members.hasOwnerDevice()).toBe(false)
  const words = revokeText({ revoked: ['x'], links: [], unconfirmed: ['mega'], ownerDevices: 0 })
  expect(words).toContain('the owner has no device left')
  expect(words).toContain('still show the old record: mega')
  // The next owner's link leads to the same member.
  expect(enrol(invite('owner')).member).toBe(one.member)
})

test('an unknown id, and one that was revoked before, change nothing', () => {
  const ben = enrol(invite('member'))
  revoke(ben.device, plan(99, 50_000))
  for (const id of ['00'.repeat(16), ben.device, ben.member]) {
    expect(() => revoke(id)).toThrow('device-unknown')
  }
  expect(new EpochTable(db).all()[0]?.port).toBe(50_000)
})

test('no port, certificate or key of the schedule before is left, not even of past epochs', () => {
  const ben = enrol(invite('member'))
  const table = new EpochTable(db)
  table.save(plan(95, 50_000), 0)
  const fresh = plan(99, 60_000)
  revoke(ben.device, fresh)
  expect(table.all()).toEqual(fresh)
})

test('a crash before the commit leaves all, one behind it leaves nothing but the wish to publish', () => {
  const ben = enrol(invite('member'))
  const table = new EpochTable(db)
  table.save(plan(99, 50_000), 0)
  const before = [ids(), table.all()]
  const exec = db.exec.bind(db)
  db.exec = (sql) => {
    if (sql === 'COMMIT') throw new Error('the process ends here')
    exec(sql)
  }
  expect(() => revoke(ben.device)).toThrow('ends here')
  db.exec = exec
  db.close()
  open()
  expect([ids(), new EpochTable(db).all()]).toEqual(before)
  expect(isPublishPending(new Settings(db))).toBe(false)
  revoke(ben.device)
  db.close()
  open()
  const settings = new Settings(db)
  expect(isPublishPending(settings)).toBe(true)
  expect(ids()).toEqual([])
  expect(new EpochTable(db).all()[0]?.port).toBe(60_000)
  publishedEverywhere(settings)
  expect(isPublishPending(settings)).toBe(false)
})

test('a database of version 1 comes up; of its devices nobody knows the link, so used open links die', () => {
  db.close()
  rmSync(join(dir, 'clawchat.db'))
  const old = new DatabaseSync(':memory:')
  prepareSchema(old, 1)
  old.exec(`VACUUM INTO '${join(dir, 'clawchat.db')}'`)
  old.close()
  open()
  const [link, fresh] = [invite('member', 5), invite('member', 5)]
  const ben = enrol(link)
  db.exec('UPDATE devices SET invite = NULL')
  expect(revoke(ben.device).links).toEqual([link])
  expect(ids()).toEqual([fresh])
})

test('members: who is in, when last seen, how connected, and the code that both ends show', () => {
  const ann = enrol(invite('owner'))
  const ben = enrol(invite('member'))
  const list = memberList(members, hostPublicKey, new Map([[ann.device, 'direct']]), NOW + 5000)
  expect(list).toEqual([
    {
      member: ann.member,
      name: 'Ann',
      role: 'owner',
      devices: [
        {
          device: ann.device,
          name: 'Ann',
          lastSeen: new Date(NOW + 5000).toISOString(),
          route: 'direct',
          safetyCode: safetyCode(hostPublicKey, ann.key),
        },
      ],
    },
    expect.objectContaining({
      member: ben.member,
      devices: [expect.objectContaining({ lastSeen: new Date(NOW).toISOString(), route: null })],
    }),
  ])
  const words = membersText(list)
  for (const text of [ann.device, ben.member, 'connected, direct', 'last seen 2023']) {
    expect(words).toContain(text)
  }
  expect(words).toContain(safetyCode(hostPublicKey, ben.key).slice(0, 6).join(' '))
})

test('a full host names what could go: the oldest open links, the devices longest away', () => {
  const ann = enrol(invite('owner'))
  const ben = enrol(invite('member'))
  members.seen(ann.device, NOW + 9000)
  const [first] = Array.from({ length: 62 }, () => invite('member'))
  expect(() => invite('member')).toThrow('credentials-full')
  const list = memberList(members, hostPublicKey, new Map(), NOW)
  const words = fullText(members.invites(NOW), list)
  expect(words).toContain(`invite --withdraw ${first}`)
  expect(words.indexOf(ben.device)).toBeLessThan(words.indexOf(ann.device))
  expect(words.indexOf(ben.device)).toBeGreaterThan(0)
})
