// The machine's own addresses (SPEC §3.1): what a device may dial, and the one a LAN link names.
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { MAX_ADDRESSES } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { ADDRESS_FLAG, type HostAddress, isDialable } from '../shared/record.ts'
import type { FarAddress } from './mapstate.ts'

/** 4 or 16 bytes of a textual address without zone; throws ClawError('usage'). */
export function parseIp(text: string): Uint8Array {
  const family = isIP(text)
  if (family === 4) return Uint8Array.from(text.split('.'), Number)
  if (family !== 6) throw new ClawError('usage')
  // The URL parser writes every IPv6 address in its one canonical, dot-free form.
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]))
}

/** Text form of 4 or 16 bytes. */
export function formatIp(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0)).toString(16),
  )
  return groups.join(':')
}

function isPrivate(ip: Uint8Array): boolean {
  const [a = 0, b = 0] = ip
  if (ip.length === 16) return (a & 0xfe) === 0xfc
  return (
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254)
  )
}

// A browser cannot dial a link-local IPv6 address without its zone.
const isLinkLocal6 = (ip: Uint8Array): boolean =>
  ip.length === 16 && ip[0] === 0xfe && ((ip[1] ?? 0) & 0xc0) === 0x80

const toAddress = (ip: Uint8Array): HostAddress => ({
  kind: ip.length === 4 ? 4 : 6,
  flags: isPrivate(ip) ? ADDRESS_FLAG.lan : ADDRESS_FLAG.public,
  externalPort: 0,
  ip,
})

/**
 * At most 8 addresses, the most useful first: those given by the owner, then the default route's, then the rest.
 * `preferred` are texts; undialable ones are left out.
 */
export function hostAddresses(preferred: readonly string[]): HostAddress[] {
  const local = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal)
    .map((entry) => entry.address.split('%')[0] ?? '')
  const seen = new Set<string>()
  const out: HostAddress[] = []
  for (const text of [...preferred, ...local]) {
    const ip = parseIp(text)
    const key = formatIp(ip)
    if (seen.has(key) || !isDialable(ip) || isLinkLocal6(ip)) continue
    seen.add(key)
    out.push(toAddress(ip))
  }
  return out.slice(0, MAX_ADDRESSES)
}

/**
 * The local address that the default route would use, or null without one.
 * Connecting a UDP socket asks the kernel's routing table and sends nothing; 192.0.2.1 is TEST-NET-1 (RFC 5737).
 */
export function defaultRouteAddress(): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const finish = (address: string | null): void => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => finish(null))
    socket.connect(9, '192.0.2.1', () => {
      const { address } = socket.address()
      finish(isDialable(parseIp(address)) ? address : null)
    })
  })
}

/**
 * With the far ends of mapped ports behind the first address: nearer ones are tried first. A port that is the same outside
 * is left open, and so right for every epoch. At most 8.
 */
export function withFar(
  list: readonly HostAddress[],
  far: readonly FarAddress[],
): readonly HostAddress[] {
  const mapped = far.map(({ transport, address, internalPort, externalPort }): HostAddress => {
    const own = toAddress(parseIp(address))
    const same = externalPort === internalPort
    const only = transport === 'tcp' ? ADDRESS_FLAG.tcp : 0
    return {
      ...own,
      flags: own.flags | ADDRESS_FLAG.mapped | only,
      externalPort: same ? 0 : externalPort,
    }
  })
  const key = ({ ip, externalPort }: HostAddress): string => `${formatIp(ip)} ${externalPort}`
  const all = [...list.slice(0, 1), ...mapped, ...list.slice(1)]
  const first = all.filter((each, i) => all.findIndex((other) => key(other) === key(each)) === i)
  return first.slice(0, MAX_ADDRESSES)
}

/** How often the machine's own addresses are compared: one call to the kernel, as no system tells Node of a change. */
const CHECK_MS = 1000

/** Stores bear only so many records: of a network that comes and goes no more than this is told. */
const CHANGES = 3
const CHANGES_MS = 30_000

/** What was found last, and whether there has been nothing since. */
export interface Known {
  readonly list: readonly HostAddress[]
  readonly gone: boolean
  /** of the last changes */
  readonly changedMs: readonly number[]
}

export const knownAddresses = (list: readonly HostAddress[]): Known => ({
  ...{ list, gone: false, changedMs: [] },
})

/** Without any network there is nobody to tell; that it is back is worth telling, also if all is as it was. */
export function compareAddresses(
  known: Known,
  found: readonly HostAddress[],
  nowMs: number,
): { readonly known: Known; readonly changed: boolean } {
  if (found.length === 0) return { known: { ...known, gone: true }, changed: false }
  const same = !known.gone && JSON.stringify(found) === JSON.stringify(known.list)
  const recent = known.changedMs.filter((ms) => Math.abs(nowMs - ms) < CHANGES_MS)
  if (same || recent.length === CHANGES) return { known, changed: false }
  return { known: { list: found, gone: false, changedMs: [...recent, nowMs] }, changed: true }
}

interface AddressOptions {
  readonly externalAddress: string | null
  readonly udpAddress: string | null
}

/** What the record says a device may dial, kept current. */
export class OwnAddresses {
  readonly #options: AddressOptions
  #known = knownAddresses([])
  #looking = false

  private constructor(options: AddressOptions) {
    this.#options = options
  }

  static async open(options: AddressOptions): Promise<OwnAddresses> {
    const own = new OwnAddresses(options)
    own.#known = knownAddresses(await own.#find())
    return own
  }

  /** As {@link hostAddresses}, and what leads here through the router. */
  get list(): readonly HostAddress[] {
    return withFar(this.#known.list, this.far())
  }

  /** Far ends of mapped ports. */
  far: () => readonly FarAddress[] = () => []

  async #find(): Promise<HostAddress[]> {
    const { externalAddress, udpAddress } = this.#options
    const preferred = [externalAddress, udpAddress, await defaultRouteAddress()]
    return hostAddresses(preferred.filter((address) => address !== null))
  }

  /** Calls back after each change. @returns a function that ends it */
  watch(changed: () => unknown): () => void {
    const timer = setInterval(() => void this.#compare(changed), CHECK_MS)
    return () => clearInterval(timer)
  }

  async #compare(changed: () => unknown): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      const next = compareAddresses(this.#known, await this.#find(), performance.now())
      this.#known = next.known
      if (next.changed) await changed()
    } finally {
      this.#looking = false
    }
  }
}
