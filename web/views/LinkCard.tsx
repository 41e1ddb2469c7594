// A link that the host has just made: to copy, and to photograph where another device could open it.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { formatMoment, t } from '../language.ts'
import type { Asked } from '../model.ts'
import { Marked } from './Marked.tsx'
import { Qr } from './Qr.tsx'
import { reveal } from './reveal.ts'

type Link = NonNullable<Asked['link']>

export function LinkCard(props: {
  link: Link
  /** how many may join by it */
  uses: number
  onDone: () => void
}) {
  const { link, uses, onDone } = props
  const card = useRef<HTMLElement>(null)
  // It was asked for further down, where it would not be seen.
  useLayoutEffect(() => {
    card.current?.focus({ preventScroll: true })
    reveal(card.current)
  }, [link.invite])
  const [copied, setCopied] = useState(false)
  const copy = (): void => {
    navigator.clipboard?.writeText(link.url).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  }
  return (
    <section class="link-card" aria-label={t.link.title} tabIndex={-1} ref={card}>
      <p>
        <Marked text={uses === 1 ? t.link.one : t.link.many(uses)} /> {t.link.reach[link.reach]}{' '}
        {t.link.until(formatMoment(link.expiresAtMs))}
      </p>
      {link.reach !== 'computer' && <Qr text={link.url} label={t.link.qr} />}
      <label for="new-link">{t.link.link}</label>
      <input
        id="new-link"
        dir="ltr"
        readOnly
        value={link.url}
        onFocus={(event) => event.currentTarget.select()}
      />
      <p class="row">
        {/* On plain http browsers have no clipboard for pages. */}
        {isSecureContext && (
          <button type="button" class="primary" onClick={copy}>
            {copied ? t.link.copied : t.link.copy}
          </button>
        )}
        <button type="button" class="quiet" onClick={onDone}>
          {t.link.done}
        </button>
      </p>
    </section>
  )
}
