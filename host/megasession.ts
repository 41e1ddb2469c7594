// What is kept of MEGA between starts: `mega.json` in the data folder, 0600 (SPEC §3.3.1). The session in it can change
// and delete the account's files, so it is a secret; the account's password, its codes and, once the anchor is made,
// its master key are not in it.
import { randomBytes, scryptSync } from 'node:crypto'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, fromBase64Url, toBase64Url } from '../shared/bytes.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { FILE_KEY_BYTES } from '../shared/mega.ts'
import { syncFolder, writeAtomically } from './folder.ts'
import type { MegaAccount } from './megaaccount.ts'
import { NO_SIGN_INS, REFUSED_MS, type SignIns } from './megapolicy.ts'

/** The one file whose attributes hold the record. */
export interface Anchor {
  /** of the file in the account */
  readonly node: string
  /** of its public link, 8 characters */
  readonly handle: string
  /** 32 bytes in base64url */
  readonly fileKey: string
}

/** What it takes to look into the account; needed only until the anchor is made. */
export interface Unlock {
  readonly key: string
  readonly user: string
}

export interface MegaSession {
  readonly sid: string | null
  readonly unlock: Unlock | null
  readonly anchor: Anchor | null
  readonly signIns: SignIns
  /** an account that MEGA did not let in, as a mark that does not tell which */
  readonly refused: Refused | null
}

interface Refused {
  readonly code: ClawErrorCode
  readonly atMs: number
  readonly salt: string
  readonly mark: string
}

/** In the data folder; that of a burnt identity has another name (host/burn.ts). */
export const MEGA_SESSION_FILE = 'mega.json'
const VERSION = 1

export const NO_SESSION: MegaSession = {
  sid: null,
  unlock: null,
  anchor: null,
  signIns: NO_SIGN_INS,
  refused: null,
}

/** The session at this gateway; none for a missing, damaged or foreign file: signing in finds the anchor again. */
export function readMegaSession(
  dir: string,
  gateway: string,
  file = MEGA_SESSION_FILE,
): MegaSession {
  try {
    const path = join(dir, file)
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<MegaSession> & Kept
    if (kept.version !== VERSION || kept.gateway !== gateway) return NO_SESSION
    chmodSync(path, 0o600)
    const { version: _, gateway: __, ...session } = { ...NO_SESSION, ...kept }
    if (session.anchor !== null) checkAnchor(session.anchor)
    return session
  } catch {
    return NO_SESSION
  }
}

interface Kept {
  readonly version: number
  readonly gateway: string
}

/** Throws ClawError('malformed') unless the locator (SPEC §2.1) can carry it. */
export function checkAnchor({ node, handle, fileKey }: Anchor): void {
  const right = /^[\w-]{8}$/.test(handle) && /^[\w-]{1,16}$/.test(node)
  if (!right || fromBase64Url(fileKey).length !== FILE_KEY_BYTES) throw new ClawError('malformed')
}

/** Throws ClawError('storage'). */
export function writeMegaSession(
  dir: string,
  gateway: string,
  session: MegaSession,
  file = MEGA_SESSION_FILE,
): void {
  const kept: MegaSession & Kept = { version: VERSION, gateway, ...session }
  try {
    writeAtomically(join(dir, file), Buffer.from(`${JSON.stringify(kept, null, 2)}\n`), 0o600)
    syncFolder(dir)
  } catch {
    throw new ClawError('storage')
  }
}

export function refusedNow(account: MegaAccount, code: ClawErrorCode, nowMs: number): Refused {
  const salt = new Uint8Array(randomBytes(16))
  return { code, atMs: nowMs, salt: toBase64Url(salt), mark: toBase64Url(markOf(account, salt)) }
}

/** The code by which MEGA refused this very account within the last hour, or null. */
export function refusalOf(
  refused: Refused | null,
  account: MegaAccount,
  nowMs: number,
): ClawErrorCode | null {
  if (refused === null || Math.abs(nowMs - refused.atMs) >= REFUSED_MS) return null
  const mark = markOf(account, fromBase64Url(refused.salt))
  return equal(mark, fromBase64Url(refused.mark)) ? refused.code : null
}

/** Slow on purpose: who reads the file must not be able to try passwords on it. */
const markOf = ({ email, password, code }: MegaAccount, salt: Uint8Array): Uint8Array =>
  new Uint8Array(scryptSync(JSON.stringify([email, password, code]), salt, 16))
