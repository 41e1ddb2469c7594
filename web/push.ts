// Whether this browser is told that something waits while no page of it is open (SPEC §7.8): its subscription at the push service
// of its maker, and the host that may send there. The browser knows whether there is one; nothing else is kept.
import type { Answer, Request } from '../shared/requests.ts'
import type { Notifying } from './model.ts'

/** `onAnswer` is called for what the host did not refuse. */
export type Ask = (request: Request, onAnswer?: (answer: Answer) => void) => void

export class Push {
  state: Notifying['push'] = 'off'
  readonly #ask: Ask
  readonly #onChange: () => void

  constructor(ask: Ask, onChange: () => void) {
    this.#ask = ask
    this.#onChange = onChange
  }

  async look(): Promise<void> {
    const manager = await pushManager()
    if (manager === null) this.state = 'unsupported'
    else this.state = (await manager.getSubscription()) === null ? 'off' : 'on'
  }

  /** Permission for notifications is there. */
  on(): void {
    this.#ask({ kind: 'push-key' }, (answer) => {
      if (answer.kind === 'push-key') void this.#subscribe(answer.key)
    })
  }

  async #subscribe(key: Uint8Array): Promise<void> {
    try {
      const manager = await pushManager()
      if (manager === null) return
      // One of a host before would not let this one send.
      await this.forget()
      const subscription = await manager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: Uint8Array.from(key),
      })
      const [p256dh, auth] = (['p256dh', 'auth'] as const).map(
        (name) => new Uint8Array(subscription.getKey(name) ?? []),
      )
      if (p256dh === undefined || auth === undefined) return
      const push = { endpoint: subscription.endpoint, p256dh, auth }
      this.#ask({ kind: 'push-on', push }, () => {
        this.state = 'on'
      })
    } catch {
      // No push service is to be had: offline, switched off, or none in this browser.
      this.state = 'refused'
      this.#onChange()
    }
  }

  async off(): Promise<void> {
    await this.forget()
    this.#ask({ kind: 'push-off' })
  }

  /** This browser belongs to no host, or to another one. */
  async forget(): Promise<void> {
    const subscription = await (await pushManager())?.getSubscription()
    await subscription?.unsubscribe()
    this.state = 'off'
    this.#onChange()
  }
}

async function pushManager(): Promise<PushManager | null> {
  if (!('serviceWorker' in navigator) || !('PushManager' in globalThis)) return null
  return (await navigator.serviceWorker.getRegistration())?.pushManager ?? null
}
