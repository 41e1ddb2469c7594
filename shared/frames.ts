// Padded frames (SPEC §6): the layout only. Keys and order live in session.ts.
import { Reader, Writer } from './bytes.ts'
import { FRAME_BUCKETS, FRAME_MAX_BYTES, FRAME_MAX_DATA } from './constants.ts'
import { ClawError } from './error.ts'

export const FRAME_HEADER_BYTES = 16
const TAG_BYTES = 16
const PLAIN_HEADER_BYTES = 8
const VERSION = 1
const FLAG_MORE = 1

export interface FrameHeader {
  readonly channel: number
  readonly generation: number
  readonly counter: number
}

export interface FramePlaintext {
  readonly type: number
  /** more fragments of this message follow */
  readonly more: boolean
  readonly data: Uint8Array
}

/** 16 bytes, also the AAD. */
export const encodeFrameHeader = (header: FrameHeader): Uint8Array =>
  new Writer(FRAME_HEADER_BYTES)
    .u8(VERSION)
    .u8(0)
    .u16(header.channel)
    .u32(header.generation)
    .u64(header.counter)
    .done()

/** Splits a frame into header fields, AAD and sealed part; throws ClawError('frame-invalid'). */
export function decodeFrame(frame: Uint8Array): FrameHeader & {
  readonly aad: Uint8Array
  readonly sealed: Uint8Array
} {
  const plainBytes = frame.length - FRAME_HEADER_BYTES - TAG_BYTES
  if (frame.length > FRAME_MAX_BYTES || !FRAME_BUCKETS.some((bucket) => bucket === plainBytes)) {
    throw new ClawError('frame-invalid')
  }
  const reader = new Reader(frame, 'frame-invalid')
  if (reader.u8() !== VERSION || reader.u8() !== 0) reader.fail()
  return {
    channel: reader.u16(),
    generation: reader.u32(),
    counter: reader.u64(),
    aad: frame.slice(0, FRAME_HEADER_BYTES),
    sealed: reader.rest(),
  }
}

/** 12 bytes: four zeros and the counter. */
export const frameNonce = (counter: number): Uint8Array =>
  new Writer(12).zeros(4).u64(counter).done()

/** Pads to the smallest bucket; data at most 16344 bytes (else a bug of the caller). */
export function encodeFramePlaintext({ type, more, data }: FramePlaintext): Uint8Array {
  if (data.length > FRAME_MAX_DATA) throw new Error('bug: frame data over its limit')
  const used = PLAIN_HEADER_BYTES + data.length
  const bucket = FRAME_BUCKETS.find((size) => size >= used) ?? used
  return new Writer(bucket)
    .u8(type)
    .u8(more ? FLAG_MORE : 0)
    .u16(data.length)
    .u32(0)
    .bytes(data)
    .zeros(bucket - used)
    .done()
}

/** Throws ClawError('frame-invalid') on unknown flags, non-zero padding or a bucket larger than needed. */
export function decodeFramePlaintext(plaintext: Uint8Array): FramePlaintext {
  const reader = new Reader(plaintext, 'frame-invalid')
  const type = reader.u8()
  const flags = reader.u8()
  const length = reader.u16()
  reader.zeros(4)
  if (flags > FLAG_MORE || length > FRAME_MAX_DATA) reader.fail()
  const data = reader.bytes(length)
  reader.zeros(reader.left)
  const bucket = FRAME_BUCKETS.find((size) => size >= PLAIN_HEADER_BYTES + length)
  if (bucket !== plaintext.length) reader.fail()
  return { type, more: flags === FLAG_MORE, data }
}
