// Web Push on the wire: the body (RFC 8188, RFC 8291) and who sends it (VAPID, RFC 8292). Sends nothing itself.
// A library would bring a client of its own, which follows redirects, and six packages for these four formulas.
import {
  createCipheriv,
  createECDH,
  createPrivateKey,
  type ECDH,
  hkdfSync,
  sign,
} from 'node:crypto'
import { concat, toUtf8, Writer } from '../shared/bytes.ts'

const CURVE = 'prime256v1'
const RECORD_BYTES = 4096
/** Ends the last record; zeros may follow (RFC 8188 §2). */
const LAST = 2
/** RFC 8292 §2 allows 24 hours. */
const TOKEN_S = 12 * 3600

export interface PushKeys {
  /** uncompressed point of P-256, 65 bytes */
  readonly p256dh: Uint8Array
  /** 16 bytes */
  readonly auth: Uint8Array
}

/** `secret`: 32 bytes; without one, a fresh pair. */
export function pushPair(secret?: Uint8Array): ECDH {
  const pair = createECDH(CURVE)
  if (secret === undefined) pair.generateKeys()
  else pair.setPrivateKey(secret)
  return pair
}

/** Whether these 65 bytes are a point that one can agree with. */
export function isPushKey(p256dh: Uint8Array): boolean {
  try {
    pushPair().computeSecret(p256dh)
    return p256dh.length === 65
  } catch {
    return false
  }
}

const hkdf = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, salt, info, length))

const info = (name: string, ...parts: readonly Uint8Array[]): Uint8Array =>
  concat(toUtf8(`${name}\0`), ...parts)

/** RFC 8188 §2: one record. `salt`: 16 bytes; `padding`: zeros behind the text, which nobody can tell from it. */
export function sealContent(input: {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  readonly keyId: Uint8Array
  readonly plain: Uint8Array
  readonly padding: number
}): Uint8Array {
  const { key, salt, keyId, plain, padding } = input
  const contentKey = hkdf(key, salt, info('Content-Encoding: aes128gcm'), 16)
  const nonce = hkdf(key, salt, info('Content-Encoding: nonce'), 12)
  const cipher = createCipheriv('aes-128-gcm', contentKey, nonce)
  const record = concat(plain, Uint8Array.of(LAST), new Uint8Array(padding))
  const sealed = concat(cipher.update(record), cipher.final(), cipher.getAuthTag())
  const head = new Writer(86).bytes(salt).u32(RECORD_BYTES).u8(keyId.length).bytes(keyId)
  return head.bytes(sealed).done()
}

/** RFC 8291 §3.4. `pair`: of this message alone; `salt`: 16 random bytes. */
export function sealPush(
  plain: Uint8Array,
  { p256dh, auth }: PushKeys,
  { pair, salt, padding }: { pair: ECDH; salt: Uint8Array; padding: number },
): Uint8Array {
  const own = new Uint8Array(pair.getPublicKey())
  const shared = pair.computeSecret(p256dh)
  const key = hkdf(shared, auth, info('WebPush: info', p256dh, own), 32)
  return sealContent({ key, salt, keyId: own, plain, padding })
}

/** RFC 8292 §2, §3: the value of Authorization. `contact`: an https or mailto URL, or null. */
export function vapidHeader(
  vapid: ECDH,
  audience: string,
  nowMs: number,
  contact: string | null,
): string {
  const claims = {
    aud: audience,
    exp: Math.floor(nowMs / 1000) + TOKEN_S,
    ...(contact !== null && { sub: contact }),
  }
  const text = [{ typ: 'JWT', alg: 'ES256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = sign('sha256', Buffer.from(text), {
    key: createPrivateKey({ format: 'jwk', key: jwkOf(vapid) }),
    dsaEncoding: 'ieee-p1363',
  })
  const key = vapid.getPublicKey().toString('base64url')
  return `vapid t=${text}.${signature.toString('base64url')}, k=${key}`
}

function jwkOf(pair: ECDH) {
  const point = pair.getPublicKey()
  return {
    ...{ kty: 'EC', crv: 'P-256', d: pair.getPrivateKey().toString('base64url') },
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  }
}
