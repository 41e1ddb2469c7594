// Reference of SPEC §3: the body is built and taken apart by offset.
import {
  ed25519Sign,
  ed25519Verify,
  gcmOpen,
  gcmSeal,
  hkdf,
  hmacSha256,
  join,
  kdf,
  sha256,
  text,
  uint,
  zeros,
} from './primitives.ts'

const slotHint = (root: Uint8Array, salt: Uint8Array): Buffer =>
  hmacSha256(kdf(root, 'slot hint'), salt).subarray(0, 8)
const slotKey = (root: Uint8Array, salt: Uint8Array): Buffer =>
  hkdf(kdf(root, 'slot'), salt, text('clawchat/v1 slot key'), 32)
const slotAad = (salt: Uint8Array): Buffer => join(text('clawchat/v1 slot'), salt)
const signedBytes = (head: Uint8Array, fields: Uint8Array): Buffer =>
  join(text('clawchat/v1 record sig'), sha256(head), fields)

export interface ReferenceFields {
  readonly hostPublicKey: Uint8Array
  readonly seq: number | bigint
  readonly issuedMs: number
  /** 24 h after `issuedMs` if not given */
  readonly notAfterMs?: number
  readonly flags: number
  readonly reason: number
  readonly hostStatic: Uint8Array
  readonly intervalMs: number
  readonly firstEpoch: number
  readonly schedule: readonly { readonly port: number; readonly fingerprint: Uint8Array }[]
  readonly addresses: readonly {
    readonly kind: number
    readonly flags: number
    readonly externalPort: number
    readonly ip: Uint8Array
  }[]
  /** already encoded, SPEC §2.1 */
  readonly locator: Uint8Array
}

export const encodeFields = (f: ReferenceFields): Buffer =>
  join(
    f.hostPublicKey,
    uint(f.seq, 8),
    uint(f.issuedMs, 8),
    uint(f.notAfterMs ?? f.issuedMs + 24 * 60 * 60 * 1000, 8),
    uint(f.flags, 2),
    uint(f.reason, 1),
    f.hostStatic,
    uint(f.intervalMs, 4),
    uint(f.firstEpoch, 8),
    uint(f.schedule.length, 1),
    ...f.schedule.map((s) => join(uint(s.port, 2), s.fingerprint)),
    uint(f.addresses.length, 1),
    ...f.addresses.map((a) =>
      join(
        uint(a.kind, 1),
        uint(a.flags, 1),
        uint(a.externalPort, 2),
        a.ip,
        zeros(16 - a.ip.length),
      ),
    ),
    f.locator,
  )

/** A locator of https entries only. */
export const encodeHttpsLocator = (
  entries: readonly { readonly flags: number; readonly id: Uint8Array; readonly url: string }[],
): Buffer =>
  join(
    uint(entries.length, 1),
    ...entries.map(({ flags, id, url }) =>
      join(uint(1, 1), uint(flags, 1), uint(32 + url.length, 2), id, text(url)),
    ),
  )

/** Slots stand in the order given; the rest is filled with `filler`. */
export function sealRecord(input: {
  readonly fields: Uint8Array
  readonly roots: readonly Uint8Array[]
  readonly identitySecret: Uint8Array
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly contentKey: Uint8Array
  readonly filler: number
}): Buffer {
  const { fields, roots, salt, nonce, contentKey } = input
  const slots = roots.map((root) =>
    join(slotHint(root, salt), gcmSeal(slotKey(root, salt), zeros(12), slotAad(salt), contentKey)),
  )
  const unused = Buffer.alloc((64 - roots.length) * 56, input.filler)
  const head = join(text('CCR1'), zeros(4), salt, nonce, ...slots, unused)
  return sealBody(head, contentKey, recordBody(head, fields, input.identitySecret))
}

/** The plaintext of the body up to its zeros. */
export const recordBody = (
  head: Uint8Array,
  fields: Uint8Array,
  identitySecret: Uint8Array,
): Buffer =>
  join(uint(fields.length, 2), fields, ed25519Sign(identitySecret, signedBytes(head, fields)))

/** `head`: bytes 0..3619; `body` is filled up with zeros to 2508. */
export function sealBody(head: Buffer, contentKey: Uint8Array, body: Uint8Array): Buffer {
  const plaintext = join(body, zeros(2508 - body.length))
  return join(head, gcmSeal(contentKey, head.subarray(24, 36), sha256(head), plaintext))
}

/** Where the slot of a root begins, or −1. */
export function slotAt(record: Uint8Array, root: Uint8Array): number {
  const hint = slotHint(root, record.subarray(8, 24))
  for (let at = 36; at < 3620; at += 56) if (hint.equals(record.subarray(at, at + 8))) return at
  return -1
}

export function contentKeyOf(record: Uint8Array, root: Uint8Array): Buffer {
  const salt = record.subarray(8, 24)
  const at = slotAt(record, root)
  if (record.length !== 6144 || at < 0) throw new Error('no slot')
  return gcmOpen(slotKey(root, salt), zeros(12), slotAad(salt), record.subarray(at + 8, at + 56))
}

/** The fields of a record whose slot, body and signature are good; throws otherwise. */
export function openRecord(
  record: Uint8Array,
  root: Uint8Array,
  hostPublicKey: Uint8Array,
): Buffer {
  const nonce = record.subarray(24, 36)
  const head = record.subarray(0, 3620)
  const contentKey = contentKeyOf(record, root)
  const body = gcmOpen(contentKey, nonce, sha256(head), record.subarray(3620))
  const length = body.readUInt16BE(0)
  const fields = body.subarray(2, 2 + length)
  const signature = body.subarray(2 + length, 66 + length)
  const padding = body.subarray(66 + length)
  if (!padding.equals(zeros(padding.length))) throw new Error('padding')
  if (!ed25519Verify(hostPublicKey, signedBytes(head, fields), signature)) {
    throw new Error('signature')
  }
  return fields
}
