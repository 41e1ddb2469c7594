// What simple-peer stands on in the page, in the place of the packages `readable-stream`, `buffer` and `safe-buffer`
// (vite.config.ts): events, and what comes is given on at once. Nobody pauses a peer, pipes it or writes to it as to a stream
// (web/dial.ts), so nothing is ever held back here; the real ones would be a quarter of what a browser loads before it connects.
type Listener = (...values: unknown[]) => void

export class Duplex {
  readonly _readableState = { ended: false }
  readonly _writableState = { finished: false }
  readonly #listeners = new Map<string, Set<Listener>>()

  on(event: string, run: Listener): this {
    const all = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, all.add(run))
    return this
  }

  once(event: string, run: Listener): this {
    const first: Listener = (...values) => {
      this.removeListener(event, first)
      run(...values)
    }
    return this.on(event, first)
  }

  removeListener(event: string, run: Listener): this {
    this.#listeners.get(event)?.delete(run)
    return this
  }

  /** As in Node, an error that nobody listens to is thrown. */
  emit(event: string, ...values: unknown[]): boolean {
    const all = [...(this.#listeners.get(event) ?? [])]
    if (event === 'error' && all.length === 0) throw values[0]
    for (const run of all) run(...values)
    return all.length > 0
  }

  /** null: nothing comes any more */
  push(chunk: unknown): boolean {
    this._readableState.ended = chunk === null
    return chunk === null ? this.emit('end') : this.emit('data', chunk)
  }

  end(): this {
    this._writableState.finished = true
    this.emit('finish')
    return this
  }
}

/** What it draws here are names for its log and for the channel, which nobody sees: they need not be hexadecimal. */
export const Buffer = {
  from: (bytes: ArrayBuffer): Uint8Array => new Uint8Array(bytes),
  allocUnsafe: (length: number): Uint8Array => new Uint8Array(length),
}
