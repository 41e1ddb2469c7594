// The conversation: rooms and members beside it, messages, composer, and the state of the connection.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Connection } from '../model.ts'
import { TAKEN } from '../words.ts'
import { Notice } from './Alert.tsx'
import type { ScreenProps } from './App.tsx'
import { Avatar, toneOf } from './Avatar.tsx'
import { Composer } from './Composer.tsx'
import { DetailsDialog, SecurityDialog } from './dialogs.tsx'
import { Back, Logo, Route, Shield } from './icons.tsx'
import { Messages } from './Messages.tsx'
import { PeopleDialog } from './People.tsx'
import { PlainHttp } from './PlainHttp.tsx'

export function Chat({ state, engine, secure }: ScreenProps) {
  const [dialog, setDialog] = useState<'security' | 'details' | 'people' | null>(null)
  const close = (): void => setDialog(null)
  const side = useSide()
  const waiting = state.messages.filter((message) => message.state === 'sending').length
  const connected = state.connection.state === 'connected'
  const here = state.members.filter(({ gone }) => !gone)
  const alone = here.every((member) => member.id === state.me)
  return (
    <div class="app">
      <nav class={side.open ? 'rooms open' : 'rooms'} aria-label="Rooms" id="rooms">
        <p class="brand">
          <button
            type="button"
            class="icon back"
            aria-label="Back to the conversation"
            ref={side.back}
            onClick={side.hide}
          >
            <Back />
          </button>
          <Logo />
          ClawChat
        </p>
        <button
          type="button"
          class="room"
          aria-current="page"
          ref={side.current}
          onClick={side.hide}
        >
          <Avatar name={state.roomName} tone="room" />
          <span class="room-name">{state.roomName}</span>
        </button>
        <h2 class="side-title">Members</h2>
        <ul class="members" aria-label="Members">
          {here.map((member) => (
            <li key={member.id}>
              <Avatar name={member.name} tone={toneOf(member.id, state.members)} />
              <span>
                {member.name}
                {member.id === state.me ? ' (you)' : ''}
              </span>
              {/* Who is there, only the host knows. */}
              {connected && <small>{member.online ? 'here' : 'away'}</small>}
            </li>
          ))}
        </ul>
        <button type="button" class="quiet small people-button" onClick={() => setDialog('people')}>
          People and devices
        </button>
      </nav>
      <section class="conversation" inert={side.open}>
        <header class="top">
          <button
            type="button"
            class="to-rooms"
            aria-label="Rooms and members"
            aria-expanded={side.open}
            aria-controls="rooms"
            ref={side.opener}
            onClick={side.show}
          >
            <Back />
            <Avatar name={state.roomName} tone="room" />
          </button>
          <Avatar name={state.roomName} tone="room" />
          <div class="title">
            <h1>{state.roomName}</h1>
            <p>{alone ? 'Only you so far' : here.map((member) => member.name).join(', ')}</p>
          </div>
          <Status connection={state.connection} />
          <button
            type="button"
            class="icon"
            aria-label="Connection details"
            onClick={() => setDialog('details')}
          >
            <Route />
          </button>
          <button
            type="button"
            class="icon"
            aria-label="Security"
            onClick={() => setDialog('security')}
          >
            <Shield />
          </button>
        </header>
        <PlainHttp secure={secure} />
        <Notice state={state} engine={engine} />
        <div aria-live="polite">
          <Kept connection={state.connection.state} waiting={waiting} />
          {state.handover === 'taken' && !connected && (
            <p class="banner">{TAKEN} This browser looks for the host with it.</p>
          )}
        </div>
        <Messages state={state} engine={engine} />
        <Composer onSend={(text) => engine.send(text)} />
      </section>
      {dialog === 'security' && <SecurityDialog state={state} onClose={close} />}
      {dialog === 'people' && <PeopleDialog state={state} engine={engine} onClose={close} />}
      {dialog === 'details' && <DetailsDialog state={state} engine={engine} onClose={close} />}
    </div>
  )
}

/** What becomes of messages that cannot go out now. */
function Kept({ connection, waiting }: { connection: Connection['state']; waiting: number }) {
  const offline = connection === 'offline'
  if (connection === 'connected' || (waiting === 0 && !offline)) return null
  const kept =
    waiting > 1
      ? `${waiting} messages are kept here and will go out by themselves.`
      : `${waiting === 1 ? 'One message' : 'What you write'} is kept here and will go out by itself.`
  return (
    <p class="banner">
      {offline ? 'This device has no network. ' : ''}
      {kept}
    </p>
  )
}

/** The mark of the history entry that stands for "rooms and members are open". */
const SIDE = 'side'

/**
 * On a phone rooms and members cover the conversation. That is an entry of the history: the back gesture uncovers it,
 * as Escape, "Back to the conversation", the room itself and a wider window do.
 */
function useSide() {
  const [wide] = useState(() => matchMedia('(min-width: 720px)'))
  const isOpen = (): boolean => !wide.matches && history.state === SIDE
  const [open, setOpen] = useState(isOpen)
  const back = useRef<HTMLButtonElement>(null)
  const current = useRef<HTMLButtonElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const wasOpen = useRef(false)
  const show = (): void => {
    history.pushState(SIDE, '')
    setOpen(true)
  }
  const hide = (): void => {
    if (isOpen()) history.back()
  }
  useLayoutEffect(() => {
    const follow = (): void => setOpen(isOpen())
    addEventListener('popstate', follow)
    wide.addEventListener('change', follow)
    return () => {
      removeEventListener('popstate', follow)
      wide.removeEventListener('change', follow)
    }
  }, [])
  useLayoutEffect(() => {
    if (open) back.current?.focus()
    // In a wide window the opener is gone, and the rooms stay.
    else if (wasOpen.current) (wide.matches ? current : opener).current?.focus()
    wasOpen.current = open
    if (!open) return
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') hide()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [open])
  return { open, back, current, opener, show, hide }
}

const STATE_WORDS = {
  connecting: 'Connecting',
  connected: 'Direct',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
} as const

function Status({ connection }: { connection: Connection }) {
  const { state, route, epoch, latencyMs } = connection
  return (
    <p
      class={`pill ${state}`}
      role="status"
      data-state={state}
      data-route={route ?? undefined}
      data-epoch={epoch ?? undefined}
    >
      <i class="dot" aria-hidden="true" />
      {state === 'connected' && route === 'relay' ? 'Relay' : STATE_WORDS[state]}
      {state === 'connected' && latencyMs !== null && (
        <span class="latency" aria-hidden="true">
          {' '}
          · {latencyMs} ms
        </span>
      )}
    </p>
  )
}
