// A TCP port that accepts and a UDP port that answers anything: what a scan must find. As a program:
// `node tests/lab/openports.ts PORT`; says "ready" once both listen.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

const port = Number(process.argv[2])
// Both families, as the TCP port below.
const socket = createSocket('udp6')
socket.on('message', (_, from) => socket.send('here', from.port, from.address))
socket.bind(port)
const server = createServer((connection) => {
  connection.on('error', () => undefined)
  connection.end()
})
server.listen(port)
await Promise.all([once(socket, 'listening'), once(server, 'listening')])
process.stdout.write('ready\n')
