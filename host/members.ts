// Members, their devices, invites and enrolment (SPEC §6.3, protocol.md §6). Each change is one transaction.
// Ids are lower-case hex. An invite's secret is never kept, only the root that comes of it.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fromHex, toHex, toUtf8 } from '../shared/bytes.ts'
import { NAME_MAX_BYTES, SLOT_COUNT } from '../shared/constants.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { kdf } from '../shared/hash.ts'
import { inviteRoot } from '../shared/invite.ts'
import type { InviteArgs, InviteRow, Role } from './config.ts'
import { transaction } from './database.ts'

/** Where a member comes in by a link that names no room (SPEC §7.4). */
export const HOST_ROOM = new Uint8Array(16)
const RESERVATION_MS = 10 * 60_000
const ID_BYTES = 16
const ROOT_BYTES = 32

/** What a knock may be made with; `id` is the invite's or the device's. */
export type Credential =
  | {
      readonly id: string
      readonly kind: 'invite'
      readonly root: Uint8Array
      readonly devicePublicKey: null
    }
  | {
      readonly id: string
      readonly kind: 'device'
      readonly root: Uint8Array
      /** S_d, 32 bytes */
      readonly devicePublicKey: Uint8Array
    }

export interface MemberRow {
  readonly id: string
  readonly role: Role
  readonly name: string
  /** 0..6 (SPEC §7.2) */
  readonly tone: number
  /** id of its picture, 16 bytes (SPEC §7.11); zero: none */
  readonly picture: Uint8Array
  /** others do not see whether it is here */
  readonly hidden: boolean
}
export interface DeviceRow {
  readonly id: string
  readonly member: string
  readonly name: string
  readonly createdMs: number
  readonly lastSeenMs: number
  /** S_d, 32 bytes */
  readonly publicKey: Uint8Array
}

export interface NewInvite extends InviteArgs {
  /** 32 bytes each */
  readonly secret: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly nowMs: number
  /** id of the device that asked for it: revoked with it */
  readonly byDevice?: string
  /** whose further device it makes; without it a member */
  readonly member?: string
}

type Row = Record<string, unknown>

const SQL = {
  credentials: `SELECT id, 'invite' AS kind, root, NULL AS publicKey FROM invites WHERE state = 'open'
    UNION ALL SELECT device, 'device', root, publicKey FROM reservations
    UNION ALL SELECT id, 'device', root, publicKey FROM devices`,
  count: `SELECT (SELECT count(*) FROM invites WHERE state = 'open')
    + (SELECT count(*) FROM reservations) + (SELECT count(*) FROM devices) AS n`,
  addInvite:
    'INSERT INTO invites (id, role, note, root, uses, createdMs, expiresAtMs, byDevice, member) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  invite: 'SELECT * FROM invites WHERE id = ?',
  invites: 'SELECT * FROM invites ORDER BY createdMs, rowid',
  addInviteRoom: 'INSERT INTO inviteRooms (invite, room) VALUES (?, ?)',
  inviteRooms: 'SELECT room FROM inviteRooms WHERE invite = ?',
  enter:
    'INSERT OR IGNORE INTO inside (room, member, sinceMs) SELECT id, ?, ? FROM rooms WHERE id = ?',
  linksFor: "SELECT id FROM invites WHERE member = ? AND state = 'open' ORDER BY createdMs, rowid",
  renameMember: 'UPDATE members SET name = ? WHERE id = ?',
  setProfile: 'UPDATE members SET tone = ?, hidden = ? WHERE id = ?',
  renameDevice: 'UPDATE devices SET name = ? WHERE id = ?',
  setInvite: 'UPDATE invites SET state = ? WHERE id = ?',
  useInvite: `UPDATE invites SET used = used + 1,
    state = CASE WHEN state = 'open' AND used + 1 >= uses THEN 'used' ELSE state END WHERE id = ?`,
  expireInvites: "UPDATE invites SET state = 'expired' WHERE state = 'open' AND expiresAtMs <= ?",
  reserved: 'SELECT count(*) AS n FROM reservations WHERE invite = ?',
  reservationOf: 'SELECT * FROM reservations WHERE publicKey = ?',
  reservation: 'SELECT * FROM reservations WHERE device = ?',
  reserve:
    'INSERT INTO reservations (device, invite, publicKey, name, root, untilMs) VALUES (?, ?, ?, ?, ?, ?)',
  release: 'DELETE FROM reservations WHERE device = ?',
  releaseInvite: 'DELETE FROM reservations WHERE invite = ?',
  expireReservations: 'DELETE FROM reservations WHERE untilMs <= ?',
  nextExpiry: `SELECT min(at) AS at FROM (SELECT expiresAtMs AS at FROM invites WHERE state = 'open'
    UNION ALL SELECT untilMs FROM reservations)`,
  addMember: 'INSERT INTO members (id, role, name, createdMs) VALUES (?, ?, ?, ?)',
  members: 'SELECT * FROM members ORDER BY createdMs, rowid',
  addDevice: `INSERT INTO devices (id, member, name, publicKey, root, createdMs, lastSeenMs, invite, incomingId)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, zeroblob(16))`,
  device: 'SELECT * FROM devices WHERE id = ?',
  deviceOf: 'SELECT * FROM devices WHERE publicKey = ?',
  revoked: 'SELECT 1 FROM revoked WHERE publicKey = ?',
  devices: 'SELECT * FROM devices ORDER BY createdMs, rowid',
  seen: 'UPDATE devices SET lastSeenMs = ? WHERE id = ?',
  owner: "SELECT id FROM members WHERE role = 'owner' ORDER BY createdMs, rowid LIMIT 1",
  ownerDevice: `SELECT 1 FROM devices d JOIN members m ON m.id = d.member WHERE m.role = 'owner' LIMIT 1`,
} as const

