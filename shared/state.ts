// STATE (SPEC §7.2): the picture of now that a device may see of members, devices, open links and rooms. Ids are 16 bytes.
import { type Reader, Writer } from './bytes.ts'
import {
  MEMBER_ROLE,
  NAME_MAX_BYTES,
  NOTE_MAX_BYTES,
  ROUTE,
  type Role,
  type Route,
} from './constants.ts'
import { ID_BYTES, readFlag, readIds, readMany, readNamed, writeIds } from './fields.ts'
import { KEEP_MS, LIFE_MS, readSpan } from './lifetime.ts'
import { PICTURE_ID_BYTES } from './picture.ts'

export const ROOM_KIND = { room: 1, direct: 2 } as const
export type RoomKind = keyof typeof ROOM_KIND

const FLAG = { online: 1, gone: 2, hidden: 4 } as const
/** Colours that a member may choose, from 1 on; 0: chosen by whoever shows it. */
export const TONES = 6
const NO_ROUTE = 'none'
const ROUTES = { ...ROUTE, [NO_ROUTE]: 0 } as const

export interface MemberState {
  readonly id: Uint8Array
  readonly role: Role
  readonly name: string
  readonly online: boolean
  /** without any device; messages still bear its id */
  readonly gone: boolean
  /** does not show whether it is here */
  readonly hidden: boolean
  /** 0..6, see {@link TONES} */
  readonly tone: number
  /** 16 bytes, of its picture (SPEC §7.11); zero: none */
  readonly picture: Uint8Array
  /** unix ms; 0: here, never, or not told */
  readonly lastSeenMs: number
}
export interface DeviceState {
  readonly id: Uint8Array
  readonly member: Uint8Array
  readonly name: string
  /** S_d, 32 bytes: gives the safety code (SPEC §8) */
  readonly publicKey: Uint8Array
  readonly createdMs: number
  readonly lastSeenMs: number
  /** null: not connected */
  readonly route: Route | null
}
export interface InviteState {
  readonly id: Uint8Array
  readonly role: Role
  /** whose device it makes; zero: it makes a member */
  readonly member: Uint8Array
  readonly uses: number
  readonly used: number
  readonly expiresAtMs: number
  readonly note: string
  /** where its member comes in; none: the host's room */
  readonly rooms: readonly Uint8Array[]
}
export interface RoomState {
  /** zero: the host's room, which bears the host's name */
  readonly id: Uint8Array
  readonly kind: RoomKind
  /** empty for the host's room and for a direct conversation */
  readonly name: string
  /** whether the member that gets this decides about it */
  readonly mine: boolean
  readonly members: readonly Uint8Array[]
  /** how long messages written from now on stay; 0: as long as the host keeps them */
  readonly lifeMs: number
  /** up to this sequence number nothing is left of any message */
  readonly goneUpTo: number
}
export interface State {
  readonly type: 'state'
  readonly hostName: string
  readonly member: Uint8Array
  readonly device: Uint8Array
  readonly members: readonly MemberState[]
  readonly devices: readonly DeviceState[]
  readonly invites: readonly InviteState[]
  /** those that the member is in */
  readonly rooms: readonly RoomState[]
  /** how long the host keeps any message; 0: for ever */
  readonly keepMs: number
}

export function encodeState(state: State): Uint8Array {
  const writer = new Writer(512)
    .str8(state.hostName, NAME_MAX_BYTES)
    .bytes(state.member)
    .bytes(state.device)
    .u16(state.members.length)
  for (const member of state.members) writeMember(writer, member)
  writer.u16(state.devices.length)
  for (const device of state.devices) writeDevice(writer, device)
  writer.u16(state.invites.length)
  for (const invite of state.invites) writeInvite(writer, invite)
  writer.u16(state.rooms.length)
  for (const { id, kind, name, mine, members, lifeMs, goneUpTo } of state.rooms) {
    writer
      .bytes(id)
      .u8(ROOM_KIND[kind])
      .str8(name, NAME_MAX_BYTES)
      .u8(mine ? 1 : 0)
    writeIds(writer, members)
    writer.u48(lifeMs).u64(goneUpTo)
  }
  return writer.u48(state.keepMs).done()
}

