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
  /** false once a later dial has begun: its steps are shown then */
  readonly isShown?: () => boolean
}

export class Steps {
  readonly #ports: StepsPorts

  constructor(ports: StepsPorts) {
    this.#ports = ports
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
      if (this.#ports.isShown?.() !== false) this.tell(name, facts(result))
      return result
    } catch (error) {
      this.#note(name, { status: 'failed', ms: ms(), code: codeOf(error) })
      throw error
    }
  }

  /** What is found out on the way, or later of one that is done, of whichever dial it was; beside what was known. */
  tell(name: StepName, facts: Step['facts']): void {
    const known = this.#ports.box.value.connection.steps.find((step) => step.name === name)?.facts
    this.#change(name, { facts: { ...known, ...facts } })
  }

  #note(name: StepName, change: Partial<Step>): void {
    if (this.#ports.isShown?.() !== false) this.#change(name, change)
  }

  #change(name: StepName, change: Partial<Step>): void {
    const { box } = this.#ports
    const steps = box.value.connection.steps.map((step) =>
      step.name === name ? { ...step, ...change } : step,
    )
    box.connection({ steps })
  }
}
