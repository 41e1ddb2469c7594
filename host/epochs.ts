// Drives the rotation machine (host/rotation.ts): sockets, certificates, the database and the clock around it.
import { SCHEDULE_EPOCHS } from '../shared/constants.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { PortPeriod } from '../shared/overview.ts'
import type { ScheduleEntry } from '../shared/record.ts'
import type { HostEvent, RotateResult } from './config.ts'
import type { EpochTable, StoredEpoch } from './database.ts'
import {
  boundPorts,
  createRotation,
  currentPort,
  type PlannedEpoch,
  pendingNotice,
  plannedSchedule,
  type RotationEffect,
  type RotationInput,
  type RotationOptions,
  stepRotation,
} from './rotation.ts'
import { type Certificate, makeCertificate } from './rtc.ts'
import { Wake } from './wake.ts'

/** Certificates outlive their epoch by the knock's window (SPEC §4). */
const KEEP_EPOCHS = 3

export type EpochEvent = Extract<RotationEffect, { type: 'notice' | 'rotated' | 'close' }>

export interface EpochsInput {
  readonly options: RotationOptions
  readonly table: EpochTable
  readonly random: RandomBytes
  readonly now: () => number
  readonly clockOffsetMs: number
  readonly open: (port: number) => Promise<void>
  readonly close: (port: number) => void
  readonly publish: () => void
  readonly onEvent: (event: EpochEvent) => void
}

