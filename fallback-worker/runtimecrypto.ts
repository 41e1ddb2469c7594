// SHA-256 and Ed25519 of the runtime (Web Cryptography), for the endpoint. In plain JavaScript the first verification of a
// process takes 40 ms of computing, and Cloudflare's free plan allows a request 10 (docs/OPERATING.md).
import type { PutCrypto } from '../shared/put.ts'

export const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)))

/** Less strict than RFC 8032 may be allowed: an id belongs to one key, so a weak key harms its owner only. */
async function verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  try {
    const { subtle } = crypto
    const key = await subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', false, [
      'verify',
    ])
    return await subtle.verify('Ed25519', key, Uint8Array.from(signature), Uint8Array.from(message))
  } catch {
    // Bytes that are no point of the curve.
    return false
  }
}

export const runtimeCrypto: PutCrypto = { sha256, verify }
