// The answer that the page writes for the host (SPEC §4, direct route): which candidates, in which order, under which knock.
// What a browser makes of it is for the end-to-end tests; Node has no WebRTC.
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { ADDRESS_FLAG, type HostAddress, type RecordBody } from '../../shared/record.ts'
import { candidates, dial, epochsToTry, writeAnswer } from '../../web/dial.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const lan: HostAddress = {
  kind: 4,
  flags: ADDRESS_FLAG.lan,
  externalPort: 0,
  ip: Uint8Array.of(192, 168, 1, 5),
}
const six: HostAddress = {
  kind: 6,
  flags: ADDRESS_FLAG.public,
  externalPort: 0,
  ip: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 1),
}
const mapped: HostAddress = {
  kind: 4,
  flags: ADDRESS_FLAG.public | ADDRESS_FLAG.mapped,
  externalPort: 61_000,
  ip: Uint8Array.of(203, 0, 113, 9),
}

const FIRST = 1000
function recordOf(...addresses: HostAddress[]): RecordBody {
  return {
    hostPublicKey: random(32),
    seq: 1,
    issuedMs: 0,
    notAfterMs: 0,
    burn: false,
    reason: 0,
    hostStatic: random(32),
    intervalMs: 3_600_000,
    firstEpoch: FIRST,
    schedule: Array.from({ length: 4 }, (_, i) => ({ port: 50_000 + i, fingerprint: random(32) })),
    addresses,
    locator: [],
  }
}

const around = (epoch: number): number[] => [epoch, epoch + 1, epoch - 1]

describe('candidates', () => {
  test('all addresses on the current port, then on the next, then on the previous', () => {
    const found = candidates(recordOf(lan, six), around(FIRST + 1))
    expect(found).toEqual([
      { ip: '192.168.1.5', port: 50_001 },
      { ip: '2001:db8:0:0:0:0:0:ab01', port: 50_001 },
      { ip: '192.168.1.5', port: 50_002 },
      { ip: '2001:db8:0:0:0:0:0:ab01', port: 50_002 },
      { ip: '192.168.1.5', port: 50_000 },
      { ip: '2001:db8:0:0:0:0:0:ab01', port: 50_000 },
    ])
  })

  test("a mapped address is dialled once, on the router's port", () => {
    const found = candidates(recordOf(mapped), around(FIRST + 1))
    expect(found).toEqual([{ ip: '203.0.113.9', port: 61_000 }])
  })

  test('what leads to the host by TCP alone is dialled by TCP alone', () => {
    const tcp = { ...mapped, flags: 14, externalPort: 62_000 }
    const ports = (transport: 'udp' | 'tcp') =>
      candidates(recordOf(mapped, tcp), [FIRST], transport).map(({ port }) => port)
    expect(ports('udp')).toEqual([61_000])
    expect(ports('tcp')).toEqual([61_000, 62_000])
  })

  test('at the ends of the schedule only the ports that it names', () => {
    const ports = (epoch: number) =>
      candidates(recordOf(lan), around(epoch)).map(({ port }) => port)
    expect(ports(FIRST)).toEqual([50_000, 50_001])
    expect(ports(FIRST + 3)).toEqual([50_003, 50_002])
    expect(ports(FIRST + 9)).toEqual([])
    expect(ports(FIRST - 9)).toEqual([])
  })
})

describe('the answer', () => {
  const ufrag = 'A'.repeat(124)
  const fingerprint = Uint8Array.from({ length: 32 }, (_, i) => i * 8)
  const targets = Array.from({ length: 24 }, (_, i) => ({ ip: '192.168.1.5', port: 50_000 + i }))
  const sdp = writeAnswer({ mid: '0', ufrag, password: 'p'.repeat(24), fingerprint, targets })
  const lines = sdp.split('\r\n')

  test('is a lite, passive host with this knock, password and certificate', () => {
    expect(sdp.endsWith('\r\n')).toBe(true)
    expect(sdp.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
    expect(lines[0]).toBe('v=0')
    const hex = Array.from({ length: 32 }, (_, i) => (i * 8).toString(16).padStart(2, '0'))
    for (const line of [
      'a=ice-lite',
      'a=group:BUNDLE 0',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'a=mid:0',
      `a=ice-ufrag:${ufrag}`,
      `a=ice-pwd:${'p'.repeat(24)}`,
      `a=fingerprint:sha-256 ${hex.join(':').toUpperCase()}`,
      'a=setup:passive',
      'a=sctp-port:5000',
    ]) {
      expect(lines.filter((found) => found === line)).toEqual([line])
    }
    expect(lines.at(-2)).toBe('a=end-of-candidates')
  })

  test('session attributes stand before the media line, the others behind it', () => {
    const media = lines.findIndex((line) => line.startsWith('m='))
    expect(lines.indexOf('a=ice-lite')).toBeLessThan(media)
    expect(lines.indexOf('a=group:BUNDLE 0')).toBeLessThan(media)
    expect(lines.indexOf('a=setup:passive')).toBeGreaterThan(media)
  })

  test('one candidate a target in their order, each a foundation of its own, priority falling within 32 bits', () => {
    const found = lines
      .filter((line) => line.startsWith('a=candidate:'))
      .map((line) => /^a=candidate:(\S+) 1 udp (\d+) (\S+) (\d+) typ host$/.exec(line))
    expect(found.map((match) => Number(match?.[4]))).toEqual(targets.map(({ port }) => port))
    expect(new Set(found.map((match) => match?.[1])).size).toBe(24)
    const priorities = found.map((match) => Number(match?.[2]))
    expect(priorities).toEqual(priorities.toSorted((a, b) => b - a))
    expect(new Set(priorities).size).toBe(24)
    expect(Math.max(...priorities)).toBeLessThan(2 ** 31)
    expect(Math.min(...priorities)).toBeGreaterThan(0)
  })
})

test('a clock far ahead of the record gets a second try as of the record; one behind it or near it does not', () => {
  const record = { issuedMs: 1000 * 3_600_000, intervalMs: 3_600_000 }
  const at = (hours: number) => epochsToTry(record, [(1000 + hours) * 3_600_000])
  expect(at(-48)).toEqual([1000])
  expect(at(1)).toEqual([1001])
  expect(at(2)).toEqual([1002, 1000])
  expect(at(3)).toEqual([1003, 1000])
  expect(at(48)).toEqual([1048, 1000])
})

test('without WebRTC the cause is named at once', async () => {
  const failure = dial({ record: recordOf(lan), root: random(32), timesMs: [0] })
  await expect(failure).rejects.toMatchObject({ code: 'no-webrtc' })
})
