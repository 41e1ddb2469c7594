// The mailbox endpoint's messages (SPEC §4.4): a host proves its W to the worker, tells it the hints of its clients, and
// talks to all of them over one WebSocket. Built by host/mailbox.ts, read by fallback-worker/switchboard.ts, and back.
import { concat, fromHex, Reader, toHex, toUtf8, u64, Writer } from './bytes.ts'
import {
  FRAME_MAX_BYTES,
  HINT_BYTES,
  MAILBOX_HINTS_BYTES,
  SIGNAL_WINDOW,
  SLOT_COUNT,
} from './constants.ts'
import { hmac, kdf } from './hash.ts'
import { signalHint } from './knock.ts'
import { ed25519PublicKey, ed25519Sign } from './noble.ts'
import { storageId } from './put.ts'

export const MAILBOX_PROTOCOL = 'clawchat.v1'
export const MAILBOX_TYPE = { hello: 0, hints: 1, data: 2, gone: 3 } as const
/** close codes of a client's WebSocket, and of a host's */
export const MAILBOX_CLOSE = { malformed: 4400, nobody: 4404, replaced: 4409, limit: 4429 } as const

/**
 * The set that a host tells, 1536 bytes, in ascending order. `roots`: R of each credential, at most 64; `padSecret`: the
 * secret of W, so that what fills it up stays the same and looks like the rest.
 */
export function signalHints(
  roots: readonly Uint8Array[],
  epoch: number,
  padSecret: Uint8Array,
): Uint8Array {
  const pad = kdf(padSecret, 'hint pad')
  const hints: string[] = []
  for (let e = epoch - SIGNAL_WINDOW; e <= epoch + SIGNAL_WINDOW; e++) {
    const at = Math.max(0, e)
    for (const root of roots) hints.push(toHex(signalHint(root, at)))
    for (let i = 0; i < SLOT_COUNT - roots.length; i++)
      hints.push(
        toHex(hmac(pad, concat(u64(at), new Writer(4).u32(i).done())).slice(0, HINT_BYTES)),
      )
  }
  return fromHex(hints.sort().join(''))
}

/** What the runtime hashes; the host has it synchronously, the worker does not. */
type Sha256 = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

export interface MailboxProof {
  readonly writePublicKey: Uint8Array
  readonly timeMs: number
  readonly signature: Uint8Array
  /** 1536 bytes: 192 hints of 8 */
  readonly hints: Uint8Array
}

/** What W signs: 32-byte id and challenge, the worker's origin as the host knows it. */
export async function proofBytes(input: {
  readonly id: Uint8Array
  readonly origin: string
  readonly challenge: Uint8Array
  readonly timeMs: number
  readonly hints: Uint8Array
  readonly sha256: Sha256
}): Promise<Uint8Array> {
  const { id, origin, challenge, timeMs, hints, sha256 } = input
  const where = await sha256(toUtf8(origin))
  const which = await sha256(hints)
  return concat(toUtf8('clawchat/v1 mailbox\0'), id, where, challenge, u64(timeMs), which)
}

/** 1641 bytes. `writeSecret`: Ed25519 of W. */
export async function encodeProof(
  writeSecret: Uint8Array,
  input: Omit<Parameters<typeof proofBytes>[0], 'id'>,
): Promise<Uint8Array> {
  const writePublicKey = ed25519PublicKey(writeSecret)
  const signed = await proofBytes({ ...input, id: storageId(writePublicKey) })
  const signature = ed25519Sign(writeSecret, signed)
  const type = Uint8Array.of(MAILBOX_TYPE.hello)
  return concat(type, writePublicKey, u64(input.timeMs), signature, input.hints)
}

export type ToHost =
  | { readonly type: 'challenge'; readonly challenge: Uint8Array }
  | { readonly type: 'ready' }
  | { readonly type: 'data'; readonly client: number; readonly data: Uint8Array }
  | { readonly type: 'gone'; readonly client: number }

export type FromHost =
  | { readonly type: 'proof'; readonly proof: MailboxProof }
  | { readonly type: 'hints'; readonly hints: Uint8Array }
  | { readonly type: 'data'; readonly client: number; readonly data: Uint8Array }
  | { readonly type: 'gone'; readonly client: number }

export const encodeChallenge = (challenge: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(MAILBOX_TYPE.hello), challenge)
export const encodeReady = (): Uint8Array => Uint8Array.of(MAILBOX_TYPE.hints)
export const encodeHints = (hints: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(MAILBOX_TYPE.hints), hints)
/** `data`: 1 to 16 384 bytes. */
export const encodeData = (client: number, data: Uint8Array): Uint8Array =>
  new Writer(3 + data.length).u8(MAILBOX_TYPE.data).u16(client).bytes(data).done()
export const encodeGone = (client: number): Uint8Array =>
  new Writer(3).u8(MAILBOX_TYPE.gone).u16(client).done()

/** Throws ClawError('malformed'). */
export function decodeToHost(bytes: Uint8Array): ToHost {
  const reader = new Reader(bytes, 'malformed')
  const type = reader.u8()
  if (type === MAILBOX_TYPE.data || type === MAILBOX_TYPE.gone) return readClient(reader, type)
  if (type === MAILBOX_TYPE.hello) {
    const challenge = reader.bytes(32)
    reader.end()
    return { type: 'challenge', challenge }
  }
  if (type !== MAILBOX_TYPE.hints) reader.fail()
  reader.end()
  return { type: 'ready' }
}

/** Throws ClawError('malformed'). */
export function decodeFromHost(bytes: Uint8Array): FromHost {
  const reader = new Reader(bytes, 'malformed')
  const type = reader.u8()
  if (type === MAILBOX_TYPE.data || type === MAILBOX_TYPE.gone) return readClient(reader, type)
  if (type !== MAILBOX_TYPE.hello && type !== MAILBOX_TYPE.hints) reader.fail()
  if (type === MAILBOX_TYPE.hints) {
    const hints = reader.bytes(MAILBOX_HINTS_BYTES)
    reader.end()
    return { type: 'hints', hints }
  }
  const proof: MailboxProof = {
    writePublicKey: reader.bytes(32),
    timeMs: reader.u64(),
    signature: reader.bytes(64),
    hints: reader.bytes(MAILBOX_HINTS_BYTES),
  }
  reader.end()
  return { type: 'proof', proof }
}

function readClient(reader: Reader, type: number): Extract<ToHost, { type: 'data' | 'gone' }> {
  const client = reader.u16()
  const data = reader.rest()
  if (type === MAILBOX_TYPE.gone) {
    if (data.length !== 0) reader.fail()
    return { type: 'gone', client }
  }
  if (data.length === 0 || data.length > FRAME_MAX_BYTES) reader.fail()
  return { type: 'data', client, data }
}
