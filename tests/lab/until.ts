// Waiting for a state of something that sends no events.
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 100

/** Resolves once `look` gives something; fails with what was seen last. */
export async function until<T>(
  what: string,
  withinMs: number,
  look: () => T | null | false | undefined | Promise<T | null | false | undefined>,
): Promise<T> {
  const endMs = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== null && found !== false && found !== undefined) return found
    if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms`)
    await delay(POLL_MS)
  }
}
