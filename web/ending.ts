// Messages whose time is over go from this device too (SPEC §7.10), whether its host is there or not: by the host's time, as
// far as it is known.
import { isOver } from '../shared/lifetime.ts'
import { believed, type Steady, steadyMs, stepSteady } from '../shared/steady.ts'
import { goneOf } from './gone.ts'
import type { Keep, StoredMessage } from './keep.ts'
import type { Own } from './own.ts'

/** How often it is looked whether something is over. */
const LOOK_MS = 30_000
/** Another difference of the clocks than this is written down. */
const NOTED_MS = 1000

export interface EndingPorts {
  readonly keep: Pick<Keep, 'end'>
  readonly own: Own
  /** unix ms */
  readonly now: () => number
  /** ms that never go back */
  readonly clock: () => number
  /** messages as they were */
  readonly onEnded: (messages: readonly StoredMessage[]) => void
}

export class Ending {
  readonly #ports: EndingPorts
  /** the host's */
  #clock: Steady | null = null
  /** by how much this device's clock was ahead of the host's in the last M2 of this run */
  #aheadMs: number | null = null
  #lookedMs = Number.NEGATIVE_INFINITY
  #looking: Promise<void> = Promise.resolve()

  constructor(ports: EndingPorts) {
    this.#ports = ports
  }

  /** By the last M2; before the first one of this run by that of an earlier one. */
  get #ahead(): number {
    return this.#aheadMs ?? this.#ports.own.profile?.aheadMs ?? 0
  }

  /** The host's time, not later than it is. */
  nowMs(): number {
    const { now, clock } = this.#ports
    const reading = { wallMs: now() - this.#ahead, monoMs: clock() }
    this.#clock = stepSteady(this.#clock ?? believed(reading), reading)
    return steadyMs(this.#clock, reading.monoMs)
  }

  /** A carrier has taken over: what time the host said it is. */
  async heard(hostMs: number): Promise<void> {
    const { now, clock, own } = this.#ports
    this.#aheadMs = now() - hostMs
    this.#clock = believed({ wallMs: hostMs, monoMs: clock() })
    if (Math.abs(own.must().aheadMs - this.#aheadMs) > NOTED_MS)
      await own.update({ aheadMs: this.#aheadMs })
  }

  /** A message that comes from the host, or what is left of it: the clocks agree only so far. */
  asOf<T extends StoredMessage>(message: T): T | StoredMessage {
    const keepMs = this.#ports.own.profile?.keepMs ?? 0
    const over = message.seq !== null && isOver(message, keepMs, this.nowMs())
    return over ? goneOf(message) : message
  }

  /** Called often; looks now and then. */
  beat(): void {
    if (this.#ports.clock() - this.#lookedMs >= LOOK_MS) void this.look().catch(() => undefined)
  }

  /** Deletes what is over. */
  look(): Promise<void> {
    this.#lookedMs = this.#ports.clock()
    const done = this.#looking.then(() => this.#look())
    this.#looking = done.catch(() => undefined)
    return done
  }

  async #look(): Promise<void> {
    const { keep, own, onEnded } = this.#ports
    if (own.profile?.deviceId == null) return
    const { keepMs } = own.profile
    for (;;) {
      const ended = await keep.end(this.nowMs(), keepMs)
      if (ended.length === 0) return
      onEnded(ended)
    }
  }
}
