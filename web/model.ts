// What the views show and what they may ask for. The engine owns the state; views are a pure function of it.
import type { Attachment } from '../shared/attachment.ts'
import type { Role, Route } from '../shared/constants.ts'
import type { ClawErrorCode } from '../shared/error.ts'
import type { Notice } from '../shared/events.ts'
import type { Overview } from '../shared/overview.ts'
import type { Reach, RequestKind } from '../shared/requests.ts'
import type { RoomKind } from '../shared/state.ts'
import type { Excerpt } from '../shared/terms.ts'

export type MessageState = 'sending' | 'sent' | 'delivered' | 'read' | 'failed'

export interface Reaction {
  readonly emoji: string
  /** member ids, hex */
  readonly members: readonly string[]
}

export interface Message {
  /** 32 hex digits */
  readonly id: string
  /** room id, 32 hex digits */
  readonly room: string
  /** member id, hex */
  readonly author: string
  readonly mine: boolean
  readonly text: string
  readonly atMs: number
  /** room sequence number; null until the host stored it */
  readonly seq: number | null
  readonly state: MessageState
  readonly edited: boolean
  /** for all; then without text, reply and reactions */
  readonly deleted: boolean
  /** of two pictures of one message the higher is the later; 0 before the host has it */
  readonly change: number
  /** id of the message that it answers */
  readonly replyTo: string | null
  readonly reactions: readonly Reaction[]
  /** of one that is still being sent the hash is not known yet */
  readonly file?: Attachment
  /** its time is over: only its place is left, and it is not shown */
  readonly gone: boolean
  /** when that will be, by its room; unix ms of the host, 0: never */
  readonly endsAtMs: number
  /** what the author set, in place of a text */
  readonly notice: Notice | null
}

/** How a file comes or goes; by the id of its message. */
export interface TransferView {
  readonly id: string
  readonly way: 'up' | 'down'
  readonly phase: 'active' | 'paused' | 'failed' | 'done'
  readonly code: ClawErrorCode | null
  readonly bytes: number
  readonly total: number
  /** bytes; null while that is not known */
  readonly perSecond: number | null
}

/** What a person wants of a file, for the tab that leads. */
export type FileTask =
  | { readonly do: 'send'; readonly message: Message; readonly content: Blob }
  | { readonly do: 'again'; readonly id: string; readonly content: Blob }
  | { readonly do: 'fetch' | 'pause' | 'resume' | 'cancel'; readonly id: string }

export interface Filing {
  /** One message each, in the shown room; `text` goes with the first. */
  send(files: readonly Blob[], text?: string, replyTo?: string | null): void
  voice(sound: Blob, durationMs: number, replyTo?: string | null): void
  /** the same file, once it could not be read any more */
  again(id: string, file: Blob): void
  fetch(id: string): void
  pause(id: string): void
  resume(id: string): void
  /** an upload goes with its message */
  cancel(id: string): void
  /** all of it, as a media type that a browser runs nothing of; null while it is not here, `large`: it has to be opened */
  content(message: Pick<Message, 'id' | 'file'>): Promise<Blob | 'large' | null>
  /** on the disk, for as long as this tab lives; null if it is not here. Rejects with ClawError('file-no-room') */
  open(
    message: Pick<Message, 'id' | 'file'>,
    onBytes: (bytes: number) => void,
  ): Promise<Blob | null>
}

export interface Room {
  /** hex; zeros: the host's room */
  readonly id: string
  readonly kind: RoomKind
  /** as it is shown */
  readonly name: string
  /** member ids, hex */
  readonly members: readonly string[]
  /** whether it may be renamed, and others let in or sent away, by this member; and whether this member may go */
  readonly mine: boolean
  readonly leavable: boolean
  /** how long what is written now stays; 0: as long as the host keeps it. And whether this member may set that */
  readonly lifeMs: number
  readonly isTimer: boolean
  /** up to this sequence number nothing is left */
  readonly goneUpTo: number
  readonly unread: number
  /** of the unread ones, those that name this member */
  readonly mentions: number
}
/** what is counted here, and not told by the host */
export type Counted = 'unread' | 'mentions'

