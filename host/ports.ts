// What is bound on the port of an epoch: UDP always, TCP with `--signal`. Both or none, so that one number leads to either.
import type { DirectListener } from './direct.ts'
import type { SignalListener } from './signal.ts'

export class Ports {
  readonly #direct: DirectListener
  readonly #signal: SignalListener | null

  constructor(direct: DirectListener, signal: SignalListener | null) {
    this.#direct = direct
    this.#signal = signal
  }

  /** Throws ClawError('port-taken'); then nothing is bound. */
  async open(port: number): Promise<void> {
    await this.#direct.open(port)
    try {
      await this.#signal?.open(port)
    } catch (error) {
      this.#direct.close(port)
      throw error
    }
  }

  close(port: number): void {
    this.#direct.close(port)
    this.#signal?.close(port)
  }

  /** As `DirectListener.readdress`. */
  async readdress(): Promise<boolean> {
    const all = [await this.#direct.readdress(), (await this.#signal?.readdress()) ?? true]
    return all.every((whole) => whole)
  }

  refresh(): void {
    this.#direct.refresh()
    this.#signal?.refresh()
  }

  /** As `DirectListener.retire`. */
  retire(credentialIds: ReadonlySet<string>): void {
    this.#direct.retire(credentialIds)
    this.#signal?.retire(credentialIds)
  }

  stop(): void {
    this.#direct.stop()
    this.#signal?.stop()
  }
}
