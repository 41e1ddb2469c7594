// Sealing and opening of one direction of one channel (SPEC §6): counters, ratchet, fragments, order.
// A counter and its key are taken in the same tick as the call; results leave in that order whatever the back end does.
import { concat, Writer } from './bytes.ts'
import {
  CARRIER_MAX_FRAMES,
  FRAME_MAX_DATA,
  MESSAGE_MAX_BYTES,
  RATCHET_BYTES,
  RATCHET_FRAMES,
  RATCHET_MS,
} from './constants.ts'
import type { Aead, CryptoBackend, MaybePromise } from './crypto.ts'
import { ClawError } from './error.ts'
import {
  decodeFrame,
  decodeFramePlaintext,
  encodeFrameHeader,
  encodeFramePlaintext,
  type FramePlaintext,
  frameNonce,
} from './frames.ts'
import { kdf } from './hash.ts'

export interface SessionMessage {
  readonly type: number
  readonly data: Uint8Array
}

interface DirectionInput {
  readonly backend: CryptoBackend
  /** k_dir of the handshake, 32 bytes */
  readonly key: Uint8Array
  readonly channel: number
  /** frames that the carrier may have; `CARRIER_MAX_FRAMES` if not given */
  readonly maxFrames?: number
}

class KeyChain {
  readonly #backend: CryptoBackend
  #key: Uint8Array
  aead: MaybePromise<Aead>
  generation = 0
  constructor({ backend, key, channel }: DirectionInput) {
    this.#backend = backend
    this.#key = kdf(key, 'chan', new Writer(2).u16(channel).done())
    this.aead = backend.aead(this.#key)
  }
  ratchet(): void {
    this.generation += 1
    const next = kdf(this.#key, 'ratchet', new Writer(4).u32(this.generation).done())
    this.#key.fill(0)
    this.#key = next
    this.aead = this.#backend.aead(next)
  }
}

/** The sending end. */
export class Sealer {
  readonly #keys: KeyChain
  readonly #channel: number
  readonly #maxFrames: number
  #counter = 0
  #framesInGeneration = 0
  #bytesInGeneration = 0
  #generationSinceMs: number
  #tail: Promise<unknown> = Promise.resolve()

  constructor(input: DirectionInput & { readonly nowMs: number }) {
    this.#keys = new KeyChain(input)
    this.#channel = input.channel
    this.#maxFrames = input.maxFrames ?? CARRIER_MAX_FRAMES
    this.#generationSinceMs = input.nowMs
  }

  /** when the present key came into use, by the clock of `seal`, ms */
  get keySinceMs(): number {
    return this.#generationSinceMs
  }

  /**
   * Frames of one message, resolved in the order of the calls. Throws ClawError('limit') above 1 MiB, and once the
   * carrier has had all its frames: then it must end.
   */
  seal(message: SessionMessage, nowMs: number): Promise<Uint8Array[]> {
    if (message.data.length > MESSAGE_MAX_BYTES) return Promise.reject(new ClawError('limit'))
    const frames = fragments(message).map((fragment) => this.#sealOne(fragment, nowMs))
    const result = this.#tail.then(() => Promise.all(frames))
    this.#tail = result.catch(() => undefined)
    return result
  }

  async #sealOne(fragment: FramePlaintext, nowMs: number): Promise<Uint8Array> {
    if (this.#counter >= this.#maxFrames) throw new ClawError('limit')
    const plaintext = encodeFramePlaintext(fragment)
    this.#ratchetIfDue(plaintext.length, nowMs)
    const counter = this.#counter++
    const generation = this.#keys.generation
    const pending = this.#keys.aead
    const header = encodeFrameHeader({ channel: this.#channel, generation, counter })
    const aead = await pending
    return concat(header, await aead.seal(frameNonce(counter), header, plaintext))
  }

  #ratchetIfDue(bytes: number, nowMs: number): void {
    const due =
      this.#framesInGeneration >= RATCHET_FRAMES ||
      this.#bytesInGeneration + bytes > RATCHET_BYTES ||
      nowMs - this.#generationSinceMs >= RATCHET_MS
    if (due) {
      this.#keys.ratchet()
      this.#framesInGeneration = 0
      this.#bytesInGeneration = 0
      this.#generationSinceMs = nowMs
    }
    this.#framesInGeneration += 1
    this.#bytesInGeneration += bytes
  }
}

function fragments({ type, data }: SessionMessage): FramePlaintext[] {
  const out: FramePlaintext[] = []
  let at = 0
  do {
    const end = Math.min(at + FRAME_MAX_DATA, data.length)
    out.push({ type, more: end < data.length, data: data.slice(at, end) })
    at = end
  } while (at < data.length)
  return out
}

/** The receiving end of an ordered channel: the counter is exactly the next, and the first failure is final. */
export class Opener {
  readonly #keys: KeyChain
  readonly #channel: number
  readonly #maxFrames: number
  #counter = 0
  /** nothing more is taken; what was taken before still comes out, in order */
  #ended = false
  /** a frame has failed: nothing behind it comes out */
  #dead = false
  #parts: Uint8Array[] = []
  #partsBytes = 0
  #partsType = 0
  #tail: Promise<unknown> = Promise.resolve()

  constructor(input: DirectionInput) {
    this.#keys = new KeyChain(input)
    this.#channel = input.channel
    this.#maxFrames = input.maxFrames ?? CARRIER_MAX_FRAMES
  }

  /** The message that this frame completes, or null; resolved in the order of the calls. Throws ClawError('frame-invalid'). */
  open(frame: Uint8Array): Promise<SessionMessage | null> {
    const opened = this.#openOne(frame)
    const result = this.#tail.then(async () => this.#assemble(await opened))
    opened.catch(() => undefined)
    this.#tail = result.catch(() => {
      this.#ended = true
      this.#dead = true
    })
    return result
  }

  async #openOne(frame: Uint8Array): Promise<FramePlaintext> {
    if (this.#ended) throw new ClawError('frame-invalid')
    const { channel, generation, counter, aad, sealed } = decodeFrame(frame)
    const step = generation - this.#keys.generation
    const outOfTurn = counter !== this.#counter || counter >= this.#maxFrames
    if (channel !== this.#channel || outOfTurn || (step !== 0 && step !== 1)) {
      this.#ended = true
      throw new ClawError('frame-invalid')
    }
    // Moving on before the tag is checked is safe here: a failing tag ends the carrier.
    if (step === 1) this.#keys.ratchet()
    this.#counter += 1
    const pending = this.#keys.aead
    const aead = await pending
    try {
      return decodeFramePlaintext(await aead.open(frameNonce(counter), aad, sealed))
    } catch {
      throw new ClawError('frame-invalid')
    }
  }

  #assemble({ type, more, data }: FramePlaintext): SessionMessage | null {
    const continues = this.#parts.length > 0
    const misfit =
      this.#dead ||
      (continues && type !== this.#partsType) ||
      (more && data.length !== FRAME_MAX_DATA) ||
      this.#partsBytes + data.length > MESSAGE_MAX_BYTES
    if (misfit) throw new ClawError('frame-invalid')
    this.#parts.push(data)
    this.#partsBytes += data.length
    this.#partsType = type
    if (more) return null
    const message = { type, data: concat(...this.#parts) }
    this.#parts = []
    this.#partsBytes = 0
    return message
  }
}
