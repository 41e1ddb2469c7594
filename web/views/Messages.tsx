// The log: grouped by author and minute, with a line per day; the reader stays where he is, at the newest if he is there.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Message } from '../model.ts'
import type { ViewProps } from './App.tsx'
import { type Tone, toneOf } from './Avatar.tsx'
import { Clock, Tick, Ticks, Warn } from './icons.tsx'
import { goTo, nearTop, type Place, placeIn } from './place.ts'

const dayOf = (ms: number): string => new Date(ms).toDateString()
const timeOf = (ms: number): string =>
  new Date(ms).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })

/** "Today", "Yesterday", or the date; with its year once that is not this one. */
function dayWords(ms: number): string {
  const day = new Date(ms)
  const now = new Date()
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1)
  if (day.toDateString() === now.toDateString()) return 'Today'
  if (day.toDateString() === yesterday.toDateString()) return 'Yesterday'
  const date = { weekday: 'long', day: 'numeric', month: 'long' } as const
  const sameYear = day.getFullYear() === now.getFullYear()
  return day.toLocaleDateString(undefined, sameYear ? date : { ...date, year: 'numeric' })
}

export function Messages({ state, engine }: ViewProps) {
  const { messages } = state
  const { box, unread, onMove, toEnd } = usePlace(messages, state.hasOlder)
  const synced = state.connection.steps.some(
    (step) => step.name === 'sync' && step.status === 'done',
  )
  const onScroll = (): void => {
    onMove()
    const wanted = state.hasOlder && !state.loadingOlder
    if (wanted && box.current !== null && nearTop(box.current)) engine.loadOlder()
  }
  const mayInvite = state.members.some(({ id, role }) => id === state.me && role === 'owner')
  const names = new Map(state.members.map((member) => [member.id, member.name]))
  return (
    <main class="log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <div class="log" role="log" aria-label="Messages" tabIndex={0} ref={box} onScroll={onScroll}>
        {state.hasOlder && <p class="skeleton" aria-hidden="true" />}
        {messages.length === 0 && !synced && <p class="skeleton" aria-hidden="true" />}
        {messages.length === 0 && synced && (
          <div class="empty">
            <h2>Nothing here yet</h2>
            <p>
              Write the first message. It stays on the host, and whoever joins later can read it.
            </p>
            {mayInvite && (
              <p>
                <code>npx clawchat invite</code> makes a link for somebody else.
              </p>
            )}
          </div>
        )}
        {messages.map((message, i) => (
          <Row
            key={message.id}
            message={message}
            before={messages[i - 1]}
            name={names.get(message.author) ?? 'Someone'}
            tone={toneOf(message.author, state.members)}
            onRetry={() => engine.retryMessage(message.id)}
          />
        ))}
      </div>
      {unread && (
        <button type="button" class="to-end" onClick={toEnd}>
          New messages
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

interface RowProps {
  readonly message: Message
  readonly before: Message | undefined
  readonly name: string
  readonly tone: Tone
  readonly onRetry: () => void
}

function Row({ message, before, name, tone, onRetry }: RowProps) {
  const { id, author, mine, text, atMs, state } = message
  const newDay = before === undefined || dayOf(before.atMs) !== dayOf(atMs)
  const opens = newDay || before.author !== author || timeOf(before.atMs) !== timeOf(atMs)
  return (
    <>
      {newDay && <p class="day">{dayWords(atMs)}</p>}
      <article
        class={`message${mine ? ' mine' : ''}${opens ? ' opens' : ''}`}
        data-id={id}
        data-state={state}
        data-author={author}
        aria-label={`${mine ? 'You' : name}, ${timeOf(atMs)}`}
      >
        {opens && !mine && <p class={`who tone-${tone}`}>{name}</p>}
        <div class="bubble">
          <span dir="auto" data-part="text">
            {text}
          </span>
          <span class="meta">
            <time dateTime={new Date(atMs).toISOString()}>{timeOf(atMs)}</time>
            {mine && <StateGlyph state={state} />}
          </span>
        </div>
        {state === 'failed' && (
          <button type="button" class="quiet small" onClick={onRetry}>
            Try again
          </button>
        )}
      </article>
    </>
  )
}

function StateGlyph({ state }: { state: Message['state'] }) {
  switch (state) {
    case 'sending':
      return <Clock label="sending" />
    case 'sent':
      return <Tick label="sent: stored by the host" />
    case 'delivered':
      return <Ticks label="delivered to another device" />
    case 'read':
      return <Ticks label="read" />
    case 'failed':
      return <Warn label="failed" />
  }
}
