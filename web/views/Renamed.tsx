// A name that can be changed in place.
import { useState } from 'preact/hooks'
import { t } from '../language.ts'
import { nameProblem } from '../words.ts'
import { onEscape, useSwap } from './Sure.tsx'

export function Renamed(props: {
  name: string
  label: string
  mayRename: boolean
  onRename: (name: string) => void
}) {
  const { name, label, mayRename, onRename } = props
  const [draft, setDraft] = useState<string | null>(null)
  const { inside, outside } = useSwap<HTMLInputElement>(draft !== null)
  if (draft === null) {
    return (
      <span class="renamed">
        {name}
        {mayRename && (
          <button
            type="button"
            class="text"
            aria-label={t.people.renameWhat(label)}
            ref={outside}
            onClick={() => setDraft(name)}
          >
            {t.people.rename}
          </button>
        )}
      </span>
    )
  }
  const problem = nameProblem(draft.trim())
  const submit = (event: Event): void => {
    event.preventDefault()
    if (problem !== null) return
    if (draft.trim() !== '' && draft.trim() !== name) onRename(draft)
    setDraft(null)
  }
  return (
    <form class="renamed" onSubmit={submit} onKeyDown={onEscape(() => setDraft(null))}>
      <input
        aria-label={label}
        value={draft}
        aria-invalid={problem !== null}
        ref={inside}
        onInput={(event) => setDraft(event.currentTarget.value)}
      />
      <button type="submit" class="quiet small">
        {t.people.save}
      </button>
      <small aria-live="polite">{problem}</small>
    </form>
  )
}
