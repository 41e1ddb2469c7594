// The handshake of SPEC §5: against the reference, between back ends, and everything that must make it fail.
import { describe, expect, test } from 'vitest'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { concat, equal, toHex } from '../../shared/bytes.ts'
import { MODE, ROUTE } from '../../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../../shared/crypto.ts'
import { ClawError } from '../../shared/error.ts'
import {
  answerHandshake,
  type HandshakeContext,
  handshakePrologue,
  M1_BYTES,
  M2_BYTES,
  startHandshake,
} from '../../shared/handshake.ts'
import { kdf } from '../../shared/hash.ts'
import { nobleBackend } from '../../shared/noble.ts'
import { NoiseHandshake, parseProtocol } from '../../shared/noise.ts'
import { webcryptoBackend } from '../../web/webcrypto.ts'
import * as reference from '../reference/handshake.ts'
import { x25519Public } from '../reference/primitives.ts'
import { fixed, scripted, stream } from '../vectors/fixed.ts'

const failed = new ClawError('handshake-failed')
const PROTOCOL = 'Noise_IKhfs+psk0+psk2_25519+MLKEM768_AESGCM_SHA256'
const SECRET = {
  host: fixed('S_h'),
  device: fixed('S_d'),
  clientEphemeral: fixed('client e'),
  kemSeed: fixed('kem seed', 64),
  hostEphemeral: fixed('host e'),
  kemMessage: fixed('kem message'),
}
const context: HandshakeContext = {
  mode: 'connect',
  route: 'direct',
  hostPublicKey: fixed('H_pub'),
  hostFingerprint: fixed('host fp'),
  clientFingerprint: fixed('client fp'),
  hint: fixed('hint', 8),
  bind: fixed('bind'),
}
const root = fixed('R')
const reply = { hostTimeMs: 1234, recordSeq: 99, sessionId: fixed('session', 16), status: 7 }
const hostStatic = x25519Public(SECRET.host)
const agreed: reference.Agreed = {
  ...context,
  mode: MODE[context.mode],
  route: ROUTE[context.route],
  root,
  hostStatic,
}

interface Changes {
  readonly backend?: CryptoBackend
  readonly context?: Partial<HandshakeContext>
  readonly root?: Uint8Array
}

async function start(changes: Changes & { hostStatic?: Uint8Array; deviceKey?: DhKey } = {}) {
  const backend = changes.backend ?? nodeBackend
  return startHandshake({
    backend,
    random: scripted(SECRET.clientEphemeral, SECRET.kemSeed),
    context: { ...context, ...changes.context },
    root: changes.root ?? root,
    deviceKey: changes.deviceKey ?? (await backend.dhKey(SECRET.device)),
    hostStatic: changes.hostStatic ?? hostStatic,
    timeMs: 5678,
    features: 0xa0b0c0d0,
  })
}

async function answer(m1: Uint8Array, changes: Changes & { hostSecret?: Uint8Array } = {}) {
  const backend = changes.backend ?? nodeBackend
  return answerHandshake({
    backend,
    random: scripted(SECRET.hostEphemeral, SECRET.kemMessage),
    context: { ...context, ...changes.context },
    root: changes.root ?? root,
    hostKey: await backend.dhKey(changes.hostSecret ?? SECRET.host),
    m1,
    reply,
  })
}

const flipped = (bytes: Uint8Array, at: number, bit = 1): Uint8Array => {
  const out = bytes.slice()
  out[at] = (out[at] ?? 0) ^ bit
  return out
}

describe('agreement', () => {
  const backends = [nobleBackend, nodeBackend, webcryptoBackend]
  const crossed = backends.flatMap((a) => backends.map((b) => [a.name, b.name, a, b] as const))

  test.each(crossed)('a client on %s and a host on %s', async (_, __, ours, theirs) => {
    const started = await start({ backend: ours })
    const answered = await answer(started.m1, { backend: theirs })
    const finished = await started.finish(answered.m2)
    expect([started.m1.length, answered.m2.length]).toEqual([M1_BYTES, M2_BYTES])
    expect(answered).toMatchObject({ timeMs: 5678, features: 0xa0b0c0d0 })
    expect(toHex(answered.devicePublicKey)).toBe(x25519Public(SECRET.device).toString('hex'))
    expect(finished).toEqual({ ...reply, send: answered.receive, receive: answered.send })
    expect(equal(finished.send, finished.receive)).toBe(false)
  })

  test('the reference client writes the same M1 and reads our M2', async () => {
    const theirs = reference.client(
      agreed,
      { device: SECRET.device, ephemeral: SECRET.clientEphemeral, kemSeed: SECRET.kemSeed },
      reference.m1Payload(5678, 0xa0b0c0d0),
    )
    const { m1 } = await start()
    expect(toHex(m1)).toBe(theirs.m1.toString('hex'))
    const answered = await answer(theirs.m1)
    const read = theirs.readM2(answered.m2)
    expect(read.payload.equals(reference.m2Payload(reply))).toBe(true)
    expect(read.clientToHost.equals(answered.receive)).toBe(true)
    expect(read.hostToClient.equals(answered.send)).toBe(true)
  })

  test('our client finishes with the reference host, which draws its own encapsulation', async () => {
    const started = await start()
    const secrets = { hostStatic: SECRET.host, ephemeral: SECRET.hostEphemeral }
    const host = reference.host(agreed, secrets, started.m1)
    expect(host.payload.equals(reference.m1Payload(5678, 0xa0b0c0d0))).toBe(true)
    const written = host.writeM2(reference.m2Payload(reply))
    const finished = await started.finish(written.m2)
    expect(finished).toMatchObject(reply)
    expect(toHex(finished.send)).toBe(written.clientToHost.toString('hex'))
    expect(toHex(finished.receive)).toBe(written.hostToClient.toString('hex'))
  })

  test('the prologue is 153 bytes and says what SPEC §5 says', () => {
    const prologue = handshakePrologue(context)
    expect(prologue.length).toBe(153)
    expect(toHex(prologue)).toBe(reference.prologue(agreed).toString('hex'))
  })
})

