// Questions to the host whose answers are shown at once and kept nowhere (SPEC §7.5, §7.6). Knows no carrier: what was not
// answered goes out again on the next one, and each tab waits for its own answers only.
import { ClawError } from '../shared/error.ts'
import type { Lookup, LookupAnswer } from '../shared/lookups.ts'
import type { Runtime } from './runtime.ts'

const ANSWER_MS = 15_000

interface Answers {
  readonly search: Extract<LookupAnswer, { type: 'found' }>
  readonly locate: Extract<LookupAnswer, { type: 'located' }>
  readonly versions: Extract<LookupAnswer, { type: 'earlier' }>
  readonly picture: Extract<LookupAnswer, { type: 'pictured' }>
}
type Unasked<T> = T extends Lookup ? Omit<T, 'token'> : never
export type Question = Unasked<Lookup>

export interface LookupPorts {
  readonly runtime: Pick<Runtime, 'after' | 'random'>
  /** on the carrier in use, or by the tab that has one; false without one */
  readonly send: (message: Lookup) => boolean
}

interface Waiting {
  readonly message: Lookup
  readonly resolve: (answer: LookupAnswer) => void
  readonly reject: (error: ClawError) => void
  readonly cancel: () => void
}

export class Lookups {
  readonly #ports: LookupPorts
  readonly #waiting = new Map<number, Waiting>()

  constructor(ports: LookupPorts) {
    this.#ports = ports
  }

  /** Rejects with ClawError: `no-answer`, `too-many`. */
  ask<Q extends Question>(question: Q): Promise<Answers[Q['type']]> {
    const { runtime, send } = this.#ports
    const token = new DataView(runtime.random(4).buffer).getUint32(0)
    const message = { ...question, token } as unknown as Lookup
    const asked = new Promise<LookupAnswer>((resolve, reject) => {
      const cancel = runtime.after(ANSWER_MS, () => this.#end(token)?.reject(noAnswer()))
      this.#waiting.set(token, { message, resolve, reject, cancel })
    })
    if (!send(message)) this.#end(token)?.reject(noAnswer())
    return asked as Promise<Answers[Q['type']]>
  }

  /** A fresh carrier: what was asked on the one before may be lost. */
  again(): void {
    for (const { message } of this.#waiting.values()) this.#ports.send(message)
  }

  /** @returns whether it was asked here, and not too long ago */
  answered(answer: LookupAnswer): boolean {
    const waiting = this.#end(answer.token)
    if (answer.code === null) waiting?.resolve(answer)
    else waiting?.reject(new ClawError(answer.code))
    return waiting !== undefined
  }

  #end(token: number): Waiting | undefined {
    const waiting = this.#waiting.get(token)
    this.#waiting.delete(token)
    waiting?.cancel()
    return waiting
  }
}

const noAnswer = (): ClawError => new ClawError('no-answer')
