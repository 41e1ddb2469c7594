// `npm run vectors:make`: the product's own vectors, clawchat-v1.json, from fixed entropy through shared/.
// A test regenerates them without a diff and checks them against tests/reference.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex, toUtf8 } from '../../shared/bytes.ts'
import { MODE, ROUTE } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import { encodeFrameHeader, encodeFramePlaintext, frameNonce } from '../../shared/frames.ts'
import { answerHandshake, type HandshakeContext, startHandshake } from '../../shared/handshake.ts'
import { kdf, sha256 } from '../../shared/hash.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../../shared/knock.ts'
import { ed25519PublicKey, gcmSeal, nobleBackend } from '../../shared/noble.ts'
import { openRecord, type RecordBody, sealRecord } from '../../shared/record.ts'
import { fixed, scripted, stream } from './fixed.ts'

export const VECTORS_FILE = join(import.meta.dirname, 'clawchat-v1.json')
const TIME_MS = 1_700_000_000_123

type Fields = Record<string, unknown>

async function handshakeVector(label: string, context: HandshakeContext): Promise<Fields> {
  const root = fixed(`${label} root`)
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

const contextOf = (label: string, way: Pick<HandshakeContext, 'mode' | 'route'>) => ({
  ...way,
  hostPublicKey: ed25519PublicKey(fixed('host identity')),
  hostFingerprint: fixed(`${label} host fingerprint`),
  clientFingerprint: fixed(`${label} client fingerprint`),
  hint: fixed(`${label} hint`, 8),
  bind: sha256(fixed(`${label} knock`, 93)),
})

function knockVector(label: string, route: keyof typeof ROUTE, clientUfrag: string): Fields {
  const hostPublicKey = ed25519PublicKey(fixed('host identity'))
  const bytes = {
    root: fixed(`${label} root`),
    clientFingerprint: fixed(`${label} fingerprint`),
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

/** One signed record for three credentials, and what becomes of it when a byte is flipped. */
function recordVector(): Fields {
  const identitySecret = fixed('host identity')
  const roots = [fixed('record root 0'), fixed('record root 1'), fixed('record root 2')]
  const body = recordBody(ed25519PublicKey(identitySecret))
  const record = sealRecord({ body, roots, identitySecret, random: stream('record') })
  const opening = { root: roots[0] ?? fixed(''), hostPublicKey: body.hostPublicKey }
  const codeOf = (bytes: Uint8Array, minSeq: number) =>
    errorCode(() => openRecord({ ...opening, bytes, minSeq }))
  const flips = [0, 4, 8, 24, 3620, 6143].map((at) => {
    const bytes = record.slice()
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return { at, code: codeOf(bytes, 0) }
  })
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
    short: codeOf(record.slice(1), 0),
    rollback: codeOf(record, body.seq + 1),
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

function errorCode(run: () => unknown): string {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof ClawError) return error.code
    throw error
  }
}

/** A frame built from the layout functions; the test opens and makes the same ones through session.ts. */
function frameVector(generation: number, counter: number, more: boolean, data: Uint8Array): Fields {
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

export async function makeVectors(): Promise<Fields> {
  return {
    about: 'ClawChat protocol version 1: made by npm run vectors:make, numbers as in docs/SPEC.md',
    handshake: [
      await handshakeVector('enrol', contextOf('enrol', { mode: 'enrol', route: 'direct' })),
      await handshakeVector('connect', contextOf('connect', { mode: 'connect', route: 'direct' })),
      await handshakeVector('relay', contextOf('relay', { mode: 'connect', route: 'relay' })),
    ],
    knock: [
      knockVector('knock a', 'direct', 'aZ09'),
      knockVector('knock b', 'direct', 'q+/Abc0123456789'),
      knockVector('knock c', 'relay', ''),
    ],
    record: [recordVector()],
    frame: [
      frameVector(0, 0, false, new Uint8Array(0)),
      frameVector(0, 1, false, toUtf8('Ludwig von Mises')),
      frameVector(1, 2, false, fixed('57 bytes', 57)),
      frameVector(2, 2 ** 40, true, new Uint8Array(16_344).fill(0x5a)),
    ],
  }
}

/** The exact text of the file. */
export const formatVectors = (vectors: Fields): string => `${JSON.stringify(vectors, null, 2)}\n`

if (import.meta.main) writeFileSync(VECTORS_FILE, formatVectors(await makeVectors()))
