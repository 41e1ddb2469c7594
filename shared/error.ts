// The one error of the protocol (SPEC §9): a closed code, and no text that could carry a secret.

/** Every code that leaves a decoder, a machine or a store. Words for people are chosen in the CLI and the views. */
export type ClawErrorCode =
  | 'malformed'
  | 'limit'
  | 'crypto'
  | 'invite-malformed'
  | 'invite-version'
  | 'invite-used'
  | 'invite-reserved'
  | 'invite-expired'
  | 'invite-withdrawn'
  | 'invite-unknown'
  | 'room-unknown'
  | 'credentials-full'
  | 'name-invalid'
  | 'removed'
  | 'burned'
  | 'device-unknown'
  | 'not-allowed'
  | 'too-many'
  | 'record-missing'
  | 'record-malformed'
  | 'record-no-slot'
  | 'record-forged'
  | 'record-foreign'
  | 'record-rollback'
  | 'record-stale'
  | 'knock-refused'
  | 'certificate-foreign'
  | 'handshake-failed'
  | 'frame-invalid'
  | 'store-unreachable'
  | 'store-refused'
  | 'store-token'
  | 'mega-account'
  | 'mega-file'
  | 'mega-login'
  | 'mega-2fa'
  | 'mega-blocked'
  | 'mega-quota'
  | 'mega-session'
  | 'mega-gone'
  | 'clock-wrong'
  | 'no-answer'
  | 'no-network'
  | 'no-webrtc'
  | 'storage'
  | 'port-taken'
  | 'address-unusable'
  | 'folder-unusable'
  | 'folder-foreign'
  | 'folder-locked'
  | 'not-running'
  | 'usage'
  | 'no-usable-store'
  | 'node-too-old'
  | 'page-missing'
  | 'superseded'
  | 'deploy-failed'
  | 'wrangler-missing'
  | 'internal'

export class ClawError extends Error {
  readonly code: ClawErrorCode
  constructor(code: ClawErrorCode) {
    super(code)
    this.name = 'ClawError'
    this.code = code
  }
}

/** What went wrong, in one of our words; what is no ClawError is `internal`. */
export const codeOf = (error: unknown): ClawErrorCode =>
  error instanceof ClawError ? error.code : 'internal'
