// The one value that the views show, and how it changes: painted once per tick, whatever happened in it.
import type { AppState, Connection } from './model.ts'
import { HOST_ROOM } from './roster.ts'
import { idleSteps } from './steps.ts'

const BLANK: AppState = {
  phase: 'starting',
  hostName: '',
  keepMs: 0,
  endings: 0,
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
  transfers: [],
  hasOlder: false,
  hasNewer: false,
  target: null,
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
  readonly #onChange: () => void
  readonly #listeners = new Set<(state: AppState) => void>()
  #painting = false

  /** `onChange` is called on every change, before it is painted. */
  constructor(onChange: () => void = () => undefined) {
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
}
