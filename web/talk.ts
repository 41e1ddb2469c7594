// What a person does in the rooms, in whichever tab (model.ts): kept in the outbox there, sent and shown by the tab that leads.
import { toHex } from '../shared/bytes.ts'
import { codeOf } from '../shared/error.ts'
import type { Talking } from './model.ts'
import type { Runtime } from './runtime.ts'
import type { StateBox } from './state.ts'
import type { Tab, TabMessage } from './tab.ts'
import type { Timeline } from './timeline.ts'

/** what is seen for so long counts as read */
const READ_AFTER_MS = 300
/** between two signs that somebody writes */
const TYPING_EVERY_MS = 3000

export interface TalkPorts {
  readonly box: StateBox
  readonly timeline: Timeline
  readonly tab: Pick<Tab, 'leading' | 'tell'>
  readonly runtime: Pick<Runtime, 'after' | 'random'>
  /** ms that never go back */
  readonly clock: () => number
  readonly flush: () => Promise<void>
  /** whether a person sees this tab */
  readonly isSeen: () => boolean
}

export class Talk implements Talking {
  readonly #ports: TalkPorts
  #reading = false
  #typedMs = Number.NEGATIVE_INFINITY

  constructor(ports: TalkPorts) {
    this.#ports = ports
  }

  openRoom(room: string): void {
    this.#byLeader({ type: 'room', room }, () => this.#ports.timeline.openRoom(room))
  }

  loadOlder(): void {
    this.#byLeader({ type: 'older' }, () => this.#ports.timeline.loadOlder())
  }

  loadNewer(): void {
    this.#byLeader({ type: 'newer' }, () => this.#ports.timeline.loadNewer())
  }

  jump(room: string, seq: number): void {
    this.#byLeader({ type: 'jump', room, seq }, () => this.#ports.timeline.jump(room, seq))
  }

  toNewest(): void {
    this.#byLeader({ type: 'newest' }, () => this.#ports.timeline.toNewest())
  }

  send(text: string, replyTo: string | null = null): void {
    if (text === '') return
    const id = toHex(this.#ports.runtime.random(16))
    this.#keep(() => this.#ports.timeline.post(id, text, replyTo))
  }

  retryMessage(id: string): void {
    const { box, timeline } = this.#ports
    const message = box.value.messages.find((candidate) => candidate.id === id)
    if (message?.state !== 'failed') return
    this.#keep(() =>
      message.file === undefined
        ? timeline.post(id, message.text, message.replyTo)
        : timeline.release({ ...message, state: 'sending' }),
    )
  }

  edit(id: string, text: string): void {
    if (text !== '') this.#keep(() => this.#ports.timeline.edit(id, text))
  }

  remove(id: string): void {
    this.#keep(() => this.#ports.timeline.remove(id))
  }

  react(id: string, emoji: string, on: boolean): void {
    this.#keep(() => this.#ports.timeline.react(id, emoji, on))
  }

  typing(): void {
    const now = this.#ports.clock()
    if (now - this.#typedMs < TYPING_EVERY_MS) return
    this.#typedMs = now
    this.#byLeader({ type: 'typing' }, () => this.#ports.timeline.typing())
  }

  shareReceipts(on: boolean): void {
    this.#byLeader({ type: 'receipts', on }, () => this.#ports.timeline.shareReceipts(on))
  }

  /** The state has changed, or the tab came into sight: what is there now may have been read in a moment. */
  look(): void {
    const { box, runtime, isSeen } = this.#ports
    if (this.#reading || !isSeen() || !hasNews(box.value)) return
    this.#reading = true
    runtime.after(READ_AFTER_MS, () => {
      this.#reading = false
      if (isSeen()) this.#byLeader({ type: 'seen' }, () => this.#ports.timeline.markRead())
    })
  }

  /** What another tab asked for. @returns false for what is of no concern here */
  onTab(message: TabMessage): boolean {
    switch (message.type) {
      case 'room':
        this.openRoom(message.room)
        return true
      case 'older':
        this.loadOlder()
        return true
      case 'newer':
        this.loadNewer()
        return true
      case 'newest':
        this.toNewest()
        return true
      case 'jump':
        this.jump(message.room, message.seq)
        return true
      case 'typing':
        this.#run(() => this.#ports.timeline.typing())
        return true
      case 'receipts':
        this.shareReceipts(message.on)
        return true
      case 'seen':
        this.#run(() => this.#ports.timeline.markRead())
        return true
      case 'outbox':
        this.#run(() => this.fromOutbox())
        return true
      default:
        return false
    }
  }

  /** Shows what any tab has stored, and sends it. */
  async fromOutbox(): Promise<void> {
    await this.#ports.timeline.refresh()
    await this.#ports.flush()
  }

  #keep(run: () => Promise<void>): void {
    const { tab, flush } = this.#ports
    this.#run(async () => {
      await run()
      if (tab.leading) await flush()
      else tab.tell({ type: 'outbox' })
    })
  }

  #byLeader(message: TabMessage, run: () => void | Promise<void>): void {
    if (this.#ports.tab.leading) this.#run(run)
    else this.#ports.tab.tell(message)
  }

  #run(run: () => void | Promise<void>): void {
    void (async () => run())().catch((error) => this.#ports.box.set({ error: codeOf(error) }))
  }
}

const hasNews = ({ rooms, room, phase }: StateBox['value']): boolean =>
  phase === 'chat' && (rooms.find(({ id }) => id === room)?.unread ?? 0) > 0
