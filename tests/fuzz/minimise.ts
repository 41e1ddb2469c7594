// A finding as small as it gets: fewer bytes, then bytes of zero, while the same promise stays broken.
import type { Target } from './target.ts'

/** What tells two findings apart: the message without its numbers. */
export const signatureOf = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).replace(/\d+/g, 'N')

/** What this input breaks, or null. */
export async function failureOf(target: Target, input: Uint8Array): Promise<unknown> {
  try {
    await target.run(input.slice())
    return null
  } catch (error) {
    return error ?? new Error('threw nothing')
  }
}

/** Within `tries` executions and five seconds. */
export async function minimise(
  target: Target,
  input: Uint8Array,
  signature: string,
  tries = 3000,
): Promise<Uint8Array> {
  let best = input
  let left = tries
  const endMs = performance.now() + 5000
  const takes = async (candidate: Uint8Array): Promise<boolean> => {
    if (left-- <= 0 || performance.now() > endMs) return false
    const error = await failureOf(target, candidate)
    if (error === null || signatureOf(error) !== signature) return false
    best = candidate
    return true
  }
  for (let size = best.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && left > 0; ) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      if (!(await takes(new Uint8Array(shorter)))) at += size
    }
  }
  for (let at = 0; at < best.length && left > 0; at++) {
    if (best[at] === 0) continue
    const zeroed = best.slice()
    zeroed[at] = 0
    await takes(zeroed)
  }
  return best
}
