// Reference of SPEC §5, the pattern written out token by token for both roles.
import {
  type Encapsulation,
  gcmOpen,
  gcmSeal,
  hkdf,
  join,
  kdf,
  kemDecapsulate,
  kemEncapsulate,
  kemPublic,
  sha256,
  text,
  uint,
  x25519,
  x25519Public,
  zeros,
} from './primitives.ts'

const PROTOCOL = 'Noise_IKhfs+psk0+psk2_25519+MLKEM768_AESGCM_SHA256'

/** What both sides know, all Uint8Array fields as in SPEC §5. */
export interface Agreed {
  readonly mode: number
  readonly route: number
  readonly hostPublicKey: Uint8Array
  readonly hostFingerprint: Uint8Array
  readonly clientFingerprint: Uint8Array
  readonly hint: Uint8Array
  readonly bind: Uint8Array
  readonly root: Uint8Array
  /** S_h public */
  readonly hostStatic: Uint8Array
}

/** The symmetric state of Noise §5.2, with the nonce counted by hand. */
class Transcript {
  h: Buffer
  ck: Buffer
  k: Buffer | null = null
  n = 0

  constructor(agreed: Agreed) {
    this.h = sha256(text(PROTOCOL))
    this.ck = this.h
    this.mixHash(prologue(agreed))
    this.mixHash(agreed.hostStatic)
  }
  mixHash(data: Uint8Array): void {
    this.h = sha256(this.h, data)
  }
  mixKey(input: Uint8Array): void {
    const out = hkdf(input, this.ck, zeros(0), 64)
    this.ck = out.subarray(0, 32)
    this.setKey(out.subarray(32, 64))
  }
  mixKeyAndHash(input: Uint8Array): void {
    const out = hkdf(input, this.ck, zeros(0), 96)
    this.ck = out.subarray(0, 32)
    this.mixHash(out.subarray(32, 64))
    this.setKey(out.subarray(64, 96))
  }
  seal(plaintext: Uint8Array): Buffer {
    const sealed = gcmSeal(this.key(), this.nonce(), this.h, plaintext)
    this.mixHash(sealed)
    return sealed
  }
  open(sealed: Uint8Array): Buffer {
    const plaintext = gcmOpen(this.key(), this.nonce(), this.h, sealed)
    this.mixHash(sealed)
    return plaintext
  }
  split(): { clientToHost: Buffer; hostToClient: Buffer } {
    const out = hkdf(zeros(0), this.ck, zeros(0), 64)
    return { clientToHost: out.subarray(0, 32), hostToClient: out.subarray(32, 64) }
  }
  setKey(key: Buffer): void {
    this.k = key
    this.n = 0
  }
  key(): Buffer {
    if (!this.k) throw new Error('no key yet')
    return this.k
  }
  nonce(): Buffer {
    return join(zeros(4), uint(this.n++, 8))
  }
}

export const prologue = (a: Agreed): Buffer =>
  join(
    text('clawchat/v1 hs'),
    zeros(1),
    uint(a.mode, 1),
    uint(a.route, 1),
    a.hostPublicKey,
    a.hostFingerprint,
    a.clientFingerprint,
    a.hint,
    a.bind,
  )

export const m1Payload = (timeMs: number, features: number): Buffer =>
  join(uint(timeMs, 8), uint(1, 1), uint(1, 1), uint(features, 4), zeros(50))

export const m2Payload = (reply: {
  readonly hostTimeMs: number
  readonly recordSeq: number
  readonly sessionId: Uint8Array
  readonly status: number
}): Buffer =>
  join(
    uint(reply.hostTimeMs, 8),
    uint(reply.recordSeq, 8),
    reply.sessionId,
    uint(reply.status, 1),
    uint(1, 1),
    zeros(62),
  )

export interface ClientSecrets {
  /** S_d */
  readonly device: Uint8Array
  readonly ephemeral: Uint8Array
  /** 64 bytes */
  readonly kemSeed: Uint8Array
}

/** The client: writes M1 at once; `readM2` gives what came back. */
export function client(agreed: Agreed, secrets: ClientSecrets, payload: Uint8Array) {
  const t = new Transcript(agreed)
  const e = x25519Public(secrets.ephemeral)
  t.mixKeyAndHash(kdf(agreed.root, 'psk0'))
  t.mixHash(e)
  t.mixKey(e)
  t.mixKey(x25519(secrets.ephemeral, agreed.hostStatic)) // es
  const e1 = t.seal(kemPublic(secrets.kemSeed))
  const s = t.seal(x25519Public(secrets.device))
  t.mixKey(x25519(secrets.device, agreed.hostStatic)) // ss
  const sealedPayload = t.seal(payload)
  const m1 = join(Buffer.from('01010000', 'hex'), agreed.hint, e, e1, s, sealedPayload)

  const readM2 = (m2: Uint8Array) => {
    const re = m2.subarray(4, 36)
    t.mixHash(re)
    t.mixKey(re)
    t.mixKey(x25519(secrets.ephemeral, re)) // ee
    const ciphertext = t.open(m2.subarray(36, 36 + 1104))
    const sharedSecret = kemDecapsulate(secrets.kemSeed, ciphertext)
    t.mixKey(sharedSecret)
    t.mixKey(x25519(secrets.device, re)) // se
    t.mixKeyAndHash(kdf(agreed.root, 'psk2'))
    const payloadOfHost = t.open(m2.subarray(1140))
    return { payload: payloadOfHost, encapsulation: { ciphertext, sharedSecret }, ...t.split() }
  }
  return { m1, readM2 }
}

/** The host: reads M1, then writes M2 with a given or a fresh encapsulation. */
export function host(
  agreed: Agreed,
  secrets: { readonly hostStatic: Uint8Array; readonly ephemeral: Uint8Array },
  m1: Uint8Array,
) {
  const t = new Transcript(agreed)
  t.mixKeyAndHash(kdf(agreed.root, 'psk0'))
  const re = m1.subarray(12, 44)
  t.mixHash(re)
  t.mixKey(re)
  t.mixKey(x25519(secrets.hostStatic, re)) // es
  const e1 = t.open(m1.subarray(44, 44 + 1200))
  const device = t.open(m1.subarray(1244, 1292))
  t.mixKey(x25519(secrets.hostStatic, device)) // ss
  const payload = t.open(m1.subarray(1292))

  const writeM2 = (reply: Uint8Array, given?: Encapsulation) => {
    const { ciphertext, sharedSecret } = given ?? kemEncapsulate(e1)
    const e = x25519Public(secrets.ephemeral)
    t.mixHash(e)
    t.mixKey(e)
    t.mixKey(x25519(secrets.ephemeral, re)) // ee
    const sealedCiphertext = t.seal(ciphertext)
    t.mixKey(sharedSecret)
    t.mixKey(x25519(secrets.ephemeral, device)) // se
    t.mixKeyAndHash(kdf(agreed.root, 'psk2'))
    const m2 = join(Buffer.from('02010000', 'hex'), e, sealedCiphertext, t.seal(reply))
    return { m2, ...t.split() }
  }
  return { payload, device, writeM2 }
}
