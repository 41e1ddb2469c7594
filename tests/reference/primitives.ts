// Reference, written from SPEC §1 on node:crypto alone. It shares no line with shared/: slow, readable, and it trusts its inputs.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  decapsulate as nodeDecapsulate,
  encapsulate as nodeEncapsulate,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto'

export const text = (value: string): Buffer => Buffer.from(value, 'utf8')
export const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts)
export const zeros = (length: number): Buffer => Buffer.alloc(length)

/** Big-endian, `length` bytes. */
export function uint(value: number | bigint, length: number): Buffer {
  return Buffer.from(
    BigInt(value)
      .toString(16)
      .padStart(2 * length, '0'),
    'hex',
  )
}

export const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256')
    .update(join(...parts))
    .digest()

export const hmacSha256 = (key: Uint8Array, data: Uint8Array): Buffer =>
  createHmac('sha256', key).update(data).digest()

export const hkdf = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', ikm, salt, info, length))

/** SPEC §1. */
export const kdf = (root: Uint8Array, label: string, context: Uint8Array = zeros(0)): Buffer =>
  hkdf(root, zeros(32), join(text('clawchat/v1 '), text(label), zeros(1), context), 32)

export function gcmSeal(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  cipher.setAAD(aad)
  return join(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

export function gcmOpen(
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(sealed.length - 16))
  return join(decipher.update(sealed.subarray(0, sealed.length - 16)), decipher.final())
}

const der = (head: string, key: Uint8Array): Buffer => join(Buffer.from(head, 'hex'), key)
const privateOf = (head: string, key: Uint8Array) =>
  createPrivateKey({ key: der(head, key), format: 'der', type: 'pkcs8' })
const publicOf = (head: string, key: Uint8Array) =>
  createPublicKey({ key: der(head, key), format: 'der', type: 'spki' })
/** The last `length` bytes of an SPKI are the raw key. */
const rawPublic = (key: ReturnType<typeof createPrivateKey>, length: number): Buffer =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-length)

// RFC 8410 and RFC 9935: DER heads before the raw key, or before the 64-byte ML-KEM seed.
const HEAD = {
  x25519Private: '302e020100300506032b656e04220420',
  x25519Public: '302a300506032b656e032100',
  ed25519Private: '302e020100300506032b657004220420',
  ed25519Public: '302a300506032b6570032100',
  kemSeed: '3054020100300b060960864801650304040204428040',
  kemPublic: '308204b2300b0609608648016503040402038204a100',
} as const

export const x25519Public = (secret: Uint8Array): Buffer =>
  rawPublic(privateOf(HEAD.x25519Private, secret), 32)
export const x25519 = (secret: Uint8Array, peer: Uint8Array): Buffer =>
  diffieHellman({
    privateKey: privateOf(HEAD.x25519Private, secret),
    publicKey: publicOf(HEAD.x25519Public, peer),
  })

export const ed25519Public = (secret: Uint8Array): Buffer =>
  rawPublic(privateOf(HEAD.ed25519Private, secret), 32)
export const ed25519Sign = (secret: Uint8Array, message: Uint8Array): Buffer =>
  nodeSign(null, message, privateOf(HEAD.ed25519Private, secret))
export const ed25519Verify = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean => nodeVerify(null, message, publicOf(HEAD.ed25519Public, publicKey), signature)

/** ML-KEM-768 encapsulation key (1184) of a 64-byte seed. */
export const kemPublic = (seed: Uint8Array): Buffer =>
  rawPublic(privateOf(HEAD.kemSeed, seed), 1184)
export const kemDecapsulate = (seed: Uint8Array, ciphertext: Uint8Array): Buffer =>
  nodeDecapsulate(privateOf(HEAD.kemSeed, seed), ciphertext)

export interface Encapsulation {
  /** 1088 bytes */
  readonly ciphertext: Uint8Array
  /** 32 bytes */
  readonly sharedSecret: Uint8Array
}
/** Of fresh randomness: node:crypto takes none from outside. */
export function kemEncapsulate(publicKey: Uint8Array): Encapsulation {
  const made = nodeEncapsulate(publicOf(HEAD.kemPublic, publicKey))
  return { ciphertext: made.ciphertext, sharedSecret: made.sharedKey }
}
