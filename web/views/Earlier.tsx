// What an edited message said before (SPEC §7.6), newest first.
import { useEffect, useState } from 'preact/hooks'
import { type ClawErrorCode, codeOf } from '../../shared/error.ts'
import { formatMoment, t } from '../language.ts'
import type { EarlierText, Engine } from '../model.ts'
import { wordsOf } from '../words.ts'
import { Dialog } from './Dialog.tsx'

interface EarlierProps {
  /** id, hex */
  readonly message: string
  readonly engine: Engine
  readonly onClose: () => void
}

export function EarlierDialog({ message, engine, onClose }: EarlierProps) {
  const [texts, setTexts] = useState<readonly EarlierText[] | null>(null)
  const [code, setCode] = useState<ClawErrorCode | null>(null)
  useEffect(() => {
    engine.seek.earlier(message).then(setTexts, (error) => setCode(codeOf(error)))
  }, [message])
  return (
    <Dialog name={t.places.earlier} onClose={onClose}>
      <div aria-live="polite">
        {code !== null && (
          <p class="problem" role="alert" data-code={code}>
            {wordsOf(code).what} {wordsOf(code).next}
          </p>
        )}
        {texts === null && code === null && <p class="skeleton" aria-hidden="true" />}
        {texts?.length === 0 && <p class="lead">{t.places.noEarlier}</p>}
      </div>
      <ol class="versions">
        {texts?.map(({ untilMs, text }) => (
          <li key={untilMs}>
            <time dateTime={new Date(untilMs).toISOString()}>
              {t.places.until(formatMoment(untilMs))}
            </time>
            <p dir="auto">{text}</p>
          </li>
        ))}
      </ol>
    </Dialog>
  )
}
