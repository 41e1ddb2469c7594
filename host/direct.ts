// The direct route's sockets (SPEC §4): one per address and port, demultiplexed to the gate and to the peers it admitted.
// A packet that the gate does not admit has no effect here and gets no answer.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { fromHex, toHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { formatIp, hostAddresses } from './addresses.ts'
import { type Admitted, Gate, type GateCredential, LIMIT, pathKey } from './gate.ts'
import type { Carrier } from './link.ts'
import { type Certificate, RtcPeer } from './rtc.ts'
import { encodeBindingSuccess, looksLikeStun, parseBindingRequest } from './stun.ts'

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
const ICE_DEADLINE_MS = 15_000
const LIVE_DEADLINE_MS = 20_000
/** Devices say something every 5 s, and their browsers more often. */
const QUIET_MS = 7000
const SWEEP_MS = 1000

export interface DirectInput {
  /** address of `--udp`, or null for all */
  readonly bindAddress: string | null
  readonly hostTag: Uint8Array
  readonly credentials: () => readonly GateCredential[]
  readonly epoch: () => number
  /** null: that epoch's certificate is gone */
  readonly certificate: (epoch: number) => Certificate | null
  /** ms that never go back */
  readonly now: () => number
  /** of an epoch */
  readonly intervalMs: number
  readonly nonces: {
    all(): readonly { readonly nonce: Uint8Array; readonly untilEpoch: number }[]
    add(nonce: Uint8Array, untilEpoch: number): void
    remove(nonce: Uint8Array): void
  }
  readonly onCarrier: (carrier: Carrier, peer: Admitted & { hostFingerprint: Uint8Array }) => void
  /** a device that was in has said nothing for a while: it has gone, or this host cannot be reached any more */
  readonly onQuiet: () => void
}

interface LivePeer {
  readonly admitted: Admitted
  readonly rtc: RtcPeer
  /** of the nominated path, or of the first check */
  port: number
  readonly admittedMs: number
  nominated: boolean
  live: boolean
  quiet: boolean
}

export class DirectListener {
  readonly #input: DirectInput
  readonly #gate: Gate
  readonly #sockets = new Map<number, Map<string, Socket>>()
  readonly #bound = new Set<Socket>()
  /** ports that take no new knock */
  readonly #retired = new Set<number>()
  readonly #peers = new Map<string, LivePeer>()
  readonly #byPath = new Map<string, LivePeer>()
  readonly #sweep: NodeJS.Timeout
  /** bytes the kernel granted, for `status` and the benchmarks */
  receiveBuffer = 0

  constructor(input: DirectInput) {
    this.#input = input
    const used = input.nonces
      .all()
      .map(({ nonce, untilEpoch }) => ({ nonce: toHex(nonce), untilEpoch }))
    this.#gate = new Gate(input.hostTag, used, input.now())
    this.#sweep = setInterval(() => this.#endSilent(), SWEEP_MS)
    this.#sweep.unref()
  }

