// Tells a person who does not look that something is new: number in the title, dot on the icon, badge of the app, system
// notification, tone. What is told is decided in news.ts; one tab speaks for all, the one that leads.
import { isNews, type StoredMessage } from './keep.ts'
import { onWords, t } from './language.ts'
import type { AppState, NotificationSettings, Notifying } from './model.ts'
import { type News, newsOf, parseSettings, unreadOf } from './news.ts'
import { type Ask, Push } from './push.ts'
import { NOTIFICATIONS } from './settings.ts'

const TITLE = 'ClawChat'
/** of what the service worker shows for a push */
const PUSH_TAG = 'push'
/** between two tones */
const TONE_EVERY_MS = 3000

export interface NotificationPorts {
  readonly state: () => AppState
  /** by room, up to where this member has read */
  readonly read: () => Readonly<Record<string, number>>
  readonly leads: () => boolean
  readonly openRoom: (room: string) => void
  readonly ask: Ask
  /** what the views show of this is another now */
  readonly onChange: () => void
}

export class Notifications implements Notifying {
  readonly #ports: NotificationPorts
  readonly #push: Push
  #tonedMs = Number.NEGATIVE_INFINITY
  #shown: string | null = null
  /** rooms of which something may stand on the screen */
  readonly #told = new Set<string>()

  constructor(ports: NotificationPorts) {
    this.#ports = ports
    this.#push = new Push(ports.ask, ports.onChange)
    workers()?.addEventListener('message', ({ data }) => {
      if (typeof data?.openRoom === 'string') ports.openRoom(data.openRoom)
    })
    // Whoever looks has come for what a push told of.
    const greet = (): void => {
      if (document.visibilityState === 'visible') void closeOf(PUSH_TAG)
    }
    document.addEventListener('visibilitychange', greet)
    greet()
    onWords(() => void keepPushWords())
    void keepPushWords()
  }

  /** Read each time: another tab may have changed them. */
  get settings(): NotificationSettings {
    try {
      return parseSettings(localStorage.getItem(NOTIFICATIONS))
    } catch {
      return parseSettings(null)
    }
  }

  change(change: Partial<NotificationSettings>): void {
    try {
      localStorage.setItem(NOTIFICATIONS, JSON.stringify({ ...this.settings, ...change }))
    } catch {
      // Storage is blocked: then nothing is told.
    }
    this.follow()
  }

  get permission(): Notifying['permission'] {
    const able = 'Notification' in globalThis && workers() !== null
    return able ? Notification.permission : 'unsupported'
  }

  /** To be called by the press of a button only. */
  async allow(): Promise<void> {
    if (this.permission === 'default') await Notification.requestPermission()
    this.change({ on: this.permission === 'granted' })
  }

  get push(): Notifying['push'] {
    return this.#push.state
  }

  look(): Promise<void> {
    return this.#push.look()
  }

  setPush(on: boolean): void {
    if (on) this.#push.on()
    else void this.#push.off()
  }

  /** This browser has joined a host, or lost one: nothing of the one before may still reach it. */
  forget(): void {
    void this.#push.forget().catch(() => undefined)
  }

  /** The host brought these just now. */
  async news(messages: readonly StoredMessage[]): Promise<void> {
    const { settings } = this
    const { leads, state, read } = this.#ports
    if (!leads() || !(settings.on || settings.sound)) return
    const news = newsOf(messages, state(), read(), settings)
    if (news.length === 0 || (await isWatched())) return
    if (settings.sound) this.#tone()
    if (settings.on && this.permission === 'granted')
      for (const each of news) await this.#tell(each)
  }

  async #tell({ room, title, body }: News): Promise<void> {
    const registration = await workers()?.getRegistration()
    this.#told.add(room)
    // One for each room: the newest takes the place of the one before.
    await registration?.showNotification(title, {
      body,
      tag: room,
      icon: './app-192.png',
      data: room,
    })
  }

  /** The state has changed. */
  follow(): void {
    const state = this.#ports.state()
    const unread = unreadOf(state, this.settings.muted)
    if (this.#ports.leads()) this.#clearRead(state)
    const title = unread === 0 ? TITLE : `(${unread}) ${TITLE}`
    if (this.#shown === title) return
    this.#shown = title
    document.title = title
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (icon !== null) icon.href = unread === 0 ? './icon.svg' : './icon-new.svg'
    void badge(unread)
  }

  /** What was read, here or on another device, is not news any more. */
  #clearRead({ rooms, phase }: AppState): void {
    const unread = new Set(rooms.filter((room) => room.unread > 0).map(({ id }) => id))
    for (const room of this.#told) {
      if (phase === 'chat' && unread.has(room)) continue
      this.#told.delete(room)
      void closeOf(room)
    }
  }

  /** Messages went because their time was over: what tells of their room may still show one. */
  gone(messages: readonly StoredMessage[]): void {
    for (const room of new Set(messages.filter(isNews).map(({ room }) => room))) {
      if (this.#told.delete(room)) void closeOf(room)
    }
  }

  /** Two soft notes. A browser in which nobody has pressed anything yet stays silent. */
  #tone(): void {
    const now = performance.now()
    if (now - this.#tonedMs < TONE_EVERY_MS) return
    this.#tonedMs = now
    const context = new AudioContext()
    const volume = new GainNode(context, { gain: 0 })
    volume.connect(context.destination)
    const start = context.currentTime
    for (const [at, frequency] of [
      [0, 660],
      [0.12, 880],
    ] as const) {
      const note = new OscillatorNode(context, { frequency })
      note.connect(volume)
      note.start(start + at)
      note.stop(start + at + 0.16)
      volume.gain.setTargetAtTime(0.12, start + at, 0.01)
      volume.gain.setTargetAtTime(0, start + at + 0.06, 0.03)
      if (at > 0) note.onended = () => void context.close()
    }
  }
}

/** `null` on plain http. */
const workers = (): ServiceWorkerContainer | null =>
  'serviceWorker' in navigator ? navigator.serviceWorker : null

/** Whether somebody looks at any tab of this page; only its service worker knows of all. */
async function isWatched(): Promise<boolean> {
  if (document.visibilityState === 'visible' && document.hasFocus()) return true
  const worker = (await workers()?.getRegistration())?.active ?? null
  if (worker === null) return false
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data === true)
    worker.postMessage('watched', [port2])
  })
}

async function closeOf(room: string): Promise<void> {
  const registration = await workers()?.getRegistration()
  for (const each of (await registration?.getNotifications({ tag: room })) ?? []) each.close()
}

/** For the service worker, which shows a push while no page is open and knows nothing of the language chosen here. */
async function keepPushWords(): Promise<void> {
  try {
    const cache = await globalThis.caches?.open('clawchat-push')
    await cache?.put('./push-words', new Response(t.notifications.message))
  } catch {
    // Short of space: then it speaks as the browser does.
  }
}

async function badge(count: number): Promise<void> {
  const { setAppBadge } = navigator as { setAppBadge?: (count: number) => Promise<void> }
  // Only an installed app has one.
  await setAppBadge?.call(navigator, count).catch(() => undefined)
}
