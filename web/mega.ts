// Reads the record from MEGA (SPEC §3.3.1): one request, without account, library or preflight.
import { fromUtf8 } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import type { LocatorEntry } from '../shared/locator.ts'
import { askForFile, MEGA_ANSWER_MAX, MEGA_GATEWAY, recordOfAnswer } from '../shared/mega.ts'
import { aborted, readAtMost } from './answer.ts'

export type MegaEntry = Extract<LocatorEntry, { type: 'mega' }>
type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * 6144 bytes, not verified. `gateway`: base URL of the API; null: MEGA's own.
 * Throws ClawError: `record-missing`, `record-malformed`, `store-unreachable`, `store-refused`.
 */
export async function readMega(
  fetch: Fetch,
  gateway: string | null,
  { handle, key }: MegaEntry,
  signal: AbortSignal,
): Promise<Uint8Array> {
  // MEGA takes a repeated number for the same request and repeats its answer.
  const [number] = crypto.getRandomValues(new Uint32Array(1))
  const request = fetch(`${gateway ?? MEGA_GATEWAY}/cs?id=${number}`, {
    method: 'POST',
    // A string goes as text/plain, which a browser sends to another origin without asking first.
    body: askForFile(handle),
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    signal,
  })
  const answer = await aborted(request, signal)
  // 402 asks for a proof of work, which is for those who hammer: here other stores answer meanwhile.
  if (!answer.ok) throw new ClawError('store-refused')
  const bytes = await aborted(readAtMost(answer, MEGA_ANSWER_MAX), signal)
  return recordOfAnswer(key, fromUtf8(bytes, 'record-malformed'))
}
