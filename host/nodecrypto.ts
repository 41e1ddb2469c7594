// The host's back end (SPEC §1) on node:crypto: AES-256-GCM and X25519 with keys held as KeyObjects.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto'
import { concat, fromHex, isZero } from '../shared/bytes.ts'
import type { Aead, CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'

const TAG_BYTES = 16
// RFC 8410: the fixed DER heads before the 32 raw bytes.
const PKCS8_HEAD = fromHex('302e020100300506032b656e04220420')
const SPKI_HEAD = fromHex('302a300506032b656e032100')
// Without it node accepts tags as short as four bytes.
const GCM = { authTagLength: TAG_BYTES } as const

function requireLength(bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new ClawError('crypto')
}

/** Runs one node:crypto operation; its errors carry openssl text that nobody needs. */
function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch {
    throw new ClawError('crypto')
  }
}

function seal(
  key: KeyObject,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  requireLength(nonce, 12)
  return guarded(() => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce, GCM)
    cipher.setAAD(aad)
    return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
  })
}

function open(key: KeyObject, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
  requireLength(nonce, 12)
  const end = sealed.length - TAG_BYTES
  if (end < 0) throw new ClawError('crypto')
  return guarded(() => {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, GCM)
    decipher.setAAD(aad)
    decipher.setAuthTag(sealed.subarray(end))
    const { buffer, byteOffset, length } = decipher.update(sealed.subarray(0, end))
    // Nothing leaves before this has checked the tag. Of GCM no byte is left for it.
    decipher.final()
    return new Uint8Array(buffer, byteOffset, length)
  })
}

function nodeAead(key: Uint8Array): Aead {
  requireLength(key, 32)
  const held = createSecretKey(key)
  return {
    seal: (nonce, aad, plaintext) => seal(held, nonce, aad, plaintext),
    open: (nonce, aad, sealed) => open(held, nonce, aad, sealed),
  }
}

function nodeDhKey(secret: Uint8Array): DhKey {
  requireLength(secret, 32)
  const der = Buffer.from(concat(PKCS8_HEAD, secret))
  const privateKey = guarded(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_HEAD.length)),
    dh: (peer) => sharedSecret(privateKey, peer),
  }
}

function sharedSecret(privateKey: KeyObject, peer: Uint8Array): Uint8Array {
  requireLength(peer, 32)
  const shared = guarded(() => {
    const der = Buffer.from(concat(SPKI_HEAD, peer))
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
    return new Uint8Array(diffieHellman({ privateKey, publicKey }))
  })
  if (isZero(shared)) throw new ClawError('crypto')
  return shared
}

/** AES-256-GCM under a key object, at once. Throw ClawError('crypto'). */
export { open as openGcm, seal as sealGcm }

/** Synchronous throughout. */
export const nodeBackend = {
  name: 'node',
  aead: nodeAead,
  dhKey: nodeDhKey,
} as const satisfies CryptoBackend
