// Where messages are written. Enter sends, Shift+Enter starts a new line.
import { useRef, useState } from 'preact/hooks'
import { toUtf8 } from '../../shared/bytes.ts'
import { TEXT_MAX_BYTES } from '../../shared/constants.ts'
import { Clip, Send } from './icons.tsx'

export function Composer({ onSend }: { onSend: (text: string) => void }) {
  const [text, setText] = useState('')
  const field = useRef<HTMLTextAreaElement>(null)
  const tooLong = toUtf8(text).length > TEXT_MAX_BYTES
  const send = (): void => {
    field.current?.focus()
    if (text.trim() === '' || tooLong) return
    onSend(text)
    setText('')
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // Safari ends a composition before its confirming Enter, which then still carries 229.
    const composing = event.isComposing || event.keyCode === 229
    if (event.key !== 'Enter' || event.shiftKey || composing) return
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
      <button
        type="button"
        class="icon"
        aria-label="Attach file"
        aria-disabled="true"
        aria-describedby="no-files"
        title="Files come with a later version."
      >
        <Clip />
      </button>
      <span id="no-files" class="sr-only">
        Files come with a later version.
      </span>
      <textarea
        ref={field}
        rows={1}
        aria-label="Message"
        placeholder="Message"
        enterkeyhint="send"
        value={text}
        aria-invalid={tooLong}
        aria-describedby="too-long"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" class="send" aria-label="Send">
        <Send />
      </button>
      <p class="problem" id="too-long" aria-live="polite">
        {tooLong ? 'Too long: send it in parts.' : ''}
      </p>
    </form>
  )
}
