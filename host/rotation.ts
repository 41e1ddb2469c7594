// Which ports are bound when, and which come next (SPEC §3.1, §4.3): a pure machine `step(state, input)`.
// Time, randomness and the answers of the sockets come in; effects go out. Certificates are the driver's, one per epoch.
import type { RandomBytes } from '../shared/crypto.ts'

/** Times in ms; ports inclusive. */
export interface RotationOptions {
  readonly intervalMs: number
  /** the next port is bound and announced this long before the switch */
  readonly noticeMs: number
  /** an old port stays bound this long after the switch */
  readonly graceMs: number
  readonly firstPort: number
  readonly lastPort: number
}

export interface PlannedEpoch {
  /** ⌊Unix ms / intervalMs⌋ */
  readonly epoch: number
  readonly port: number
}

interface Grace extends PlannedEpoch {
  readonly endsAtMs: number
}

interface Socket extends PlannedEpoch {
  /** false while `bind` is unanswered */
  readonly bound: boolean
}

export interface RotationState {
  readonly options: RotationOptions
  readonly phase: 'idle' | 'running'
  /** 26 consecutive epochs, the second is the current one; empty while idle */
  readonly planned: readonly PlannedEpoch[]
  /** the port people are sent to; null until the first one is bound */
  readonly active: PlannedEpoch | null
  /** every port bound or being bound */
  readonly sockets: readonly Socket[]
  readonly graces: readonly Grace[]
  /** the epoch whose notice went out last */
  readonly noticedEpoch: number | null
  /** ports lately active, which no draw repeats */
  readonly used: readonly number[]
  /** ports of a schedule that a revoked device may know; no draw takes them up to this epoch */
  readonly retired: { readonly ports: readonly number[]; readonly untilEpoch: number }
  /** binds that failed one after another */
  readonly failures: number
  /** no bind before this time, while every port seems taken */
  readonly retryAtMs: number | null
}

export type RotationInput =
  | {
      readonly type: 'start'
      readonly nowMs: number
      readonly random: RandomBytes
      /** persisted plan of an earlier run; may be empty or of other epochs */
      readonly planned: readonly PlannedEpoch[]
    }
  | { readonly type: 'wake'; readonly nowMs: number; readonly random: RandomBytes }
  /** by hand: the current epoch gets another port now */
  | { readonly type: 'rotate'; readonly nowMs: number; readonly random: RandomBytes }
  /** after a revocation: every epoch gets another port, none of them planned or bound before (SPEC §3.4) */
  | { readonly type: 'redraw'; readonly nowMs: number; readonly random: RandomBytes }
  | {
      /** the answer to `bind` */
      readonly type: 'bound' | 'bind-failed'
      readonly port: number
      readonly nowMs: number
      readonly random: RandomBytes
    }

export type RotationEffect =
  /** answer with `bound` or `bind-failed` */
  | { readonly type: 'bind'; readonly port: number }
  | { readonly type: 'close'; readonly port: number; readonly epoch: number }
  /** persist, before anything that follows */
  | { readonly type: 'save'; readonly planned: readonly PlannedEpoch[] }
  | { readonly type: 'publish' }
  | {
      readonly type: 'notice'
      readonly epoch: number
      readonly port: number
      readonly atMs: number
    }
  | {
      readonly type: 'rotated'
      readonly port: number
      readonly epoch: number
      readonly previousPort: number
      readonly graceEndsAtMs: number
    }

export interface RotationStep {
  readonly state: RotationState
  readonly effects: RotationEffect[]
  /** when to send `wake`, or null while idle */
  readonly wakeAtMs: number | null
}

/** previous, current, next 24 */
const WINDOW = 26
/** No port comes back within this many epochs. */
const APART = 5
const MAX_SOCKETS = 5
/** active, current and next take the others */
const MAX_GRACES = 2
/** After this many failures in a row the machine pauses instead of spinning. */
const FAILURES_BEFORE_PAUSE = 32
const PAUSE_MS = 1000

export const createRotation = (options: RotationOptions): RotationState => ({
  options,
  phase: 'idle',
  planned: [],
  active: null,
  sockets: [],
  graces: [],
  noticedEpoch: null,
  used: [],
  retired: { ports: [], untilEpoch: -1 },
  failures: 0,
  retryAtMs: null,
})

/** Previous, current and the next 24 epochs; empty before `start`. */
export const plannedSchedule = (state: RotationState): readonly PlannedEpoch[] => state.planned

/** The port people are sent to now. Before the first bind: the one that will be tried. */
export const currentPort = (state: RotationState): PlannedEpoch =>
  state.active ?? state.planned[1] ?? { port: 0, epoch: 0 }

