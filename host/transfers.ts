// The transfers of one session (SPEC §6.5): each message of the device is answered in its own time, beside the conversation,
// and no more of them wait here than the protocol allows.
import { ClawError, codeOf } from '../shared/error.ts'
import {
  FILE_AHEAD_MAX,
  FILE_FAILURE,
  type FileFailure,
  type FileMessage,
} from '../shared/files.ts'
import type { Files } from './files.ts'
import type { SecureLink } from './link.ts'

export class Transfers {
  readonly #files: Files
  readonly #member: string
  readonly #link: SecureLink
  #waiting = 0
  /** blocks leave one after the other, each once little waits for the network */
  #sending: Promise<unknown> = Promise.resolve()

  constructor(files: Files, member: string, link: SecureLink) {
    this.#files = files
    this.#member = member
    this.#link = link
  }

  /** Throws ClawError('frame-invalid') for what no device says, or too much of it; then the carrier ends. */
  take(message: FileMessage): void {
    if (this.#waiting >= FILE_AHEAD_MAX) throw new ClawError('frame-invalid')
    this.#waiting += 1
    this.#answer(message)
      .catch((error) => this.#fail(message.id, error))
      // Whatever cannot be said ends this carrier, not the process.
      .catch(() => this.#link.close())
      .finally(() => {
        this.#waiting -= 1
      })
  }

  /** A message was deleted, and its file with it. */
  sweep(): void {
    this.#files.sweep()
  }

  async #answer(message: FileMessage): Promise<void> {
    const [files, member] = [this.#files, this.#member]
    switch (message.type) {
      case 'offer':
        return this.#link.send(await files.offer(member, message))
      case 'put':
        return this.#link.send(await files.put(member, message))
      case 'drop':
        return files.drop(member, message.id)
      case 'fetch':
        return this.#inTurn(async () => this.#link.send(await files.fetch(member, message)))
      default:
        throw new ClawError('frame-invalid')
    }
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const done = this.#sending.then(() => (this.#link.closed ? undefined : run()))
    this.#sending = done.catch(() => undefined)
    return done
  }

  async #fail(id: Uint8Array, error: unknown): Promise<void> {
    const code = codeOf(error)
    if (!isFailure(code)) throw error
    await this.#link.send({ type: 'file-fail', id, code })
  }
}

const isFailure = (code: string): code is FileFailure => code in FILE_FAILURE
