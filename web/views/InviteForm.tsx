// The owner lets somebody in: as what, how many, until when.
import { useState } from 'preact/hooks'
import type { Engine, InviteWish, Room } from '../model.ts'

const HOUR_MS = 3_600_000
const LIVES = [
  ['1 hour', HOUR_MS],
  ['1 day', 24 * HOUR_MS],
  ['1 week', 7 * 24 * HOUR_MS],
  ['30 days', 30 * 24 * HOUR_MS],
] as const
const ROLES: Record<InviteWish['role'], string> = {
  member: 'Member: chats and adds own devices',
  guest: 'Guest: chats',
  bot: 'Bot: a program',
  owner: 'Owner: a further device of yours',
}
const FIRST: InviteWish = {
  ...{ role: 'member', uses: 1, lifeMs: 7 * 24 * HOUR_MS, note: '', rooms: [] },
}

export function InviteForm(props: {
  readonly engine: Engine
  readonly rooms: readonly Room[]
  readonly busy: boolean
}) {
  const { engine, rooms, busy } = props
  const [wish, setWish] = useState(FIRST)
  const submit = (event: Event): void => {
    event.preventDefault()
    engine.ask.invite({ ...wish, note: wish.note.trim() })
    setWish(FIRST)
  }
  return (
    <details class="invite">
      <summary>Invite somebody</summary>
      <form onSubmit={submit}>
        <label for="invite-role">As</label>
        <select
          id="invite-role"
          value={wish.role}
          onChange={({ currentTarget: { value } }) =>
            setWish({ ...wish, role: value as InviteWish['role'] })
          }
        >
          {Object.entries(ROLES).map(([role, words]) => (
            <option key={role} value={role}>
              {words}
            </option>
          ))}
        </select>
        <label for="invite-room">Into which room</label>
        <select
          id="invite-room"
          value={wish.rooms[0] ?? ''}
          onChange={({ currentTarget: { value } }) =>
            setWish({ ...wish, rooms: value === '' ? [] : [value] })
          }
        >
          {rooms
            .filter(({ kind }) => kind === 'room')
            .map(({ id, name, leavable }) => (
              <option key={id} value={leavable ? id : ''}>
                {name}
              </option>
            ))}
        </select>
        <label for="invite-life">The link works for</label>
        <select
          id="invite-life"
          value={String(wish.lifeMs)}
          onChange={({ currentTarget: { value } }) => setWish({ ...wish, lifeMs: Number(value) })}
        >
          {LIVES.map(([words, ms]) => (
            <option key={ms} value={String(ms)}>
              {words}
            </option>
          ))}
        </select>
        <label for="invite-uses">How many may join by it</label>
        <input
          id="invite-uses"
          type="number"
          min={1}
          max={64}
          required
          value={wish.uses}
          onInput={({ currentTarget: { value } }) => setWish({ ...wish, uses: Number(value) })}
        />
        <label for="invite-note">Note, for your list only</label>
        <input
          id="invite-note"
          maxLength={200}
          value={wish.note}
          onInput={({ currentTarget: { value } }) => setWish({ ...wish, note: value })}
        />
        <button type="submit" class="primary wide" disabled={busy}>
          Make the link
        </button>
      </form>
    </details>
  )
}
