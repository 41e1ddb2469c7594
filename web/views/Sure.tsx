// A button that asks once more before something that cannot be taken back.

import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { t } from '../language.ts'

/** Gives the focus to `inside` when it comes, and to `outside` when it goes; nowhere in between. */
export function useSwap<In extends HTMLElement>(open: boolean) {
  const inside = useRef<In>(null)
  const outside = useRef<HTMLButtonElement>(null)
  const before = useRef(open)
  useLayoutEffect(() => {
    if (before.current === open) return
    before.current = open
    if (open) inside.current?.focus()
    else outside.current?.focus()
  }, [open])
  return { inside, outside }
}

/** Escape leaves only this, not the dialog around it. */
export const onEscape =
  (leave: () => void) =>
  (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    event.preventDefault()
    event.stopPropagation()
    leave()
  }

export function Sure(props: {
  label: string
  /** on the button, where the label's name stands beside it anyway */
  words?: string
  question: string
  /** what is done then; "Yes, remove" else */
  yes?: string
  disabled: boolean
  onSure: () => void
}) {
  const [asking, setAsking] = useState(false)
  const { inside, outside } = useSwap<HTMLButtonElement>(asking)
  if (!asking) {
    return (
      <button
        type="button"
        class="quiet small danger"
        disabled={props.disabled}
        aria-label={props.label}
        ref={outside}
        onClick={() => setAsking(true)}
      >
        {props.words ?? props.label}
      </button>
    )
  }
  const answer = (sure: boolean): void => {
    setAsking(false)
    if (sure) props.onSure()
  }
  return (
    <fieldset class="sure" onKeyDown={onEscape(() => answer(false))}>
      <legend class="sr-only">{props.label}</legend>
      <span>{props.question}</span>
      <button type="button" class="quiet small danger" onClick={() => answer(true)}>
        {props.yes ?? t.people.yesRemove}
      </button>
      <button type="button" class="quiet small" ref={inside} onClick={() => answer(false)}>
        {t.people.no}
      </button>
    </fieldset>
  )
}
