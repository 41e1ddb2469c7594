// NAT-PMP (RFC 6886): maps a port of this computer on its router.
import { formatIp } from './addresses.ts'
import {
  askGateway,
  type Gateway,
  type Granted,
  MapError,
  type MapFailure,
  type MapRequest,
  type RouterPort,
  type Sight,
} from './gateway.ts'

const ANSWER = 0x80
const OP = { address: 0, udp: 1, tcp: 2 } as const
const MIN_PORT = 1024

/** 2 or 12 bytes. A lease of 0 deletes. */
export function encodeNatPmp(op: number, request: MapRequest | null, leaseMs = 0): Buffer {
  if (request === null) return Buffer.from([0, op])
  const query = Buffer.alloc(12)
  query.writeUInt8(op, 1)
  query.writeUInt16BE(request.internalPort, 4)
  query.writeUInt16BE(leaseMs === 0 ? 0 : request.externalPort, 6)
  query.writeUInt32BE(Math.ceil(leaseMs / 1000), 8)
  return query
}

/** Result codes (RFC 6886 §3.5). */
function failureOf(code: number): MapFailure {
  return code > 5 ? 'bad-answer' : 'refused'
}

/**
 * The body of an answer to this operation, behind its result code: seconds since start 4, then 4 or 8 bytes.
 * Null for what answers something else; throws MapError for a refusal or a wrong length.
 */
export function parseNatPmp(answer: Buffer, op: number): Buffer | null {
  if (answer.length < 4 || answer[0] !== 0 || answer[1] !== (op | ANSWER)) return null
  const code = answer.readUInt16BE(2)
  if (code !== 0) throw new MapError(failureOf(code))
  if (answer.length !== (op === OP.address ? 12 : 16)) throw new MapError('bad-answer')
  return answer.subarray(4)
}

export function natPmpPort(at: Gateway): RouterPort {
  const ask = (op: number, query: Buffer): Promise<Buffer> =>
    askGateway(at, query, (answer) => parseNatPmp(answer, op))

  const see = async (): Promise<Sight> => {
    const body = await ask(OP.address, encodeNatPmp(OP.address, null))
    return { external: formatIp(body.subarray(4, 8)), uptimeMs: body.readUInt32BE(0) * 1000 }
  }

  const change = async (request: MapRequest, leaseMs: number): Promise<Granted> => {
    const op = OP[request.transport]
    const body = await ask(op, encodeNatPmp(op, request, leaseMs))
    const [internal, externalPort] = [body.readUInt16BE(4), body.readUInt16BE(6)]
    if (internal !== request.internalPort) throw new MapError('bad-answer')
    const uptimeMs = body.readUInt32BE(0) * 1000
    return { external: null, uptimeMs, externalPort, leaseMs: body.readUInt32BE(8) * 1000 }
  }

  return {
    protocol: 'nat-pmp',
    async map(request) {
      const granted = await change(request, request.leaseMs)
      if (granted.leaseMs === 0 || granted.externalPort < MIN_PORT) {
        throw new MapError('bad-answer')
      }
      return { ...granted, external: (await see()).external }
    },
    async unmap(request) {
      await change(request, 0)
    },
    async look() {
      return { ...(await see()), present: null }
    },
  }
}
