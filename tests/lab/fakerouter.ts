// A UPnP router that does what real ones do to the host's surprise, and worse (SSDP and SOAP as in UPnP Device Architecture
// 1.0 and WANIPConnection 1). As a program: `node tests/lab/fakerouter.ts MODE ADDRESS [LOCATION]`; a JSON line per request.
import { createSocket } from 'node:dgram'
import { createServer, type ServerResponse } from 'node:http'

export type Mode =
  /** knows no leases: error 725 */
  | 'permanent'
  /** its far address is the carrier's */
  | 'carrier'
  /** a description without end */
  | 'endless'
  /** one byte a second */
  | 'slow'
  | 'nonsense'
  /** a good description; every action is answered with nonsense */
  | 'nonsense-later'
  /** sends the host elsewhere by a redirect */
  | 'redirect'

const PORT = 5000
const SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:1'
const TARGET = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'
const GROUP = '239.255.255.250'

const [mode = '', address = '', elsewhere] = process.argv.slice(2)
const own = `http://${address}:${PORT}/root.xml`
/** `redirect` names its own and sends on from there */
const location = mode === 'redirect' ? own : (elsewhere ?? own)
/** external port and transport → internal client and port, lease */
const entries = new Map<string, { client: string; port: string; lease: string }>()

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const DESCRIPTION = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>${TARGET}</deviceType>
<serviceList><service><serviceType>${SERVICE}</serviceType><controlURL>/control</controlURL><SCPDURL>/s.xml</SCPDURL></service></serviceList>
</device></root>`

function describe(answer: ServerResponse): void {
  switch (mode) {
    case 'endless': {
      const pour = (): void => {
        while (answer.writable && answer.write('<service>'.repeat(1000)));
      }
      answer.on('drain', pour)
      pour()
      break
    }
    case 'slow': {
      const timer = setInterval(() => answer.write('<'), 1000)
      answer.on('close', () => clearInterval(timer))
      break
    }
    case 'nonsense':
      answer.end('<root><device></root> & <service>')
      break
    case 'redirect':
      answer.writeHead(302, { location: elsewhere ?? '' }).end()
      break
    default:
      answer.end(DESCRIPTION)
  }
}

const value = (body: string, name: string): string =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(body)?.[1] ?? ''

function reply(answer: ServerResponse, action: string, values = ''): void {
  answer.end(
    `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:${action}Response xmlns:u="${SERVICE}">${values}</u:${action}Response></s:Body></s:Envelope>`,
  )
}

function refuse(answer: ServerResponse, code: number): void {
  answer.writeHead(500)
  answer.end(
    `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>${code}</errorCode><errorDescription>no</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>`,
  )
}

function act(action: string, body: string, answer: ServerResponse): void {
  const key = `${value(body, 'NewExternalPort')} ${value(body, 'NewProtocol')}`
  const entry = entries.get(key)
  const lease = value(body, 'NewLeaseDuration')
  say({ action, key, lease })
  if (mode === 'nonsense-later' && action !== 'GetExternalIPAddress') {
    answer.end('<u:Nothing')
  } else if (action === 'GetExternalIPAddress') {
    const external = mode === 'carrier' ? '100.64.7.2' : '11.99.0.2'
    reply(answer, action, `<NewExternalIPAddress>${external}</NewExternalIPAddress>`)
  } else if (action === 'AddPortMapping' && mode === 'permanent' && lease !== '0') {
    refuse(answer, 725)
  } else if (action === 'AddPortMapping') {
    const [client, port] = [value(body, 'NewInternalClient'), value(body, 'NewInternalPort')]
    entries.set(key, { client, port, lease })
    reply(answer, action)
  } else if (entry === undefined) {
    refuse(answer, 714)
  } else if (action === 'DeletePortMapping') {
    entries.delete(key)
    reply(answer, action)
  } else {
    reply(
      answer,
      action,
      `<NewInternalPort>${entry.port}</NewInternalPort><NewInternalClient>${entry.client}</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>x</NewPortMappingDescription><NewLeaseDuration>${entry.lease}</NewLeaseDuration>`,
    )
  }
}

const server = createServer((request, answer) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.method === 'POST') {
      const action = String(request.headers.soapaction).split('#')[1]?.replace('"', '') ?? ''
      act(action, Buffer.concat(chunks).toString(), answer)
    } else {
      say({ get: request.url })
      describe(answer)
    }
  })
})
server.listen(PORT, address, () => {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('message', (packet, from) => {
    if (!packet.toString().startsWith('M-SEARCH')) return
    const text = `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: ${TARGET}\r\nEXT:\r\nLOCATION: ${location}\r\n\r\n`
    socket.send(text, from.port, from.address)
  })
  socket.bind(1900, () => {
    socket.addMembership(GROUP, address)
    say({ ready: true })
  })
})
