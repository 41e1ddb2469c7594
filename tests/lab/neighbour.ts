// Another computer of the house maps ports, by whatever the router speaks, or lets go of them. As a program:
// `node tests/lab/neighbour.ts FIRST LAST [udp|tcp [undo]]`.
import { defaultGateway, type Transport } from '../../host/gateway.ts'
import { findPorts } from '../../host/router.ts'
import { ADDRESS } from './router.ts'

const [first = 0, last = -1] = process.argv.slice(2, 4).map(Number)
const transport: Transport = process.argv[4] === 'tcp' ? 'tcp' : 'udp'
const undo = process.argv[5] === 'undo'
const at = defaultGateway(4, ADDRESS.neighbour)
if (at === null) throw new Error('no gateway')
const { ports } = await findPorts(at)
const found = ports[0]?.port
if (found === undefined) throw new Error('the router does not answer')
for (let port = first; port <= last; port++) {
  const nonce = new Uint8Array(12).fill(port & 255)
  const request = { transport, internalPort: port, externalPort: port, leaseMs: 3_600_000, nonce }
  if (undo) await found.unmap(request)
  else await found.map(request)
}
