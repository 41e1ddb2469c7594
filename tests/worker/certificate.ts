// A test certificate that vouches for itself (X.509 v3, DER by hand): Node can sign but makes none.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

const concat = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts)

/** Tag, length, value (X.690 §8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = concat(...parts)
  const n = value.length
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255]
  return concat(Buffer.from([tag, ...length]), value)
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const bits = (value: Uint8Array): Buffer => der(0x03, Buffer.from([0]), value)
const date = (ms: number): Buffer => {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')
  return der(0x18, Buffer.from(text))
}
const TRUE = der(0x01, Buffer.from([255]))
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))
const COMMON_NAME = '550403'
const BASIC_CONSTRAINTS = '551d13'
const ALT_NAME = '551d11'
const DAY_MS = 86_400_000

/** For the DNS names and IPv4 addresses given, valid around now. PEM texts; `spki`: SHA-256 of the key, base64. */
export function selfSigned(names: readonly string[]): {
  readonly key: string
  readonly cert: string
  readonly spki: string
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(
    der(0x31, sequence(oid(COMMON_NAME), der(0x0c, Buffer.from('ClawChat test')))),
  )
  const alt = sequence(
    ...names.map((text) =>
      isIPv4(text)
        ? der(0x87, Uint8Array.from(text.split('.'), Number))
        : der(0x82, Buffer.from(text)),
    ),
  )
  const extensions = sequence(
    sequence(oid(BASIC_CONSTRAINTS), TRUE, der(0x04, sequence(TRUE))),
    sequence(oid(ALT_NAME), der(0x04, alt)),
  )
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ECDSA_SHA256,
    name,
    sequence(date(Date.now() - DAY_MS), date(Date.now() + DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  )
  const signed = sequence(body, ECDSA_SHA256, bits(sign('sha256', body, privateKey)))
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? []
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return {
    spki: createHash('sha256').update(spki).digest('base64'),
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  }
}
