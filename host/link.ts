// One carrier after its handshake, seen as typed messages in order (SPEC §6). Knows nothing of rooms or devices.
import { equal } from '../shared/bytes.ts'
import type { CryptoBackend, DhKey, RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { answerHandshake, type HandshakeContext } from '../shared/handshake.ts'
import { type ClawMessage, decodeMessage, encodeMessage } from '../shared/messages.ts'
import { Opener, Sealer } from '../shared/session.ts'
import { Inbox } from '../shared/window.ts'

/** An open ordered message pipe. */
export interface Carrier {
  send(bytes: Uint8Array): void
  /** resolves once little of what was sent still waits for the network, or the carrier is closed */
  drained(): Promise<void>
  onMessage(listener: (bytes: Uint8Array) => void): void
  onClose(listener: () => void): void
  /** the first valid client frame came: lifts the half-open deadline */
  markLive(): void
  close(): void
}

export interface AnswerInput {
  readonly carrier: Carrier
  readonly backend: CryptoBackend
  readonly random: RandomBytes
  readonly now: () => number
  readonly context: HandshakeContext
  /** R of the credential that the hint named */
  readonly root: Uint8Array
  readonly hostKey: DhKey
  /** S_d that the credential is bound to, or null for an invite */
  readonly devicePublicKey: Uint8Array | null
  readonly recordSeq: () => number
}

/** Messages of an authenticated peer. `onMessage` runs one at a time; whatever it throws ends the carrier. */
export class SecureLink {
  readonly devicePublicKey: Uint8Array
  readonly #carrier: Carrier
  readonly #sealer: Sealer
  readonly #now: () => number
  #closed = false

  constructor(carrier: Carrier, sealer: Sealer, devicePublicKey: Uint8Array, now: () => number) {
    this.#carrier = carrier
    this.#sealer = sealer
    this.#now = now
    this.devicePublicKey = devicePublicKey
    carrier.onClose(() => {
      this.#closed = true
    })
  }

  /**
   * Sends in the order of the calls; nothing happens on a closed carrier. Resolves once little waits for the network: who
   * answers a peer and waits for this gives it no more than it takes (SPEC §6.4).
   */
  async send(message: ClawMessage): Promise<void> {
    await this.#put(message)
    await this.#carrier.drained()
  }

  /** Sends a last message and closes behind it. */
  async end(message: ClawMessage): Promise<void> {
    await this.#put(message).finally(() => this.close())
  }

  async #put(message: ClawMessage): Promise<void> {
    if (this.#closed) return
    for (const frame of await this.#sealer.seal(encodeMessage(message), this.#now())) {
      if (!this.#closed) this.#carrier.send(frame)
    }
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    this.#carrier.close()
  }

  onClose(listener: () => void): void {
    this.#carrier.onClose(listener)
  }
}

/**
 * Waits for M1, answers it, and hands over a link whose messages go to the handler that `accept` returns.
 * Anything invalid closes the carrier without a word; the host acts on nothing before the first valid frame.
 */
export function answerCarrier(
  input: AnswerInput,
  accept: (link: SecureLink) => ((message: ClawMessage) => void | Promise<void>) | null,
): void {
  const { carrier } = input
  let tail: Promise<void> = Promise.resolve()
  let receive: ((bytes: Uint8Array) => Promise<void>) | null = null
  let failed = false
  const inbox = new Inbox()
  const fail = (): void => {
    failed = true
    carrier.close()
  }
  const handle = async (bytes: Uint8Array): Promise<void> => {
    // What came behind the first failure, before the carrier was closed, counts for nothing.
    if (failed) return
    if (receive === null) receive = await answerFirst(input, bytes, accept)
    else await receive(bytes)
    inbox.handled(bytes.length)
  }
  carrier.onMessage((bytes) => {
    if (failed) return
    try {
      inbox.take(bytes.length)
    } catch {
      return fail()
    }
    tail = tail.then(() => handle(bytes)).catch(fail)
  })
}

async function answerFirst(
  input: AnswerInput,
  m1: Uint8Array,
  accept: Parameters<typeof answerCarrier>[1],
): Promise<(bytes: Uint8Array) => Promise<void>> {
  const { carrier, backend, now } = input
  const answer = await answerHandshake({
    backend,
    random: input.random,
    context: input.context,
    root: input.root,
    hostKey: input.hostKey,
    m1,
    reply: {
      hostTimeMs: now(),
      recordSeq: input.recordSeq(),
      sessionId: input.random(16),
      status: 0,
    },
  })
  const expected = input.devicePublicKey
  if (expected !== null && !equal(expected, answer.devicePublicKey)) {
    throw new ClawError('handshake-failed')
  }
  const opener = new Opener({ backend, key: answer.receive, channel: 0 })
  const sealer = new Sealer({ backend, key: answer.send, channel: 0, nowMs: now() })
  const link = new SecureLink(carrier, sealer, answer.devicePublicKey, now)
  carrier.send(answer.m2)
  let handle: ((message: ClawMessage) => void | Promise<void>) | null = null
  return async (bytes) => {
    const opened = await opener.open(bytes)
    if (handle === null) {
      carrier.markLive()
      handle = accept(link)
      if (handle === null) return carrier.close()
    }
    if (opened !== null) await handle(decodeMessage(opened))
  }
}
