// The machine that gets the newest record into every store (SPEC §3.3, protocol.md §3): `step(state, input)`.
// Time and jitter come in, effects go out; it seals nothing and knows no store but by name.

export type PublishReason = 'start' | 'rotation' | 'address' | 'credentials' | 'refresh'

interface StoreState {
  /** highest seq the store confirmed in this run */
  readonly confirmedSeq: number | null
  /** seq on its way, or null */
  readonly busySeq: number | null
  readonly failures: number
  readonly retryAtMs: number
  /** code of the last failure, null while it works */
  readonly code: string | null
}

export interface Publishing {
  /** seq of the newest record; every store is to get it */
  readonly seq: number
  /** a newer record was asked for and is being sealed */
  readonly sealing: boolean
  /** asked for again while sealing */
  readonly again: PublishReason | null
  /** whether a record of this run exists */
  readonly ready: boolean
  readonly stores: Readonly<Record<string, StoreState>>
}

export type PublishingInput =
  | { readonly type: 'wanted'; readonly reason: PublishReason }
  /** the record of `seq` is sealed, and persisted with its hash */
  | { readonly type: 'sealed'; readonly seq: number }
  | { readonly type: 'confirmed'; readonly store: string; readonly seq: number }
  /** `jitter`: 0..1, spreads the retries of hosts that lost a store at one moment */
  | {
      readonly type: 'failed'
      readonly store: string
      readonly seq: number
      readonly code: string
      readonly jitter: number
    }
  | { readonly type: 'wake' }

export type PublishingEffect =
  /** seal a record with this seq, persist it, answer with `sealed` */
  | { readonly type: 'seal'; readonly seq: number; readonly reason: PublishReason }
  | { readonly type: 'put'; readonly store: string; readonly seq: number }
  | { readonly type: 'published'; readonly store: string; readonly seq: number }
  | { readonly type: 'store-failed'; readonly store: string; readonly code: string }
  | { readonly type: 'wakeAt'; readonly atMs: number | null }

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 5 * 60_000
/** Room above the stored number: a restored backup must not repeat one. */
const SEQ_LEAP = 1024

/** The first seq of a run (protocol.md §3). `storedSeq`: last persisted, or 0; `readSeq`: highest read from a store. */
export const firstSeq = (storedSeq: number, readSeq: number | null, nowMs: number): number =>
  Math.max(storedSeq + SEQ_LEAP, (readSeq ?? 0) + 1, Math.floor(nowMs / 1000))

/** `seq`: of {@link firstSeq}; the first record gets it. */
export const startPublishing = (stores: readonly string[], seq: number): Publishing => ({
  seq: seq - 1,
  sealing: false,
  again: null,
  ready: false,
  stores: Object.fromEntries(
    stores.map((name) => [
      name,
      { confirmedSeq: null, busySeq: null, failures: 0, retryAtMs: 0, code: null },
    ]),
  ),
})

export function stepPublishing(
  state: Publishing,
  input: PublishingInput,
  nowMs: number,
): [Publishing, PublishingEffect[]] {
  const effects: PublishingEffect[] = []
  const next = putDue(apply(state, input, nowMs, effects), nowMs, effects)
  effects.push({ type: 'wakeAt', atMs: nextRetry(next) })
  return [next, effects]
}

function apply(
  state: Publishing,
  input: PublishingInput,
  nowMs: number,
  effects: PublishingEffect[],
): Publishing {
  switch (input.type) {
    case 'wanted':
      if (state.sealing) return { ...state, again: input.reason }
      effects.push({ type: 'seal', seq: state.seq + 1, reason: input.reason })
      return { ...state, sealing: true }
    case 'sealed':
      return sealed(state, input.seq, effects)
    case 'confirmed':
      return confirmed(state, input.store, input.seq, effects)
    case 'failed':
      return failed(state, input, nowMs, effects)
    case 'wake':
      return state
  }
}

function sealed(state: Publishing, seq: number, effects: PublishingEffect[]): Publishing {
  if (!state.sealing || seq !== state.seq + 1) return state
  // What changed while sealing may be missing from these bytes: they go out, and a newer record follows.
  if (state.again !== null) effects.push({ type: 'seal', seq: seq + 1, reason: state.again })
  return { ...state, seq, ready: true, sealing: state.again !== null, again: null }
}

function confirmed(
  state: Publishing,
  name: string,
  seq: number,
  effects: PublishingEffect[],
): Publishing {
  const store = state.stores[name]
  if (store?.busySeq !== seq) return state
  effects.push({ type: 'published', store: name, seq })
  const done = { confirmedSeq: seq, busySeq: null, failures: 0, retryAtMs: 0, code: null }
  return { ...state, stores: { ...state.stores, [name]: done } }
}

function failed(
  state: Publishing,
  input: Extract<PublishingInput, { type: 'failed' }>,
  nowMs: number,
  effects: PublishingEffect[],
): Publishing {
  const store = state.stores[input.store]
  if (store?.busySeq !== input.seq) return state
  // Said once per cause, not at every attempt.
  if (store.code !== input.code) {
    effects.push({ type: 'store-failed', store: input.store, code: input.code })
  }
  const retryAtMs = nowMs + retryDelay(store.failures, input.jitter)
  const after = {
    ...store,
    busySeq: null,
    failures: store.failures + 1,
    retryAtMs,
    code: input.code,
  }
  return { ...state, stores: { ...state.stores, [input.store]: after } }
}

/** 1 s, doubling to 5 min, of which the upper half is spread by `jitter`. */
const retryDelay = (failures: number, jitter: number): number =>
  Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 20), LAST_RETRY_MS) * (0.5 + 0.5 * jitter)

const isBehind = (state: Publishing, store: StoreState): boolean =>
  state.ready && store.busySeq === null && (store.confirmedSeq ?? -1) < state.seq

function putDue(state: Publishing, nowMs: number, effects: PublishingEffect[]): Publishing {
  const stores: Record<string, StoreState> = { ...state.stores }
  for (const [name, store] of Object.entries(state.stores)) {
    if (!isBehind(state, store)) continue
    // A clock that jumped back must not postpone a retry beyond the longest wait.
    if (store.retryAtMs > nowMs && store.retryAtMs - nowMs <= LAST_RETRY_MS) continue
    effects.push({ type: 'put', store: name, seq: state.seq })
    stores[name] = { ...store, busySeq: state.seq }
  }
  return { ...state, stores }
}

function nextRetry(state: Publishing): number | null {
  const waiting = Object.values(state.stores).filter((store) => isBehind(state, store))
  return waiting.length === 0 ? null : Math.min(...waiting.map((store) => store.retryAtMs))
}

/** For `status`: what each store has and what is wrong with it. */
export const publishingStatus = (
  state: Publishing,
): { readonly store: string; readonly seq: number | null; readonly code: string | null }[] =>
  Object.entries(state.stores).map(([store, { confirmedSeq, code }]) => ({
    store,
    seq: confirmedSeq,
    code,
  }))
