// The router in front of this computer: where it is, and one question to it by UDP (RFC 6886 §3.1, RFC 6887 §8.1).
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** Texts. `client`: this computer's own address towards the gateway. */
export interface Gateway {
  readonly family: 4 | 6
  readonly gateway: string
  readonly client: string
}

export type Transport = 'udp' | 'tcp'

/** In the order in which they are tried. */
export const MAP_PROTOCOLS = ['pcp', 'nat-pmp', 'upnp'] as const
export type MapProtocol = (typeof MAP_PROTOCOLS)[number]

/** Why a router did not do what it was asked. */
export type MapFailure = 'no-answer' | 'refused' | 'conflict' | 'permanent-only' | 'bad-answer'

export class MapError extends Error {
  readonly failure: MapFailure
  constructor(failure: MapFailure) {
    super(failure)
    this.failure = failure
  }
}

/** A mapping as it is asked for. Ports 1024–65535. */
export interface MapRequest {
  readonly transport: Transport
  readonly internalPort: number
  /** wished for; routers may give another */
  readonly externalPort: number
  /** 0: until it is deleted */
  readonly leaseMs: number
  /** 12 bytes: by it a PCP router knows whose mapping it is */
  readonly nonce: Uint8Array
}

/** What a router said of itself; null where the protocol does not tell. */
export interface Sight {
  /** its address on the far side, as text */
  readonly external: string | null
  /** how long its mappings have lived, at most */
  readonly uptimeMs: number | null
}

export interface Granted extends Sight {
  readonly externalPort: number
  /** 0: until it is deleted */
  readonly leaseMs: number
}

/** One protocol spoken with one router. Everything rejects with MapError only. */
export interface RouterPort {
  readonly protocol: MapProtocol
  /** Also renews. */
  map(request: MapRequest): Promise<Granted>
  /** Resolves too if there is no such mapping of this computer. */
  unmap(request: MapRequest): Promise<void>
  /** Whether the mapping is still there (null: the protocol cannot tell), and what the router says of itself. */
  look(request: MapRequest | null): Promise<Sight & { readonly present: boolean | null }>
}

const UP_AND_GATEWAY = 0x0003
const PORT = 5351
/** Repetitions after 0.25, 0.75 and 1.75 s; RFC 6886 waits a minute, but a router in the same house answers or does not. */
const FIRST_WAIT_MS = 250
const TRIES = 3
const MAX_BYTES = 1100

/**
 * The gateway of the default route, through the interface of `bindAddress` if given. Null without one, or on a system
 * other than Linux.
 */
export function defaultGateway(family: 4 | 6, bindAddress: string | null = null): Gateway | null {
  try {
    return family === 4
      ? gateway4(readFileSync('/proc/net/route', 'latin1'), bindAddress)
      : gateway6(readFileSync('/proc/net/ipv6_route', 'latin1'), bindAddress)
  } catch {
    return null
  }
}

type Interfaces = ReturnType<typeof networkInterfaces>

/** From the kernel's table: the default route with the lowest metric. */
export function gateway4(
  table: string,
  bindAddress: string | null,
  interfaces: Interfaces = networkInterfaces(),
): Gateway | null {
  const routes = table
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/))
    .filter(([, to, , flags, , , , mask]) => {
      const up = (Number.parseInt(flags ?? '', 16) & UP_AND_GATEWAY) === UP_AND_GATEWAY
      return to === '00000000' && mask === '00000000' && up
    })
    .sort((a, b) => Number(a[6]) - Number(b[6]))
  for (const [name = '', , hex = ''] of routes) {
    const own = (interfaces[name] ?? []).filter(({ family }) => family === 'IPv4')
    const client = own.map(({ address }) => address).find((a) => a === (bindAddress ?? a))
    // The table shows the bytes of the address in the machine's own order.
    const bytes = [...Buffer.from(hex, 'hex')].reverse()
    if (client !== undefined) return { family: 4, gateway: bytes.join('.'), client }
  }
  return null
}

/** As {@link gateway4}; the client is a global address of the interface. */
export function gateway6(
  table: string,
  bindAddress: string | null,
  interfaces: Interfaces = networkInterfaces(),
): Gateway | null {
  const none = '0'.repeat(32)
  const routes = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([to, length, , , via]) => to === none && length === '00' && via !== none)
    .sort((a, b) => Number.parseInt(a[5] ?? '', 16) - Number.parseInt(b[5] ?? '', 16))
  for (const [, , , , via = '', , , , , name = ''] of routes) {
    const own = (interfaces[name] ?? []).filter(({ family }) => family === 'IPv6')
    const global = own.map(({ address }) => address).filter((a) => /^[23]/.test(a))
    const client = global.find((address) => address === (bindAddress ?? address))
    const text = via.match(/.{4}/g)?.join(':') ?? ''
    const zone = text.startsWith('fe8') ? `%${name}` : ''
    if (client !== undefined) return { family: 6, gateway: `${text}${zone}`, client }
  }
  return null
}

/**
 * Sends to port 5351 until `read` takes an answer of the gateway (null: not for us). At most 1.75 s, answers of at most
 * 1100 bytes. Rejects with MapError: what `read` throws, else `no-answer`.
 */
export function askGateway<T>(
  { family, gateway, client }: Gateway,
  query: Uint8Array,
  read: (answer: Buffer) => T | null,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
  let timer: NodeJS.Timeout | undefined
  const ask = (tried: number): void => {
    if (tried === TRIES) {
      reject(new MapError('no-answer'))
      return
    }
    // An ICMP error is repeated like silence: a router may be starting.
    socket.send(query, () => undefined)
    timer = setTimeout(() => ask(tried + 1), FIRST_WAIT_MS * 2 ** tried)
  }
  socket.on('error', () => undefined)
  // A connected socket takes packets from there only.
  socket.on('connect', () => ask(0))
  socket.on('message', (answer) => {
    if (answer.length > MAX_BYTES) return
    try {
      const found = read(answer)
      if (found !== null) resolve(found)
    } catch (error) {
      reject(error)
    }
  })
  socket.bind({ address: client }, () => {
    try {
      socket.connect(PORT, gateway, (error?: Error) => {
        if (error) reject(new MapError('no-answer'))
      })
    } catch {
      reject(new MapError('no-answer'))
    }
  })
  // An address that has just gone cannot be bound: the error goes unheard, the deadline does not.
  const late = setTimeout(() => reject(new MapError('no-answer')), FIRST_WAIT_MS * 2 ** TRIES)
  return promise.finally(() => {
    clearTimeout(timer)
    clearTimeout(late)
    socket.close()
  })
}
