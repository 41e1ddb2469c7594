// Wakes a machine at a moment of the host's clock, by node-schedule: one job at a time, the newest wish wins.
import { type Job, scheduleJob } from 'node-schedule'

/** node-schedule drops dates that have passed; those are due at once. */
const SOON_MS = 5

export class Wake {
  readonly #run: () => void
  /** added to the system's clock by the host */
  readonly #offsetMs: number
  #job: Job | null = null
  #soon: NodeJS.Timeout | null = null

  constructor(run: () => void, offsetMs: number) {
    this.#run = run
    this.#offsetMs = offsetMs
  }

  /** Replaces the pending wake-up; null for none. `atMs` is in the host's clock. */
  at(atMs: number | null): void {
    this.stop()
    if (atMs === null) return
    const systemMs = atMs - this.#offsetMs
    if (systemMs - Date.now() > SOON_MS) {
      this.#job = scheduleJob(new Date(systemMs), this.#run)
    }
    if (this.#job === null) this.#soon = setTimeout(this.#run, SOON_MS)
  }

  stop(): void {
    this.#job?.cancel()
    this.#job = null
    if (this.#soon !== null) clearTimeout(this.#soon)
    this.#soon = null
  }
}

/** Resolves when the promise has settled in whatever way, or when its time is up. */
export async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise.catch(() => undefined), late])
  clearTimeout(timer)
}
