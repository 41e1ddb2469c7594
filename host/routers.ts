// The mappings of both address families as one part of the host: IPv4 ports on the router, IPv6 pinholes in its firewall.
import type { RandomBytes } from '../shared/crypto.ts'
import type { FamilyStatus, RouterStatus, StartOptions } from './config.ts'
import type { Settings } from './database.ts'
import type { FarAddress, Wanted } from './mapstate.ts'
import { RouterMapping } from './router.ts'

const MIN_LEASE_MS = 120_000
const MAX_LEASE_MS = 24 * 3_600_000
const OFF: FamilyStatus = { cause: 'off', mappings: [] }

/** As long as a port is bound, which is a little over one epoch. */
export function leaseMs({ intervalMs, noticeMs, graceMs }: StartOptions['rotation']): number {
  return Math.min(Math.max(intervalMs + noticeMs + graceMs, MIN_LEASE_MS), MAX_LEASE_MS)
}

export class Routers {
  readonly #families: readonly (readonly ['ipv4' | 'ipv6', RouterMapping])[]

  constructor(input: {
    readonly options: StartOptions
    readonly settings: Settings
    readonly random: RandomBytes
    readonly now: () => number
    /** {@link Routers.far} is another */
    readonly onChange: () => void
  }) {
    const { options, ...rest } = input
    const own = {
      ...rest,
      bindAddress: options.udpAddress,
      stun: options.stun,
      leaseMs: leaseMs(options.rotation),
    }
    this.#families = options.map
      ? [
          ['ipv4', new RouterMapping({ ...own, family: 4 })],
          ['ipv6', new RouterMapping({ ...own, family: 6 })],
        ]
      : []
  }

  start(): void {
    for (const [, router] of this.#families) router.start()
  }

  /** The most needed first, and in full each time. */
  want(wanted: readonly Wanted[]): void {
    for (const [, router] of this.#families) router.want(wanted)
  }

  /** The router may have restarted, or be another one. */
  doubt(): void {
    for (const [, router] of this.#families) router.doubt()
  }

  /** Deletes what is mapped, within 2.5 s. */
  async stop(): Promise<void> {
    await Promise.all(this.#families.map(([, router]) => router.stop()))
  }

  get far(): readonly FarAddress[] {
    return this.#families.flatMap(([, router]) => router.far)
  }

  get status(): RouterStatus {
    const found = Object.fromEntries(this.#families.map(([name, router]) => [name, router.status]))
    return { ipv4: OFF, ipv6: OFF, ...found }
  }
}
