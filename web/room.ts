// What could go so that another device or link fits into the 64 of a host (SPEC §3.1): named as the lists name it.
import { t } from './language.ts'
import type { AppState, Member, OpenInvite } from './model.ts'
import { formatSpan } from './words.ts'

/** How many of each are named. */
const NAMED = 3

/** What an open link is for; never the link. */
export function linkName(
  { member, role, note }: Pick<OpenInvite, 'member' | 'role' | 'note'>,
  members: readonly Pick<Member, 'id' | 'name'>[],
): string {
  const whose = members.find(({ id }) => id === member)?.name
  if (member !== null) return t.full.linkForDeviceOf(whose ?? t.full.aMember)
  const roleName = t.people.roles[role]
  return note === '' ? t.full.linkFor(roleName) : t.full.linkForNote(roleName, note)
}

const list = (items: readonly string[]): string => items.map(t.full.quoted).join(', ')

/** Open links first, then devices that were away the longest; null where this person sees nothing that could go. */
export function roomWords(
  { members, devices, invites }: Pick<AppState, 'members' | 'devices' | 'invites'>,
  nowMs = Date.now(),
): string | null {
  const links = invites.slice(0, NAMED).map((invite) => linkName(invite, members))
  const away = devices
    .filter(({ route, here }) => route === null && !here)
    .toSorted((a, b) => a.lastSeenMs - b.lastSeenMs)
    .slice(0, NAMED)
    .map(({ name, member, lastSeenMs }) => {
      const whose = members.find(({ id }) => id === member)?.name ?? name
      const full = whose === name ? name : t.full.deviceOf(name, whose)
      return t.full.awayFor(full, formatSpan(nowMs - lastSeenMs))
    })
  if (links.length > 0 && away.length > 0) return t.full.both(list(links), list(away))
  if (links.length > 0) return t.full.withdraw(list(links))
  return away.length > 0 ? t.full.removeDevice(list(away)) : null
}
