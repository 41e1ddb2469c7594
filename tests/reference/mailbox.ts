// Reference of SPEC §4.4 and §4.5: the hints that a host tells its mailbox, the proof of its write key, and envelopes.
import {
  ed25519Public,
  ed25519Sign,
  gcmOpen,
  gcmSeal,
  hmacSha256,
  join,
  kdf,
  sha256,
  text,
  uint,
  zeros,
} from './primitives.ts'
import { storageId } from './store.ts'

export const signalHint = (root: Uint8Array, epoch: number): Buffer =>
  hmacSha256(kdf(root, 'signal hint'), uint(epoch, 8)).subarray(0, 8)

const hintPad = (writeSecret: Uint8Array, epoch: number, i: number): Buffer =>
  hmacSha256(kdf(writeSecret, 'hint pad'), join(uint(epoch, 8), uint(i, 4))).subarray(0, 8)

/** 1536 bytes. */
export function signalHints(
  roots: readonly Uint8Array[],
  epoch: number,
  writeSecret: Uint8Array,
): Buffer {
  const all = [epoch - 1, epoch, epoch + 1].flatMap((e) =>
    Array.from({ length: 64 }, (_, i) => {
      const root = roots[i]
      return root === undefined ? hintPad(writeSecret, e, i - roots.length) : signalHint(root, e)
    }),
  )
  return join(...all.sort(Buffer.compare))
}

/** 1641 bytes. */
export function proof(input: {
  readonly writeSecret: Uint8Array
  readonly origin: string
  readonly challenge: Uint8Array
  readonly timeMs: number
  readonly hints: Uint8Array
}): Buffer {
  const { writeSecret, origin, challenge, timeMs, hints } = input
  const key = ed25519Public(writeSecret)
  const signed = join(
    text('clawchat/v1 mailbox'),
    zeros(1),
    storageId(key),
    sha256(text(origin)),
    challenge,
    uint(timeMs, 8),
    sha256(hints),
  )
  return join(uint(0, 1), key, uint(timeMs, 8), ed25519Sign(writeSecret, signed), hints)
}

export interface ReferenceEnvelope {
  readonly root: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly epoch: number
  readonly nonce: Uint8Array
  /** null in an offer */
  readonly offer: Uint8Array | null
}

const envelopeAad = (e: Omit<ReferenceEnvelope, 'epoch' | 'nonce'>, hint: Uint8Array): Buffer =>
  join(
    text('clawchat/v1 signal'),
    sha256(text('clawchat/v1 host tag'), e.hostPublicKey).subarray(0, 16),
    hint,
    uint(e.offer === null ? 0 : 1, 1),
    e.offer === null ? zeros(32) : sha256(e.offer),
  )

const envelopeKey = (e: Pick<ReferenceEnvelope, 'root' | 'offer'>): Buffer =>
  kdf(e.root, 'signal', uint(e.offer === null ? 0 : 1, 1))

/** 2012 bytes. */
export function envelopePlaintext(timeMs: number, description: string): Buffer {
  const said = text(description)
  return join(uint(1, 1), uint(timeMs, 6), uint(said.length, 2), said, zeros(2003 - said.length))
}

/** 2048 bytes, if the plaintext has 2012. */
export function sealEnvelope(e: ReferenceEnvelope, plaintext: Uint8Array): Buffer {
  const hint = signalHint(e.root, e.epoch)
  return join(hint, e.nonce, gcmSeal(envelopeKey(e), e.nonce, envelopeAad(e, hint), plaintext))
}

/** The plaintext. */
export const openEnvelope = (
  envelope: Uint8Array,
  e: Omit<ReferenceEnvelope, 'epoch' | 'nonce'>,
): Buffer =>
  gcmOpen(
    envelopeKey(e),
    envelope.subarray(8, 20),
    envelopeAad(e, envelope.subarray(0, 8)),
    envelope.subarray(20),
  )
