// Reference of SPEC §3.3: a store's id and a write.
import { ed25519Public, ed25519Sign, join, sha256, text, uint, zeros } from './primitives.ts'

export const storageId = (writePublicKey: Uint8Array): Buffer =>
  sha256(text('clawchat/v1 store id'), zeros(1), writePublicKey)

/** The bytes that W signs. */
export const putSigned = (id: Uint8Array, ctr: number | bigint, record: Uint8Array): Buffer =>
  join(text('clawchat/v1 put'), zeros(1), id, uint(ctr, 8), sha256(record), record)

/** What stands before the record in the body of a PUT: W_pub ‖ ctr ‖ signature, 104 bytes. */
export function putHead(
  writeSecret: Uint8Array,
  ctr: number | bigint,
  record: Uint8Array,
  id: Uint8Array = storageId(ed25519Public(writeSecret)),
): Buffer {
  const signature = ed25519Sign(writeSecret, putSigned(id, ctr, record))
  return join(ed25519Public(writeSecret), uint(ctr, 8), signature)
}
