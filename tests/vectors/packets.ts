// Vectors of SPEC §4 by the reference: hints, knocks that are refused, STUN requests that are answered and that are not.
import { toHex } from '../../shared/bytes.ts'
import * as knocks from '../reference/knock.ts'
import * as primitives from '../reference/primitives.ts'
import * as stun from '../reference/stun.ts'
import { fixed } from './fixed.ts'

const hostPublicKey = primitives.ed25519Public(fixed('host identity'))
const EPOCH = 472_222

/** The very knock of `knock[0]`. */
const knock = {
  root: fixed('knock a root'),
  hostPublicKey,
  epoch: EPOCH,
  route: 1,
  timeMs: 1_700_000_000_123,
  clientFingerprint: fixed('knock a fingerprint'),
  nonce: fixed('knock a nonce', 12),
  clientUfrag: 'aZ09',
}
const ufrag = knocks.sealKnock(knock).toString('base64')

export const knockHintVectors = () =>
  [0, 1, EPOCH - 2, EPOCH - 1, EPOCH, EPOCH + 1, EPOCH + 2, 2 ** 33 + 1].map((epoch) => ({
    root: toHex(knock.root),
    epoch,
    hint: knocks.knockHint(knock.root, epoch).toString('hex'),
  }))

interface Arrival {
  readonly ufrag: string
  readonly root: Uint8Array
  readonly hostPublicKey: Uint8Array
  readonly clientUfrag: string
  readonly route: number
}

/** Each is opened as it arrived: root, host, route and the client's ufrag of its own case. */
export function knockRefusedVectors() {
  const arrival: Arrival = { ...knock, ufrag }
  const plaintext = (at: number, value: number): string => {
    const bytes = knocks.knockPlaintext(knock)
    bytes[at] = value
    return knocks.sealKnock(knock, bytes).toString('base64')
  }
  const cases: readonly (readonly [what: string, change: Partial<Arrival>])[] = [
    ['empty', { ufrag: '' }],
    ['123 characters', { ufrag: ufrag.slice(1) }],
    ['125 characters', { ufrag: `${ufrag}A` }],
    ['a character of base64url', { ufrag: `-${ufrag.slice(1)}` }],
    ['a padding character', { ufrag: `${ufrag.slice(0, -1)}=` }],
    ['a hint with one bit flipped', { ufrag: flipped(0) }],
    ['a nonce with one bit flipped', { ufrag: flipped(8) }],
    ['a sealed byte with one bit flipped', { ufrag: flipped(20) }],
    ['a tag with one bit flipped', { ufrag: flipped(92) }],
    ['under another root', { root: fixed('knock b root') }],
    ['for another host', { hostPublicKey: primitives.ed25519Public(fixed('other host')) }],
    ['with another ufrag of the client', { clientUfrag: 'aZ08' }],
    ['by another route', { route: 4 }],
    ['version 0', { ufrag: plaintext(0, 0) }],
    ['version 2', { ufrag: plaintext(0, 2) }],
    ['a sealed route that is not the one of the AAD', { ufrag: plaintext(1, 2) }],
    ['a byte of the zeros set, the first', { ufrag: plaintext(40, 1) }],
    ['a byte of the zeros set, the last', { ufrag: plaintext(56, 1) }],
  ]
  return cases.map(([what, change]) => {
    const { clientUfrag, route, ...rest } = { ...arrival, ...change }
    return {
      what,
      root: toHex(rest.root),
      hostPublicKey: toHex(rest.hostPublicKey),
      clientUfrag,
      route,
      ufrag: rest.ufrag,
      code: 'knock-refused',
    }
  })
}

function flipped(at: number): string {
  const bytes = knocks.sealKnock(knock)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes.toString('base64')
}

const transaction = fixed('transaction', 12)
const password = knocks.icePassword(knock.root, knock.nonce)
type Part = stun.ReferenceMessage['parts'][number]
const request = (...parts: readonly Part[]): Buffer =>
  stun.stunMessage({ type: 0x0001, transaction, password, parts })
