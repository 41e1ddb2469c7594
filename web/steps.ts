// The steps of one dial, as "Connection details" shows them.
import { codeOf } from '../shared/error.ts'
import type { Connection, Step, StepName } from './model.ts'

const STEPS: readonly StepName[] = [
  ...(['record', 'verify', 'direct', 'handshake', 'mailbox', 'relay', 'sync'] as const),
]

export const idleSteps = (): Step[] =>
  STEPS.map((name) => ({ name, status: 'waiting', ms: null, code: null, facts: {} }))

/** Whether a TURN server passes the packets of the route `mailbox` on (path.ts). */
export const isByTurn = ({ route, steps }: Pick<Connection, 'route' | 'steps'>): boolean =>
  route === 'mailbox' && steps.some(({ name, facts }) => name === 'mailbox' && facts.turn === 1)

export interface StepsPorts {
  readonly box: {
    readonly value: { readonly connection: Connection }
    connection(change: Partial<Connection>): void
  }
  /** ms that never go back */
  readonly clock: () => number
  /** false once a later dial has begun, or this one has lost its purpose */
  readonly isShown?: () => boolean
}

export class Steps {
  readonly #ports: StepsPorts
  /** also what was not shown */
  #own: readonly Step[] = idleSteps()

  constructor(ports: StepsPorts) {
    this.#ports = ports
  }

  /** Of several dials this one came through. */
  show(): void {
    this.#ports.box.connection({ steps: this.#own })
  }

  /** One that was not needed. */
  skip(name: StepName): void {
    this.#note(name, { status: 'skipped', ms: null, code: null })
  }

  /** Runs one step, and notes how long it took and how it ended. */
  async run<T>(
    name: StepName,
    work: () => Promise<T>,
    facts: (result: T) => Step['facts'] = () => ({}),
  ): Promise<T> {
    const startMs = this.#ports.clock()
    const ms = (): number => Math.round(this.#ports.clock() - startMs)
    this.#note(name, { status: 'running', ms: null, code: null, facts: {} })
    try {
      const result = await work()
      this.#note(name, { status: 'done', ms: ms() })
      this.#note(name, { facts: { ...this.#factsOf(name), ...facts(result) } })
      return result
    } catch (error) {
      this.#note(name, { status: 'failed', ms: ms(), code: codeOf(error) })
      throw error
    }
  }

  /** What is found out on the way, or later of one that is done, of whichever dial it was; beside what was known. */
  tell(name: StepName, facts: Step['facts']): void {
    this.#own = changed(this.#own, name, { facts: { ...this.#factsOf(name), ...facts } })
    const { box } = this.#ports
    const { steps } = box.value.connection
    const known = steps.find((step) => step.name === name)?.facts
    box.connection({ steps: changed(steps, name, { facts: { ...known, ...facts } }) })
  }

  #factsOf(name: StepName): Step['facts'] {
    return this.#own.find((step) => step.name === name)?.facts ?? {}
  }

  #note(name: StepName, change: Partial<Step>): void {
    this.#own = changed(this.#own, name, change)
    const { box, isShown } = this.#ports
    if (isShown?.() !== false)
      box.connection({ steps: changed(box.value.connection.steps, name, change) })
  }
}

const changed = (steps: readonly Step[], name: StepName, change: Partial<Step>): Step[] =>
  steps.map((step) => (step.name === name ? { ...step, ...change } : step))
