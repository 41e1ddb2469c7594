// The page's back end (SPEC §1) on WebCrypto, and the choice between it and noble.
// Device keys made here cannot be exported; noble serves plain-http pages, which have no crypto.subtle.
import { concat, fromHex, isZero } from '../shared/bytes.ts'
import type { Aead, CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { nobleBackend } from '../shared/noble.ts'

const TAG_BITS = 128
const KEY_BYTES = 32
const X25519 = { name: 'X25519' } as const
// RFC 8410: the fixed DER head before the 32 raw bytes of a private key.
const PKCS8_HEAD = fromHex('302e020100300506032b656e04220420')
const BASE_POINT = concat(Uint8Array.of(9), new Uint8Array(31))

type Owned = Uint8Array<ArrayBuffer>

/** A copy that nobody else can change while the browser works on it. */
const owned = (bytes: Uint8Array): Owned => new Uint8Array(bytes)

function sized(bytes: Uint8Array, length: number): Owned {
  if (bytes.length !== length) throw new ClawError('crypto')
  return owned(bytes)
}

// Read at each use, because insecure contexts have `crypto` without `subtle`.
function subtle(): SubtleCrypto {
  const found: SubtleCrypto | undefined = globalThis.crypto?.subtle
  if (!found) throw new ClawError('crypto')
  return found
}

/** One WebCrypto operation; whatever it rejects with becomes ClawError('crypto'). */
async function guarded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch {
    throw new ClawError('crypto')
  }
}

const gcm = (nonce: Owned, aad: Owned) => ({
  name: 'AES-GCM',
  iv: nonce,
  additionalData: aad,
  tagLength: TAG_BITS,
})

async function webAead(key: Uint8Array): Promise<Aead> {
  const raw = sized(key, KEY_BYTES)
  const held = await guarded(() =>
    subtle().importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']),
  )
  return {
    seal: (nonce, aad, plaintext) =>
      guarded(async () => {
        const parameters = gcm(sized(nonce, 12), owned(aad))
        return new Uint8Array(await subtle().encrypt(parameters, held, owned(plaintext)))
      }),
    open: (nonce, aad, sealed) =>
      guarded(async () => {
        const parameters = gcm(sized(nonce, 12), owned(aad))
        return new Uint8Array(await subtle().decrypt(parameters, held, owned(sealed)))
      }),
  }
}

const sharedSecret = (privateKey: CryptoKey, peer: Uint8Array): Promise<Uint8Array> =>
  guarded(async () => {
    const raw = sized(peer, KEY_BYTES)
    const publicKey = await subtle().importKey('raw', raw, X25519, false, [])
    const parameters = { name: 'X25519', public: publicKey }
    const shared = new Uint8Array(await subtle().deriveBits(parameters, privateKey, 256))
    if (isZero(shared)) throw new ClawError('crypto')
    return shared
  })

async function webDhKey(secret: Uint8Array): Promise<DhKey> {
  const der = owned(concat(PKCS8_HEAD, sized(secret, KEY_BYTES)))
  const key = await guarded(() => subtle().importKey('pkcs8', der, X25519, false, ['deriveBits']))
  // The public key is the secret times the base point: no need for an extractable key.
  const publicKey = await sharedSecret(key, BASE_POINT)
  return { publicKey, dh: (peer) => sharedSecret(key, peer) }
}

export const webcryptoBackend = {
  name: 'webcrypto',
  aead: webAead,
  dhKey: webDhKey,
} as const satisfies CryptoBackend

/** The X25519 key of a pair that IndexedDB holds; the private half may be non-extractable. */
export async function dhKeyOf(pair: CryptoKeyPair): Promise<DhKey> {
  const raw = await guarded(() => subtle().exportKey('raw', pair.publicKey))
  return { publicKey: new Uint8Array(raw), dh: (peer) => sharedSecret(pair.privateKey, peer) }
}

/** A non-extractable X25519 pair, or null where the browser has no X25519 (then noble and a stored secret). */
export async function generateDeviceKeyPair(): Promise<CryptoKeyPair | null> {
  try {
    const made = await subtle().generateKey(X25519, false, ['deriveBits'])
    return 'privateKey' in made ? made : null
  } catch {
    return null
  }
}

/** WebCrypto where this context has it, noble elsewhere, decided for each primitive by trying it. */
export async function pickBackend(): Promise<CryptoBackend> {
  const trial = new Uint8Array(KEY_BYTES).fill(1)
  const works = (run: () => Promise<unknown>) =>
    run().then(
      () => true,
      () => false,
    )
  const [hasGcm, hasX25519] = await Promise.all([
    works(async () => (await webAead(trial)).seal(new Uint8Array(12), trial, trial)),
    works(() => webDhKey(trial)),
  ])
  const aead = hasGcm ? webcryptoBackend : nobleBackend
  const dh = hasX25519 ? webcryptoBackend : nobleBackend
  // Named after the cipher, which is what runs per message.
  return { name: aead.name, aead: aead.aead, dhKey: dh.dhKey }
}
