// What `clawchat doctor` says to a TURN server and reads of it (RFC 8656, RFC 8489 §9.2): Allocate, Refresh, their answers.
import { createHash } from 'node:crypto'
import { attribute, encodeMessage, encodeRequest, looksLikeStun, readMessage } from './stun.ts'
import type { TurnLogin } from './turn.ts'

const ALLOCATE = 0x0003
const HEADER = 20
const MAX_BYTES = 1200
const REFRESH = 0x0004
const ATTRIBUTE = {
  username: 0x0006,
  errorCode: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  relayed: 0x0016,
  requestedTransport: 0x0019,
} as const
const UDP = Buffer.of(17, 0, 0, 0)

/** What a server asks who is unknown to it. */
export interface TurnChallenge {
  readonly realm: Buffer
  readonly nonce: Buffer
}

export type TurnAnswer =
  | { readonly type: 'granted' }
  | { readonly type: 'error'; readonly code: number; readonly challenge: TurnChallenge | null }

/** For a relayed UDP port; without login, as the first one always is, it is answered by a challenge. `transaction`: 12 bytes. */
export const encodeAllocate = (
  transaction: Buffer,
  login: TurnLogin | null,
  challenge: TurnChallenge | null,
): Buffer =>
  request(ALLOCATE, transaction, attribute(ATTRIBUTE.requestedTransport, UDP), login, challenge)

/** Gives back what was allocated. */
export const encodeRelease = (
  transaction: Buffer,
  login: TurnLogin,
  challenge: TurnChallenge,
): Buffer =>
  request(REFRESH, transaction, attribute(ATTRIBUTE.lifetime, Buffer.alloc(4)), login, challenge)

function request(
  type: number,
  transaction: Buffer,
  wish: Buffer,
  login: TurnLogin | null,
  challenge: TurnChallenge | null,
): Buffer {
  if (login === null || challenge === null) return encodeRequest(type, transaction, [wish])
  const username = Buffer.from(login.username)
  const { realm, nonce } = challenge
  const attributes = [
    wish,
    attribute(ATTRIBUTE.username, username),
    attribute(ATTRIBUTE.realm, realm),
    attribute(ATTRIBUTE.nonce, nonce),
  ]
  // The long-term key of RFC 8489 §9.2.2; MD5 because every server takes it.
  const key = createHash('md5')
    .update(Buffer.concat([username, Buffer.of(58), realm, Buffer.of(58)]))
    .update(login.password)
    .digest()
  return encodeMessage(type, transaction, attributes, key)
}

/** Of what came by TCP so far: the whole messages, each of which says how long it is, and the rest; null if it is no STUN. */
export function splitMessages(
  held: Buffer,
): { readonly messages: readonly Buffer[]; readonly rest: Buffer } | null {
  const messages: Buffer[] = []
  let rest = held
  while (rest.length >= HEADER) {
    const end = HEADER + rest.readUInt16BE(2)
    if (!looksLikeStun(rest) || end > MAX_BYTES) return null
    if (end > rest.length) break
    messages.push(rest.subarray(0, end))
    rest = rest.subarray(end)
  }
  return { messages, rest }
}

/** Of an Allocate with this transaction; null for everything else. Whether the server knows the password does not count here. */
export function parseAllocateAnswer(packet: Buffer, transaction: Buffer): TurnAnswer | null {
  const granted = readMessage(packet, ALLOCATE | 0x0100, transaction)
  if (granted !== null) return granted.has(ATTRIBUTE.relayed) ? { type: 'granted' } : null
  const refused = readMessage(packet, ALLOCATE | 0x0110, transaction)
  const error = refused?.get(ATTRIBUTE.errorCode)?.value
  if (refused === null || error === undefined || error.length < 4) return null
  const code = (error.readUInt8(2) & 7) * 100 + error.readUInt8(3)
  const realm = refused.get(ATTRIBUTE.realm)?.value
  const nonce = refused.get(ATTRIBUTE.nonce)?.value
  const challenge = realm === undefined || nonce === undefined ? null : { realm, nonce }
  return { type: 'error', code, challenge }
}
