// Emoji to add to what one writes, and the marks that messages know.
import { useRef, useState } from 'preact/hooks'
import { t } from '../language.ts'
import { Smile } from './icons.tsx'

const EMOJI = [
  ...['😀', '😂', '🙂', '😉', '😍', '😎', '🤔', '😴', '😢', '😡', '👍', '👎'],
  ...['👋', '🙏', '👏', '💪', '🤝', '✌️', '❤️', '🔥', '🎉', '✨', '⭐', '✅'],
  ...['❌', '⚠️', '❓', '💡', '📌', '📎', '📷', '🎵', '☕', '🍰', '🍕', '🌞'],
] as const

/** What messages know, each around or before a letter. */
const MARKS = ['**a**', '*a*', '~~a~~', '`a`', '> a', '- a', '1. a']

export function Extras({ onEmoji }: { onEmoji: (emoji: string) => void }) {
  const [open, setOpen] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const close = (): void => {
    setOpen(false)
    opener.current?.focus()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes what was opened
    <div
      class="extras"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return
        event.stopPropagation()
        close()
      }}
    >
      <button
        type="button"
        class="icon"
        aria-label={t.composer.extras}
        aria-expanded={open}
        ref={opener}
        onClick={() => setOpen(!open)}
      >
        <Smile />
      </button>
      {open && (
        <div class="extras-box">
          <fieldset aria-label={t.composer.emoji}>
            {EMOJI.map((emoji) => (
              <button
                key={emoji}
                type="button"
                class="icon"
                aria-label={t.composer.addEmoji(emoji)}
                onClick={() => {
                  setOpen(false)
                  onEmoji(emoji)
                }}
              >
                {emoji}
              </button>
            ))}
          </fieldset>
          <p dir="ltr">
            {MARKS.map((mark) => (
              <code key={mark}>{mark}</code>
            ))}
          </p>
        </div>
      )}
    </div>
  )
}
