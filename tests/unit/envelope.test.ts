// Envelopes and descriptions of SPEC §4.5: sealed whole, read strictly, and what a hostile description comes to.
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { CANDIDATES_MAX } from '../../shared/constants.ts'
import { type Description, formatDescription, parseDescription } from '../../shared/description.ts'
import {
  DESCRIPTION_MAX_BYTES,
  openAnswer,
  openOffer,
  sealAnswer,
  sealOffer,
} from '../../shared/envelope.ts'
import { ClawError } from '../../shared/error.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const ends = { root: random(32), hostTag: random(16) }
const sealing = (text: string) => ({ ...ends, epoch: 472_222, timeMs: 1, nonce: random(12), text })

const refused = (run: () => unknown): boolean => {
  try {
    run()
    return false
  } catch (error) {
    return error instanceof ClawError && error.code === 'knock-refused'
  }
}

describe('an envelope', () => {
  test('with any flipped byte is refused, an answer and an offer', () => {
    const offer = sealOffer(sealing('hello'))
    const answer = sealAnswer(sealing('world'), offer)
    for (let at = 0; at < offer.length; at += 7) {
      const flip = (bytes: Uint8Array): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ 0x40)
      expect([at, refused(() => openOffer({ ...ends, offer: flip(offer) }))]).toEqual([at, true])
      const wrong = { ...ends, offer, answer: flip(answer) }
      expect([at, refused(() => openAnswer(wrong))]).toEqual([at, true])
      const moved = { ...ends, offer: flip(offer), answer }
      expect([at, refused(() => openAnswer(moved))]).toEqual([at, true])
    }
    expect(openOffer({ ...ends, offer }).text).toBe('hello')
    expect(openAnswer({ ...ends, offer, answer }).text).toBe('world')
  })

  test('holds no more than it says', () => {
    const { length } = sealOffer(sealing('x'.repeat(DESCRIPTION_MAX_BYTES)))
    expect(length).toBe(2048)
    const long = () => sealOffer(sealing('x'.repeat(DESCRIPTION_MAX_BYTES + 1)))
    expect(long).toThrow(new ClawError('limit'))
  })
})

const said: Description = {
  ufrag: 'aZ09',
  password: 'p'.repeat(22),
  fingerprint: random(32),
  candidates: [
    { address: '192.0.2.7', port: 50_000, kind: 'host', priority: 2_130_706_431 },
    { address: '2001:db8::7', port: 1, kind: 'srflx', priority: 1 },
    { address: '198.51.100.9', port: 65_535, kind: 'relay', priority: 16_777_215 },
  ],
}

describe('a description', () => {
  const lines = formatDescription(said)

  test('comes back as it was, alone or inside an SDP', () => {
    expect(parseDescription(lines)).toEqual(said)
    expect(parseDescription(`v=0\r\ns=-\r\n${lines}a=setup:active\r\n`)).toEqual(said)
    expect(parseDescription(lines.replaceAll('\r\n', '\n'))).toEqual(said)
  })

  test.each<[string, string]>([
    ['nothing', ''],
    ['no ufrag', lines.replace('ice-ufrag', 'x')],
    ['no password', lines.replace('ice-pwd', 'x')],
    ['no fingerprint', lines.replace('fingerprint', 'x')],
    ['two fingerprints', lines + lines.split('\r\n')[2]],
    ['two ufrags', `${lines}a=ice-ufrag:other\r\n`],
    ['another hash', lines.replace('sha-256', 'sha-1')],
    ['a short fingerprint', lines.replace(/(sha-256 ..):../, '$1')],
    ['a short password', lines.replace('p'.repeat(22), 'p'.repeat(21))],
    ['an ufrag of other characters', lines.replace('aZ09', 'a Z9')],
    ['an ufrag that is too long', lines.replace('aZ09', 'a'.repeat(257))],
  ])('with %s is refused', (_, text) => {
    expect(refused(() => parseDescription(text))).toBe(true)
  })

  const candidate = 'a=candidate:1 1 udp 5 192.0.2.7 50000 typ host'
  const withLine = (line: string) =>
    parseDescription(formatDescription({ ...said, candidates: [] }) + line).candidates

  test.each<[string, string]>([
    ['a name', candidate.replace('192.0.2.7', '3f2a9c1e-aaaa.local')],
    ['TCP', candidate.replace('udp', 'tcp')],
    ['another component', candidate.replace(':1 1 ', ':1 2 ')],
    ['port 0', candidate.replace('50000', '0')],
    ['port 65536', candidate.replace('50000', '65536')],
    ['priority 2^31', candidate.replace(' 5 ', ` ${2 ** 31} `)],
    ['another type', candidate.replace('typ host', 'typ prflx')],
    ['no type', candidate.replace(' typ host', '')],
  ])('is the poorer for a candidate with %s', (_, line) => {
    expect(withLine(candidate)).toHaveLength(1)
    expect(withLine(line)).toEqual([])
  })

  test('keeps sixteen of thousands of candidates, both in writing and in reading', () => {
    const [one] = said.candidates as [Description['candidates'][0]]
    const many = { ...said, candidates: Array.from({ length: 5000 }, () => one) }
    const text = formatDescription(many)
    expect(parseDescription(text).candidates).toHaveLength(CANDIDATES_MAX)
    const flood = text + `${candidate}\r\n`.repeat(5000)
    expect(parseDescription(flood).candidates).toHaveLength(CANDIDATES_MAX)
  })

  test('fits into an envelope whatever its lengths', () => {
    const address = '2001:db8:1111:2222:3333:4444:5555:6666'
    const long = Array.from({ length: 16 }, () => ({
      ...{ address, port: 65_535, kind: 'srflx' as const, priority: 2_147_483_647 },
    }))
    const big = { ...said, ufrag: 'u'.repeat(256), password: 'p'.repeat(256), candidates: long }
    const text = formatDescription(big)
    expect(text.length).toBeLessThanOrEqual(DESCRIPTION_MAX_BYTES)
    const { candidates } = parseDescription(text)
    expect(candidates.length).toBeGreaterThan(10)
    expect(candidates).toEqual(long.slice(0, candidates.length))
  })
})
