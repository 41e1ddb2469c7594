// The log: grouped by author and minute, with a line per day. Only what is near the view is drawn (place.ts).
import { useLayoutEffect, useMemo, useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { AppState, Message } from '../model.ts'
import type { Span } from '../rows.ts'
import type { ViewProps } from './App.tsx'
import type { Aim } from './Composer.tsx'
import { Down } from './icons.tsx'
import { useJumps } from './jumps.tsx'
import { Marked } from './Marked.tsx'
import { usePlace } from './place.ts'
import { insiders } from './Sidebar.tsx'
import { Slot } from './Slot.tsx'

export function Messages(props: ViewProps & { onAim: (aim: Aim) => void }) {
  const { engine, onAim } = props
  const state = useShown(props.state)
  const { messages, me, members, hasOlder, hasNewer, connection } = state
  const place = usePlace(messages, hasOlder, hasNewer)
  const { span, reveal, toEnd } = place
  const jumps = useJumps({ state, engine, reveal, toEnd })
  const [open, setOpen] = useState<string | null>(null)
  const inside = state.rooms.find(({ id }) => id === state.room)?.members
  const people = useMemo(
    () => ({ me, members, inside: insiders(state) }),
    [me, members, state.room, inside],
  )
  const answers = useAnswers(messages, span)
  // Where most is gone, what is left may not fill the view, and nobody can scroll.
  useLayoutEffect(() => {
    if (hasOlder && !state.loadingOlder && place.nearTop()) engine.talk.loadOlder()
  }, [messages, hasOlder, state.loadingOlder])
  const stop = tabStop(messages, place.lowest)
  const onScroll = (): void => {
    place.onScroll()
    if (hasOlder && !state.loadingOlder && place.nearTop()) engine.talk.loadOlder()
    if (hasNewer && !state.loadingOlder && place.nearBottom()) engine.talk.loadNewer()
  }
  return (
    <main class="log-frame">
      <div
        class="log"
        role="log"
        aria-label={t.log.messages}
        // Who reads further up is not told of each row that comes in by that.
        aria-live={place.atEnd ? 'polite' : 'off'}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        ref={place.log}
        onScroll={onScroll}
      >
        {hasOlder && <p class="skeleton" aria-hidden="true" />}
        {messages.length === 0 && <Empty state={state} />}
        <div
          class={span.to === messages.length ? 'list ends' : 'list'}
          ref={place.list}
          style={{ paddingTop: `${place.above}px`, paddingBottom: `${place.below}px` }}
        >
          {messages.slice(span.from, span.to).map((message, i) => (
            <Slot
              key={message.id}
              words={t}
              message={message}
              before={messages[span.from + i - 1]}
              newAfter={state.newAfter}
              shown={shownState(message, state.readUpTo)}
              people={people}
              engine={engine}
              transfer={state.transfers.find(({ id }) => id === message.id)}
              isConnected={message.file !== undefined && connection.state === 'connected'}
              answers={answers.get(message.replyTo ?? '')}
              isStop={message.id === stop}
              isOpen={open === message.id}
              onOpen={setOpen}
              onAim={onAim}
              onJump={jumps.toMessage}
              onEarlier={jumps.showEarlier}
              onDay={jumps.toDay}
            />
          ))}
        </div>
      </div>
      <p class="sr-only" aria-live="polite">
        {place.unread && t.log.newBelow}
      </p>
      {jumps.around}
      {(hasNewer || !place.atEnd) && (
        <button
          type="button"
          class={place.unread ? 'to-end' : 'to-end calm'}
          onClick={hasNewer ? () => engine.talk.toNewest() : toEnd}
        >
          <Down />
          {place.unread ? t.log.newMessages : <span class="sr-only">{t.log.toNewest}</span>}
        </button>
      )}
    </main>
  )
}

/** Without what is gone. */
function useShown(state: AppState): AppState {
  const { messages } = state
  const shown = useMemo(
    () => (messages.some(({ gone }) => gone) ? messages.filter(({ gone }) => !gone) : messages),
    [messages],
  )
  return shown === messages ? state : { ...state, messages: shown }
}

/** What the host says of one message, and the others' reading of the room. */
const shownState = ({ state, mine, seq }: Message, readUpTo: number): Message['state'] =>
  mine && seq !== null && seq <= readUpTo && state !== 'failed' ? 'read' : state

/** The row that the tab key comes to, among those in view; arrow keys lead from it to the others. */
function tabStop(messages: readonly Message[], lowest: number): string | undefined {
  for (let i = lowest; i >= 0; i--) {
    const message = messages[i]
    const isPlaced = message !== undefined && message.seq !== null
    if (isPlaced && !message.deleted && message.notice === null) return message.id
  }
  return undefined
}

/** By id, what the drawn ones answer. */
function useAnswers(
  messages: readonly Message[],
  { from, to }: Span,
): ReadonlyMap<string, Message> {
  return useMemo(() => {
    const wanted = new Set(messages.slice(from, to).flatMap(({ replyTo }) => replyTo ?? []))
    if (wanted.size === 0) return new Map()
    return new Map(messages.filter(({ id }) => wanted.has(id)).map((each) => [each.id, each]))
  }, [messages, from, to])
}

function Empty({ state: { connection, members, me } }: { state: AppState }) {
  const synced = connection.steps.some(({ name, status }) => name === 'sync' && status === 'done')
  if (!synced) return <p class="skeleton" aria-hidden="true" />
  const mayInvite = members.some(({ id, role }) => id === me && role === 'owner')
  return (
    <div class="empty">
      <h2>{t.log.emptyTitle}</h2>
      <p>{t.log.empty}</p>
      {mayInvite && (
        <p>
          <Marked text={t.log.emptyInvite} />
        </p>
      )}
    </div>
  )
}
