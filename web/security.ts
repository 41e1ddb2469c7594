// What the "Security" dialog says, from what this browser knows.
import { toHex } from '../shared/bytes.ts'
import type { CryptoBackend } from '../shared/crypto.ts'
import { sha256 } from '../shared/hash.ts'
import type { RecordBody } from '../shared/record.ts'
import { safetyCode } from '../shared/safety.ts'
import type { Live } from './conversation.ts'
import type { Profile } from './keep.ts'
import type { Security } from './model.ts'

export function securityOf(input: {
  readonly profile: Profile
  /** S_d_pub, 32 bytes */
  readonly publicKey: Uint8Array
  readonly backend: CryptoBackend
  readonly live: Live | null
  readonly record: Pick<RecordBody, 'issuedMs' | 'intervalMs'> | null
  readonly known: Security | null
}): Security {
  const { profile, publicKey, backend, live, record, known } = input
  return {
    hostFingerprint: toHex(sha256(profile.hostPublicKey).slice(0, 16)),
    safetyCode: safetyCode(profile.hostPublicKey, publicKey),
    keysRenewedAtMs: live?.sinceMs ?? known?.keysRenewedAtMs ?? null,
    messageKeyAtMs: live?.session.keySinceMs ?? known?.messageKeyAtMs ?? null,
    recordAtMs: record?.issuedMs ?? known?.recordAtMs ?? null,
    epoch: live?.epoch ?? known?.epoch ?? null,
    intervalMs: record?.intervalMs ?? known?.intervalMs ?? null,
    knownSinceMs: profile.knownSinceMs,
    keyProtected: !(profile.key instanceof Uint8Array),
    secureContext: isSecureContext,
    backend: backend.name === 'webcrypto' ? 'webcrypto' : 'noble',
  }
}
