// A device somewhere in the world, as far as a program without a browser can be one: it knocks at an address and hears
// whether the host answers (SPEC §4). As a program: `node tests/lab/knocker.ts ADDRESS PORT ROOT TAG EPOCH`, hex; exit 0 if so.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { checkOf, isSuccess, makeKnock, transactionOf } from '../silence/dialer.ts'

const REPEAT_MS = 200
const DEADLINE_MS = 3000

const [address = '', port = '', root = '', tag = '', epoch = ''] = process.argv.slice(2)
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const knock = makeKnock({ root: bytes(root), tag: bytes(tag), epoch: Number(epoch) })
const transaction = randomBytes(12)
const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
const ask = (): void =>
  socket.send(checkOf(knock, { transaction }), Number(port), address, () => undefined)
socket.on('error', () => undefined)
socket.on('message', (packet) => {
  const ours = packet.length >= 20 && transactionOf(packet) === transaction.toString('hex')
  if (ours && isSuccess(packet)) process.exit(0)
})
ask()
setInterval(ask, REPEAT_MS)
setTimeout(() => process.exit(1), DEADLINE_MS)