  /** On every change of credentials and at each epoch. */
  refresh(): void {
    const { nonces, credentials, now, intervalMs } = this.#input
    const epoch = this.#input.epoch()
    this.#gate.setCredentials(credentials(), epoch)
    for (const nonce of this.#gate.forget(epoch, now(), intervalMs)) nonces.remove(fromHex(nonce))
  }

  /**
   * Binds a port on every address of this machine. Throws ClawError('port-taken').
   * One socket each: from a wildcard socket the kernel answers with the address of its own route, and a client that
   * dialled another one drops that.
   */
  async open(port: number): Promise<void> {
    if (this.#sockets.has(port)) return
    const sockets = new Map<string, Socket>()
    this.#sockets.set(port, sockets)
    const found = this.addresses()
    const addresses = found.length === 0 ? ['0.0.0.0'] : found
    const errors = await this.#bindAll(port, sockets, addresses)
    if (sockets.size > 0 && !errors.some(isTaken)) return
    this.close(port)
    throw new ClawError('port-taken')
  }

  /** texts: those that ports are bound on */
  addresses(): string[] {
    const { bindAddress } = this.#input
    return bindAddress !== null ? [bindAddress] : hostAddresses([]).map(({ ip }) => formatIp(ip))
  }

  /**
   * The machine's addresses changed: open ports get sockets on the new ones too. @returns false if one cannot be bound yet, as
   * an IPv6 address that the kernel still checks for a double.
   */
  async readdress(): Promise<boolean> {
    let whole = true
    for (const [port, sockets] of this.#sockets) {
      const fresh = this.addresses().filter((address) => !sockets.has(address))
      const errors = await this.#bindAll(port, sockets, fresh)
      whole &&= errors.length === 0
    }
    return whole
  }

  async #bindAll(
    port: number,
    sockets: Map<string, Socket>,
    addresses: readonly string[],
  ): Promise<unknown[]> {
    const errors: unknown[] = []
    for (const address of addresses) {
      const type = isIP(address) === 4 ? 'udp4' : 'udp6'
      try {
        const socket = await this.#bind(type, port, address)
        sockets.set(address, socket)
        this.#bound.add(socket)
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }

  #bind(type: 'udp4' | 'udp6', port: number, address: string): Promise<Socket> {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' })
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close()
        reject(error)
      })
      socket.bind({ port, address, exclusive: true }, () => {
        socket.removeAllListeners('error')
        // ICMP errors of a vanished client must not end the process.
        socket.on('error', () => undefined)
        this.receiveBuffer = growBuffer(socket)
        const name = `${address} ${port}`
        socket.on('message', (packet, from) => this.#receive(socket, name, port, packet, from))
        resolve(socket)
      })
    })
  }

  #receive(socket: Socket, name: string, port: number, packet: Buffer, from: RemoteInfo): void {
    const first = packet[0] ?? 255
    const path = { socket: name, address: from.address, port: from.port }
    const key = pathKey(path)
    if (first >= 20 && first <= 63) {
      const peer = this.#byPath.get(key)
      if (peer === undefined) return
      this.#gate.heard(peer.admitted.key, key, this.#input.now())
      peer.rtc.receive(packet)
      return
    }
    if (!looksLikeStun(packet)) return
    const request = parseBindingRequest(packet)
    if (request === null) return
    const admits = !this.#retired.has(port)
    const decision = this.#gate.handle(request, path, this.#input.now(), admits)
    if (decision.type === 'drop') return
    const peer =
      decision.type === 'check'
        ? this.#peers.get(decision.peer.key)
        : this.#admit(decision.peer, decision.untilEpoch, port)
    if (peer === undefined) return
    this.#byPath.set(key, peer)
    const answer = encodeBindingSuccess(request.transaction, from, peer.admitted.password)
    const send = (datagram: Buffer): void => {
      // The port of a nominated path may close under werift's timers.
      if (this.#bound.has(socket)) {
        socket.send(datagram, from.port, from.address, () => undefined)
      }
    }
    send(answer)
    if (request.useCandidate) {
      peer.nominated = true
      peer.port = port
      peer.rtc.select(send)
    }
  }

  #admit(admitted: Admitted, untilEpoch: number, port: number): LivePeer | undefined {
    const certificate = this.#input.certificate(admitted.epoch)
    if (certificate === null) {
      this.#gate.close(admitted.key)
      return undefined
    }
    // On disk before the first answer: a knock is accepted once, whatever happens to this process.
    this.#input.nonces.add(Buffer.from(admitted.key, 'hex'), untilEpoch)
    const peer: LivePeer = {
      admitted,
      port,
      admittedMs: this.#input.now(),
      nominated: false,
      live: false,
      quiet: false,
      rtc: new RtcPeer({
        certificate,
        clientFingerprint: admitted.clientFingerprint,
        onOpen: (carrier) =>
          this.#input.onCarrier(carrier, { ...admitted, hostFingerprint: certificate.fingerprint }),
        onLive: () => {
          peer.live = true
          this.#gate.markLive(admitted.key)
        },
        onGone: () => this.#forget(peer),
      }),
    }
    this.#peers.set(admitted.key, peer)
    return peer
  }

  #forget(peer: LivePeer): void {
    this.#gate.close(peer.admitted.key)
    this.#peers.delete(peer.admitted.key)
    for (const [path, owner] of this.#byPath) if (owner === peer) this.#byPath.delete(path)
  }

  #endSilent(): void {
    const now = this.#input.now()
    for (const peer of this.#peers.values()) {
      const age = now - peer.admittedMs
      const late =
        (!peer.nominated && age > ICE_DEADLINE_MS) || (!peer.live && age > LIVE_DEADLINE_MS)
      const silentMs = now - this.#gate.lastHeard(peer.admitted.key)
      if (late || silentMs > LIMIT.heardMs) peer.rtc.close()
      else this.#noteQuiet(peer, silentMs > QUIET_MS)
    }
  }

  #noteQuiet(peer: LivePeer, quiet: boolean): void {
    if (peer.live && quiet && !peer.quiet) this.#input.onQuiet()
    peer.quiet = quiet
  }

  /**
   * After a revocation (SPEC §3.4): what is open now serves the peers that it has and takes no new knock. Peers of these
   * credentials end, but for those that are in and to whom the host says goodbye itself.
   */
  retire(credentialIds: ReadonlySet<string>): void {
    for (const port of this.#sockets.keys()) this.#retired.add(port)
    for (const peer of this.#peers.values()) {
      if (!peer.live && credentialIds.has(peer.admitted.credentialId)) peer.rtc.close()
    }
    this.refresh()
  }

  /** Ends what still uses this port. */
  close(port: number): void {
    for (const peer of this.#peers.values()) if (peer.port === port) peer.rtc.close()
    for (const socket of this.#sockets.get(port)?.values() ?? []) {
      socket.removeAllListeners('message')
      // What the closing peers just sent leaves in this turn of the event loop.
      setImmediate(() => {
        this.#bound.delete(socket)
        socket.close()
      })
    }
    this.#sockets.delete(port)
    this.#retired.delete(port)
  }

  stop(): void {
    clearInterval(this.#sweep)
    for (const port of [...this.#sockets.keys()]) this.close(port)
  }
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'

/** @returns what the kernel granted */
function growBuffer(socket: Socket): number {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
  } catch {
    // A kernel that refuses keeps its default.
  }
  return socket.getRecvBufferSize()
}

/**
 * werift rejects promises that nobody holds when a DTLS peer sends garbage; those must not end the host.
 * Everything else stays fatal. @returns a function that takes the guard away
 */
export function guardWerift(): () => void {
  const onRejection = (reason: unknown): void => {
    if (reason instanceof Error && /[\\/]werift[\\/]/.test(reason.stack ?? '')) return
    throw reason
  }
  process.on('unhandledRejection', onRejection)
  return () => process.off('unhandledRejection', onRejection)
}
