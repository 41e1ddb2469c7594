// The discovery record (SPEC §3): sealed for up to 64 credentials, signed by the host, always 6144 bytes.
import { concat, equal, Reader, toUtf8, Writer } from './bytes.ts'
import {
  MAX_ADDRESSES,
  RECORD_BYTES,
  RECORD_LIFE_MS,
  SCHEDULE_EPOCHS,
  SLOT_COUNT,
} from './constants.ts'
import type { RandomBytes } from './crypto.ts'
import { ClawError } from './error.ts'
import { hkdf, hmac, kdf, sha256 } from './hash.ts'
import { type Locator, readLocator, writeLocator } from './locator.ts'
import { ed25519Sign, ed25519Verify, gcmOpen, gcmSeal } from './noble.ts'

export interface ScheduleEntry {
  readonly port: number
  /** SHA-256 of the DTLS certificate, 32 bytes */
  readonly fingerprint: Uint8Array
}

/** `tcp`: leads to the host by TCP alone (SPEC §4.3) */
export const ADDRESS_FLAG = { lan: 1, public: 2, mapped: 4, tcp: 8 } as const

export interface HostAddress {
  readonly kind: 4 | 6
  readonly flags: number
  /** the router's port of a mapping, or 0: the schedule's */
  readonly externalPort: number
  /** 4 or 16 bytes */
  readonly ip: Uint8Array
}

/** What a record says (SPEC §3.1). */
export interface RecordBody {
  /** H_pub, 32 bytes */
  readonly hostPublicKey: Uint8Array
  readonly seq: number
  readonly issuedMs: number
  readonly notAfterMs: number
  readonly burn: boolean
  readonly reason: number
  /** S_h, 32 bytes */
  readonly hostStatic: Uint8Array
  readonly intervalMs: number
  readonly firstEpoch: number
  readonly schedule: readonly ScheduleEntry[]
  readonly addresses: readonly HostAddress[]
  readonly locator: Locator
}

const MAGIC = toUtf8('CCR1')
const SLOTS_AT = 36
const SLOT_BYTES = 56
const SEALED_AT = SLOTS_AT + SLOT_COUNT * SLOT_BYTES
const BODY_BYTES = 2508
const SIGNATURE_BYTES = 64
const ZERO_NONCE = new Uint8Array(12)
const MIN_PORT = 1024

/** epoch = floor(unixMs / intervalMs) */
export const epochAt = (unixMs: number, intervalMs: number): number =>
  Math.floor(unixMs / intervalMs)

const slotHint = (root: Uint8Array, salt: Uint8Array): Uint8Array =>
  hmac(kdf(root, 'slot hint'), salt).slice(0, 8)
const slotKey = (root: Uint8Array, salt: Uint8Array): Uint8Array =>
  hkdf(kdf(root, 'slot'), salt, toUtf8('clawchat/v1 slot key'))
const slotAad = (salt: Uint8Array): Uint8Array => concat(toUtf8('clawchat/v1 slot'), salt)
const signedBytes = (head: Uint8Array, fields: Uint8Array): Uint8Array =>
  concat(toUtf8('clawchat/v1 record sig'), sha256(head), fields)

/**
 * Seals and signs a record of 6144 bytes for up to 64 credential roots (else ClawError('credentials-full')).
 * `identitySecret` is the Ed25519 secret of H.
 */
export function sealRecord(input: {
  readonly body: Omit<RecordBody, 'notAfterMs'>
  readonly roots: readonly Uint8Array[]
  readonly identitySecret: Uint8Array
  readonly random: RandomBytes
}): Uint8Array {
  const { body, roots, identitySecret, random } = input
  if (roots.length > SLOT_COUNT) throw new ClawError('credentials-full')
  const salt = random(16)
  const nonce = random(12)
  const contentKey = random(32)
  const slots = roots.map((root) =>
    concat(
      slotHint(root, salt),
      // A fresh salt makes every slot key unique, so the zero nonce is used once per key.
      gcmSeal(slotKey(root, salt), ZERO_NONCE, slotAad(salt), contentKey),
    ),
  )
  while (slots.length < SLOT_COUNT) slots.push(random(SLOT_BYTES))
  const head = concat(MAGIC, new Uint8Array(4), salt, nonce, ...shuffle(slots, random))
  const fields = encodeFields(body)
  const signature = ed25519Sign(identitySecret, signedBytes(head, fields))
  const used = 2 + fields.length + SIGNATURE_BYTES
  if (used > BODY_BYTES) throw new ClawError('limit')
  const plaintext = new Writer(BODY_BYTES)
    .u16(fields.length)
    .bytes(fields)
    .bytes(signature)
    .zeros(BODY_BYTES - used)
    .done()
  return concat(head, gcmSeal(contentKey, nonce, sha256(head), plaintext))
}

/** Fisher–Yates; 32 bits per draw over at most 64 places leave no bias worth a bit. */
function shuffle<T>(items: readonly T[], random: RandomBytes): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = new Reader(random(4)).u32() % (i + 1)
    const [a, b] = [out[i], out[j]]
    if (a !== undefined && b !== undefined) [out[i], out[j]] = [b, a]
  }
  return out
}