/** 1..48 bytes of UTF-8 after trimming, no control characters; else ClawError('name-invalid'). */
export function checkName(text: string): string {
  const name = text.trim()
  const bytes = toUtf8(name).length
  if (bytes === 0 || bytes > NAME_MAX_BYTES || /\p{Cc}/u.test(name)) {
    throw new ClawError('name-invalid')
  }
  return name
}

export class Members {
  readonly #db: DatabaseSync
  readonly #random: RandomBytes
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>

  constructor(db: DatabaseSync, random: RandomBytes) {
    this.#db = db
    this.#random = random
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** Makes an invite; ClawError('credentials-full') at 64 credentials. */
  invite(args: NewInvite): { readonly id: string; readonly expiresAtMs: number } {
    const { role, note, uses, nowMs } = args
    const expiresAtMs = nowMs + args.expiresMs
    return transaction(this.#db, () => {
      this.#refuseWhenFull()
      const id = this.#id()
      const [by, member] = [args.byDevice ?? null, args.member ?? null]
      const times = [nowMs, expiresAtMs] as const
      this.#sql.addInvite.run(id, role, note, inviteRoot(args), uses, ...times, by, member)
      for (const room of args.rooms) this.#sql.addInviteRoom.run(id, fromHex(room))
      return { id, expiresAtMs }
    })
  }

