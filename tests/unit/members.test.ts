// Invites and enrolment (SPEC §6.3) on a real SQLite file.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Role } from '../../host/config.ts'
import { openDatabase } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { RoomList } from '../../host/roomlist.ts'
import { stateFor } from '../../host/roster.ts'
import { toHex } from '../../shared/bytes.ts'

const random = (length: number) => new Uint8Array(randomBytes(length))
const NOW = 1_700_000_000_000
const hostPublicKey = new Uint8Array(32)
let dir = ''
let db: ReturnType<typeof openDatabase>
let members: Members
let rooms: RoomList

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-members-'))
  db = openDatabase(dir)
  members = new Members(db, random)
  rooms = new RoomList(db, random)
})
afterEach(() => {
  db.close()
  rmSync(dir, { recursive: true })
})

const invite = (role: Role = 'member', uses = 1) =>
  members.invite({
    role,
    uses,
    expiresMs: 3_600_000,
    note: '',
    rooms: [],
    secret: randomBytes(32),
    hostPublicKey,
    nowMs: NOW,
  }).id
const reserve = (id: string, key: Uint8Array = randomBytes(32), nowMs = NOW, name = 'Ann') =>
  members.reserve(id, key, name, nowMs)
const nothing = (): void => undefined
function enrol(id: string) {
  const device = toHex(reserve(id).deviceId)
  return { device, ...members.confirm(device, NOW, nothing) }
}

test('a host restored from a backup made before a device was confirmed takes it for the same member', () => {
  const { deviceId } = reserve(invite())
  const device = toHex(deviceId)
  const backup = join(dir, 'backup')
  db.exec(`VACUUM INTO '${backup}'`)
  const { member } = members.confirm(device, NOW, nothing)
  const restored = new DatabaseSync(backup)
  expect(new Members(restored, random).confirm(device, NOW, nothing)).toEqual({
    fresh: true,
    member,
  })
  restored.close()
  expect(enrol(invite()).member).not.toBe(member)
})

test('the same S_d gets the same answer; another one meanwhile is told the invite is reserved', () => {
  const id = invite()
  const key = randomBytes(32)
  const first = reserve(id, key)
  expect(reserve(id, key)).toEqual(first)
  expect(() => reserve(id)).toThrow('invite-reserved')
  const device = toHex(first.deviceId)
  expect(members.confirm(device, NOW, nothing).fresh).toBe(true)
  expect(members.confirm(device, NOW, nothing).fresh).toBe(false)
  expect(() => reserve(id)).toThrow('invite-used')
  expect(members.credentials()).toMatchObject([{ id: device, kind: 'device' }])
})

test('what welcomes a device is one with its admission: if it fails, nothing of either has happened', () => {
  const id = invite()
  const device = toHex(reserve(id).deviceId)
  const before = members.credentials()
  const fails = (fresh: string): void => {
    expect(fresh).toBe(device)
    throw new Error('the process ends here')
  }
  expect(() => members.confirm(device, NOW, fails)).toThrow('ends here')
  expect(members.devices()).toEqual([])
  expect(members.members()).toEqual([])
  expect(members.credentials()).toEqual(before)
  expect(members.confirm(device, NOW, nothing).fresh).toBe(true)
})

test('an unconfirmed reservation ends after ten minutes and gives its use back', () => {
  const id = invite()
  const device = toHex(reserve(id).deviceId)
  expect(members.expire(NOW + 599_999)).toBe(false)
  expect(members.expire(NOW + 600_000)).toBe(true)
  expect(() => members.confirm(device, NOW + 600_000, nothing)).toThrow('invite-unknown')
  reserve(id, randomBytes(32), NOW + 600_000)
})

test('expired, withdrawn and unknown invites', () => {
  const [old, gone] = [invite(), invite()]
  expect(() => reserve(old, randomBytes(32), NOW + 3_600_000)).toThrow('invite-expired')
  expect(members.withdraw(gone)).toBe(true)
  expect(members.withdraw(gone)).toBe(false)
  expect(() => reserve(gone)).toThrow('invite-withdrawn')
  expect(() => reserve('00')).toThrow('invite-unknown')
  expect(members.expire(NOW + 3_600_000)).toBe(true)
  expect(members.credentials()).toEqual([])
  expect(members.invites(NOW).map(({ state }) => state)).toEqual(['expired', 'withdrawn'])
})

test('names: trimmed, 1 to 48 bytes, no control characters', () => {
  const id = invite('member', 9)
  for (const bad of ['', '  ', 'é'.repeat(25), 'a\nb', 'a\u0000']) {
    expect(() => reserve(id, randomBytes(32), NOW, bad)).toThrow('name-invalid')
  }
  reserve(id, randomBytes(32), NOW, ` ${'é'.repeat(24)} `)
})

test('64 credentials, the 65th is refused', () => {
  const ids = Array.from({ length: 64 }, () => invite())
  expect(() => invite()).toThrow('credentials-full')
  expect(() => reserve(ids[0] ?? '')).toThrow('credentials-full')
  expect(members.credentials()).toHaveLength(64)
})

test('a second owner invite adds a device to the owner; other invites make members', () => {
  expect(members.hasOwnerDevice()).toBe(false)
  const first = enrol(invite('owner'))
  const second = enrol(invite('owner'))
  const other = enrol(invite('member'))
  expect(members.hasOwnerDevice()).toBe(true)
  expect(second.member).toBe(first.member)
  expect(other.member).not.toBe(first.member)
  const online = new Map([[second.device, 'direct' as const]])
  const state = stateFor(members, rooms, first.device, online, NOW)
  expect(state?.members.map(({ online }) => online)).toEqual([true, false])
  // The owner sees the devices of all, others their own.
  expect(state?.devices).toHaveLength(3)
  expect(stateFor(members, rooms, other.device, online, NOW)?.devices).toHaveLength(1)
  expect(stateFor(members, rooms, '0'.repeat(32), online, NOW)).toBeNull()
})
