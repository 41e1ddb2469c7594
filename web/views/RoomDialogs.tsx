// A new room, and what can be done about one: its name, who is in it, leaving it.
import { useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { Member, Room } from '../model.ts'
import { wordsOf } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { Face } from './Avatar.tsx'
import { Dialog } from './Dialog.tsx'
import { LifetimeChoice } from './LifetimeChoice.tsx'

type DialogProps = ViewProps & { readonly onClose: () => void }

const ROOM_REQUESTS = [
  'make-room',
  'talk-to',
  'rename-room',
  'add-to-room',
  'leave-room',
  'lifetime',
]

/** What became of the last request about rooms. */
function Outcome({ state }: Pick<ViewProps, 'state'>) {
  const { asked } = state
  const isOurs = asked !== null && ROOM_REQUESTS.includes(asked.kind)
  const code = isOurs && asked.status === 'failed' ? asked.code : null
  return (
    <div aria-live="polite">
      {code !== null && (
        <p class="problem" role="alert" data-code={code}>
          {wordsOf(code).what} {wordsOf(code).next}
        </p>
      )}
    </div>
  )
}

export function NewRoomDialog({ state, engine, onClose }: DialogProps) {
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const others = state.members.filter(({ id, gone }) => !gone && id !== state.me)
  const connected = state.connection.state === 'connected'
  const toggle = (id: string): void => {
    const next = new Set(chosen)
    if (!next.delete(id)) next.add(id)
    setChosen(next)
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    if (name.trim() === '') return
    engine.ask.makeRoom(name, [...chosen])
    onClose()
  }
  return (
    <Dialog name={t.rooms.newRoom} onClose={onClose}>
      <form class="room-form" onSubmit={submit}>
        <label for="room-name">{t.rooms.name}</label>
        <input
          id="room-name"
          maxLength={48}
          required
          value={name}
          onInput={({ currentTarget: { value } }) => setName(value)}
        />
        {others.length > 0 && (
          <fieldset>
            <legend>{t.rooms.besidesYou}</legend>
            {others.map((member) => (
              <label key={member.id} class="choice">
                <input
                  type="checkbox"
                  checked={chosen.has(member.id)}
                  onChange={() => toggle(member.id)}
                />
                <Face member={member} members={state.members} />
                {member.name}
              </label>
            ))}
          </fieldset>
        )}
        <p class="fine">{t.rooms.onlyInside}</p>
        {!connected && <p class="problem">{t.rooms.connectFirst}</p>}
        <button type="submit" class="primary wide" disabled={!connected}>
          {t.rooms.make}
        </button>
      </form>
    </Dialog>
  )
}

export function RoomDialog({ room, state, engine, onClose }: DialogProps & { room: Room }) {
  const { ask } = engine
  const inside = state.members.filter(({ id, gone }) => !gone && room.members.includes(id))
  const outside = state.members.filter(({ id, gone }) => !gone && !room.members.includes(id))
  const leave = (): void => {
    if (state.me !== null) ask.leaveRoom(room.id, state.me)
    onClose()
  }
  return (
    <Dialog
      name={room.name}
      onClose={onClose}
      beside={
        room.leavable && (
          <button type="button" class="quiet" onClick={leave}>
            {t.rooms.leave}
          </button>
        )
      }
    >
      <Outcome state={state} />
      {room.mine && <RenameRoom room={room} onRename={(name) => ask.renameRoom(room.id, name)} />}
      {room.isTimer && <LifetimeChoice room={room} state={state} engine={engine} />}
      <h3>{t.rooms.inside}</h3>
      <ul class="people-list" aria-label={t.rooms.insideList}>
        {inside.map((member) => (
          <Someone key={member.id} member={member} members={state.members}>
            {room.mine && member.id !== state.me && (
              <button
                type="button"
                class="quiet small"
                aria-label={t.rooms.takeOutWho(member.name)}
                onClick={() => ask.leaveRoom(room.id, member.id)}
              >
                {t.rooms.takeOut}
              </button>
            )}
          </Someone>
        ))}
      </ul>
      {room.mine && outside.length > 0 && (
        <>
          <h3>{t.rooms.outside}</h3>
          <ul class="people-list" aria-label={t.rooms.outsideList}>
            {outside.map((member) => (
              <Someone key={member.id} member={member} members={state.members}>
                <button
                  type="button"
                  class="quiet small"
                  aria-label={t.rooms.letInWho(member.name)}
                  onClick={() => ask.addToRoom(room.id, member.id)}
                >
                  {t.rooms.letIn}
                </button>
              </Someone>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  )
}

function Someone(props: {
  readonly member: Member
  readonly members: readonly Member[]
  readonly children: preact.ComponentChildren
}) {
  const { member, members, children } = props
  return (
    <li>
      <Face member={member} members={members} />
      <span dir="auto">{member.name}</span>
      {children}
    </li>
  )
}

function RenameRoom({ room, onRename }: { room: Room; onRename: (name: string) => void }) {
  const [name, setName] = useState(room.name)
  const submit = (event: Event): void => {
    event.preventDefault()
    if (name.trim() !== '' && name.trim() !== room.name) onRename(name)
  }
  return (
    <form class="room-form" onSubmit={submit}>
      <label for="room-rename">{t.rooms.name}</label>
      <div class="row">
        <input
          id="room-rename"
          maxLength={48}
          required
          value={name}
          onInput={({ currentTarget: { value } }) => setName(value)}
        />
        <button type="submit" class="quiet">
          {t.rooms.rename}
        </button>
      </div>
    </form>
  )
}
