// Who knows nothing: junk, or what somebody else once sent. As a program: `node tests/lab/stranger.ts ADDRESS PORT FILE`
// sends the datagrams of a file (a line of hex each), with SECONDS instead 10 000 pieces of junk in each of them; says what
// it sent and how many answers came.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'

const PER_SECOND = 10_000
const SLICE_MS = 10
/** what an answer would need at most in here */
const PATIENCE_MS = 300

const [address = '', port = '', what = ''] = process.argv.slice(2)
const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
let answers = 0
socket.on('message', () => (answers += 1))
socket.bind(0)
await once(socket, 'listening')

const send = (packet: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.send(packet, Number(port), address, (error) => (error ? reject(error) : resolve()))
  })
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Random bytes, STUN and DTLS of nobody, in turns. */
function junk(i: number): Buffer {
  if (i % 3 === 0) return randomBytes(200)
  const head = i % 3 === 1 ? '000100002112a442' : '16fefd0000000000000000003a'
  return Buffer.concat([Buffer.from(head, 'hex'), randomBytes(58)])
}

async function flood(seconds: number): Promise<number> {
  const startMs = performance.now()
  const total = PER_SECOND * seconds
  let sent = 0
  while (sent < total) {
    const due = Math.min(total, ((performance.now() - startMs) / 1000) * PER_SECOND)
    const slice: Promise<void>[] = []
    while (sent < due) slice.push(send(junk(sent++)))
    await Promise.all(slice)
    await pause(SLICE_MS)
  }
  return sent
}

async function replay(file: string): Promise<number> {
  const packets = readFileSync(file, 'utf8').trim().split('\n')
  for (const packet of packets) await send(Buffer.from(packet, 'hex'))
  return packets.length
}

const seconds = Number(what)
const sent = Number.isNaN(seconds) ? await replay(what) : await flood(seconds)
await pause(PATIENCE_MS)
process.stdout.write(`${JSON.stringify({ sent, answers })}\n`)
socket.close()
