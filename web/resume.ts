// What a device posts again to a host that was restored from a backup (SPEC §6.2); pure.
import { fromHex } from '../shared/bytes.ts'
import { encodeEvent, ID_BYTES } from '../shared/events.ts'
import type { OutboxEntry, Profile, StoredMessage } from './keep.ts'

/** Messages looked through for what the host may have lost. */
export const LOOK_THROUGH = 200
const ROOM = new Uint8Array(ID_BYTES)

/** A POST of the one room; the event's id is the message's (SPEC §7). `id`: 32 hex digits. */
export const postOf = ({ id, text }: Pick<StoredMessage, 'id' | 'text'>) => ({
  id: fromHex(id),
  ...encodeEvent({ type: 'post', room: ROOM, text }),
})

/** The host once had it, and this member may post it again; what was written before the first STATE has no author. */
const mayBeLost = ({ author, state }: StoredMessage, member: string | null): boolean =>
  (author === member || author === '') && state !== 'sending' && state !== 'failed'

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
