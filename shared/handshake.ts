// The handshake (SPEC §5): M1 and M2 around Noise_IKhfs+psk0+psk2. Every carrier runs it once.
// It proves who speaks; what a device may do is the host's affair.
import { concat, equal, Reader, toUtf8, Writer } from './bytes.ts'
import { HINT_BYTES, MODE, type Mode, ROUTE, type Route } from './constants.ts'
import type { CryptoBackend, DhKey, RandomBytes } from './crypto.ts'
import { ClawError } from './error.ts'
import { kdf } from './hash.ts'
import { NoiseHandshake, parseProtocol } from './noise.ts'

export const HANDSHAKE_PROTOCOL = 'Noise_IKhfs+psk0+psk2_25519+MLKEM768_AESGCM_SHA256'
export const M1_BYTES = 1372
export const M2_BYTES = 1252

const PROTOCOL = parseProtocol(HANDSHAKE_PROTOCOL)
const VERSION = 1
const TYPE = { m1: 1, m2: 2 } as const
const M1_PAYLOAD = { bytes: 64, zeros: 50 } as const
const M2_PAYLOAD = { bytes: 96, zeros: 62 } as const

/** What both ends must already agree on: it goes into the prologue. */
export interface HandshakeContext {
  readonly mode: Mode
  readonly route: Route
  /** H_pub, 32 bytes */
  readonly hostPublicKey: Uint8Array
  /** SHA-256 of the DTLS certificate that this carrier's host presented, 32 bytes; zero without DTLS */
  readonly hostFingerprint: Uint8Array
  /** the client's likewise, 32 bytes */
  readonly clientFingerprint: Uint8Array
  /** of the knock, 8 bytes */
  readonly hint: Uint8Array
  /** SHA-256(knock), 32 bytes */
  readonly bind: Uint8Array
}

/** 153 bytes (SPEC §5). */
export function handshakePrologue(context: HandshakeContext): Uint8Array {
  return new Writer(153)
    .bytes(toUtf8('clawchat/v1 hs\0'))
    .u8(MODE[context.mode])
    .u8(ROUTE[context.route])
    .bytes(exactly(context.hostPublicKey, 32))
    .bytes(exactly(context.hostFingerprint, 32))
    .bytes(exactly(context.clientFingerprint, 32))
    .bytes(exactly(context.hint, HINT_BYTES))
    .bytes(exactly(context.bind, 32))
    .done()
}

// A field of another length would shift the rest and let two contexts share a prologue.
function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new ClawError('handshake-failed')
  return bytes
}

/** What the host tells in M2. */
export interface HandshakeReply {
  readonly hostTimeMs: number
  /** seq of the newest record, so that a device notices an old copy */
  readonly recordSeq: number
  /** 16 bytes */
  readonly sessionId: Uint8Array
  /** 0 in order, other values u8 */
  readonly status: number
}

/** Direction keys of 32 bytes for the frames (SPEC §6), as seen by their holder. */
export interface DirectionKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export type ClientResult = HandshakeReply & DirectionKeys
export interface StartedHandshake {
  /** 1372 bytes */
  readonly m1: Uint8Array
  /** Of M2; callable once. */
  finish(m2: Uint8Array): Promise<ClientResult>
}
export interface HostResult extends DirectionKeys {
  /** 1252 bytes */
  readonly m2: Uint8Array
  /** S_d, 32 bytes: the caller MUST compare it with the credential's before it sends M2 */
  readonly devicePublicKey: Uint8Array
  /** the client's clock: diagnostic, never checked */
  readonly timeMs: number
  readonly features: number
}

interface Side {
  readonly backend: CryptoBackend
  readonly random: RandomBytes
  readonly context: HandshakeContext
  /** R of the credential, 32 bytes */
  readonly root: Uint8Array
}

const noiseOptions = ({ backend, random, context, root }: Side) => ({
  backend,
  random,
  protocol: PROTOCOL,
  prologue: handshakePrologue(context),
  psks: [kdf(root, 'psk0'), kdf(root, 'psk2')],
})

