// Hole punching for one client (SPEC §4.5): UDP sockets of its own, checks sent to where it may be, and the rest as on the
// direct route: checks of strangers get no answer, the client nominates, werift sees DTLS records only.
import { randomBytes } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { toBase64 } from '../shared/bytes.ts'
import type { Candidate, Description } from '../shared/description.ts'
import { isDialable } from '../shared/record.ts'
import { parseIp } from './addresses.ts'
import type { SendTo } from './ice.ts'
import type { Carrier } from './link.ts'
import { askStun } from './reflexive.ts'
import { type Certificate, RtcPeer } from './rtc.ts'
import {
  encodeBindingRequest,
  encodeBindingSuccess,
  looksLikeStun,
  parseBindingRequest,
} from './stun.ts'

const PUNCH_MS = 50
const ICE_DEADLINE_MS = 15_000
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** remote addresses that a client may use, as on the direct route */
const MAX_PATHS = 8
/** RFC 8445 §5.1.2 */
const PRIORITY = {
  host: 2_130_706_431,
  peerReflexive: 1_862_270_975,
  serverReflexive: 1_694_498_815,
} as const
const PRIORITY_STEP = 256

export interface PunchInput {
  readonly certificate: Certificate
  /** the client's */
  readonly offer: Description
  /** own addresses, texts */
  readonly addresses: readonly string[]
  /** STUN servers to ask, `host:port` */
  readonly stun: readonly string[]
  /** ms that never go back */
  readonly now: () => number
  readonly onCarrier: (carrier: Carrier) => void
  /** the first valid client frame came */
  readonly onLive: () => void
  readonly onGone: () => void
}

/** Whether the host sends anything there: not to itself, nor to many, nor where a zone would be needed. */
export function mayPunch({ address }: Pick<Candidate, 'address'>): boolean {
  if (isIP(address) === 0) return false
  const ip = parseIp(address)
  const [a = 0, b = 0] = ip
  const linkLocal = ip.length === 16 && a === 0xfe && (b & 0xc0) === 0x80
  const mapped = ip.length === 16 && ip.slice(0, 10).every((byte) => byte === 0)
  return isDialable(ip) && !linkLocal && !mapped
}

export class PunchPeer {
  readonly #input: PunchInput
  readonly #sockets: readonly Socket[]
  readonly #reflexive: readonly Candidate[]
  readonly #rtc: RtcPeer
  readonly #ufrag = toBase64(randomBytes(6))
  readonly #password = toBase64(randomBytes(18))
  readonly #tieBreaker = randomBytes(8)
  readonly #paths = new Set<string>()
  readonly #punches: NodeJS.Timeout
  readonly #openedMs: number
  #heardMs: number
  #nominated = false
  #open = false
  #closed = false

  /** @returns null if no own address can be bound */
  static async open(input: PunchInput): Promise<PunchPeer | null> {
    const bound = await Promise.all(input.addresses.map(bind))
    const sockets = bound.filter((socket) => socket !== null)
    if (sockets.length === 0) return null
    const mapped = await Promise.all(sockets.map((socket) => reflexive(socket, input.stun)))
    return new PunchPeer(input, sockets, mapped.flat())
  }

