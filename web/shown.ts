// The messages of the room that is shown (SPEC §7): the newest, or those around a place that was jumped to; what is missing
// is asked of the host, or taken from what is kept while there is none. Knows no carrier.
import { fromHex, toHex } from '../shared/bytes.ts'
import type { ClawMessage } from '../shared/messages.ts'
import { holeBefore, mergeMessages } from './chat.ts'
import type { Keep, StoredMessage } from './keep.ts'
import type { AppState } from './model.ts'
import { firstSeq, joins, lastSeq, runAround, within } from './span.ts'
import type { StateBox } from './state.ts'

const SHOWN_AT_START = 200
const PAGE = 100

type Of<T extends ClawMessage['type']> = Extract<ClawMessage, { type: T }>

export interface ShownPorts {
  readonly keep: Pick<Keep, 'messages' | 'below'>
  readonly box: StateBox
  /** on the carrier in use. @returns false without one */
  readonly say: (message: ClawMessage) => boolean
}

export class Shown {
  readonly #ports: ShownPorts
  /** the hole that the present carrier was asked to fill last */
  #askedHole: number | null = null
  #asking = false
  /** where the shown part ends; null: with the newest */
  #upTo: number | null = null
  /** the place that a page is awaited of */
  #wanted: number | null = null
  #jumps = 0

  constructor(ports: ShownPorts) {
    this.#ports = ports
  }

