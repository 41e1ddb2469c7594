// How others see the member of this browser: its picture or colour, and whether they see if it is here. Part of "People and devices".
import { useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { Member } from '../model.ts'
import type { ViewProps } from './App.tsx'

export function Profile({ engine, member, busy }: Omit<ViewProps, 'state'> & ProfileProps) {
  const { tone, hidden } = member
  return (
    <div class="profile">
      <Picture {...{ engine, member, busy }} />
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

/** It is made small in this browser: of the file nothing else leaves it. */
function Picture({ engine, member, busy }: Omit<ViewProps, 'state'> & ProfileProps) {
  const [problem, setProblem] = useState('')
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return
    const made = await import('../picture.ts')
      .then(({ memberPicture }) => memberPicture(file))
      .catch(() => null)
    setProblem(made === null ? t.people.noPicture : '')
    if (made !== null) engine.ask.picture(made)
  }
  // None that stands in the dialog: a hidden one would get the focus as it opens.
  const choose = (): void => {
    const input = document.createElement('input')
    input.type = 'file'
    input.accept = 'image/*'
    input.onchange = () => void take(input.files?.[0])
    input.click()
  }
  return (
    <div class="row">
      <button type="button" class="quiet small" disabled={busy} onClick={choose}>
        {member.picture === '' ? t.people.choosePicture : t.people.changePicture}
      </button>
      {member.picture !== '' && (
        <button
          type="button"
          class="quiet small"
          disabled={busy}
          onClick={() => engine.ask.picture(new Uint8Array())}
        >
          {t.people.removePicture}
        </button>
      )}
      <p class="problem" role="status">
        {problem}
      </p>
    </div>
  )
}

interface ProfileProps {
  readonly member: Member
  readonly busy: boolean
}
