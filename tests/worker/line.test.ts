// The host's line to a mailbox when the network may be another one (host/mailbox.ts): one that is dead is opened anew, one that
// lives is left alone, since devices may be talking over it.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { MailboxLine } from '../../host/mailbox.ts'
import { encodeChallenge, encodeReady } from '../../shared/mailbox.ts'

const ends: (() => void)[] = []
const until = (isTrue: () => boolean) => vi.waitUntil(isTrue, { timeout: 10_000 })

afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A mailbox that takes any proof; `dead`: from then on it says nothing more. */
class Endpoint {
  readonly lines: WebSocket[] = []
  pings = 0
  dead = false
  challenges = true
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0 })

  constructor() {
    ends.push(() => {
      for (const line of this.lines) line.terminate()
      this.#server.close()
    })
    this.#server.on('connection', (socket) => {
      this.lines.push(socket)
      socket.on('message', (_, isBinary) => this.#receive(socket, isBinary))
      if (this.challenges) socket.send(encodeChallenge(new Uint8Array(randomBytes(32))))
    })
  }

  #receive(socket: WebSocket, isBinary: boolean): void {
    if (!isBinary) this.pings += 1
    if (!this.dead) socket.send(isBinary ? encodeReady() : 'pong')
  }

  async line(): Promise<MailboxLine> {
    if (this.#server.address() === null) await once(this.#server, 'listening')
    const { port } = this.#server.address() as AddressInfo
    const line = new MailboxLine({
      url: `http://127.0.0.1:${port}`,
      writeSecret: new Uint8Array(randomBytes(32)),
      hints: () => new Uint8Array(1536),
      now: Date.now,
      onTrunk: () => ({ onData: () => undefined, onGone: () => undefined, onEnd: () => undefined }),
    })
    line.start()
    ends.push(() => line.stop())
    return line
  }
}

test('in doubt a silent line is opened anew, and one that answers stays', async () => {
  const [silent, alive] = [new Endpoint(), new Endpoint()]
  const lines = [await silent.line(), await alive.line()]
  await until(() => lines.every((line) => line.isUp))
  silent.dead = true
  for (const line of lines) line.doubt()
  await until(() => silent.lines.length === 2)
  expect([silent.pings, alive.pings, alive.lines.length]).toEqual([1, 1, 1])
  silent.dead = false
  silent.lines[1]?.send(encodeReady())
  await until(() => lines[0]?.isUp === true)
})

test('one that is just being opened begins anew at once', async () => {
  const endpoint = new Endpoint()
  endpoint.challenges = false
  const line = await endpoint.line()
  await until(() => endpoint.lines.length === 1)
  endpoint.challenges = true
  line.doubt()
  await until(() => line.isUp)
  expect(endpoint.lines).toHaveLength(2)
})