const name = stun.username(`${ufrag}:aZ09`)
const asBrowsers = [name, stun.controlling, stun.priority] as const

/** Requests of the knock `knock[0]`, each with the answer to who is seen at `address` and `port`. */
export function stunVectors() {
  const seen = [
    { address: '192.0.2.7', ip: Buffer.from([192, 0, 2, 7]), port: 51_000 },
    { address: '2001:db8::1', ip: Buffer.from(`20010db8${'00'.repeat(11)}01`, 'hex'), port: 1024 },
  ]
  const requests: readonly (readonly [what: string, useCandidate: boolean, packet: Buffer])[] = [
    ['a check', false, request(...asBrowsers, 'integrity', 'fingerprint')],
    [
      'a check that nominates',
      true,
      request(...asBrowsers, stun.useCandidate, 'integrity', 'fingerprint'),
    ],
    ['no more than it needs', false, request(name, 'integrity', 'fingerprint')],
  ]
  return requests.map(([what, useCandidate, packet]) => ({
    what,
    request: toHex(packet),
    transaction: toHex(transaction),
    hostUfrag: ufrag,
    clientUfrag: 'aZ09',
    password,
    useCandidate,
    answers: seen.map(({ address, ip, port }) => ({
      address,
      port,
      answer: toHex(
        stun.stunMessage({
          type: 0x0101,
          transaction,
          password,
          parts: [stun.mappedAddress(transaction, ip, port), 'integrity', 'fingerprint'],
        }),
      ),
    })),
  }))
}

/** None of these gets a byte back, nor has any effect. */
export function stunRefusedVectors() {
  const good = request(...asBrowsers, 'integrity', 'fingerprint')
  const ends = ['integrity', 'fingerprint'] as const
  const withByte = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good)
    bytes[at] = value
    return bytes
  }
  const other = (change: Partial<stun.ReferenceMessage>): Buffer =>
    stun.stunMessage({
      type: 0x0001,
      transaction,
      password,
      parts: [...asBrowsers, ...ends],
      ...change,
    })
  const filler = stun.attribute(0x8022, new Uint8Array(1012))
  const cases: readonly (readonly [what: string, packet: Buffer])[] = [
    ['shorter than its header', good.subarray(0, 19)],
    ['cut by four bytes', good.subarray(0, -4)],
    ['four bytes more than its length says', Buffer.concat([good, Buffer.alloc(4)])],
    ['another magic cookie', withByte(4, 0x22)],
    ['an indication', other({ type: 0x0011 })],
    ['another method', other({ type: 0x0003 })],
    ['no USERNAME', request(stun.controlling, stun.priority, ...ends)],
    ['USERNAME twice', request(name, name, ...ends)],
    ['PRIORITY twice', request(name, stun.priority, stun.priority, ...ends)],
    ['no ufrag of the client', request(stun.username(`${ufrag}:`), ...ends)],
    ['no colon', request(stun.username(ufrag), ...ends)],
    ['two colons', request(stun.username(`${ufrag}:aZ09:x`), ...ends)],
    ['no MESSAGE-INTEGRITY', request(...asBrowsers, 'fingerprint')],
    ['no FINGERPRINT', request(...asBrowsers, 'integrity')],
    ['FINGERPRINT before MESSAGE-INTEGRITY', request(...asBrowsers, 'fingerprint', 'integrity')],
    [
      'USE-CANDIDATE between the two',
      request(...asBrowsers, 'integrity', stun.useCandidate, 'fingerprint'),
    ],
    ['USE-CANDIDATE behind both', request(...asBrowsers, ...ends, stun.useCandidate)],
    ['a wrong FINGERPRINT', withByte(good.length - 1, (good.at(-1) ?? 0) ^ 1)],
    ['an integrity of another password', other({ password: `${password}x` })],
    ['more than 1200 bytes', request(name, filler, ...ends)],
  ]
  return cases.map(([what, packet]) => ({ what, request: toHex(packet), password }))
}
