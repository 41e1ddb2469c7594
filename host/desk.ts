// Each request of a device is carried out once, however often it is sent, and not too many in a minute (SPEC §7.3).
// What comes of one is decided in requests.ts. Kept in memory only: an answer may hold a link.
import { SLOT_COUNT } from '../shared/constants.ts'
import type { Answer, Request } from '../shared/requests.ts'
import type { Asker } from './requests.ts'

/** Carried out at once, and how long until one more is. Each may publish, and stores of others have their limits. */
export const REQUEST_BURST = 20
export const REQUEST_EACH_MS = 6000
/** How long a request that is sent again gets the answer of before. */
export const ANSWER_KEPT_MS = 60_000

export interface DeskInput {
  /** a clock that is never set */
  readonly nowMs: () => number
  readonly carryOut: (asker: Asker, request: Request) => Promise<Answer>
}

interface Account {
  readonly answers: Map<number, { readonly answer: Promise<Answer>; readonly atMs: number }>
  /** may be carried out at `atMs`; not whole */
  left: number
  atMs: number
}

export class RequestDesk {
  readonly #input: DeskInput
  readonly #accounts = new Map<string, Account>()

  constructor(input: DeskInput) {
    this.#input = input
  }

  /** Rejects as `carryOut` does, and forgets the request then. */
  async answer(asker: Asker, token: number, request: Request): Promise<Answer> {
    const account = this.#account(asker.device)
    const earlier = account.answers.get(token)
    if (earlier !== undefined) return earlier.answer
    if (account.left < 1) return { kind: 'failed', code: 'too-many' }
    account.left -= 1
    const answer = this.#input.carryOut(asker, request)
    account.answers.set(token, { answer, atMs: account.atMs })
    answer.catch(() => account.answers.delete(token))
    return answer
  }

  /** As it stands now. Removed devices' make room for those of others. */
  #account(device: string): Account {
    const nowMs = this.#input.nowMs()
    const account = this.#accounts.get(device) ?? {
      answers: new Map(),
      left: REQUEST_BURST,
      atMs: nowMs,
    }
    this.#accounts.delete(device)
    this.#accounts.set(device, account)
    const [oldest = device] = this.#accounts.keys()
    if (this.#accounts.size > SLOT_COUNT) this.#accounts.delete(oldest)
    account.left = Math.min(REQUEST_BURST, account.left + (nowMs - account.atMs) / REQUEST_EACH_MS)
    account.atMs = nowMs
    for (const [token, { atMs }] of account.answers)
      if (nowMs - atMs >= ANSWER_KEPT_MS) account.answers.delete(token)
    return account
  }
}
