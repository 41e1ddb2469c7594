// Reference of SPEC §4.4: the hints that a host tells its mailbox, and the proof of its write key.
import {
  ed25519Public,
  ed25519Sign,
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
