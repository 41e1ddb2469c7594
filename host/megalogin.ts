// Runs host/megaworker.ts to its end, whatever happens in there: an answer, a crash, or a deadline (SPEC §3.3.1).
import { Worker } from 'node:worker_threads'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type { MegaNews, MegaWork } from './megaworker.ts'

/** A proof of work takes a core up to half a minute, and "busy" is waited out for as long. */
export const SIGN_IN_DEADLINE_MS = 120_000
/** Of its heap: what a gateway sends must not cost the host its memory. */
const MAX_MEGABYTES = 256

export interface SignIn {
  readonly work: MegaWork
  readonly deadlineMs: number
  readonly signal: AbortSignal
  /** a session or an anchor, as soon as it is there: both are worth keeping even if what follows fails */
  readonly onNews: (news: Exclude<MegaNews, { type: 'failed' | 'done' }>) => void
}

/** Throws ClawError: `mega-…`, `store-unreachable` (also for a deadline), `store-refused` (also for a crash). */
export function runSignIn({ work, deadlineMs, signal, onNews }: SignIn): Promise<void> {
  const worker = new Worker(new URL('./megaworker.ts', import.meta.url), {
    workerData: work,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_MEGABYTES },
  })
  return new Promise<void>((done, fail) => {
    const end = (code: ClawErrorCode | null): void => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', stop)
      void worker.terminate()
      if (code === null) done()
      else fail(new ClawError(code))
    }
    const stop = (): void => end('store-unreachable')
    const deadline = setTimeout(stop, deadlineMs)
    signal.addEventListener('abort', stop)
    worker.on('message', (news: MegaNews) => {
      if (news.type === 'failed') return end(news.code)
      if (news.type === 'done') return end(null)
      try {
        onNews(news)
      } catch (error) {
        end(error instanceof ClawError ? error.code : 'internal')
      }
    })
    worker.on('error', () => end('store-refused'))
    worker.on('exit', () => end('store-refused'))
    if (signal.aborted) stop()
  })
}
