// What UPnP routers send, read without trust: SSDP answers, device descriptions, SOAP values.
import { describe, expect, test } from 'vitest'
import { formatIp, withFar } from '../../host/addresses.ts'
import { MapError } from '../../host/gateway.ts'
import { parseDescription, parseSsdp, xmlText } from '../../host/upnp.ts'

const GATEWAY = '192.168.1.1'
const LOCATION = new URL(`http://${GATEWAY}:5000/root.xml`)

const ssdp = (location: string): string =>
  `HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nLocation: ${location}\r\n\r\n`

describe('SSDP', () => {
  test('gives the address on the gateway', () => {
    expect(parseSsdp(ssdp(`http://${GATEWAY}:5000/root.xml`), GATEWAY)?.href).toBe(LOCATION.href)
  })

  test.each([
    ['elsewhere in the house', 'http://192.168.1.77:5000/root.xml'],
    ['in the internet', 'http://router.example/root.xml'],
    ['by a name', 'http://gateway/root.xml'],
    ['https', `https://${GATEWAY}/root.xml`],
    ['a file', 'file:///etc/passwd'],
    ['the gateway as a user name', `http://${GATEWAY}@192.168.1.77/`],
    ['with a password', `http://a:b@${GATEWAY}/`],
    ['no address', 'root.xml'],
    ['nothing', ''],
  ])('leaves one %s', (_what, location) => {
    expect(parseSsdp(ssdp(location), GATEWAY)).toBeNull()
  })

  test('leaves what is no answer', () => {
    expect(
      parseSsdp('NOTIFY * HTTP/1.1\r\nLocation: http://192.168.1.1/\r\n\r\n', GATEWAY),
    ).toBeNull()
    expect(parseSsdp('HTTP/1.1 200 OK\r\n\r\n', GATEWAY)).toBeNull()
    expect(parseSsdp('', GATEWAY)).toBeNull()
  })
})

const service = (type: string, control: string): string =>
  `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType><controlURL>${control}</controlURL></service>`
const device = (...services: string[]): string =>
  `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><serviceList>${services.join('')}</serviceList></device></root>`

describe('the description', () => {
  test('names the service that maps, wherever it stands', () => {
    const xml = device(
      service('Layer3Forwarding:1', '/l3'),
      service('WANIPConnection:2', '/ip?a=1&amp;b=2'),
    )
    expect(parseDescription(xml, LOCATION)).toEqual({
      url: new URL(`http://${GATEWAY}:5000/ip?a=1&b=2`),
      service: 'urn:schemas-upnp-org:service:WANIPConnection:2',
    })
  })

  test('takes the next one where the first has no address here', () => {
    const xml = device(
      service('WANIPConnection:1', 'http://10.0.0.1/'),
      service('WANPPPConnection:1', '/ppp'),
    )
    expect(parseDescription(xml, LOCATION).url.pathname).toBe('/ppp')
  })

  test('URLBase counts on the gateway only', () => {
    const xml = (base: string): string =>
      device(service('WANIPConnection:1', 'ctl')).replace(
        '<device>',
        `<URLBase>${base}</URLBase><device>`,
      )
    expect(parseDescription(xml(`http://${GATEWAY}:80/x/`), LOCATION).url.href).toBe(
      `http://${GATEWAY}/x/ctl`,
    )
    expect(parseDescription(xml('http://10.0.0.1/x/'), LOCATION).url.href).toBe(
      `http://${GATEWAY}:5000/ctl`,
    )
  })

  test.each([
    ['nothing', ''],
    ['no XML', 'hello <<<>>> &&&'],
    ['no service that maps', device(service('WANCommonInterfaceConfig:1', '/c'))],
    [
      'a service cut short',
      '<root><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1',
    ],
    ['a service of another kind of name', device(service('WANIPConnection:1x', '/c'))],
    ['control elsewhere', device(service('WANIPConnection:1', 'http://192.168.1.9/c'))],
    [
      'entities',
      `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${device(service('WANIPConnection:1', 'http://&x;/'))}`,
    ],
  ])('%s is refused', (_what, xml) => {
    expect(() => parseDescription(xml, LOCATION)).toThrow(new MapError('bad-answer'))
  })

  test('64 KiB of brackets take no time', () => {
    const from = performance.now()
    for (const junk of ['<', '<a ', '<service>', '<controlURL ', '<x:controlURL>']) {
      const xml = junk.repeat(65_536 / junk.length)
      expect(() => parseDescription(xml, LOCATION)).toThrow(MapError)
    }
    expect(performance.now() - from).toBeLessThan(5000)
  })
})

test('values by name, with any prefix', () => {
  expect(
    xmlText(
      '<u:R xmlns:u="x"><NewExternalIPAddress>11.99.0.2</NewExternalIPAddress></u:R>',
      'NewExternalIPAddress',
    ),
  ).toBe('11.99.0.2')
  expect(xmlText('<m:errorCode> 725 </m:errorCode>', 'errorCode')).toBe('725')
  expect(xmlText('<NewExternalIPAddress></NewExternalIPAddress>', 'NewExternalIPAddress')).toBe('')
  expect(xmlText('<NewExternalIPAddress/>', 'NewExternalIPAddress')).toBeNull()
  expect(xmlText('<errorCodes>1</errorCodes>', 'errorCode')).toBeNull()
})

describe('the record', () => {
  const own = [10, 11, 12].map((last) => ({
    kind: 4 as const,
    flags: 1,
    externalPort: 0,
    ip: Uint8Array.of(192, 168, 1, last),
  }))
  const rows = (far: Parameters<typeof withFar>[1]) =>
    withFar(own, far).map(
      ({ ip, externalPort, flags }) => `${formatIp(ip)} ${externalPort} ${flags}`,
    )
  const mapped = (internalPort: number, externalPort: number, address = '11.99.0.2') => ({
    ...{ transport: 'udp' as const, address, internalPort, externalPort },
  })

  test('names the far end behind the first own address, without a port where it is the same', () => {
    expect(rows([mapped(50_000, 50_000), mapped(50_001, 50_001)])).toEqual([
      '192.168.1.10 0 1',
      '11.99.0.2 0 6',
      '192.168.1.11 0 1',
      '192.168.1.12 0 1',
    ])
    expect(rows([mapped(50_000, 61_000), mapped(50_001, 50_001)]).slice(1, 3)).toEqual([
      '11.99.0.2 61000 6',
      '11.99.0.2 0 6',
    ])
  })

  test('names what leads here by TCP alone as such', () => {
    const tcp = { ...mapped(50_000, 50_000), transport: 'tcp' as const }
    expect(rows([mapped(50_000, 61_000), tcp]).slice(1, 3)).toEqual([
      '11.99.0.2 61000 6',
      '11.99.0.2 0 14',
    ])
  })

  test('calls a private far end what it is', () => {
    expect(rows([mapped(50_000, 50_000, '10.0.0.7')])[1]).toBe('10.0.0.7 0 5')
  })

  test('holds eight', () => {
    const many = Array.from({ length: 9 }, (_, i) => mapped(50_000, 60_000 + i))
    expect(rows(many)).toHaveLength(8)
  })
})
