// Looking for messages (SPEC §7.5, §7.6): by words, by day, by what answers them, and what they said before. The host is
// asked where there is one; without it what is kept here is gone through.
import { fromHex, toHex } from '../shared/bytes.ts'
import type { Found } from '../shared/lookups.ts'
import type { Keep } from './keep.ts'
import type { Lookups } from './lookups.ts'
import type { EarlierText, Hit, Hits, JumpPlace, SearchWish, Seeking } from './model.ts'
import type { StateBox } from './state.ts'

const RESULTS = 50

export interface SeekPorts {
  readonly box: StateBox
  readonly keep: Pick<Keep, 'message'>
  readonly lookups: Lookups
  readonly searchKept: (rooms: readonly string[], wish: SearchWish) => Promise<Hit[]>
  /** shows this place of a room, in whichever tab leads */
  readonly jump: (room: string, seq: number) => void
}

export class Seek implements Seeking {
  readonly #ports: SeekPorts

  constructor(ports: SeekPorts) {
    this.#ports = ports
  }

  async search(wish: SearchWish): Promise<Hits> {
    const { box, lookups, searchKept } = this.#ports
    const { connection, rooms } = box.value
    if (connection.state !== 'connected') {
      const hits = await searchKept(
        rooms.map(({ id }) => id),
        wish,
      )
      return { hits, next: null, isKept: true }
    }
    const { query, fromMs, toMs, onlyFiles } = wish
    const found = await lookups.ask({
      ...{ type: 'search', query, fromMs, toMs, limit: RESULTS, onlyFiles },
      rooms: wish.room === null ? [] : [fromHex(wish.room)],
      authors: wish.author === null ? [] : [fromHex(wish.author)],
      below: wish.below === null ? null : fromHex(wish.below),
    })
    return hitsOf(found)
  }

  async jumpTo(room: string, place: JumpPlace): Promise<boolean> {
    const seq = 'seq' in place ? place.seq : await this.#locate(room, place)
    if (seq > 0) this.#ports.jump(room, seq)
    return seq > 0
  }

  /** Kept here, it is known. */
  async #locate(room: string, place: { atMs: number } | { message: string }): Promise<number> {
    const { keep, lookups, box } = this.#ports
    const kept = 'message' in place ? await keep.message(place.message) : null
    if (kept?.gone) return 0
    if (kept?.room === room && kept.seq !== null) return kept.seq
    if (box.value.connection.state !== 'connected') return 0
    const by = 'message' in place ? { message: fromHex(place.message) } : place
    return (await lookups.ask({ type: 'locate', room: fromHex(room), by })).seq
  }

  async earlier(message: string): Promise<readonly EarlierText[]> {
    const { lookups } = this.#ports
    return (await lookups.ask({ type: 'versions', message: fromHex(message) })).texts
  }
}

const hitsOf = ({ messages, next }: Found): Hits => ({
  hits: messages.map(({ id, room, author, ...rest }) => ({
    ...rest,
    ...{ id: toHex(id), room: toHex(room), author: toHex(author) },
  })),
  next: next === null ? null : toHex(next),
  isKept: false,
})
