// Which build of the page this is, and whether a newer one waits (DESIGN, "The page as an app"). A newer one is fetched and
// checked by its service worker and comes into use when a person says so. Plain http knows no service workers, nor does
// a page that a host changed for a test: then only the build is told.
import { GATEWAY_META } from './gateway.ts'

const WORKER = './sw.js'
const CHECK_MS = 3_600_000

export interface Version {
  /** hash of the build that this page is of (build.json), 64 hex digits; null while unknown */
  readonly build: string | null
  /** of one that waits, or that another tab has begun to use */
  readonly newer: string | null
}

export class PageVersion {
  value: Version = { build: null, newer: null }
  readonly #onChange: () => void
  #registration: ServiceWorkerRegistration | null = null
  #newer: ServiceWorker | null = null
  #checkedMs = 0

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  /** Never rejects: without it the page works all the same. */
  async start(): Promise<void> {
    const container = 'serviceWorker' in navigator ? navigator.serviceWorker : null
    const controller = container?.controller ?? null
    const build = controller === null ? await servedBuild() : await buildOf(controller)
    this.#set({ build })
    // Where the server is gone again there is nothing to keep yet.
    if (container === null || build === null || document.querySelector(GATEWAY_META) !== null)
      return
    try {
      const registration = await container.register(workerUrl(), { updateViaCache: 'none' })
      this.#registration = registration
      registration.addEventListener('updatefound', () => this.#await(registration.installing))
      this.#await(registration.installing)
      if (registration.waiting !== null) await this.#offer(registration.waiting)
    } catch {
      // Private windows, full disks, or a server that did not send this build.
    }
  }

  /** At most once an hour: when the page is looked at again, or the host has come back, perhaps as a newer one. */
  check(nowMs = performance.now()): void {
    if (nowMs - this.#checkedMs < CHECK_MS) return
    this.#checkedMs = nowMs
    if (this.#registration === null) void this.start()
    else this.#registration.update().catch(() => undefined)
  }

  /** A person said so. */
  use(): void {
    const worker = this.#newer
    if (worker === null) return
    const reload = (): void => {
      if (worker.state === 'activated') location.reload()
    }
    // Another tab may have said so before.
    reload()
    worker.addEventListener('statechange', reload)
    worker.postMessage('use')
  }

  #await(worker: ServiceWorker | null): void {
    // The first one of this browser is this very page.
    if (worker === null || this.#registration?.active == null) return
    worker.addEventListener('statechange', () => {
      if (worker.state === 'installed') void this.#offer(worker)
    })
  }

  async #offer(worker: ServiceWorker): Promise<void> {
    const newer = await buildOf(worker)
    this.#newer = worker
    this.#set({ newer })
  }

  #set(change: Partial<Version>): void {
    this.value = { ...this.value, ...change }
    this.#onChange()
  }
}

/** The one address that a script may be loaded from by this policy (`trusted-types clawchat`). A page has it once. */
const policy = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy(
  'clawchat',
  { createScriptURL: () => WORKER },
)
const workerUrl = (): string => policy?.createScriptURL(WORKER) ?? WORKER

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string }
}

function buildOf(worker: ServiceWorker): Promise<string> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(String(data))
    worker.postMessage('build', [port2])
  })
}

async function servedBuild(): Promise<string | null> {
  try {
    const { build } = (await (await fetch('./build.json')).json()) as { build?: unknown }
    return typeof build === 'string' ? build : null
  } catch {
    return null
  }
}
