// A store write (SPEC §3.3): certifies itself, so a store needs to know nobody. Built by the host, checked by the endpoint.
import { concat, equal, Reader, toUtf8, u64 } from './bytes.ts'
import { RECORD_BYTES } from './constants.ts'
import { ClawError } from './error.ts'
import { sha256 } from './hash.ts'
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from './noble.ts'

/** W_pub 32 ‖ ctr 8 ‖ signature 64 ‖ record 6144 */
export const PUT_BYTES = 32 + 8 + 64 + RECORD_BYTES

export interface Put {
  readonly ctr: number
  /** 6144 bytes */
  readonly record: Uint8Array
}

/** What the storage id of W_pub (32 bytes) is the SHA-256 of. */
export const idBytes = (writePublicKey: Uint8Array): Uint8Array =>
  concat(toUtf8('clawchat/v1 store id\0'), writePublicKey)

/** 32 bytes, of W_pub (32 bytes). */
export const storageId = (writePublicKey: Uint8Array): Uint8Array => sha256(idBytes(writePublicKey))

/** `recordHash`: SHA-256 of `record`. */
const signedBytes = (
  id: Uint8Array,
  ctr: number,
  recordHash: Uint8Array,
  record: Uint8Array,
): Uint8Array => concat(toUtf8('clawchat/v1 put\0'), id, u64(ctr), recordHash, record)

/** The body of a PUT, 6248 bytes. `writeSecret` is the Ed25519 secret of W. */
export function encodePut(writeSecret: Uint8Array, { ctr, record }: Put): Uint8Array {
  if (record.length !== RECORD_BYTES) throw new ClawError('record-malformed')
  const writePublicKey = ed25519PublicKey(writeSecret)
  const signed = signedBytes(storageId(writePublicKey), ctr, sha256(record), record)
  return concat(writePublicKey, u64(ctr), ed25519Sign(writeSecret, signed), record)
}

function readFields(body: Uint8Array) {
  const reader = new Reader(body, 'malformed')
  const writePublicKey = reader.bytes(32)
  const ctr = reader.u64()
  const signature = reader.bytes(64)
  const record = reader.bytes(RECORD_BYTES)
  reader.end()
  return { writePublicKey, ctr, signature, record }
}

/**
 * Checks a PUT body against the id (32 bytes) it was sent to.
 * Throws ClawError: `malformed` for a wrong length or a ctr above 2^53 − 1, `store-refused` for a wrong id or signature.
 */
export function decodePut(id: Uint8Array, body: Uint8Array): Put {
  const { writePublicKey, ctr, signature, record } = readFields(body)
  if (!equal(storageId(writePublicKey), id)) throw new ClawError('store-refused')
  const signed = signedBytes(id, ctr, sha256(record), record)
  if (!ed25519Verify(writePublicKey, signed, signature)) throw new ClawError('store-refused')
  return { ctr, record }
}

/** What a runtime brings itself. `verify`: false also for a key that is no point of the curve. */
export interface PutCrypto {
  sha256(bytes: Uint8Array): Promise<Uint8Array>
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>
}

/** {@link decodePut} on the runtime's own cryptography. */
export async function checkPut(id: Uint8Array, body: Uint8Array, crypto: PutCrypto): Promise<Put> {
  const { writePublicKey, ctr, signature, record } = readFields(body)
  if (!equal(await crypto.sha256(idBytes(writePublicKey)), id)) throw new ClawError('store-refused')
  const signed = signedBytes(id, ctr, await crypto.sha256(record), record)
  const certified = await crypto.verify(writePublicKey, signed, signature)
  if (!certified) throw new ClawError('store-refused')
  return { ctr, record }
}
