// The commands `members` and `revoke` at the terminal: the list for machines and for people, and what a full host says.
import type { Route } from '../shared/constants.ts'
import { safetyCode } from '../shared/safety.ts'
import {
  formatDuration,
  type InviteRow,
  type MemberResult,
  type RevokeResult,
  type RoomResult,
} from './config.ts'
import type { Members } from './members.ts'
import { formatMoment } from './terminal.ts'

/** Lines of `members`, oldest first. `online`: by device id. */
export function memberList(
  members: Members,
  hostPublicKey: Uint8Array,
  online: ReadonlyMap<string, Route>,
  nowMs: number,
): MemberResult[] {
  const devices = members.devices()
  return members.members().map(({ id, role, name }) => ({
    member: id,
    name,
    role,
    devices: devices
      .filter(({ member }) => member === id)
      .map((device) => ({
        device: device.id,
        name: device.name,
        lastSeen: new Date(online.has(device.id) ? nowMs : device.lastSeenMs).toISOString(),
        route: online.get(device.id) ?? null,
        safetyCode: safetyCode(hostPublicKey, device.publicKey),
      })),
  }))
}

export const roomsText = (rooms: readonly RoomResult[]): string =>
  rooms.map((row) => `${row.room}  ${row.name}, ${row.members} in it${stayText(row)}`).join('\n')

const stayText = ({ lifeMs }: RoomResult): string =>
  lifeMs === 0 ? '' : `, messages stay ${formatDuration(lifeMs)}`

export const lifetimeText = ({ name, lifeMs }: RoomResult): string =>
  lifeMs === 0
    ? `What is written in "${name}" from now on stays as long as the host keeps anything.`
    : `What is written in "${name}" from now on stays ${formatDuration(lifeMs)}. What stands there already is not touched.`

export function membersText(members: readonly MemberResult[]): string {
  if (members.length === 0) return 'Nobody has joined yet. Invite someone with "clawchat invite".'
  return members
    .map(({ member, name, role, devices }) => {
      const rows = devices.length === 0 ? ['  no device: revoked'] : devices.flatMap(deviceLines)
      return [`${name} (${role})  ${member}`, ...rows].join('\n')
    })
    .join('\n\n')
}

function deviceLines(device: MemberResult['devices'][number]): string[] {
  const seen =
    device.route === null
      ? `last seen ${formatMoment(device.lastSeen)}`
      : `connected, ${device.route}`
  const { safetyCode: code } = device
  return [
    `  device ${device.device}  ${device.name}  ${seen}`,
    `    safety code ${code.slice(0, 6).join(' ')}`,
    `                ${code.slice(6).join(' ')}`,
  ]
}

export function revokeText({ revoked, links, unconfirmed, ownerDevices }: RevokeResult): string {
  const lines = [
    `Revoked: ${revoked.join(', ')}. It is disconnected, and the host no longer answers it.`,
  ]
  if (links.length > 0) lines.push(`Links that stopped working with it: ${links.join(', ')}.`)
  lines.push(
    unconfirmed.length === 0
      ? 'Every store has the new record.'
      : `These stores still show the old record: ${unconfirmed.join(', ')}. The host goes on trying; until then a revoked device can still read there where the host was, and gets no answer.`,
  )
  if (ownerDevices === 0) {
    lines.push(
      'Warning: the owner has no device left. Make a link for yourself with "clawchat invite --role owner".',
    )
  }
  return lines.join('\n')
}

const SHOWN = 3

/** What to remove first when there is no place for another credential: old open links, devices not seen for long. */
export function fullText(invites: readonly InviteRow[], members: readonly MemberResult[]): string {
  const open = invites.filter(({ state }) => state === 'open').slice(0, SHOWN)
  const away = members
    .flatMap(({ devices }) => devices)
    .filter(({ route }) => route === null)
    .sort((a, b) => a.lastSeen.localeCompare(b.lastSeen))
    .slice(0, SHOWN)
  const lines = [
    ...open.map(({ id, expires }) => `clawchat invite --withdraw ${id} (open until ${expires})`),
    ...away.map(({ device, lastSeen }) => `clawchat revoke ${device} (last seen ${lastSeen})`),
  ]
  return lines.length === 0 ? '' : `Make room with one of: ${lines.join('; ')}.`
}
