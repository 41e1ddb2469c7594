// Who this browser is to the host, as last read or written by this tab.
import { ClawError } from '../shared/error.ts'
import type { Keep, Profile } from './keep.ts'

export class Own {
  #profile: Profile | null = null
  readonly #keep: Pick<Keep, 'profile' | 'update'>

  constructor(keep: Pick<Keep, 'profile' | 'update'>) {
    this.#keep = keep
  }

  get profile(): Profile | null {
    return this.#profile
  }

  /** Throws ClawError('storage') where there is none. */
  must(): Profile {
    if (this.#profile === null) throw new ClawError('storage')
    return this.#profile
  }

  async load(): Promise<Profile | null> {
    this.#profile = await this.#keep.profile()
    return this.#profile
  }

  async update(change: Partial<Profile>): Promise<Profile> {
    this.#profile = await this.#keep.update(change)
    return this.#profile
  }

  /** What is known here without, or before, being kept. */
  note(profile: Profile | null): void {
    this.#profile = profile
  }
}
