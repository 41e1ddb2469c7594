// Limits of a session (SPEC §6.4): how much is sent ahead of its acknowledgement, and how much may lie unhandled. Pure.
import { INBOX_BYTES, INBOX_FRAMES, WINDOW_BYTES, WINDOW_EVENTS } from './constants.ts'
import { ClawError } from './error.ts'

/** The sender's side: what is on its way to a peer that has not acknowledged it yet. */
export class SendWindow {
  readonly #unacknowledged: { readonly number: number; readonly bytes: number }[] = []
  #bytes = 0
  #sentUpTo: number

  /** `stored`: the peer's RESUME */
  constructor(stored: number) {
    this.#sentUpTo = stored
  }

  /** the number of the last event sent, or the peer's own before the first */
  get sentUpTo(): number {
    return this.#sentUpTo
  }

  /** whether another event may be sent before an acknowledgement */
  get open(): boolean {
    return this.#unacknowledged.length < WINDOW_EVENTS && this.#bytes < WINDOW_BYTES
  }

  /** `bytes`: length of the event's body */
  sent(number: number, bytes: number): void {
    this.#sentUpTo = number
    this.#unacknowledged.push({ number, bytes })
    this.#bytes += bytes
  }

  /** Throws ClawError('frame-invalid') for a number that was never sent. */
  acknowledged(number: number): void {
    if (number > this.#sentUpTo) throw new ClawError('frame-invalid')
    const first = this.#unacknowledged.findIndex((event) => event.number > number)
    const count = first < 0 ? this.#unacknowledged.length : first
    for (const { bytes } of this.#unacknowledged.splice(0, count)) this.#bytes -= bytes
  }
}

/** The receiver's side: frames that came and are not handled yet. */
export class Inbox {
  #frames = 0
  #bytes = 0

  /** Throws ClawError('frame-invalid') once more lies here than an honest peer sends ahead. */
  take(bytes: number): void {
    this.#frames += 1
    this.#bytes += bytes
    if (this.#frames > INBOX_FRAMES || this.#bytes > INBOX_BYTES)
      throw new ClawError('frame-invalid')
  }

  handled(bytes: number): void {
    this.#frames -= 1
    this.#bytes -= bytes
  }
}
