// The file of the host's secrets (SPEC §11.2), as it is or sealed by a passphrase. The key that seals the files of messages
// follows from these secrets, so it is behind the passphrase too; the database is not.
import { scryptSync } from 'node:crypto'
import { concat, equal, toUtf8 } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { gcmOpen, gcmSeal } from '../shared/noble.ts'

/** null: none. As UTF-8 it is what a person typed, in Unicode's form NFKC. */
export type Passphrase = string | null

const BARE = toUtf8('CCK1')
const SEALED = toUtf8('CCK2')
export const SECRET_BYTES = 3 * 32
const SALT_BYTES = 16
/** log2 of scrypt's N, with r = 8: 128 MiB. */
const COST = 17
const COST_MOST = 22
const BLOCK_SIZE = 8
const AT_COST = SEALED.length
const AT_SALT = AT_COST + 1
const AT_SECRETS = AT_SALT + SALT_BYTES
const SEALED_BYTES = AT_SECRETS + SECRET_BYTES + 16
// The key of a salt seals once.
const NONCE = new Uint8Array(12)

/** `secrets`: 96 bytes. @returns 100 bytes, or 133 sealed ones */
export function encodeKeyFile(
  secrets: Uint8Array,
  passphrase: Passphrase,
  random: RandomBytes,
  cost = COST,
): Uint8Array {
  if (passphrase === null) return concat(BARE, secrets)
  const head = concat(SEALED, Uint8Array.of(cost), random(SALT_BYTES))
  return concat(head, gcmSeal(keyOf(passphrase, head), NONCE, head, secrets))
}

/** @returns 96 bytes. Throws ClawError: `folder-foreign`, `passphrase-missing`, `passphrase-wrong`. */
export function decodeKeyFile(bytes: Uint8Array, passphrase: Passphrase): Uint8Array {
  if (!isSealedKeyFile(bytes)) {
    if (!isBareKeyFile(bytes)) throw new ClawError('folder-foreign')
    return bytes.slice(BARE.length)
  }
  if (passphrase === null) throw new ClawError('passphrase-missing')
  const head = bytes.slice(0, AT_SECRETS)
  const key = keyOf(passphrase, head)
  try {
    return gcmOpen(key, NONCE, head, bytes.slice(AT_SECRETS))
  } catch {
    throw new ClawError('passphrase-wrong')
  }
}

const begins = (bytes: Uint8Array, head: Uint8Array): boolean =>
  equal(bytes.slice(0, head.length), head)

/** Whether it is one of either kind; its passphrase is not asked for. */
export function isKeyFile(bytes: Uint8Array): boolean {
  return isSealedKeyFile(bytes) || isBareKeyFile(bytes)
}

const isBareKeyFile = (bytes: Uint8Array): boolean =>
  bytes.length === BARE.length + SECRET_BYTES && begins(bytes, BARE)

export function isSealedKeyFile(bytes: Uint8Array): boolean {
  return (
    bytes.length === SEALED_BYTES && begins(bytes, SEALED) && (bytes[AT_COST] ?? 0) <= COST_MOST
  )
}

function keyOf(passphrase: string, head: Uint8Array): Uint8Array {
  const N = 2 ** (head[AT_COST] ?? 0)
  // What scrypt takes is 128 · r · N; Node refuses more than it was allowed.
  const options = { N, r: BLOCK_SIZE, p: 1, maxmem: 256 * BLOCK_SIZE * N }
  const text = toUtf8(passphrase.normalize('NFKC'))
  try {
    return new Uint8Array(scryptSync(text, head.slice(AT_SALT), 32, options))
  } catch {
    // A cost below 1 is nothing that this program wrote.
    throw new ClawError('folder-foreign')
  }
}
