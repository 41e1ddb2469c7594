// What comes faster than it can be kept: whatever has come meanwhile is kept together, in order, one batch after the other.

/** so that none takes long, and what is done shows */
const MOST = 64

export class Batches<T> {
  readonly #handle: (batch: readonly T[]) => Promise<void>
  #waiting: T[] = []
  #running: Promise<void> | null = null
  #failed = false

  /** `handle`: 1 to 64 at a time; once it rejects, nothing more is handled */
  constructor(handle: (batch: readonly T[]) => Promise<void>) {
    this.#handle = handle
  }

  /** not begun yet */
  get waiting(): number {
    return this.#waiting.length
  }

  put(item: T): void {
    if (this.#failed) return
    this.#waiting.push(item)
    this.#running ??= this.#run()
  }

  /** Resolves once all that was put before is handled, or lost with the failure. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#handle(this.#waiting.splice(0, MOST))
    } catch {
      this.#failed = true
      this.#waiting = []
    }
    this.#running = null
  }
}
