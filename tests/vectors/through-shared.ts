// Vectors that go through shared/ with scripted entropy, because node:crypto encapsulates ML-KEM at random and a record's
// slots are shuffled: handshakes, knocks, one record, frames. unit/reference.test.ts checks them against tests/reference.
import { fromHex, toHex } from '../../shared/bytes.ts'
import { MODE, ROUTE } from '../../shared/constants.ts'
import { encodeFrameHeader, encodeFramePlaintext, frameNonce } from '../../shared/frames.ts'
import { answerHandshake, type HandshakeContext, startHandshake } from '../../shared/handshake.ts'
import { kdf, sha256 } from '../../shared/hash.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../../shared/knock.ts'
import { ed25519PublicKey, gcmSeal, nobleBackend } from '../../shared/noble.ts'
import { type RecordBody, sealRecord } from '../../shared/record.ts'
import { fixed, scripted, stream } from './fixed.ts'
import type { GoodHandshake } from './handshakes.ts'
import { slotFlips } from './records.ts'

const TIME_MS = 1_700_000_000_123

export type Fields = Record<string, unknown>

export async function handshakeVector(
  label: string,
  context: HandshakeContext,
  root = fixed(`${label} root`),
): Promise<Fields> {
  const secrets = {
    hostSecret: fixed('host static'),
    deviceSecret: fixed(`${label} device`),
    clientEphemeral: fixed(`${label} client e`),
    kemSeed: fixed(`${label} kem seed`, 64),
    hostEphemeral: fixed(`${label} host e`),
    kemMessage: fixed(`${label} kem message`),
  }
  const hostKey = await nobleBackend.dhKey(secrets.hostSecret)
  const deviceKey = await nobleBackend.dhKey(secrets.deviceSecret)
  const common = { backend: nobleBackend, context, root }
  const started = await startHandshake({
    ...common,
    random: scripted(secrets.clientEphemeral, secrets.kemSeed),
    deviceKey,
    hostStatic: hostKey.publicKey,
    timeMs: TIME_MS,
    features: 0x01020304,
  })
  const reply = {
    hostTimeMs: TIME_MS + 77,
    recordSeq: 2 ** 40 + 5,
    sessionId: fixed(`${label} session`, 16),
    status: 0,
  }
  const answered = await answerHandshake({
    ...common,
    random: scripted(secrets.hostEphemeral, secrets.kemMessage),
    hostKey,
    m1: started.m1,
    reply,
  })
  const { mode, route, ...bytes } = context
  return {
    mode: MODE[mode],
    route: ROUTE[route],
    ...hexes(bytes),
    root: toHex(root),
    ...hexes(secrets),
    timeMs: TIME_MS,
    features: 0x01020304,
    reply: { ...reply, sessionId: toHex(reply.sessionId) },
    m1: toHex(started.m1),
    m2: toHex(answered.m2),
    clientToHost: toHex(answered.receive),
    hostToClient: toHex(answered.send),
  }
}

const hexes = (fields: Readonly<Record<string, Uint8Array>>): Fields =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, toHex(value)]))

export const contextOf = (label: string, way: Pick<HandshakeContext, 'mode' | 'route'>) => ({
  ...way,
  hostPublicKey: ed25519PublicKey(fixed('host identity')),
  hostFingerprint: fixed(`${label} host fingerprint`),
  clientFingerprint: fixed(`${label} client fingerprint`),
  hint: fixed(`${label} hint`, 8),
  bind: sha256(fixed(`${label} knock`, 93)),
})

/** A connection whose hint, bind, fingerprint and root are those of this knock. */
export const contextOfKnock = (knock: Fields): HandshakeContext => ({
  ...contextOf('after a knock', { mode: 'connect', route: 'direct' }),
  clientFingerprint: fromHex(String(knock.clientFingerprint)),
  hint: fromHex(String(knock.knock)).slice(0, 8),
  bind: sha256(fromHex(String(knock.knock))),
})

export function goodHandshake(v: Fields): GoodHandshake {
  const bytes = (key: string): Uint8Array => fromHex(String(v[key]))
  return {
    agreed: {
      mode: Number(v.mode),
      route: Number(v.route),
      hostPublicKey: bytes('hostPublicKey'),
      hostFingerprint: bytes('hostFingerprint'),
      clientFingerprint: bytes('clientFingerprint'),
      hint: bytes('hint'),
      bind: bytes('bind'),
      root: bytes('root'),
    },
    hostSecret: bytes('hostSecret'),
    clientSecrets: {
      device: bytes('deviceSecret'),
      ephemeral: bytes('clientEphemeral'),
      kemSeed: bytes('kemSeed'),
    },
    hostEphemeral: bytes('hostEphemeral'),
    m1: bytes('m1'),
    m2: bytes('m2'),
  }
}