function encodeFields(body: Omit<RecordBody, 'notAfterMs'>): Uint8Array {
  if (body.schedule.length > SCHEDULE_EPOCHS || body.addresses.length > MAX_ADDRESSES) {
    throw new ClawError('limit')
  }
  const writer = new Writer(1536)
    .bytes(body.hostPublicKey)
    .u64(body.seq)
    .u64(body.issuedMs)
    .u64(body.issuedMs + RECORD_LIFE_MS)
    .u16(body.burn ? 1 : 0)
    .u8(body.reason)
    .bytes(body.hostStatic)
    .u32(body.intervalMs)
    .u64(body.firstEpoch)
    .u8(body.schedule.length)
  for (const entry of body.schedule) writer.u16(entry.port).bytes(entry.fingerprint)
  writer.u8(body.addresses.length)
  for (const { kind, flags, externalPort, ip } of body.addresses) {
    writer
      .u8(kind)
      .u8(flags)
      .u16(externalPort)
      .bytes(ip)
      .zeros(16 - ip.length)
  }
  writeLocator(writer, body.locator)
  return writer.done()
}

/**
 * Opens and verifies a record in the order of SPEC §3.2, up to and including seq.
 * Throws ClawError: `record-malformed`, `record-no-slot`, `record-forged`, `record-foreign`, `record-rollback`.
 */
export function openRecord(input: {
  readonly bytes: Uint8Array
  readonly root: Uint8Array
  /** the pinned H_pub */
  readonly hostPublicKey: Uint8Array
  /** the highest seq seen before */
  readonly minSeq: number
}): RecordBody {
  const { bytes, root } = input
  if (bytes.length !== RECORD_BYTES) throw new ClawError('record-malformed')
  const reader = new Reader(bytes, 'record-malformed')
  if (!equal(reader.bytes(4), MAGIC)) reader.fail()
  reader.zeros(4)
  const salt = reader.bytes(16)
  const nonce = reader.bytes(12)
  const contentKey = openSlot(bytes, root, salt)
  const head = bytes.slice(0, SEALED_AT)
  let plaintext: Uint8Array
  try {
    plaintext = gcmOpen(contentKey, nonce, sha256(head), bytes.slice(SEALED_AT))
  } catch {
    throw new ClawError('record-forged')
  }
  const body = new Reader(plaintext, 'record-malformed')
  const fields = body.bytes(body.u16())
  const signature = body.bytes(SIGNATURE_BYTES)
  body.zeros(body.left)
  if (!equal(fields.slice(0, 32), input.hostPublicKey)) throw new ClawError('record-foreign')
  if (!ed25519Verify(input.hostPublicKey, signedBytes(head, fields), signature)) {
    throw new ClawError('record-forged')
  }
  const record = decodeFields(fields)
  if (record.seq < input.minSeq) throw new ClawError('record-rollback')
  return record
}

function openSlot(bytes: Uint8Array, root: Uint8Array, salt: Uint8Array): Uint8Array {
  const hint = slotHint(root, salt)
  for (let i = 0; i < SLOT_COUNT; i++) {
    const at = SLOTS_AT + i * SLOT_BYTES
    if (!equal(bytes.subarray(at, at + 8), hint)) continue
    try {
      const sealed = bytes.slice(at + 8, at + SLOT_BYTES)
      return gcmOpen(slotKey(root, salt), ZERO_NONCE, slotAad(salt), sealed)
    } catch {
      throw new ClawError('record-forged')
    }
  }
  throw new ClawError('record-no-slot')
}

function decodeFields(fields: Uint8Array): RecordBody {
  const reader = new Reader(fields, 'record-malformed')
  const hostPublicKey = reader.bytes(32)
  const seq = reader.u64()
  const issuedMs = reader.u64()
  const notAfterMs = reader.u64()
  const flags = reader.u16()
  const reason = reader.u8()
  const hostStatic = reader.bytes(32)
  const intervalMs = reader.u32()
  const firstEpoch = reader.u64()
  const schedule = readList(reader, 1, SCHEDULE_EPOCHS, readScheduleEntry)
  const addresses = readList(reader, 0, MAX_ADDRESSES, readAddress)
  const locator = readLocator(reader, 'record-malformed')
  reader.end()
  if (intervalMs === 0 || notAfterMs !== issuedMs + RECORD_LIFE_MS || flags > 1) reader.fail()
  return {
    hostPublicKey,
    seq,
    issuedMs,
    notAfterMs,
    burn: flags === 1,
    reason,
    hostStatic,
    intervalMs,
    firstEpoch,
    schedule,
    addresses,
    locator,
  }
}

function readList<T>(reader: Reader, min: number, max: number, read: (r: Reader) => T): T[] {
  const count = reader.u8()
  if (count < min || count > max) reader.fail()
  return Array.from({ length: count }, () => read(reader))
}

function readScheduleEntry(reader: Reader): ScheduleEntry {
  const port = reader.u16()
  if (port < MIN_PORT) reader.fail()
  return { port, fingerprint: reader.bytes(32) }
}

function readAddress(reader: Reader): HostAddress {
  const kind = reader.u8()
  const flags = reader.u8()
  const externalPort = reader.u16()
  const field = reader.bytes(16)
  if (kind !== 4 && kind !== 6) return reader.fail()
  if (externalPort !== 0 && externalPort < MIN_PORT) reader.fail()
  if (kind === 4 && field.slice(4).some((b) => b !== 0)) reader.fail()
  const ip = kind === 4 ? field.slice(0, 4) : field
  if (!isDialable(ip)) reader.fail()
  return { kind, flags, externalPort, ip }
}

/** False for unspecified, loopback, multicast and broadcast addresses (4 or 16 bytes), IPv4 inside IPv6 included. */
export function isDialable(ip: Uint8Array): boolean {
  if (ip.length === 4) {
    const first = ip[0] ?? 0
    return first !== 0 && first !== 127 && first < 224
  }
  const headZero = ip.slice(0, 10).every((b) => b === 0)
  if (headZero && ip[10] === 255 && ip[11] === 255) return isDialable(ip.slice(12))
  if (headZero && ip.slice(10, 15).every((b) => b === 0)) return false
  return ip[0] !== 255
}
