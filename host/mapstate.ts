// What the mapping machine (host/mapping.ts) knows, and what can be read from it: the far addresses for the record, and why
// there are none. Pure.
import { isDialable } from '../shared/record.ts'
import { parseIp } from './addresses.ts'
import type { MapFailure, MapProtocol, Transport } from './gateway.ts'

/** A port of this computer that the router is to hand on. The most needed first. */
export interface Wanted {
  readonly transport: Transport
  readonly port: number
  /** whether people are to dial it: a port in grace is kept mapped, and no longer told */
  readonly listed: boolean
}

/** A mapping as it is kept on disk, before the router is asked for it. Addresses are texts. */
export interface Slot {
  readonly gateway: string
  readonly client: string
  readonly protocol: MapProtocol
  readonly transport: Transport
  readonly internalPort: number
  readonly externalPort: number
  /** 12 bytes, hex */
  readonly nonce: string
  readonly sinceMs: number
  /** null: until it is deleted */
  readonly untilMs: number | null
}

export interface Live extends Slot {
  /** the router has confirmed it */
  readonly granted: boolean
  /** 0: until it is deleted */
  readonly leaseMs: number
  readonly renewAtMs: number
  /** external ports that were taken */
  readonly conflicts: number
  /** protocols that refused it */
  readonly refusals: number
  readonly failure: MapFailure | null
}

export interface Router {
  readonly gateway: string
  readonly client: string
  /** those that answered, the best first; never empty */
  readonly protocols: readonly MapProtocol[]
  readonly external: string | null
  /** since when it knows its mappings, by this computer's clock, and when it last said so */
  readonly boot: { readonly startMs: number; readonly atMs: number } | null
  /** it knows no leases */
  readonly permanent: boolean
}

/** Answer with the input of the same name, or `failed`. At most one is under way. */
export type Job =
  /** `found` or `not-found` */
  | { readonly type: 'find' }
  /** `mapped` */
  | { readonly type: 'map'; readonly slot: Slot; readonly leaseMs: number }
  /** `unmapped` */
  | { readonly type: 'unmap'; readonly slot: Slot }
  /** `looked` */
  | { readonly type: 'look'; readonly slot: Slot | null }

export interface MappingOptions {
  /** 6: pinholes in the firewall of an IPv6 router; their far address is the near one */
  readonly family: 4 | 6
  /** asked of the router; a little over an epoch */
  readonly leaseMs: number
}

export interface MappingState {
  readonly options: MappingOptions
  readonly phase: 'idle' | 'searching' | 'ready' | 'stopping' | 'stopped'
  readonly wanted: readonly Wanted[]
  /** the last one found, also while it is searched for again */
  readonly router: Router | null
  readonly live: readonly Live[]
  /** no longer wanted, or of an earlier run: to be deleted */
  readonly leftovers: readonly Slot[]
  readonly busy: Job | null
  readonly searchAtMs: number
  /** searches without success, in a row */
  readonly searches: number
  readonly lookAtMs: number
  /** until then it is looked at more often */
  readonly doubtUntilMs: number
  /** looks so far: each is at another mapping */
  readonly looks: number
  /** questions without answer, in a row */
  readonly misses: number
  /** why the last search found nothing */
  readonly missing: 'no-gateway' | 'no-answer' | 'refused' | 'bad-answer' | null
  /** this computer's address as a STUN server saw it */
  readonly seen: string | null
  /** time of the newest input */
  readonly nowMs: number
}

/** Why nobody outside gets through, or might not (SPEC §9.1). */
export type MapCause =
  | 'off'
  | 'searching'
  | 'no-gateway'
  | 'no-answer'
  | 'refused'
  | 'bad-answer'
  | 'no-public-address'
  | 'carrier-nat'
  | 'double-nat'
  | 'address-differs'

/** What the router's own far address says: null if it is a public one. Text in, IPv4. */
export function diagnose(external: string): MapCause | null {
  const [a = 0, b = 0, c = 0] = parseIp(external)
  if (a === 0) return 'no-public-address'
  // RFC 6598; RFC 7335 (DS-Lite).
  if ((a === 100 && b >= 64 && b < 128) || (a === 192 && b === 0 && c === 0)) return 'carrier-nat'
  const isPrivate = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)
  const isReserved = (a === 169 && b === 254) || (a === 198 && (b & 254) === 18) || a >= 240
  return isPrivate || isReserved || !isDialable(parseIp(external)) ? 'double-nat' : null
}

const diagnosed = ({ options, router }: MappingState): MapCause | null =>
  options.family === 6 || router === null || router.external === null
    ? null
    : diagnose(router.external)

/** Behind a carrier's NAT no mapping leads anywhere. */
export const isMoot = (state: MappingState): boolean => diagnosed(state) === 'carrier-nat'

/** The far end of a mapping that people may dial. */
export interface FarAddress {
  /** `udp`: by TCP as well, unless another one says otherwise */
  readonly transport: Transport
  /** text, IPv4 */
  readonly address: string
  readonly internalPort: number
  readonly externalPort: number
}

/** Of mapped ports, the most needed first; of TCP where UDP has another number outside, or none. Behind two routers this is an address of the outer one's network. */
export function farAddresses(state: MappingState): FarAddress[] {
  const address = state.router?.external ?? null
  if (state.options.family === 6 || address === null || isMoot(state)) return []
  if (!isDialable(parseIp(address))) return []
  const ends = state.wanted.flatMap(({ transport, port, listed }) => {
    const slot = findLive(state, transport, port)
    if (!listed || !slot?.granted) return []
    return [{ transport, address, internalPort: port, externalPort: slot.externalPort }]
  })
  return ends.filter((end) => end.transport === 'udp' || !ends.some((other) => serves(other, end)))
}

const serves = (udp: FarAddress, tcp: FarAddress): boolean =>
  udp.transport === 'udp' &&
  udp.internalPort === tcp.internalPort &&
  udp.externalPort === tcp.externalPort

export const findLive = (
  state: MappingState,
  transport: Transport,
  port: number,
): Live | undefined =>
  state.live.find((slot) => slot.transport === transport && slot.internalPort === port)

/** Null while all is well. */
export function causeOf(state: MappingState): MapCause | null {
  const named = diagnosed(state)
  // Whoever sees this computer sees it by some address: so the line works, and the router hides that it is behind another.
  if (named === 'no-public-address' && state.seen !== null) return 'double-nat'
  if (named !== null) return named
  if (state.live.some(({ granted }) => granted)) {
    const { seen, router, options } = state
    const differs = options.family === 4 && seen !== null && router?.external !== null
    return differs && seen !== router?.external ? 'address-differs' : null
  }
  const failure = state.live.find((slot) => slot.failure !== null)?.failure
  if (failure === 'bad-answer' || failure === 'no-answer') return failure
  if (failure !== undefined) return 'refused'
  return state.missing ?? 'searching'
}
