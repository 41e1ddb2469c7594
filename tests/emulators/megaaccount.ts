// An account of the MEGA emulator: how its keys are wrapped, and what a client must prove to get a session.
// Written from the scheme itself on node:crypto, so that megajs and our own code are checked against something else.
import {
  constants,
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  pbkdf2Sync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'

export interface AccountOptions {
  readonly email: string
  readonly password: string
  /** 1: accounts from before 2018 */
  readonly version?: 1 | 2
  /** the only code of the second factor that is right, if there is one */
  readonly code?: string
}

export interface SessionAnswer {
  readonly k: string
  readonly csid: string
  readonly privk: string
  readonly u: string
}

const EMPTY = Buffer.alloc(0)
const ZERO = Buffer.alloc(16)
/** Raw bytes of a session id. */
const SID_BYTES = 43

export const e64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
export const d64 = (text: string): Buffer => Buffer.from(text, 'base64url')

export const ecbSeal = (key: Buffer, plain: Buffer): Buffer =>
  createCipheriv('aes-128-ecb', key, EMPTY).setAutoPadding(false).update(plain)
export const ecbOpen = (key: Buffer, sealed: Buffer): Buffer =>
  createDecipheriv('aes-128-ecb', key, EMPTY).setAutoPadding(false).update(sealed)
export const cbcOpen = (key: Buffer, sealed: Buffer): Buffer =>
  createDecipheriv('aes-128-cbc', key, ZERO).setAutoPadding(false).update(sealed)
export const cbcSeal = (key: Buffer, plain: Buffer): Buffer =>
  createCipheriv('aes-128-cbc', key, ZERO).setAutoPadding(false).update(plain)
export const fold = (key: Buffer): Buffer =>
  Buffer.from(key.subarray(0, 16).map((byte, i) => byte ^ (key[16 + i] ?? 0)))

// Making one takes a moment; no test depends on two accounts having different ones.
let rsa: { publicKey: KeyObject; jwk: JsonWebKey } | null = null
function keyPair(): { publicKey: KeyObject; jwk: JsonWebKey } {
  if (rsa === null) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    rsa = { publicKey, jwk: privateKey.export({ format: 'jwk' }) }
  }
  return rsa
}

export class EmulatedAccount {
  readonly email: string
  readonly user = e64(randomBytes(8))
  readonly masterKey = randomBytes(16)
  readonly code: string | null
  blocked = false
  readonly #password: string
  readonly #version: 1 | 2
  readonly #salt = randomBytes(16)

  constructor({ email, password, version = 2, code }: AccountOptions) {
    this.email = email
    this.#password = password
    this.#version = version
    this.code = code ?? null
  }

  /** What `us0` tells about the account. */
  get prelogin(): object {
    return this.#version === 1 ? { v: 1 } : { v: 2, s: e64(this.#salt) }
  }

  #secrets: { key: Buffer; proof: string } | null = null

  /** The key that wraps the master key, and the proof that a client knows the password. */
  secrets(): { key: Buffer; proof: string } {
    this.#secrets ??= this.#derive()
    return this.#secrets
  }

  #derive(): { key: Buffer; proof: string } {
    if (this.#version === 1) {
      const key = firstKey(Buffer.from(this.#password))
      return { key, proof: e64(firstProof(key, Buffer.from(this.email))) }
    }
    const derived = pbkdf2Sync(this.#password, this.#salt, 100_000, 32, 'sha512')
    return { key: derived.subarray(0, 16), proof: e64(derived.subarray(16)) }
  }

  /** The answer to a right `us`, and the session id that only the holder of the private key can read from it. */
  open(): { sid: string; answer: SessionAnswer } {
    const { publicKey, jwk } = keyPair()
    const raw = randomBytes(SID_BYTES)
    raw[0] = (raw[0] ?? 0) | 1
    // The first byte is zero, so that the number is below the modulus.
    const block = Buffer.concat([Buffer.alloc(1), raw, randomBytes(256 - 1 - SID_BYTES)])
    const sealed = publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block)
    const { p = '', q = '', d = '', qi = '' } = jwk
    // MEGA's order: u is the inverse of the first prime modulo the second.
    const numbers = Buffer.concat([q, p, d, qi].map((text) => mpi(d64(text))))
    const padded = Buffer.concat([numbers, randomBytes((16 - (numbers.length % 16)) % 16)])
    return {
      sid: e64(raw),
      answer: {
        k: e64(ecbSeal(this.secrets().key, this.masterKey)),
        csid: e64(mpi(sealed)),
        privk: e64(ecbSeal(this.masterKey, padded)),
        u: this.user,
      },
    }
  }
}

/** u16 number of bits ‖ the number, without leading zeros. */
function mpi(number: Buffer): Buffer {
  const from = number.findIndex((byte) => byte !== 0)
  const bytes = number.subarray(from)
  const bits = 8 * bytes.length - Math.clz32(bytes[0] ?? 0) + 24
  return Buffer.concat([Buffer.from([bits >> 8, bits & 255]), bytes])
}

const START = Buffer.from('93c467e37db0c7a4d1be3f810152cb56', 'hex')

/** Key of a version 1 account: 65 536 rounds, each encrypting under every block of the password. */
function firstKey(password: Buffer): Buffer {
  const blocks = blocksOf(password).map((block) =>
    createCipheriv('aes-128-ecb', block, EMPTY).setAutoPadding(false),
  )
  let key: Buffer = START
  for (let round = 0; round < 65_536; round++) for (const block of blocks) key = block.update(key)
  return key
}

/** Proof of a version 1 account: the address folded to one block, 16 384 times encrypted, half of it. */
function firstProof(key: Buffer, address: Buffer): Buffer {
  const folded = blocksOf(address).reduce(
    (sum, block) => Buffer.from(sum.map((byte, i) => byte ^ (block[i] ?? 0))),
    ZERO,
  )
  const cipher = createCipheriv('aes-128-ecb', key, EMPTY).setAutoPadding(false)
  let hash: Buffer = folded
  for (let round = 0; round < 16_384; round++) hash = cipher.update(hash)
  return Buffer.concat([hash.subarray(0, 4), hash.subarray(8, 12)])
}

const blocksOf = (bytes: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) =>
    Buffer.concat([bytes.subarray(16 * i, 16 * i + 16), ZERO]).subarray(0, 16),
  )
