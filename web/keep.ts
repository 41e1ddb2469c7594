// What a device keeps, and how the conversation reaches it: the shapes, apart from any database.
// One origin is one device: all tabs share this, so everything that must be true together is one call, and one transaction.
import type { MessageState } from './model.ts'

/** S_d: a pair that cannot be exported, or, where the browser cannot keep one, 32 bytes. */
export type StoredKey = { publicKey: Key; privateKey: Key } | Uint8Array
type Key = (typeof CryptoKey)['prototype']

export interface Profile {
  /** H_pub */
  hostPublicKey: Uint8Array
  hostName: string
  key: StoredKey
  /** the invite's fragment until the first connection of this device (SPEC §6.3) */
  invite: string | null
  /** of ENROL_OK */
  deviceId: Uint8Array | null
  root: Uint8Array | null
  name: string
  member: string | null
  roomName: string
  knownSinceMs: number
  /** newest valid record and its seq */
  record: Uint8Array | null
  seq: number
  /** last event number given out, and last one stored of the host's with its id (SPEC §6.2) */
  assigned: number
  stored: number
  storedId: Uint8Array
  /** the room has messages of this device that it forgot, and they have not come yet */
  behind: boolean
  /** the host said that this device was revoked */
  removed: boolean
}

export interface StoredMessage {
  id: string
  author: string
  mine: boolean
  text: string
  atMs: number
  seq: number | null
  state: MessageState
}

export interface OutboxEntry {
  number: number
  id: Uint8Array
  kind: number
  body: Uint8Array
}

/** Rejects with ClawError('storage') or an error of the database; then nothing of the call was kept. */
export interface Keep {
  /** the profile in use, else the one that is joining */
  profile(): Promise<Profile | null>
  /** changes the profile in use */
  update(change: Partial<Profile>): Promise<Profile>
  /** the newest placed messages, oldest first, and all that have no place yet, as they were written */
  messages(limit: number): Promise<StoredMessage[]>
  message(id: string): Promise<StoredMessage | null>
  putMessages(messages: readonly StoredMessage[]): Promise<void>
  /** a new message: its number is given out in the transaction that keeps it */
  post(message: StoredMessage, event: Omit<OutboxEntry, 'number'>): Promise<OutboxEntry>
  /** at most `limit` events above a number, in order */
  pending(after: number, limit: number): Promise<OutboxEntry[]>
  /** the host has these on its disk. @returns the messages that are `sent` by that */
  acknowledged(number: number): Promise<StoredMessage[]>
  /**
   * SPEC §6.2, from the sender's side: brings the outbox in line with what the host stored, and sets `behind` when the
   * host has something of this device that was never written here. @returns as `acknowledged`
   */
  settle(stored: number, id: Uint8Array): Promise<StoredMessage[]>
  /** one event of the host: its messages and its number together, so that an acknowledgement is never a lie */
  receive(number: number, id: Uint8Array, messages: readonly StoredMessage[]): Promise<void>
}
