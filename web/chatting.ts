// What a browser that is a device does with its conversation: rooms, files, requests, searches, notifications, wired to one
// another. A part of the page of its own (part.ts): nothing of it is needed to find a host and shake hands with it.
import type { ClawMessage } from '../shared/messages.ts'
import { Conversation, type ConversationPorts } from './conversation.ts'
import type { Device } from './device.ts'
import { Faces } from './faces.ts'
import { Files } from './files.ts'
import { FileStore } from './filestore.ts'
import { Filer } from './filing.ts'
import type { StoredMessage } from './keep.ts'
import { Lookups } from './lookups.ts'
import { Notifications } from './notifications.ts'
import type { Own } from './own.ts'
import { PictureStore } from './picturestore.ts'
import { Requests } from './requests.ts'
import { browserRuntime } from './runtime.ts'
import { Seek } from './seek.ts'
import type { StateBox } from './state.ts'
import type { Tab, TabMessage } from './tab.ts'
import { Talk } from './talk.ts'

type Asks = Extract<TabMessage, { type: 'request' }>['message']
type AnswerMessage = Extract<TabMessage, { type: 'answer' }>['message']

export interface ChattingPorts
  extends Pick<ConversationPorts, 'mayTalk' | 'onEnded' | 'onRecord' | 'onNotice' | 'onTrusted'> {
  readonly device: Device
  readonly own: Own
  readonly box: StateBox
  readonly tab: Tab
  readonly onBye: (reason: Extract<ClawMessage, { type: 'bye' }>['reason']) => void
}

export class Chatting {
  readonly #tab: Tab
  readonly conversation: Conversation
  readonly asking: Requests
  readonly talk: Talk
  readonly files: Files
  readonly filing: Filer
  readonly notifications: Notifications
  readonly seek: Seek
  readonly #lookups: Lookups
  readonly faces: Faces

  constructor({ device, own, box, tab, ...ports }: ChattingPorts) {
    this.#tab = tab
    const runtime = browserRuntime
    const now = (): number => Date.now()
    const clock = (): number => performance.now()
    const say = (message: Asks): boolean => this.#say(message)
    const onRoom = (room: string): void => this.talk.openRoom(room)
    this.conversation = new Conversation({
      ...{ keep: device, own, box, now, clock, random: runtime.random, ...ports },
      onAnswer: (message) => {
        if (!this.#answered(message)) tab.tell({ type: 'answer', message })
      },
      onFile: (message) => this.files.heard(message),
      onMessages: (messages) => void this.notifications.news(messages),
      onGone: (messages) => this.#gone(messages),
    })
    const { timeline } = this.conversation
    this.asking = new Requests({ box, runtime, send: say, onRoom })
    this.files = new Files({
      ...{ store: FileStore.open(() => device.vault), box, keep: device, timeline, runtime, clock },
      say: (message) => this.conversation.say(message),
    })
    this.filing = new Filer({ box, files: this.files, tab, runtime, now })
    this.talk = new Talk({
      ...{ box, timeline, tab, runtime, clock },
      flush: () => this.conversation.flush(),
      isSeen: () => document.visibilityState === 'visible' && document.hasFocus(),
    })
    this.notifications = new Notifications({
      state: () => box.value,
      read: () => own.profile?.read ?? {},
      leads: () => tab.leading,
      openRoom: onRoom,
      ask: (request, onAnswer) => this.asking.ask(request, onAnswer),
      onChange: () => box.set({}),
    })
    this.#lookups = new Lookups({ runtime, send: say })
    this.faces = new Faces({
      ...{ store: PictureStore.open(() => device.vault), box, lookups: this.#lookups, runtime },
    })
    this.seek = new Seek({
      ...{ box, keep: device, lookups: this.#lookups },
      searchKept: (rooms, wish) => device.search(rooms, wish),
      jump: (room, seq) => this.talk.jump(room, seq),
    })
  }

  #gone(messages: readonly StoredMessage[]): void {
    this.notifications.gone(messages)
    const files = messages.filter(({ file }) => file !== undefined).map(({ id }) => id)
    void this.files.gone(files).catch(() => undefined)
  }

  /** By the tab that leads. @returns false without a carrier */
  #say(message: Asks): boolean {
    if (this.#tab.leading) return this.conversation.say(message)
    this.#tab.tell({ type: 'request', message })
    return true
  }

  /** @returns whether it was asked here */
  #answered(message: AnswerMessage): boolean {
    return message.type === 'answer'
      ? this.asking.answered(message)
      : this.#lookups.answered(message)
  }

  /** A fresh carrier: what was not answered goes out once more. */
  askAgain(): void {
    this.asking.again()
    this.#lookups.again()
    this.faces.again()
  }

  /** After each change of the state. */
  follow(): void {
    this.talk.look()
    this.notifications.follow()
    this.faces.follow()
  }

  /** Of another tab. @returns whether it was for this part */
  onTab(message: TabMessage): boolean {
    const { leading } = this.#tab
    if (leading && this.talk.onTab(message)) return true
    switch (message.type) {
      case 'request':
        if (leading) this.conversation.say(message.message)
        return true
      case 'answer':
        this.#answered(message.message)
        return true
      case 'connected':
        this.askAgain()
        return true
      case 'file':
        if (leading) void this.files.do(message.task).catch(() => undefined)
        return true
      default:
        return false
    }
  }
}