  private constructor(
    input: PunchInput,
    sockets: readonly Socket[],
    reflexive: readonly Candidate[],
  ) {
    this.#reflexive = reflexive
    const { certificate, now, onCarrier, onLive } = input
    this.#input = input
    this.#sockets = sockets
    this.#openedMs = now()
    this.#heardMs = now()
    this.#rtc = new RtcPeer({
      certificate,
      clientFingerprint: input.offer.fingerprint,
      onOpen: (carrier) => {
        this.#open = true
        onCarrier(carrier)
      },
      onLive,
      onGone: () => this.#gone(),
    })
    for (const socket of sockets)
      socket.on('message', (packet, from) => this.#receive(socket, packet, from))
    const targets = this.#targets()
    let turn = 0
    this.#punches = setInterval(() => this.#punch(targets[turn++ % targets.length]), PUNCH_MS)
    this.#punches.unref()
  }

  /** What the answer says. */
  get description(): Description {
    const candidates = this.#sockets.map((socket, i): Candidate => {
      const { address, port } = socket.address()
      return { address, port, kind: 'host', priority: PRIORITY.host - i * PRIORITY_STEP }
    })
    const { fingerprint } = this.#input.certificate
    const all = [...candidates, ...this.#reflexive]
    return { ufrag: this.#ufrag, password: this.#password, fingerprint, candidates: all }
  }

  /** ms that never go back: the last packet that was the client's */
  get heardMs(): number {
    return this.#heardMs
  }

  get isLate(): boolean {
    return !this.#nominated && this.#ageMs > ICE_DEADLINE_MS
  }

  get #ageMs(): number {
    return this.#input.now() - this.#openedMs
  }

  #targets(): (readonly [Socket, Candidate])[] {
    const family = (address: string): number => isIP(address)
    return this.#input.offer.candidates
      .filter(mayPunch)
      .flatMap((candidate) =>
        this.#sockets
          .filter((socket) => family(socket.address().address) === family(candidate.address))
          .map((socket) => [socket, candidate] as const),
      )
  }

  #punch(target: readonly [Socket, Candidate] | undefined): void {
    // A client may nominate before it has any answer: what leads here need not lead back (a VPN at this end).
    if (this.#open || this.#ageMs > ICE_DEADLINE_MS) clearInterval(this.#punches)
    else if (target !== undefined) {
      const [socket, { address, port }] = target
      const { ufrag, password } = this.#input.offer
      const controlled = { tieBreaker: this.#tieBreaker, priority: PRIORITY.peerReflexive }
      const username = `${ufrag}:${this.#ufrag}`
      const request = { transaction: randomBytes(12), username, password, useCandidate: false }
      this.#send(socket, encodeBindingRequest({ ...request, controlled }), port, address)
    }
  }

  #receive(socket: Socket, packet: Buffer, from: RemoteInfo): void {
    const first = packet[0] ?? 255
    const path = `${socket.address().port} ${from.address} ${from.port}`
    if (first >= 20 && first <= 63) {
      if (!this.#paths.has(path)) return
      this.#heardMs = this.#input.now()
      this.#rtc.receive(packet)
    } else if (looksLikeStun(packet)) this.#check(socket, packet, from, path)
  }

  #check(socket: Socket, packet: Buffer, from: RemoteInfo, path: string): void {
    const request = parseBindingRequest(packet)
    const { ufrag } = this.#input.offer
    if (request?.hostUfrag !== this.#ufrag || request.clientUfrag !== ufrag) return
    if (!request.verify(this.#password)) return
    if (!this.#paths.has(path) && this.#paths.size >= MAX_PATHS) return
    this.#paths.add(path)
    this.#heardMs = this.#input.now()
    const send: SendTo = (datagram) => this.#send(socket, datagram, from.port, from.address)
    send(encodeBindingSuccess(request.transaction, from, this.#password))
    if (!request.useCandidate) return
    this.#nominated = true
    this.#rtc.select(send)
  }

  /** A path that the network refuses is no reason to end: another one may lead there. */
  #send(socket: Socket, datagram: Buffer, port: number, address: string): void {
    if (!this.#closed) socket.send(datagram, port, address, () => undefined)
  }

  close(): void {
    this.#rtc.close()
  }

  #gone(): void {
    clearInterval(this.#punches)
    this.#input.onGone()
    // What the closing peer just sent leaves in this turn of the event loop.
    setImmediate(() => {
      this.#closed = true
      for (const socket of this.#sockets) socket.close()
    })
  }
}

/** What the first server that answers sees of a socket; nothing where that is its own address. */
async function reflexive(socket: Socket, servers: readonly string[]): Promise<Candidate[]> {
  const answers = servers.map(async (server) => {
    const mapped = await askStun(socket, server)
    if (mapped === null) throw new Error('no answer')
    return mapped
  })
  const mapped = await Promise.any(answers).catch(() => null)
  const own = socket.address()
  if (mapped === null || !mayPunch(mapped)) return []
  if (mapped.address === own.address && mapped.port === own.port) return []
  return [{ ...mapped, kind: 'srflx', priority: PRIORITY.serverReflexive }]
}

/** @returns null if this address cannot be bound */
function bind(address: string): Promise<Socket | null> {
  const type = isIP(address) === 6 ? 'udp6' : 'udp4'
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close()
      resolve(null)
    })
    socket.bind({ address, port: 0 }, () => {
      socket.removeAllListeners('error')
      socket.on('error', () => undefined)
      grow(socket)
      resolve(socket)
    })
  })
}

function grow(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
  } catch {
    // A kernel that refuses keeps its default.
  }
}
