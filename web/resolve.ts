// Finds the newest valid record (SPEC §3.2): all stores of the locator at once, else the cached copy and its schedule.
import { toHex } from '../shared/bytes.ts'
import { RECORD_BYTES, STALE_SLACK_MS } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type { Locator, LocatorEntry } from '../shared/locator.ts'
import { epochAt, openRecord, type RecordBody } from '../shared/record.ts'
import { aborted, readAtMost } from './answer.ts'
import { Part } from './part.ts'

/** Its cipher and words are needed where a record lies there only. */
const MEGA = new Part(async () => (await import('./mega.ts')).readMega)

const TIMEOUT_MS = 5000
/** with a copy that covers this moment, which may still lead to the host */
const QUICK_MS = 2000
const MIN_GRACE_MS = 100
const MAX_GRACE_MS = 500

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
  /** why no store gave anything valid: then the cached copy's schedule leads; null if one did */
  readonly cause: ClawErrorCode | null
  /** past its time (SPEC §3.2): used all the same */
  readonly stale: boolean
  /** unix ms by the `Date` of the https stores, if they agree */
  readonly storeMs: number | null
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>

type StoreEntry = Extract<LocatorEntry, { type: 'https' | 'mega' }>
const isStore = (entry: LocatorEntry): entry is StoreEntry =>
  entry.type === 'https' || entry.type === 'mega'

interface Found {
  readonly bytes: Uint8Array
  readonly record: RecordBody
}
type Answer = Found | ClawErrorCode

export interface ResolveInput {
  readonly locator: Locator
  readonly root: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly minSeq: number
  /** stands in when no store has anything valid; also one sealed for `otherRoot`, the invite's of a fresh device */
  readonly cached: Uint8Array | null
  readonly otherRoot: Uint8Array | null
  readonly nowMs: number
  /** waits for every store: what the quick ones gave before led nowhere */
  readonly patient: boolean
  readonly fetch: Fetch
  /** base URL of MEGA's API, asked for when a store is there; null: the one of MEGA itself */
  readonly megaGateway: () => string | null
}

/** Throws ClawError: `record-missing`, or, if every answer was wrong, what was wrong with it. */
export async function resolveRecord(input: ResolveInput): Promise<Resolved> {
  const stores = input.locator.filter(isStore)
  const open = (bytes: Uint8Array): RecordBody => openOrBurn({ ...input, bytes })
  const dates: number[] = []
  const cached = openCached(input)
  const quick = cached !== null && !input.patient && covers(cached.record, input.nowMs)
  const answers = await askAll(
    stores.map((entry) => async (signal) => {
      const bytes = await read(input, entry, signal, dates)
      return { bytes, record: open(bytes) }
    }),
    ({ record }) => !input.patient && covers(record, input.nowMs),
    quick ? QUICK_MS : TIMEOUT_MS,
  )
  const valid = answers.filter((answer) => typeof answer !== 'string')
  const codes = answers.filter((answer) => typeof answer === 'string')
  // A burn is final, whatever else says otherwise with a higher number (SPEC §3.5).
  const rank = ({ burn, seq }: RecordBody): number => (burn ? Number.MAX_SAFE_INTEGER : seq)
  const [newest] = valid.sort((a, b) => rank(b.record) - rank(a.record))
  const found = newest ?? cached
  if (found === null) throw new ClawError(worst(codes))
  const storeMs = agreed(dates)
  return {
    ...found,
    stores: valid.length,
    asked: stores.length,
    older: codes.filter((code) => code === 'record-rollback').length,
    noSlot: codes.filter((code) => code === 'record-no-slot').length,
    cause: newest === undefined ? worst(codes) : null,
    stale: (storeMs ?? input.nowMs) > found.record.notAfterMs + STALE_SLACK_MS,
    storeMs,
  }
}

/** The copy may be of another credential or of another time; then the stores' own answer says more. */
function openCached(input: ResolveInput): Found | null {
  const { cached, otherRoot } = input
  const roots = otherRoot === null ? [input.root] : [input.root, otherRoot]
  for (const root of cached === null ? [] : roots) {
    try {
      const bytes = cached as Uint8Array
      return { bytes, record: openRecord({ ...input, bytes, root }) }
    } catch {
      // Not with this root.
    }
  }
  return null
}

/** As `openRecord`; a burn counts below the highest seq seen too, since a thief of H may have published above it. */
export function openOrBurn(input: Parameters<typeof openRecord>[0]): RecordBody {
  const record = openRecord({ ...input, minSeq: 0 })
  if (record.seq < input.minSeq && !record.burn) throw new ClawError('record-rollback')
  return record
}

/** Whether the record is worth dialling at once: not past its time, and its schedule names a port for now. */
const covers = (record: RecordBody, nowMs: number): boolean => {
  // A clock that lies before the record's is wrong (SPEC §3.2), and no reason to wait.
  const ms = Math.max(nowMs, record.issuedMs)
  const nth = epochAt(ms, record.intervalMs) - record.firstEpoch
  return ms < record.notAfterMs && nth >= 0 && nth < record.schedule.length
}

/**
 * Asks all at once. Once one answer is good enough the others have as long again as it took, so that a store that
 * hangs holds up nobody for long, and one that is a little slower can still be the newer.
 */
async function askAll(
  asks: readonly ((signal: AbortSignal) => Promise<Found>)[],
  good: (answer: Found) => boolean,
  timeoutMs: number,
): Promise<Answer[]> {
  const stop = new AbortController()
  const startMs = performance.now()
  const deadline = setTimeout(() => stop.abort(), timeoutMs)
  let grace: ReturnType<typeof setTimeout> | undefined
  const answers = await Promise.all(
    asks.map(async (ask): Promise<Answer> => {
      try {
        const answer = await ask(stop.signal)
        if (good(answer)) grace ??= setTimeout(() => stop.abort(), graceAfter(startMs))
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

const graceAfter = (startMs: number): number =>
  Math.min(MAX_GRACE_MS, Math.max(MIN_GRACE_MS, performance.now() - startMs))

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

/** One of two that differ is wrong, and nobody knows which. */
const agreed = (dates: readonly number[]): number | null =>
  dates.length > 0 && Math.max(...dates) - Math.min(...dates) <= STALE_SLACK_MS
    ? Math.max(...dates)
    : null

async function read(
  { fetch, megaGateway }: ResolveInput,
  entry: StoreEntry,
  signal: AbortSignal,
  dates: number[],
): Promise<Uint8Array> {
  if (entry.type === 'mega') {
    const readMega = await MEGA.load()
    return readMega(fetch, megaGateway(), entry, signal)
  }
  return fetchRecord(fetch, `${entry.url}/v1/records/${toHex(entry.id)}`, signal, dates)
}

async function fetchRecord(
  fetch: Fetch,
  url: string,
  signal: AbortSignal,
  dates: number[],
): Promise<Uint8Array> {
  const answer = await aborted(
    fetch(url, { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', signal }),
    signal,
  )
  // Only https vouches for the time; another origin has to expose the header.
  const dateMs = Date.parse(answer.headers.get('Date') ?? '')
  if (url.startsWith('https:') && Number.isFinite(dateMs)) dates.push(dateMs)
  if (answer.status === 404) throw new ClawError('record-missing')
  if (!answer.ok) throw new ClawError('store-refused')
  const record = await aborted(readAtMost(answer, RECORD_BYTES), signal)
  if (record.length !== RECORD_BYTES) throw new ClawError('record-malformed')
  return record
}
