// One error in words: what happened, why, what to do next.
import type { ComponentChildren } from 'preact'
import type { ClawErrorCode } from '../../shared/error.ts'
import { t } from '../language.ts'
import type { Words } from '../messages/catalogue.ts'
import { clockWords, fileWords, wordsOf } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { GOES_BY_FILE, RecordFile } from './RecordFile.tsx'

export function Alert({
  code,
  words = code === null ? undefined : wordsOf(code),
  onRetry,
  children,
}: {
  code: ClawErrorCode | null
  words?: Words | undefined
  onRetry: () => void
  /** further buttons */
  children?: ComponentChildren
}) {
  if (code === null || words === undefined) return null
  const { what, why, next } = words
  return (
    <div class="alert" role="alert" data-code={code}>
      <p>
        <strong>{what}</strong> {why} {next}
      </p>
      {children}
      <button type="button" class="quiet" onClick={onRetry}>
        {t.common.tryAgain}
      </button>
    </div>
  )
}

/** The one thing that is worth saying now: a file that was no good, else an error, else a wrong clock. */
export function Notice({
  state,
  engine,
  onRetry = () => engine.retry(),
  onTaken,
}: ViewProps & { onRetry?: () => void; onTaken?: () => void }) {
  const { handover, error, clock } = state
  const file = <RecordFile engine={engine} onTaken={onTaken} />
  if (handover !== null && handover !== 'taken')
    return (
      <Alert code={handover} words={fileWords(handover)} onRetry={onRetry}>
        {file}
      </Alert>
    )
  if (error !== null && (error !== 'clock-wrong' || clock === null))
    return (
      <Alert code={error} onRetry={onRetry}>
        {GOES_BY_FILE.includes(error) ? file : null}
      </Alert>
    )
  if (clock === null) return null
  return <Alert code="clock-wrong" words={clockWords(clock)} onRetry={onRetry} />
}
