// Vectors of SPEC §3 by the reference: bodies that a reader takes and refuses, and writes to a store.
// All bodies are sealed in the head, with the content key and the body nonce, of the record that is given.
import { toHex } from '../../shared/bytes.ts'
import * as links from '../reference/locator.ts'
import * as primitives from '../reference/primitives.ts'
import * as records from '../reference/record.ts'
import * as stores from '../reference/store.ts'
import { fixed } from './fixed.ts'
import { type Change, flip } from './notation.ts'

const identitySecret = fixed('host identity')
const hostPublicKey = primitives.ed25519Public(identitySecret)
const MAX = Number.MAX_SAFE_INTEGER

const fields: records.ReferenceFields = {
  hostPublicKey,
  seq: 12,
  issuedMs: 1_700_000_000_123,
  flags: 0,
  reason: 0,
  hostStatic: fixed('record host static'),
  intervalMs: 3_600_000,
  firstEpoch: 472_221,
  schedule: [{ port: 49_152, fingerprint: fixed('certificate 0') }],
  addresses: [],
  locator: links.encodeLocator([]),
}
const encode = (change: Partial<records.ReferenceFields>): Buffer =>
  records.encodeFields({ ...fields, ...change })
const address = (kind: number, ip: Uint8Array | string, externalPort = 0) => ({
  addresses: [
    { kind, flags: 2, externalPort, ip: typeof ip === 'string' ? Buffer.from(ip, 'hex') : ip },
  ],
})
const entry = (port: number) => ({ port, fingerprint: fixed('certificate 0') })
const v6 = (head: string, tail = ''): string => head.padEnd(32 - tail.length, '0') + tail
const url = (text: string) => ({
  locator: links.encodeLocator([
    { type: 1, flags: 1, data: links.httpsData(fixed('storage id'), text) },
  ]),
})

const ACCEPTED: readonly (readonly [what: string, change: Partial<records.ReferenceFields>])[] = [
  ['the fewest fields', {}],
  ['burn, any reason', { flags: 1, reason: 255 }],
  ['the highest numbers', { seq: MAX, firstEpoch: MAX, intervalMs: 0xffffffff }],
  [
    'the lowest port, the lowest external port',
    { schedule: [entry(1024)], ...v4('c0000207', 1024) },
  ],
  ['an address of every flag', { addresses: [1, 2, 4, 7, 255].map(flagged) }],
  ['a private IPv4 inside IPv6', address(6, v6('', 'ffff0a000001'))],
  ['a link-local IPv6', address(6, v6('fe80', '1'))],
  [
    'an unknown type of store',
    { locator: links.encodeLocator([{ type: 9, flags: 0, data: fixed('x', 3) }]) },
  ],
]

function v4(ip: string, externalPort: number) {
  return address(4, ip, externalPort)
}
function flagged(flags: number) {
  return { kind: 4, flags, externalPort: 0, ip: Buffer.from('c0000207', 'hex') }
}

const MALFORMED: readonly (readonly [what: string, change: Partial<records.ReferenceFields>])[] = [
  ['seq of 2^53', { seq: 2n ** 53n }],
  ['notAfter a millisecond late', { notAfterMs: fields.issuedMs + 86_400_001 }],
  ['flag bit 1', { flags: 2 }],
  ['flag bit 15', { flags: 0x8000 }],
  ['interval 0', { intervalMs: 0 }],
  ['no epoch', { schedule: [] }],
  ['27 epochs', { schedule: Array.from({ length: 27 }, () => entry(49_152)) }],
  ['port 1023', { schedule: [entry(1023)] }],
  ['nine addresses', { addresses: Array.from({ length: 9 }, () => flagged(2)) }],
  ['an address of kind 5', address(5, 'c0000207')],
  ['an IPv4 address with a byte behind it', address(4, v6('c000020701'))],
  ['external port 1023', v4('c0000207', 1023)],
  ['0.0.0.0', address(4, '00000000')],
  ['0.1.2.3', address(4, '00010203')],
  ['127.0.0.1', address(4, '7f000001')],
  ['224.0.0.1', address(4, 'e0000001')],
  ['255.255.255.255', address(4, 'ffffffff')],
  ['::', address(6, v6(''))],
  ['::1', address(6, v6('', '1'))],
  ['::2', address(6, v6('', '2'))],
  ['ff02::1', address(6, v6('ff02', '1'))],
  ['::ffff:127.0.0.1', address(6, v6('', 'ffff7f000001'))],
  ['nine stores', { locator: Buffer.concat([Buffer.from([9]), Buffer.alloc(36)]) }],
  ['a store URL with a query', url('https://store.example/?a')],
]

