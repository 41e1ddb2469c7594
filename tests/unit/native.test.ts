// What the simulation takes in place of noble gives the same bytes and refuses the same things.
import { gcm } from '@noble/ciphers/aes.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { expect, test } from 'vitest'
import * as native from '../simulation/native.ts'
import { fixed } from '../vectors/fixed.ts'

const LENGTHS = [0, 1, 31, 32, 33, 63, 64, 65, 200, 6144]
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

test.each(LENGTHS)('hashes, HMAC and HKDF of %i bytes', (length) => {
  const data = fixed('data', length)
  const [key, salt] = [fixed('key'), fixed('salt')]
  expect(native.sha256(data)).toEqual(sha256(data))
  expect(native.sha512(data)).toEqual(sha512(data))
  expect(native.hmac(native.sha256, key, data)).toEqual(hmac(sha256, key, data))
  expect(native.hmac(native.sha256, data, key)).toEqual(hmac(sha256, data, key))
  for (const wanted of [1, 32, 64, 96])
    expect(native.hkdf(native.sha256, data, salt, key, wanted)).toEqual(
      hkdf(sha256, data, salt, key, wanted),
    )
})

test.each(LENGTHS)('AES-256-GCM of %i bytes', (length) => {
  const [key, nonce, aad, plaintext] = [
    ...[fixed('key'), fixed('nonce', 12), fixed('aad', 20)],
    fixed('plaintext', length),
  ] as const
  const sealed = native.gcm(key, nonce, aad).encrypt(plaintext)
  expect(sealed).toEqual(gcm(key, nonce, aad).encrypt(plaintext))
  expect(native.gcm(key, nonce, aad).decrypt(sealed)).toEqual(plaintext)
  for (const bad of [flipped(sealed, 0), flipped(sealed, length), sealed.subarray(1)])
    expect(() => native.gcm(key, nonce, aad).decrypt(bad)).toThrow()
  expect(() => native.gcm(key, nonce, fixed('other', 20)).decrypt(sealed)).toThrow()
})

test('Ed25519', () => {
  const [secret, message] = [fixed('secret'), fixed('message', 100)]
  const publicKey = native.ed25519.getPublicKey(secret)
  expect(publicKey).toEqual(ed25519.getPublicKey(secret))
  const signature = native.ed25519.sign(message, secret)
  expect(signature).toEqual(ed25519.sign(message, secret))
  expect(native.ed25519.verify(signature, message, publicKey)).toBe(true)
  for (const at of [0, 32, 63])
    expect(native.ed25519.verify(flipped(signature, at), message, publicKey)).toBe(false)
  expect(native.ed25519.verify(signature, flipped(message, 7), publicKey)).toBe(false)
})

test('ML-KEM-768, each end with either', () => {
  const seed = fixed('seed', 64)
  const [ours, theirs] = [native.ml_kem768.keygen(seed), ml_kem768.keygen(seed)]
  expect(ours.publicKey).toEqual(theirs.publicKey)
  const made = native.ml_kem768.encapsulate(ours.publicKey)
  expect(native.ml_kem768.decapsulate(made.cipherText, ours.secretKey)).toEqual(made.sharedSecret)
  expect(ml_kem768.decapsulate(made.cipherText, theirs.secretKey)).toEqual(made.sharedSecret)
  const bad = flipped(made.cipherText, 5)
  expect(native.ml_kem768.decapsulate(bad, ours.secretKey)).toEqual(
    ml_kem768.decapsulate(bad, theirs.secretKey),
  )
})