  /** Rows of `invite --list`, oldest first. */
  invites(nowMs: number): InviteRow[] {
    return this.#sql.invites.all().map((row) => ({
      id: String(row.id),
      role: row.role as Role,
      note: String(row.note),
      uses: Number(row.uses),
      used: Number(row.used),
      expires: new Date(Number(row.expiresAtMs)).toISOString(),
      state: stateOf(row, nowMs),
      member: row.member === null ? null : String(row.member),
      rooms: this.#roomsOf(String(row.id)).map(toHex),
    }))
  }

  /** Open links for further devices of this member, oldest first. */
  linksFor(member: string): string[] {
    return this.#sql.linksFor.all(member).map(({ id }) => String(id))
  }

  /** Throws ClawError: `name-invalid`, `device-unknown`. */
  rename(what: 'member' | 'device', id: string, name: string): void {
    const checked = checkName(name)
    const rename = what === 'member' ? this.#sql.renameMember : this.#sql.renameDevice
    if (Number(rename.run(checked, id).changes) === 0) throw new ClawError('device-unknown')
  }

  /** How the member is shown to others. `tone`: 0..6. */
  setProfile(member: string, tone: number, hidden: boolean): void {
    this.#sql.setProfile.run(tone, hidden ? 1 : 0, member)
  }

  /** Withdraws an open invite and what is reserved on it; ClawError('invite-unknown'). @returns whether credentials changed */
  withdraw(inviteId: string): boolean {
    return transaction(this.#db, () => {
      const row = this.#sql.invite.get(inviteId)
      if (row === undefined) throw new ClawError('invite-unknown')
      const released = this.#sql.releaseInvite.run(inviteId).changes
      if (row.state === 'open') this.#sql.setInvite.run('withdrawn', inviteId)
      return row.state === 'open' || Number(released) > 0
    })
  }

  /** Open invites, reservations and devices; at most 64. */
  credentials(): Credential[] {
    return this.#sql.credentials.all().map(credentialOf)
  }

  credential(id: string): Credential | null {
    return this.credentials().find((credential) => credential.id === id) ?? null
  }

  /**
   * Reserves one use for S_d, or answers as before to the same S_d (SPEC §6.3).
   * Throws ClawError: `invite-used`, `invite-reserved`, `invite-expired`, `invite-withdrawn`, `invite-unknown`,
   * `credentials-full`, `name-invalid`, `removed` for the key of a revoked device.
   * @returns the device id (16 bytes) and its root R (32 bytes)
   */
  reserve(
    inviteId: string,
    devicePublicKey: Uint8Array,
    name: string,
    nowMs: number,
  ): { readonly deviceId: Uint8Array; readonly root: Uint8Array } {
    const checked = checkName(name)
    return transaction(this.#db, () => {
      this.#sql.expireReservations.run(nowMs)
      if (this.#sql.revoked.get(devicePublicKey) !== undefined) throw new ClawError('removed')
      const device = this.#sql.deviceOf.get(devicePublicKey)
      if (device !== undefined) return answerOf(device.id, device.root)
      const earlier = this.#sql.reservationOf.get(devicePublicKey)
      if (earlier?.invite === inviteId) return answerOf(earlier.device, earlier.root)
      // One S_d holds one reservation: the newer invite counts.
      if (earlier !== undefined) this.#sql.release.run(String(earlier.device))
      this.#refuseUse(inviteId, nowMs)
      this.#refuseWhenFull()
      const id = this.#id()
      const root = this.#random(ROOT_BYTES)
      const untilMs = nowMs + RESERVATION_MS
      this.#sql.reserve.run(id, inviteId, devicePublicKey, checked, root, untilMs)
      return answerOf(id, root)
    })
  }

  #refuseUse(inviteId: string, nowMs: number): void {
    const row = this.#sql.invite.get(inviteId)
    if (row === undefined) throw new ClawError('invite-unknown')
    const state = stateOf(row, nowMs)
    if (state !== 'open') throw new ClawError(`invite-${state}` satisfies ClawErrorCode)
    const left = Number(row.uses) - Number(row.used)
    if (Number(this.#sql.reserved.get(inviteId)?.n) >= left) throw new ClawError('invite-reserved')
  }

  #refuseWhenFull(): void {
    if (Number(this.#sql.count.get()?.n) >= SLOT_COUNT) throw new ClawError('credentials-full')
  }

  /**
   * A mode-2 handshake of this device succeeded. The first one (`fresh`) makes it a device and spends the invite's use;
   * an owner's invite adds it to the owner there is. `welcome` is what else must be true of a fresh one, together with that.
   * ClawError('invite-unknown') for a device that is neither.
   */
  confirm(
    deviceId: string,
    nowMs: number,
    welcome: (deviceId: string) => void,
  ): { readonly fresh: boolean; readonly member: string } {
    return transaction(this.#db, () => {
      const known = this.#sql.device.get(deviceId)
      if (known !== undefined) {
        this.#sql.seen.run(nowMs, deviceId)
        return { fresh: false, member: String(known.member) }
      }
      const reserved = this.#sql.reservation.get(deviceId)
      if (reserved === undefined) throw new ClawError('invite-unknown')
      const member = this.#admit(reserved, nowMs)
      welcome(deviceId)
      return { fresh: true, member }
    })
  }

  #admit(reserved: Row, nowMs: number): string {
    const inviteId = String(reserved.invite)
    const id = String(reserved.device)
    const name = String(reserved.name)
    const { role, member: ofMember } = this.#sql.invite.get(inviteId) as {
      role: Role
      member: string | null
    }
    const owner = role === 'owner' ? this.#sql.owner.get() : undefined
    const known = ofMember ?? (owner === undefined ? null : String(owner.id))
    const root = reserved.root as Uint8Array
    const member = known ?? memberOf(root)
    if (known === null) {
      this.#sql.addMember.run(member, role, name, nowMs)
      const rooms = this.#roomsOf(inviteId)
      for (const room of rooms.length > 0 ? rooms : [HOST_ROOM])
        this.#sql.enter.run(member, nowMs, room)
    }
    const publicKey = reserved.publicKey as Uint8Array
    this.#sql.addDevice.run(id, member, name, publicKey, root, nowMs, nowMs, inviteId)
    this.#sql.release.run(id)
    this.#sql.useInvite.run(inviteId)
    return member
  }

  /** Drops reservations and invites whose time is over. @returns whether credentials changed */
  expire(nowMs: number): boolean {
    return transaction(this.#db, () => {
      const reservations = this.#sql.expireReservations.run(nowMs).changes
      const invites = this.#sql.expireInvites.run(nowMs).changes
      return Number(reservations) + Number(invites) > 0
    })
  }

  /** When `expire` is due next, or null. */
  nextExpiry(): number | null {
    const at = this.#sql.nextExpiry.get()?.at
    return typeof at === 'number' ? at : null
  }

  /** Notes that the device was connected at `nowMs`. */
  seen(deviceId: string, nowMs: number): void {
    this.#sql.seen.run(nowMs, deviceId)
  }

  /** Oldest first. */
  members(): MemberRow[] {
    return this.#sql.members.all().map((row) => ({
      id: String(row.id),
      role: row.role as Role,
      name: String(row.name),
      tone: Number(row.tone),
      picture: row.picture as Uint8Array,
      hidden: row.hidden === 1,
    }))
  }

  /** Confirmed devices, oldest first. */
  devices(): DeviceRow[] {
    return this.#sql.devices.all().map((row) => ({
      id: String(row.id),
      member: String(row.member),
      name: String(row.name),
      createdMs: Number(row.createdMs),
      lastSeenMs: Number(row.lastSeenMs),
      publicKey: row.publicKey as Uint8Array,
    }))
  }

  hasOwnerDevice(): boolean {
    return this.#sql.ownerDevice.get() !== undefined
  }

  #roomsOf(inviteId: string): Uint8Array[] {
    return this.#sql.inviteRooms.all(inviteId).map(({ room }) => room as Uint8Array)
  }

  #id = (): string => toHex(this.#random(ID_BYTES))
}

function stateOf(row: Row, nowMs: number): InviteRow['state'] {
  const state = row.state as InviteRow['state']
  return state === 'open' && Number(row.expiresAtMs) <= nowMs ? 'expired' : state
}

const answerOf = (id: unknown, root: unknown) => ({
  deviceId: fromHex(String(id)),
  root: root as Uint8Array,
})

function credentialOf(row: Row): Credential {
  const base = { id: String(row.id), root: row.root as Uint8Array }
  return row.kind === 'invite'
    ? { ...base, kind: 'invite', devicePublicKey: null }
    : { ...base, kind: 'device', devicePublicKey: row.publicKey as Uint8Array }
}

/**
 * The id of the member that a device with this root makes. Not drawn: a host that was restored from a backup made before
 * gives the same one again, and what the device wrote stays its own (SPEC §6.3).
 */
const memberOf = (root: Uint8Array): string => toHex(kdf(root, 'member').slice(0, ID_BYTES))