export interface Member {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly online: boolean
  /** has no device any more; listed because messages bear its id */
  readonly gone: boolean
  /** does not show whether it is here */
  readonly hidden: boolean
  /** a colour that it chose, from 1 on; 0: none */
  readonly tone: number
  /** id of its picture, hex; empty: none */
  readonly picture: string
  /** unix ms; 0: here, never, or not told */
  readonly lastSeenMs: number
}

export interface DeviceInfo {
  readonly id: string
  /** member id; the owner sees the devices of all, others their own */
  readonly member: string
  readonly name: string
  readonly createdMs: number
  readonly lastSeenMs: number
  /** null: not connected */
  readonly route: Route | null
  readonly here: boolean
  /** 12 groups of five digits, the same as that device shows */
  readonly safetyCode: readonly string[]
}

/** A link that still lets somebody in. */
export interface OpenInvite {
  readonly id: string
  readonly role: Role
  /** whose further device it makes; null: it makes a member */
  readonly member: string | null
  readonly uses: number
  readonly used: number
  readonly expiresAtMs: number
  readonly note: string
  /** room ids, hex; none: the host's room */
  readonly rooms: readonly string[]
}

export interface InviteWish {
  readonly role: Role
  /** 1..64 */
  readonly uses: number
  /** 1 s .. 365 d */
  readonly lifeMs: number
  /** room ids, hex; none: the host's room */
  readonly rooms: readonly string[]
  /** ≤ 200 characters, for the list */
  readonly note: string
}

/** The last request to the host and how it stands. One at a time: nothing is asked while one is `running`. */
export interface Asked {
  readonly kind: RequestKind
  /** hex id of what it is about: a member (also of `device-link`), device or invite; null for `invite` */
  readonly id: string | null
  readonly status: 'running' | 'done' | 'failed'
  readonly code: ClawErrorCode | null
  /** of `invite` and `device-link`; secret until used */
  readonly link: {
    readonly url: string
    /** invite id */
    readonly invite: string
    /** `computer`: it works on the host's computer only, so no QR code */
    readonly reach: Reach
    readonly expiresAtMs: number
  } | null
  /** of `remove-device` and `remove-member` */
  readonly removal: {
    /** stores that do not hold the new record yet; they are tried on */
    readonly waiting: readonly string[]
    /** how many links stopped working with it */
    readonly links: number
  } | null
  /** of `overview` */
  readonly overview: Overview | null
}

/** What a person may ask of the host; the outcome stands in `AppState.asked`. Who may what: SPEC §7.3. Ids are hex. */
export interface Asking {
  invite(wish: InviteWish): void
  /** a link for a further device of this member; default: the own one */
  addDevice(member?: string): void
  withdraw(invite: string): void
  removeDevice(device: string): void
  removeMember(member: string): void
  renameMember(member: string, name: string): void
  renameDevice(device: string, name: string): void
  /** of the own member. `tone`: 0..6; `present`: others see whether it is here */
  profile(tone: number, present: boolean): void
  /** of the own member, at most 16 KiB; none: it has none from now on */
  picture(bytes: Uint8Array): void
  /** how the host is; the owner's devices only */
  overview(): void
  makeRoom(name: string, members: readonly string[]): void
  /** opens the direct conversation with this member */
  talkTo(member: string): void
  renameRoom(room: string, name: string): void
  addToRoom(room: string, member: string): void
  /** oneself, or somebody else */
  leaveRoom(room: string, member: string): void
  /** how long what is written there from now on stays; 0: off */
  setLifetime(room: string, lifeMs: number): void
  /** forgets the last answer */
  dismiss(): void
}

export type StepName = 'record' | 'verify' | 'direct' | 'handshake' | 'mailbox' | 'relay' | 'sync'

