// Who is there, as a device may see it (STATE, SPEC §7.2).
import { fromHex } from '../shared/bytes.ts'
import type { Route } from '../shared/constants.ts'
import type { InviteState, MemberState, State } from '../shared/state.ts'
import type { InviteRow } from './config.ts'
import type { DeviceRow, MemberRow, Members } from './members.ts'
import { type RoomList, roomState } from './roomlist.ts'

const NOBODY = new Uint8Array(16)

/**
 * STATE without what is of the host, or null for a device that is not in. The owner sees all devices and open links,
 * others their own; guests and bots see only those with whom they share a room. `online`: by device id.
 */
export function stateFor(
  members: Members,
  rooms: RoomList,
  deviceId: string,
  online: ReadonlyMap<string, Route>,
  nowMs: number,
): Omit<State, 'type' | 'hostName' | 'keepMs'> | null {
  const all = members.devices()
  const own = all.find(({ id }) => id === deviceId)
  if (own === undefined) return null
  const rows = members.members()
  const seesAll = rows.find(({ id }) => id === own.member)?.role === 'owner'
  const shown = shownTo(rows, rooms, own.member)
  return {
    member: fromHex(own.member),
    device: fromHex(deviceId),
    members: shown.map((row) => memberState(row, row.id === own.member, all, online)),
    devices: all
      .filter(({ member }) => seesAll || member === own.member)
      .map((row) => deviceState(row, online)),
    invites: members
      .invites(nowMs)
      .filter(({ state, member }) => state === 'open' && (seesAll || member === own.member))
      .map(inviteState),
    rooms: rooms.roomsOf(own.member).map((room) => roomState(room, own.member, seesAll)),
  }
}

/** Owners and members see all, guests and bots those with whom they share a room. */
export function shownTo(
  rows: readonly MemberRow[],
  rooms: RoomList,
  member: string,
): readonly MemberRow[] {
  const role = rows.find(({ id }) => id === member)?.role
  if (role === 'owner' || role === 'member') return rows
  const companions = rooms.companions(member)
  return rows.filter(({ id }) => companions.has(id))
}

/** `own`: of who is told, who sees the own presence whatever others may. */
function memberState(
  { id, role, name, tone, picture, hidden }: MemberRow,
  own: boolean,
  all: readonly DeviceRow[],
  online: ReadonlyMap<string, Route>,
): MemberState {
  const devices = all.filter(({ member }) => member === id)
  const shown = own || !hidden
  const here = devices.some((device) => online.has(device.id))
  const lastSeenMs = Math.max(0, ...devices.map((device) => device.lastSeenMs))
  return {
    ...{ id: fromHex(id), role, name, tone, picture, hidden },
    ...{ online: shown && here, gone: devices.length === 0 },
    lastSeenMs: shown && !here ? lastSeenMs : 0,
  }
}

const deviceState = (row: DeviceRow, online: ReadonlyMap<string, Route>) => ({
  ...row,
  id: fromHex(row.id),
  member: fromHex(row.member),
  route: online.get(row.id) ?? null,
})

const inviteState = ({
  id,
  role,
  member,
  uses,
  used,
  expires,
  note,
  rooms,
}: InviteRow): InviteState => ({
  ...{ id: fromHex(id), role, uses, used, note },
  rooms: rooms.map((room) => fromHex(room)),
  member: member === null ? NOBODY : fromHex(member),
  expiresAtMs: Date.parse(expires),
})
