// The route `signal` (SPEC §4.6): TCP on the port of the epoch, where nothing but a knock is read and nobody else gets a byte.
import { createServer, isIP, type Server, type Socket } from 'node:net'
import { fromHex, toHex } from '../shared/bytes.ts'
import { KNOCK_BYTES } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { Failures, sourceOf } from './failures.ts'
import { type GateCredential, LIMIT } from './gate.ts'
import type { Carrier } from './link.ts'
import { type RelayAdmitted, RelayGate, SIGNAL } from './relaygate.ts'
import type { Certificate } from './rtc.ts'
import type { Introduction } from './serve.ts'
import { SignalPeer } from './signalpeer.ts'

const LIVE_DEADLINE_MS = 20_000
const SWEEP_MS = 1000
const NO_FINGERPRINT = new Uint8Array(32)

export interface SignalInput {
  readonly hostTag: Uint8Array
  readonly credentials: () => readonly GateCredential[]
  readonly epoch: () => number
  /** null: that epoch's certificate is gone */
  readonly certificate: (epoch: number) => Certificate | null
  /** texts: those of this computer to listen on */
  readonly addresses: () => readonly string[]
  /** ms that never go back */
  readonly now: () => number
  /** of an epoch */
  readonly intervalMs: number
  readonly nonces: {
    all(): readonly { readonly nonce: Uint8Array; readonly untilEpoch: number }[]
    add(nonce: Uint8Array, untilEpoch: number): void
    remove(nonce: Uint8Array): void
  }
  readonly onCarrier: (carrier: Carrier, intro: Introduction) => void
}

/** Has not knocked yet. */
interface Stranger {
  readonly port: number
  readonly source: string
  readonly sinceMs: number
}

interface Peer {
  readonly admitted: RelayAdmitted
  readonly port: number
  readonly admittedMs: number
  heardMs: number
  end(): void
}

export class SignalListener {
  readonly #input: SignalInput
  readonly #gate: RelayGate
  readonly #failures = new Failures()
  readonly #servers = new Map<number, Map<string, Server>>()
  /** ports that take no new knock */
  readonly #retired = new Set<number>()
  /** oldest first */
  readonly #strangers = new Map<Socket, Stranger>()
  readonly #peers = new Set<Peer>()
  readonly #sweep: NodeJS.Timeout

  constructor(input: SignalInput) {
    this.#input = input
    const used = input.nonces
      .all()
      .map(({ nonce, untilEpoch }) => ({ nonce: toHex(nonce), untilEpoch }))
    this.#gate = new RelayGate(input.hostTag, used, input.now(), SIGNAL)
    this.#sweep = setInterval(() => this.#endLate(), SWEEP_MS)
    this.#sweep.unref()
  }

