// What an event of the host changes on this device (SPEC §7): messages as they stand then, and how far who has read.
import { toHex } from '../shared/bytes.ts'
import type { ChatEvent, StoredMessage as WireMessage } from '../shared/events.ts'
import { goneOf } from './gone.ts'
import type { Profile, StoredMessage } from './keep.ts'

/** To be kept together with the event's number. */
export interface Outcome {
  readonly messages: readonly StoredMessage[]
  readonly profile?: Partial<Profile>
}

/** A message that is kept here, by its id in hex. */
export type Find = (id: string) => StoredMessage | null

const NOTHING: Outcome = { messages: [] }

/** The messages that this event changes, if they are kept here: ids in hex. */
export function changedBy(event: ChatEvent): readonly string[] {
  if (event.type === 'stored' || event.type === 'refused') return [toHex(event.id)]
  return event.type === 'delivered' ? event.ids.map(toHex) : []
}

/** `null`: no host sends it. */
export function outcomeOf(event: ChatEvent, profile: Profile, find: Find): Outcome | null {
  switch (event.type) {
    case 'message':
      return { messages: [fromWire(event, profile.member)] }
    case 'stored': {
      const author = profile.member === null ? {} : { author: profile.member }
      const { seq, atMs, endsAtMs } = event
      const place = { seq, atMs, endsAtMs, ...author }
      return changed(event, find, (message) => ({
        ...message,
        ...place,
        state: message.state === 'delivered' ? 'delivered' : 'sent',
      }))
    }
    case 'refused':
      return changed(event, find, (message) =>
        event.reason === 'gone' ? goneOf(message) : { ...message, state: 'failed' },
      )
    case 'delivered':
      return changed(event, find, (message) => ({ ...message, state: 'delivered' }))
    case 'read-by':
      return readBy(event, profile)
    default:
      return null
  }
}

/** Those that are not kept here stay unknown. */
function changed(
  event: ChatEvent,
  find: Find,
  change: (message: StoredMessage) => StoredMessage,
): Outcome {
  const found = changedBy(event).map(find)
  return { messages: found.flatMap((message) => (message === null ? [] : [change(message)])) }
}

function readBy(
  { room, member, seq }: Extract<ChatEvent, { type: 'read-by' }>,
  profile: Profile,
): Outcome {
  const [where, who] = [toHex(room), toHex(member)]
  if (who === profile.member) {
    if (seq <= (profile.read[where] ?? 0)) return NOTHING
    return { messages: [], profile: { read: { ...profile.read, [where]: seq } } }
  }
  const known = profile.readBy[where] ?? {}
  if (seq <= (known[who] ?? 0)) return NOTHING
  return {
    messages: [],
    profile: { readBy: { ...profile.readBy, [where]: { ...known, [who]: seq } } },
  }
}

/** `me`: own member id, hex. */
export function fromWire(message: WireMessage, me: string | null): StoredMessage {
  const { text, atMs, seq, edited, deleted, change, gone, endsAtMs, notice } = message
  const author = toHex(message.author)
  return {
    ...{ text, atMs, seq, edited, deleted, change, author, mine: me === author },
    ...{ gone, endsAtMs, notice },
    id: toHex(message.id),
    room: toHex(message.room),
    state: message.delivered ? 'delivered' : 'sent',
    replyTo: message.replyTo === null ? null : toHex(message.replyTo),
    reactions: message.reactions.map(({ emoji, members }) => ({
      emoji,
      members: members.map(toHex),
    })),
    ...(message.file === undefined ? {} : { file: message.file }),
  }
}

/** The reactions with this member among those of the emoji, or not. */
export function withReaction(
  reactions: StoredMessage['reactions'],
  emoji: string,
  member: string,
  on: boolean,
): StoredMessage['reactions'] {
  const without = reactions.map((reaction) =>
    reaction.emoji === emoji
      ? { emoji, members: reaction.members.filter((each) => each !== member) }
      : reaction,
  )
  const isNew = on && !without.some((reaction) => reaction.emoji === emoji)
  return [...without, ...(isNew ? [{ emoji, members: [] }] : [])]
    .map((reaction) =>
      on && reaction.emoji === emoji ? { emoji, members: [...reaction.members, member] } : reaction,
    )
    .filter(({ members }) => members.length > 0)
}
