// When to dial the host, by which ways, and what a failure means (SPEC §4, §7): decisions only. Whoever dials tells this what
// came of it (`RedialInput`) and does what it answers (`RedialEffect`).
import type { Route } from '../shared/constants.ts'

/** failures in quick succession: some minutes, at one dial every `HEDGE_MS` */
export const QUICK_TRIES = 60
/** after a failure, by how many there were since a conversation held */
export const BACKOFF_MS: readonly number[] = [
  ...[200, 500],
  ...new Array<number>(QUICK_TRIES - 2).fill(1000),
  ...[2000, 4000, 8000, 15_000],
]
/** a dial that takes so long may hang on what was true when it began: another one is begun beside it */
export const HEDGE_MS = 3000
/**
 * On a longer way: when the shorter ones are tried again. At first soon, as a browser learns of a network that is back some
 * seconds after it is.
 */
export const UPGRADE_MS: readonly number[] = [
  ...[2000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000],
]
/** a conversation that held so long earns a quick return */
export const STEADY_MS = 10_000
/** a move that finds another dial under way */
export const MOVE_AGAIN_MS = 5000
/** dials under way at a time: as many as one that hangs on a dead network leaves time for */
export const MAX_DIALS = 3

/** Not every way is tried. */
export interface Way {
  /** moving to the port of this epoch */
  readonly onlyEpoch?: number | undefined
  readonly routes?: readonly Route[] | undefined
}

/** What a conversation moves to in the background, by what carries it; nothing: it stays. */
export type Shorter = Readonly<Partial<Record<Route, readonly Route[]>>>

interface Dial {
  readonly id: number
  readonly way: Way
  /** `suspect`: for a carrier that may be dead; `hedge`: beside one that takes long */
  readonly why?: 'suspect' | 'hedge' | undefined
}

export interface RedialState {
  readonly shorter: Shorter
  /** dials begun so far; the id of one is its place, from 1 */
  readonly begun: number
  /** under way, oldest first */
  readonly running: readonly Dial[]
  /** of the carrier in use; null: there is none */
  readonly route: Route | null
  /** answers are overdue on it */
  readonly suspect: boolean
  /** failures since a conversation held, of dials since the last network */
  readonly failures: number
  /** dials before this one began on a network that may be gone: their failure says nothing */
  readonly since: number
  /** there was a carrier: whoever waits is in the middle of a conversation */
  readonly wasUp: boolean
  /** tries of a shorter way since this carrier is in use */
  readonly upgrades: number
  /** the epoch to move to */
  readonly moveTo: number | null
}

export const REDIAL_TIMERS = ['retry', 'hedge', 'upgrade', 'move'] as const
export type RedialTimer = (typeof REDIAL_TIMERS)[number]

export type RedialInput =
  /** a carrier is wanted, or a fresh one beside that in use; `soon`: whoever waits sits before it */
  | { readonly type: 'want'; readonly soon?: boolean }
  /** the device has a network again, another one perhaps: a dial that began before may hang on the old one */
  | { readonly type: 'network' }
  /** answers are overdue on the carrier in use, which has held for `heldMs`: another one is wanted beside it */
  | { readonly type: 'suspect'; readonly heldMs: number }
  /** they came after all: no other one is wanted */
  | { readonly type: 'trusted' }
  | { readonly type: 'fired'; readonly timer: RedialTimer }
  /** RESUME is settled on what this dial brought, and the conversation goes on there */
  | { readonly type: 'up'; readonly dial: number; readonly route: Route }
  | { readonly type: 'failed'; readonly dial: number }
  /** the carrier in use ended after `heldMs`; `replaced`: another device with the same keys has taken over */
  | { readonly type: 'ended'; readonly heldMs: number; readonly replaced: boolean }
  /** the host's port changes; the move is due in `inMs` */
  | { readonly type: 'notice'; readonly epoch: number; readonly inMs: number }
  /** nothing is wanted any more: what is under way comes to nothing */
  | { readonly type: 'rest' }

