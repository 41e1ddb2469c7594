// The log: grouped by author and minute, with a line per day; the reader stays where he is, at the newest if he is there.
import { Fragment } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { formatDate, formatTime, t } from '../language.ts'
import type { Message } from '../model.ts'
import type { ViewProps } from './App.tsx'
import { toneOf } from './Avatar.tsx'
import type { Aim } from './Composer.tsx'
import { Marked } from './Marked.tsx'
import { goTo, nearTop, type Place, placeIn } from './place.ts'
import { Row } from './Row.tsx'

const dayOf = (ms: number): string => new Date(ms).toDateString()

/** "Today", "Yesterday", or the date; with its year once that is not this one. */
function dayWords(ms: number): string {
  const day = new Date(ms)
  const now = new Date()
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1)
  if (day.toDateString() === now.toDateString()) return t.log.today
  if (day.toDateString() === yesterday.toDateString()) return t.log.yesterday
  const date = { weekday: 'long', day: 'numeric', month: 'long' } as const
  const sameYear = day.getFullYear() === now.getFullYear()
  return formatDate(ms, sameYear ? date : { ...date, year: 'numeric' })
}

export function Messages({ state, engine, onAim }: ViewProps & { onAim: (aim: Aim) => void }) {
  const { messages } = state
  const { box, unread, onMove, toEnd } = usePlace(messages, state.hasOlder)
  const synced = state.connection.steps.some(
    (step) => step.name === 'sync' && step.status === 'done',
  )
  const onScroll = (): void => {
    onMove()
    const wanted = state.hasOlder && !state.loadingOlder
    if (wanted && box.current !== null && nearTop(box.current)) engine.talk.loadOlder()
  }
  const mayInvite = state.members.some(({ id, role }) => id === state.me && role === 'owner')
  const byId = new Map(messages.map((message) => [message.id, message]))
  const lastPlaced = messages.findLast(({ seq, deleted }) => seq !== null && !deleted)?.id
  const [open, setOpen] = useState<string | null>(null)
  const jump = (id: string): void => {
    const row = box.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)
    row?.scrollIntoView({ block: 'center' })
    row?.setAttribute('tabindex', '-1')
    row?.focus({ preventScroll: true })
  }
  return (
    <main class="log-frame">
      <div
        class="log"
        role="log"
        aria-label={t.log.messages}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        ref={box}
        onScroll={onScroll}
      >
        {state.hasOlder && <p class="skeleton" aria-hidden="true" />}
        {messages.length === 0 && !synced && <p class="skeleton" aria-hidden="true" />}
        {messages.length === 0 && synced && (
          <div class="empty">
            <h2>{t.log.emptyTitle}</h2>
            <p>{t.log.empty}</p>
            {mayInvite && (
              <p>
                <Marked text={t.log.emptyInvite} />
              </p>
            )}
          </div>
        )}
        {messages.map((message, i) => (
          <Fragment key={message.id}>
            <Before message={message} before={messages[i - 1]} newAfter={state.newAfter} />
            <Row
              message={message}
              opens={opensGroup(message, messages[i - 1])}
              state={state}
              engine={engine}
              tone={toneOf(message.author, state.members)}
              answers={byId.get(message.replyTo ?? '')}
              isLast={message.id === lastPlaced}
              isOpen={open === message.id}
              onOpen={(isOpen) => setOpen(isOpen ? message.id : null)}
              onAim={onAim}
              onJump={jump}
            />
          </Fragment>
        ))}
      </div>
      {unread && (
        <button type="button" class="to-end" onClick={toEnd}>
          {t.log.newMessages}
        </button>
      )}
    </main>
  )
}

/** Keeps the reader's place through every change of the messages and of the log's size, a phone's keyboard among them. */
function usePlace(messages: readonly Message[], hasOlder: boolean) {
  const box = useRef<HTMLDivElement>(null)
  const place = useRef<Place>(null)
  const size = useRef('')
  const lastSeen = useRef<string | undefined>(undefined)
  const [unread, setUnread] = useState(false)
  const sizeOf = (log: HTMLElement): string => `${log.clientWidth} ${log.clientHeight}`
  useLayoutEffect(() => {
    if (box.current === null) return
    const last = messages.at(-1)
    if (last?.id !== lastSeen.current) {
      // Who writes wants to see it, wherever they had scrolled to.
      if (last?.mine === true) place.current = null
      else if (place.current !== null) setUnread(true)
    }
    lastSeen.current = last?.id
    goTo(box.current, place.current)
  }, [messages, hasOlder])
  useLayoutEffect(() => {
    const log = box.current
    if (log === null) return
    const observer = new ResizeObserver(() => {
      size.current = sizeOf(log)
      goTo(log, place.current)
    })
    observer.observe(log)
    return () => observer.disconnect()
  }, [])
  const onMove = (): void => {
    const log = box.current
    // A log that just changed its size was not moved by its reader; the observer puts it right.
    if (log === null || sizeOf(log) !== size.current) return
    place.current = placeIn(log)
    if (place.current === null) setUnread(false)
  }
  const toEnd = (): void => {
    place.current = null
    setUnread(false)
    if (box.current !== null) goTo(box.current, null)
  }
  return { box, unread, onMove, toEnd }
}

/** What stands before a message: a new day, and where the new ones begin. */
function Before({ message, before, newAfter }: BeforeProps) {
  const { atMs, seq, mine } = message
  const isNewDay = before === undefined || dayOf(before.atMs) !== dayOf(atMs)
  const isFirstNew =
    newAfter > 0 && !mine && seq !== null && seq > newAfter && (before?.seq ?? 0) <= newAfter
  return (
    <>
      {isNewDay && <p class="day">{dayWords(atMs)}</p>}
      {isFirstNew && <p class="new-line">{t.log.newMessages}</p>}
    </>
  )
}

interface BeforeProps {
  readonly message: Message
  readonly before: Message | undefined
  readonly newAfter: number
}

const opensGroup = (message: Message, before: Message | undefined): boolean =>
  before === undefined ||
  dayOf(before.atMs) !== dayOf(message.atMs) ||
  before.author !== message.author ||
  formatTime(before.atMs) !== formatTime(message.atMs)
