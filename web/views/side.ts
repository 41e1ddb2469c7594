// On a phone rooms and members cover the conversation: whether they do, and where the focus goes then.
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface Side {
  readonly open: boolean
  readonly back: RefObject<HTMLButtonElement | null>
  readonly current: RefObject<HTMLButtonElement | null>
  readonly opener: RefObject<HTMLButtonElement | null>
  show(): void
  hide(): void
}

/** The mark of the history entry that stands for "rooms and members are open". */
const SIDE = 'side'

/**
 * On a phone rooms and members cover the conversation. That is an entry of the history: the back gesture uncovers it,
 * as Escape, "Back to the conversation", the room itself and a wider window do.
 */
export function useSide(): Side {
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
      // A dialog above them goes first.
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) hide()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [open])
  return { open, back, current, opener, show, hide }
}
