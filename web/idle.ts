// Whether nobody has used this page for a while, in any tab: then it locks itself. Timers sleep with the device, so the time
// is looked at again whenever the page is.

const LOOK_MS = 5000
/** How often a use is noted. */
const NOTE_MS = 1000

interface IdlePorts {
  /** unix ms */
  readonly now: () => number
  /** 0: never */
  readonly minutes: () => number
  /** when any tab was used last, as far as that is known */
  readonly usedMs: () => number
  readonly onUse: (nowMs: number) => unknown
  readonly onIdle: () => void
}

export class Idle {
  readonly #ports: IdlePorts
  #usedMs: number

  constructor(ports: IdlePorts) {
    this.#ports = ports
    this.#usedMs = ports.now()
  }

  /** For the life of the page. */
  watch(): void {
    this.#ports.onUse(this.#usedMs)
    for (const type of ['pointerdown', 'keydown', 'wheel', 'touchmove'])
      addEventListener(type, () => this.use(), { capture: true, passive: true })
    document.addEventListener('visibilitychange', () => this.look())
    addEventListener('focus', () => this.look())
    setInterval(() => this.look(), LOOK_MS)
  }

  use(): void {
    const nowMs = this.#ports.now()
    if (Math.abs(nowMs - this.#usedMs) < NOTE_MS) return
    // Who wakes a page that slept too long comes too late.
    if (this.look()) return
    this.#usedMs = nowMs
    this.#ports.onUse(nowMs)
  }

  /** @returns whether it has been too long. A clock that was set elsewhere counts as long. */
  look(): boolean {
    const { now, minutes, usedMs, onIdle } = this.#ports
    const unusedMs = Math.abs(now() - Math.max(this.#usedMs, usedMs()))
    const isIdle = minutes() > 0 && unusedMs >= minutes() * 60_000
    if (isIdle) onIdle()
    return isIdle
  }
}
