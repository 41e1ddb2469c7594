// M1 and M2 (SPEC §5), changed on their way and filled by an insider; and the back ends against each other (§1).
import { nodeBackend } from '../../host/nodecrypto.ts'
import { concat, isZero } from '../../shared/bytes.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import {
  answerHandshake,
  HANDSHAKE_PROTOCOL,
  type HandshakeContext,
  handshakePrologue,
  startHandshake,
} from '../../shared/handshake.ts'
import { kdf } from '../../shared/hash.ts'
import { nobleBackend } from '../../shared/noble.ts'
import { NoiseHandshake, parseProtocol } from '../../shared/noise.ts'
import { webcryptoBackend } from '../../web/webcrypto.ts'
import { fixed, scripted } from '../vectors/fixed.ts'
import { Choices } from './dice.ts'
import { attemptAsync, must, mustEqual, sized, type Target } from './target.ts'
import { HANDSHAKE } from './vectors.ts'

const FAILED = ['handshake-failed'] as const
const backend = nodeBackend
const hostKey = backend.dhKey(HANDSHAKE.hostSecret)
const deviceKey = backend.dhKey(HANDSHAKE.deviceSecret)
const context: HandshakeContext = { ...HANDSHAKE, mode: 'connect', route: 'direct' }
const side = { backend, context, root: HANDSHAKE.root }
const reply = { hostTimeMs: 1, recordSeq: 2, sessionId: fixed('session', 16), status: 0 }

const answer = (m1: Uint8Array) =>
  answerHandshake({
    ...side,
    random: scripted(HANDSHAKE.hostEphemeral, HANDSHAKE.kemMessage),
    hostKey,
    m1,
    reply,
  })
const start = () =>
  startHandshake({
    ...side,
    random: scripted(HANDSHAKE.clientEphemeral, HANDSHAKE.kemSeed),
    deviceKey,
    hostStatic: hostKey.publicKey,
    timeMs: 1_700_000_000_123,
    features: 0x01020304,
  })

const m1: Target = {
  name: 'm1',
  maxBytes: 1400,
  async run(input) {
    const answered = await attemptAsync(FAILED, () => answer(input))
    if (answered !== null) mustEqual(input, HANDSHAKE.m1, 'nothing but the M1 sent is answered')
  },
}

const m2: Target = {
  name: 'm2',
  maxBytes: 1300,
  async run(input) {
    const { finish } = await start()
    const finished = await attemptAsync(FAILED, () => finish(input))
    if (finished !== null) mustEqual(input, HANDSHAKE.m2, 'nothing but the M2 sent is taken')
    must((await attemptAsync(FAILED, () => finish(HANDSHAKE.m2))) === null, 'finishes once')
  },
}

/** One side of the Noise handshake with the right keys, for payloads that ours never writes. */
const noise = (initiator: boolean): NoiseHandshake =>
  new NoiseHandshake({
    backend,
    random: initiator
      ? scripted(HANDSHAKE.clientEphemeral, HANDSHAKE.kemSeed)
      : scripted(HANDSHAKE.hostEphemeral, HANDSHAKE.kemMessage),
    protocol: parseProtocol(HANDSHAKE_PROTOCOL),
    initiator,
    prologue: handshakePrologue(context),
    psks: [kdf(HANDSHAKE.root, 'psk0'), kdf(HANDSHAKE.root, 'psk2')],
    staticKey: initiator ? deviceKey : hostKey,
    ...(initiator ? { remoteStatic: hostKey.publicKey } : {}),
  })

const m1Payload: Target = {
  name: 'm1-payload',
  maxBytes: 64,
  async run(input) {
    const payload = Buffer.from(sized(input, 64))
    const head = concat(Uint8Array.of(1, 1, 0, 0), HANDSHAKE.hint)
    const answered = await attemptAsync(FAILED, async () =>
      answer(concat(head, await noise(true).write(payload))),
    )
    if (answered === null) return
    must(BigInt(answered.timeMs) === payload.readBigUInt64BE(0), 'reads the time')
    must(payload.readUInt8(8) <= 1 && payload.readUInt8(9) >= 1, 'refuses other versions')
    must(answered.features === payload.readUInt32BE(10), 'reads the features')
    must(isZero(payload.subarray(14)), 'refuses what is not zero')
  },
}

const m2Payload: Target = {
  name: 'm2-payload',
  maxBytes: 96,
  async run(input) {
    const payload = Buffer.from(sized(input, 96))
    const client = await start()
    const host = noise(false)
    await host.read(client.m1.slice(12))
    const written = concat(Uint8Array.of(2, 1, 0, 0), await host.write(payload))
    const finished = await attemptAsync(FAILED, () => client.finish(written))
    if (finished === null) return
    must(BigInt(finished.hostTimeMs) === payload.readBigUInt64BE(0), 'reads the time')
    must(BigInt(finished.recordSeq) === payload.readBigUInt64BE(8), 'reads the seq')
    must(payload.readUInt8(33) === 1, 'refuses other versions')
    must(isZero(payload.subarray(34)), 'refuses what is not zero')
  },
}

const BACKENDS: readonly CryptoBackend[] = [nobleBackend, nodeBackend, webcryptoBackend]

/** What all back ends answer, or null where all refuse. */
async function agreed(
  run: (backend: CryptoBackend) => Promise<Uint8Array>,
): Promise<Uint8Array | null> {
  const [first = null, ...others] = await Promise.all(
    BACKENDS.map((one) => attemptAsync(['crypto'], () => run(one))),
  )
  for (const other of others) {
    must((first === null) === (other === null), 'all back ends refuse, or none')
    if (first !== null) mustEqual(other, first, 'all back ends answer the same')
  }
  return first
}

const backends: Target = {
  name: 'backends',
  maxBytes: 600,
  async run(input) {
    const from = new Choices(input)
    const secret = fixed('fuzz dh')
    const peer = from.bytes(from.rarely(16) ? from.below(64) : 32)
    await agreed(async (one) => (await one.dhKey(secret)).dh(peer))
    const key = fixed('fuzz aead')
    const nonce = from.bytes(from.rarely(16) ? from.below(20) : 12)
    const aad = from.bytes(from.below(40))
    const text = from.rest()
    await agreed(async (one) => (await one.aead(key)).open(nonce, aad, text))
    const sealed = await agreed(async (one) => (await one.aead(key)).seal(nonce, aad, text))
    if (sealed === null) return
    const opened = await agreed(async (one) => (await one.aead(key)).open(nonce, aad, sealed))
    mustEqual(opened, text, 'opens what it sealed')
  },
}

export const HANDSHAKE_TARGETS: readonly Target[] = [m1, m2, m1Payload, m2Payload, backends]
