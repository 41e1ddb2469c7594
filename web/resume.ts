// What a device posts again to a host that was restored from a backup (SPEC §6.2); pure.
import { fromHex } from '../shared/bytes.ts'
import { encodeEvent } from '../shared/events.ts'
import type { OutboxEntry, Profile, StoredMessage } from './keep.ts'

/** Messages of a room looked through for what the host may have lost. */
export const LOOK_THROUGH = 200

/** The event's id is the message's (SPEC §7). Ids: 32 hex digits. */
export const postOf = ({
  id,
  room,
  replyTo,
  text,
  file,
}: Pick<StoredMessage, 'id' | 'room' | 'replyTo' | 'text' | 'file'>) => ({
  id: fromHex(id),
  ...encodeEvent({
    type: 'post',
    room: fromHex(room),
    replyTo: replyTo === null ? null : fromHex(replyTo),
    text,
    ...(file === undefined ? {} : { file }),
  }),
})

/** The host once had it, and this member may post it again; what was written before the first STATE has no author. */
const mayBeLost = ({ author, state, deleted }: StoredMessage, member: string | null): boolean =>
  (author === member || author === '') && state !== 'sending' && state !== 'failed' && !deleted

/**
 * What waits after the RESUME of a host that forgot: `newest`, messages oldest first, again and before what was `kept`,
 * numbered from `stored` + 1 without a gap.
 */
export function withLost(
  kept: readonly OutboxEntry[],
  newest: readonly StoredMessage[],
  member: Profile['member'],
  stored: number,
): readonly OutboxEntry[] {
  const again = newest.filter((message) => mayBeLost(message, member)).map(postOf)
  return [...again, ...kept].map((entry, i) => ({ ...entry, number: stored + 1 + i }))
}
