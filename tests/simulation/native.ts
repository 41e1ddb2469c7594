// The primitives of the noble packages (SPEC §1) on node:crypto, several times as quick: real ones all the same. The
// simulation takes them in place of noble (vitest.config.ts); unit/native.test.ts holds both against each other.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  encapsulate,
  hash,
  sign,
  verify,
} from 'node:crypto'

const TAG_BYTES = 16
const GCM = { authTagLength: TAG_BYTES } as const
// RFC 8410 and RFC 9935: the fixed DER heads before the raw key, or before the 64-byte seed of ML-KEM.
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes)

export const sha256 = (message: Uint8Array): Uint8Array => plain(hash('sha256', message, 'buffer'))
export const sha512 = (message: Uint8Array): Uint8Array => plain(hash('sha512', message, 'buffer'))

const BLOCK_BYTES = 64

/** HMAC-SHA256 (RFC 2104), the only one in use. A KeyObject per call would cost more than both hashes. */
export function hmac(by: typeof sha256, key: Uint8Array, message: Uint8Array): Uint8Array {
  const [inner, outer] = [pad(by, key, 0x36, message.length), pad(by, key, 0x5c, 32)]
  inner.set(message, BLOCK_BYTES)
  outer.set(by(inner), BLOCK_BYTES)
  return by(outer)
}

/** The key, padded to a block, with room for what follows. */
function pad(by: typeof sha256, key: Uint8Array, mask: number, rest: number): Uint8Array {
  const out = new Uint8Array(BLOCK_BYTES + rest)
  out.set(key.length > BLOCK_BYTES ? by(key) : key)
  for (let i = 0; i < BLOCK_BYTES; i++) out[i] = (out[i] as number) ^ mask
  return out
}

/** HKDF-SHA256 (RFC 5869) */
export function hkdf(
  by: typeof sha256,
  ikm: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const key = hmac(by, salt, ikm)
  const out = new Uint8Array(Math.ceil(length / 32) * 32)
  let last: Uint8Array = new Uint8Array(0)
  for (let at = 0; at < length; at += 32) {
    last = hmac(by, key, Buffer.concat([last, info, Uint8Array.of(at / 32 + 1)]))
    out.set(last, at)
  }
  return out.slice(0, length)
}

export const gcm = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array) => ({
  encrypt(plaintext: Uint8Array): Uint8Array {
    const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce, GCM).setAAD(aad)
    return plain(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]))
  },
  decrypt(sealed: Uint8Array): Uint8Array {
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), nonce, GCM).setAAD(aad)
    decipher.setAuthTag(sealed.subarray(end))
    return plain(Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]))
  },
})

const privateKey = (secret: Uint8Array) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, secret]), format: 'der', type: 'pkcs8' })

export const ed25519 = {
  getPublicKey(secret: Uint8Array): Uint8Array {
    const spki = createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' })
    return plain(spki.subarray(SPKI_HEAD.length))
  },
  sign: (message: Uint8Array, secret: Uint8Array): Uint8Array =>
    plain(sign(null, message, privateKey(secret))),
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    const key = Buffer.concat([SPKI_HEAD, publicKey])
    return verify(null, message, { key, format: 'der', type: 'spki' }, signature)
  },
}

const KEM_SEED_HEAD = Buffer.from('3054020100300b060960864801650304040204428040', 'hex')
const KEM_SPKI_HEAD = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')

const kemPrivateKey = (seed: Uint8Array) =>
  createPrivateKey({ key: Buffer.concat([KEM_SEED_HEAD, seed]), format: 'der', type: 'pkcs8' })

/** Its secret key is the seed. */
export const ml_kem768 = {
  keygen(seed: Uint8Array) {
    const spki = createPublicKey(kemPrivateKey(seed)).export({ format: 'der', type: 'spki' })
    return { publicKey: plain(spki.subarray(KEM_SPKI_HEAD.length)), secretKey: seed.slice() }
  },
  /** node:crypto takes no randomness from outside; nothing in a simulation depends on these bytes. */
  encapsulate(publicKey: Uint8Array) {
    const key = Buffer.concat([KEM_SPKI_HEAD, publicKey])
    const made = encapsulate({ key, format: 'der', type: 'spki' })
    return { cipherText: plain(made.ciphertext), sharedSecret: plain(made.sharedKey) }
  },
  decapsulate: (ciphertext: Uint8Array, seed: Uint8Array): Uint8Array =>
    plain(decapsulate(kemPrivateKey(seed), ciphertext)),
}

/** Not in use: the back end under test has its own (host/nodecrypto.ts). */
export const x25519 = {
  getPublicKey: unused,
  getSharedSecret: unused,
}

function unused(): never {
  throw new Error('bug: the simulation has the host’s back end')
}