  get #room(): string {
    return this.#ports.box.value.room
  }

  get #messages(): AppState['messages'] {
    return this.#ports.box.value.messages
  }

  /** Whether something is left of the room before the first message here. */
  #startsLate(messages: AppState['messages']): boolean {
    return (firstSeq(messages) ?? 0) > this.#goneUpTo + 1
  }

  get #goneUpTo(): number {
    const { rooms, room } = this.#ports.box.value
    return rooms.find(({ id }) => id === room)?.goneUpTo ?? 0
  }

  #set(messages: AppState['messages'], upTo: number | null): void {
    this.#upTo = upTo
    this.#ports.box.set({ messages, hasOlder: this.#startsLate(messages), hasNewer: upTo !== null })
  }

  /** The newest of the room, as far as they are kept. */
  async newest(): Promise<void> {
    const room = this.#room
    this.#upTo = null
    this.#wanted = null
    const kept = await this.#ports.keep.messages(room, SHOWN_AT_START)
    if (this.#room !== room || this.#upTo !== null) return
    this.#set(mergeMessages(within(kept, null, this.#messages), kept), null)
    this.#aim(null)
    this.fillHole()
  }

  /** What another tab has stored; what it wrote stands at the end. */
  async refresh(): Promise<void> {
    if (this.#upTo !== null) return this.newest()
    const room = this.#room
    const kept = await this.#ports.keep.messages(room, SHOWN_AT_START)
    if (this.#room === room) this.show(kept)
  }

  /** Messages as they stand now, of any room. */
  show(messages: readonly StoredMessage[]): void {
    const here = messages.filter(({ room }) => room === this.#room)
    const news = within(this.#messages, this.#upTo, here)
    if (news.length === 0) return
    this.#set(mergeMessages(this.#messages, news), this.#upTo)
    this.fillHole()
  }

  /** A carrier has taken over, or ended: what was asked for on it is not answered any more. */
  rest(): void {
    this.#askedHole = null
    this.#asking = false
    this.#ports.box.set({ loadingOlder: false })
  }

  /** `messages`: those of the page, kept now. */
  async takePage(page: Of<'page'>, messages: readonly StoredMessage[]): Promise<void> {
    this.#asking = false
    this.#ports.box.set({ loadingOlder: false })
    const room = this.#room
    if (toHex(page.room) !== room) return
    const wanted = this.#wanted
    if (wanted === null) await this.#extend(page, messages)
    else if (page.before === aheadOf(wanted)) {
      this.#wanted = null
      await this.#land(mergeMessages([], messages), wanted, page.before)
    } else this.ask(room, aheadOf(wanted))
  }

  async #extend(page: Of<'page'>, messages: readonly StoredMessage[]): Promise<void> {
    const isNews = this.#upTo === null && (firstSeq(messages) ?? 0) > (lastSeq(this.#messages) ?? 0)
    if (!isNews && !joins(this.#messages, messages)) return
    const last = Math.max(lastSeq(messages) ?? 0, this.#upTo ?? 0)
    const isEnd = this.#upTo === null || last < page.before - 1 || page.before === 0
    this.#set(mergeMessages(this.#messages, messages), isEnd ? null : last)
    this.#ports.box.set({ hasOlder: page.more && this.#startsLate(this.#messages) })
    if (isEnd) await this.#catchUp()
    this.fillHole()
  }

  /** Nothing is newer on the host: what came meanwhile, and what waits, stands behind it. */
  async #catchUp(): Promise<void> {
    const room = this.#room
    const kept = await this.#ports.keep.messages(room, SHOWN_AT_START)
    if (this.#room === room && this.#upTo === null) this.show(kept)
  }

  /** Asks for each hole once: a restored host may never fill it. */
  fillHole(): void {
    const before = holeBefore(this.#messages)
    if (before === null || before === this.#askedHole || before <= this.#goneUpTo + 1) return
    if (this.ask(this.#room, before)) this.#askedHole = before
  }

  /** @returns whether it was asked: one page at a time, and not without a carrier */
  ask(room: string, before: number): boolean {
    const { box, say } = this.#ports
    if (this.#asking) return false
    this.#asking = say({ type: 'history', room: fromHex(room), before, limit: PAGE })
    if (this.#asking) box.set({ loadingOlder: true })
    return this.#asking
  }

  async loadOlder(): Promise<void> {
    const first = firstSeq(this.#messages)
    if (first === null || !this.#startsLate(this.#messages)) return
    if (this.#asking || this.ask(this.#room, first)) return
    await this.#addKept(first, first - 1)
  }

  async loadNewer(): Promise<void> {
    if (this.#upTo === null || this.#asking) return
    const before = this.#upTo + PAGE + 1
    if (!this.ask(this.#room, before)) await this.#addKept(before, this.#upTo + 1)
  }

  /** Without a host: those below `before` that are kept and hang together with `seq`. */
  async #addKept(before: number, seq: number): Promise<void> {
    const { keep } = this.#ports
    const room = this.#room
    const kept = runAround(await keep.below(room, before, PAGE), seq)
    if (this.#room !== room || kept.length === 0) return
    const merged = mergeMessages(this.#messages, kept)
    this.#set(merged, this.#upTo === null ? null : lastSeq(merged))
    await this.#endIfNewest()
  }

  /** Shows the messages around this one, and names it as the place to look at. */
  async jump(seq: number): Promise<void> {
    const room = this.#room
    if (this.#messages.some((message) => message.seq === seq)) return this.#aim(seq)
    const kept = runAround(await this.#ports.keep.below(room, aheadOf(seq), PAGE), seq)
    if (this.#room !== room) return
    this.#wanted = seq
    const asks = kept.length < PAGE / 2 && (this.#asking || this.ask(room, aheadOf(seq)))
    if (asks) return
    this.#wanted = null
    await this.#land(kept, seq, null)
  }

  /** `before`: of the page; null for what was kept. */
  async #land(messages: AppState['messages'], seq: number, before: number | null): Promise<void> {
    const last = lastSeq(messages)
    if (last === null) return
    const isEnd = before !== null && last < before - 1
    this.#set(messages, isEnd ? null : last)
    this.#aim(seq)
    if (isEnd) await this.#catchUp()
    else if (before === null) await this.#endIfNewest()
  }

  async #endIfNewest(): Promise<void> {
    const [room, upTo] = [this.#room, this.#upTo]
    if (upTo === null) return
    const kept = lastSeq(await this.#ports.keep.messages(room, 1)) ?? 0
    if (kept > upTo || this.#room !== room || this.#upTo !== upTo) return
    this.#set(this.#messages, null)
    await this.#catchUp()
  }

  /** null: the newest */
  #aim(seq: number | null): void {
    this.#jumps += 1
    this.#ports.box.set({ target: { seq, jump: this.#jumps } })
  }
}

/** From where a page has this message in its middle. */
const aheadOf = (seq: number): number => seq + PAGE / 2
