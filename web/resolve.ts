// Finds the newest valid record (SPEC §3.2): all stores of the locator at once, else the cached copy and its schedule.
import { toHex } from '../shared/bytes.ts'
import { RECORD_BYTES } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type { Locator, LocatorEntry } from '../shared/locator.ts'
import { epochAt, openRecord, type RecordBody } from '../shared/record.ts'
import { aborted, readAtMost } from './answer.ts'
import { readMega } from './mega.ts'

const TIMEOUT_MS = 5000
const GRACE_MS = 500

export interface Resolved {
  readonly record: RecordBody
  readonly bytes: Uint8Array
  /** stores that gave this or an older valid record; 0 if only the cached copy was there */
  readonly stores: number
  readonly asked: number
  /** stores that gave one older than this device has seen: out of date, or holding something back */
  readonly older: number
  /** stores whose record has no slot for this credential: theirs is out of date, or the device was removed */
  readonly noSlot: number
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>

type StoreEntry = Exclude<LocatorEntry, { type: 'unknown' }>
const isStore = (entry: LocatorEntry): entry is StoreEntry => entry.type !== 'unknown'

type Answer = { readonly bytes: Uint8Array; readonly record: RecordBody } | ClawErrorCode

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
  readonly nowMs: number
  readonly fetch: Fetch
  /** base URL of MEGA's API */
  readonly megaGateway: string
}): Promise<Resolved> {
  const stores = input.locator.filter(isStore)
  const open = (bytes: Uint8Array): RecordBody => openOrBurn({ ...input, bytes })
  const answers = await askAll(
    stores.map((entry) => async (signal) => {
      const bytes =
        entry.type === 'https'
          ? await fetchRecord(input.fetch, `${entry.url}/v1/records/${toHex(entry.id)}`, signal)
          : await readMega(input.fetch, input.megaGateway, entry, signal)
      return { bytes, record: open(bytes) }
    }),
    ({ record }) => covers(record, input.nowMs),
  )
  const valid = answers.filter((answer) => typeof answer !== 'string')
  const codes = answers.filter((answer) => typeof answer === 'string')
  const counts = {
    stores: valid.length,
    asked: stores.length,
    older: codes.filter((code) => code === 'record-rollback').length,
    noSlot: codes.filter((code) => code === 'record-no-slot').length,
  }
  // A burn is final, whatever else says otherwise with a higher number (SPEC §3.5).
  const rank = ({ burn, seq }: RecordBody): number => (burn ? Number.MAX_SAFE_INTEGER : seq)
  valid.sort((a, b) => rank(b.record) - rank(a.record))
  const [newest] = valid
  if (newest !== undefined) return { ...newest, ...counts }
  if (input.cached !== null) {
    try {
      return { record: open(input.cached), bytes: input.cached, ...counts }
    } catch {
      // The copy is of another credential or of another time; the stores' own answer says more.
    }
  }
  throw new ClawError(worst(codes))
}

/** As `openRecord`; a burn counts below the highest seq seen too, since a thief of H may have published above it. */
export function openOrBurn(input: Parameters<typeof openRecord>[0]): RecordBody {
  const record = openRecord({ ...input, minSeq: 0 })
  if (record.seq < input.minSeq && !record.burn) throw new ClawError('record-rollback')
  return record
}

/** Whether the record is worth dialling at once: not past its time, and its schedule names a port for now. */
const covers = (record: RecordBody, nowMs: number): boolean => {
  const nth = epochAt(nowMs, record.intervalMs) - record.firstEpoch
  return nowMs < record.notAfterMs && nth >= 0 && nth < record.schedule.length
}

/**
 * Asks all at once. Once one answer is good enough the others have GRACE_MS more, so that a store that hangs
 * holds up nobody, and one that is a little slower can still be the newer.
 */
async function askAll(
  asks: readonly ((signal: AbortSignal) => Promise<Exclude<Answer, string>>)[],
  good: (answer: Exclude<Answer, string>) => boolean,
): Promise<Answer[]> {
  const stop = new AbortController()
  const deadline = setTimeout(() => stop.abort(), TIMEOUT_MS)
  let grace: ReturnType<typeof setTimeout> | undefined
  const answers = await Promise.all(
    asks.map(async (ask): Promise<Answer> => {
      try {
        const answer = await ask(stop.signal)
        if (good(answer)) grace ??= setTimeout(() => stop.abort(), GRACE_MS)
        return answer
      } catch (error) {
        return error instanceof ClawError ? error.code : 'store-unreachable'
      }
    }),
  )
  clearTimeout(deadline)
  clearTimeout(grace)
  return answers
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

async function fetchRecord(fetch: Fetch, url: string, signal: AbortSignal): Promise<Uint8Array> {
  const answer = await aborted(
    fetch(url, { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', signal }),
    signal,
  )
  if (answer.status === 404) throw new ClawError('record-missing')
  if (!answer.ok) throw new ClawError('store-refused')
  const record = await aborted(readAtMost(answer, RECORD_BYTES), signal)
  if (record.length !== RECORD_BYTES) throw new ClawError('record-malformed')
  return record
}
