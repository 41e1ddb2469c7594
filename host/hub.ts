// The live sessions, one per device: who is online, and who must be told what.
import type { Route } from '../shared/constants.ts'
import { Pace } from '../shared/pace.ts'
import type { ChatSession } from './chat.ts'

/** Events of one device, on all its carriers together (SPEC §6.4). */
export const EVENT_BURST = 1000
export const EVENTS_PER_SECOND = 20

/** Hears who comes and goes, and for whom something is new. */
export interface HubWatcher {
  woken(devices: readonly string[]): void
  entered(device: string): void
  /** no carrier of it is left */
  left(device: string): void
}

export class Hub {
  watcher: HubWatcher | null = null
  readonly #sessions = new Map<string, ChatSession>()
  /** a device that comes back has no new burst */
  readonly #paces = new Map<string, Pace>()
  /** also those before RESUME and those that drain */
  readonly #open = new Set<ChatSession>()

  /** Its carrier is open and authenticated; until `leave`. */
  open(session: ChatSession): void {
    this.#open.add(session)
  }

  /** How fast the events of this device are taken. */
  pace(device: string, nowMs: number): Pace {
    const pace = this.#paces.get(device) ?? new Pace(nowMs, EVENTS_PER_SECOND, EVENT_BURST)
    this.#paces.set(device, pace)
    return pace
  }

  /** Makes this the device's active carrier; the older one is told and drains (SPEC §6.2). */
  enter(session: ChatSession): void {
    const older = this.#sessions.get(session.device)
    this.#sessions.set(session.device, session)
    this.watcher?.entered(session.device)
    if (older === undefined) this.broadcastState()
    else older.end('replaced')
  }

  /** @returns whether the device is offline now */
  leave(session: ChatSession): boolean {
    this.#open.delete(session)
    if (this.#sessions.get(session.device) !== session) return false
    this.#sessions.delete(session.device)
    this.watcher?.left(session.device)
    this.broadcastState()
    return true
  }

  /** Says goodbye to a revoked device on every carrier that it has. */
  expel(device: string): void {
    for (const session of this.#open) if (session.device === device) session.end('revoked')
  }

  /** Device ids, and the route of each. */
  get online(): ReadonlyMap<string, Route> {
    return new Map([...this.#sessions].map(([device, { route }]) => [device, route]))
  }

  get sessions(): Iterable<ChatSession> {
    return this.#sessions.values()
  }

  /** New events wait for these devices. */
  wake(devices: Iterable<string>): void {
    const woken = [...devices]
    for (const device of woken) this.#sessions.get(device)?.pump()
    this.watcher?.woken(woken)
  }

  broadcastState(): void {
    for (const session of this.#sessions.values()) session.sendState()
  }
}
