// Whether a TURN server takes the login that devices are told (SPEC §9.3): one Allocate by the transport that they would use,
// given back at once. For `clawchat doctor`: a host itself allocates nothing.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { TurnServer } from '../shared/locator.ts'
import { splitServer } from './reflexive.ts'
import type { TurnLogin } from './turn.ts'
import {
  encodeAllocate,
  encodeRelease,
  parseAllocateAnswer,
  splitMessages,
  type TurnAnswer,
  type TurnChallenge,
} from './turnwire.ts'

/** All of it. */
const DEADLINE_MS = 5000
const REPEAT_MS = 300
const UNAUTHORIZED = 401

/** Whole STUN messages there and back. */
interface Line {
  readonly isReliable: boolean
  send(message: Buffer): void
  /** of everything that comes from now on */
  hear(listener: (message: Buffer) => void): unknown
  close(): void
}

/** @returns null if the server lets a client with this login in */
export async function examineTurn(
  { transport, server }: TurnServer,
  login: TurnLogin,
): Promise<'turn-silent' | 'turn-refused' | null> {
  const over = AbortSignal.timeout(DEADLINE_MS)
  const open = { udp: openUdp, tcp: openTcp, tls: openTls }[transport]
  const line = await open(splitServer(server), over).catch(() => null)
  if (line === null) return 'turn-silent'
  try {
    return await allocate(line, login, over)
  } finally {
    line.close()
  }
}

async function allocate(
  line: Line,
  login: TurnLogin,
  over: AbortSignal,
): Promise<'turn-silent' | 'turn-refused' | null> {
  const first = await ask(line, over, (id) => encodeAllocate(id, null, null))
  if (first === null) return 'turn-silent'
  if (first.type === 'granted') return null
  const { code, challenge } = first
  if (code !== UNAUTHORIZED || challenge === null) return 'turn-refused'
  const second = await ask(line, over, (id) => encodeAllocate(id, login, challenge))
  if (second === null) return 'turn-silent'
  if (second.type === 'error') return 'turn-refused'
  release(line, login, challenge)
  return null
}

/** Whether it arrives does not matter: what nobody refreshes ends after ten minutes. */
const release = (line: Line, login: TurnLogin, challenge: TurnChallenge): void =>
  line.send(encodeRelease(randomBytes(12), login, challenge))

/** By UDP again and again, in the same transaction, until the answer comes or `over`. */
function ask(
  line: Line,
  over: AbortSignal,
  encode: (transaction: Buffer) => Buffer,
): Promise<TurnAnswer | null> {
  const transaction = randomBytes(12)
  const message = encode(transaction)
  const { promise, resolve } = Promise.withResolvers<TurnAnswer | null>()
  const end = (): void => resolve(null)
  line.hear((packet) => {
    const answer = parseAllocateAnswer(packet, transaction)
    if (answer !== null) resolve(answer)
  })
  const again = line.isReliable ? undefined : setInterval(() => line.send(message), REPEAT_MS)
  over.addEventListener('abort', end, { once: true })
  if (over.aborted) end()
  line.send(message)
  return promise.finally(() => {
    clearInterval(again)
    over.removeEventListener('abort', end)
  })
}

type Place = ReturnType<typeof splitServer>

async function openUdp({ host, port }: Place): Promise<Line> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
  socket.on('error', () => undefined)
  socket.connect(port, host)
  await once(socket, 'connect')
  return {
    isReliable: false,
    send: (message) => socket.send(message, () => undefined),
    hear: (listener) => socket.on('message', listener),
    close: () => socket.close(),
  }
}

const openTcp = (place: Place, over: AbortSignal): Promise<Line> =>
  lineOf(connectTcp({ ...place, noDelay: true }), 'connect', over)

/** As in a browser, the certificate must fit the name. */
const openTls = ({ host, port }: Place, over: AbortSignal): Promise<Line> => {
  const servername = isIP(host) === 0 ? host : ''
  return lineOf(connectTls({ host, port, servername }), 'secureConnect', over)
}

/** Messages follow one another without a frame: each says how long it is (RFC 8489 §6.2.2). */
async function lineOf(socket: Socket, opened: string, over: AbortSignal): Promise<Line> {
  const close = (): void => void socket.destroy()
  over.addEventListener('abort', close, { once: true })
  socket.on('error', close)
  await Promise.race([
    once(socket, opened),
    once(socket, 'close').then(() => {
      throw new Error('closed')
    }),
  ])
  const listeners: ((message: Buffer) => void)[] = []
  let held: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    const split = splitMessages(Buffer.concat([held, chunk]))
    if (split === null) return close()
    held = split.rest
    for (const message of split.messages) for (const listener of listeners) listener(message)
  })
  return {
    isReliable: true,
    send: (message) => void socket.write(message),
    hear: (listener) => listeners.push(listener),
    close: () => socket.end(),
  }
}
