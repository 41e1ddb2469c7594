// The live sessions, one per device: who is online, and who must be told what.
import type { ChatSession } from './chat.ts'

export class Hub {
  readonly #sessions = new Map<string, ChatSession>()

  /** Makes this the device's active carrier; the older one is told and drains (SPEC §6.2). */
  enter(session: ChatSession): void {
    const older = this.#sessions.get(session.device)
    this.#sessions.set(session.device, session)
    if (older === undefined) this.broadcastState()
    else older.end('replaced')
  }

  /** @returns whether the device is offline now */
  leave(session: ChatSession): boolean {
    if (this.#sessions.get(session.device) !== session) return false
    this.#sessions.delete(session.device)
    this.broadcastState()
    return true
  }

  get online(): ReadonlySet<string> {
    return new Set(this.#sessions.keys())
  }

  get sessions(): Iterable<ChatSession> {
    return this.#sessions.values()
  }

  /** New events wait for these devices. */
  wake(devices: Iterable<string>): void {
    for (const device of devices) this.#sessions.get(device)?.pump()
  }

  broadcastState(): void {
    for (const session of this.#sessions.values()) session.sendState()
  }
}
