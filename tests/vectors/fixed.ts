// Entropy that is the same on every run, for vectors and tests.
import { toUtf8 } from '../../shared/bytes.ts'
import type { RandomBytes } from '../../shared/crypto.ts'
import { hkdf } from '../../shared/hash.ts'

/** `length` bytes (≤ 8160) that depend on the label only. */
export const fixed = (label: string, length = 32): Uint8Array =>
  hkdf(toUtf8(label), new Uint8Array(0), toUtf8('clawchat test vectors'), length)

/** Gives out the values in order; another length, or one more call, is an error of the code under test. */
export function scripted(...values: readonly Uint8Array[]): RandomBytes {
  const left = [...values]
  return (length) => {
    const value = left.shift()
    if (value?.length !== length) throw new Error(`bug: asked for ${length} bytes out of order`)
    return value.slice()
  }
}

/** An endless stream of the label: the n-th call is `fixed("label n")`. */
export function stream(label: string): RandomBytes {
  let calls = 0
  return (length) => fixed(`${label} ${calls++}`, length)
}
