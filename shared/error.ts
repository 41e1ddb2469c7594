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
  | 'credentials-full'
  | 'name-invalid'
  | 'record-missing'
  | 'record-malformed'
  | 'record-no-slot'
  | 'record-forged'
  | 'record-foreign'
  | 'record-rollback'
  | 'record-stale'
  | 'knock-refused'
  | 'handshake-failed'
  | 'frame-invalid'
  | 'store-unreachable'
  | 'store-refused'
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
  | 'internal'

export class ClawError extends Error {
  readonly code: ClawErrorCode
  constructor(code: ClawErrorCode) {
    super(code)
    this.name = 'ClawError'
    this.code = code
  }
}
