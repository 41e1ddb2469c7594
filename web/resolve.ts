// Finds the newest valid record (SPEC §3.2): all stores of the locator at once, else the cached copy and its schedule.
import { toHex } from '../shared/bytes.ts'
import { RECORD_BYTES } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type { Locator } from '../shared/locator.ts'
import { openRecord, type RecordBody } from '../shared/record.ts'

const TIMEOUT_MS = 5000

export interface Resolved {
  readonly record: RecordBody
  readonly bytes: Uint8Array
  /** stores that gave this or an older valid record; 0 if only the cached copy was there */
  readonly stores: number
  readonly asked: number
}

/**
 * Throws ClawError: `record-missing`, or, if every answer was wrong, what was wrong with it.
 * `cached` stands in when no store has anything valid.
 */
export async function resolveRecord(input: {
  readonly locator: Locator
  readonly root: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly minSeq: number
  readonly cached: Uint8Array | null
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
}): Promise<Resolved> {
  const stores = input.locator.flatMap((entry) => (entry.type === 'https' ? [entry] : []))
  const open = (bytes: Uint8Array): RecordBody => openRecord({ ...input, bytes })
  const answers = await Promise.all(
    stores.map(async ({ url, id }) => {
      try {
        const bytes = await fetchRecord(input.fetch, `${url}/v1/records/${toHex(id)}`)
        return { bytes, record: open(bytes) }
      } catch (error) {
        return error instanceof ClawError ? error.code : ('store-unreachable' as const)
      }
    }),
  )
  const valid = answers.filter((answer) => typeof answer !== 'string')
  valid.sort((a, b) => b.record.seq - a.record.seq)
  const [newest] = valid
  if (newest !== undefined) return { ...newest, stores: valid.length, asked: stores.length }
  if (input.cached !== null) {
    try {
      return { record: open(input.cached), bytes: input.cached, stores: 0, asked: stores.length }
    } catch {
      // The copy is of another credential or of another time; the stores' own answer says more.
    }
  }
  throw new ClawError(worst(answers.filter((answer) => typeof answer === 'string')))
}

/** What a person can do most about, first. */
const ORDER: readonly ClawErrorCode[] = [
  'record-foreign',
  'record-forged',
  'record-rollback',
  'record-no-slot',
  'record-malformed',
  'record-missing',
  'store-refused',
]

const worst = (codes: readonly ClawErrorCode[]): ClawErrorCode =>
  ORDER.find((code) => codes.includes(code)) ??
  (codes.includes('store-unreachable') ? 'store-unreachable' : 'record-missing')

async function fetchRecord(
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  url: string,
): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const answer = await fetch(url, {
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    signal,
  })
  if (answer.status === 404) throw new ClawError('record-missing')
  if (!answer.ok) throw new ClawError('store-refused')
  const bytes = new Uint8Array(await answer.arrayBuffer())
  if (bytes.length !== RECORD_BYTES) throw new ClawError('record-malformed')
  return bytes
}
