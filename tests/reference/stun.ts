// Reference of the STUN that SPEC §4 needs (RFC 8489, RFC 8445), attribute by attribute.
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { join, text, uint, zeros } from './primitives.ts'

export const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  controlling: 0x802a,
  fingerprint: 0x8028,
} as const
const COOKIE = 0x2112a442

/** One attribute with its padding. */
export const attribute = (type: number, value: Uint8Array): Buffer =>
  join(uint(type, 2), uint(value.length, 2), value, zeros((4 - (value.length % 4)) % 4))

export const username = (value: string): Buffer => attribute(ATTRIBUTE.username, text(value))
export const priority = attribute(ATTRIBUTE.priority, uint(0x6e7f00ff, 4))
export const controlling = attribute(ATTRIBUTE.controlling, uint(0x1122334455667788n, 8))
export const useCandidate = attribute(ATTRIBUTE.useCandidate, zeros(0))

export interface ReferenceMessage {
  readonly type: number
  readonly transaction: Uint8Array
  readonly password: string
  /** in order; these two stand for a right one at that place */
  readonly parts: readonly (Uint8Array | 'integrity' | 'fingerprint')[]
}

export function stunMessage({ type, transaction, password, parts }: ReferenceMessage): Buffer {
  let attributes = zeros(0)
  // Both are taken of the message so far, with a length field that counts them in.
  const until = (valueBytes: number): Buffer =>
    join(
      uint(type, 2),
      uint(attributes.length + 4 + valueBytes, 2),
      uint(COOKIE, 4),
      transaction,
      attributes,
    )
  for (const part of parts) {
    if (part === 'integrity') {
      const mac = createHmac('sha1', password).update(until(20)).digest()
      attributes = join(attributes, attribute(ATTRIBUTE.integrity, mac))
    } else if (part === 'fingerprint') {
      const crc = (crc32(until(4)) ^ 0x5354554e) >>> 0
      attributes = join(attributes, attribute(ATTRIBUTE.fingerprint, uint(crc, 4)))
    } else attributes = join(attributes, part)
  }
  return join(uint(type, 2), uint(attributes.length, 2), uint(COOKIE, 4), transaction, attributes)
}

/** XOR-MAPPED-ADDRESS of an address of 4 or 16 bytes. */
export function mappedAddress(transaction: Uint8Array, ip: Uint8Array, port: number): Buffer {
  const mask = join(uint(COOKIE, 4), transaction)
  const masked = Buffer.from(ip).map((byte, i) => byte ^ (mask[i] ?? 0))
  const family = ip.length === 4 ? 1 : 2
  const value = join(zeros(1), uint(family, 1), uint(port ^ (COOKIE >>> 16), 2), masked)
  return attribute(ATTRIBUTE.xorMappedAddress, value)
}
