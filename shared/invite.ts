// The invite link's fragment (SPEC §2). Everything secret of an invitation is in it, so it is never logged.
import { concat, equal, fromBase64Url, Reader, toBase64Url, toUtf8, Writer } from './bytes.ts'
import { NAME_MAX_BYTES } from './constants.ts'
import { ClawError } from './error.ts'
import { hkdf, sha256 } from './hash.ts'
import { type Locator, readLocator, writeLocator } from './locator.ts'

export interface Invite {
  /** H_pub, 32 bytes */
  readonly hostPublicKey: Uint8Array
  /** 32 bytes */
  readonly secret: Uint8Array
  readonly minSeq: number
  /** shown before joining */
  readonly hostName: string
  readonly locator: Locator
}

const VERSION = 1
const CHECK_BYTES = 4
const MAX_CHARS = 4096

const check = (bytes: Uint8Array): Uint8Array =>
  sha256(toUtf8('clawchat/v1 invite check\0'), bytes).slice(0, CHECK_BYTES)

/** The fragment without `#`. */
export function encodeInvite(invite: Invite): string {
  const writer = new Writer(192)
    .u8(VERSION)
    .u8(0)
    .bytes(invite.hostPublicKey)
    .bytes(invite.secret)
    .u64(invite.minSeq)
    .str8(invite.hostName, NAME_MAX_BYTES)
  writeLocator(writer, invite.locator)
  const body = writer.done()
  return toBase64Url(concat(body, check(body)))
}

/** Throws ClawError: `invite-version` for another version, `invite-malformed` for anything mistyped or cut short. */
export function decodeInvite(fragment: string): Invite {
  if (fragment.length > MAX_CHARS) throw new ClawError('invite-malformed')
  const bytes = fromBase64Url(fragment, 'invite-malformed')
  const body = bytes.slice(0, -CHECK_BYTES)
  if (bytes.length <= CHECK_BYTES || !equal(check(body), bytes.slice(-CHECK_BYTES))) {
    throw new ClawError('invite-malformed')
  }
  const reader = new Reader(body, 'invite-malformed')
  if (reader.u8() !== VERSION || reader.u8() !== 0) throw new ClawError('invite-version')
  const invite: Invite = {
    hostPublicKey: reader.bytes(32),
    secret: reader.bytes(32),
    minSeq: reader.u64(),
    hostName: reader.str8(NAME_MAX_BYTES),
    locator: readLocator(reader, 'invite-malformed'),
  }
  reader.end()
  return invite
}

/** The credential root R of an invite, 32 bytes (SPEC §1.2). */
export const inviteRoot = (invite: Pick<Invite, 'hostPublicKey' | 'secret'>): Uint8Array =>
  hkdf(invite.secret, sha256(invite.hostPublicKey), toUtf8('clawchat/v1 invite root'))
