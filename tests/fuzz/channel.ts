// The Opener (SPEC §6) under any sequence of frames, from a peer that holds the keys and from somebody who changes bytes.
// A model that knows what each frame is says what must come of it.
import { nodeBackend } from '../../host/nodecrypto.ts'
import { concat, Writer } from '../../shared/bytes.ts'
import { FRAME_MAX_DATA, MESSAGE_MAX_BYTES } from '../../shared/constants.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { encodeFrameHeader, type FrameHeader, frameNonce } from '../../shared/frames.ts'
import { kdf } from '../../shared/hash.ts'
import { Opener, type SessionMessage } from '../../shared/session.ts'
import { fixed } from '../vectors/fixed.ts'
import { at, Choices } from './dice.ts'
import { attemptAsync, must, type Target } from './target.ts'

const DIRECTION = fixed('fuzz direction')
const keys: Uint8Array[] = [kdf(DIRECTION, 'chan', Uint8Array.of(0, 0))]

function keyOf(generation: number): Uint8Array {
  while (keys.length <= generation) {
    keys.push(kdf(at(keys, keys.length - 1), 'ratchet', new Writer(4).u32(keys.length).done()))
  }
  return at(keys, generation)
}

/** Answers late and in another order than it was asked. */
const slowBackend: CryptoBackend = {
  ...nodeBackend,
  async aead(key) {
    const inner = nodeBackend.aead(key)
    let turn = 0
    return {
      seal: inner.seal,
      async open(...args) {
        for (let ticks = 5 * (turn++ % 3); ticks > 0; ticks--) await Promise.resolve()
        return inner.open(...args)
      },
    }
  },
}

/** A frame and what it is: `plaintext` is null unless its bytes are those that the peer sealed. */
interface Sent {
  readonly bytes: Uint8Array
  readonly header: FrameHeader
  readonly plaintext: Uint8Array | null
}

type Outcome = SessionMessage | 'part' | 'ended'

/** SPEC §6, read naively. */
class Model {
  counter = 0
  generation = 0
  #ended = false
  #parts: Uint8Array[] = []
  #type = 0

  take({ header, plaintext }: Sent): Outcome {
    const { channel, generation, counter } = header
    const inTurn =
      channel === 0 &&
      counter === this.counter &&
      (generation === this.generation || generation === this.generation + 1)
    const outcome =
      this.#ended || !inTurn || plaintext === null ? 'ended' : this.#read(Buffer.from(plaintext))
    if (outcome === 'ended') this.#ended = true
    this.generation = generation
    this.counter = counter + 1
    return outcome
  }

  #read(plaintext: Buffer): Outcome {
    const size = plaintext.readUInt16BE(2)
    const more = plaintext[1] === 1
    const bucket = [64, 256, 1024, 4096, 16352].find((bytes) => bytes >= size + 8)
    const tidy =
      (plaintext[1] ?? 0) <= 1 &&
      bucket === plaintext.length &&
      plaintext.readUInt32BE(4) === 0 &&
      plaintext.subarray(8 + size).every((byte) => byte === 0)
    if (!tidy || (more && size !== FRAME_MAX_DATA)) return 'ended'
    const type = plaintext[0] ?? 0
    if (this.#parts.length > 0 && type !== this.#type) return 'ended'
    this.#parts.push(plaintext.subarray(8, 8 + size))
    this.#type = type
    const data = concat(...this.#parts)
    if (data.length > MESSAGE_MAX_BYTES) return 'ended'
    if (more) return 'part'
    this.#parts = []
    return { type, data }
  }
}

/** Mostly tidy; the choices spoil one field or another. */
function plaintextOf(from: Choices): Uint8Array {
  const more = from.rarely(8)
  const size = more ? FRAME_MAX_DATA : from.pick([0, 1, 9, 55, 56, 57, 248, 249, 1016, 1017, 4089])
  const bucket = [64, 256, 1024, 4096, 16352].find((bytes) => bytes >= size + 8) ?? 64
  const plaintext = Buffer.alloc(bucket)
  plaintext.writeUInt8(from.pick([1, 1, 1, 2]), 0)
  plaintext.writeUInt8(more || from.rarely(32) ? 1 : 0, 1)
  plaintext.writeUInt16BE(size, 2)
  plaintext.fill(from.u8(), 8, 8 + size)
  if (from.rarely(8)) plaintext.writeUInt8(from.u8(), from.pick([0, 1, 2, 3, 4, 7, bucket - 1]))
  return plaintext
}

function seal(header: FrameHeader, plaintext: Uint8Array): Sent {
  const aad = encodeFrameHeader(header)
  const aead = nodeBackend.aead(keyOf(header.generation))
  // Node's back end answers at once.
  const sealed = aead.seal(frameNonce(header.counter), aad, plaintext) as Uint8Array
  return { bytes: concat(aad, sealed), header, plaintext }
}

/** Not what the peer sealed, so never to be opened. */
function spoilt(from: Choices, { bytes, header }: Sent): Sent {
  const place = from.below(65_536) % bytes.length
  const other = bytes.slice()
  other[place] = (other[place] ?? 0) ^ (1 << from.below(8))
  const cut = bytes.slice(0, place)
  const changed = from.pick([other, other, cut, concat(bytes, new Uint8Array(1 + from.below(40)))])
  return { bytes: changed, header, plaintext: null }
}

function nextFrame(from: Choices, model: Model, sent: readonly Sent[]): Sent {
  const kind = from.below(64)
  const last = sent.at(-1)
  if (kind === 1 && last !== undefined) return last
  if (kind === 2) {
    const bytes = from.bytes(from.pick([0, 1, 16, 96, 288]))
    return { bytes, header: { channel: 0, generation: 0, counter: 0 }, plaintext: null }
  }
  const wrong = kind === 3
  const frame = seal(
    {
      channel: wrong ? from.below(2) : 0,
      generation: model.generation + (wrong ? from.below(4) : from.below(2)),
      counter: model.counter + (wrong ? from.below(3) : 0),
    },
    plaintextOf(from),
  )
  return kind === 4 ? spoilt(from, frame) : frame
}

async function outcomeOf(opening: Promise<SessionMessage | null>): Promise<Outcome> {
  const result = await attemptAsync(['frame-invalid'], async () => (await opening) ?? 'part')
  return result ?? 'ended'
}

const same = (a: Outcome, b: Outcome): boolean =>
  typeof a === 'string' || typeof b === 'string'
    ? a === b
    : a.type === b.type && Buffer.compare(a.data, b.data) === 0

const opener: Target = {
  name: 'opener',
  maxBytes: 400,
  async run(input) {
    const from = new Choices(input)
    const backend = from.below(2) === 0 ? nodeBackend : slowBackend
    const inOneTick = from.below(2) === 0
    const model = new Model()
    const opening = new Opener({ backend, key: DIRECTION, channel: 0 })
    const sent: Sent[] = []
    const wanted: Outcome[] = []
    const got: Promise<Outcome>[] = []
    while (from.more && sent.length < 100) {
      const frame = nextFrame(from, model, sent)
      sent.push(frame)
      wanted.push(model.take(frame))
      got.push(outcomeOf(opening.open(frame.bytes)))
      if (!inOneTick) await got.at(-1)
    }
    const outcomes = await Promise.all(got)
    must(
      outcomes.every((outcome, i) => same(outcome, at(wanted, i))),
      'gives what the model gives',
    )
  },
}

export const CHANNEL_TARGETS: readonly Target[] = [opener]