/** One row of "Connection details". `facts` are numbers and host names for the sentence, e.g. { stores: 2, ageMs: 360000, addresses: 3 }. */
export interface Step {
  readonly name: StepName
  readonly status: 'waiting' | 'running' | 'done' | 'failed' | 'skipped'
  readonly ms: number | null
  readonly code: ClawErrorCode | null
  readonly facts: Readonly<Record<string, number | string>>
}

export interface Connection {
  readonly state: 'connecting' | 'connected' | 'reconnecting' | 'offline'
  readonly route: Route | null
  readonly epoch: number | null
  readonly latencyMs: number | null
  readonly steps: readonly Step[]
}

export interface Security {
  /** hex of SHA-256(H_pub), first 16 bytes */
  readonly hostFingerprint: string
  /** 12 groups of five digits, or empty before the device has keys */
  readonly safetyCode: readonly string[]
  /** when both ends agreed on fresh keys, and when the key for messages changed last */
  readonly keysRenewedAtMs: number | null
  readonly messageKeyAtMs: number | null
  /** when the host sealed the newest record under fresh keys, by its own clock */
  readonly recordAtMs: number | null
  readonly epoch: number | null
  readonly intervalMs: number | null
  readonly knownSinceMs: number | null
  /** false where the browser could not keep S_d non-extractable */
  readonly keyProtected: boolean
  /** false on plain http off loopback */
  readonly secureContext: boolean
  readonly backend: 'webcrypto' | 'noble'
}

/** Two clocks differ by more than ten minutes (clock.ts). */
export interface ClockFinding {
  /** the host's only if this device and a store agree on another time */
  readonly whose: 'device' | 'host'
  /** how far that clock is ahead; below zero: behind */
  readonly aheadMs: number
  /** it may be more: all that is known is the time of the record */
  readonly atLeast: boolean
}

export interface AppState {
  /** `blank`: neither a link nor a known host. `join`: an invite waits for "Join". */
  readonly phase: 'starting' | 'blank' | 'join' | 'joining' | 'chat'
  readonly hostName: string
  /** how long the host keeps any message; 0: for ever */
  readonly keepMs: number
  /** grows whenever messages went because their time was over */
  readonly endings: number
  /** hex id of the room that is shown */
  readonly room: string
  readonly roomName: string
  readonly rooms: readonly Room[]
  /** who writes in the shown room, until when (unix ms) unless they go on */
  readonly typing: readonly { readonly member: string; readonly untilMs: number }[]
  /** up to which sequence number somebody else has read the shown room; 0 if nobody has */
  readonly readUpTo: number
  /** up to where this member had read the shown room when it was opened */
  readonly newAfter: number
  /** whether others see how far this member has read */
  readonly receipts: boolean
  /** in `join` and `joining`: the host that this browser already has a chat with, or null */
  readonly otherChat: string | null
  readonly me: string | null
  readonly members: readonly Member[]
  readonly devices: readonly DeviceInfo[]
  /** open links; the owner sees all, others those for their own devices */
  readonly invites: readonly OpenInvite[]
  readonly asked: Asked | null
  /** of the shown room, in order of display */
  readonly messages: readonly Message[]
  /** files under way, and those that came or failed since the page was opened */
  readonly transfers: readonly TransferView[]
  /** older messages exist on the host */
  readonly hasOlder: boolean
  /** the shown ones do not reach the newest: somebody jumped to a place further back */
  readonly hasNewer: boolean
  /** where somebody jumped to last: a sequence number of the shown room (null: the newest), and which jump it was */
  readonly target: { readonly seq: number | null; readonly jump: number } | null
  readonly loadingOlder: boolean
  readonly connection: Connection
  readonly security: Security | null
  /** shown as an alert with `data-code`; null when all is well */
  readonly error: ClawErrorCode | null
  readonly clock: ClockFinding | null
  /** what became of a file that was handed over last; null if none was, or since "Try again" */
  readonly handover: 'taken' | ClawErrorCode | null
}

