// The machine that gets the newest record into every store (SPEC §3.3): a pure `step(state, input)`.
// Time and jitter come in, puts go out; it seals nothing and knows no store but by name.

interface StoreState {
  readonly store: string
  /** highest seq the store confirmed in this run */
  readonly seq: number | null
  /** seq on its way, or null */
  readonly busySeq: number | null
  readonly failures: number
  readonly retryAtMs: number
  /** code of the last failure, null while it works */
  readonly code: string | null
}

export interface PublishingState {
  /** newest seq wanted, null before the first */
  readonly wantedSeq: number | null
  readonly stores: readonly StoreState[]
}

export type PublishingInput =
  /** a record with this seq is sealed and persisted; it replaces older ones */
  | { readonly type: 'wanted'; readonly seq: number; readonly nowMs: number }
  | {
      readonly type: 'stored'
      readonly store: string
      readonly seq: number
      readonly nowMs: number
    }
  /** `jitter`: 0..1, spreads the retries of hosts that lost a store at one moment */
  | {
      readonly type: 'failed'
      readonly store: string
      readonly seq: number
      readonly code: string
      readonly nowMs: number
      readonly jitter: number
    }
  /** another network, or one again: what failed before may work now */
  | { readonly type: 'network'; readonly nowMs: number }
  | { readonly type: 'wake'; readonly nowMs: number }

/** Answer with `stored` or `failed`; at most one put per store is on its way. */
export interface PublishingEffect {
  readonly type: 'put'
  readonly store: string
  readonly seq: number
}

export interface PublishingStep {
  readonly state: PublishingState
  readonly effects: PublishingEffect[]
  /** when to send `wake`, or null while nothing waits */
  readonly wakeAtMs: number | null
}

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 5 * 60_000
const SPREAD = 0.2

/** `stores`: names, each once. */
export const createPublishing = (stores: readonly string[]): PublishingState => ({
  wantedSeq: null,
  stores: stores.map((store) => ({
    store,
    seq: null,
    busySeq: null,
    failures: 0,
    retryAtMs: 0,
    code: null,
  })),
})

export function stepPublishing(state: PublishingState, input: PublishingInput): PublishingStep {
  const wantedSeq =
    input.type === 'wanted' ? Math.max(input.seq, state.wantedSeq ?? 0) : state.wantedSeq
  const effects: PublishingEffect[] = []
  const stores = state.stores.map((store) => {
    const after = answered(store, input)
    if (!isDue(after, wantedSeq, input.nowMs)) return after
    effects.push({ type: 'put', store: after.store, seq: wantedSeq })
    return { ...after, busySeq: wantedSeq }
  })
  const waiting = stores.filter((store) => isBehind(store, wantedSeq))
  const wakeAtMs =
    waiting.length === 0 ? null : Math.min(...waiting.map(({ retryAtMs }) => retryAtMs))
  return { state: { wantedSeq, stores }, effects, wakeAtMs }
}

/** An answer to anything but the put on its way is late and changes nothing. */
function answered(store: StoreState, input: PublishingInput): StoreState {
  if (input.type === 'network') return { ...store, failures: 0, retryAtMs: 0 }
  if (input.type !== 'stored' && input.type !== 'failed') return store
  if (input.store !== store.store || input.seq !== store.busySeq) return store
  if (input.type === 'stored') {
    return { ...store, seq: input.seq, busySeq: null, failures: 0, retryAtMs: 0, code: null }
  }
  return {
    ...store,
    busySeq: null,
    failures: store.failures + 1,
    retryAtMs: input.nowMs + retryDelay(store.failures, input.jitter),
    code: input.code,
  }
}

/** 1 s, doubling to 5 min, each ±20 %. */
const retryDelay = (failures: number, jitter: number): number =>
  Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 20), LAST_RETRY_MS) *
  (1 - SPREAD + 2 * SPREAD * jitter)

const isBehind = (store: StoreState, wantedSeq: number | null): wantedSeq is number =>
  wantedSeq !== null && store.busySeq === null && (store.seq ?? -1) < wantedSeq

/** A clock that jumped back must not postpone a retry beyond the longest wait. */
const isDue = (store: StoreState, wantedSeq: number | null, nowMs: number): wantedSeq is number =>
  isBehind(store, wantedSeq) &&
  (store.retryAtMs <= nowMs || store.retryAtMs - nowMs > LAST_RETRY_MS * (1 + SPREAD))

/** For `status`: what each store holds and what is wrong with it. */
export const storeStates = (
  state: PublishingState,
): { readonly store: string; readonly seq: number | null; readonly code: string | null }[] =>
  state.stores.map(({ store, seq, code }) => ({ store, seq, code }))

/** The stores that hold this record or a newer one. */
export const confirmedBy = (state: PublishingState, seq: number): readonly string[] =>
  state.stores.filter((store) => store.seq !== null && store.seq >= seq).map(({ store }) => store)
