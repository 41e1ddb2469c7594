// Another computer of the house maps UDP ports, by whatever the router speaks. As a program:
// `node tests/lab/neighbour.ts FIRST LAST`.
import { defaultGateway } from '../../host/gateway.ts'
import { findPorts } from '../../host/router.ts'
import { ADDRESS } from './router.ts'

const [first = 0, last = -1] = process.argv.slice(2).map(Number)
const at = defaultGateway(4, ADDRESS.neighbour)
if (at === null) throw new Error('no gateway')
const { ports } = await findPorts(at)
const found = ports[0]?.port
if (found === undefined) throw new Error('the router does not answer')
for (let port = first; port <= last; port++) {
  await found.map({
    transport: 'udp',
    internalPort: port,
    externalPort: port,
    leaseMs: 3_600_000,
    nonce: new Uint8Array(12).fill(port & 255),
  })
}
