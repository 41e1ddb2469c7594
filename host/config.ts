// What `clawchat start` may be told, what it reports, and the shapes of the other commands' answers (contract.md).

import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Role, Route } from '../shared/constants.ts'

export type { Role }

import { ClawError } from '../shared/error.ts'
import type { FileLimits } from './files.ts'
import type { MapProtocol, Transport } from './gateway.ts'
import type { MapCause } from './mapstate.ts'
import type { TurnOption } from './turn.ts'

export interface ListenAddress {
  readonly host: string
  /** 0: any free one */
  readonly port: number
}

/** A store beside the embedded endpoint. `url` has no trailing slash. */
export type StoreOption =
  | {
      readonly kind: 'https'
      readonly url: string
      /** in events and status; missing: by number */
      readonly name?: string
      /** for the first write of an id (SPEC §3.3) */
      readonly token?: string
    }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'mega' }

/** `null` everywhere: not given, so what was saved at an earlier start, or the default. */
export interface StartOptions {
  readonly dataDir: string
  readonly http: ListenAddress | null
  readonly lan: boolean
  /** go on although another copy of this host was seen */
  /** of the passphrase of the host's keys */
  readonly passphraseFile: string | null
  readonly takeOver: boolean
  /** ends in `/` or names an `.html` file */
  readonly pageUrl: string | null
  readonly name: string | null
  readonly rotation: RotationTimes
  readonly portRange: PortRange
  /** address the UDP sockets bind to; null: all */
  readonly udpAddress: string | null
  readonly externalAddress: string | null
  /** map ports on the router */
  readonly map: boolean
  /** TCP on the same port, for programs (SPEC §4.6) */
  readonly signal: boolean
  /** how much of files it keeps (SPEC §6.5) */
  readonly files: FileLimits
  /** how long any message is kept (SPEC §7.10); 0: for ever */
  readonly keepMs: number
  readonly stores: readonly StoreOption[]
  /** STUN servers, `host:port` */
  readonly stun: readonly string[]
  readonly turn: TurnOption | null
  /** further push services, `host` or `host:port` (SPEC §7.8) */
  readonly pushServices: readonly string[]
  /** gateway of MEGA's API, without trailing slash; another than MEGA's own is for tests */
  readonly megaApi: string
  /** CLAWCHAT_DEPLOY_TOKEN: for the one store given by https */
  readonly deployToken: string | null
  /** added to the host's clock, for tests */
  readonly clockOffsetMs: number
}

export interface RotationTimes {
  readonly intervalMs: number
  readonly noticeMs: number
  readonly graceMs: number
}

export interface PortRange {
  readonly first: number
  readonly last: number
}

export const DEFAULT_HTTP: ListenAddress = { host: '127.0.0.1', port: 8787 }
export const DEFAULT_ROTATION: RotationTimes = {
  intervalMs: 3_600_000,
  noticeMs: 120_000,
  graceMs: 300_000,
}
export const DEFAULT_PORT_RANGE: PortRange = { first: 49_152, last: 65_535 }

export const DEFAULT_FILES: FileLimits = {
  maxBytes: 16 * 2 ** 30,
  quotaBytes: 64 * 2 ** 30,
  memberBytes: 32 * 2 ** 30,
}

export type Reach = 'computer' | 'lan' | 'anywhere'

/** An address under which the page can be opened. */
export interface PageLink {
  readonly url: string
  readonly reach: Reach
  /** a secure context: WebCrypto and service worker are there */
  readonly secure: boolean
}

/** What is odd but stops nothing; words in host/terminal.ts. */
export type WarningCode =
  | 'clock-offset'
  | 'proxy-ignored'
  | 'page-unreachable'
  | 'page-version'
  | 'no-address'
  | 'origin-changed'
  | 'unknown-variable'

/** Times are ISO 8601; `identity`, `member` and `device` are hex. No secret but the invite in `ready`. */
export type HostEvent =
  | {
      readonly event: 'ready'
      readonly page: string
      readonly pages: readonly PageLink[]
      /** null unless an owner link is unused */
      readonly invite: string | null
      readonly identity: string
      readonly port: number
      readonly epoch: number
      readonly dataDir: string
    }
  | {
      readonly event: 'notice'
      readonly port: number
      readonly epoch: number
      readonly at: string
    }
  | {
      readonly event: 'rotated'
      readonly port: number
      readonly epoch: number
      readonly previousPort: number
      readonly graceEndsAt: string
    }
  | { readonly event: 'closed'; readonly port: number; readonly epoch: number }
  | { readonly event: 'published'; readonly store: string; readonly seq: number }
  | { readonly event: 'store-failed'; readonly store: string; readonly code: string }
  | { readonly event: 'enrolled'; readonly member: string; readonly device: string }
  | {
      readonly event: 'connected'
      readonly member: string
      readonly device: string
      readonly route: Route
    }
  | { readonly event: 'disconnected'; readonly member: string; readonly device: string }
  | { readonly event: 'revoked'; readonly device: string }
  | {
      readonly event: 'warning'
      readonly code: WarningCode
      /** of `unknown-variable`: its name, and the one that may be meant */
      readonly variable?: string
      readonly meant?: string | null
    }
  /** the identity of this folder is over; `ready` of the next one follows */
  | { readonly event: 'burnt'; readonly identity: string }
  | { readonly event: 'stopped' }

