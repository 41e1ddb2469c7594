// Noise vectors in the format of cacophony and snow: both roles write and read every message.
import { equal, fromHex } from '../../shared/bytes.ts'
import type { CryptoBackend } from '../../shared/crypto.ts'
import { CipherState, NoiseHandshake, type Protocol, parseProtocol } from '../../shared/noise.ts'
import {
  hexAt,
  hexListAt,
  type JsonObject,
  objectsAt,
  optionalHexAt,
  stringAt,
  VectorFileError,
} from './json.ts'
import { accepts, BACKENDS, type Outcome, passedIf, type Result } from './results.ts'

interface Message {
  readonly payload: Uint8Array
  readonly ciphertext: Uint8Array
}
interface Role {
  readonly prologue: Uint8Array
  readonly ephemeral: Uint8Array
  readonly staticSecret: Uint8Array | undefined
  readonly remoteStatic: Uint8Array | undefined
  readonly psks: readonly Uint8Array[]
}
interface Vector {
  readonly name: string
  readonly initiator: Role
  readonly responder: Role
  readonly messages: readonly Message[]
  readonly handshakeHash: Uint8Array | undefined
}

/** Runs every vector of a parsed file; throws VectorFileError where the file cannot be understood. */
export async function runNoise(file: JsonObject): Promise<Result[]> {
  const vectors = objectsAt(file, 'vectors').map(readVector)
  const results: Result[] = []
  for (const vector of vectors) {
    const plan = planFor(vector)
    for (const backend of BACKENDS) {
      const outcome = 'skipped' in plan ? plan : await runVector(backend, plan, vector)
      results.push({ backend: backend.name, test: vector.name, outcome })
    }
  }
  return results
}

function readVector(entry: JsonObject): Vector {
  const name = entry.protocol_name === undefined ? 'name' : 'protocol_name'
  return {
    name: stringAt(entry, name),
    initiator: readRole(entry, 'init'),
    responder: readRole(entry, 'resp'),
    messages: objectsAt(entry, 'messages').map((message) => ({
      payload: hexAt(message, 'payload'),
      ciphertext: hexAt(message, 'ciphertext'),
    })),
    handshakeHash: optionalHexAt(entry, 'handshake_hash'),
  }
}

const readRole = (entry: JsonObject, prefix: string): Role => ({
  prologue: hexAt(entry, `${prefix}_prologue`),
  ephemeral: optionalHexAt(entry, `${prefix}_ephemeral`) ?? fromHex(''),
  staticSecret: optionalHexAt(entry, `${prefix}_static`),
  remoteStatic: optionalHexAt(entry, `${prefix}_remote_static`),
  psks: hexListAt(entry, `${prefix}_psks`),
})

function planFor(vector: Vector): Protocol | { readonly skipped: 'suite' | 'pattern' } {
  if (!/^Noise_\w+/.test(vector.name)) throw new VectorFileError('not a Noise protocol name')
  if (!vector.name.endsWith('_25519_AESGCM_SHA256')) return { skipped: 'suite' }
  let protocol: Protocol
  try {
    protocol = parseProtocol(vector.name)
  } catch {
    return { skipped: 'pattern' }
  }
  checkComplete(vector, protocol)
  return protocol
}

// A vector that lacks what its pattern needs is a broken file, not a failure of ours.
function checkComplete({ initiator, responder, messages, name }: Vector, protocol: Protocol): void {
  const knownI = protocol.known.includes('i')
  const knownR = protocol.known.includes('r')
  const sends = (offset: number) =>
    protocol.messages.some((tokens, i) => i % 2 === offset && tokens.includes('s'))
  const complete =
    initiator.psks.length === protocol.pskCount &&
    responder.psks.length === protocol.pskCount &&
    [...initiator.psks, ...responder.psks].every((psk) => psk.length === 32) &&
    (!(knownI || sends(0)) || initiator.staticSecret?.length === 32) &&
    (!(knownR || sends(1)) || responder.staticSecret?.length === 32) &&
    (!knownI || responder.remoteStatic?.length === 32) &&
    (!knownR || initiator.remoteStatic?.length === 32) &&
    initiator.ephemeral.length === 32 &&
    (protocol.oneWay || responder.ephemeral.length === 32) &&
    messages.length >= protocol.messages.length
  if (!complete) throw new VectorFileError(`${name} lacks keys or messages that its pattern needs`)
}

async function runVector(
  backend: CryptoBackend,
  protocol: Protocol,
  vector: Vector,
): Promise<Outcome> {
  return passedIf(await accepts(() => replay(backend, protocol, vector)))
}

async function replay(
  backend: CryptoBackend,
  protocol: Protocol,
  vector: Vector,
): Promise<boolean> {
  const initiator = await peer(backend, protocol, vector.initiator, true)
  const responder = await peer(backend, protocol, vector.responder, false)
  const count = protocol.messages.length
  for (const [i, message] of vector.messages.slice(0, count).entries()) {
    const [writer, reader] = i % 2 === 0 ? [initiator, responder] : [responder, initiator]
    const written = await writer.write(message.payload)
    if (!equal(written, message.ciphertext)) return false
    if (!equal(await reader.read(written), message.payload)) return false
  }
  const ours = initiator.split()
  const theirs = responder.split()
  const agreed =
    equal(ours.handshakeHash, theirs.handshakeHash) &&
    equal(ours.first, theirs.first) &&
    equal(ours.second, theirs.second) &&
    (vector.handshakeHash === undefined || equal(ours.handshakeHash, vector.handshakeHash))
  if (!agreed) return false
  const turns = protocol.oneWay ? [ours.first] : [ours.first, ours.second]
  return transport(backend, turns, vector.messages, count)
}

async function peer(
  backend: CryptoBackend,
  protocol: Protocol,
  role: Role,
  initiator: boolean,
): Promise<NoiseHandshake> {
  const { staticSecret, remoteStatic } = role
  return new NoiseHandshake({
    backend,
    random: () => role.ephemeral,
    protocol,
    initiator,
    prologue: role.prologue,
    psks: role.psks,
    ...(staticSecret && { staticKey: await backend.dhKey(staticSecret) }),
    ...(remoteStatic && protocol.known.includes(initiator ? 'r' : 'i') && { remoteStatic }),
  })
}

const NO_AAD = new Uint8Array(0)

/** Transport messages go on in turn where the handshake stopped. */
async function transport(
  backend: CryptoBackend,
  keys: readonly Uint8Array[],
  messages: readonly Message[],
  from: number,
): Promise<boolean> {
  const directions = await Promise.all(
    keys.map(async (key) => ({
      sealer: await CipherState.create(backend, key),
      opener: await CipherState.create(backend, key),
    })),
  )
  for (let i = from; i < messages.length; i++) {
    const message = messages[i]
    const direction = directions[i % directions.length]
    if (!message || !direction) return false
    const sealed = await direction.sealer.seal(NO_AAD, message.payload)
    if (!equal(sealed, message.ciphertext)) return false
    if (!equal(await direction.opener.open(NO_AAD, sealed), message.payload)) return false
  }
  return true
}
