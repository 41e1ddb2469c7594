// Who is there, as a device may see it (STATE, SPEC §7.2).
import { fromHex } from '../shared/bytes.ts'
import type { Route } from '../shared/constants.ts'
import type { InviteState, State } from '../shared/state.ts'
import type { InviteRow } from './config.ts'
import type { DeviceRow, Members } from './members.ts'

const NOBODY = new Uint8Array(16)

/**
 * STATE without the names of host and room, or null for a device that is not in. The owner sees all devices and open
 * links, others their own. `online`: by device id.
 */
export function stateFor(
  members: Members,
  deviceId: string,
  online: ReadonlyMap<string, Route>,
  nowMs: number,
): Omit<State, 'type' | 'hostName' | 'roomName'> | null {
  const all = members.devices()
  const own = all.find(({ id }) => id === deviceId)
  if (own === undefined) return null
  const rows = members.members()
  const seesAll = rows.find(({ id }) => id === own.member)?.role === 'owner'
  const present = new Set(all.filter(({ id }) => online.has(id)).map(({ member }) => member))
  const inside = new Set(all.map(({ member }) => member))
  return {
    member: fromHex(own.member),
    device: fromHex(deviceId),
    members: rows.map(({ id, role, name }) => ({
      ...{ id: fromHex(id), role, name },
      ...{ online: present.has(id), gone: !inside.has(id) },
    })),
    devices: all
      .filter(({ member }) => seesAll || member === own.member)
      .map((row) => deviceState(row, online)),
    invites: members
      .invites(nowMs)
      .filter(({ state, member }) => state === 'open' && (seesAll || member === own.member))
      .map(inviteState),
  }
}

const deviceState = (row: DeviceRow, online: ReadonlyMap<string, Route>) => ({
  ...row,
  id: fromHex(row.id),
  member: fromHex(row.member),
  route: online.get(row.id) ?? null,
})

const inviteState = ({ id, role, member, uses, used, expires, note }: InviteRow): InviteState => ({
  ...{ id: fromHex(id), role, uses, used, note },
  member: member === null ? NOBODY : fromHex(member),
  expiresAtMs: Date.parse(expires),
})