/** Bound ports, the most needed first: the active one, the announced next, those in grace (`listed` false: told no more). */
export function boundPorts(
  state: RotationState,
): readonly { readonly port: number; readonly listed: boolean }[] {
  const { active, sockets, graces } = state
  const bound = sockets.filter((socket) => socket.bound)
  const endsAtMs = (port: number): number =>
    graces.find((grace) => grace.port === port)?.endsAtMs ?? Number.POSITIVE_INFINITY
  return bound
    .sort((a, b) => endsAtMs(b.port) - endsAtMs(a.port) || a.epoch - b.epoch)
    .map(({ port }) => ({ port, listed: endsAtMs(port) === Number.POSITIVE_INFINITY }))
    .sort((a, b) => Number(b.port === active?.port) - Number(a.port === active?.port))
}

/** The switch that was announced and has not come: for who connects in between. */
export function pendingNotice(
  state: RotationState,
  nowMs: number,
): { readonly epoch: number; readonly atMs: number } | null {
  const { intervalMs } = state.options
  const epoch = Math.floor(nowMs / intervalMs) + 1
  return state.noticedEpoch === epoch ? { epoch, atMs: epoch * intervalMs } : null
}

export function stepRotation(state: RotationState, input: RotationInput): RotationStep {
  if (state.phase === 'idle' && input.type !== 'start') {
    return { state, effects: [], wakeAtMs: null }
  }
  const run = new Run(state, input.nowMs, input.random)
  run.take(input)
  return { state: run.state, effects: run.effects, wakeAtMs: run.wakeAtMs() }
}

/** One step: a copy of the state under change, and the effects so far. */
class Run {
  state: RotationState
  readonly effects: RotationEffect[] = []
  private readonly nowMs: number
  private readonly random: RandomBytes
  private readonly epoch: number

  constructor(state: RotationState, nowMs: number, random: RandomBytes) {
    this.state = state
    this.nowMs = nowMs
    this.random = random
    this.epoch = Math.floor(nowMs / state.options.intervalMs)
  }

  take(input: RotationInput): void {
    if (input.type === 'start' && this.state.phase === 'idle') this.start(input.planned)
    this.moveWindow()
    if (input.type === 'rotate') this.rotate()
    if (input.type === 'redraw') this.redrawAll()
    if (input.type === 'bound') this.bound(input.port)
    if (input.type === 'bind-failed') this.bindFailed(input.port)
    this.endGraces()
    this.switchIfBound()
    this.noticeIfBound()
    this.closeUnwanted()
    this.bindWanted()
  }

  wakeAtMs(): number {
    const { intervalMs, noticeMs } = this.state.options
    const switchAtMs = (this.epoch + 1) * intervalMs
    const times = [switchAtMs, switchAtMs - noticeMs]
    for (const grace of this.state.graces) times.push(grace.endsAtMs)
    if (this.state.retryAtMs !== null) times.push(this.state.retryAtMs)
    return Math.min(...times.filter((atMs) => atMs > this.nowMs))
  }

  private set(change: Partial<RotationState>): void {
    this.state = { ...this.state, ...change }
  }

  private start(persisted: readonly PlannedEpoch[]): void {
    const { firstPort, lastPort, intervalMs, graceMs } = this.state.options
    const usable = persisted.filter(({ port }) => port >= firstPort && port <= lastPort)
    this.set({ phase: 'running', planned: usable })
    const previous = usable.find(({ epoch }) => epoch === this.epoch - 1)
    const endsAtMs = this.epoch * intervalMs + graceMs
    if (previous && endsAtMs > this.nowMs) this.set({ graces: [{ ...previous, endsAtMs }] })
  }

  /** Makes the plan cover this moment's window; what it knew stays. */
  private moveWindow(): void {
    const { planned } = this.state
    const fits = planned.every(({ epoch }, at) => epoch === this.epoch - 1 + at)
    if (planned.length === WINDOW && fits) return
    const known = new Map(planned.map(({ epoch, port }) => [epoch, port]))
    const ports = new Map<number, number>()
    for (let at = 0; at < WINDOW; at++) {
      const epoch = this.epoch - 1 + at
      const port = known.get(epoch)
      if (port !== undefined && !near(ports, epoch).has(port)) ports.set(epoch, port)
    }
    for (let at = 0; at < WINDOW; at++) {
      const epoch = this.epoch - 1 + at
      if (!ports.has(epoch)) ports.set(epoch, this.draw(ports, epoch))
    }
    this.save(ports)
  }

