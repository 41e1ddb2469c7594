// Leading to places of the shown room (SPEC §7.6): a quoted message, a day, the newest; and what a message said before.
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { ViewProps } from './App.tsx'
import { EarlierDialog } from './Earlier.tsx'
import { JumpToDay } from './JumpToDay.tsx'

export interface Jumps {
  /** always the same functions, so that no row is drawn anew for them */
  toMessage(id: string): void
  /** asks for a day, from this one on; unix ms */
  toDay(atMs: number): void
  showEarlier(id: string): void
  /** what stands over the log, and its dialogs */
  readonly around: ComponentChildren
}

interface JumpProps extends ViewProps {
  /** brings a message that is among those shown into view, and the focus to it */
  readonly reveal: (id: string) => void
  readonly toEnd: () => void
}

export function useJumps({ state, engine, reveal, toEnd }: JumpProps): Jumps {
  const [day, setDay] = useState<number | null>(null)
  const [edited, setEdited] = useState<string | null>(null)
  const [isGone, setGone] = useState(false)
  const now = useRef({ state, reveal })
  now.current = { state, reveal }
  useTarget(state, reveal, toEnd)
  const [fixed] = useState(() => ({
    toMessage: (id: string): void => {
      const { state, reveal } = now.current
      setGone(false)
      if (state.messages.some((message) => message.id === id)) reveal(id)
      else
        engine.seek.jumpTo(state.room, { message: id }).then(
          (isThere) => setGone(!isThere),
          () => setGone(true),
        )
    },
    toDay: (atMs: number): void => setDay(atMs),
    showEarlier: (id: string): void => setEdited(id),
  }))
  const around = (
    <>
      <p class={isGone ? 'banner' : 'sr-only'} aria-live="polite">
        {isGone ? lostWords(state) : ''}
      </p>
      {day !== null && (
        <JumpToDay state={state} engine={engine} day={day} onClose={() => setDay(null)} />
      )}
      {edited !== null && state.messages.some(({ id }) => id === edited) && (
        <EarlierDialog message={edited} engine={engine} onClose={() => setEdited(null)} />
      )}
    </>
  )
  return { ...fixed, around }
}

const lostWords = ({ connection }: ViewProps['state']): string =>
  connection.state === 'connected' ? t.log.goneMessage : t.log.unreachable

/** Each jump once, as soon as its message is here. */
function useTarget(
  { target, messages }: ViewProps['state'],
  reveal: (id: string) => void,
  toEnd: () => void,
): void {
  const seen = useRef(0)
  const isNew = target !== null && target.jump !== seen.current
  const id = isNew ? messages.find(({ seq }) => seq === target.seq)?.id : undefined
  useLayoutEffect(() => {
    if (!isNew || (target.seq !== null && id === undefined)) return
    seen.current = target.jump
    if (target.seq === null) toEnd()
    else if (id !== undefined) reveal(id)
  }, [id, target?.jump])
}
