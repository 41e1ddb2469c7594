// The knock (SPEC §4): the sealed first packet, small enough to be an ICE user fragment.
// Who may knock how often is the host's affair (host/gate.ts).
import { concat, fromBase64, Reader, toBase64, toUtf8, u64, Writer } from './bytes.ts'
import { HINT_BYTES, KNOCK_BYTES, KNOCK_CHARS, ROUTE, type Route } from './constants.ts'
import { ClawError } from './error.ts'
import { hmac, kdf, sha256 } from './hash.ts'
import { gcmOpen, gcmSeal } from './noble.ts'

const VERSION = 1
const ZERO_BYTES = 17
const NONCE_BYTES = 12
const ICE_PASSWORD_CHARS = 24

/** 16 bytes that name a host inside AADs. */
export const hostTag = (hostPublicKey: Uint8Array): Uint8Array =>
  sha256(toUtf8('clawchat/v1 host tag'), hostPublicKey).slice(0, 16)

/** 8 bytes by which the host finds the credential before any decryption. */
export const knockHint = (root: Uint8Array, epoch: number): Uint8Array =>
  hmac(kdf(root, 'knock hint'), u64(epoch)).slice(0, HINT_BYTES)

/** 8 bytes by which a mailbox finds the host's clients, and the host the credential of one. */
export const signalHint = (root: Uint8Array, epoch: number): Uint8Array =>
  hmac(kdf(root, 'signal hint'), u64(epoch)).slice(0, HINT_BYTES)

/** The host's ICE password for this knock, 24 characters. */
export const icePassword = (root: Uint8Array, nonce: Uint8Array): string =>
  toBase64(hmac(kdf(root, 'ice pwd'), nonce)).slice(0, ICE_PASSWORD_CHARS)

export interface KnockInput {
  readonly root: Uint8Array
  /** 16 bytes, {@link hostTag} */
  readonly hostTag: Uint8Array
  readonly epoch: number
  readonly route: Route
  readonly timeMs: number
  /** SHA-256 of the client's DTLS certificate, 32 bytes; zero on the routes signal and relay */
  readonly clientFingerprint: Uint8Array
  /** 12 random bytes, never used twice */
  readonly nonce: Uint8Array
  readonly clientUfrag: string
}

/** @returns 93 bytes; on the direct route their base64 is the host's ICE ufrag */
export function sealKnock(input: KnockInput): Uint8Array {
  const hintOf = input.route === 'relay' ? signalHint : knockHint
  const hint = hintOf(input.root, input.epoch)
  const route = ROUTE[input.route]
  const plaintext = new Writer(57)
    .u8(VERSION)
    .u8(route)
    .u48(input.timeMs)
    .bytes(input.clientFingerprint)
    .zeros(ZERO_BYTES)
    .done()
  const aad = knockAad(input.hostTag, hint, route, input.clientUfrag)
  return concat(hint, input.nonce, gcmSeal(kdf(input.root, 'knock'), input.nonce, aad, plaintext))
}

const knockAad = (tag: Uint8Array, hint: Uint8Array, route: number, ufrag: string): Uint8Array =>
  concat(toUtf8('clawchat/v1 knock'), tag, hint, Uint8Array.of(route), toUtf8(ufrag))

/** 124 characters. */
export const knockUfrag = (knock: Uint8Array): string => toBase64(knock)

export interface ParsedKnock {
  readonly raw: Uint8Array
  readonly hint: Uint8Array
  readonly nonce: Uint8Array
}

/** Splits an ICE ufrag without any cryptography; throws ClawError('knock-refused'). */
export function parseKnock(ufrag: string): ParsedKnock {
  if (ufrag.length !== KNOCK_CHARS) throw new ClawError('knock-refused')
  return splitKnock(fromBase64(ufrag, 'knock-refused'))
}

/** As {@link parseKnock}, of the bytes themselves. */
export function splitKnock(raw: Uint8Array): ParsedKnock {
  if (raw.length !== KNOCK_BYTES) throw new ClawError('knock-refused')
  return {
    raw,
    hint: raw.slice(0, HINT_BYTES),
    nonce: raw.slice(HINT_BYTES, HINT_BYTES + NONCE_BYTES),
  }
}

export interface OpenedKnock {
  readonly timeMs: number
  readonly clientFingerprint: Uint8Array
}

/** Opens a knock of 93 bytes on the route it arrived by; anything wrong is ClawError('knock-refused'). */
export function openKnock(input: {
  readonly root: Uint8Array
  readonly hostTag: Uint8Array
  readonly knock: Uint8Array
  readonly clientUfrag: string
  readonly route: Route
}): OpenedKnock {
  if (input.knock.length !== KNOCK_BYTES) throw new ClawError('knock-refused')
  const reader = new Reader(input.knock, 'knock-refused')
  const hint = reader.bytes(HINT_BYTES)
  const nonce = reader.bytes(NONCE_BYTES)
  const route = ROUTE[input.route]
  const aad = knockAad(input.hostTag, hint, route, input.clientUfrag)
  let plaintext: Uint8Array
  try {
    plaintext = gcmOpen(kdf(input.root, 'knock'), nonce, aad, reader.rest())
  } catch {
    throw new ClawError('knock-refused')
  }
  const fields = new Reader(plaintext, 'knock-refused')
  if (fields.u8() !== VERSION || fields.u8() !== route) fields.fail()
  const timeMs = fields.u48()
  const clientFingerprint = fields.bytes(32)
  const bare = input.route === 'relay' || input.route === 'signal'
  if (bare && clientFingerprint.some((byte) => byte !== 0)) fields.fail()
  fields.zeros(ZERO_BYTES)
  fields.end()
  return { timeMs, clientFingerprint }
}
