// What a device posts again to a host that was restored from a backup (SPEC §6.2); pure.
import { fromHex, toHex } from '../shared/bytes.ts'
import { decodeEvent, encodeEvent } from '../shared/events.ts'
import { endOf, isOver } from '../shared/lifetime.ts'
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
  endsAtMs,
}: Pick<StoredMessage, 'id' | 'room' | 'replyTo' | 'text' | 'file' | 'endsAtMs'>) => ({
  id: fromHex(id),
  ...encodeEvent({
    type: 'post',
    room: fromHex(room),
    replyTo: replyTo === null ? null : fromHex(replyTo),
    text,
    endsAtMs,
    ...(file === undefined ? {} : { file }),
  }),
})

/** The host once had it, and this member may post it again; what was written before the first STATE has no author. */
const mayBeLost = (message: StoredMessage, member: string | null): boolean => {
  const { author, state, deleted, gone, notice } = message
  const isText = !deleted && !gone && notice === null
  return (author === member || author === '') && state !== 'sending' && state !== 'failed' && isText
}

/**
 * What waits after the RESUME of a host that forgot: `newest`, messages oldest first, again and before what was `kept`,
 * numbered from `stored` + 1 without a gap. They end when they were to end, by the host's time `nowMs`.
 */
export function withLost(
  kept: readonly OutboxEntry[],
  newest: readonly StoredMessage[],
  { member, keepMs }: Pick<Profile, 'member' | 'keepMs'>,
  stored: number,
  nowMs: number,
): readonly OutboxEntry[] {
  const again = newest
    .filter((message) => mayBeLost(message, member) && !isOver(message, keepMs, nowMs))
    .map((message) => postOf({ ...message, endsAtMs: endOf(message, keepMs) }))
  return [...again, ...kept].map((entry, i) => ({ ...entry, number: stored + 1 + i }))
}

/**
 * What waits in the outbox once the messages of these ids (hex) are gone: of those nothing is said any more. A READ of
 * nothing has the number of each that said something (SPEC §6.2), so that none is missing.
 */
export const withoutGone = (
  outbox: readonly OutboxEntry[],
  gone: ReadonlySet<string>,
): OutboxEntry[] =>
  outbox.filter((entry) => isAbout(entry, gone)).map((entry) => ({ ...entry, ...NOTHING }))

function isAbout({ id, kind, body }: OutboxEntry, gone: ReadonlySet<string>): boolean {
  const event = decodeEvent(kind, body)
  return event.type === 'post'
    ? gone.has(toHex(id))
    : 'message' in event && gone.has(toHex(event.message))
}

const NOTHING = encodeEvent({ type: 'read', room: new Uint8Array(16), seq: 0, shared: false })