/** What a person does in the rooms. Message and room ids are hex. */
export interface Talking {
  openRoom(room: string): void
  send(text: string, replyTo?: string | null): void
  retryMessage(id: string): void
  edit(id: string, text: string): void
  /** for all */
  remove(id: string): void
  react(id: string, emoji: string, on: boolean): void
  /** the person writes: the others in the room may know */
  typing(): void
  shareReceipts(on: boolean): void
  loadOlder(): void
  loadNewer(): void
  /** shows this place of a room and names it as `target` */
  jump(room: string, seq: number): void
  /** back to the newest of the shown room */
  toNewest(): void
}

/** What is looked for. Ids are hex; null: any. */
export interface SearchWish {
  readonly query: string
  readonly room: string | null
  readonly author: string | null
  /** not before, and before; 0: no bound */
  readonly fromMs: number
  readonly toMs: number
  readonly onlyFiles: boolean
  /** `next` of the results before */
  readonly below: string | null
}

export interface Hit {
  readonly id: string
  readonly room: string
  readonly author: string
  readonly atMs: number
  readonly seq: number
  readonly excerpt: Excerpt
}

/** Newest first. */
export interface Hits {
  readonly hits: readonly Hit[]
  /** where more may be found; null: that was all */
  readonly next: string | null
  /** without a host: only what is kept on this device was searched */
  readonly isKept: boolean
}

export type JumpPlace =
  | { readonly seq: number }
  | { readonly message: string }
  /** the first message that is not before this time */
  | { readonly atMs: number }

export interface EarlierText {
  /** until when the message said so */
  readonly untilMs: number
  readonly text: string
}

/** Looking for messages. Each rejects with ClawError: `no-answer`, `too-many`, `storage`. */
export interface Seeking {
  search(wish: SearchWish): Promise<Hits>
  /** @returns whether there is such a place */
  jumpTo(room: string, place: JumpPlace): Promise<boolean>
  /** of an edited message, newest first */
  earlier(message: string): Promise<readonly EarlierText[]>
}

/** What a notification tells; whoever stands beside the screen can read it. */
export type Telling = 'nothing' | 'name' | 'text'

export interface NotificationSettings {
  readonly on: boolean
  readonly tells: Telling
  readonly sound: boolean
  /** rooms, hex */
  readonly muted: readonly string[]
}

/** How a person who does not look hears of news; kept in this browser. */
export interface Notifying {
  readonly settings: NotificationSettings
  change(change: Partial<NotificationSettings>): void
  /** `unsupported`: on plain http, or in a browser without */
  readonly permission: 'default' | 'granted' | 'denied' | 'unsupported'
  /** asks the browser for permission, if it was not asked before; on the press of a button only */
  allow(): Promise<void>
  /** whether the host has this browser told while no page is open; `refused`: the browser has no push service to give */
  readonly push: 'unsupported' | 'off' | 'on' | 'refused'
  /** finds out which */
  look(): Promise<void>
  setPush(on: boolean): void
}

/** The lock before what this browser keeps. */
export interface LockWishes {
  readonly isSet: boolean
  /**
   * `current`: empty where none is set; `next` null: none from now on. `onProgress`: between 0 and 1. Rejects with ClawError
   * `passphrase-wrong` or `superseded`; then nothing has changed.
   */
  change(current: string, next: string | null, onProgress: (done: number) => void): Promise<void>
  /** All tabs; from then on the PIN is asked for. */
  now(): void
}

export interface Engine {
  readonly state: AppState
  subscribe(listener: (state: AppState) => void): () => void
  join(name: string): void
  readonly ask: Asking
  readonly talk: Talking
  readonly files: Filing
  readonly notifications: Notifying
  readonly seek: Seeking
  readonly lock: LockWishes
  /** in `join`: back to the chat with `otherChat` */
  dismiss(): void
  /** "Try again": clears the error and dials or enrols afresh */
  retry(): void
  /** a record by hand (`record.bin`): kept if it is newer, then dialled. @returns whether the file was good */
  handOver(files: readonly Blob[]): Promise<boolean>
}