export class Epochs {
  readonly #input: EpochsInput
  readonly #wake: Wake
  readonly #certificates = new Map<number, Certificate>()
  #state
  #work: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(input: EpochsInput) {
    this.#input = input
    this.#state = createRotation(input.options)
    this.#wake = new Wake(() => void this.#feed('wake'), input.clockOffsetMs)
  }

  /** Resolves once the current port is bound and every epoch of the schedule has its certificate. */
  async start(): Promise<void> {
    const { table, options, now } = this.#input
    // Another interval numbers its epochs differently: nothing of the old plan would fit.
    const current = Math.floor(now() / options.intervalMs)
    const stored = table.all().filter(({ epoch }) => Math.abs(epoch - current) <= 64)
    for (const entry of stored) this.#certificates.set(entry.epoch, entry)
    const planned = stored.map(({ epoch, port }) => ({ epoch, port }))
    await this.#step({ type: 'start', nowMs: now(), random: this.#input.random, planned })
  }

  stop(): void {
    this.#stopped = true
    this.#wake.stop()
  }

  get current(): PlannedEpoch {
    return currentPort(this.#state)
  }

  /** Ports around now, oldest first; of those to come the epoch alone. */
  get around(): PortPeriod[] {
    const { epoch: now } = this.current
    const known = this.#input.table
      .all()
      .filter(({ epoch }) => Math.abs(epoch - now) <= KEEP_EPOCHS)
      .map(({ epoch, port }) => ({ epoch, port: epoch > now ? 0 : port }))
    return known.map((period) => (period.epoch === now ? this.current : period))
  }

  /** For the router, as {@link boundPorts}. */
  get bound(): ReturnType<typeof boundPorts> {
    return boundPorts(this.#state)
  }

  /** When the next epoch begins, in ms. */
  get nextAtMs(): number {
    return (this.current.epoch + 1) * this.#input.options.intervalMs
  }

  /** NOTICE of a switch that was announced before (SPEC §4.3), or null. */
  get notice(): Extract<ClawMessage, { type: 'notice' }> | null {
    const { now, options } = this.#input
    const pending = pendingNotice(this.#state, now())
    return pending && { type: 'notice', ...pending, intervalMs: options.intervalMs }
  }

  certificate(epoch: number): Certificate | null {
    return this.#certificates.get(epoch) ?? null
  }

  /** For the record (SPEC §3.1). */
  schedule(): { firstEpoch: number; entries: ScheduleEntry[] } {
    const planned = plannedSchedule(this.#state)
    const entries = planned.map(({ epoch, port }) => {
      const certificate = this.#certificates.get(epoch)
      if (certificate === undefined) throw new Error('bug: an epoch without a certificate')
      return { port, fingerprint: certificate.fingerprint }
    })
    return { firstEpoch: planned[0]?.epoch ?? 0, entries }
  }

  /** Another port for the current epoch, now. */
  async rotate(): Promise<RotateResult> {
    const seen: EpochEvent[] = []
    this.#watchers.add(seen)
    try {
      await this.#feed('rotate')
    } finally {
      this.#watchers.delete(seen)
    }
    const rotated = seen.find((event) => event.type === 'rotated')
    if (rotated?.type !== 'rotated') throw new ClawError('port-taken')
    const { port, epoch, previousPort, graceEndsAtMs } = rotated
    return { port, epoch, previousPort, graceEndsAt: new Date(graceEndsAtMs).toISOString() }
  }

  /**
   * Other ports and certificates for every epoch (SPEC §3.4). `commit` persists them, with what must be true together with
   * them; if it throws, nothing has changed. `committed` runs in the same turn. Resolves once the new port is bound or tried.
   */
  redraw(commit: (epochs: readonly StoredEpoch[]) => void, committed: () => void): Promise<void> {
    const done = this.#work.then(() => this.#redraw(commit, committed))
    this.#work = done.catch(() => undefined)
    return done
  }

  async #redraw(
    commit: (epochs: readonly StoredEpoch[]) => void,
    committed: () => void,
  ): Promise<void> {
    const { now, random } = this.#input
    const fresh: Certificate[] = []
    for (let i = 0; i < SCHEDULE_EPOCHS; i++) fresh.push(await makeCertificate())
    // It ends with the host, which has closed its database by now.
    if (this.#stopped) throw new ClawError('not-running')
    const step = stepRotation(this.#state, { type: 'redraw', nowMs: now(), random })
    const rows = plannedSchedule(step.state).map((planned, i): StoredEpoch => {
      const certificate = fresh[i]
      if (certificate === undefined) throw new Error('bug: more epochs than a schedule has')
      return { ...planned, ...certificate }
    })
    commit(rows)
    this.#certificates.clear()
    for (const row of rows) this.#certificates.set(row.epoch, row)
    this.#state = step.state
    this.#wake.at(step.wakeAtMs)
    committed()
    // Saved already, and an intermediate plan must not be.
    const effects = step.effects.filter(({ type }) => type !== 'save')
    for (const effect of effects) await this.#carryOut(effect)
  }

  readonly #watchers = new Set<EpochEvent[]>()

  #feed(type: 'wake' | 'rotate'): Promise<void> {
    return this.#step({ type, nowMs: this.#input.now(), random: this.#input.random })
  }

  /** One input after another: an effect's answer goes in before the next input does. */
  #step(input: RotationInput): Promise<void> {
    const done = this.#work.then(() => this.#run(input))
    this.#work = done.catch(() => undefined)
    return done
  }

  async #run(input: RotationInput): Promise<void> {
    if (this.#stopped) return
    const { state, effects, wakeAtMs } = stepRotation(this.#state, input)
    this.#state = state
    // Before the effects: the answer to one of them may ask for an earlier or later moment.
    this.#wake.at(wakeAtMs)
    await this.#ensureCertificates()
    for (const effect of effects) await this.#carryOut(effect)
  }

  async #carryOut(effect: RotationEffect): Promise<void> {
    const { open, close, publish, onEvent, now, random } = this.#input
    switch (effect.type) {
      case 'bind': {
        const type = await open(effect.port).then(
          () => 'bound' as const,
          () => 'bind-failed' as const,
        )
        return this.#run({ type, port: effect.port, nowMs: now(), random })
      }
      case 'save':
        this.#save(effect.planned)
        break
      case 'publish':
        publish()
        break
      case 'close':
        close(effect.port)
        this.#tell(effect, onEvent)
        break
      case 'notice':
      case 'rotated':
        this.#tell(effect, onEvent)
    }
  }

  #tell(event: EpochEvent, onEvent: (event: EpochEvent) => void): void {
    for (const watcher of this.#watchers) watcher.push(event)
    onEvent(event)
  }

  async #ensureCertificates(): Promise<void> {
    const missing = plannedSchedule(this.#state).filter(
      ({ epoch }) => !this.#certificates.has(epoch),
    )
    if (missing.length === 0) return
    for (const { epoch } of missing) this.#certificates.set(epoch, await makeCertificate())
    this.#save(plannedSchedule(this.#state))
  }

  #save(planned: readonly PlannedEpoch[]): void {
    const first = planned[0]?.epoch ?? 0
    const rows = planned.flatMap(({ epoch, port }): StoredEpoch[] => {
      const certificate = this.#certificates.get(epoch)
      return certificate === undefined ? [] : [{ epoch, port, ...certificate }]
    })
    this.#input.table.save(rows, first - KEEP_EPOCHS)
    for (const epoch of this.#certificates.keys()) {
      if (epoch < first - KEEP_EPOCHS) this.#certificates.delete(epoch)
    }
  }
}

/** For whoever watches the host. */
export function hostEvent(event: EpochEvent): HostEvent {
  switch (event.type) {
    case 'notice':
      return {
        event: 'notice',
        port: event.port,
        epoch: event.epoch,
        at: new Date(event.atMs).toISOString(),
      }
    case 'rotated':
      return {
        event: 'rotated',
        port: event.port,
        epoch: event.epoch,
        previousPort: event.previousPort,
        graceEndsAt: new Date(event.graceEndsAtMs).toISOString(),
      }
    case 'close':
      return { event: 'closed', port: event.port, epoch: event.epoch }
  }
}
