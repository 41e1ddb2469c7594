// Reference of SPEC §6.
import { gcmOpen, gcmSeal, join, kdf, uint, zeros } from './primitives.ts'

export interface ReferenceFrame {
  readonly channel: number
  readonly generation: number
  readonly counter: number
  readonly type: number
  readonly flags: number
  readonly data: Uint8Array
}

/** K(dir, c) after `generation` ratchets. */
export function frameKey(directionKey: Uint8Array, channel: number, generation: number): Buffer {
  let key = kdf(directionKey, 'chan', uint(channel, 2))
  for (let g = 1; g <= generation; g++) key = kdf(key, 'ratchet', uint(g, 4))
  return key
}

export const frameHeader = (
  f: Pick<ReferenceFrame, 'channel' | 'generation' | 'counter'>,
): Buffer =>
  join(uint(1, 1), uint(0, 1), uint(f.channel, 2), uint(f.generation, 4), uint(f.counter, 8))

export function framePlaintext(f: Pick<ReferenceFrame, 'type' | 'flags' | 'data'>): Buffer {
  const content = join(uint(f.type, 1), uint(f.flags, 1), uint(f.data.length, 2), zeros(4), f.data)
  const bucket = [64, 256, 1024, 4096, 16352].find((size) => size >= content.length)
  if (bucket === undefined) throw new Error('too long')
  return join(content, zeros(bucket - content.length))
}

/** Seals any plaintext under any header, by the channel, generation and counter that the header names. */
export function sealPlaintext(
  directionKey: Uint8Array,
  header: Buffer,
  plaintext: Uint8Array,
): Buffer {
  const key = frameKey(directionKey, header.readUInt16BE(2), header.readUInt32BE(4))
  return join(header, gcmSeal(key, join(zeros(4), header.subarray(8)), header, plaintext))
}

export const sealFrame = (directionKey: Uint8Array, f: ReferenceFrame): Buffer =>
  sealPlaintext(directionKey, frameHeader(f), framePlaintext(f))

/** One message cut into fragments: all full but the last, which is not empty unless the message is. */
export function fragments(data: Uint8Array): { flags: number; data: Uint8Array }[] {
  const out: { flags: number; data: Uint8Array }[] = []
  for (let at = 0; at === 0 || at < data.length; at += 16_344) {
    const more = at + 16_344 < data.length
    out.push({ flags: more ? 1 : 0, data: data.subarray(at, at + 16_344) })
  }
  return out
}

export function openFrame(directionKey: Uint8Array, frame: Buffer): ReferenceFrame {
  const header = frame.subarray(0, 16)
  const channel = header.readUInt16BE(2)
  const generation = header.readUInt32BE(4)
  const counter = Number(header.readBigUInt64BE(8))
  const key = frameKey(directionKey, channel, generation)
  const nonce = join(zeros(4), uint(counter, 8))
  const plaintext = gcmOpen(key, nonce, header, frame.subarray(16))
  const length = plaintext.readUInt16BE(2)
  return {
    channel,
    generation,
    counter,
    type: plaintext.readUInt8(0),
    flags: plaintext.readUInt8(1),
    data: plaintext.subarray(8, 8 + length),
  }
}
