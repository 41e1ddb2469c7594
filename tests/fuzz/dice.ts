// Two sources of choices: dice that repeat for a seed, and the bytes of an input. Neither is fit for keys.

/** Numbers that depend on the seed and the execution only (splitmix32). */
export class Dice {
  #state: number

  constructor(seed: number, execution = 0) {
    this.#state = seed | 0
    this.#state = this.u32() ^ execution
  }

  /** 0..2^32−1 */
  u32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let t = this.#state ^ (this.#state >>> 16)
    t = Math.imul(t, 0x21f0aaad)
    t ^= t >>> 15
    t = Math.imul(t, 0x735a2d97)
    return (t ^ (t >>> 15)) >>> 0
  }

  /** 0..count−1; the bias does not matter here */
  below(count: number): number {
    return this.u32() % count
  }

  pick<T>(list: readonly T[]): T {
    return at(list, this.below(list.length))
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u32() & 255)
  }
}

/** An input read as choices, so that a machine's steps can be mutated and shortened like any bytes; then zeros. */
export class Choices {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get more(): boolean {
    return this.#at < this.#bytes.length
  }

  u8(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  /** 0..count−1, count ≤ 65 536 */
  below(count: number): number {
    return (count <= 256 ? this.u8() : this.u8() * 256 + this.u8()) % count
  }

  /** one of `1 / count` */
  rarely(count: number): boolean {
    return this.below(count) === 1
  }

  pick<T>(list: readonly T[]): T {
    return at(list, this.below(list.length))
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length)
    out.set(this.#bytes.subarray(this.#at, this.#at + length))
    this.#at += length
    return out
  }

  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes(Math.max(0, this.#bytes.length - this.#at))
  }
}

/** An element that must be there. */
export function at<T>(list: readonly T[], index: number): T {
  const value = list[index]
  if (value === undefined) throw new Error('bug: no such element')
  return value
}
