// One message of the log: who, what, what it answers, what others think of it, and what can be done about it.
import { useLayoutEffect, useRef } from 'preact/hooks'
import { faceOf } from '../faces.ts'
import { formatTime, t } from '../language.ts'
import type { AppState, Engine, Member, Message, TransferView } from '../model.ts'
import { Attachment } from './Attachment.tsx'
import { toneOf } from './Avatar.tsx'
import { type Aim, isEditable } from './Composer.tsx'
import { Clock, More, Tick, Ticks, Warn } from './icons.tsx'
import { Markdown } from './Markdown.tsx'

const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🎉']

export interface People extends Pick<AppState, 'me' | 'members'> {
  /** of the shown room: whom a mention can name */
  readonly inside: readonly Member[]
}

export interface RowProps {
  readonly message: Message
  /** the first of its author and minute: shows the name */
  readonly opens: boolean
  /** with what others have read */
  readonly shown: Message['state']
  readonly people: People
  readonly engine: Engine
  /** of its file */
  readonly transfer: TransferView | undefined
  readonly isConnected: boolean
  /** what it answers, if that is here */
  readonly answers: Message | undefined
  /** the one that the tab key comes to */
  readonly isStop: boolean
  readonly isOpen: boolean
  /** of a message's id; null: none */
  readonly onOpen: (id: string | null) => void
  readonly onAim: (aim: Aim) => void
  readonly onJump: (id: string) => void
  /** what it said before it was edited */
  readonly onEarlier: (id: string) => void
}

/** Before the name of who wrote; nothing of who bears no picture. */
function SmallFace({ member }: { member: Member | undefined }) {
  const face = faceOf(member?.picture ?? '')
  return face === null ? null : <img class="face" src={face} alt="" />
}

const nameOf = ({ members }: RowProps['people'], id: string): string =>
  members.find((member) => member.id === id)?.name ?? t.common.someone

export function Row(props: RowProps) {
  const { message, opens, shown, people, engine, isStop, isOpen, onOpen } = props
  const { id, author, mine, atMs, seq, deleted } = message
  const name = mine ? t.common.you : nameOf(people, author)
  const isPlaced = seq !== null && !deleted
  return (
    <article
      class={`message${mine ? ' mine' : ''}${opens ? ' opens' : ''}`}
      data-id={id}
      data-state={shown}
      data-author={author}
      aria-label={t.message.label(name, formatTime(atMs))}
      aria-posinset={seq ?? undefined}
      // A log grows: its size is never known.
      aria-setsize={seq === null ? undefined : -1}
    >
      {opens && !mine && (
        <p class={`who tone-${toneOf(author, people.members)}`}>
          <SmallFace member={people.members.find((member) => member.id === author)} />
          <bdi>{name}</bdi>
        </p>
      )}
      <div class="bubble-row">
        <Bubble {...props} />
        {isPlaced && (
          <button
            type="button"
            class="icon more"
            aria-label={t.message.more}
            aria-expanded={isOpen}
            tabIndex={isStop || isOpen ? 0 : -1}
            onClick={() => onOpen(isOpen ? null : id)}
            onKeyDown={toNeighbour}
          >
            <More />
          </button>
        )}
      </div>
      <Reactions message={message} people={people} engine={engine} />
      {isOpen && isPlaced && <Actions {...props} />}
      {shown === 'failed' && (
        <button
          type="button"
          class="quiet small"
          onClick={() => engine.talk.retryMessage(message.id)}
        >
          {t.common.tryAgain}
        </button>
      )}
    </article>
  )
}

/** Arrow keys go from message to message. */
function toNeighbour(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
  if (step === undefined) return
  const log = event.currentTarget.closest('[role="log"]')
  const all = [...(log?.querySelectorAll<HTMLElement>('.more') ?? [])]
  const next = all[all.indexOf(event.currentTarget) + step]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}

