// Numbers both ends must agree on (SPEC). Limits of one side only live with that side.

export const RECORD_BYTES = 6144
export const SLOT_COUNT = 64
export const SCHEDULE_EPOCHS = 26
export const RECORD_LIFE_MS = 24 * 3600_000
export const STALE_SLACK_MS = 10 * 60_000
export const MAX_ADDRESSES = 8
export const MAX_LOCATOR_ENTRIES = 8
/** How a client speaks to a TURN server (SPEC §2.1). */
export const TURN_TRANSPORT = { udp: 1, tcp: 2, tls: 3 } as const
export type TurnTransport = keyof typeof TURN_TRANSPORT
export const TURN_SERVERS_MAX = 4
/** User name and password, each. */
export const TURN_WORD_MAX_BYTES = 128

export const KNOCK_BYTES = 93
export const KNOCK_CHARS = 124
export const HINT_BYTES = 8
/** Hints accepted around the current epoch: −2..+2 (SPEC §4). */
export const HINT_WINDOW = 2

export const ROUTE = { direct: 1, signal: 2, mailbox: 3, relay: 4 } as const
export type Route = keyof typeof ROUTE
export const MODE = { enrol: 1, connect: 2 } as const
export type Mode = keyof typeof MODE

/** Epochs around the current one whose signal hints a host tells its mailbox: −1..+1. */
export const SIGNAL_WINDOW = 1
/** 64 credentials, three epochs, 8 bytes each. */
export const MAILBOX_HINTS_BYTES = 1536
/** Messages of one client over a relay, each way: a sender keeps to these, the worker allows twice as many. */
export const RELAY_PER_SECOND = 64
export const RELAY_BURST = 256
/** Where the WebSocket of the route `signal` is (SPEC §4.6). */
export const SIGNAL_PATH = '/v1/signal'
/** A sealed offer or answer (SPEC §4.5). */
export const ENVELOPE_BYTES = 2048
/** Candidates of an offer or answer that count. */
export const CANDIDATES_MAX = 16

export const FRAME_MAX_BYTES = 16384
export const FRAME_BUCKETS = [64, 256, 1024, 4096, 16352] as const
export const FRAME_MAX_DATA = 16344
export const MESSAGE_MAX_BYTES = 1 << 20
export const RATCHET_FRAMES = 65536
export const RATCHET_BYTES = 2 ** 28
/** frames of one carrier, each way: far below where a counter could end */
export const CARRIER_MAX_FRAMES = 2 ** 32
export const RATCHET_MS = 15 * 60_000

export const TEXT_MAX_BYTES = 16_000
export const NAME_MAX_BYTES = 48
export const NOTE_MAX_BYTES = 800
/** of a search */
export const QUERY_MAX_BYTES = 200
/** what is shown of a text around the first match */
export const EXCERPT_MAX_BYTES = 606
/** matches marked in an excerpt */
export const RANGES_MAX = 32
export const MEMBER_ROLE = { owner: 1, member: 2, guest: 3, bot: 4 } as const
export type Role = keyof typeof MEMBER_ROLE
export const HISTORY_MAX = 200
/** Highest number of an event (SPEC §6.2). */
export const EVENT_NUMBER_MAX = 2 ** 48

/** Events sent ahead of their acknowledgement, and the bytes of their bodies above which none follows (SPEC §6.4). */
export const WINDOW_EVENTS = 256
export const WINDOW_BYTES = 512 * 1024
/** Frames received and not yet handled, per carrier. */
export const INBOX_FRAMES = 2048
export const INBOX_BYTES = 4 * 1024 * 1024