  /** On every change of credentials and at each epoch. */
  refresh(): void {
    const { credentials, epoch, now, intervalMs, nonces } = this.#input
    this.#gate.setCredentials(credentials(), epoch())
    for (const nonce of this.#gate.forget(epoch(), now(), intervalMs)) nonces.remove(fromHex(nonce))
  }

  /** Listens on every address of this computer. Throws ClawError('port-taken'). */
  async open(port: number): Promise<void> {
    if (this.#servers.has(port)) return
    const servers = new Map<string, Server>()
    this.#servers.set(port, servers)
    const addresses = this.#input.addresses()
    const taken = await this.#listenAll(port, servers, addresses)
    if (!taken && (servers.size > 0 || addresses.length === 0)) return
    this.close(port)
    throw new ClawError('port-taken')
  }

  /** The machine's addresses changed: open ports are listened to on the new ones too. */
  /** @returns whether all addresses have their socket */
  async readdress(): Promise<boolean> {
    let whole = true
    for (const [port, servers] of this.#servers) {
      const fresh = this.#input.addresses().filter((address) => !servers.has(address))
      await this.#listenAll(port, servers, fresh)
      whole &&= fresh.every((address) => servers.has(address))
    }
    return whole
  }

  /** @returns whether another program has the port */
  async #listenAll(
    port: number,
    servers: Map<string, Server>,
    addresses: readonly string[],
  ): Promise<boolean> {
    let taken = false
    for (const host of addresses) {
      try {
        servers.set(host, await this.#listen(host, port))
      } catch (error) {
        taken ||= error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
      }
    }
    return taken
  }

  #listen(host: string, port: number): Promise<Server> {
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) =>
      this.#receive(socket, port),
    )
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port, exclusive: true, ipv6Only: isIP(host) === 6 }, () => {
        server.off('error', reject)
        // A connection that ended before it was taken must not end the process.
        server.on('error', () => undefined)
        resolve(server)
      })
    })
  }

  #receive(socket: Socket, port: number): void {
    const { remoteAddress: address } = socket
    socket.on('error', () => undefined)
    const now = this.#input.now()
    if (address === undefined || this.#retired.has(port) || !this.#failures.allow(address, now)) {
      socket.resetAndDestroy()
      return
    }
    const source = sourceOf(address)
    this.#makeRoom(source)
    this.#strangers.set(socket, { port, source, sinceMs: now })
    socket.once('close', () => this.#strangers.delete(socket))
    const read = (): void => {
      // It waits for all 93 bytes, or gives what there is once nothing more can come.
      const knock: Buffer | null = socket.read(KNOCK_BYTES)
      if (knock === null) return
      socket.off('readable', read)
      this.#strangers.delete(socket)
      this.#knocked(socket, address, port, new Uint8Array(knock))
    }
    socket.on('readable', read)
  }

  /** Whoever has said nothing for longest gives way: an honest knock comes with the first packet. */
  #makeRoom(source: string): void {
    const all = [...this.#strangers]
    const same = all.filter(([, stranger]) => stranger.source === source)
    const [oldest] = same.length >= LIMIT.unknockedPerSource ? same : all
    if (same.length < LIMIT.unknockedPerSource && all.length < LIMIT.unknocked) return
    if (oldest !== undefined) this.#refuse(oldest[0])
  }

  /** The same for whatever reason: a reset at once. */
  #refuse(socket: Socket): void {
    this.#strangers.delete(socket)
    socket.resetAndDestroy()
  }

  #knocked(socket: Socket, address: string, port: number, knock: Uint8Array): void {
    const { now, nonces, certificate } = this.#input
    const admitted = this.#gate.take(knock, now())
    const shown = admitted && certificate(admitted.epoch)
    if (admitted === null || shown === null) {
      if (admitted === null) this.#failures.note(address)
      else this.#gate.close(admitted.key)
      this.#refuse(socket)
      return
    }
    // On disk before the first answer: a knock is accepted once, whatever happens to this process.
    nonces.add(fromHex(admitted.key), admitted.untilEpoch)
    this.#admit(socket, port, admitted, shown)
  }

  #admit(socket: Socket, port: number, admitted: RelayAdmitted, certificate: Certificate): void {
    const { now, onCarrier } = this.#input
    const { key, credentialId, knock, hint } = admitted
    const hostFingerprint = certificate.fingerprint
    const bound = { hostFingerprint, clientFingerprint: NO_FINGERPRINT }
    const line = new SignalPeer({
      socket,
      certificate,
      onOpen: (carrier) =>
        onCarrier(carrier, { route: 'signal', credentialId, knock, hint, ...bound }),
      onHeard: () => {
        peer.heardMs = now()
      },
      onLive: () => this.#gate.markLive(key),
      onGone: () => {
        this.#gate.close(key)
        this.#peers.delete(peer)
      },
    })
    const admittedMs = now()
    const peer: Peer = {
      ...{ admitted, port, admittedMs, heardMs: admittedMs },
      end: () => line.end(),
    }
    this.#peers.add(peer)
  }

  #endLate(): void {
    const now = this.#input.now()
    for (const [socket, { sinceMs }] of this.#strangers) {
      if (now - sinceMs > LIMIT.knockMs) this.#refuse(socket)
    }
    for (const peer of this.#peers) {
      const late = !this.#gate.isLive(peer.admitted.key) && now - peer.admittedMs > LIVE_DEADLINE_MS
      if (late || now - peer.heardMs > LIMIT.heardMs) peer.end()
    }
  }

  /** As `DirectListener.retire` (SPEC §3.4). */
  retire(credentialIds: ReadonlySet<string>): void {
    for (const port of this.#servers.keys()) this.#retired.add(port)
    for (const { admitted, end } of this.#peers) {
      if (credentialIds.has(admitted.credentialId) && !this.#gate.isLive(admitted.key)) end()
    }
    this.refresh()
  }

  /** Ends what still uses this port. */
  close(port: number): void {
    for (const server of this.#servers.get(port)?.values() ?? []) server.close()
    this.#servers.delete(port)
    this.#retired.delete(port)
    for (const [socket, stranger] of this.#strangers) {
      if (stranger.port === port) this.#refuse(socket)
    }
    for (const peer of this.#peers) if (peer.port === port) peer.end()
  }

  stop(): void {
    clearInterval(this.#sweep)
    for (const port of [...this.#servers.keys()]) this.close(port)
  }
}
