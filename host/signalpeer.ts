// A TCP connection whose knock was accepted (SPEC §4.6): TLS 1.3 and a WebSocket on it, whose messages are a carrier's.
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { FRAME_MAX_BYTES, SIGNAL_PATH } from '../shared/constants.ts'
import type { Carrier } from './link.ts'
import type { Certificate } from './rtc.ts'

/** What may wait for the network before whoever sends is held up. */
const FEW_BYTES = 64 * 1024
/** How long the other end may take to say goodbye too. */
const GOODBYE_MS = 1000
const TLS_HANDSHAKE = 22

/**
 * The rest of a connection, as TLS sees it. Until TLS has something to say but an alert, nothing leaves: whoever sends
 * no good ClientHello after the knock gets a reset and not one byte.
 */
class Quiet extends Duplex {
  readonly #socket: Socket
  #spoke = false

  constructor(socket: Socket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('data', (bytes) => {
      if (!this.push(bytes)) socket.pause()
    })
    socket.once('end', () => this.push(null))
    socket.once('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#spoke ||= bytes[0] === TLS_HANDSHAKE
    if (this.#spoke) this.#socket.write(bytes, done)
    else done(new Error('closed'))
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(_: Error | null, done: () => void): void {
    if (this.#spoke) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
    done()
  }
}

const sockets = new WebSocketServer({
  ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
  maxPayload: FRAME_MAX_BYTES,
})

export interface SignalPeerInput {
  /** its knock has been taken out of it */
  readonly socket: Socket
  readonly certificate: Certificate
  readonly onOpen: (carrier: Carrier) => void
  readonly onHeard: () => void
  /** the first valid client frame came */
  readonly onLive: () => void
  readonly onGone: () => void
}

export class SignalPeer {
  readonly #input: SignalPeerInput
  readonly #stream: Quiet
  readonly #closers: (() => void)[] = []
  #gone = false

  constructor(input: SignalPeerInput) {
    this.#input = input
    this.#stream = new Quiet(input.socket)
    this.#stream.on('error', () => undefined)
    this.#stream.once('close', () => this.end())
    this.#makeServer().emit('connection', this.#stream)
  }

  /** One for each peer: it shows the certificate of this peer's epoch. It listens nowhere. */
  #makeServer(): Server {
    const { certPem: cert, keyPem: key } = this.#input.certificate
    const server = createServer({ cert, key, minVersion: 'TLSv1.3' })
    server.on('tlsClientError', () => this.end())
    server.on('clientError', () => this.end())
    server.on('request', () => this.end())
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== SIGNAL_PATH) return this.end()
      sockets.handleUpgrade(request, socket, head, (line) =>
        this.#input.onOpen(this.#carrierOf(line)),
      )
    })
    return server
  }

  end(): void {
    if (this.#gone) return
    this.#gone = true
    this.#stream.destroy()
    this.#input.onGone()
    for (const close of this.#closers) close()
  }

  #carrierOf(line: WebSocket): Carrier {
    const early: Uint8Array[] = []
    let listener: ((bytes: Uint8Array) => void) | null = null
    const goOn: (() => void)[] = []
    const drain = (): void => {
      if (this.#gone || line.bufferedAmount < FEW_BYTES) for (const go of goOn.splice(0)) go()
    }
    this.#closers.push(drain)
    line.on('error', () => this.end())
    line.on('close', () => this.end())
    line.on('message', (data, isBinary) => {
      // Text and empty messages are no part of the protocol.
      if (!isBinary || !(data instanceof Buffer) || data.length === 0) return this.end()
      this.#input.onHeard()
      const bytes = new Uint8Array(data)
      if (listener === null) early.push(bytes)
      else listener(bytes)
    })
    return {
      send: (bytes) => {
        if (!this.#gone) line.send(bytes, drain)
      },
      drained: () =>
        new Promise((resolve) => {
          goOn.push(resolve)
          drain()
        }),
      onMessage(next) {
        listener = next
        for (const bytes of early.splice(0)) next(bytes)
      },
      onClose: (next) => void this.#closers.push(next),
      markLive: this.#input.onLive,
      close: () => {
        line.close()
        setTimeout(() => this.end(), GOODBYE_MS).unref()
      },
    }
  }
}
