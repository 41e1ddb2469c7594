// STUN binding requests and their answers (RFC 8489, RFC 8445): just what an ICE-lite host needs, read strictly.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { formatIp, parseIp } from './addresses.ts'

const MAGIC = 0x2112a442
const HEADER = 20
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const FINGERPRINT_XOR = 0x5354554e
const MAX_BYTES = 1200
const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  priority: 0x0024,
  useCandidate: 0x0025,
  xorMappedAddress: 0x0020,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
} as const
// The password never changes the length; 24 is header and value of MESSAGE-INTEGRITY.
const INTEGRITY_BYTES = 24
const FINGERPRINT_BYTES = 8

export interface BindingRequest {
  /** 12 bytes */
  readonly transaction: Buffer
  /** the host's ufrag and the client's, as the client wrote them */
  readonly hostUfrag: string
  readonly clientUfrag: string
  readonly useCandidate: boolean
  /** MESSAGE-INTEGRITY under the host's ICE password */
  verify(password: string): boolean
}

/** First byte 0–3 (RFC 7983). */
export const looksLikeStun = (packet: Buffer): boolean =>
  packet.length >= HEADER && (packet[0] ?? 255) < 4

/**
 * A binding request with USERNAME, MESSAGE-INTEGRITY and a right FINGERPRINT, nothing behind the former but the latter,
 * and no attribute twice; null for everything else.
 */
export function parseBindingRequest(packet: Buffer): BindingRequest | null {
  if (packet.length < HEADER || packet.length > MAX_BYTES || packet.length % 4 !== 0) return null
  if (packet.readUInt16BE(0) !== BINDING_REQUEST || packet.readUInt32BE(4) !== MAGIC) return null
  if (packet.readUInt16BE(2) !== packet.length - HEADER) return null
  const found = readAttributes(packet)
  if (found === null) return null
  const username = found.get(ATTRIBUTE.username)
  const integrityAt = packet.length - FINGERPRINT_BYTES - INTEGRITY_BYTES
  const ends =
    found.get(ATTRIBUTE.integrity)?.at === integrityAt &&
    found.get(ATTRIBUTE.fingerprint)?.at === packet.length - FINGERPRINT_BYTES
  if (username === undefined || !ends || !fingerprintFits(packet)) return null
  const [hostUfrag = '', clientUfrag = '', ...rest] = username.value.toString('latin1').split(':')
  if (rest.length > 0 || clientUfrag === '') return null
  return {
    transaction: Buffer.from(packet.subarray(8, HEADER)),
    hostUfrag,
    clientUfrag,
    useCandidate: found.has(ATTRIBUTE.useCandidate),
    verify: (password) => integrityFits(packet, integrityAt, password),
  }
}

export interface Attribute {
  readonly at: number
  readonly value: Buffer
}

function readAttributes(packet: Buffer): Map<number, Attribute> | null {
  const found = new Map<number, Attribute>()
  let at = HEADER
  while (at < packet.length) {
    if (at + 4 > packet.length) return null
    const type = packet.readUInt16BE(at)
    const size = packet.readUInt16BE(at + 2)
    const end = at + 4 + size
    if (end > packet.length || found.has(type)) return null
    found.set(type, { at, value: packet.subarray(at + 4, end) })
    at += 4 + Math.ceil(size / 4) * 4
  }
  return at === packet.length ? found : null
}

function fingerprintFits(packet: Buffer): boolean {
  const body = packet.subarray(0, packet.length - FINGERPRINT_BYTES)
  const value = packet.readUInt32BE(packet.length - 4)
  return (
    packet.readUInt16BE(packet.length - 6) === 4 && (crc32(body) ^ FINGERPRINT_XOR) >>> 0 === value
  )
}

function integrityFits(packet: Buffer, at: number, password: string): boolean {
  if (packet.readUInt16BE(at + 2) !== 20) return false
  const expected = integrityOf(packet.subarray(0, at), password)
  return timingSafeEqual(expected, packet.subarray(at + 4, at + INTEGRITY_BYTES))
}

/** HMAC-SHA1 over the message up to the attribute, with the length field as if it ended with it (RFC 8489 §14.5). */
function integrityOf(before: Buffer, key: string | Buffer): Buffer {
  const head = Buffer.from(before)
  head.writeUInt16BE(before.length + INTEGRITY_BYTES - HEADER, 2)
  return createHmac('sha1', key).update(head).digest()
}

export function attribute(type: number, value: Buffer): Buffer {
  const out = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
  out.writeUInt16BE(type, 0)
  out.writeUInt16BE(value.length, 2)
  value.copy(out, 4)
  return out
}

