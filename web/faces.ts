// Pictures of members as the views show them (SPEC §7.11): kept here, else asked of the host one after the other, so slowly that
// a search finds its leave. What is no picture, or another one than STATE names, is shown and kept nowhere.
import { equal, fromHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { isMemberPicture, pictureId } from '../shared/pictureheader.ts'
import type { Lookups } from './lookups.ts'
import type { Member } from './model.ts'
import type { PictureStore } from './picturestore.ts'
import type { Runtime } from './runtime.ts'
import type { StateBox } from './state.ts'

const NEXT_MS = 300

/** by id, hex */
const shown = new Map<string, string>()

/** An address for an `img`; null while there is none to show. `picture`: hex id, or empty. */
export const faceOf = (picture: string): string | null => shown.get(picture) ?? null

interface FacesPorts {
  readonly store: Promise<Pick<PictureStore, 'get' | 'put' | 'keepOnly'>>
  readonly box: StateBox
  readonly lookups: Pick<Lookups, 'ask'>
  readonly runtime: Pick<Runtime, 'after'>
}

export class Faces {
  readonly #ports: FacesPorts
  #members: readonly Member[] = []
  #running = false
  /** not asked for again on this carrier */
  #failed = new Set<string>()

  constructor(ports: FacesPorts) {
    this.#ports = ports
    ports.store.catch(() => undefined)
  }

  /** After each change of the state. */
  follow(): void {
    const { members } = this.#ports.box.value
    if (members === this.#members) return
    this.#members = members
    void this.#run()
  }

  /** A fresh carrier. */
  again(): void {
    this.#failed = new Set()
    void this.#run()
  }

  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    for (let next = this.#next(); next !== null; next = this.#next()) await this.#show(next)
    this.#running = false
    await this.#tidy().catch(() => undefined)
  }

  #next(): Member | null {
    const isWanted = ({ picture }: Member): boolean =>
      picture !== '' && !shown.has(picture) && !this.#failed.has(picture)
    return this.#members.find(isWanted) ?? null
  }

  async #show({ id, picture }: Member): Promise<void> {
    const bytes = (await this.#kept(picture)) ?? (await this.#asked(id, picture))
    if (bytes === null) {
      this.#failed.add(picture)
      return
    }
    shown.set(picture, URL.createObjectURL(new Blob([new Uint8Array(bytes)])))
    this.#ports.box.set({})
  }

  #kept(picture: string): Promise<Uint8Array | null> {
    return this.#ports.store.then((store) => store.get(picture)).catch(() => null)
  }

  async #asked(member: string, picture: string): Promise<Uint8Array | null> {
    const { box, lookups, runtime, store } = this.#ports
    if (box.value.connection.state !== 'connected') return null
    try {
      const answer = await lookups.ask({ type: 'picture', member: fromHex(member) })
      if (!isNamed(answer.picture, picture)) throw new ClawError('malformed')
      await store.then((kept) => kept.put(picture, answer.picture)).catch(() => undefined)
      return answer.picture
    } catch {
      return null
    } finally {
      await new Promise<void>((resolve) => void runtime.after(NEXT_MS, resolve))
    }
  }

  /** Of pictures that nobody bears any more nothing stays. */
  async #tidy(): Promise<void> {
    if (this.#members.length === 0) return
    const borne = new Set(this.#members.map(({ picture }) => picture))
    for (const [picture, url] of shown)
      if (!borne.has(picture)) {
        shown.delete(picture)
        URL.revokeObjectURL(url)
      }
    await (await this.#ports.store).keepOnly(borne)
  }

  /** The host is burnt, or another one. */
  async clear(): Promise<void> {
    this.#members = []
    for (const url of shown.values()) URL.revokeObjectURL(url)
    shown.clear()
    await (await this.#ports.store).keepOnly(new Set())
  }
}

const isNamed = (bytes: Uint8Array, picture: string): boolean =>
  isMemberPicture(bytes) && equal(pictureId(bytes), fromHex(picture))
