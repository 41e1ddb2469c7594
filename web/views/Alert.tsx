// One error in words: what happened, why, what to do next.
import type { ClawErrorCode } from '../../shared/error.ts'
import { WORDS } from '../words.ts'

export function Alert({ code, onRetry }: { code: ClawErrorCode | null; onRetry: () => void }) {
  if (code === null) return null
  const { what, why, next } = WORDS[code]
  return (
    <div class="alert" role="alert" data-code={code}>
      <p>
        <strong>{what}</strong> {why} {next}
      </p>
      <button type="button" class="quiet" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}
