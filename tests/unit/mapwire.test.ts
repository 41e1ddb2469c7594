// NAT-PMP and PCP to the byte, against the layouts of RFC 6886 §3 and RFC 6887 §7 and §11, written by hand here.
import { describe, expect, test } from 'vitest'
import { gateway4, gateway6, MapError, type MapRequest } from '../../host/gateway.ts'
import { encodeNatPmp, parseNatPmp } from '../../host/natpmp.ts'
import { encodePcp, parsePcp } from '../../host/pcp.ts'

const nonce = Uint8Array.from({ length: 12 }, (_, i) => i + 1)
const request: MapRequest = {
  transport: 'udp',
  internalPort: 50_000,
  externalPort: 50_001,
  leaseMs: 7_200_000,
  nonce,
}
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const failure = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof MapError) return error.failure
    throw error
  }
  return 'none'
}

describe('NAT-PMP', () => {
  test('asks for the address, a mapping, and its end', () => {
    expect(encodeNatPmp(0, null)).toEqual(bytes('00 00'))
    expect(encodeNatPmp(1, request, 7_200_000)).toEqual(bytes('00 01 0000 c350 c351 00001c20'))
    expect(encodeNatPmp(2, { ...request, transport: 'tcp' })).toEqual(
      bytes('00 02 0000 c350 0000 00000000'),
    )
  })

  test('reads answers to its own question only', () => {
    const answer = bytes('00 81 0000 00000010 c350 c351 00001c20')
    expect(parseNatPmp(answer, 1)).toEqual(answer.subarray(4))
    expect(parseNatPmp(answer, 2)).toBeNull()
    expect(parseNatPmp(bytes('00 80'), 0)).toBeNull()
    expect(parseNatPmp(bytes('02 81 0000 00000010 c350 c351 00001c20'), 1)).toBeNull()
  })

  test.each([
    ['network failure', '00 81 0003', 'refused'],
    ['not authorised', '00 81 0002', 'refused'],
    ['unknown code', '00 81 0900', 'bad-answer'],
    ['too short', '00 81 0000 00000010', 'bad-answer'],
    ['too long', '00 81 0000 00000010 c350 c351 00001c20 00', 'bad-answer'],
  ])('%s', (_what, hex, code) => {
    expect(failure(() => parseNatPmp(bytes(hex), 1))).toBe(code)
  })
})

describe('PCP', () => {
  const v4 = '0000 0000 0000 0000 0000 ffff'
  const map = `${'0102030405060708090a0b0c'} 11 000000 c350 c351`
  const query = encodePcp('192.168.1.5', request, request.leaseMs)
  const good = `02 81 00 00 00000e10 00000010 ${'00'.repeat(12)} ${map} ${v4} 0b630002`

  test('asks', () => {
    expect(query).toEqual(bytes(`02 01 0000 00001c20 ${v4} c0a80105 ${map} ${v4} 00000000`))
    expect(encodePcp('192.168.1.5', null)).toEqual(bytes(`02 00 0000 00000000 ${v4} c0a80105`))
    const pinhole = encodePcp('2001:db8::5', request, request.leaseMs)
    expect(pinhole.subarray(8, 24)).toEqual(bytes('20010db8000000000000000000000005'))
    expect(pinhole.subarray(44)).toEqual(Buffer.alloc(16))
    expect(encodePcp('192.168.1.5', request).subarray(42, 44)).toEqual(bytes('0000'))
  })

  test('reads what was granted', () => {
    expect(parsePcp(bytes(good), query)).toEqual({
      external: '11.99.0.2',
      externalPort: 50_001,
      leaseMs: 3_600_000,
      uptimeMs: 16_000,
    })
  })

  test('leaves what is for another nonce or another operation', () => {
    expect(parsePcp(bytes(good.replace('01020304', 'ff020304')), query)).toBeNull()
    expect(parsePcp(bytes(good.replace('02 81', '02 80')), query)).toBeNull()
    expect(parsePcp(Buffer.alloc(0), query)).toBeNull()
  })

  test.each([
    ['a router with NAT-PMP only', '00 81 0001 00000010', 'refused'],
    ['no resources', good.replace('02 81 00 00', '02 81 00 08'), 'refused'],
    ['the external port is taken', good.replace('02 81 00 00', '02 81 00 0b'), 'conflict'],
    ['a code from nowhere', good.replace('02 81 00 00', '02 81 00 ee'), 'bad-answer'],
    ['cut short', good.slice(0, -12), 'bad-answer'],
    ['another internal port', good.replace('c350', 'c3ff'), 'bad-answer'],
    ['another transport', good.replace('0c 11', '0c 06'), 'bad-answer'],
  ])('%s', (_what, hex, code) => {
    expect(failure(() => parsePcp(bytes(hex), query))).toBe(code)
  })
})

describe('the default gateway', () => {
  const address = (family: 'IPv4' | 'IPv6', text: string) => ({ family, address: text }) as never
  const interfaces = {
    lo: [address('IPv4', '127.0.0.1')],
    eth0: [
      address('IPv4', '10.77.0.5'),
      address('IPv6', 'fe80::1'),
      address('IPv6', '2001:db8::5'),
    ],
    wlan0: [address('IPv4', '192.168.1.5')],
  }
  const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n'
  const table = `${head}wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t01004D0A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t00004D0A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n`

  test('is that of the cheapest default route, or of the bound address', () => {
    const first = { family: 4, gateway: '10.77.0.1', client: '10.77.0.5' }
    expect(gateway4(table, null, interfaces)).toEqual(first)
    const other = { family: 4, gateway: '192.168.1.1', client: '192.168.1.5' }
    expect(gateway4(table, '192.168.1.5', interfaces)).toEqual(other)
    expect(gateway4(table, '127.0.0.1', interfaces)).toBeNull()
    expect(gateway4(head, null, interfaces)).toBeNull()
    expect(gateway4('', null, interfaces)).toBeNull()
  })

  test('of IPv6: a global address here, a zone where it needs one', () => {
    const none = '0'.repeat(32)
    const via = 'fe800000000000000000000000000001'
    const row = `${none} 00 ${none} 00 ${via} 00000400 00000003 00000000 00000003     eth0\n`
    expect(gateway6(row, null, interfaces)).toEqual({
      family: 6,
      gateway: 'fe80:0000:0000:0000:0000:0000:0000:0001%eth0',
      client: '2001:db8::5',
    })
    expect(gateway6(row.replace('eth0', 'wlan0'), null, interfaces)).toBeNull()
    expect(gateway6(row.replace(via, none), null, interfaces)).toBeNull()
  })
})