function writeMember(writer: Writer, member: MemberState): void {
  const { id, role, name, online, gone, hidden, tone, picture, lastSeenMs } = member
  writer.bytes(id).u8(MEMBER_ROLE[role]).str8(name, NAME_MAX_BYTES)
  writer.u8((online ? FLAG.online : 0) | (gone ? FLAG.gone : 0) | (hidden ? FLAG.hidden : 0))
  writer.u8(tone).bytes(picture).u64(lastSeenMs)
}

function writeDevice(writer: Writer, device: DeviceState): void {
  writer
    .bytes(device.id)
    .bytes(device.member)
    .str8(device.name, NAME_MAX_BYTES)
    .bytes(device.publicKey)
    .u64(device.createdMs)
    .u64(device.lastSeenMs)
    .u8(ROUTES[device.route ?? NO_ROUTE])
}

function writeInvite(writer: Writer, invite: InviteState): void {
  writer
    .bytes(invite.id)
    .u8(MEMBER_ROLE[invite.role])
    .bytes(invite.member)
    .u8(invite.uses)
    .u8(invite.used)
    .u64(invite.expiresAtMs)
    .str16(invite.note, NOTE_MAX_BYTES)
  writeIds(writer, invite.rooms)
}

/** Fails on anything but exactly one STATE. */
export function readState(reader: Reader): State {
  const hostName = reader.str8(NAME_MAX_BYTES)
  const member = reader.bytes(ID_BYTES)
  const device = reader.bytes(ID_BYTES)
  const members = readMany(reader, 44, () => readMember(reader))
  const devices = readMany(reader, 82, () => readDevice(reader))
  const invites = readMany(reader, 46, () => readInvite(reader))
  const rooms = readMany(reader, 34, () => readRoom(reader))
  const keepMs = readSpan(reader, KEEP_MS)
  return { type: 'state', hostName, member, device, members, devices, invites, rooms, keepMs }
}

function readMember(reader: Reader): MemberState {
  const id = reader.bytes(ID_BYTES)
  const role = readNamed(MEMBER_ROLE, reader)
  const name = reader.str8(NAME_MAX_BYTES)
  const flags = reader.u8()
  if (flags > (FLAG.online | FLAG.gone | FLAG.hidden)) reader.fail()
  const has = (flag: number): boolean => (flags & flag) !== 0
  const shown = { online: has(FLAG.online), gone: has(FLAG.gone), hidden: has(FLAG.hidden) }
  const looks = { tone: readTone(reader), picture: reader.bytes(PICTURE_ID_BYTES) }
  return { id, role, name, ...shown, ...looks, lastSeenMs: reader.u64() }
}

/** 0..6. */
export function readTone(reader: Reader): number {
  const tone = reader.u8()
  return tone <= TONES ? tone : reader.fail()
}

function readDevice(reader: Reader): DeviceState {
  const fields = {
    id: reader.bytes(ID_BYTES),
    member: reader.bytes(ID_BYTES),
    name: reader.str8(NAME_MAX_BYTES),
    publicKey: reader.bytes(32),
    createdMs: reader.u64(),
    lastSeenMs: reader.u64(),
  }
  const route = readNamed(ROUTES, reader)
  return { ...fields, route: route === NO_ROUTE ? null : route }
}

const readInvite = (reader: Reader): InviteState => ({
  id: reader.bytes(ID_BYTES),
  role: readNamed(MEMBER_ROLE, reader),
  member: reader.bytes(ID_BYTES),
  uses: reader.u8(),
  used: reader.u8(),
  expiresAtMs: reader.u64(),
  note: reader.str16(NOTE_MAX_BYTES),
  rooms: readIds(reader),
})

const readRoom = (reader: Reader): RoomState => ({
  id: reader.bytes(ID_BYTES),
  kind: readNamed(ROOM_KIND, reader),
  name: reader.str8(NAME_MAX_BYTES),
  mine: readFlag(reader),
  members: readIds(reader),
  lifeMs: readSpan(reader, LIFE_MS),
  goneUpTo: reader.u64(),
})
