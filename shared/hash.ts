// Hashes and key derivation (SPEC §1): noble everywhere, synchronous.
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js'
import { hmac as nobleHmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js'
import { concat, toUtf8 } from './bytes.ts'

/** @returns 32 bytes */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => nobleSha256(concat(...parts))
/** @returns 64 bytes */
export const sha512 = (...parts: readonly Uint8Array[]): Uint8Array => nobleSha512(concat(...parts))
/** HMAC-SHA256 (RFC 2104). @returns 32 bytes */
export const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  nobleHmac(nobleSha256, key, data)
/** HKDF-SHA256 (RFC 5869). */
export const hkdf = (
  ikm: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length = 32,
): Uint8Array => nobleHkdf(nobleSha256, ikm, salt, info, length)

const ZERO_SALT = new Uint8Array(32)
const NOTHING = new Uint8Array(0)

/** SPEC §1: 32 bytes derived from a root or key under a label of §1.1. */
export const kdf = (root: Uint8Array, label: string, context: Uint8Array = NOTHING): Uint8Array =>
  hkdf(root, ZERO_SALT, concat(toUtf8(`clawchat/v1 ${label}\0`), context))