/** `body`: what stands before the zeros; `code` null: taken, with this seq. */
export function recordBodyVectors(record: Uint8Array, root: Uint8Array) {
  const head = Buffer.from(record.subarray(0, 3620))
  const other = fixed('other host')
  const signed = (bytes: Uint8Array, secret = identitySecret): Buffer =>
    records.recordBody(head, bytes, secret)
  const good = signed(encode({}))
  const withByte = (at: number, mask = 1): Buffer => {
    const bytes = Buffer.from(good)
    bytes[at] = (bytes[at] ?? 0) ^ mask
    return bytes
  }
  const foreignHead = Buffer.from(head)
  foreignHead[8] = (foreignHead[8] ?? 0) ^ 1
  const otherKey = primitives.ed25519Public(other)
  const cases: readonly (readonly [what: string, body: Buffer, code: string | null])[] = [
    ...ACCEPTED.map(([what, change]) => [what, signed(encode(change)), null] as const),
    ...MALFORMED.map(([what, c]) => [what, signed(encode(c)), 'record-malformed'] as const),
    [
      'a byte behind the fields',
      signed(Buffer.concat([encode({}), Buffer.alloc(1)])),
      'record-malformed',
    ],
    ['a byte too few', signed(encode({}).subarray(0, -1)), 'record-malformed'],
    ['n beyond the body', withByte(0, 0xf0), 'record-malformed'],
    ['a byte of the zeros set', Buffer.concat([good, Buffer.from([1])]), 'record-malformed'],
    ['n = 0', signed(Buffer.alloc(0)), 'record-foreign'],
    [
      'of another host, signed by it',
      signed(encode({ hostPublicKey: otherKey }), other),
      'record-foreign',
    ],
    ['of another host, signed by nobody', withByte(2), 'record-foreign'],
    ['signed by another key', signed(encode({}), other), 'record-forged'],
    ['a signed byte flipped', withByte(2 + 40), 'record-forged'],
    ['a byte of the signature flipped', withByte(good.length - 1), 'record-forged'],
    [
      'fields and signature of another record (slots sealed anew by one of the credentials)',
      records.recordBody(foreignHead, encode({}), identitySecret),
      'record-forged',
    ],
    ['malformed and not signed', signed(encode({ flags: 2 }), other), 'record-forged'],
  ]
  return {
    of: 'record[0]',
    root: toHex(root),
    contentKey: toHex(records.contentKeyOf(record, root)),
    cases: cases.map(([what, body, code]) => ({ what, body: toHex(body), code })),
  }
}

/** Offsets of the first credential's slot, which only a reader with its root can find. */
export function slotFlips(record: Uint8Array, root: Uint8Array) {
  const at = records.slotAt(record, root)
  return { hint: at, sealed: at + 8, tag: at + 55 }
}

export function putVectors(record: Uint8Array) {
  const writeSecret = fixed('write key')
  const writePublicKey = primitives.ed25519Public(writeSecret)
  const id = stores.storageId(writePublicKey)
  const ctr = 2 ** 33 + 7
  const head = stores.putHead(writeSecret, ctr, record)
  const other = fixed('other write key')
  const whole = Buffer.concat([head, record])
  const forOther = stores.putHead(writeSecret, ctr, record, fixed('other id'))
  const refused: readonly (readonly [what: string, change: Change, code: string])[] = [
    ['a byte too few', { length: 6247 }, 'malformed'],
    ['a byte too many', { append: '00' }, 'malformed'],
    ['ctr of 2^53', { at: 32, bytes: '0020000000000000' }, 'malformed'],
    ['another ctr', flip(whole, 39), 'store-refused'],
    ['W_pub with a bit flipped', flip(whole, 0), 'store-refused'],
    [
      'the W_pub of another store',
      { at: 0, bytes: toHex(primitives.ed25519Public(other)) },
      'store-refused',
    ],
    ['a bit of the signature', flip(whole, 103), 'store-refused'],
    ['a bit of the record', flip(whole, 104), 'store-refused'],
    ['the last bit of the record', flip(whole, 6247), 'store-refused'],
    [
      'a write signed for another id',
      { at: 40, bytes: toHex(forOther.subarray(40)) },
      'store-refused',
    ],
  ]
  return [
    {
      writeSecret: toHex(writeSecret),
      writePublicKey: toHex(writePublicKey),
      storageId: toHex(id),
      ctr,
      record: 'record[0]',
      head: toHex(head),
      refused: refused.map(([what, change, code]) => ({ what, change, code })),
    },
  ]
}
