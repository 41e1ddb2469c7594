// What could go so that another device or link fits into the 64 of a host (SPEC §3.1): named as the lists name it.
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
  if (member !== null) return `link for a device of ${whose ?? 'a member'}`
  return note === '' ? `link for a new ${role}` : `link for a new ${role}: ${note}`
}

const list = (items: readonly string[]): string => items.map((item) => `“${item}”`).join(', ')

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
      const full = whose === name ? name : `${name} of ${whose}`
      return `${full}, away for ${formatSpan(nowMs - lastSeenMs)}`
    })
  if (links.length > 0 && away.length > 0)
    return `Withdraw a link that nobody needs: ${list(links)}; or remove a device that nobody uses: ${list(away)}.`
  if (links.length > 0) return `Withdraw a link that nobody needs: ${list(links)}.`
  return away.length > 0 ? `Remove a device that nobody uses: ${list(away)}.` : null
}
