// STATE (SPEC §7.2) as the views show it: ids in hex, a safety code for each device, a name for each room.
import { isZero, toHex } from '../shared/bytes.ts'
import { safetyCode } from '../shared/safety.ts'
import type { State } from '../shared/state.ts'
import type { AppState, Counted, Member, Room } from './model.ts'
import { shownName } from './plaintext.ts'

/** `hostPublicKey`: the pinned one, 32 bytes. */
export function rosterOf(
  state: State,
  hostPublicKey: Uint8Array,
): Pick<AppState, 'members' | 'devices' | 'invites'> {
  const here = toHex(state.device)
  return {
    members: state.members.map((member) => ({
      ...member,
      id: toHex(member.id),
      name: shownName(member.name),
      picture: isZero(member.picture) ? '' : toHex(member.picture),
    })),
    devices: state.devices.map(({ publicKey, ...device }) => ({
      ...device,
      id: toHex(device.id),
      member: toHex(device.member),
      here: toHex(device.id) === here,
      safetyCode: safetyCode(hostPublicKey, publicKey),
    })),
    invites: state.invites.map(({ member, rooms, ...invite }) => ({
      ...invite,
      id: toHex(invite.id),
      rooms: rooms.map(toHex),
      member: member.every((byte) => byte === 0) ? null : toHex(member),
    })),
  }
}

/** The host's own room. */
export const HOST_ROOM = '00'.repeat(16)

/** The rooms of STATE, oldest first, without what is counted. */
export function roomsOf(state: State): Omit<Room, Counted>[] {
  const me = toHex(state.member)
  const members = state.members.map(({ id, ...member }) => ({ ...member, id: toHex(id) }))
  const isOwner = members.some(({ id, role }) => id === me && role === 'owner')
  return state.rooms.map(({ id, kind, name, mine, members: inside, lifeMs, goneUpTo }) => {
    const ids = inside.map(toHex)
    const isHost = toHex(id) === HOST_ROOM
    const given = isHost ? state.hostName : kind === 'direct' ? partner(ids, me, members) : name
    const shown = shownName(given)
    const leavable = kind === 'room' && !isHost
    const isTimer = kind === 'direct' || mine || (isHost && isOwner)
    const times = { lifeMs, goneUpTo, isTimer }
    return { id: toHex(id), kind, name: shown, members: ids, mine, leavable, ...times }
  })
}

/** With whom a direct conversation is; with oneself once the other one is out of sight. */
function partner(
  ids: readonly string[],
  me: string,
  members: readonly Pick<Member, 'id' | 'name'>[],
): string {
  const other = ids.find((id) => id !== me) ?? me
  return members.find(({ id }) => id === other)?.name ?? 'Somebody'
}
