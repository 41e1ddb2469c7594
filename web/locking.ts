// The lock before what this browser keeps (SPEC §11.1), closed in all tabs together. A closed tab is loaded anew: then nothing
// of the chat is left in it, and the keys are gone from its memory.
import type { Device } from './device.ts'
import { Idle } from './idle.ts'
import type { LockWishes } from './model.ts'
import { Part } from './part.ts'
import { keepUsed, keptLockAfter, keptUsed } from './settings.ts'
import type { Tab } from './tab.ts'

const RELOCK = new Part(async () => (await import('./pin.ts')).relock)

interface LockingPorts {
  readonly device: Pick<Device, 'lock' | 'relock'>
  readonly tell: Tab['tell']
}

export class Locking implements LockWishes {
  readonly #ports: LockingPorts

  constructor(ports: LockingPorts) {
    this.#ports = ports
  }

  start(): void {
    const idle = new Idle({
      now: () => Date.now(),
      minutes: () => (this.isSet ? keptLockAfter() : 0),
      usedMs: keptUsed,
      // Without a PIN nobody has to know.
      onUse: (nowMs) => this.isSet && keepUsed(nowMs),
      onIdle: () => this.now(),
    })
    idle.watch()
  }

  get isSet(): boolean {
    return this.#ports.device.lock.kind === 'pin'
  }

  async change(
    current: string,
    next: string | null,
    onProgress: (done: number) => void,
  ): Promise<void> {
    const relock = await RELOCK.load()
    await relock(this.#ports.device, current, next, onProgress)
    // The other tabs do not have the newest key.
    this.#ports.tell({ type: 'lock' })
  }

  now(): void {
    this.#ports.tell({ type: 'lock' })
    void closeTab()
  }
}

/** Nothing of the chat stays on the screen while the page loads anew. */
export async function closeTab(): Promise<void> {
  document.body.replaceChildren()
  document.title = 'ClawChat'
  await closeNotifications().catch(() => undefined)
  location.reload()
}

/** They may name rooms and people. */
async function closeNotifications(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const registration = await navigator.serviceWorker.getRegistration()
  for (const each of (await registration?.getNotifications()) ?? []) each.close()
}
