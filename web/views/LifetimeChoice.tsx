// Sets how long new messages of a room stay (SPEC §7.10), in its dialog.
import { t } from '../language.ts'
import { formatLife } from '../life.ts'
import type { Room } from '../model.ts'
import type { ViewProps } from './App.tsx'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const CHOICES: readonly number[] = [HOUR_MS, DAY_MS, 7 * DAY_MS, 28 * DAY_MS, 90 * DAY_MS]

export function LifetimeChoice({ room, state, engine }: ViewProps & { room: Room }) {
  const { lifeMs } = room
  const choices = CHOICES.includes(lifeMs) || lifeMs === 0 ? CHOICES : [lifeMs, ...CHOICES]
  return (
    <div class="room-form">
      <label for="lifetime">{t.lifetime.label}</label>
      <select
        id="lifetime"
        aria-describedby="lifetime-why"
        disabled={state.connection.state !== 'connected'}
        value={lifeMs}
        onChange={({ currentTarget: { value } }) => engine.ask.setLifetime(room.id, Number(value))}
      >
        <option value={0}>{t.lifetime.off}</option>
        {choices.map((ms) => (
          <option key={ms} value={ms}>
            {formatLife(ms)}
          </option>
        ))}
      </select>
      <p class="fine" id="lifetime-why">
        {t.lifetime.why} {state.keepMs > 0 && t.lifetime.keep(formatLife(state.keepMs))}
      </p>
    </div>
  )
}
