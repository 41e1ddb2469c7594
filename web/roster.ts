// STATE (SPEC §7.2) as the views show it: ids in hex, a safety code for each device.
import { toHex } from '../shared/bytes.ts'
import { safetyCode } from '../shared/safety.ts'
import type { State } from '../shared/state.ts'
import type { AppState } from './model.ts'

/** `hostPublicKey`: the pinned one, 32 bytes. */
export function rosterOf(
  state: State,
  hostPublicKey: Uint8Array,
): Pick<AppState, 'members' | 'devices' | 'invites'> {
  const here = toHex(state.device)
  return {
    members: state.members.map((member) => ({ ...member, id: toHex(member.id) })),
    devices: state.devices.map(({ publicKey, ...device }) => ({
      ...device,
      id: toHex(device.id),
      member: toHex(device.member),
      here: toHex(device.id) === here,
      safetyCode: safetyCode(hostPublicKey, publicKey),
    })),
    invites: state.invites.map(({ member, ...invite }) => ({
      ...invite,
      id: toHex(invite.id),
      member: member.every((byte) => byte === 0) ? null : toHex(member),
    })),
  }
}
