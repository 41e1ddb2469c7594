// The mailbox of one storage id (SPEC §4.4): one host, its clients, and what passes between them. Knows no runtime and no
// clock; what it must remember stands in the lines' own state, so that a Durable Object may sleep in between.
import { equal, fromHex, toHex } from '../shared/bytes.ts'
import { FRAME_MAX_BYTES, HINT_BYTES, RELAY_BURST, RELAY_PER_SECOND } from '../shared/constants.ts'
import {
  decodeFromHost,
  encodeChallenge,
  encodeData,
  encodeGone,
  encodeReady,
  type FromHost,
  MAILBOX_CLOSE,
  MAILBOX_PROTOCOL,
  type MailboxProof,
  proofBytes,
} from '../shared/mailbox.ts'
import { Pace } from '../shared/pace.ts'
import { idBytes, type PutCrypto } from '../shared/put.ts'

export const SWITCHBOARD_LIMIT = {
  clients: 16,
  clientsPerSource: 4,
  unproven: 4,
  /** ms in which a host must have proven itself */
  proofMs: 5000,
} as const

const PATH = /^\/v1\/mailbox\/([0-9a-f]{64})(\/host)?$/

export interface Call {
  /** 64 hex digits */
  readonly id: string
  readonly asHost: boolean
  /** the subprotocol to answer with */
  readonly protocol: string
  /** what a client gives behind the protocol's name, not checked */
  readonly hint: string
}

/** What a WebSocket was opened for; null if it is no mailbox's. `protocols`: as offered, separated by commas. */
export function readCall(pathname: string, protocols: string | null | undefined): Call | null {
  const [, id, host] = PATH.exec(pathname) ?? []
  const protocol = protocols?.split(',')[0]?.trim() ?? ''
  if (id === undefined || !`${protocol}.`.startsWith(`${MAILBOX_PROTOCOL}.`)) return null
  const hint = protocol.slice(MAILBOX_PROTOCOL.length + 1)
  return { id, asHost: host !== undefined, protocol, hint }
}

export type LineState =
  | { readonly role: 'unproven'; readonly challenge: Uint8Array }
  | { readonly role: 'host'; readonly hints: Uint8Array }
  | { readonly role: 'client'; readonly n: number; readonly source: string }
  | { readonly role: 'over' }

/** One WebSocket. `state` outlives the process where the runtime can do that. */
export interface Line {
  state: LineState
  send(bytes: Uint8Array): void
  /** with one of `MAILBOX_CLOSE` */
  close(code: number): void
}

export interface SwitchboardInput {
  /** storage id, 64 hex digits */
  readonly id: string
  /** every open line, also those of before a sleep */
  readonly lines: () => Iterable<Line>
  readonly crypto: PutCrypto
  readonly random: (bytes: number) => Uint8Array
  readonly nowMs: () => number
}

export class Switchboard {
  readonly #input: SwitchboardInput
  readonly #paces = new Map<number, Pace>()

  constructor(input: SwitchboardInput) {
    this.#input = input
  }

  /** Whether this call is refused, and by which close code; asked before its line is there. `source`: its address. */
  refusal({ asHost, hint }: Call, source: string): number | null {
    if (asHost) {
      const unproven = this.#count(({ role }) => role === 'unproven')
      return unproven >= SWITCHBOARD_LIMIT.unproven ? MAILBOX_CLOSE.limit : null
    }
    const host = this.#host()
    // The same answer whether there is no host or no such client of it.
    if (host === null || !knows(host.hints, hint)) return MAILBOX_CLOSE.nobody
    const from = this.#count((other) => other.role === 'client' && other.source === source)
    const all = this.#count(({ role }) => role === 'client')
    const full = all >= SWITCHBOARD_LIMIT.clients || from >= SWITCHBOARD_LIMIT.clientsPerSource
    return full ? MAILBOX_CLOSE.limit : null
  }

  /** A host gets a challenge, and has `proofMs` to answer it. */
  openHost(line: Line): void {
    const challenge = this.#input.random(32)
    line.state = { role: 'unproven', challenge }
    line.send(encodeChallenge(challenge))
  }

  /** The time for the proof is over. */
  proofDue(line: Line): void {
    if (line.state.role === 'unproven') this.#end(line, MAILBOX_CLOSE.malformed)
  }

  /** A host in this very process needs no proof. `hints`: 1536 bytes. */
  attachHost(line: Line, hints: Uint8Array): void {
    const older = this.#hostLine()
    line.state = { role: 'host', hints }
    if (older !== null) this.#end(older, MAILBOX_CLOSE.replaced)
  }

