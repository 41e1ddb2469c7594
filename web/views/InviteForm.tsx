// The owner lets somebody in: as what, how many, until when.
import { useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { Engine, InviteWish, Room } from '../model.ts'

const HOUR_MS = 3_600_000
const LIVES = [
  [() => t.invite.hours(1), HOUR_MS],
  [() => t.invite.days(1), 24 * HOUR_MS],
  [() => t.invite.weeks(1), 7 * 24 * HOUR_MS],
  [() => t.invite.days(30), 30 * 24 * HOUR_MS],
] as const
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
      <summary>{t.invite.title}</summary>
      <form onSubmit={submit}>
        <label for="invite-role">{t.invite.as}</label>
        <select
          id="invite-role"
          value={wish.role}
          onChange={({ currentTarget: { value } }) =>
            setWish({ ...wish, role: value as InviteWish['role'] })
          }
        >
          {Object.entries(t.invite.roles).map(([role, words]) => (
            <option key={role} value={role}>
              {words}
            </option>
          ))}
        </select>
        <label for="invite-room">{t.invite.room}</label>
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
        <label for="invite-life">{t.invite.life}</label>
        <select
          id="invite-life"
          value={String(wish.lifeMs)}
          onChange={({ currentTarget: { value } }) => setWish({ ...wish, lifeMs: Number(value) })}
        >
          {LIVES.map(([words, ms]) => (
            <option key={ms} value={String(ms)}>
              {words()}
            </option>
          ))}
        </select>
        <label for="invite-uses">{t.invite.uses}</label>
        <input
          id="invite-uses"
          type="number"
          min={1}
          max={64}
          required
          value={wish.uses}
          onInput={({ currentTarget: { value } }) => setWish({ ...wish, uses: Number(value) })}
        />
        <label for="invite-note">{t.invite.note}</label>
        <input
          id="invite-note"
          maxLength={200}
          value={wish.note}
          onInput={({ currentTarget: { value } }) => setWish({ ...wish, note: value })}
        />
        <button type="submit" class="primary wide" disabled={busy}>
          {t.invite.make}
        </button>
      </form>
    </details>
  )
}
