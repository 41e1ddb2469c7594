// A STUN server: tells everybody the address that it sees. As a program: `node tests/lab/stunserver.ts ADDRESS`, port 3478.
import { createSocket } from 'node:dgram'
import { encodeBindingSuccess, looksLikeStun } from '../../host/stun.ts'

const socket = createSocket('udp4')
socket.on('message', (packet, from) => {
  if (!looksLikeStun(packet)) return
  const answer = encodeBindingSuccess(Buffer.from(packet.subarray(8, 20)), from, 'unused')
  socket.send(answer, from.port, from.address)
})
socket.bind(3478, process.argv[2], () => process.stdout.write('{"ready":true}\n'))
