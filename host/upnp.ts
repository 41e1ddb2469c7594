// UPnP IGD 1 and 2: finds the router's control address by SSDP and maps ports by SOAP. Answers are read as flat lists of
// named values, bounded in size; nothing but the gateway itself is believed or asked.
import { createSocket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import {
  type Gateway,
  type Granted,
  MapError,
  type MapFailure,
  type MapRequest,
  type RouterPort,
  type Sight,
} from './gateway.ts'
import { askRouter } from './routerhttp.ts'

const SSDP = { address: '239.255.255.250', port: 1900 } as const
const SEARCH_MS = 2000
const REPEAT_MS = 600
const MAX_SSDP_BYTES = 2048
const TARGETS = [1, 2].map((n) => `urn:schemas-upnp-org:device:InternetGatewayDevice:${n}`)
const SERVICE = /^urn:schemas-upnp-org:service:(WANIPConnection:[12]|WANPPPConnection:1)$/
const MIN_PORT = 1024
/** what people read in the list of their router */
const DESCRIPTION = 'ClawChat'

/** Where the router takes orders. */
export interface Control {
  readonly url: URL
  readonly service: string
}

const ERRORS: Readonly<Record<number, MapFailure>> = {
  // A lease that is not 0 is an "invalid argument" to some.
  402: 'permanent-only',
  718: 'conflict',
  725: 'permanent-only',
}
const NO_SUCH_ENTRY = 714

/** A refusal with the router's own code. */
class SoapFault extends MapError {
  readonly code: number
  constructor(code: number) {
    super(ERRORS[code] ?? 'refused')
    this.code = code
  }
}

/** An http address on the gateway itself; null for any other: the router must not send us elsewhere. */
export function onGateway(text: string, gateway: string, base?: URL): URL | null {
  const url = URL.parse(text, base?.href)
  const plain = url?.protocol === 'http:' && url.username === '' && url.password === ''
  return plain && url.hostname === gateway ? url : null
}

/** LOCATION of an answer to a search; null without one on the gateway. */
export function parseSsdp(answer: string, gateway: string): URL | null {
  if (!answer.startsWith('HTTP/1.1 200')) return null
  const line = answer.split('\r\n').find((each) => /^location:/i.test(each))
  return line === undefined ? null : onGateway(line.slice(9).trim(), gateway)
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/** The text of the first element of that name, whatever its prefix; null without one. */
export function xmlText(xml: string, name: string): string | null {
  const [, text] = new RegExp(`<(?:[\\w-]{1,32}:)?${name}(?:\\s[^<>]*)?>([^<]*)<`).exec(xml) ?? []
  if (text === undefined) return null
  return text.trim().replace(/&(\w+);/g, (whole, entity: string) => ENTITIES[entity] ?? whole)
}

/** The first service that maps ports, in a device description fetched from `location`. Throws MapError('bad-answer'). */
export function parseDescription(xml: string, location: URL): Control {
  const gateway = location.hostname
  const base = onGateway(xmlText(xml, 'URLBase') ?? '', gateway) ?? location
  for (const part of xml.split('<service>').slice(1)) {
    const service = xmlText(part, 'serviceType') ?? ''
    const url = onGateway(xmlText(part, 'controlURL') ?? '', gateway, base)
    if (SERVICE.test(service) && url !== null) return { url, service }
  }
  throw new MapError('bad-answer')
}

const search = (target: string): Buffer =>
  Buffer.from(
    `M-SEARCH * HTTP/1.1\r\nHOST: ${SSDP.address}:${SSDP.port}\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: ${target}\r\n\r\n`,
  )

/** Asks the network for the description of its router, for 2 s. Rejects with MapError('no-answer'). */
function locate({ gateway, client }: Gateway): Promise<URL> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>()
  const socket = createSocket('udp4')
  const ask = (): void => {
    for (const target of TARGETS) {
      socket.send(search(target), SSDP.port, SSDP.address, () => undefined)
    }
  }
  socket.on('error', () => undefined)
  socket.on('message', (answer, from) => {
    if (from.address !== gateway || answer.length > MAX_SSDP_BYTES) return
    const found = parseSsdp(answer.toString('latin1'), gateway)
    if (found !== null) resolve(found)
  })
  let again: NodeJS.Timeout | undefined
  socket.bind({ address: client }, () => {
    try {
      socket.setMulticastInterface(client)
      socket.setMulticastTTL(2)
    } catch {
      // Then it goes where the system sends it.
    }
    ask()
    again = setInterval(ask, REPEAT_MS)
  })
  const late = setTimeout(() => reject(new MapError('no-answer')), SEARCH_MS)
  return promise.finally(() => {
    clearInterval(again)
    clearTimeout(late)
    socket.close()
  })
}

type Arguments = Readonly<Record<string, string | number>>

/** One action. Rejects with MapError; with SoapFault for a refusal. */
async function act(at: Control, from: string, action: string, args: Arguments): Promise<string> {
  const inner = Object.entries(args)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')
  const body = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:${action} xmlns:u="${at.service}">${inner}</u:${action}></s:Body></s:Envelope>`
  const soap = { action: `${at.service}#${action}`, body }
  const { status, text } = await askRouter(at.url, from, soap)
  if (status === 200 && text.includes(`${action}Response`)) return text
  const code = xmlText(text, 'errorCode')
  if (code === null || !/^\d{3}$/.test(code)) throw new MapError('bad-answer')
  throw new SoapFault(Number(code))
}

/** Finds the router, or rejects with MapError. */
export async function upnpPort(at: Gateway): Promise<RouterPort> {
  const location = await locate(at)
  const { status, text } = await askRouter(location, at.client)
  if (status !== 200) throw new MapError('bad-answer')
  return new Upnp(parseDescription(text, location), at.client)
}

class Upnp implements RouterPort {
  readonly protocol = 'upnp'
  readonly #control: Control
  readonly #client: string

  constructor(control: Control, client: string) {
    this.#control = control
    this.#client = client
  }

  #act(action: string, args: Arguments = {}): Promise<string> {
    return act(this.#control, this.#client, action, args)
  }

  async map(request: MapRequest): Promise<Granted> {
    if (request.externalPort < MIN_PORT) throw new MapError('conflict')
    await this.#act('AddPortMapping', {
      ...entry(request),
      NewInternalPort: request.internalPort,
      NewInternalClient: this.#client,
      NewEnabled: 1,
      NewPortMappingDescription: DESCRIPTION,
      NewLeaseDuration: Math.ceil(request.leaseMs / 1000),
    })
    const { externalPort, leaseMs } = request
    return { ...(await this.#see()), externalPort, leaseMs }
  }

  /** Deletes nothing that leads to another computer: on the same port there may be a stranger's by now. */
  async unmap(request: MapRequest): Promise<void> {
    if (await this.#isThere(request)) await this.#act('DeletePortMapping', entry(request))
  }

  async look(request: MapRequest | null): Promise<Sight & { readonly present: boolean | null }> {
    const sight = await this.#see()
    return { ...sight, present: request === null ? null : await this.#isThere(request) }
  }

  async #see(): Promise<Sight> {
    const external = xmlText(await this.#act('GetExternalIPAddress'), 'NewExternalIPAddress')
    // Empty while the line is down.
    if (external === '') return { external: '0.0.0.0', uptimeMs: null }
    if (external === null || !isIPv4(external)) throw new MapError('bad-answer')
    return { external, uptimeMs: null }
  }

  async #isThere(request: MapRequest): Promise<boolean> {
    try {
      const found = await this.#act('GetSpecificPortMappingEntry', entry(request))
      const port = Number(xmlText(found, 'NewInternalPort'))
      return xmlText(found, 'NewInternalClient') === this.#client && port === request.internalPort
    } catch (error) {
      if (error instanceof SoapFault && error.code === NO_SUCH_ENTRY) return false
      throw error
    }
  }
}

/** In the order of the standard: some routers read by place. */
const entry = ({ transport, externalPort }: MapRequest): Arguments => ({
  NewRemoteHost: '',
  NewExternalPort: externalPort,
  NewProtocol: transport.toUpperCase(),
})
