// The frame of what opens over the page.
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { t } from '../language.ts'

export function Dialog({
  name,
  onClose,
  beside,
  children,
}: {
  name: string
  onClose: () => void
  /** buttons beside "Close" */
  beside?: ComponentChildren
  children: ComponentChildren
}) {
  const element = useRef<HTMLDialogElement>(null)
  // showModal traps the focus and closes on Escape; close gives the focus back, also where another dialog comes next.
  useLayoutEffect(() => {
    const dialog = element.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  const onEnd = (event: Event & { currentTarget: HTMLDialogElement }): void => {
    if (event.currentTarget.isConnected) onClose()
  }
  return (
    <dialog ref={element} aria-label={name} onClose={onEnd}>
      <h2>{name}</h2>
      <div class="body">{children}</div>
      <p class="row">
        {beside}
        <button type="button" class="primary" onClick={() => element.current?.close()}>
          {t.common.close}
        </button>
      </p>
    </dialog>
  )
}
