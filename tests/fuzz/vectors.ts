// The secrets and sealed bytes of clawchat-v1.json, which the sealed targets mutate.
import { readFileSync } from 'node:fs'
import { asObject, hexAt, hexListAt, type JsonObject, objectsAt } from '../vectors/json.ts'
import { VECTORS_FILE } from '../vectors/make.ts'
import { at } from './dice.ts'

const file = asObject(JSON.parse(readFileSync(VECTORS_FILE, 'utf8')), 'the vectors')
const entries = (key: string): readonly JsonObject[] => objectsAt(file, key)

const record = at(entries('record'), 0)
export const RECORD = {
  bytes: hexAt(record, 'record'),
  identitySecret: hexAt(record, 'identitySecret'),
  hostPublicKey: hexAt(record, 'hostPublicKey'),
  roots: hexListAt(record, 'roots'),
}

const knock = at(entries('knock'), 0)
export const KNOCK = {
  bytes: hexAt(knock, 'knock'),
  hostPublicKey: hexAt(knock, 'hostPublicKey'),
  root: hexAt(knock, 'root'),
  nonce: hexAt(knock, 'nonce'),
  epoch: Number(knock.epoch),
  clientUfrag: String(knock.clientUfrag),
}

// The second one is mode connect, route direct.
const handshake = at(entries('handshake'), 1)
export const HANDSHAKE = {
  hostPublicKey: hexAt(handshake, 'hostPublicKey'),
  hostFingerprint: hexAt(handshake, 'hostFingerprint'),
  clientFingerprint: hexAt(handshake, 'clientFingerprint'),
  hint: hexAt(handshake, 'hint'),
  bind: hexAt(handshake, 'bind'),
  root: hexAt(handshake, 'root'),
  hostSecret: hexAt(handshake, 'hostSecret'),
  deviceSecret: hexAt(handshake, 'deviceSecret'),
  clientEphemeral: hexAt(handshake, 'clientEphemeral'),
  kemSeed: hexAt(handshake, 'kemSeed'),
  hostEphemeral: hexAt(handshake, 'hostEphemeral'),
  kemMessage: hexAt(handshake, 'kemMessage'),
  m1: hexAt(handshake, 'm1'),
  m2: hexAt(handshake, 'm2'),
}

export const FRAMES: readonly Uint8Array[] = entries('frame').map((entry) => hexAt(entry, 'frame'))