export interface DialEffect {
  readonly type: 'dial'
  readonly dial: number
  readonly way: Way
  /** a carrier is in use meanwhile */
  readonly beside: boolean
  /** a conversation waits for it: the longer ways are begun sooner */
  readonly urgent: boolean
  /** another one under way asks every store and waits for all of them */
  readonly hedge: boolean
}

export type RedialEffect =
  | DialEffect
  /** milliseconds from now, in place of what was set before; null: not at all */
  | { readonly type: 'timer'; readonly timer: RedialTimer; readonly ms: number | null }
  /** There is no carrier. `lasting`: it failed more than once, and the reason of this failure is worth words. */
  | { readonly type: 'down'; readonly lasting: boolean }

export type RedialStep = readonly [RedialState, readonly RedialEffect[]]

export const restingRedial = (shorter: Shorter): RedialState => ({
  ...{ shorter, begun: 0, running: [], route: null, suspect: false },
  ...{ failures: 0, since: 1, wasUp: false, upgrades: 0, moveTo: null },
})

/** Whether this dial's outcome still counts. */
export const counts = (state: RedialState, dial: number): boolean =>
  state.running.some(({ id }) => id === dial)

const nth = (list: readonly number[], at: number): number =>
  list[Math.min(at, list.length - 1)] ?? 0

const timer = (name: RedialTimer, ms: number | null): RedialEffect => ({
  type: 'timer',
  timer: name,
  ms,
})

const isFull = ({ way }: Dial): boolean => way.onlyEpoch === undefined && way.routes === undefined

const shorterWays = ({ shorter, route }: RedialState): readonly Route[] =>
  route === null ? [] : (shorter[route] ?? [])

export function stepRedial(state: RedialState, input: RedialInput): RedialStep {
  switch (input.type) {
    case 'want':
      return want(input.soon ? { ...state, failures: 0 } : state)
    case 'network':
      return begin(
        {
          ...{ ...state, failures: 0, since: state.begun + 1 },
          running: state.running.slice(1 - MAX_DIALS),
        },
        {},
      )
    case 'suspect':
      return suspected({ ...state, suspect: true, failures: earned(state, input.heldMs) })
    case 'trusted':
      return trusted(state)
    case 'fired':
      return fired(state, input.timer)
    case 'up':
      return up(state, input.dial, input.route)
    case 'failed':
      return failed(state, input.dial)
    case 'ended':
      return ended(state, input.heldMs, input.replaced)
    case 'notice':
      return [{ ...state, moveTo: input.epoch }, [timer('move', input.inMs)]]
    case 'rest': {
      const idle = { ...restingRedial(state.shorter), begun: state.begun }
      return [idle, REDIAL_TIMERS.map((name) => timer(name, null))]
    }
  }
}

function begin(state: RedialState, way: Way, why?: Dial['why']): RedialStep {
  if (state.running.length === MAX_DIALS) return [state, hedgeLater(state)]
  const dial = { id: state.begun + 1, way, why }
  const next = { ...state, begun: dial.id, running: [...state.running, dial] }
  const effect: DialEffect = {
    ...{ type: 'dial', dial: dial.id, way, beside: state.route !== null },
    ...{ urgent: state.wasUp && isNeeded(state), hedge: why === 'hedge' },
  }
  return [next, [timer('retry', null), timer('upgrade', null), ...hedgeLater(next), effect]]
}

/** What waits longer than some minutes has time. */
function hedgeLater(state: RedialState): readonly RedialEffect[] {
  const hedged = isNeeded(state) && state.running.some(isFull) && state.failures < QUICK_TRIES
  return [timer('hedge', hedged ? HEDGE_MS : null)]
}

/** Not beside a dial that tries every way, or beside any while there is a carrier. */
function want(state: RedialState): RedialStep {
  const enough = state.running.some((dial) => state.route !== null || isFull(dial))
  return enough ? [state, []] : begin(state, {})
}

/** Somebody waits for the next carrier. */
const isNeeded = ({ route, suspect }: RedialState): boolean => route === null || suspect