describe('a host refuses M1', () => {
  test('with any byte flipped', async () => {
    const { m1 } = await start()
    for (let at = 0; at < m1.length; at++) {
      await expect(answer(flipped(m1, at)), `byte ${at}`).rejects.toThrow(failed)
    }
  }, 60_000)

  test('with the ignored top bit of e flipped, because e is hashed', async () => {
    const { m1 } = await start()
    await expect(answer(flipped(m1, 12 + 31, 0x80))).rejects.toThrow(failed)
  })

  test.each([0, 1, 11, 12, 44, M1_BYTES - 1])('cut to %i bytes', async (length) => {
    const { m1 } = await start()
    await expect(answer(m1.slice(0, length))).rejects.toThrow(failed)
  })

  test('with a trailing byte', async () => {
    const { m1 } = await start()
    await expect(answer(concat(m1, Uint8Array.of(0)))).rejects.toThrow(failed)
  })

  test('under another root', async () => {
    const { m1 } = await start()
    await expect(answer(m1, { root: fixed('another R') })).rejects.toThrow(failed)
  })

  test('meant for another host key', async () => {
    const { m1 } = await start()
    await expect(answer(m1, { hostSecret: fixed('another S_h') })).rejects.toThrow(failed)
  })

  test('with a low-order ephemeral key', async () => {
    const { m1 } = await start()
    m1.fill(0, 12, 44)
    await expect(answer(m1)).rejects.toThrow(failed)
  })

  test('reflected: its own M2', async () => {
    const { m1 } = await start()
    const { m2 } = await answer(m1)
    await expect(answer(m2)).rejects.toThrow(failed)
    await expect(answer(concat(m2, new Uint8Array(M1_BYTES - M2_BYTES)))).rejects.toThrow(failed)
  })

  // What an honest client never sends, sealed properly all the same.
  test.each([
    ['verMin 2', 8, 2],
    ['verMax 0', 9, 0],
    ['a byte of padding', 63, 1],
    ['a time above 2^53', 0, 0x20],
  ])('with %s in its payload', async (_, at, value) => {
    const payload = Uint8Array.from(reference.m1Payload(5678, 0))
    payload[at] = value
    await expect(answer(await rawM1(payload))).rejects.toThrow(failed)
  })

  test.each([63, 65])('with a payload of %i bytes', async (length) => {
    const payload = new Uint8Array(length)
    payload.set(Uint8Array.from(reference.m1Payload(5678, 0)).slice(0, length))
    await expect(answer(await rawM1(payload))).rejects.toThrow(failed)
  })

  test('accepts the same message with nothing wrong in it', async () => {
    const m1 = await rawM1(Uint8Array.from(reference.m1Payload(5678, 0)))
    expect((await answer(m1)).timeMs).toBe(5678)
  })
})

async function rawM1(payload: Uint8Array): Promise<Uint8Array> {
  const noise = new NoiseHandshake({
    backend: nodeBackend,
    random: stream('raw'),
    protocol: parseProtocol(PROTOCOL),
    initiator: true,
    prologue: handshakePrologue(context),
    staticKey: nodeBackend.dhKey(SECRET.device),
    remoteStatic: hostStatic,
    psks: [kdf(root, 'psk0'), kdf(root, 'psk2')],
  })
  return concat(Uint8Array.of(1, 1, 0, 0), context.hint, await noise.write(payload))
}