/** Header and attributes alone. */
export function encodeRequest(
  type: number,
  transaction: Buffer,
  attributes: readonly Buffer[],
): Buffer {
  const body = Buffer.concat(attributes)
  const header = Buffer.alloc(HEADER)
  header.writeUInt16BE(type, 0)
  header.writeUInt16BE(body.length, 2)
  header.writeUInt32BE(MAGIC, 4)
  transaction.copy(header, 8)
  return Buffer.concat([header, body])
}

/** Header, attributes, MESSAGE-INTEGRITY under the key and FINGERPRINT. `transaction`: 12 bytes. */
export function encodeMessage(
  type: number,
  transaction: Buffer,
  attributes: readonly Buffer[],
  key: string | Buffer,
): Buffer {
  const before = encodeRequest(type, transaction, attributes)
  const signed = Buffer.concat([before, attribute(ATTRIBUTE.integrity, integrityOf(before, key))])
  signed.writeUInt16BE(signed.length + FINGERPRINT_BYTES - HEADER, 2)
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE((crc32(signed) ^ FINGERPRINT_XOR) >>> 0)
  return Buffer.concat([signed, attribute(ATTRIBUTE.fingerprint, crc)])
}

/** The success answer that tells a client the address (text) and port it was seen at. */
export function encodeBindingSuccess(
  transaction: Buffer,
  seen: { readonly address: string; readonly port: number },
  password: string,
): Buffer {
  const ip = parseIp(seen.address.split('%')[0] ?? '')
  const mask = Buffer.alloc(16)
  mask.writeUInt32BE(MAGIC)
  transaction.copy(mask, 4)
  const value = Buffer.alloc(4 + ip.length)
  value.writeUInt8(ip.length === 4 ? 1 : 2, 1)
  value.writeUInt16BE(seen.port ^ (MAGIC >>> 16), 2)
  for (const [i, byte] of ip.entries()) value.writeUInt8(byte ^ (mask[i] ?? 0), 4 + i)
  return encodeMessage(
    BINDING_SUCCESS,
    transaction,
    [attribute(ATTRIBUTE.xorMappedAddress, value)],
    password,
  )
}

/** What a STUN server is asked: without any attribute. `transaction`: 12 bytes. */
export const encodeStunQuery = (transaction: Buffer): Buffer =>
  encodeRequest(BINDING_REQUEST, transaction, [])

/** The attributes of a message of this type and transaction, each once; null for everything else. */
export function readMessage(
  packet: Buffer,
  type: number,
  transaction: Buffer,
): ReadonlyMap<number, Attribute> | null {
  if (packet.length < HEADER || packet.length > MAX_BYTES || packet.length % 4 !== 0) return null
  if (packet.readUInt16BE(0) !== type || packet.readUInt32BE(4) !== MAGIC) return null
  if (packet.readUInt16BE(2) !== packet.length - HEADER) return null
  return packet.subarray(8, HEADER).equals(transaction) ? readAttributes(packet) : null
}

/** The address (text) and port in a server's answer to this query; null for everything else. */
export function parseStunAnswer(
  packet: Buffer,
  transaction: Buffer,
): { readonly address: string; readonly port: number } | null {
  const found = readMessage(packet, BINDING_SUCCESS, transaction)
  const value = found?.get(ATTRIBUTE.xorMappedAddress)?.value
  if (value === undefined || value.length < 4) return null
  const size = { 1: 4, 2: 16 }[value.readUInt8(1)]
  if (value.length - 4 !== size) return null
  const ip = value.subarray(4).map((byte, i) => byte ^ (packet[4 + i] ?? 0))
  return { address: formatIp(ip), port: value.readUInt16BE(2) ^ (MAGIC >>> 16) }
}

/** A check: what a client sends, or with `controlled` what a host does that punches (SPEC §4.5). */
export function encodeBindingRequest(input: {
  readonly transaction: Buffer
  readonly username: string
  readonly password: string
  readonly useCandidate: boolean
  /** tie-breaker: 8 bytes */
  readonly controlled?: { readonly tieBreaker: Buffer; readonly priority: number } | undefined
}): Buffer {
  const { controlled } = input
  const attributes = [attribute(ATTRIBUTE.username, Buffer.from(input.username, 'latin1'))]
  if (input.useCandidate) attributes.push(attribute(ATTRIBUTE.useCandidate, Buffer.alloc(0)))
  if (controlled !== undefined) {
    const priority = Buffer.alloc(4)
    priority.writeUInt32BE(controlled.priority)
    attributes.push(attribute(ATTRIBUTE.priority, priority))
    attributes.push(attribute(ATTRIBUTE.iceControlled, controlled.tieBreaker))
  }
  return encodeMessage(BINDING_REQUEST, input.transaction, attributes, input.password)
}
