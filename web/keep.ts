// What a device keeps, and how the conversation reaches it: the shapes, apart from any database.
// One origin is one device: all tabs share this, so everything that must be true together is one call, and one transaction.
import type { Attachment } from '../shared/attachment.ts'
import type { Notice } from '../shared/events.ts'
import type { Counted, Member, MessageState, Reaction, Room } from './model.ts'
import { HOST_ROOM } from './roster.ts'

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
  /** as STATE said last; without what is counted */
  rooms: readonly Omit<Room, Counted>[]
  /** the same, without whether they are here; a page before kept none */
  members?: readonly Member[]
  /** by room id, hex: up to where this member has read, and each other one */
  read: Readonly<Record<string, number>>
  readBy: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** whether the others may know */
  receipts: boolean
  knownSinceMs: number
  /** newest valid record and its seq */
  record: Uint8Array | null
  seq: number
  /** last event number given out, and last one stored of the host's with its id (SPEC §6.2) */
  assigned: number
  stored: number
  storedId: Uint8Array
  /** how long the host keeps any message (SPEC §7.10); 0: for ever */
  keepMs: number
  /** by how much this device's clock was ahead of the host's */
  aheadMs: number
  /** rooms, hex, that have messages of this device that it forgot, and they have not come yet */
  behind: readonly string[]
  /** the host said that this device was revoked */
  removed: boolean
}

/** Of a device that asks to be let in: nothing of the host's is known yet. */
export const freshProfile = (
  own: Pick<
    Profile,
    'hostPublicKey' | 'hostName' | 'key' | 'invite' | 'name' | 'deviceId' | 'root' | 'knownSinceMs'
  >,
): Profile => ({
  ...own,
  member: null,
  ...{ rooms: [], read: {}, readBy: {}, receipts: true },
  ...{ record: null, seq: 0, keepMs: 0, aheadMs: 0 },
  ...{ assigned: 0, stored: 0, storedId: new Uint8Array(16) },
  ...{ behind: [], removed: false },
})

/** Before the first STATE, the host's own. */
export const roomIds = ({ rooms }: Profile): string[] =>
  rooms.length === 0 ? [HOST_ROOM] : rooms.map(({ id }) => id)

export interface StoredMessage {
  id: string
  room: string
  author: string
  mine: boolean
  text: string
  atMs: number
  seq: number | null
  state: MessageState
  edited: boolean
  deleted: boolean
  change: number
  replyTo: string | null
  reactions: readonly Reaction[]
  file?: Attachment
  gone: boolean
  endsAtMs: number
  notice: Notice | null
}

/** What somebody else wrote, while it is there. */
export const isNews = ({ mine, gone, notice }: StoredMessage): boolean =>
  !mine && !gone && notice === null

/** The page says "99+" from here on; each one counted is read from the disk. */
export const COUNTED_MOST = 100

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
  /** the newest placed messages of a room, oldest first, and all of it that have no place yet, as they were written */
  messages(room: string, limit: number): Promise<StoredMessage[]>
  /** what others wrote in a room above a sequence number, in order; at most the first {@link COUNTED_MOST} */
  others(room: string, seq: number): Promise<StoredMessage[]>
  /** the newest placed messages of a room below a sequence number, oldest first */
  below(room: string, seq: number, limit: number): Promise<StoredMessage[]>
  /** forgets a room's messages */
  dropRoom(room: string): Promise<void>
  message(id: string): Promise<StoredMessage | null>
  /**
   * Deletes messages whose time is over, and what waits to be said of them (SPEC §7.10); some at a time.
   * `nowMs`: the host's. @returns them, as they were
   */
  end(nowMs: number, keepMs: number): Promise<StoredMessage[]>
  putMessages(messages: readonly StoredMessage[]): Promise<void>
  /** a new message: its number is given out in the transaction that keeps it */
  post(message: StoredMessage, event: Omit<OutboxEntry, 'number'>): Promise<OutboxEntry>
  /** forgets a message that was never posted */
  forget(id: string): Promise<void>
  /** any other event */
  enqueue(event: Omit<OutboxEntry, 'number'>): Promise<void>
  /**
   * An event about one message, and that message as it looks by it: from what is kept at that moment, so that nothing that
   * the host tells meanwhile is lost. @returns it; null if there is none, or `change` wants none: then nothing is kept
   */
  alter(
    event: Omit<OutboxEntry, 'number'>,
    id: string,
    change: (message: StoredMessage) => StoredMessage | null,
  ): Promise<StoredMessage | null>
  /** at most `limit` events above a number, in order */
  pending(after: number, limit: number): Promise<OutboxEntry[]>
  /** the host has these on its disk. @returns the messages that are `sent` by that */
  acknowledged(number: number): Promise<StoredMessage[]>
  /**
   * SPEC §6.2, from the sender's side: brings the outbox in line with what the host stored, and sets `behind` when the
   * host has something of this device that was never written here. `nowMs`: the host's. @returns as `acknowledged`
   */
  settle(stored: number, id: Uint8Array, nowMs: number): Promise<StoredMessage[]>
  /** one event of the host: what it changes and its number together, so that an acknowledgement is never a lie */
  receive(
    number: number,
    id: Uint8Array,
    messages: readonly StoredMessage[],
    change?: Partial<Profile>,
  ): Promise<void>
}
