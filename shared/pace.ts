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
