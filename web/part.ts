// A part of the page that is loaded after its beginning (DESIGN, "What is loaded when"): asked for once, kept, asked for
// anew after a failure.
import { ClawError } from '../shared/error.ts'

export class Part<View> {
  /** null until it is here */
  view: View | null = null
  readonly #fetch: () => Promise<View>
  #coming: Promise<View> | null = null

  constructor(fetch: () => Promise<View>) {
    this.#fetch = fetch
  }

  /** @throws ClawError('page-incomplete') */
  load(): Promise<View> {
    this.#coming ??= this.#fetch().then(
      (view) => {
        this.view = view
        return view
      },
      () => {
        this.#coming = null
        throw new ClawError('page-incomplete')
      },
    )
    return this.#coming
  }

  /** Beforehand: whoever needs it then says what is wrong. */
  preload(): void {
    this.load().catch(() => undefined)
  }
}
