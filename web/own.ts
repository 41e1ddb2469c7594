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
    const next = await this.#keep.update(change)
    // An event may have been stored while this was on its way back.
    const { stored, storedId, deviceId } = this.#profile ?? next
    const same = String(deviceId) === String(next.deviceId)
    this.#profile = same && stored > next.stored ? { ...next, stored, storedId } : next
    return this.#profile
  }

  /** An event of the host is kept, and what it changes. */
  stored(stored: number, storedId: Uint8Array, change: Partial<Profile> = {}): void {
    this.#profile = { ...this.must(), ...change, stored, storedId }
  }

  /** What is known here without, or before, being kept. */
  note(profile: Profile | null): void {
    this.#profile = profile
  }
}
