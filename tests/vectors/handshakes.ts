// Vectors of SPEC §5 by the reference: messages and contexts that end a handshake. All are changes of `handshake[1]`.
import { toHex } from '../../shared/bytes.ts'
import * as handshake from '../reference/handshake.ts'
import * as primitives from '../reference/primitives.ts'
import { fixed } from './fixed.ts'
import { type Change, flip } from './notation.ts'

/** The fields of `handshake[1]` that this file reads. */
export interface GoodHandshake {
  readonly agreed: Omit<handshake.Agreed, 'hostStatic'>
  readonly hostSecret: Uint8Array
  readonly clientSecrets: handshake.ClientSecrets
  readonly hostEphemeral: Uint8Array
  readonly m1: Uint8Array
  readonly m2: Uint8Array
}

type ContextChange = Partial<Record<'mode' | 'route', number>> &
  Partial<
    Record<
      'hostPublicKey' | 'hostFingerprint' | 'clientFingerprint' | 'hint' | 'bind' | 'root',
      string
    >
  >

/** Byte offsets of what M1 and M2 consist of. */
const M1_AT = [0, 1, 2, 3, 4, 12, 44, 1243, 1244, 1291, 1292, 1371]
const M2_AT = [0, 1, 2, 3, 4, 36, 1139, 1140, 1251]
const LOW_ORDER = '00'.repeat(32)

/**
 * `by`: who refuses. `change`: of the message that this side reads. `context`: what this side takes for agreed instead.
 * `message`: another message altogether.
 */
export function handshakeRefusedVectors(good: GoodHandshake) {
  const { m1, m2 } = good
  const cases: { what: string; by: 'host' | 'client'; [more: string]: unknown }[] = []
  const both = [
    { by: 'host', bytes: m1, offsets: M1_AT, name: 'M1' },
    { by: 'client', bytes: m2, offsets: M2_AT, name: 'M2' },
  ] as const
  for (const { by, bytes, offsets, name } of both) {
    const changes: [string, Change][] = offsets.map((at) => [
      `bit flipped in byte ${at}`,
      flip(bytes, at),
    ])
    changes.push(
      ['a byte too few', { length: bytes.length - 1 }],
      ['a byte too many', { append: '00' }],
    )
    changes.push([
      'an ephemeral key of low order',
      { at: name === 'M1' ? 12 : 4, bytes: LOW_ORDER },
    ])
    for (const [what, change] of changes) cases.push({ what: `${name}: ${what}`, by, change })
    for (const [what, context] of contexts()) cases.push({ what: `${name}: ${what}`, by, context })
  }
  for (const [what, message] of hostile(good)) {
    const by = message.length === m1.length ? 'host' : 'client'
    cases.push({ what, by, message: toHex(message) })
  }
  return cases.map((entry) => ({ of: 'handshake[1]', ...entry, code: 'handshake-failed' }))
}

function contexts(): [string, ContextChange][] {
  const other = (length: number): string => toHex(fixed('another', length))
  return [
    ['another mode', { mode: 1 }],
    ['another route', { route: 4 }],
    ['another host', { hostPublicKey: other(32) }],
    ["another host's certificate", { hostFingerprint: other(32) }],
    ["another client's certificate", { clientFingerprint: other(32) }],
    ['another hint', { hint: other(8) }],
    ['another knock', { bind: other(32) }],
    ['another root', { root: other(32) }],
  ]
}

/** Right in every tag, wrong in what they say. */
function hostile(good: GoodHandshake): [string, Buffer][] {
  const hostStatic = primitives.x25519Public(good.hostSecret)
  const agreed = { ...good.agreed, hostStatic }
  const right = handshake.m1Payload(1_700_000_000_123, 0)
  const set = (payload: Buffer, at: number, value: number): Buffer => {
    const out = Buffer.from(payload)
    out[at] = value
    return out
  }
  const m1 = (payload: Buffer): Buffer => handshake.client(agreed, good.clientSecrets, payload).m1
  const m2 = (at: number, value: number): Buffer => {
    const client = handshake.client(agreed, good.clientSecrets, m1PayloadOf(good))
    const { payload, encapsulation } = client.readM2(good.m2)
    const secrets = { hostStatic: good.hostSecret, ephemeral: good.hostEphemeral }
    const host = handshake.host(agreed, secrets, good.m1)
    return host.writeM2(set(payload, at, value), encapsulation).m2
  }
  return [
    ['M1: time of 2^53', m1(set(right, 1, 0x20))],
    ['M1: verMin 2', m1(set(right, 8, 2))],
    ['M1: verMax 0', m1(set(right, 9, 0))],
    ['M1: a byte of the zeros set', m1(set(right, 63, 1))],
    ['M2: version 2', m2(33, 2)],
    ['M2: a byte of the zeros set', m2(95, 1)],
  ]
}

/** M1 of the vector says this; the client must say it again to read M2. */
const m1PayloadOf = (good: GoodHandshake): Buffer => {
  const hostStatic = primitives.x25519Public(good.hostSecret)
  const secrets = { hostStatic: good.hostSecret, ephemeral: good.hostEphemeral }
  return handshake.host({ ...good.agreed, hostStatic }, secrets, good.m1).payload
}
