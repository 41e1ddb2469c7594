// Reads what a store answers (SPEC §3.3): never more than its limit, never longer than its signal.
import { ClawError } from '../shared/error.ts'

/** A store that goes on for ever is left at the first byte too many: ClawError('record-malformed'). */
export async function readAtMost(answer: Response, maxBytes: number): Promise<Uint8Array> {
  const out = new Uint8Array(maxBytes)
  const reader = answer.body?.getReader()
  if (reader === undefined) throw new ClawError('record-malformed')
  let at = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return out.slice(0, at)
    if (at + value.length > maxBytes) {
      void reader.cancel().catch(() => undefined)
      throw new ClawError('record-malformed')
    }
    out.set(value, at)
    at += value.length
  }
}

/** Rejects on abort also where the promise itself does not look at the signal. */
export function aborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new ClawError('store-unreachable'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject)
  })
}
