// What a STUN server (RFC 8489) sees of a socket: the address that a router gave it. Asks whom the owner named, nobody else.
import { randomBytes } from 'node:crypto'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { encodeStunQuery, parseStunAnswer } from './stun.ts'

/** All of it, repetitions included. */
const DEADLINE_MS = 1000
const REPEAT_MS = 200

export interface Mapped {
  readonly address: string
  readonly port: number
}

/** `server`: `host:port`, an IPv6 address in brackets, which the host then has not. */
export function splitServer(server: string): { readonly host: string; readonly port: number } {
  const colon = server.lastIndexOf(':')
  const host = server.slice(0, colon).replace(/^\[|\]$/g, '')
  return { host, port: Number(server.slice(colon + 1)) }
}

/** `server`: `host:port`. @returns null without an answer within a second */
export function askStun(socket: Socket, server: string): Promise<Mapped | null> {
  const { host, port } = splitServer(server)
  const family = isIP(host)
  // A name is looked up for the socket's own family.
  if (family !== 0 && family !== isIP(socket.address().address)) return Promise.resolve(null)
  const transaction = randomBytes(12)
  const query = encodeStunQuery(transaction)
  const { promise, resolve } = Promise.withResolvers<Mapped | null>()
  const ask = (): void => socket.send(query, port, host, () => undefined)
  const hear = (packet: Buffer, from: RemoteInfo): void => {
    const mapped = from.port === port ? parseStunAnswer(packet, transaction) : null
    if (mapped !== null) resolve(mapped)
  }
  const again = setInterval(ask, REPEAT_MS)
  const timer = setTimeout(() => resolve(null), DEADLINE_MS)
  socket.on('message', hear)
  ask()
  return promise.finally(() => {
    clearInterval(again)
    clearTimeout(timer)
    socket.off('message', hear)
  })
}
