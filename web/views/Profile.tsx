// How others see the member of this browser: its colour, and whether they see if it is here. Part of "People and devices".
import { t } from '../language.ts'
import type { Member } from '../model.ts'
import type { ViewProps } from './App.tsx'

export function Profile({ engine, member, busy }: Omit<ViewProps, 'state'> & ProfileProps) {
  const { tone, hidden } = member
  return (
    <div class="profile">
      <fieldset class="tones" disabled={busy}>
        <legend>{t.people.colour}</legend>
        {Object.values(t.people.colours).map((name, value) => (
          <label key={name} class={value === 0 ? 'tone' : `tone tone-${value - 1}`}>
            <input
              type="radio"
              name="tone"
              checked={tone === value}
              aria-label={name}
              onChange={() => engine.ask.profile(value, !hidden)}
            />
          </label>
        ))}
      </fieldset>
      <label class="choice">
        <input
          type="checkbox"
          checked={!hidden}
          disabled={busy}
          onChange={({ currentTarget: { checked } }) => engine.ask.profile(tone, checked)}
        />
        {t.people.present}
      </label>
    </div>
  )
}

interface ProfileProps {
  readonly member: Member
  readonly busy: boolean
}
