// What stands before the storage: a PIN, or a tab with an older page. Drawn before there is an engine.
import { render } from 'preact'
import { onWords } from './language.ts'
import type { Doors } from './opening.ts'
import type { PinLock } from './schema.ts'
import type { StoreKeys } from './vault.ts'
import { OlderTab } from './views/App.tsx'
import { LOCK_SCREEN } from './views/parts.ts'
import { Starting } from './views/Starting.tsx'

export class Asking implements Doors {
  begun = false
  readonly #root: HTMLElement
  readonly #speaking: Promise<void>

  constructor(root: HTMLElement, speaking: Promise<void>) {
    this.#root = root
    this.#speaking = speaking
  }

  async unlock(lock: PinLock): Promise<StoreKeys> {
    this.begun = true
    const [LockScreen] = await Promise.all([LOCK_SCREEN.load(), this.#speaking])
    let stop = (): void => undefined
    const keys = await new Promise<StoreKeys>((onKeys) => {
      const paint = (): void => render(<LockScreen lock={lock} onKeys={onKeys} />, this.#root)
      stop = onWords(paint)
      paint()
    })
    stop()
    render(<Starting joining={false} />, this.#root)
    return keys
  }

  blocked(): void {
    this.begun = true
    void this.#speaking.then(() => render(<OlderTab />, this.#root))
  }
}
