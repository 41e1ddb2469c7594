// Which new messages a person is told of, and in which words (DESIGN, "Notifications"). Pure; who shows it is notifications.ts.
import { isNews, type StoredMessage } from './keep.ts'
import { t } from './language.ts'
import type { AppState, NotificationSettings, Telling } from './model.ts'

export const SILENT: NotificationSettings = { on: false, tells: 'nothing', sound: false, muted: [] }

/** Of one room. */
export interface News {
  readonly room: string
  readonly title: string
  readonly body: string
}

const APP = 'ClawChat'
const MOST_CHARACTERS = 200

/** A mention counts in a muted room too. */
function concerns(
  { room, text }: StoredMessage,
  state: AppState,
  muted: readonly string[],
): boolean {
  if (!muted.includes(room)) return true
  const me = state.members.find(({ id }) => id === state.me)?.name
  return me !== undefined && text.toLowerCase().includes(`@${me.toLowerCase()}`)
}

/** One for each room with something new, of its newest message. `read`: by room, up to where this member has read. */
export function newsOf(
  messages: readonly StoredMessage[],
  state: AppState,
  read: Readonly<Record<string, number>>,
  settings: NotificationSettings,
): News[] {
  const newest = new Map<string, StoredMessage>()
  for (const message of messages) {
    const { deleted, edited, reactions, room } = message
    // What comes again, because it has changed, is no news.
    const changed = deleted || edited || reactions.length > 0
    const isNew = isNews(message) && !changed && (message.seq ?? 0) > (read[room] ?? 0)
    if (isNew && concerns(message, state, settings.muted)) newest.set(room, message)
  }
  return [...newest.values()].map((message) => wordsOf(message, state, settings.tells))
}

function wordsOf({ author, room, text }: StoredMessage, state: AppState, tells: Telling): News {
  if (tells === 'nothing') return { room, title: APP, body: t.notifications.message }
  const name = state.members.find(({ id }) => id === author)?.name ?? APP
  const where = state.rooms.find(({ id }) => id === room)
  const title = where?.kind === 'room' ? t.notifications.inRoom(name, where.name) : name
  return { room, title, body: tells === 'text' ? start(text) : t.notifications.message }
}

function start(text: string): string {
  const characters = [...text]
  if (characters.length <= MOST_CHARACTERS) return text
  return `${characters.slice(0, MOST_CHARACTERS).join('')}…`
}

/** Unread messages of all rooms that are not muted. */
export const unreadOf = ({ phase, rooms }: AppState, muted: readonly string[]): number =>
  phase === 'chat'
    ? rooms.reduce((sum, { id, unread }) => sum + (muted.includes(id) ? 0 : unread), 0)
    : 0

/** What was kept as JSON; whatever is not as it should be is as at first. */
export function parseSettings(text: string | null): NotificationSettings {
  try {
    const { on, tells, sound, muted } = JSON.parse(text ?? '') as Record<string, unknown>
    return {
      on: on === true,
      tells: tells === 'name' || tells === 'text' ? tells : 'nothing',
      sound: sound === true,
      muted: Array.isArray(muted) ? muted.filter((room) => typeof room === 'string') : [],
    }
  } catch {
    return SILENT
  }
}
