// The small crypto interface (SPEC §1). Back ends: shared/noble.ts, web/webcrypto.ts, host/nodecrypto.ts.
// Hashes, HMAC, HKDF, signatures and the KEM are noble everywhere; what runs per message or holds a device key is exchangeable.

export type MaybePromise<T> = T | Promise<T>

/** 12-byte nonce, 16-byte tag appended. `open` throws ClawError('crypto') on any failure. Never keep a reference to the arguments. */
export interface Aead {
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): MaybePromise<Uint8Array>
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): MaybePromise<Uint8Array>
}

/** An X25519 private key that may be opaque (a non-extractable CryptoKey). `dh` refuses an all-zero result with ClawError('crypto'). */
export interface DhKey {
  /** 32 bytes */
  readonly publicKey: Uint8Array
  /** @returns the 32-byte shared secret */
  dh(peerPublicKey: Uint8Array): MaybePromise<Uint8Array>
}

export interface CryptoBackend {
  readonly name: 'noble' | 'webcrypto' | 'node'
  /** AES-256-GCM under a 32-byte key (copied or imported at once). */
  aead(key: Uint8Array): MaybePromise<Aead>
  /** X25519 key pair of a 32-byte secret. */
  dhKey(secret: Uint8Array): MaybePromise<DhKey>
}

/** `length` fresh random bytes; injected, since shared/ has no entropy of its own. */
export type RandomBytes = (length: number) => Uint8Array
