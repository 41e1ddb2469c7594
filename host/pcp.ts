// PCP (RFC 6887): maps a port of this computer on its router; over IPv6 it opens a pinhole in the router's firewall.
import { equal } from '../shared/bytes.ts'
import { formatIp, parseIp } from './addresses.ts'
import {
  askGateway,
  type Gateway,
  type Granted,
  MapError,
  type MapFailure,
  type MapRequest,
  type RouterPort,
} from './gateway.ts'

const VERSION = 2
const ANSWER = 0x80
const OP = { announce: 0, map: 1 } as const
const IANA = { tcp: 6, udp: 17 } as const
const HEADER = 24
const MAP_BYTES = 60
const MIN_PORT = 1024
const SHORTEST_MS = 1000

/** 16 bytes; IPv4 as ::ffff:0:0/96. */
function wide(address: string): Uint8Array {
  const ip = parseIp(address)
  return ip.length === 16 ? ip : Uint8Array.from([...new Array(10).fill(0), 255, 255, ...ip])
}

/** 24 bytes, with a mapping 60. A lease of 0 deletes. */
export function encodePcp(client: string, request: MapRequest | null, leaseMs = 0): Buffer {
  const query = Buffer.alloc(request === null ? HEADER : MAP_BYTES)
  query.writeUInt8(VERSION, 0)
  query.writeUInt8(request === null ? OP.announce : OP.map, 1)
  query.set(wide(client), 8)
  if (request === null) return query
  query.writeUInt32BE(Math.ceil(leaseMs / 1000), 4)
  query.set(request.nonce, HEADER)
  query.writeUInt8(IANA[request.transport], 36)
  query.writeUInt16BE(request.internalPort, 40)
  query.writeUInt16BE(leaseMs === 0 ? 0 : request.externalPort, 42)
  // No wish for an address but for its family (RFC 6887 §11.1).
  query.set(client.includes(':') ? new Uint8Array(16) : wide('0.0.0.0'), 44)
  return query
}

/** Result codes (RFC 6887 §7.4): 3 malformed request, 11 the external port cannot be had. */
function failureOf(code: number): MapFailure {
  if (code === 11) return 'conflict'
  return code > 13 ? 'bad-answer' : 'refused'
}

/**
 * The answer to this query; null for what answers something else. Throws MapError for a refusal or a wrong length;
 * a router that speaks NAT-PMP only refuses too.
 */
export function parsePcp(answer: Buffer, query: Buffer): Granted | null {
  const op = query.readUInt8(1)
  if (answer.length < 4 || answer[1] !== (op | ANSWER)) return null
  if (answer[0] !== VERSION) throw new MapError('refused')
  // The mapping stands in a refusal too: one for another nonce is no answer to this.
  const nonce = answer.subarray(HEADER, HEADER + 12)
  const whole = answer.length >= query.length
  if (whole && op === OP.map && !equal(nonce, query.subarray(HEADER, HEADER + 12))) return null
  const code = answer.readUInt8(3)
  if (code !== 0) throw new MapError(failureOf(code))
  if (!whole || answer.length % 4 !== 0) throw new MapError('bad-answer')
  const uptimeMs = answer.readUInt32BE(8) * 1000
  const leaseMs = answer.readUInt32BE(4) * 1000
  if (op === OP.announce) return { external: null, uptimeMs, externalPort: 0, leaseMs }
  const same = answer[36] === query[36] && answer.readUInt16BE(40) === query.readUInt16BE(40)
  if (!same) throw new MapError('bad-answer')
  const external = narrow(answer.subarray(44, MAP_BYTES))
  return { external, uptimeMs, externalPort: answer.readUInt16BE(42), leaseMs }
}

function narrow(ip: Uint8Array): string {
  const is4 = ip.subarray(0, 10).every((byte) => byte === 0) && ip[10] === 255 && ip[11] === 255
  return formatIp(is4 ? ip.subarray(12) : ip)
}

export function pcpPort(at: Gateway): RouterPort {
  const ask = (request: MapRequest | null, leaseMs: number): Promise<Granted> => {
    const query = encodePcp(at.client, request, leaseMs)
    return askGateway(at, query, (answer) => parsePcp(answer, query))
  }
  const map = async (request: MapRequest): Promise<Granted> => {
    const granted = await ask(request, request.leaseMs)
    if (granted.leaseMs === 0 || granted.externalPort < MIN_PORT) throw new MapError('bad-answer')
    return granted
  }
  return {
    protocol: 'pcp',
    map,
    async unmap(request) {
      await ask(request, 0).catch((error: unknown) => {
        const refused = error instanceof MapError && error.failure === 'refused'
        if (!refused || at.family === 4) throw error
        // miniupnpd 2.3.1 deletes no pinhole, not even its owner's; it lets the lease be shortened.
        return map({ ...request, leaseMs: SHORTEST_MS })
      })
    },
    // PCP tells the far address with a mapping only: renewing it is the way to look.
    async look(request) {
      if (request === null) return { ...(await ask(null, 0)), present: null }
      const { external, uptimeMs, externalPort } = await map(request)
      return { external, uptimeMs, present: externalPort === request.externalPort }
    },
  }
}
