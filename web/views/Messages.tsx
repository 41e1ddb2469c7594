// The log: grouped by author and minute, with a line per day; stays at the newest unless the reader scrolled away.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Message } from '../model.ts'
import type { ViewProps } from './App.tsx'
import { Clock, Tick, Ticks, Warn } from './icons.tsx'

const NEAR_PX = 80
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
  const box = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  const firstSeen = useRef<string | null>(null)
  const lastSeen = useRef<string | null>(null)
  const heightBefore = useRef(0)
  const [unread, setUnread] = useState(false)
  const { messages } = state
  const synced = state.connection.steps.some(
    (step) => step.name === 'sync' && step.status === 'done',
  )
  const first = messages[0]?.id ?? null
  const last = messages.at(-1)?.id ?? null
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    // Who writes wants to see it, wherever they had scrolled to; older messages above change nothing below.
    if (last !== lastSeen.current && messages.at(-1)?.mine === true) atEnd.current = true
    const grewAbove = firstSeen.current !== null && firstSeen.current !== first && !atEnd.current
    if (atEnd.current) element.scrollTop = element.scrollHeight
    else if (grewAbove) element.scrollTop += element.scrollHeight - heightBefore.current
    else setUnread(true)
    firstSeen.current = first
    lastSeen.current = last
    heightBefore.current = element.scrollHeight
  }, [first, last, messages.length])
  // A phone's keyboard, a longer draft or a banner takes room from the log: the newest message stays in view.
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const onScroll = (): void => {
    const element = box.current
    if (element === null) return
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
    if (atEnd.current) setUnread(false)
    if (element.scrollTop < NEAR_PX && state.hasOlder && !state.loadingOlder) engine.loadOlder()
  }
  const toEnd = (): void => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight
  }
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
          </div>
        )}
        {messages.map((message, i) => (
          <Row
            key={message.id}
            message={message}
            before={messages[i - 1]}
            name={names.get(message.author) ?? 'Someone'}
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

interface RowProps {
  readonly message: Message
  readonly before: Message | undefined
  readonly name: string
  readonly onRetry: () => void
}

function Row({ message, before, name, onRetry }: RowProps) {
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
        {opens && !mine && <p class="who">{name}</p>}
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
