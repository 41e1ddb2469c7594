// The noble back end, and the primitives that are noble everywhere (SPEC §1): record and knock AES-GCM, Ed25519, ML-KEM-768.
import { gcm } from '@noble/ciphers/aes.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { isZero } from './bytes.ts'
import type { Aead, CryptoBackend, DhKey } from './crypto.ts'
import { ClawError } from './error.ts'

/** AES-256-GCM: key 32, nonce 12; returns ciphertext ‖ tag 16. */
export const gcmSeal = (
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array => gcm(exactly(key, 32), exactly(nonce, 12), aad).encrypt(plaintext)

/** Throws ClawError('crypto') on a wrong key, nonce, AAD, tag or length. */
export function gcmOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  try {
    return gcm(exactly(key, 32), exactly(nonce, 12), aad).decrypt(sealed)
  } catch {
    throw new ClawError('crypto')
  }
}

// The library would take AES-128 and AES-192 keys, and hash nonces of other lengths (NIST SP 800-38D): SPEC §1 has one of each.
function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new ClawError('crypto')
  return bytes
}

/** X25519 (RFC 7748); refuses an all-zero result with ClawError('crypto'). */
export function x25519Shared(secret: Uint8Array, publicKey: Uint8Array): Uint8Array {
  let shared: Uint8Array
  try {
    shared = x25519.getSharedSecret(secret, publicKey)
  } catch {
    throw new ClawError('crypto')
  }
  if (isZero(shared)) throw new ClawError('crypto')
  return shared
}

export const ed25519PublicKey = (secret: Uint8Array): Uint8Array => ed25519.getPublicKey(secret)
/** @returns 64 bytes */
export const ed25519Sign = (secret: Uint8Array, message: Uint8Array): Uint8Array =>
  ed25519.sign(message, secret)
/** Strict RFC 8032 (no ZIP 215); false on anything malformed. */
export function ed25519Verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false
  }
}

export interface KemKeys {
  /** 1184 bytes */
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}
/** ML-KEM-768 (FIPS 203) key pair of a 64-byte seed d ‖ z. */
export const kemKeys = (seed: Uint8Array): KemKeys => ml_kem768.keygen(seed)
/** Encapsulates with a 32-byte message m. @returns ciphertext 1088, shared secret 32 */
export function kemEncapsulate(
  publicKey: Uint8Array,
  message: Uint8Array,
): { ciphertext: Uint8Array; sharedSecret: Uint8Array } {
  try {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, message)
    return { ciphertext: cipherText, sharedSecret }
  } catch {
    throw new ClawError('crypto')
  }
}
/** A wrong ciphertext gives another secret (implicit rejection): it shows at the next tag. */
export function kemDecapsulate(ciphertext: Uint8Array, secretKey: Uint8Array): Uint8Array {
  try {
    return ml_kem768.decapsulate(ciphertext, secretKey)
  } catch {
    throw new ClawError('crypto')
  }
}

export const nobleBackend: CryptoBackend = {
  name: 'noble',
  aead(key): Aead {
    const held = exactly(key, 32).slice()
    return {
      seal: (nonce, aad, plaintext) => gcmSeal(held, nonce, aad, plaintext),
      open: (nonce, aad, sealed) => gcmOpen(held, nonce, aad, sealed),
    }
  },
  dhKey(secret): DhKey {
    const held = exactly(secret, 32).slice()
    return { publicKey: x25519.getPublicKey(held), dh: (peer) => x25519Shared(held, peer) }
  },
}
