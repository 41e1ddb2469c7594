// Sealed offers and answers of the route `mailbox` (SPEC §4.5). What they say stands in shared/description.ts; which offer
// is taken is the host's affair (host/relaygate.ts).
import { concat, equal, fromUtf8, Reader, toUtf8, Writer } from './bytes.ts'
import { ENVELOPE_BYTES, HINT_BYTES } from './constants.ts'
import { ClawError } from './error.ts'
import { kdf, sha256 } from './hash.ts'
import { signalHint } from './knock.ts'
import { gcmOpen, gcmSeal } from './noble.ts'

const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const PLAINTEXT_BYTES = ENVELOPE_BYTES - HINT_BYTES - NONCE_BYTES - TAG_BYTES
/** version, time and length */
const HEAD_BYTES = 9
/** UTF-8 bytes of a description that an envelope can hold: 2003. */
export const DESCRIPTION_MAX_BYTES = PLAINTEXT_BYTES - HEAD_BYTES

const DIRECTION = { offer: 0, answer: 1 } as const
const NO_OFFER = new Uint8Array(32)

interface Ends {
  /** R of the credential, 32 bytes */
  readonly root: Uint8Array
  /** 16 bytes */
  readonly hostTag: Uint8Array
}

export interface Sealing extends Ends {
  readonly epoch: number
  readonly timeMs: number
  /** 12 random bytes, never used twice */
  readonly nonce: Uint8Array
  /** at most 2003 bytes of UTF-8 */
  readonly text: string
}

/** @returns 2048 bytes; throws ClawError('limit') for a text that is too long */
export const sealOffer = (input: Sealing): Uint8Array => seal(input, 'offer', NO_OFFER)

/** As {@link sealOffer}; opens beside this very offer (2048 bytes) only. */
export const sealAnswer = (input: Sealing, offer: Uint8Array): Uint8Array =>
  seal(input, 'answer', sha256(offer))

function seal(input: Sealing, kind: keyof typeof DIRECTION, bound: Uint8Array): Uint8Array {
  const { root, epoch, nonce } = input
  const text = toUtf8(input.text)
  if (text.length > DESCRIPTION_MAX_BYTES) throw new ClawError('limit')
  const plaintext = new Writer(PLAINTEXT_BYTES)
    .u8(VERSION)
    .u48(input.timeMs)
    .u16(text.length)
    .bytes(text)
    .zeros(DESCRIPTION_MAX_BYTES - text.length)
    .done()
  const hint = signalHint(root, epoch)
  const aad = aadOf(input.hostTag, hint, kind, bound)
  return concat(hint, nonce, gcmSeal(keyOf(root, kind), nonce, aad, plaintext))
}

const keyOf = (root: Uint8Array, kind: keyof typeof DIRECTION): Uint8Array =>
  kdf(root, 'signal', Uint8Array.of(DIRECTION[kind]))

const aadOf = (
  tag: Uint8Array,
  hint: Uint8Array,
  kind: keyof typeof DIRECTION,
  bound: Uint8Array,
): Uint8Array =>
  concat(toUtf8('clawchat/v1 signal'), tag, hint, Uint8Array.of(DIRECTION[kind]), bound)

/** Hint (8 bytes) and nonce (12), without any cryptography; throws ClawError('knock-refused'). */
export function splitEnvelope(envelope: Uint8Array): { hint: Uint8Array; nonce: Uint8Array } {
  if (envelope.length !== ENVELOPE_BYTES) throw new ClawError('knock-refused')
  const reader = new Reader(envelope, 'knock-refused')
  return { hint: reader.bytes(HINT_BYTES), nonce: reader.bytes(NONCE_BYTES) }
}

export interface OpenedEnvelope {
  readonly timeMs: number
  readonly text: string
}

/** Anything wrong is ClawError('knock-refused'). */
export const openOffer = (input: Ends & { readonly offer: Uint8Array }): OpenedEnvelope =>
  open(input, input.offer, 'offer', NO_OFFER)

/** As {@link openOffer}; the hint must be that of the offer. */
export function openAnswer(
  input: Ends & { readonly answer: Uint8Array; readonly offer: Uint8Array },
): OpenedEnvelope {
  const { answer, offer } = input
  if (!equal(splitEnvelope(answer).hint, splitEnvelope(offer).hint))
    throw new ClawError('knock-refused')
  return open(input, answer, 'answer', sha256(offer))
}

function open(
  { root, hostTag }: Ends,
  envelope: Uint8Array,
  kind: keyof typeof DIRECTION,
  bound: Uint8Array,
): OpenedEnvelope {
  const { hint, nonce } = splitEnvelope(envelope)
  const sealed = envelope.slice(HINT_BYTES + NONCE_BYTES)
  let plaintext: Uint8Array
  try {
    plaintext = gcmOpen(keyOf(root, kind), nonce, aadOf(hostTag, hint, kind, bound), sealed)
  } catch {
    throw new ClawError('knock-refused')
  }
  const fields = new Reader(plaintext, 'knock-refused')
  if (fields.u8() !== VERSION) fields.fail()
  const timeMs = fields.u48()
  const length = fields.u16()
  const text = fromUtf8(fields.bytes(length), 'knock-refused')
  fields.zeros(DESCRIPTION_MAX_BYTES - length)
  fields.end()
  return { timeMs, text }
}
