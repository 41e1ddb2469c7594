// One target for some time: executions that repeat for a seed, and each broken promise once, as small as it gets.
import { setImmediate } from 'node:timers/promises'
import { toHex } from '../../shared/bytes.ts'
import { failureOf, minimise, signatureOf } from './minimise.ts'
import { inputOf } from './mutate.ts'
import type { Target } from './target.ts'

export interface Finding {
  readonly target: string
  readonly seed: number
  readonly execution: number
  /** name, message and where */
  readonly error: string
  /** hex, minimised */
  readonly input: string
}

export interface Tally {
  readonly target: string
  readonly executions: number
  readonly perSecond: number
  readonly findings: readonly Finding[]
}

export interface FuzzOptions {
  readonly corpus: readonly Uint8Array[]
  readonly seed: number
  readonly ms: number
  /** the first `maxExecutions` only */
  readonly maxExecutions?: number
  /** before each execution */
  readonly onExecution?: (execution: number) => void
}

const SLOW_MS = 2000
const TURN_MS = 50
/** A target that breaks everywhere has been understood after a few. */
const ENOUGH = 5

/** Rejections and exceptions that nobody caught; they belong to an execution since the last turn of the event loop. */
class Strays {
  readonly #caught: unknown[] = []
  readonly #onStray = (error: unknown): void => void this.#caught.push(error)

  constructor() {
    process.on('unhandledRejection', this.#onStray)
    process.on('uncaughtException', this.#onStray)
  }

  async take(): Promise<unknown> {
    await setImmediate()
    return this.#caught.splice(0)[0] ?? null
  }

  close(): void {
    process.off('unhandledRejection', this.#onStray)
    process.off('uncaughtException', this.#onStray)
  }
}

const describe = (error: unknown): string => {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return stack.split('\n').slice(0, 6).join('\n')
}

/** The error of an execution that takes too long each of three times; a busy machine is slow once. */
async function tooSlow(target: Target, input: Uint8Array): Promise<Error | null> {
  for (let tries = 0; tries < 2; tries++) {
    const startedMs = performance.now()
    await failureOf(target, input)
    if (performance.now() - startedMs < SLOW_MS) return null
  }
  return new Error(`broken promise: an execution takes less than ${SLOW_MS} ms`)
}

class Run {
  readonly found = new Map<string, Finding>()
  readonly #target: Target
  readonly #options: FuzzOptions
  readonly #strays = new Strays()

  constructor(target: Target, options: FuzzOptions) {
    this.#target = target
    this.#options = options
  }

  input(execution: number): Uint8Array {
    const { seed, corpus } = this.#options
    return inputOf(seed, execution, corpus, this.#target.maxBytes)
  }

  async execute(execution: number): Promise<void> {
    this.#options.onExecution?.(execution)
    const input = this.input(execution)
    const startedMs = performance.now()
    let error: unknown = null
    try {
      // Synchronous targets are not worth a turn of the microtask queue.
      const running = this.#target.run(input.slice())
      if (running !== undefined) await running
    } catch (thrown) {
      error = thrown
    }
    if (error === null && performance.now() - startedMs < SLOW_MS) return
    error ??= await tooSlow(this.#target, input)
    if (error !== null) await this.#note(execution, error, true)
  }

  /** Which of these executions leaves something uncaught behind. */
  async lookForStrays(first: number, last: number): Promise<void> {
    if ((await this.#strays.take()) === null) return
    for (let execution = first; execution <= last; execution++) {
      await failureOf(this.#target, this.input(execution))
      const stray = await this.#strays.take()
      if (stray !== null) return this.#note(execution, stray, false)
    }
  }

  async #note(execution: number, error: unknown, repeats: boolean): Promise<void> {
    const signature = signatureOf(error)
    if (this.found.has(signature)) return
    const input = this.input(execution)
    const smaller = repeats ? await minimise(this.#target, input, signature) : input
    const { name } = this.#target
    const { seed } = this.#options
    const finding = { target: name, seed, execution, input: toHex(smaller) }
    this.found.set(signature, { ...finding, error: describe(error) })
  }

  close(): void {
    this.#strays.close()
  }
}

export async function fuzz(target: Target, options: FuzzOptions): Promise<Tally> {
  const run = new Run(target, options)
  const most = options.maxExecutions ?? Number.POSITIVE_INFINITY
  const startedMs = performance.now()
  const endMs = startedMs + options.ms
  let execution = 0
  let turned = 0
  let turnedMs = startedMs
  try {
    for (let nowMs = startedMs; nowMs < endMs && execution < most; nowMs = performance.now()) {
      await run.execute(execution++)
      if (run.found.size >= ENOUGH) break
      if (nowMs - turnedMs < TURN_MS) continue
      await run.lookForStrays(turned, execution - 1)
      turned = execution
      turnedMs = nowMs
    }
    await run.lookForStrays(turned, execution - 1)
  } finally {
    run.close()
  }
  const perSecond = Math.round((execution * 1000) / (performance.now() - startedMs))
  return {
    target: target.name,
    executions: execution,
    perSecond,
    findings: [...run.found.values()],
  }
}
