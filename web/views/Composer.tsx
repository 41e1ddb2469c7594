// Where messages are written and edited. Enter sends, Shift+Enter starts a new line, Escape lets go of a reply or an edit,
// the up arrow in an empty field edits the last own message. Each room keeps its draft.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { toUtf8 } from '../../shared/bytes.ts'
import { TEXT_MAX_BYTES } from '../../shared/constants.ts'
import { t } from '../language.ts'
import type { Message } from '../model.ts'
import type { ViewProps } from './App.tsx'
import { AttachFile, VoiceNote } from './AttachFile.tsx'
import { CompletionList, useCompletion } from './Completion.tsx'
import { Extras } from './Extras.tsx'
import { Cross, Send } from './icons.tsx'
import { insiders } from './Sidebar.tsx'

/** The message that what is written belongs to. */
export interface Aim {
  readonly kind: 'reply' | 'edit'
  readonly message: Message
}

type ComposerProps = ViewProps & {
  readonly room: string
  readonly aim: Aim | null
  readonly onAim: (aim: Aim | null) => void
}

/** By room, as long as the page is open. */
const drafts = new Map<string, string>()

export function Composer({ room, state, engine, aim: anyAim, onAim }: ComposerProps) {
  const [text, setText] = useState(drafts.get(room) ?? '')
  const field = useRef<HTMLTextAreaElement>(null)
  const tooLong = toUtf8(text).length > TEXT_MAX_BYTES
  const isGone = state.messages.some(({ id, gone }) => gone && id === anyAim?.message.id)
  const aim = anyAim?.message.room === room && !isGone ? anyAim : null
  const write = (value: string): void => {
    setText(value)
    if (aim?.kind !== 'edit') drafts.set(room, value)
  }
  useLayoutEffect(() => {
    if (aim === null) return
    if (aim.kind === 'edit') setText(aim.message.text)
    field.current?.focus()
  }, [aim])
  const completion = useCompletion(field, insiders(state), write)
  const addEmoji = (emoji: string): void => {
    const { selectionStart = text.length, selectionEnd = text.length } = field.current ?? {}
    write(text.slice(0, selectionStart) + emoji + text.slice(selectionEnd))
    field.current?.focus()
  }
  const letGo = (): void => {
    onAim(null)
    setText(drafts.get(room) ?? '')
    field.current?.focus()
  }
  const send = (): void => {
    field.current?.focus()
    if (text.trim() === '' || tooLong) return
    if (aim?.kind === 'edit') {
      if (text !== aim.message.text) engine.talk.edit(aim.message.id, text)
      letGo()
      return
    }
    engine.talk.send(text, aim?.message.id ?? null)
    drafts.delete(room)
    setText('')
    onAim(null)
  }
  const replyTo = aim?.kind === 'reply' ? aim.message.id : null
  const onSent = (): void => {
    if (aim?.kind === 'reply') onAim(null)
    field.current?.focus()
  }
  const onPaste = (event: ClipboardEvent): void => {
    const files = [...(event.clipboardData?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    engine.files.send(files, '', replyTo)
    onSent()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // Safari ends a composition before its confirming Enter, which then still carries 229.
    if (event.isComposing || event.keyCode === 229) return
    if (completion.onKey(event)) return
    if (event.key === 'Escape' && aim !== null) {
      event.preventDefault()
      letGo()
    }
    if (event.key === 'ArrowUp' && text === '') {
      const last = state.messages.findLast(isEditable)
      if (last !== undefined) {
        event.preventDefault()
        onAim({ kind: 'edit', message: last })
      }
    }
    if (event.key !== 'Enter' || event.shiftKey) return
    event.preventDefault()
    send()
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {aim !== null && <AimBar aim={aim} state={state} onLetGo={letGo} />}
      <AttachFile engine={engine} replyTo={replyTo} onSent={onSent} />
      <CompletionList of={completion} />
      <textarea
        ref={field}
        dir="auto"
        rows={1}
        aria-label={t.composer.message}
        placeholder={t.composer.message}
        enterkeyhint="send"
        value={text}
        aria-invalid={tooLong}
        aria-describedby="too-long"
        onInput={(event) => {
          write(event.currentTarget.value)
          completion.look()
          if (event.currentTarget.value !== '') engine.talk.typing()
        }}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        onKeyUp={completion.look}
        onClick={completion.look}
        onBlur={completion.leave}
        {...completion.field}
      />
      <Extras onEmoji={addEmoji} />
      {text === '' && <VoiceNote engine={engine} replyTo={replyTo} onSent={onSent} />}
      <button type="submit" class="send" aria-label={t.composer.send}>
        <Send />
      </button>
      <p class="problem" id="too-long" aria-live="polite">
        {tooLong ? t.composer.tooLong : ''}
      </p>
    </form>
  )
}

/** An own message that the host has. */
export const isEditable = ({ mine, seq, deleted, gone, notice }: Message): boolean =>
  mine && seq !== null && !deleted && !gone && notice === null

function AimBar(props: Pick<ComposerProps, 'state'> & { aim: Aim; onLetGo: () => void }) {
  const { aim, state, onLetGo } = props
  const { author, text } = aim.message
  const name = state.members.find(({ id }) => id === author)?.name ?? t.common.someone
  const what = aim.kind === 'edit' ? t.composer.editing : t.composer.replyTo(name)
  return (
    <div class="aim">
      <p>
        <b>{what}</b> <span dir="auto">{text}</span>
      </p>
      <button
        type="button"
        class="icon"
        aria-label={aim.kind === 'edit' ? t.composer.stopEditing : t.composer.noReply}
        onClick={onLetGo}
      >
        <Cross />
      </button>
    </div>
  )
}