  private save(ports: ReadonlyMap<number, number>): void {
    const planned = [...ports]
      .map(([epoch, port]) => ({ epoch, port }))
      .sort((a, b) => a.epoch - b.epoch)
    this.set({ planned })
    this.effects.push({ type: 'save', planned })
  }

  private redraw(epoch: number): void {
    const ports = new Map(this.state.planned.map((entry) => [entry.epoch, entry.port]))
    ports.set(epoch, this.draw(ports, epoch))
    this.save(ports)
  }

  /** Whoever is connected stays so for the grace; the notice of the next epoch goes out anew, for its new port. */
  private redrawAll(): void {
    const { planned, sockets, active, graces, options } = this.state
    const ports = [...planned, ...sockets].map(({ port }) => port)
    const untilEpoch = this.epoch + WINDOW
    this.set({ retired: { ports: [...this.retiredPorts(), ...ports], untilEpoch } })
    this.set({ noticedEpoch: null })
    const drawn = new Map<number, number>()
    for (const { epoch } of planned) drawn.set(epoch, this.draw(drawn, epoch))
    this.save(drawn)
    const endsAtMs = this.nowMs + options.graceMs
    for (const { epoch, port, bound } of sockets) {
      const kept = port === active?.port || graces.some((grace) => grace.port === port)
      if (bound && !kept && endsAtMs > this.nowMs) this.addGrace({ epoch, port, endsAtMs })
    }
  }

  private retiredPorts(): readonly number[] {
    const { ports, untilEpoch } = this.state.retired
    return this.epoch <= untilEpoch ? ports : []
  }

  private draw(ports: ReadonlyMap<number, number>, epoch: number): number {
    const { firstPort, lastPort } = this.state.options
    const drawn = this.drawBut(this.retiredPorts(), ports, epoch) ?? this.drawBut([], ports, epoch)
    return drawn ?? firstPort + uniform(lastPort - firstPort + 1, this.random)
  }

  /** A small range gives way step by step: better an early return than no port. */
  private drawBut(
    avoided: readonly number[],
    ports: ReadonlyMap<number, number>,
    epoch: number,
  ): number | null {
    const { firstPort, lastPort } = this.state.options
    for (let apart = APART; apart >= 0; apart--) {
      const taken = near(ports, epoch, apart)
      for (const port of avoided) taken.add(port)
      const own = ports.get(epoch)
      if (own !== undefined) taken.add(own)
      for (const port of this.state.used.slice(APART - apart)) taken.add(port)
      for (const { port } of this.state.sockets) taken.add(port)
      const free: number = lastPort - firstPort + 1 - countWithin(taken, firstPort, lastPort)
      if (free <= 0) continue
      let port = firstPort + uniform(free, this.random)
      for (const other of [...taken].sort((a, b) => a - b)) {
        if (other >= firstPort && other <= port) port++
      }
      return port
    }
    return null
  }

  private planOf(epoch: number): PlannedEpoch | undefined {
    return this.state.planned.find((entry) => entry.epoch === epoch)
  }

  private isBound(port: number): boolean {
    return this.state.sockets.some((socket) => socket.port === port && socket.bound)
  }

  /** While a change of the current port is under way, that one serves. */
  private rotate(): void {
    const current = this.planOf(this.epoch)
    const { active } = this.state
    if (active?.epoch === this.epoch && active.port === current?.port) this.redraw(this.epoch)
  }

  private bound(port: number): void {
    const sockets = this.state.sockets.map((socket) =>
      socket.port === port ? { ...socket, bound: true } : socket,
    )
    this.set({ sockets, failures: 0, retryAtMs: null })
  }

  private bindFailed(port: number): void {
    const failed = this.state.sockets.find((socket) => socket.port === port && !socket.bound)
    if (!failed) return
    const failures = this.state.failures + 1
    const pause = failures % FAILURES_BEFORE_PAUSE === 0
    this.set({
      graces: this.state.graces.filter((grace) => grace.port !== port),
      failures,
      retryAtMs: pause ? this.nowMs + PAUSE_MS : this.state.retryAtMs,
    })
    // The failed socket still counts as open here, so that the draw avoids its port.
    for (const epoch of [this.epoch, this.epoch + 1]) {
      if (this.planOf(epoch)?.port === port) this.redraw(epoch)
    }
    this.set({ sockets: this.state.sockets.filter((socket) => socket !== failed) })
  }

  private endGraces(): void {
    // A clock that went back must not lengthen a grace.
    const latest = this.nowMs + this.state.options.graceMs
    const graces = this.state.graces
      .map((grace) => ({ ...grace, endsAtMs: Math.min(grace.endsAtMs, latest) }))
      .filter((grace) => grace.endsAtMs > this.nowMs)
    this.set({ graces })
  }