  openClient(line: Line, source: string): void {
    line.state = { role: 'client', n: this.#draw(), source }
  }

  /** `null`: text. `origin`: of the address that the line was opened by. */
  async message(line: Line, bytes: Uint8Array | null, origin: string): Promise<void> {
    const { state } = line
    if (bytes === null) return this.#end(line, MAILBOX_CLOSE.malformed)
    if (state.role === 'client') return this.#fromClient(line, state.n, bytes)
    let said: FromHost
    try {
      said = decodeFromHost(bytes)
    } catch {
      return this.#end(line, MAILBOX_CLOSE.malformed)
    }
    if (state.role === 'unproven') return this.#prove(line, state.challenge, said, origin)
    if (state.role === 'host') this.#fromHost(line, said)
  }

  /** The line has ended, whoever ended it. */
  closed(line: Line): void {
    const { state } = line
    line.state = { role: 'over' }
    if (state.role === 'client') {
      this.#paces.delete(state.n)
      this.#hostLine()?.send(encodeGone(state.n))
    }
    if (state.role !== 'host') return
    for (const other of this.#input.lines())
      if (other.state.role === 'client') this.#drop(other, MAILBOX_CLOSE.nobody)
  }

  #fromClient(line: Line, n: number, bytes: Uint8Array): void {
    const host = this.#hostLine()
    if (host === null) this.#end(line, MAILBOX_CLOSE.nobody)
    else if (bytes.length === 0 || bytes.length > FRAME_MAX_BYTES)
      this.#end(line, MAILBOX_CLOSE.malformed)
    else if (!this.#hasLeave(n)) this.#end(line, MAILBOX_CLOSE.limit)
    else host.send(encodeData(n, bytes))
  }

  #hasLeave(n: number): boolean {
    const nowMs = this.#input.nowMs()
    const pace = this.#paces.get(n) ?? new Pace(nowMs, 2 * RELAY_PER_SECOND, 2 * RELAY_BURST)
    this.#paces.set(n, pace)
    return pace.take(nowMs) === 0
  }

  #fromHost(line: Line, said: FromHost): void {
    if (said.type === 'proof') this.#end(line, MAILBOX_CLOSE.malformed)
    else if (said.type === 'hints') line.state = { role: 'host', hints: said.hints }
    else {
      // A client that is not there may just have left.
      const client = this.#client(said.client)
      if (said.type === 'data') client?.send(said.data)
      else if (client !== null) this.#drop(client, MAILBOX_CLOSE.nobody)
    }
  }

  async #prove(line: Line, challenge: Uint8Array, said: FromHost, origin: string): Promise<void> {
    const proven = said.type === 'proof' && (await this.#isProof(said.proof, challenge, origin))
    // It may have ended meanwhile.
    if (line.state.role !== 'unproven') return
    if (!proven) return this.#end(line, MAILBOX_CLOSE.malformed)
    const older = this.#hostLine()
    line.state = { role: 'host', hints: said.proof.hints }
    if (older !== null) this.#end(older, MAILBOX_CLOSE.replaced)
    line.send(encodeReady())
  }

  async #isProof(
    { writePublicKey, timeMs, signature, hints }: MailboxProof,
    challenge: Uint8Array,
    origin: string,
  ): Promise<boolean> {
    const { crypto } = this.#input
    const id = fromHex(this.#input.id)
    if (!equal(await crypto.sha256(idBytes(writePublicKey)), id)) return false
    const { sha256 } = crypto
    const signed = await proofBytes({ id, origin, challenge, timeMs, hints, sha256 })
    return crypto.verify(writePublicKey, signed, signature)
  }

  /** Ends a line as if it had ended itself. */
  #end(line: Line, code: number): void {
    this.closed(line)
    line.close(code)
  }

  /** As `#end`, of a client that the host knows to be gone. */
  #drop(line: Line, code: number): void {
    if (line.state.role === 'client') this.#paces.delete(line.state.n)
    line.state = { role: 'over' }
    line.close(code)
  }

  #hostLine(): Line | null {
    for (const line of this.#input.lines()) if (line.state.role === 'host') return line
    return null
  }

  #host(): Extract<LineState, { role: 'host' }> | null {
    const state = this.#hostLine()?.state
    return state?.role === 'host' ? state : null
  }

  #client(n: number): Line | null {
    for (const line of this.#input.lines())
      if (line.state.role === 'client' && line.state.n === n) return line
    return null
  }

  #count(counts: (state: LineState) => boolean): number {
    let count = 0
    for (const { state } of this.#input.lines()) if (counts(state)) count += 1
    return count
  }

  /** At random: what was meant for one that has just left must not reach the next. */
  #draw(): number {
    for (;;) {
      const [high = 0, low = 0] = this.#input.random(2)
      const n = (high << 8) | low
      if (this.#client(n) === null) return n
    }
  }
}

function knows(hints: Uint8Array, hint: string): boolean {
  if (!/^[0-9a-f]{16}$/.test(hint)) return false
  for (let at = 0; at < hints.length; at += HINT_BYTES)
    if (toHex(hints.slice(at, at + HINT_BYTES)) === hint) return true
  return false
}
