// The port machine (SPEC §3.1, routes.md "Port rotation"): which UDP port and certificate belong to which epoch, and when to
// bind, announce, switch and close. Time and draws come in, effects go out; nothing here opens a socket.
import { SCHEDULE_EPOCHS } from '../shared/constants.ts'
import { epochAt, type ScheduleEntry } from '../shared/record.ts'

export interface RotationOptions {
  readonly intervalMs: number
  readonly noticeMs: number
  readonly graceMs: number
  /** at least 8 ports, both ends included */
  readonly firstPort: number
  readonly lastPort: number
}

export interface PlannedEpoch {
  readonly epoch: number
  readonly port: number
  /** of the epoch's certificate, 32 bytes; null until it is made */
  readonly fingerprint: Uint8Array | null
}

interface Socket {
  readonly epoch: number
  readonly port: number
}

export interface Rotation {
  readonly options: RotationOptions
  /** previous, current and the next 24, in order */
  readonly plan: readonly PlannedEpoch[]
  /** epochs whose certificates were asked for */
  readonly asked: readonly number[]
  readonly active: Socket | null
  /** bound, and not yet or no longer the active one */
  readonly standby: Socket | null
  readonly binding: Socket | null
  readonly retiring: readonly (Socket & { readonly closeAtMs: number })[]
  /** the last ports in use, the newest at the end */
  readonly used: readonly number[]
  /** ports that could not be bound in a row */
  readonly failed: readonly number[]
  readonly retryAtMs: number | null
  readonly noticedEpoch: number | null
  readonly unpublished: boolean
}

export type RotationInput =
  /** `plan`: what was stored; anything outside the window is dropped */
  | { readonly type: 'start'; readonly plan: readonly PlannedEpoch[] }
  | { readonly type: 'wake' }
  | { readonly type: 'bound'; readonly port: number }
  | { readonly type: 'bind-failed'; readonly port: number }
  | { readonly type: 'rotate-now' }
  | {
      readonly type: 'certificates'
      readonly made: readonly { readonly epoch: number; readonly fingerprint: Uint8Array }[]
    }

export type RotationEffect =
  | { readonly type: 'make-certificates'; readonly epochs: readonly number[] }
  | { readonly type: 'bind'; readonly epoch: number; readonly port: number }
  /** persist the plan, then publish the schedule */
  | { readonly type: 'publish' }
  | {
      readonly type: 'notice'
      readonly epoch: number
      readonly port: number
      readonly atMs: number
    }
  | {
      readonly type: 'rotated'
      readonly epoch: number
      readonly port: number
      /** null at the start of a run */
      readonly previousPort: number | null
      readonly graceEndsAtMs: number
    }
  | { readonly type: 'close'; readonly epoch: number; readonly port: number }
  | { readonly type: 'wakeAt'; readonly atMs: number }

/** A uniform integer in 0..below−1, of the caller's entropy. */
export type Draw = (below: number) => number

const AVOID_LAST = 5
/** So many failures in a row mean more than a taken port: wait instead of spinning. */
const MAX_TRIES = 16
const RETRY_MS = 1000

export const newRotation = (options: RotationOptions): Rotation => ({
  options,
  plan: [],
  asked: [],
  active: null,
  standby: null,
  binding: null,
  retiring: [],
  used: [],
  failed: [],
  retryAtMs: null,
  noticedEpoch: null,
  unpublished: false,
})

/** What the record says, or null while certificates are missing. */
export function recordSchedule(
  state: Rotation,
): { readonly firstEpoch: number; readonly entries: readonly ScheduleEntry[] } | null {
  const entries: ScheduleEntry[] = []
  for (const { port, fingerprint } of state.plan) {
    if (fingerprint === null) return null
    entries.push({ port, fingerprint })
  }
  const first = state.plan[0]
  return first === undefined ? null : { firstEpoch: first.epoch, entries }
}

export function stepRotation(
  state: Rotation,
  input: RotationInput,
  nowMs: number,
  draw: Draw,
): [Rotation, RotationEffect[]] {
  const effects: RotationEffect[] = []
  const planned = extendPlan(apply(state, input, nowMs, draw), nowMs, draw, effects)
  const bound = bindWanted(switchIfDue(planned, nowMs, effects), nowMs, effects)
  const closed = closeDue(announce(bound, nowMs, effects), nowMs, effects)
  const next = publishIfComplete(closed, effects)
  effects.push({ type: 'wakeAt', atMs: nextWake(next, nowMs) })
  return [next, effects]
}

