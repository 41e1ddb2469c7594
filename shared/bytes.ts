// Byte reader and writer with limits, and the text forms of bytes (SPEC, opening paragraph).
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { ClawError, type ClawErrorCode } from './error.ts'

export const toUtf8 = (text: string): Uint8Array => utf8ToBytes(text)

/** Strict UTF-8; throws ClawError(code) on malformed input. */
export function fromUtf8(bytes: Uint8Array, code: ClawErrorCode = 'malformed'): string {
  try {
    // The strict UTF-8 decoder of the language itself: TextDecoder belongs to a runtime.
    let escaped = ''
    for (const b of bytes) escaped += `%${HEX[b]}`
    return decodeURIComponent(escaped)
  } catch {
    throw new ClawError(code)
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Compares without an early exit; lengths are not secret. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let diff = 0
  for (let i = 0; i < a.length; i++) diff |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return diff === 0
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((b) => b === 0)

export function u64(value: number | bigint): Uint8Array {
  return new Writer(8).u64(value).done()
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (const b of bytes) out += HEX[b]
  return out
}

export function fromHex(text: string, code: ClawErrorCode = 'malformed'): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new ClawError(code)
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return out
}

const B64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const B64_VALUE = new Map([...B64].map((c, i) => [c, i]))

/** Base64 without padding (RFC 4648 §4): exactly the ICE character set. */
export function toBase64(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const n = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const chars = Math.min(bytes.length - i, 3) + 1
    for (let j = 0; j < chars; j++) out += B64[(n >> (18 - 6 * j)) & 63]
  }
  return out
}

/** Strict inverse of {@link toBase64}: no padding, no foreign characters, unused bits zero. */
export function fromBase64(text: string, code: ClawErrorCode = 'malformed'): Uint8Array {
  if (text.length % 4 === 1) throw new ClawError(code)
  const out = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const char of text) {
    const value = B64_VALUE.get(char)
    if (value === undefined) throw new ClawError(code)
    held = ((held << 6) | value) & 0xfff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      out[at++] = (held >> bits) & 255
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new ClawError(code)
  return out
}

export const toBase64Url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')

export function fromBase64Url(text: string, code: ClawErrorCode = 'malformed'): Uint8Array {
  if (/[+/]/.test(text)) throw new ClawError(code)
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'), code)
}

/** Reads fixed-width fields; every over-read throws ClawError(code), and `end()` refuses trailing bytes. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #code: ClawErrorCode
  #at = 0
  constructor(bytes: Uint8Array, code: ClawErrorCode = 'malformed') {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#code = code
  }
  get left(): number {
    return this.#bytes.length - this.#at
  }
  get at(): number {
    return this.#at
  }
  #take(n: number): number {
    if (n > this.left) throw new ClawError(this.#code)
    const at = this.#at
    this.#at += n
    return at
  }
  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2))
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }
  u48(): number {
    const at = this.#take(6)
    return this.#view.getUint16(at) * 2 ** 32 + this.#view.getUint32(at + 2)
  }
  /** A u64 that must fit a safe integer (2^53 − 1). */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8))
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ClawError(this.#code)
    return Number(value)
  }
  /** A copy, so that later writes to the input cannot reach it. */
  bytes(n: number): Uint8Array {
    const at = this.#take(n)
    return this.#bytes.slice(at, at + n)
  }
  rest(): Uint8Array {
    return this.bytes(this.left)
  }
  str8(maxBytes: number): string {
    return this.#text(this.u8(), maxBytes)
  }
  str16(maxBytes: number): string {
    return this.#text(this.u16(), maxBytes)
  }
  #text(n: number, maxBytes: number): string {
    if (n > maxBytes) throw new ClawError(this.#code)
    return fromUtf8(this.bytes(n), this.#code)
  }
  zeros(n: number): void {
    if (!isZero(this.bytes(n))) throw new ClawError(this.#code)
  }
  end(): void {
    if (this.left !== 0) throw new ClawError(this.#code)
  }
  fail(): never {
    throw new ClawError(this.#code)
  }
}

/** Writes fixed-width fields into a buffer that grows as needed. */
export class Writer {
  #bytes: Uint8Array
  #view: DataView
  #at = 0
  constructor(sizeHint = 64) {
    this.#bytes = new Uint8Array(sizeHint)
    this.#view = new DataView(this.#bytes.buffer)
  }
  #grow(n: number): number {
    const at = this.#at
    if (at + n > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(at + n, 2 * this.#bytes.length))
      bigger.set(this.#bytes)
      this.#bytes = bigger
      this.#view = new DataView(bigger.buffer)
    }
    this.#at = at + n
    return at
  }
  u8(value: number): this {
    const at = this.#grow(1)
    this.#view.setUint8(at, value)
    return this
  }
  u16(value: number): this {
    const at = this.#grow(2)
    this.#view.setUint16(at, value)
    return this
  }
  u32(value: number): this {
    const at = this.#grow(4)
    this.#view.setUint32(at, value)
    return this
  }
  u48(value: number): this {
    const at = this.#grow(6)
    this.#view.setUint16(at, Math.floor(value / 2 ** 32))
    this.#view.setUint32(at + 2, value % 2 ** 32)
    return this
  }
  u64(value: number | bigint): this {
    const at = this.#grow(8)
    this.#view.setBigUint64(at, BigInt(value))
    return this
  }
  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
    return this
  }
  str8(text: string, maxBytes: number): this {
    const bytes = toUtf8(text)
    if (bytes.length > Math.min(maxBytes, 255)) throw new ClawError('limit')
    return this.u8(bytes.length).bytes(bytes)
  }
  str16(text: string, maxBytes: number): this {
    const bytes = toUtf8(text)
    if (bytes.length > Math.min(maxBytes, 65535)) throw new ClawError('limit')
    return this.u16(bytes.length).bytes(bytes)
  }
  zeros(n: number): this {
    this.#grow(n)
    return this
  }
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }
}