export function knockVector(label: string, route: keyof typeof ROUTE, clientUfrag: string): Fields {
  const hostPublicKey = ed25519PublicKey(fixed('host identity'))
  const bytes = {
    root: fixed(`${label} root`),
    clientFingerprint: route === 'relay' ? new Uint8Array(32) : fixed(`${label} fingerprint`),
    nonce: fixed(`${label} nonce`, 12),
  }
  const epoch = 472_222
  const tag = hostTag(hostPublicKey)
  const knock = sealKnock({ ...bytes, hostTag: tag, epoch, route, timeMs: TIME_MS, clientUfrag })
  return {
    hostPublicKey: toHex(hostPublicKey),
    ...hexes(bytes),
    epoch,
    route: ROUTE[route],
    timeMs: TIME_MS,
    clientUfrag,
    knock: toHex(knock),
    ufrag: knockUfrag(knock),
    password: icePassword(bytes.root, bytes.nonce),
  }
}

/** One signed record for three credentials, and what a reader says when a byte is flipped or it is not for it. */
export function recordVector(): Fields {
  const identitySecret = fixed('host identity')
  const roots = [fixed('record root 0'), fixed('record root 1'), fixed('record root 2')]
  const body = recordBody(ed25519PublicKey(identitySecret))
  const record = sealRecord({ body, roots, identitySecret, random: stream('record') })
  const slot = slotFlips(record, roots[0] ?? fixed(''))
  const flips = [
    { at: 0, code: 'record-malformed' },
    { at: 4, code: 'record-malformed' },
    { at: 8, code: 'record-no-slot' },
    { at: 24, code: 'record-forged' },
    { at: slot.hint, code: 'record-no-slot' },
    { at: slot.sealed, code: 'record-forged' },
    { at: slot.tag, code: 'record-forged' },
    { at: 3620, code: 'record-forged' },
    { at: 6143, code: 'record-forged' },
  ]
  return {
    identitySecret: toHex(identitySecret),
    hostPublicKey: toHex(body.hostPublicKey),
    roots: roots.map(toHex),
    body: {
      seq: body.seq,
      issuedMs: body.issuedMs,
      flags: body.burn ? 1 : 0,
      reason: body.reason,
      hostStatic: toHex(body.hostStatic),
      intervalMs: body.intervalMs,
      firstEpoch: body.firstEpoch,
      schedule: body.schedule.map((s) => ({ ...s, fingerprint: toHex(s.fingerprint) })),
      addresses: body.addresses.map((a) => ({ ...a, ip: toHex(a.ip) })),
      stores: body.locator.flatMap((entry) =>
        entry.type === 'https' ? [{ flags: entry.flags, id: toHex(entry.id), url: entry.url }] : [],
      ),
    },
    record: toHex(record),
    flips,
    otherRoot: { root: toHex(fixed('stranger')), code: 'record-no-slot' },
    otherHost: {
      hostPublicKey: toHex(ed25519PublicKey(fixed('other host'))),
      code: 'record-foreign',
    },
    short: 'record-malformed',
    rollback: 'record-rollback',
  }
}

const recordBody = (hostPublicKey: Uint8Array): Omit<RecordBody, 'notAfterMs'> => ({
  hostPublicKey,
  seq: 2 ** 33 + 7,
  issuedMs: TIME_MS,
  burn: false,
  reason: 3,
  hostStatic: fixed('record host static'),
  intervalMs: 3_600_000,
  firstEpoch: 472_221,
  schedule: Array.from({ length: 26 }, (_, i) => ({
    port: 49_152 + 601 * i,
    fingerprint: fixed(`certificate ${i}`),
  })),
  addresses: [
    { kind: 4, flags: 2, externalPort: 51_000, ip: Uint8Array.of(192, 0, 2, 7) },
    { kind: 6, flags: 1, externalPort: 0, ip: Uint8Array.of(0xfd, ...fixed('ip', 15)) },
  ],
  locator: [
    { type: 'https', flags: 1, id: fixed('storage id'), url: 'https://store.example/claw' },
  ],
})

/** A frame built from the layout functions; the test opens and makes the same ones through session.ts. */
export function frameVector(
  generation: number,
  counter: number,
  more: boolean,
  data: Uint8Array,
): Fields {
  const directionKey = fixed('direction')
  const channel = 0
  const type = 3
  let key = kdf(directionKey, 'chan', Uint8Array.of(0, 0))
  for (let g = 1; g <= generation; g++) key = kdf(key, 'ratchet', Uint8Array.of(0, 0, 0, g))
  const header = encodeFrameHeader({ channel, generation, counter })
  const plaintext = encodeFramePlaintext({ type, more, data })
  const frame = toHex(header) + toHex(gcmSeal(key, frameNonce(counter), header, plaintext))
  return {
    directionKey: toHex(directionKey),
    channel,
    generation,
    counter,
    type,
    flags: more ? 1 : 0,
    data: toHex(data),
    frame,
  }
}
