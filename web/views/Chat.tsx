// The conversation: rooms and members beside it, messages, composer, and the state of the connection.
import { useState } from 'preact/hooks'
import { formatMs, t } from '../language.ts'
import type { Connection } from '../model.ts'
import { isByTurn } from '../steps.ts'
import { Notice } from './Alert.tsx'
import type { ScreenProps } from './App.tsx'
import { Avatar, pictureOf } from './Avatar.tsx'
import type { DialogName } from './ChatDialog.tsx'
import { type Aim, Composer } from './Composer.tsx'
import { Back, Route, Shield } from './icons.tsx'
import { useShortcuts } from './keys.ts'
import { LateDialog } from './LateDialog.tsx'
import { Lasting } from './Lifetime.tsx'
import { Messages } from './Messages.tsx'
import { NewerPage } from './PageBuild.tsx'
import { PlainHttp } from './PlainHttp.tsx'
import { insiders, Sidebar } from './Sidebar.tsx'
import { type Side, useSide } from './side.ts'
import { Typing } from './Typing.tsx'

export function Chat({ state, engine, secure, version }: ScreenProps) {
  const [dialog, setDialog] = useState<DialogName | null>(null)
  const [aim, setAim] = useState<Aim | null>(null)
  const close = (): void => setDialog(null)
  const side = useSide()
  const waiting = state.messages.filter((message) => message.state === 'sending').length
  const connected = state.connection.state === 'connected'
  const here = insiders(state)
  const room = state.rooms.find(({ id }) => id === state.room)
  const picture = pictureOf(room, state.me, state.members)
  const isNowhere = state.rooms.length === 0
  const alone = here.every((member) => member.id === state.me)
  useShortcuts((command) => {
    if (command === 'help') setDialog('shortcuts')
    else if (command === 'find') find(side)
    else {
      const step = command === 'next-room' ? 1 : -1
      const next = state.rooms[state.rooms.findIndex(({ id }) => id === state.room) + step]
      if (next !== undefined) engine.talk.openRoom(next.id)
    }
  })
  return (
    <div class="app">
      <Sidebar
        state={state}
        engine={engine}
        side={side}
        onPeople={() => setDialog('people')}
        onHost={() => setDialog('host')}
        onNewRoom={() => setDialog('new-room')}
        onSettings={() => setDialog('settings')}
        onNotifications={() => setDialog('notifications')}
      />
      <section class="conversation" inert={side.open}>
        <header class="top">
          <button
            type="button"
            class="to-rooms"
            aria-label={t.chat.roomsAndMembers}
            aria-expanded={side.open}
            aria-controls="rooms"
            ref={side.opener}
            onClick={side.show}
          >
            <Back />
            <Avatar name={state.roomName} tone="room" picture={picture} />
          </button>
          <Avatar name={state.roomName} tone="room" picture={picture} />
          <div class="title">
            <h1>
              {room?.leavable || room?.isTimer ? (
                <button
                  type="button"
                  class="plain"
                  aria-label={t.chat.whoIsIn(state.roomName)}
                  onClick={() => setDialog('room')}
                >
                  <bdi>{state.roomName}</bdi>
                </button>
              ) : (
                <bdi>{state.roomName}</bdi>
              )}
            </h1>
            <p>
              <Lasting room={room} keepMs={state.keepMs} />
              {!isNowhere && (
                <span class="desktop">
                  {alone ? t.chat.onlyYou : t.common.listed(here.map(({ name }) => name))}
                </span>
              )}
            </p>
          </div>
          <Status connection={state.connection} />
          <button
            type="button"
            class="icon"
            aria-label={t.details.title}
            onClick={() => setDialog('details')}
          >
            <Route />
          </button>
          <button
            type="button"
            class="icon"
            aria-label={t.security.title}
            onClick={() => setDialog('security')}
          >
            <Shield />
          </button>
        </header>
        <PlainHttp secure={secure} />
        <NewerPage version={version} />
        <Notice state={state} engine={engine} />
        <div aria-live="polite">
          <Kept connection={state.connection.state} waiting={waiting} />
          {state.handover === 'taken' && !connected && (
            <p class="banner">
              {t.file.taken} {t.chat.looking}
            </p>
          )}
        </div>
        {isNowhere ? (
          <Nowhere />
        ) : (
          <>
            {/* Another room is another log: nothing of the place in the one before holds for it. */}
            <Messages key={state.room} state={state} engine={engine} onAim={setAim} />
            <Typing state={state} />
            <Composer
              key={`write ${state.room}`}
              room={state.room}
              state={state}
              engine={engine}
              aim={aim}
              onAim={setAim}
            />
          </>
        )}
      </section>
      {dialog !== null && (
        <LateDialog
          {...{ state, engine, version, room }}
          name={dialog}
          onClose={close}
          onShortcuts={() => setDialog('shortcuts')}
        />
      )}
    </div>
  )
}

/** To the field for searching, else to the rooms. */
function find(side: Side): void {
  const field = document.querySelector<HTMLElement>('[role="searchbox"], input[type="search"]')
  if (field?.checkVisibility()) field.focus()
  else if (side.current.current?.checkVisibility()) side.current.current.focus()
  else side.show()
}

/** A guest whose last room is gone is still a member. */
const Nowhere = () => (
  <main class="log-frame">
    <div class="empty">
      <h2>{t.chat.nowhereTitle}</h2>
      <p>{t.chat.nowhere}</p>
    </div>
  </main>
)

/** What becomes of messages that cannot go out now. */
function Kept({ connection, waiting }: { connection: Connection['state']; waiting: number }) {
  const offline = connection === 'offline'
  if (connection === 'connected' || (waiting === 0 && !offline)) return null
  const kept = waiting === 0 ? t.chat.keptLater : t.chat.kept(waiting)
  return (
    <p class="banner">
      {offline ? `${t.chat.offline} ` : ''}
      {kept}
    </p>
  )
}

function Status({ connection }: { connection: Connection }) {
  const { state, route, epoch, latencyMs } = connection
  const isRelayed = route === 'relay' || isByTurn(connection)
  return (
    <p
      class={`pill ${state}`}
      role="status"
      data-state={state}
      data-route={route ?? undefined}
      data-epoch={epoch ?? undefined}
    >
      <i class="dot" aria-hidden="true" />
      {state === 'connected' && isRelayed ? t.connection.relayed : t.connection[state]}
      {state === 'connected' && latencyMs !== null && (
        <span class="latency" aria-hidden="true">
          {' '}
          · {formatMs(latencyMs)}
        </span>
      )}
    </p>
  )
}