function apply(state: Rotation, input: RotationInput, nowMs: number, draw: Draw): Rotation {
  switch (input.type) {
    case 'start': {
      const now = currentEpoch(state, nowMs)
      const past = input.plan.filter(({ epoch }) => epoch < now).map(({ port }) => port)
      return { ...state, plan: input.plan, used: past.slice(-AVOID_LAST), unpublished: true }
    }
    case 'wake':
      return state
    case 'bound':
      if (state.binding?.port !== input.port) return state
      return { ...state, standby: state.binding, binding: null, failed: [], retryAtMs: null }
    case 'bind-failed':
      return bindFailed(state, input.port, nowMs, draw)
    case 'rotate-now':
      return redraw(state, currentEpoch(state, nowMs), nowMs, draw)
    case 'certificates': {
      const made = new Map(input.made.map(({ epoch, fingerprint }) => [epoch, fingerprint]))
      const plan = state.plan.map((entry) => ({
        ...entry,
        fingerprint: entry.fingerprint ?? made.get(entry.epoch) ?? null,
      }))
      return { ...state, plan, asked: state.asked.filter((epoch) => !made.has(epoch)) }
    }
  }
}

function bindFailed(state: Rotation, port: number, nowMs: number, draw: Draw): Rotation {
  const { binding } = state
  if (binding?.port !== port) return state
  const failed = [...state.failed, port]
  const wait = failed.length >= MAX_TRIES
  const after = {
    ...state,
    binding: null,
    failed: wait ? [] : failed,
    retryAtMs: wait ? nowMs + RETRY_MS : null,
  }
  return redraw(after, binding.epoch, nowMs, draw)
}

/**
 * The epoch by the clock; a clock set back a little just after a switch does not undo it.
 * epoch = floor(unixMs / intervalMs)
 */
function currentEpoch({ options, active }: Rotation, nowMs: number): number {
  const epoch = epochAt(nowMs, options.intervalMs)
  const ahead = active !== null && active.epoch === epoch + 1
  return ahead && active.epoch * options.intervalMs - nowMs <= options.noticeMs ? epoch + 1 : epoch
}

const entryOf = (state: Rotation, epoch: number): PlannedEpoch | undefined =>
  state.plan.find((entry) => entry.epoch === epoch)

/** Another port for this epoch, same certificate. */
function redraw(state: Rotation, epoch: number, nowMs: number, draw: Draw): Rotation {
  const now = currentEpoch(state, nowMs)
  const plan = state.plan.map((entry) =>
    entry.epoch === epoch
      ? { ...entry, port: drawPort(state, portsBefore(state, state.plan, epoch, now), draw) }
      : entry,
  )
  // A socket bound in advance for this epoch is of no use any more; closeDue finds it.
  return { ...state, plan, unpublished: true }
}

/** The window previous..+24, with a port for every epoch that is none of the five before it. */
function extendPlan(
  state: Rotation,
  nowMs: number,
  draw: Draw,
  effects: RotationEffect[],
): Rotation {
  const now = currentEpoch(state, nowMs)
  const plan: PlannedEpoch[] = []
  let changed = state.plan.length !== SCHEDULE_EPOCHS
  for (let epoch = now - 1; epoch < now - 1 + SCHEDULE_EPOCHS; epoch++) {
    const known = entryOf(state, epoch)
    const before = portsBefore(state, plan, epoch, now)
    const serving = state.active?.epoch === epoch && state.active.port === known?.port
    const { firstPort, lastPort } = state.options
    const inRange = known !== undefined && known.port >= firstPort && known.port <= lastPort
    const keep = epoch < now || serving || (inRange && !before.includes(known.port))
    if (known !== undefined && keep) {
      plan.push(known)
      continue
    }
    changed = true
    const port = drawPort(state, before, draw)
    plan.push({ epoch, port, fingerprint: known?.fingerprint ?? null })
  }
  const missing = plan.filter(({ fingerprint }) => fingerprint === null).map(({ epoch }) => epoch)
  const fresh = missing.filter((epoch) => !state.asked.includes(epoch))
  if (fresh.length > 0) effects.push({ type: 'make-certificates', epochs: fresh })
  return { ...state, plan, asked: missing, unpublished: state.unpublished || changed }
}

/** The five ports in use before this epoch: those that were, then those that are planned. */
function portsBefore(
  state: Rotation,
  plan: readonly PlannedEpoch[],
  epoch: number,
  now: number,
): readonly number[] {
  const served = state.active?.epoch === now ? now : now - 1
  const planned = plan.filter((entry) => entry.epoch > served && entry.epoch < epoch)
  return [...state.used, ...planned.map(({ port }) => port)].slice(-AVOID_LAST)
}

