// Which rooms there are and who is in them (SPEC §7.4). Room ids are 16 bytes, member ids hex; each change is one transaction.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fromHex } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { ID_BYTES } from '../shared/fields.ts'
import type { RoomKind } from '../shared/state.ts'
import { transaction } from './database.ts'
import { checkName } from './members.ts'

/** So that STATE stays small. */
const ROOMS_MAX = 256
const MEMBERS_MAX = 255

export interface RoomRow {
  readonly id: Uint8Array
  readonly kind: RoomKind
  /** empty for the host's room and for a direct conversation */
  readonly name: string
  /** who made it; null for the host's room, and for what was made on the command line before there was an owner */
  readonly createdBy: string | null
  /** 0 for the host's room */
  readonly createdMs: number
  /** member ids, in the order in which they came in */
  readonly members: readonly string[]
  /** how long what is written now stays (SPEC §7.10); 0: as long as the host keeps it */
  readonly lifeMs: number
  /** up to this sequence number all messages are gone */
  readonly goneUpTo: number
}

const SQL = {
  rooms: 'SELECT * FROM rooms ORDER BY createdMs, rowid',
  room: 'SELECT * FROM rooms WHERE id = ?',
  roomsOf: `SELECT r.* FROM rooms r JOIN inside i ON i.room = r.id WHERE i.member = ?
    ORDER BY r.createdMs, r.rowid`,
  idsOf: 'SELECT room FROM inside WHERE member = ?',
  members: 'SELECT member FROM inside WHERE room = ? ORDER BY sinceMs, member',
  isInside: 'SELECT 1 FROM inside WHERE room = ? AND member = ?',
  devices: 'SELECT d.id FROM devices d JOIN inside i ON i.member = d.member WHERE i.room = ?',
  direct: `SELECT r.id FROM rooms r JOIN inside a ON a.room = r.id JOIN inside b ON b.room = r.id
    WHERE r.kind = 'direct' AND a.member = ? AND b.member = ?`,
  count: 'SELECT count(*) AS n FROM rooms',
  // Numbers have no gaps (SPEC §7), so the last one is how many there were.
  messages: 'SELECT sum(seq - goneCount) AS n FROM rooms',
  add: `INSERT INTO rooms (id, kind, name, createdBy, createdMs, number)
    VALUES (?, ?, ?, ?, ?, (SELECT max(number) + 1 FROM rooms))`,
  rename: 'UPDATE rooms SET name = ? WHERE id = ?',
  enter: 'INSERT OR IGNORE INTO inside (room, member, sinceMs) VALUES (?, ?, ?)',
  leave: 'DELETE FROM inside WHERE room = ? AND member = ?',
} as const

export class RoomList {
  readonly #db: DatabaseSync
  readonly #random: RandomBytes
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>

  constructor(db: DatabaseSync, random: RandomBytes) {
    this.#db = db
    this.#random = random
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** Oldest first. */
  rooms(): RoomRow[] {
    return this.#sql.rooms.all().map((row) => this.#row(row))
  }

  room(id: Uint8Array): RoomRow | null {
    const row = this.#sql.room.get(id)
    return row === undefined ? null : this.#row(row)
  }

  /** Those that the member is in, oldest first. */
  roomsOf(member: string): RoomRow[] {
    return this.#sql.roomsOf.all(member).map((row) => this.#row(row))
  }

  /** Of all rooms together. */
  get messageCount(): number {
    return Number(this.#sql.messages.get()?.n)
  }

  idsOf(member: string): Uint8Array[] {
    return this.#sql.idsOf.all(member).map(({ room }) => room as Uint8Array)
  }

  isInside(room: Uint8Array, member: string): boolean {
    return this.#sql.isInside.get(room, member) !== undefined
  }

  /** The devices of all who are in it. */
  devices(room: Uint8Array): string[] {
    return this.#sql.devices.all(room).map(({ id }) => String(id))
  }

  /** Those who share a room with this member, itself among them. */
  companions(member: string): ReadonlySet<string> {
    return new Set([member, ...this.roomsOf(member).flatMap(({ members }) => members)])
  }

  /** Throws ClawError: `name-invalid`, `too-many`. @returns its id */
  make(name: string, createdBy: string | null, members: readonly string[], nowMs: number) {
    return this.#add('room', checkName(name), createdBy, members, nowMs)
  }

  /** The direct conversation of two, made if there is none. Throws ClawError('too-many'). @returns its id */
  direct(one: string, other: string, nowMs: number): Uint8Array {
    return transaction(this.#db, () => {
      const known = this.#sql.direct.get(one, other)?.id as Uint8Array | undefined
      return known ?? this.#add('direct', '', one, [one, other], nowMs)
    })
  }

  #add(
    kind: RoomKind,
    name: string,
    createdBy: string | null,
    members: readonly string[],
    nowMs: number,
  ): Uint8Array {
    return transaction(this.#db, () => {
      if (Number(this.#sql.count.get()?.n) >= ROOMS_MAX) throw new ClawError('too-many')
      const id = this.#random(ID_BYTES)
      this.#sql.add.run(id, kind, name, createdBy, nowMs)
      for (const member of members) this.enter(id, member, nowMs)
      return id
    })
  }

  /** Throws ClawError('name-invalid'). */
  rename(room: Uint8Array, name: string): void {
    this.#sql.rename.run(checkName(name), room)
  }

  /** Throws ClawError('too-many') for a room that is full. @returns whether it was not in before */
  enter(room: Uint8Array, member: string, nowMs: number): boolean {
    return transaction(this.#db, () => {
      if (this.isInside(room, member)) return false
      if (this.#sql.members.all(room).length >= MEMBERS_MAX) throw new ClawError('too-many')
      this.#sql.enter.run(room, member, nowMs)
      return true
    })
  }

  leave(room: Uint8Array, member: string): void {
    this.#sql.leave.run(room, member)
  }

  #row(row: Record<string, unknown>): RoomRow {
    const id = row.id as Uint8Array
    return {
      id,
      kind: row.kind as RoomKind,
      name: String(row.name),
      createdBy: row.createdBy === null ? null : String(row.createdBy),
      createdMs: Number(row.createdMs),
      members: this.#sql.members.all(id).map(({ member }) => String(member)),
      lifeMs: Number(row.lifeMs),
      goneUpTo: Number(row.goneUpTo),
    }
  }
}

/**
 * Who made a room, and an owner who is in it, decide about it; nobody about the host's own room or a direct conversation.
 */
export const decides = (room: RoomRow | null, member: string, isOwner: boolean): boolean =>
  isLeavable(room, member) && (isOwner || room?.createdBy === member)

/** Whether the member is in it and may go. */
export const isLeavable = (room: RoomRow | null, member: string): boolean =>
  room?.kind === 'room' && room.createdMs > 0 && room.members.includes(member)

/** Beside who decides about a room: both members of a direct conversation, and the owner about the host's own room. */
export const setsLifetime = (room: RoomRow | null, member: string, isOwner: boolean): boolean =>
  room?.members.includes(member) === true &&
  (room.kind === 'direct' || decides(room, member, isOwner) || (isOwner && room.createdMs === 0))

/** As STATE says it to this member. */
export const roomState = (room: RoomRow, member: string, isOwner: boolean) => ({
  ...{ id: room.id, kind: room.kind, name: room.name },
  mine: decides(room, member, isOwner),
  members: room.members.map((inside) => fromHex(inside)),
  ...{ lifeMs: room.lifeMs, goneUpTo: room.goneUpTo },
})
