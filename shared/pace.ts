// How fast one client's messages may pass a relay (SPEC §4.4): a bucket that both ends keep, so that the worker in between
// never has to refuse. Time comes in.
import { RELAY_BURST, RELAY_PER_SECOND } from './constants.ts'

export class Pace {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor(nowMs: number, perSecond = RELAY_PER_SECOND, burst = RELAY_BURST) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#atMs = nowMs
  }

  /** Takes one message's leave. @returns 0, or how many ms are missing; then nothing was taken */
  take(nowMs: number): number {
    const passed = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#burst, this.#tokens + passed * this.#perMs)
    this.#atMs = nowMs
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.#perMs)
    this.#tokens -= 1
    return 0
  }
}

export interface PacedPorts<T> {
  readonly send: (item: T) => void
  /** ms that never go back */
  readonly now: () => number
  /** calls back in so many ms. @returns a function that takes that back */
  readonly after: (ms: number, run: () => void) => () => void
}

/** What waits for its turn, in order. */
export class PacedQueue<T> {
  readonly #pace: Pace
  readonly #ports: PacedPorts<T>
  readonly #waiting: T[] = []
  readonly #onDrained: (() => void)[] = []
  #cancel: (() => void) | null = null
  #ended = false

  /** `pace`: that of a relay, unless another one is given */
  constructor(ports: PacedPorts<T>, pace = new Pace(ports.now())) {
    this.#ports = ports
    this.#pace = pace
  }

  get waiting(): number {
    return this.#waiting.length
  }

  push(item: T): void {
    if (this.#ended) return
    this.#waiting.push(item)
    if (this.#cancel === null) this.#run()
  }

  /** Resolves once nothing waits, or it has ended. */
  drained(): Promise<void> {
    if (this.#ended || this.#waiting.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onDrained.push(resolve))
  }

  end(): void {
    this.#ended = true
    this.#waiting.length = 0
    this.#cancel?.()
    this.#cancel = null
    this.#tell()
  }

  #run(): void {
    this.#cancel = null
    while (this.#waiting.length > 0) {
      const waitMs = this.#pace.take(this.#ports.now())
      if (waitMs > 0) {
        this.#cancel = this.#ports.after(waitMs, () => this.#run())
        return
      }
      this.#ports.send(this.#waiting.shift() as T)
    }
    this.#tell()
  }

  #tell(): void {
    for (const resolve of this.#onDrained.splice(0)) resolve()
  }
}
