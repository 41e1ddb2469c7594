// The names that fit what was begun after an @, above the field one writes in. The focus stays in the field.
import type { RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'
import { type Begun, begunAt, completed, fitting } from '../completion.ts'
import { t } from '../language.ts'
import type { Member } from '../model.ts'
import { Face } from './Avatar.tsx'

const LIST = 'mention-list'
const optionId = (i: number): string => `mention-${i}`

export interface Completion {
  readonly shown: readonly Member[]
  readonly chosen: number
  /** what the field says of the list */
  readonly field: Record<string, string | undefined>
  /** after every change of the text or the caret */
  look(): void
  /** @returns whether the key was for the list */
  onKey(event: KeyboardEvent): boolean
  take(member: Member): void
  /** the focus has left the field */
  leave(): void
}

export function useCompletion(
  field: RefObject<HTMLTextAreaElement | null>,
  members: readonly Member[],
  write: (text: string) => void,
): Completion {
  const [begun, setBegun] = useState<Begun | null>(null)
  const [chosen, setChosen] = useState(0)
  /** where the @ stands for which no name is wanted */
  const [declined, setDeclined] = useState<number | null>(null)
  const [caret, setCaret] = useState<number | null>(null)
  const shown = begun === null ? [] : fitting(begun.prefix, members)
  useLayoutEffect(() => {
    if (caret === null) return
    field.current?.setSelectionRange(caret, caret)
    setCaret(null)
  }, [caret])
  const look = (): void => {
    const { value = '', selectionStart = 0, selectionEnd } = field.current ?? {}
    const now = selectionStart === selectionEnd ? begunAt(value, selectionStart) : null
    if (now === null) setDeclined(null)
    if (now?.at === begun?.at && now?.prefix === begun?.prefix) return
    setBegun(now?.at === declined ? null : now)
    setChosen(0)
  }
  const take = (member: Member): void => {
    if (begun === null) return
    const done = completed(field.current?.value ?? '', begun, member.name)
    write(done.text)
    setCaret(done.caret)
    setBegun(null)
    field.current?.focus()
  }
  const onKey = (event: KeyboardEvent): boolean => {
    const member = shown[chosen]
    if (member === undefined) return false
    const step = { ArrowDown: 1, ArrowUp: shown.length - 1 }[event.key]
    if (step !== undefined) setChosen((chosen + step) % shown.length)
    else if (event.key === 'Escape') {
      setDeclined(begun?.at ?? null)
      setBegun(null)
    } else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) take(member)
    else return false
    event.preventDefault()
    return true
  }
  const isOpen = shown.length > 0
  return {
    ...{ shown, chosen, look, onKey, take, leave: () => setBegun(null) },
    field: {
      'aria-autocomplete': 'list',
      'aria-controls': isOpen ? LIST : undefined,
      'aria-activedescendant': isOpen ? optionId(chosen) : undefined,
    },
  }
}

export function CompletionList({ of }: { of: Completion }) {
  const { shown, chosen, take } = of
  return (
    <>
      <p class="sr-only" aria-live="polite">
        {shown.length > 0 && t.composer.found(shown.length)}
      </p>
      {shown.length > 0 && (
        <div class="completion" role="listbox" id={LIST} aria-label={t.composer.mention}>
          {shown.map((member, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys go to the field
            <div
              key={member.id}
              id={optionId(i)}
              role="option"
              tabIndex={-1}
              aria-selected={i === chosen}
              // The focus stays in the field.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(member)}
            >
              <Face member={member} members={shown} />
              <bdi>{member.name}</bdi>
            </div>
          ))}
        </div>
      )}
    </>
  )
}
