// Reference of SPEC §4.
import { signalHint } from './mailbox.ts'
import { gcmOpen, gcmSeal, hmacSha256, join, kdf, sha256, text, uint, zeros } from './primitives.ts'

export interface ReferenceKnock {
  readonly root: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly epoch: number
  readonly route: number
  readonly timeMs: number
  readonly clientFingerprint: Uint8Array
  readonly nonce: Uint8Array
  readonly clientUfrag: string
}

export const hostTag = (hostPublicKey: Uint8Array): Buffer =>
  sha256(text('clawchat/v1 host tag'), hostPublicKey).subarray(0, 16)

export const knockHint = (root: Uint8Array, epoch: number): Buffer =>
  hmacSha256(kdf(root, 'knock hint'), uint(epoch, 8)).subarray(0, 8)

/** Of the route: 4 has the signal hint. */
export const hintOf = (root: Uint8Array, epoch: number, route: number): Buffer =>
  route === 4 ? signalHint(root, epoch) : knockHint(root, epoch)

export const icePassword = (root: Uint8Array, nonce: Uint8Array): string =>
  hmacSha256(kdf(root, 'ice pwd'), nonce).toString('base64').slice(0, 24)

const aad = (hostPublicKey: Uint8Array, hint: Uint8Array, route: number, ufrag: string): Buffer =>
  join(text('clawchat/v1 knock'), hostTag(hostPublicKey), hint, uint(route, 1), text(ufrag))

/** 57 bytes. */
export const knockPlaintext = (
  k: Pick<ReferenceKnock, 'route' | 'timeMs' | 'clientFingerprint'>,
): Buffer => join(uint(1, 1), uint(k.route, 1), uint(k.timeMs, 6), k.clientFingerprint, zeros(17))

/** `plaintext`: another one than SPEC asks for, to see it refused. */
export function sealKnock(k: ReferenceKnock, plaintext: Uint8Array = knockPlaintext(k)): Buffer {
  const hint = hintOf(k.root, k.epoch, k.route)
  const bound = aad(k.hostPublicKey, hint, k.route, k.clientUfrag)
  return join(hint, k.nonce, gcmSeal(kdf(k.root, 'knock'), k.nonce, bound, plaintext))
}

/** The 57 bytes of plaintext. */
export function openKnock(
  knock: Uint8Array,
  k: Pick<ReferenceKnock, 'root' | 'hostPublicKey' | 'route' | 'clientUfrag'>,
): Buffer {
  const hint = knock.subarray(0, 8)
  const bound = aad(k.hostPublicKey, hint, k.route, k.clientUfrag)
  return gcmOpen(kdf(k.root, 'knock'), knock.subarray(8, 20), bound, knock.subarray(20))
}