/** A dial that began before may hang on what has changed since. */
function suspected(state: RedialState): RedialStep {
  return begin(state, {}, 'suspect')
}

/** One that breaks at once must not become a loop. */
const earned = ({ failures }: RedialState, heldMs: number): number =>
  heldMs > STEADY_MS ? 0 : failures

function trusted(state: RedialState): RedialStep {
  if (!state.suspect) return [state, []]
  const running = state.running.filter(({ why }) => why === undefined)
  const [next, effects] = upgradeLater({ ...state, suspect: false, running })
  return [next, [timer('retry', null), timer('hedge', null), ...effects]]
}

/** Instead of one that has failed. */
function again(state: RedialState): RedialStep {
  if (state.suspect) return suspected(state)
  const hedges = state.route === null && state.failures < QUICK_TRIES
  return hedges && state.running.some(isFull) ? begin(state, {}, 'hedge') : want(state)
}

function fired(state: RedialState, name: RedialTimer): RedialStep {
  if (name === 'retry') return again(state)
  if (name === 'hedge') return isNeeded(state) ? begin(state, {}, 'hedge') : [state, []]
  const shorter = shorterWays(state)
  if (name === 'upgrade') {
    // With a dial under way the next try is set by its end.
    const idle = shorter.length > 0 && state.running.length === 0
    return idle ? begin(state, { routes: shorter }) : [state, []]
  }
  const { moveTo } = state
  if (moveTo === null || state.route === null) return [state, []]
  if (state.running.length > 0) return [state, [timer('move', MOVE_AGAIN_MS)]]
  // A carrier that uses none of the host's ports need not move; it may.
  const routes = shorter.length === 0 ? undefined : shorter
  return begin({ ...state, moveTo: null }, { onlyEpoch: moveTo, routes })
}

/** What began before has lost its purpose; what began later, for another network, may still bring the better carrier. */
function up(state: RedialState, dial: number, route: Route): RedialStep {
  const running = state.running.filter(({ id, why }) => id > dial && why === undefined)
  const next = { ...state, running, route, wasUp: true, suspect: false, upgrades: 0 }
  const [later, effects] = upgradeLater(next)
  return [later, [timer('retry', null), timer('hedge', null), ...effects]]
}

function upgradeLater(state: RedialState): RedialStep {
  if (shorterWays(state).length === 0 || state.running.length > 0) return [state, []]
  const wait = nth(UPGRADE_MS, state.upgrades)
  return [{ ...state, upgrades: state.upgrades + 1 }, [timer('upgrade', wait)]]
}

function failed(state: RedialState, dial: number): RedialStep {
  const failure = state.running.find(({ id }) => id === dial)
  if (failure === undefined) return [state, []]
  const next = { ...state, running: state.running.filter((one) => one !== failure) }
  if (next.route === null) return failedWithout(next, failure)
  const [later, effects] = upgradeLater(next)
  // Only what is shorter was tried: the longer way stays.
  if (failure.way.routes !== undefined) return [later, effects]
  const [again, retry] = retryLater(later)
  return [again, [...effects, ...retry]]
}

/** There is no carrier either. */
function failedWithout(state: RedialState, { id }: Dial): RedialStep {
  // The other one tells.
  if (id < state.since && state.running.some(isFull)) return [state, []]
  const [later, effects] = retryLater(state)
  return [later, [...effects, { type: 'down', lasting: later.failures >= 2 }]]
}

function retryLater(state: RedialState): RedialStep {
  const wait = nth(BACKOFF_MS, state.failures)
  return [{ ...state, failures: state.failures + 1 }, [timer('retry', wait)]]
}

function ended(state: RedialState, heldMs: number, replaced: boolean): RedialStep {
  // With a copy of the keys somewhere else, taking turns would help neither.
  const failures = replaced ? BACKOFF_MS.length : earned(state, heldMs)
  const lost = { ...state, route: null, suspect: false, failures }
  const [next, effects] = retryLater(lost)
  return [next, [timer('upgrade', null), ...effects, { type: 'down', lasting: false }]]
}
