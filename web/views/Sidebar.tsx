// Rooms and members beside the conversation; on a phone they cover it (side.ts).
import { formatMoment, formatNumber, t } from '../language.ts'
import type { AppState, Engine, Member, Room } from '../model.ts'
import { formatSpan } from '../words.ts'
import { Avatar, Face, pictureOf } from './Avatar.tsx'
import { Back, Plus, Speech } from './icons.tsx'
import { Logo, NAME } from './Logo.tsx'
import { Search } from './Search.tsx'
import type { Side } from './side.ts'

interface SidebarProps {
  readonly state: AppState
  readonly engine: Engine
  readonly side: Side
  readonly onPeople: () => void
  readonly onHost: () => void
  readonly onNewRoom: () => void
  readonly onSettings: () => void
  readonly onNotifications: () => void
}

/** Owners and members make rooms and begin direct conversations; guests and bots answer. */
export const mayBegin = ({ me, members }: AppState): boolean =>
  members.some(({ id, role }) => id === me && (role === 'owner' || role === 'member'))

/** Of the shown room, who still has a device; before the host has said who is in it, everybody. */
export function insiders({ rooms, room, members }: AppState): readonly Member[] {
  const inside = rooms.find(({ id }) => id === room)?.members ?? []
  return members.filter(({ id, gone }) => !gone && (inside.length === 0 || inside.includes(id)))
}

export function Sidebar(props: SidebarProps) {
  const { state, engine, side, onPeople, onHost, onNewRoom, onSettings, onNotifications } = props
  const begins = mayBegin(state)
  const open = (room: string): void => {
    if (room !== state.room) engine.talk.openRoom(room)
    side.hide()
  }
  return (
    <nav class={side.open ? 'rooms open' : 'rooms'} aria-label={t.rooms.rooms} id="rooms">
      <p class="brand">
        <button
          type="button"
          class="icon back"
          aria-label={t.rooms.back}
          ref={side.back}
          onClick={side.hide}
        >
          <Back />
        </button>
        <Logo />
        {NAME}
      </p>
      <Search state={state} engine={engine} onPick={side.hide}>
        {state.rooms.map((room) => (
          <RoomButton
            key={room.id}
            room={room}
            picture={pictureOf(room, state.me, state.members)}
            isShown={room.id === state.room}
            side={side}
            onOpen={() => open(room.id)}
          />
        ))}
        {begins && (
          <button type="button" class="room new-room" onClick={onNewRoom}>
            <Plus />
            {t.rooms.newRoom}
          </button>
        )}
        <h2 class="side-title">{t.rooms.members}</h2>
        <ul class="members" aria-label={t.rooms.members}>
          {insiders(state).map((member) => (
            <MemberRow
              key={member.id}
              member={member}
              state={state}
              onTalk={begins && member.id !== state.me ? () => engine.ask.talkTo(member.id) : null}
            />
          ))}
        </ul>
        <button type="button" class="quiet small people-button" onClick={onPeople}>
          {t.people.title}
        </button>
        <button type="button" class="quiet small people-button" onClick={onSettings}>
          {t.settings.title}
        </button>
        <button type="button" class="quiet small people-button" onClick={onNotifications}>
          {t.notifications.title}
        </button>
        {state.members.some(({ id, role }) => id === state.me && role === 'owner') && (
          <button type="button" class="quiet small people-button" onClick={onHost}>
            {t.host.title}
          </button>
        )}
      </Search>
    </nav>
  )
}

function RoomButton(props: {
  readonly room: Room
  readonly picture: string | undefined
  readonly isShown: boolean
  readonly side: Side
  readonly onOpen: () => void
}) {
  const { room, picture, isShown, side, onOpen } = props
  const unread = isShown ? 0 : room.unread
  return (
    <button
      type="button"
      class="room"
      aria-current={isShown ? 'page' : undefined}
      {...(isShown ? { ref: side.current } : {})}
      onClick={onOpen}
    >
      <Avatar name={room.name} tone="room" picture={picture} />
      <span class="room-name" dir="auto">
        {room.name}
      </span>
      {!isShown && room.mentions > 0 && (
        <span class="badge at">
          @<span class="sr-only"> {t.rooms.namesYou}</span>
        </span>
      )}
      {unread > 0 && (
        <span class="badge">
          {unread > 99 ? `${formatNumber(99)}+` : formatNumber(unread)}
          <span class="sr-only"> {t.rooms.unread}</span>
        </span>
      )}
    </button>
  )
}

/** Since when, as far as the host tells. */
const awayWords = ({ lastSeenMs }: Member): string =>
  lastSeenMs === 0
    ? t.rooms.away
    : t.rooms.awayFor(formatSpan(Math.max(60_000, Date.now() - lastSeenMs)))

function MemberRow(props: {
  readonly member: Member
  readonly state: AppState
  readonly onTalk: (() => void) | null
}) {
  const { member, state, onTalk } = props
  return (
    <li>
      <Face member={member} members={state.members} />
      <span dir="auto">{member.id === state.me ? t.rooms.self(member.name) : member.name}</span>
      {/* Who is there, only the host knows. */}
      {state.connection.state === 'connected' && !(member.hidden && member.id !== state.me) && (
        <small title={member.lastSeenMs > 0 ? formatMoment(member.lastSeenMs) : undefined}>
          {member.online ? t.rooms.here : awayWords(member)}
        </small>
      )}
      {onTalk !== null && (
        <button
          type="button"
          class="icon talk-to"
          aria-label={t.rooms.writeAlone(member.name)}
          onClick={onTalk}
        >
          <Speech />
        </button>
      )}
    </li>
  )
}