/** The client's side. Any failure is ClawError('handshake-failed') and final. */
export async function startHandshake(
  input: Side & {
    /** S_d */
    readonly deviceKey: DhKey
    /** S_h, 32 bytes, from the signed record */
    readonly hostStatic: Uint8Array
    readonly timeMs: number
    readonly features?: number
  },
): Promise<StartedHandshake> {
  const noise = new NoiseHandshake({
    ...noiseOptions(input),
    initiator: true,
    staticKey: input.deviceKey,
    remoteStatic: exactly(input.hostStatic, 32),
  })
  const payload = new Writer(M1_PAYLOAD.bytes)
    .u64(input.timeMs)
    .u8(VERSION)
    .u8(VERSION)
    .u32(input.features ?? 0)
    .zeros(M1_PAYLOAD.zeros)
    .done()
  const hint = input.context.hint.slice()
  const m1 = concat(header(TYPE.m1), hint, await noise.write(payload))
  let spent = false
  const finish = async (m2: Uint8Array): Promise<ClientResult> => {
    // Spent before the first await: neither a second try nor a parallel one reaches the Noise state.
    if (spent) throw new ClawError('handshake-failed')
    spent = true
    return failing(() => readM2(noise, m2))
  }
  return { m1, finish }
}

async function readM2(noise: NoiseHandshake, m2: Uint8Array): Promise<ClientResult> {
  const payload = await noise.read(readHeader(m2, TYPE.m2, M2_BYTES).rest())
  const reader = new Reader(payload, 'handshake-failed')
  const hostTimeMs = reader.u64()
  const recordSeq = reader.u64()
  const sessionId = reader.bytes(16)
  const status = reader.u8()
  if (reader.u8() !== VERSION) reader.fail()
  reader.zeros(M2_PAYLOAD.zeros)
  reader.end()
  const { first, second } = noise.split()
  return { send: first, receive: second, hostTimeMs, recordSeq, sessionId, status }
}

/**
 * The host's side: reads M1 and writes M2. Any failure is ClawError('handshake-failed').
 * The host MUST act on nothing before the first valid client frame.
 */
export function answerHandshake(
  input: Side & {
    /** S_h */
    readonly hostKey: DhKey
    readonly m1: Uint8Array
    readonly reply: HandshakeReply
  },
): Promise<HostResult> {
  return failing(async () => {
    const outer = readHeader(input.m1, TYPE.m1, M1_BYTES)
    if (!equal(outer.bytes(HINT_BYTES), input.context.hint)) outer.fail()
    const noise = new NoiseHandshake({
      ...noiseOptions(input),
      initiator: false,
      staticKey: input.hostKey,
    })
    const { timeMs, features } = readM1Payload(await noise.read(outer.rest()))
    const devicePublicKey = exactly(noise.remoteStatic ?? new Uint8Array(0), 32)
    const m2 = concat(header(TYPE.m2), await noise.write(m2Payload(input.reply)))
    const { first, second } = noise.split()
    return { m2, send: second, receive: first, devicePublicKey, timeMs, features }
  })
}

function readM1Payload(payload: Uint8Array): { timeMs: number; features: number } {
  const reader = new Reader(payload, 'handshake-failed')
  const timeMs = reader.u64()
  const lowest = reader.u8()
  const highest = reader.u8()
  if (lowest > VERSION || highest < VERSION) reader.fail()
  const features = reader.u32()
  reader.zeros(M1_PAYLOAD.zeros)
  reader.end()
  return { timeMs, features }
}

const m2Payload = (reply: HandshakeReply): Uint8Array =>
  new Writer(M2_PAYLOAD.bytes)
    .u64(reply.hostTimeMs)
    .u64(reply.recordSeq)
    .bytes(exactly(reply.sessionId, 16))
    .u8(reply.status)
    .u8(VERSION)
    .zeros(M2_PAYLOAD.zeros)
    .done()

const header = (type: number): Uint8Array => Uint8Array.of(type, VERSION, 0, 0)

/** Type and version exact, flags zero, the length as fixed. */
function readHeader(message: Uint8Array, type: number, length: number): Reader {
  const reader = new Reader(message, 'handshake-failed')
  if (message.length !== length || reader.u8() !== type || reader.u8() !== VERSION) reader.fail()
  reader.zeros(2)
  return reader
}

// The peer learns one opaque failure, whatever broke.
async function failing<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch {
    throw new ClawError('handshake-failed')
  }
}