describe('what the prologue binds', () => {
  const other: ReadonlyArray<readonly [string, Partial<HandshakeContext>]> = [
    ['mode', { mode: 'enrol' }],
    ['route', { route: 'relay' }],
    ['host identity', { hostPublicKey: fixed('other') }],
    ['host fingerprint', { hostFingerprint: fixed('other') }],
    ['client fingerprint', { clientFingerprint: fixed('other') }],
    ['hint', { hint: fixed('other', 8) }],
    ['bind', { bind: fixed('other') }],
  ]
  test.each(other)('another %s fails', async (_, changed) => {
    const { m1 } = await start()
    await expect(answer(m1, { context: changed })).rejects.toThrow(failed)
  })

  test('a field of another length is refused before anything is hashed', async () => {
    const changed = { bind: fixed('short', 31) }
    await expect(start({ context: changed })).rejects.toThrow(failed)
    const { m1 } = await start()
    await expect(answer(m1, { context: changed })).rejects.toThrow(failed)
  })
})

describe('a client refuses M2', () => {
  test('with any byte flipped', async () => {
    const { m2 } = await answer((await start()).m1)
    const deviceKey = nodeBackend.dhKey(SECRET.device)
    for (let at = 0; at < m2.length; at++) {
      const { finish } = await start({ deviceKey })
      await expect(finish(flipped(m2, at)), `byte ${at}`).rejects.toThrow(failed)
    }
  }, 60_000)

  test.each([0, 4, 36, M2_BYTES - 1])('cut to %i bytes', async (length) => {
    const started = await start()
    const { m2 } = await answer(started.m1)
    await expect(started.finish(m2.slice(0, length))).rejects.toThrow(failed)
  })

  test('with a trailing byte', async () => {
    const started = await start()
    const { m2 } = await answer(started.m1)
    await expect(started.finish(concat(m2, Uint8Array.of(0)))).rejects.toThrow(failed)
  })

  test('a second time, and after a failure also the right one', async () => {
    const good = await start()
    const { m2 } = await answer(good.m1)
    await good.finish(m2)
    await expect(good.finish(m2)).rejects.toThrow(failed)
    const bad = await start()
    await expect(bad.finish(flipped(m2, 50))).rejects.toThrow(failed)
    await expect(bad.finish(m2)).rejects.toThrow(failed)
  })

  test('in a second call at the same time', async () => {
    const started = await start()
    const { m2 } = await answer(started.m1)
    const both = await Promise.allSettled([started.finish(m2), started.finish(m2)])
    expect(both.map((r) => r.status)).toEqual(['fulfilled', 'rejected'])
  })

  test('reflected: its own M1', async () => {
    const started = await start()
    await expect(started.finish(started.m1.slice(0, M2_BYTES))).rejects.toThrow(failed)
  })

  test('whose ML-KEM ciphertext belongs to another key', async () => {
    const started = await start()
    const secrets = { hostStatic: SECRET.host, ephemeral: SECRET.hostEphemeral }
    const host = reference.host(agreed, secrets, started.m1)
    // Any ciphertext decapsulates to something: only the next tag shows it.
    const swapped = { ciphertext: fixed('ciphertext', 1088), sharedSecret: fixed('guess') }
    const { m2 } = host.writeM2(reference.m2Payload(reply), swapped)
    await expect(started.finish(m2)).rejects.toThrow(failed)
  })

  test.each([
    ['another version', 33, 2],
    ['a byte of padding', 95, 1],
    ['a record number above 2^53', 8, 0x20],
  ])('that says %s in its payload', async (_, at, value) => {
    const started = await start()
    const secrets = { hostStatic: SECRET.host, ephemeral: SECRET.hostEphemeral }
    const payload = Uint8Array.from(reference.m2Payload(reply))
    payload[at] = value
    const { m2 } = reference.host(agreed, secrets, started.m1).writeM2(payload)
    await expect(started.finish(m2)).rejects.toThrow(failed)
  })

  test('of a host without the root, however it got M1', async () => {
    // psk2 under another root, all else right: an insider with S_h but without R.
    const started = await start()
    const insider = new NoiseHandshake({
      backend: nodeBackend,
      random: stream('insider'),
      protocol: parseProtocol(PROTOCOL),
      initiator: false,
      prologue: handshakePrologue(context),
      staticKey: nodeBackend.dhKey(SECRET.host),
      psks: [kdf(root, 'psk0'), kdf(fixed('another R'), 'psk2')],
    })
    await insider.read(started.m1.slice(12))
    const noise = await insider.write(Uint8Array.from(reference.m2Payload(reply)))
    await expect(started.finish(concat(Uint8Array.of(2, 1, 0, 0), noise))).rejects.toThrow(failed)
  })
})

describe('a client refuses to start', () => {
  test.each([
    ['a low-order host key', new Uint8Array(32)],
    ['a host key of another length', fixed('short', 31)],
  ])('with %s', async (_, bad) => {
    await expect(start({ hostStatic: bad })).rejects.toThrow(failed)
  })
})