function Bubble(props: RowProps) {
  const { message, shown, people, transfer, isConnected, engine, onEarlier } = props
  const { text, atMs, mine, edited, deleted, file } = message
  return (
    <div class={deleted ? 'bubble gone' : 'bubble'}>
      <Quote {...props} />
      {file !== undefined && !deleted && (
        <Attachment message={{ ...message, file }} {...{ transfer, isConnected, engine }} />
      )}
      {deleted ? (
        <span data-part="deleted">{t.message.deleted}</span>
      ) : text === '' ? null : (
        <Markdown text={text} members={people.inside} me={people.me} />
      )}
      <span class="meta">
        {edited && (
          <button type="button" class="edited" onClick={() => onEarlier(message.id)}>
            {t.message.edited}
          </button>
        )}
        <time dateTime={new Date(atMs).toISOString()}>{formatTime(atMs)}</time>
        {mine && !deleted && <StateGlyph state={shown} />}
      </span>
    </div>
  )
}

/** What it answers; one that is not loaded has no words, and is loaded on the way there. */
function Quote({ message, answers, people, onJump }: RowProps) {
  const { replyTo } = message
  if (replyTo === null) return null
  if (answers === undefined)
    return (
      <button type="button" class="quote" onClick={() => onJump(replyTo)}>
        {t.message.earlier}
      </button>
    )
  return (
    <button type="button" class="quote" onClick={() => onJump(replyTo)}>
      <b>{answers.mine ? t.common.you : nameOf(people, answers.author)}</b>{' '}
      <span dir="auto">{answers.deleted ? t.message.deleted : answers.text}</span>
    </button>
  )
}

function Reactions({ message, people, engine }: Pick<RowProps, 'message' | 'people' | 'engine'>) {
  const { id, reactions } = message
  if (reactions.length === 0) return null
  return (
    <ul class="reactions" aria-label={t.message.reactions}>
      {reactions.map(({ emoji, members }) => {
        const isOwn = people.me !== null && members.includes(people.me)
        const names = members.map((member) => nameOf(people, member))
        return (
          <li key={emoji}>
            <button
              type="button"
              aria-pressed={isOwn}
              aria-label={t.message.reacted(emoji, members.length, names)}
              title={t.common.listed(names)}
              onClick={() => engine.talk.react(id, emoji, !isOwn)}
            >
              {emoji} <span>{members.length}</span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}

function Actions({ message, people, engine, onOpen, onAim }: RowProps) {
  const { id } = message
  const box = useRef<HTMLDivElement>(null)
  // At the end of the log they open below what is seen.
  useLayoutEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), [])
  const isOwner = people.members.some(({ id: who, role }) => who === people.me && role === 'owner')
  const done = (run: () => void) => (): void => {
    run()
    onOpen(null)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what was opened
    <div class="actions" ref={box} onKeyDown={(event) => event.key === 'Escape' && onOpen(null)}>
      {QUICK.map((emoji) => (
        <button
          key={emoji}
          type="button"
          class="icon"
          aria-label={t.message.react(emoji)}
          onClick={done(() => engine.talk.react(id, emoji, true))}
        >
          {emoji}
        </button>
      ))}
      <button
        type="button"
        class="quiet small"
        onClick={done(() => onAim({ kind: 'reply', message }))}
      >
        {t.message.reply}
      </button>
      {isEditable(message) && (
        <button
          type="button"
          class="quiet small"
          onClick={done(() => onAim({ kind: 'edit', message }))}
        >
          {t.message.edit}
        </button>
      )}
      {(message.mine || isOwner) && (
        <button type="button" class="quiet small" onClick={done(() => engine.talk.remove(id))}>
          {t.message.deleteForAll}
        </button>
      )}
    </div>
  )
}

function StateGlyph({ state }: { state: Message['state'] }) {
  switch (state) {
    case 'sending':
      return <Clock label={t.message.states.sending} />
    case 'sent':
      return <Tick label={t.message.states.sent} />
    case 'delivered':
      return <Ticks label={t.message.states.delivered} />
    case 'read':
      return <Ticks label={t.message.states.read} />
    case 'failed':
      return <Warn label={t.message.states.failed} />
  }
}