export const ROLES: readonly Role[] = ['owner', 'member', 'guest', 'bot']

/** Arguments of the control command `invite`. */
export interface InviteArgs {
  readonly role: Role
  readonly uses: number
  readonly expiresMs: number
  readonly note: string
  /** room ids, hex, where its member comes in; none: the host's room */
  readonly rooms: readonly string[]
}
export const DEFAULT_INVITE: InviteArgs = {
  role: 'member',
  uses: 1,
  expiresMs: 7 * 24 * 3_600_000,
  note: '',
  rooms: [],
}

export interface InviteResult {
  /** the whole link */
  readonly invite: string
  readonly id: string
  readonly expires: string
  readonly uses: number
  readonly reach: Reach
}

/** A row of `invite --list`: no secret in it. */
export interface InviteRow {
  readonly id: string
  readonly role: Role
  readonly note: string
  readonly uses: number
  readonly used: number
  readonly expires: string
  readonly state: 'open' | 'used' | 'expired' | 'withdrawn'
  /** whose device it makes; null: it makes a member */
  readonly member: string | null
  /** room ids, where its member comes in; none: the host's room */
  readonly rooms: readonly string[]
}

/** A line of `rooms`. */
export interface RoomResult {
  readonly room: string
  readonly name: string
  readonly members: number
  /** how long what is written there now stays; 0: as long as the host keeps it */
  readonly lifeMs: number
}

/** `room`: an id, or a name that only one room has. */
export interface LifetimeArgs {
  readonly room: string
  readonly lifeMs: number
}

/** What the router does for this host, in one address family. */
export interface FamilyStatus {
  /** null while all is well */
  readonly cause: MapCause | null
  readonly mappings: readonly {
    readonly protocol: MapProtocol
    readonly transport: Transport
    /** of this computer */
    readonly port: number
    readonly externalPort: number
    readonly since: string
    /** null: until it is deleted */
    readonly leaseSeconds: number | null
  }[]
}

export interface RouterStatus {
  readonly ipv4: FamilyStatus
  readonly ipv6: FamilyStatus
}

export interface StatusResult {
  readonly page: string
  readonly pages: readonly PageLink[]
  /** SHA-256(H_pub), the first 16 bytes, hex */
  readonly identity: string
  readonly name: string
  readonly port: number
  readonly epoch: number
  readonly nextRotation: string
  readonly stores: readonly {
    readonly store: string
    readonly seq: number | null
    /** null while it works */
    readonly code: string | null
  }[]
  readonly router: RouterStatus
  readonly members: number
  readonly devices: number
  readonly connected: number
  readonly dataDir: string
}

export interface RotateResult {
  readonly port: number
  readonly epoch: number
  readonly previousPort: number
  readonly graceEndsAt: string
}

/** A line of `members`. */
export interface MemberResult {
  readonly member: string
  readonly name: string
  readonly role: Role
  readonly devices: readonly {
    readonly device: string
    readonly name: string
    readonly lastSeen: string
    /** null while it is not connected */
    readonly route: Route | null
    /** 12 groups of five digits (SPEC §8) */
    readonly safetyCode: readonly string[]
  }[]
}

export interface RevokeResult {
  /** device ids that are out */
  readonly revoked: readonly string[]
  /** ids of the invites that died with them */
  readonly links: readonly string[]
  /** stores that do not hold the new record yet */
  readonly unconfirmed: readonly string[]
  /** devices that the owner has left */
  readonly ownerDevices: number
}
/** Arguments of `clawchat deploy`. */
export interface DeployArgs {
  /** the worker's name at Cloudflare; null: as before, or `clawchat` */
  readonly worker: string | null
  readonly dryRun: boolean
}

export type DeployResult =
  | {
      readonly event: 'deployed'
      readonly dryRun: boolean
      readonly worker: string
      /** address of page and endpoint, no trailing slash; null after a dry run */
      readonly url: string | null
    }
  /** `worker`: its name, or null if there was none */
  | { readonly event: 'worker-forgotten'; readonly worker: string | null }

/** `--data`, else CLAWCHAT_DATA, else the platform's folder for application data. */
export function dataFolder(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  const named = option ?? env.CLAWCHAT_DATA
  if (named !== undefined && named !== '') return named
  const home = homedir()
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData/Local'), 'ClawChat')
  if (platform === 'darwin') return join(home, 'Library/Application Support/ClawChat')
  return join(env.XDG_DATA_HOME ?? join(home, '.local/share'), 'clawchat')
}

const UNIT_MS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
}

/** "1h30m", "10s", "500ms" to milliseconds; ClawError('usage') for anything else. Units in falling order, each once. */
export function parseDuration(text: string): number {
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text)
  if (text === '' || match === null) throw new ClawError('usage')
  const total = ['d', 'h', 'm', 's', 'ms'].reduce(
    (sum, unit, i) => sum + Number(match[i + 1] ?? 0) * (UNIT_MS[unit] ?? 0),
    0,
  )
  if (!Number.isSafeInteger(total)) throw new ClawError('usage')
  return total
}

/** The inverse of {@link parseDuration}, for people. */
export function formatDuration(ms: number): string {
  let left = ms
  let out = ''
  for (const [unit, size] of Object.entries(UNIT_MS)) {
    const count = Math.floor(left / size)
    if (count > 0) out += `${count}${unit}`
    left -= count * size
  }
  return out === '' ? '0s' : out
}
