// The one value that the views show, and how it changes: painted once per tick, whatever happened in it.
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type { AppState, Connection, Step, StepName } from './model.ts'
import { HOST_ROOM } from './roster.ts'

const STEPS: readonly StepName[] = [
  ...(['record', 'verify', 'direct', 'handshake', 'mailbox', 'relay', 'sync'] as const),
]

export const idleSteps = (): Step[] =>
  STEPS.map((name) => ({ name, status: 'waiting', ms: null, code: null, facts: {} }))

export const codeOf = (error: unknown): ClawErrorCode =>
  error instanceof ClawError ? error.code : 'internal'

const BLANK: AppState = {
  phase: 'starting',
  hostName: '',
  room: HOST_ROOM,
  roomName: '',
  rooms: [],
  typing: [],
  readUpTo: 0,
  newAfter: 0,
  receipts: true,
  otherChat: null,
  me: null,
  members: [],
  devices: [],
  invites: [],
  asked: null,
  messages: [],
  hasOlder: false,
  loadingOlder: false,
  connection: {
    state: 'connecting',
    route: null,
    epoch: null,
    latencyMs: null,
    steps: idleSteps(),
  },
  security: null,
  error: null,
  clock: null,
  handover: null,
}

export class StateBox {
  value: AppState = BLANK
  readonly #clock: () => number
  readonly #onChange: () => void
  readonly #listeners = new Set<(state: AppState) => void>()
  #painting = false

  /** `clock`: milliseconds that never go back; `onChange` is called on every change, before it is painted. */
  constructor(clock: () => number, onChange: () => void = () => undefined) {
    this.#clock = clock
    this.#onChange = onChange
  }

  subscribe(listener: (state: AppState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(change: Partial<AppState>): void {
    this.value = { ...this.value, ...change }
    this.#onChange()
    if (this.#painting) return
    this.#painting = true
    queueMicrotask(() => {
      this.#painting = false
      for (const listener of this.#listeners) listener(this.value)
    })
  }

  connection(change: Partial<Connection>): void {
    this.set({ connection: { ...this.value.connection, ...change } })
  }

  /** A step that was not needed. */
  skip(name: StepName): void {
    const steps = this.value.connection.steps.map((step) =>
      step.name === name ? { ...step, status: 'skipped' as const, ms: null, code: null } : step,
    )
    this.connection({ steps })
  }

  /** Runs one step of "Connection details" and notes how long it took and how it ended. */
  async step<T>(
    name: StepName,
    run: () => Promise<T>,
    facts: (result: T) => Step['facts'] = () => ({}),
  ): Promise<T> {
    const startMs = this.#clock()
    const note = (change: Partial<Step>): void => {
      const ms = Math.round(this.#clock() - startMs)
      const steps = this.value.connection.steps.map((step) =>
        step.name === name ? { ...step, ms, ...change } : step,
      )
      this.connection({ steps })
    }
    note({ status: 'running', ms: null, code: null })
    try {
      const result = await run()
      note({ status: 'done', facts: facts(result) })
      return result
    } catch (error) {
      note({ status: 'failed', code: codeOf(error) })
      throw error
    }
  }
}
