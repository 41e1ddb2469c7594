// The host's line to one mailbox (SPEC §4.4): proves W, tells the hints, keeps the line up, hands its clients on.
import { randomInt } from 'node:crypto'
import { toHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { sha256 } from '../shared/hash.ts'
import {
  decodeToHost,
  encodeData,
  encodeGone,
  encodeHints,
  encodeProof,
  MAILBOX_CLOSE,
  MAILBOX_PROTOCOL,
} from '../shared/mailbox.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { storageId } from '../shared/put.ts'
import type { Trunk, TrunkListener } from './relay.ts'

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 5 * 60_000
const PING_MS = 30_000
/** What comes within this time shows that the line is up. */
const SILENCE_MS = 75_000
const OPEN_MS = 15_000
/** an answer to a ping that was sent in doubt */
const DOUBT_MS = 1500

export interface MailboxInput {
  /** base URL of the store, no trailing slash */
  readonly url: string
  /** Ed25519 secret of W, 32 bytes */
  readonly writeSecret: Uint8Array
  /** 1536 bytes, now */
  readonly hints: () => Uint8Array
  readonly now: () => number
  /** the line is up */
  readonly onTrunk: (trunk: Trunk) => TrunkListener
}

export class MailboxLine {
  readonly #input: MailboxInput
  readonly #path: string
  #socket: WebSocket | null = null
  #listener: TrunkListener | null = null
  #told = ''
  #failures = 0
  #retry: NodeJS.Timeout | undefined
  #watch: NodeJS.Timeout | undefined
  #doubt: NodeJS.Timeout | undefined
  #pongMs = 0
  #stopped = false

  constructor(input: MailboxInput) {
    this.#input = input
    const id = toHex(storageId(ed25519PublicKey(input.writeSecret)))
    this.#path = `${input.url.replace(/^http/, 'ws')}/v1/mailbox/${id}/host`
  }

  get isUp(): boolean {
    return this.#listener !== null
  }

  start(): void {
    if (this.#stopped) return
    const socket = new WebSocket(this.#path, MAILBOX_PROTOCOL)
    socket.binaryType = 'arraybuffer'
    this.#socket = socket
    let heardMs = performance.now()
    this.#watch = setInterval(() => {
      const silentMs = performance.now() - heardMs
      if (silentMs > (this.isUp ? SILENCE_MS : OPEN_MS)) this.#over(socket, null)
      else if (socket.readyState === WebSocket.OPEN) socket.send('ping')
    }, PING_MS)
    this.#watch.unref()
    socket.onmessage = ({ data }) => {
      heardMs = performance.now()
      if (typeof data === 'string') {
        this.#pongMs = heardMs
        return
      }
      this.#receive(socket, new Uint8Array(data as ArrayBuffer)).catch(() =>
        this.#over(socket, null),
      )
    }
    socket.onerror = () => this.#over(socket, null)
    socket.onclose = ({ code }) => this.#over(socket, code)
  }

  /** Credentials or epoch changed. */
  refresh(): void {
    if (!this.isUp) return
    const hints = this.#input.hints()
    if (toHex(hints) === this.#told) return
    this.#told = toHex(hints)
    this.#send(encodeHints(hints))
  }

  /**
   * The network may be another one. A line that is up proves itself within 1.5 s, since devices may be talking over it; one
   * that is not is opened anew at once.
   */
  doubt(): void {
    if (this.#stopped) return
    const socket = this.#socket
    if (socket !== null && this.isUp) this.#test(socket)
    else this.#anew()
  }

  #test(socket: WebSocket): void {
    if (this.#doubt !== undefined) return
    const askedMs = performance.now()
    socket.send('ping')
    this.#doubt = setTimeout(() => {
      this.#doubt = undefined
      // What the mailbox sends by itself may still come where nothing gets back to it.
      if (socket === this.#socket && this.#pongMs < askedMs) this.#anew()
    }, DOUBT_MS)
    this.#doubt.unref()
  }

  #anew(): void {
    if (this.#socket !== null) this.#over(this.#socket, null)
    clearTimeout(this.#retry)
    this.#failures = 0
    this.start()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#retry)
    clearTimeout(this.#doubt)
    if (this.#socket !== null) this.#over(this.#socket, null)
  }

  async #receive(socket: WebSocket, bytes: Uint8Array): Promise<void> {
    const message = decodeToHost(bytes)
    if (message.type === 'challenge') return this.#prove(socket, message.challenge)
    if (message.type === 'ready') {
      this.#failures = 0
      this.#listener = this.#input.onTrunk({
        send: (client, data) => this.#send(encodeData(client, data)),
        close: (client) => this.#send(encodeGone(client)),
      })
      // They may have changed while the proof was on its way.
      this.refresh()
    } else if (this.#listener === null) throw new ClawError('malformed')
    else if (message.type === 'data') this.#listener.onData(message.client, message.data)
    else this.#listener.onGone(message.client)
  }

  async #prove(socket: WebSocket, challenge: Uint8Array): Promise<void> {
    const { url, writeSecret, now } = this.#input
    const hints = this.#input.hints()
    this.#told = toHex(hints)
    const origin = new URL(url).origin
    const proof = { origin, challenge, timeMs: now(), hints, sha256 }
    const bytes = await encodeProof(writeSecret, proof)
    if (socket === this.#socket) this.#send(bytes)
  }

  #send(bytes: Uint8Array): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(Uint8Array.from(bytes))
  }

  #over(socket: WebSocket, code: number | null): void {
    if (socket !== this.#socket) return
    this.#socket = null
    clearInterval(this.#watch)
    const listener = this.#listener
    this.#listener = null
    socket.close()
    listener?.onEnd()
    if (this.#stopped) return
    // Another copy of this host has the mailbox: taking turns quickly would help neither.
    if (code === MAILBOX_CLOSE.replaced) this.#failures = 10
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures)
    this.#failures += 1
    this.#retry = setTimeout(() => this.start(), wait * (0.8 + (0.4 * randomInt(1000)) / 1000))
    this.#retry.unref()
  }
}
