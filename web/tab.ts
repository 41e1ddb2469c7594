// Which tab of this origin leads (SPEC §6.2: one carrier per device): a lease in IndexedDB, and a channel between tabs.
// Web Locks are missing on plain http, so they are not used anywhere.
import { toHex } from '../shared/bytes.ts'
import type { Lookup, LookupAnswer } from '../shared/lookups.ts'
import type { ClawMessage } from '../shared/messages.ts'
import type { Device } from './device.ts'
import type { AppState, FileTask } from './model.ts'
import type { StoreKeys } from './vault.ts'

const LEASE_MS = 3000
const RENEW_MS = 1000
const PLACE = 'clawchat-tab'
export const CHANNEL = 'clawchat'

/**
 * A reload is the same tab, and need not wait for its own lease to end. The id lies there only between leaving and coming
 * back, so that a duplicated tab does not inherit it.
 */
function inheritId(): string | null {
  try {
    const id = sessionStorage.getItem(PLACE)
    sessionStorage.removeItem(PLACE)
    return id
  } catch {
    return null
  }
}

function leaveId(id: string): void {
  try {
    sessionStorage.setItem(PLACE, id)
  } catch {
    // Storage is blocked: then a reload waits for the lease.
  }
}

type Of<T extends ClawMessage['type']> = Extract<ClawMessage, { type: T }>

export type TabMessage =
  /** the leader's state, for the tabs that only show it */
  | { readonly type: 'state'; readonly state: AppState }
  /** something new lies in the outbox, or a follower wants older messages or a new try */
  | { readonly type: 'outbox' }
  | { readonly type: 'older' }
  | { readonly type: 'newer' }
  | { readonly type: 'newest' }
  | { readonly type: 'jump'; readonly room: string; readonly seq: number }
  | { readonly type: 'retry' }
  /** what a person does in the rooms (talk.ts) */
  | { readonly type: 'room'; readonly room: string }
  | { readonly type: 'receipts'; readonly on: boolean }
  | { readonly type: 'typing' }
  /** what a person wants of a file */
  | { readonly type: 'file'; readonly task: FileTask }
  | { readonly type: 'seen' }
  | { readonly type: 'hello' }
  /** asked in a tab that does not lead, and the answer to it, which other tabs leave alone */
  | { readonly type: 'request'; readonly message: Of<'request'> | Lookup }
  | { readonly type: 'answer'; readonly message: Of<'answer'> | LookupAnswer }
  /** the leader has a carrier again: what was not answered goes out once more */
  | { readonly type: 'connected' }
  /** the sender is about to replace the profile, and has replaced it */
  | { readonly type: 'joining' }
  | { readonly type: 'joined' }
  /** the host is burnt, and what was kept of it is gone */
  | { readonly type: 'burned' }
  | { readonly type: 'resigned' }
  /** every tab closes, and asks for the PIN where there is one; the PIN was given in the sender */
  | { readonly type: 'lock' }
  | { readonly type: 'unlocked'; readonly keys: StoreKeys }

export class Tab {
  readonly #device: Device
  readonly #id = inheritId() ?? toHex(crypto.getRandomValues(new Uint8Array(8)))
  readonly #channel = new BroadcastChannel(CHANNEL)
  readonly #onLead: () => void
  readonly #onLost: () => void
  leading = false

  constructor(input: {
    readonly device: Device
    readonly onMessage: (message: TabMessage) => void
    readonly onLead: () => void
    readonly onLost: () => void
  }) {
    this.#device = input.device
    this.#onLead = input.onLead
    this.#onLost = input.onLost
    this.#channel.onmessage = (event) => {
      const message = event.data as TabMessage
      if (message.type === 'resigned') void this.#contend()
      else input.onMessage(message)
    }
    setInterval(() => void this.#contend(), RENEW_MS)
    addEventListener('pagehide', () => {
      if (!this.leading) return
      this.leading = false
      leaveId(this.#id)
      void this.#device.resign(this.#id).then(() => this.tell({ type: 'resigned' }))
    })
    addEventListener('pageshow', () => {
      inheritId()
      void this.#contend()
    })
  }

  /** Tries for the lead once. */
  async start(): Promise<void> {
    await this.#contend()
    if (!this.leading) this.tell({ type: 'hello' })
  }

  async #contend(): Promise<void> {
    const leads = await this.#device.lead(this.#id, Date.now(), LEASE_MS).catch(() => true)
    if (leads === this.leading) return
    this.leading = leads
    if (leads) this.#onLead()
    else this.#onLost()
  }

  tell(message: TabMessage): void {
    this.#channel.postMessage(message)
  }
}
