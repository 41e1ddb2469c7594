// What one vector comes to, and the back ends it is run on.
import { nodeBackend } from '../../host/nodecrypto.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { nobleBackend } from '../../shared/noble.ts'
import { webcryptoBackend } from '../../web/webcrypto.ts'

/** Closed: a test is skipped for one of these reasons or not at all. */
export const SKIP_REASONS = {
  nonce: 'nonce is not 96 bits, refused by design',
  key: 'key is not 256 bits, refused by design',
  suite: 'suite is not 25519_AESGCM_SHA256',
  pattern: 'pattern or modifier that the Noise core does not have',
  parameterSet: 'parameter set is not ML-KEM-768',
} as const
export type SkipReason = keyof typeof SKIP_REASONS

export type Outcome = 'passed' | 'failed' | { readonly skipped: SkipReason }

export interface Result {
  readonly backend: string
  /** which entry of the file, for people */
  readonly test: string
  readonly outcome: Outcome
}

export const BACKENDS: readonly CryptoBackend[] = [nobleBackend, nodeBackend, webcryptoBackend]

/** False for a refusal; what a test expects to be refused may throw anything. */
export async function accepts(run: () => unknown): Promise<boolean> {
  try {
    return (await run()) !== false
  } catch {
    return false
  }
}

export const passedIf = (ok: boolean): Outcome => (ok ? 'passed' : 'failed')