function drawPort(state: Rotation, before: readonly number[], draw: Draw): number {
  const { firstPort, lastPort } = state.options
  const count = lastPort - firstPort + 1
  const open = state.retiring.map(({ port }) => port)
  const avoid = new Set([...before, ...state.failed, ...open])
  // In a narrow range the failed ones must be tried again; the last five are avoided always.
  const shunned = avoid.size < count ? avoid : new Set(before)
  let port = firstPort + draw(count)
  while (shunned.has(port)) port = port === lastPort ? firstPort : port + 1
  return port
}

const matches = (socket: Socket | null, entry: PlannedEpoch | undefined): boolean =>
  socket !== null && socket.epoch === entry?.epoch && socket.port === entry.port

function switchIfDue(state: Rotation, nowMs: number, effects: RotationEffect[]): Rotation {
  const { active, standby, options } = state
  const wanted = entryOf(state, currentEpoch(state, nowMs))
  if (standby === null || !matches(standby, wanted)) return state
  const graceEndsAtMs = nowMs + options.graceMs
  const previousPort = active?.port ?? null
  effects.push({ type: 'rotated', ...standby, previousPort, graceEndsAtMs })
  const retiring =
    active === null ? state.retiring : [...state.retiring, { ...active, closeAtMs: graceEndsAtMs }]
  const used = [...state.used, standby.port].slice(-AVOID_LAST)
  return { ...state, active: standby, standby: null, retiring, used }
}

/** Binds the current port if it is not served, else the next one from its notice on. */
function bindWanted(state: Rotation, nowMs: number, effects: RotationEffect[]): Rotation {
  if (state.binding !== null || (state.retryAtMs !== null && state.retryAtMs > nowMs)) {
    return state
  }
  const now = currentEpoch(state, nowMs)
  const current = entryOf(state, now)
  const served = matches(state.active, current)
  const wanted = served ? entryOf(state, now + 1) : current
  if (served && nowMs < noticeAt(state, now + 1)) return state
  if (wanted === undefined || matches(state.standby, wanted)) return state
  const binding = { epoch: wanted.epoch, port: wanted.port }
  effects.push({ type: 'bind', ...binding })
  return { ...state, binding, retryAtMs: null }
}

const noticeAt = ({ options }: Rotation, epoch: number): number =>
  epoch * options.intervalMs - options.noticeMs

/** Once per epoch, when its port is really bound. */
function announce(state: Rotation, nowMs: number, effects: RotationEffect[]): Rotation {
  const epoch = currentEpoch(state, nowMs) + 1
  const next = entryOf(state, epoch)
  if (next === undefined || !matches(state.standby, next) || state.noticedEpoch === epoch) {
    return state
  }
  effects.push({ type: 'notice', epoch, port: next.port, atMs: epoch * state.options.intervalMs })
  return { ...state, noticedEpoch: epoch, unpublished: true }
}

function closeDue(state: Rotation, nowMs: number, effects: RotationEffect[]): Rotation {
  const now = currentEpoch(state, nowMs)
  const retiring = []
  for (const socket of state.retiring) {
    // After a clock set back nothing stays open for longer than one grace.
    const closeAtMs = Math.min(socket.closeAtMs, nowMs + state.options.graceMs)
    if (closeAtMs > nowMs) retiring.push({ ...socket, closeAtMs })
    else effects.push({ type: 'close', epoch: socket.epoch, port: socket.port })
  }
  const { standby } = state
  const wanted = [entryOf(state, now), entryOf(state, now + 1)]
  if (standby === null || wanted.some((entry) => matches(standby, entry))) {
    return { ...state, retiring }
  }
  effects.push({ type: 'close', ...standby })
  return { ...state, retiring, standby: null }
}

function publishIfComplete(state: Rotation, effects: RotationEffect[]): Rotation {
  const served = state.active !== null && state.binding === null
  if (!state.unpublished || !served || recordSchedule(state) === null) return state
  effects.push({ type: 'publish' })
  return { ...state, unpublished: false }
}

function nextWake(state: Rotation, nowMs: number): number {
  const next = (currentEpoch(state, nowMs) + 1) * state.options.intervalMs
  const times = [next, next - state.options.noticeMs, state.retryAtMs ?? next]
  for (const { closeAtMs } of state.retiring) times.push(closeAtMs)
  return Math.min(...times.filter((atMs) => atMs > nowMs))
}
