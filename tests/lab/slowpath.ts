// A router's forwarded port over a bad line: each datagram passes later, in order, by a socket of its own for each client.
// As a program: `node tests/lab/slowpath.ts ADDRESS PORT COMPUTER DELAY_MS`; says "ready" once it listens.
import { createSocket, type Socket } from 'node:dgram'

const [address = '', port = 0, computer = '', delayMs = 0] = [
  ...[process.argv[2], Number(process.argv[3]), process.argv[4], Number(process.argv[5])],
] as [string, number, string, number]
const outside = createSocket('udp4')
const insides = new Map<string, Socket>()

/** Timers of one length keep their order. */
const later = (run: () => void): unknown => setTimeout(run, delayMs)

function inside(client: { readonly address: string; readonly port: number }): Socket {
  const key = `${client.address} ${client.port}`
  const known = insides.get(key)
  if (known !== undefined) return known
  const socket = createSocket('udp4')
  socket.on('error', () => undefined)
  socket.on('message', (packet) =>
    later(() => outside.send(packet, client.port, client.address, () => undefined)),
  )
  insides.set(key, socket)
  return socket
}

outside.on('message', (packet, from) =>
  later(() => inside(from).send(packet, port, computer, () => undefined)),
)
outside.bind(port, address, () => process.stdout.write('ready\n'))