  private switchIfBound(): void {
    const current = this.planOf(this.epoch)
    const { active, options } = this.state
    if (!current || !this.isBound(current.port)) return
    if (active?.port === current.port && active.epoch === current.epoch) return
    this.set({
      active: current,
      used: [...this.state.used.filter((port) => port !== current.port), current.port].slice(
        -APART,
      ),
      graces: this.state.graces.filter((grace) => grace.port !== current.port),
    })
    this.effects.push({ type: 'publish' })
    if (!active || active.port === current.port) return
    const switchAtMs = active.epoch < this.epoch ? (active.epoch + 1) * options.intervalMs : null
    const graceEndsAtMs = (switchAtMs ?? this.nowMs) + options.graceMs
    if (graceEndsAtMs > this.nowMs) this.addGrace({ ...active, endsAtMs: graceEndsAtMs })
    this.effects.push({
      type: 'rotated',
      port: current.port,
      epoch: current.epoch,
      previousPort: active.port,
      graceEndsAtMs,
    })
  }

  private addGrace(grace: Grace): void {
    const graces = [...this.state.graces, grace].sort((a, b) => a.endsAtMs - b.endsAtMs)
    this.set({ graces: graces.slice(-MAX_GRACES) })
  }

  private nextIfDue(): PlannedEpoch | undefined {
    const { options, noticedEpoch } = this.state
    const switchAtMs = (this.epoch + 1) * options.intervalMs
    const due = this.nowMs >= switchAtMs - options.noticeMs || noticedEpoch === this.epoch + 1
    return due ? this.planOf(this.epoch + 1) : undefined
  }

  private noticeIfBound(): void {
    const next = this.nextIfDue()
    if (!next || this.state.noticedEpoch === next.epoch || !this.isBound(next.port)) return
    this.set({ noticedEpoch: next.epoch })
    const atMs = next.epoch * this.state.options.intervalMs
    this.effects.push({ type: 'save', planned: this.state.planned }, { type: 'publish' })
    this.effects.push({ type: 'notice', epoch: next.epoch, port: next.port, atMs })
  }

  /** The most needed first; each port once. */
  private wanted(): PlannedEpoch[] {
    const { active, graces } = this.state
    const all = [this.planOf(this.epoch), active, this.nextIfDue(), ...graces]
    const ports = new Map<number, PlannedEpoch>()
    for (const entry of all) if (entry && !ports.has(entry.port)) ports.set(entry.port, entry)
    return [...ports.values()]
  }

  private closeUnwanted(): void {
    const wanted = new Set(this.wanted().map(({ port }) => port))
    // A bind that is unanswered cannot be closed yet: its answer comes back here.
    const kept = this.state.sockets.filter((socket) => wanted.has(socket.port) || !socket.bound)
    for (const socket of this.state.sockets) {
      if (kept.includes(socket)) continue
      this.effects.push({ type: 'close', port: socket.port, epoch: socket.epoch })
    }
    this.set({ sockets: kept })
  }

  private bindWanted(): void {
    const { retryAtMs } = this.state
    // A clock that went back must not lengthen the pause.
    if (retryAtMs !== null && retryAtMs > this.nowMs && retryAtMs <= this.nowMs + PAUSE_MS) return
    this.set({ retryAtMs: null })
    for (const { epoch, port } of this.wanted()) {
      const { sockets } = this.state
      if (sockets.some((socket) => socket.port === port) || sockets.length >= MAX_SOCKETS) continue
      this.set({ sockets: [...sockets, { epoch, port, bound: false }] })
      this.effects.push({ type: 'bind', port })
    }
  }
}

/** Ports planned at most `apart` epochs away from `epoch`, without its own. */
function near(ports: ReadonlyMap<number, number>, epoch: number, apart = APART): Set<number> {
  const found = new Set<number>()
  for (let away = 1; away <= apart; away++) {
    for (const port of [ports.get(epoch - away), ports.get(epoch + away)]) {
      if (port !== undefined) found.add(port)
    }
  }
  return found
}

function countWithin(ports: ReadonlySet<number>, first: number, last: number): number {
  let count = 0
  for (const port of ports) if (port >= first && port <= last) count++
  return count
}

/** 0..count−1, without the bias of a bare remainder. */
function uniform(count: number, random: RandomBytes): number {
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % count)
  for (;;) {
    const bytes = random(4)
    const value = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)
    if (value < limit) return value % count
  }
}
