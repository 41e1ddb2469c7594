// The host's events as one change of what this device keeps (SPEC §6.2): each by what those before it have changed.
import { ClawError } from '../shared/error.ts'
import { type ChatEvent, decodeEvent } from '../shared/events.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { Keep, Profile, StoredMessage } from './keep.ts'
import { changedBy, type Find, type Outcome } from './outcome.ts'

type EventMessage = Extract<ClawMessage, { type: 'event' }>

export interface Intake {
  /** the last one that counts; null: all of them were stored before */
  readonly last: EventMessage | null
  readonly outcome: { readonly messages: StoredMessage[]; readonly profile: Partial<Profile> }
  /** what the host tells of messages, as they are now */
  readonly news: StoredMessage[]
  /** of the first one that no host sends, or not with this number: neither it nor what follows counts */
  readonly failure: ClawError | null
}

export interface IntakePorts {
  readonly keep: Pick<Keep, 'message'>
  /** as it is once what the events change is kept here */
  readonly profile: () => Profile
  readonly outcome: (event: ChatEvent, profile: Profile, find: Find) => Outcome | null
}

/** `events`: of one carrier, in order; nothing is stored meanwhile. */
export async function takeIn(
  events: readonly EventMessage[],
  { keep, profile, outcome }: IntakePorts,
): Promise<Intake> {
  const { decoded, failure } = decodeAll(events, profile().stored)
  const ids = [...new Set(decoded.flatMap(({ event }) => changedBy(event)))]
  const found = await Promise.all(ids.map((id) => keep.message(id)))
  const known = new Map(found.flatMap((message) => (message ? [[message.id, message]] : [])))
  const taken: { -readonly [K in keyof Intake]: Intake[K] } = {
    ...{ last: null, outcome: { messages: [], profile: {} }, news: [], failure },
  }
  const find: Find = (id) => known.get(id) ?? null
  for (const { message, event } of decoded) {
    const now = { ...profile(), ...taken.outcome.profile }
    const change = outcome(event, now, find)
    if (change === null) return { ...taken, failure: new ClawError('frame-invalid') }
    taken.last = message
    for (const each of change.messages) known.set(each.id, each)
    taken.outcome.messages.push(...change.messages)
    Object.assign(taken.outcome.profile, change.profile)
    if (event.type === 'message') taken.news.push(...change.messages)
  }
  return taken
}

/** Those that are not stored yet. */
function decodeAll(
  events: readonly EventMessage[],
  stored: number,
): { decoded: { message: EventMessage; event: ChatEvent }[]; failure: ClawError | null } {
  const decoded: { message: EventMessage; event: ChatEvent }[] = []
  try {
    for (const message of events) {
      const next = (decoded.at(-1)?.message.number ?? stored) + 1
      if (message.number > next) throw new ClawError('frame-invalid')
      if (message.number === next)
        decoded.push({ message, event: decodeEvent(message.kind, message.body) })
    }
  } catch (error) {
    return { decoded, failure: error instanceof ClawError ? error : new ClawError('internal') }
  }
  return { decoded, failure: null }
}
