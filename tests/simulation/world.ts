// Virtual time and seeded chance: everything in a simulation happens in one order that its seed decides.

/** xoshiro128** (Blackman, Vigna): small, and the same everywhere. */
export class Chance {
  readonly #state: Uint32Array

  constructor(seed: number) {
    // splitmix32 fills the state, so that seeds next to each other have nothing in common.
    let at = seed >>> 0
    this.#state = Uint32Array.from({ length: 4 }, () => {
      at = (at + 0x9e3779b9) >>> 0
      let z = at
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      return (z ^ (z >>> 15)) >>> 0
    })
  }

  #next(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state
    const rotl = (x: number, k: number): number => ((x << k) | (x >>> (32 - k))) >>> 0
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0
    const e = c ^ a
    const f = d ^ b
    this.#state.set([a ^ f, b ^ e, e ^ (b << 9), rotl(f, 11)])
    return result
  }

  /** 0 ≤ x < 1 */
  unit(): number {
    return this.#next() / 2 ** 32
  }
  /** `low` ≤ n ≤ `high` */
  between(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1))
  }
  chance(probability: number): boolean {
    return this.unit() < probability
  }
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.between(0, items.length - 1)]
  }
  readonly bytes = (length: number): Uint8Array => {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i++) out[i] = this.#next() >>> 24
    return out
  }
}

interface Task {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class World {
  nowMs: number
  #failure: unknown = null
  #order = 0
  readonly #tasks: Task[] = []

  constructor(startMs: number) {
    this.nowMs = startMs
  }

  /** @returns a function that calls it off */
  after(ms: number, run: () => void): () => void {
    const task = { atMs: this.nowMs + Math.max(0, Math.ceil(ms)), order: this.#order++, run }
    this.#push(task)
    return () => {
      const at = this.#tasks.indexOf(task)
      if (at >= 0) this.#removeAt(at)
    }
  }

  /** What must never happen has happened: `run` throws it, whoever would have caught it otherwise. */
  readonly fail = (error: unknown): void => {
    this.#failure ??= error
  }

  /** How many things still wait to happen. */
  get waiting(): number {
    return this.#tasks.length
  }

  /** Lets time pass until `untilMs`, or until `done` says so. @returns whether `done` did */
  async run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    await settle()
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      if (done()) return true
      const [next] = this.#tasks
      if (next === undefined || next.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs)
        return false
      }
      this.#removeAt(0)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.run()
      await settle()
    }
  }

  // A binary heap by time, then by order of asking.
  #push(task: Task): void {
    this.#tasks.push(task)
    this.#up(this.#tasks.length - 1)
  }

  #removeAt(at: number): void {
    const last = this.#tasks.pop()
    if (last === undefined || at === this.#tasks.length) return
    this.#tasks[at] = last
    this.#up(at)
    this.#down(at)
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#tasks[a] as Task, this.#tasks[b] as Task]
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order)
  }

  #swap(a: number, b: number): void {
    const held = this.#tasks[a] as Task
    this.#tasks[a] = this.#tasks[b] as Task
    this.#tasks[b] = held
  }

  #up(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#before(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(from: number): void {
    for (let at = from; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#tasks.length && this.#before(child, least)) least = child
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }
}

/** All promises that can settle have settled: nothing in a simulation waits for anything but virtual time. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
