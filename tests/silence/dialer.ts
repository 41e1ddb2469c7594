// Both ends of the direct route on loopback: the host's real listener, bare probes, and an honest client made of
// werift's classes with a full-ICE client's first checks. No packet leaves the machine.
import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import {
  HashAlgorithm,
  RTCCertificate,
  RTCDataChannel,
  RTCDataChannelParameters,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCIceTransport,
  RTCSctpTransport,
  SignatureAlgorithm,
} from 'werift'
import { DirectListener } from '../../host/direct.ts'
import type { Admitted } from '../../host/gate.ts'
import { LiteGatherer } from '../../host/ice.ts'
import type { Carrier } from '../../host/link.ts'
import { type Certificate, holdKeys, makeCertificate } from '../../host/rtc.ts'
import { encodeBindingRequest } from '../../host/stun.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../../shared/knock.ts'

export const HOST_ADDRESS = '127.0.0.1'
/** Known to both processes of a test; nothing else depends on their values. */
export const ROOTS = {
  device: new Uint8Array(createHash('sha256').update('device').digest()),
  other: new Uint8Array(createHash('sha256').update('other device').digest()),
}
/** More credentials, for tests that knock more often than one may. */
export const MANY_ROOTS = Array.from(
  { length: 20 },
  (_, i) => new Uint8Array(createHash('sha256').update(`device ${i}`).digest()),
)
export const TAG = hostTag(ROOTS.device)
export const EPOCH = 1000
const SCTP_PORT = 5000

export const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

export interface TestHost {
  readonly listener: DirectListener
  readonly port: number
  /** kept between two hosts, as the database would */
  readonly nonces: Map<string, number>
  readonly carriers: { readonly carrier: Carrier; readonly peer: Admitted; closed: boolean }[]
  /** every message that reached the application, in order */
  readonly received: Uint8Array[]
  /** the credentials, by id */
  readonly roots: Map<string, Uint8Array>
  epoch: number
  clockOffsetMs: number
}

const certificates = new Map<number, Certificate>()
/** The certificate that the host shows for this epoch, the same for all hosts of one process. */
export async function certificateOf(epoch: number): Promise<Certificate> {
  const known = certificates.get(epoch) ?? (await makeCertificate())
  certificates.set(epoch, known)
  return known
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, HOST_ADDRESS)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

type Application = (
  carrier: Carrier,
  peer: Admitted & { readonly hostFingerprint: Uint8Array },
) => void

/** Echoes every message. */
const echo: Application = (carrier) => {
  carrier.onMessage((bytes) => {
    carrier.markLive()
    carrier.send(bytes)
  })
}

/** The real listener; its application echoes every message, if no other one is given. */
export async function startHost(
  nonces = new Map<string, number>(),
  application: Application = echo,
): Promise<TestHost> {
  for (let epoch = EPOCH - 2; epoch <= EPOCH + 2; epoch++) await certificateOf(epoch)
  const host: Omit<TestHost, 'listener' | 'port'> = {
    nonces,
    carriers: [],
    received: [],
    roots: new Map([
      ...Object.entries(ROOTS),
      ...MANY_ROOTS.map((root, i): [string, Uint8Array] => [`device ${i}`, root]),
    ]),
    epoch: EPOCH,
    clockOffsetMs: 0,
  }
  const listener = new DirectListener({
    bindAddress: HOST_ADDRESS,
    hostTag: TAG,
    credentials: () => [...host.roots].map(([id, root]) => ({ id, root })),
    epoch: () => host.epoch,
    certificate: (epoch) => certificates.get(epoch) ?? null,
    now: () => performance.now() + host.clockOffsetMs,
    intervalMs: 3_600_000,
    nonces: {
      all: () =>
        [...nonces].map(([hex, untilEpoch]) => ({ nonce: Buffer.from(hex, 'hex'), untilEpoch })),
      add: (nonce, untilEpoch) => void nonces.set(Buffer.from(nonce).toString('hex'), untilEpoch),
      remove: (nonce) => void nonces.delete(Buffer.from(nonce).toString('hex')),
    },
    onQuiet: () => undefined,
    onCarrier: (carrier, peer) => {
      const entry = { carrier, peer, closed: false }
      host.carriers.push(entry)
      carrier.onClose(() => {
        entry.closed = true
      })
      const { onMessage } = carrier
      application(
        Object.assign(carrier, {
          onMessage: (listener: (bytes: Uint8Array) => void) =>
            onMessage((bytes) => {
              host.received.push(bytes)
              listener(bytes)
            }),
        }),
        peer,
      )
    },
  })
  listener.refresh()
  const port = await freePort()
  await listener.open(port)
  return Object.assign(host, { listener, port })
}

export interface KnockChoice {
  readonly root?: Uint8Array
  readonly tag?: Uint8Array
  readonly epoch?: number
  readonly nonce?: Uint8Array
  readonly clientUfrag?: string
  readonly clientFingerprint?: Uint8Array
  readonly route?: 'direct' | 'signal'
}

/** The host's ufrag and password, as a page would write them into the answer. */
export function makeKnock(choice: KnockChoice = {}) {
  const root = choice.root ?? ROOTS.device
  const nonce = choice.nonce ?? random(12)
  const clientUfrag = choice.clientUfrag ?? 'abcd'
  const knock = sealKnock({
    root,
    hostTag: choice.tag ?? TAG,
    epoch: choice.epoch ?? EPOCH,
    route: choice.route ?? 'direct',
    timeMs: 1,
    clientFingerprint: choice.clientFingerprint ?? random(32),
    nonce,
    clientUfrag,
  })
  return { ufrag: knockUfrag(knock), password: icePassword(root, nonce), clientUfrag }
}

/** A binding request that carries this knock. */
export const checkOf = (
  knock: ReturnType<typeof makeKnock>,
  options: { readonly useCandidate?: boolean; readonly transaction?: Buffer } = {},
): Buffer =>
  encodeBindingRequest({
    transaction: options.transaction ?? randomBytes(12),
    username: `${knock.ufrag}:${knock.clientUfrag}`,
    password: knock.password,
    useCandidate: options.useCandidate ?? false,
  })

export const isSuccess = (packet: Buffer): boolean => packet.readUInt16BE(0) === 0x0101
export const transactionOf = (packet: Buffer): string => packet.subarray(8, 20).toString('hex')

/** A bare socket that keeps whatever comes back. */
export class Probe {
  readonly received: Buffer[] = []
  readonly socket: Socket
  readonly #port: number

  private constructor(socket: Socket, port: number) {
    this.socket = socket
    this.#port = port
    socket.on('message', (packet) => void this.received.push(packet))
  }

  /** Its own address in 127/8, so that probes do not share a token bucket. */
  static async at(address: string, port: number): Promise<Probe> {
    const socket = createSocket('udp4')
    socket.bind(0, address)
    await once(socket, 'listening')
    return new Probe(socket, port)
  }

  send(packet: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(packet, this.#port, HOST_ADDRESS, (error) =>
        error === null ? resolve() : reject(error),
      )
    })
  }

  /** Sends a check and waits for the answer to it. Loopback keeps order: all sent before has been handled by then. */
  async ask(check: Buffer): Promise<Buffer> {
    const wanted = transactionOf(check)
    const answer = new Promise<Buffer>((resolve) => {
      const listen = (packet: Buffer): void => {
        if (packet.length < 20 || transactionOf(packet) !== wanted) return
        this.socket.off('message', listen)
        resolve(packet)
      }
      this.socket.on('message', listen)
    })
    await this.send(check)
    return answer
  }

  close(): void {
    this.socket.close()
  }
}

const SIGNATURE = { hash: HashAlgorithm.sha256_4, signature: SignatureAlgorithm.ecdsa_3 } as const
const colonHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString('hex').toUpperCase().replace(/..\B/g, '$&:')

/** A client that knocked, nominated, and is in DTLS; the channel opens when the host plays along. */
export class Client {
  readonly probe: Probe
  readonly knock: ReturnType<typeof makeKnock>
  /** SHA-256 of the certificate that the knock names, 32 bytes */
  readonly fingerprint: Uint8Array
  readonly dtls: RTCDtlsTransport
  readonly sctp: RTCSctpTransport
  readonly channel: RTCDataChannel
  /** everything this client sent in DTLS, as it went out */
  readonly sent: Buffer[] = []
  readonly #ice: RTCIceTransport
  readonly #messages: Buffer[] = []
  #wake: () => void = () => undefined
  #lastSend: Promise<void> = Promise.resolve()

  private constructor(
    probe: Probe,
    knock: ReturnType<typeof makeKnock>,
    own: Certificate,
    hostFingerprint: Uint8Array,
  ) {
    this.probe = probe
    this.knock = knock
    this.fingerprint = own.fingerprint
    const gatherer = new LiteGatherer()
    gatherer.connection.iceControlling = true
    gatherer.connection.remoteUsername = knock.ufrag
    gatherer.connection.remotePassword = knock.password
    this.#ice = new RTCIceTransport(gatherer)
    const certificate = new RTCCertificate(own.keyPem, own.certPem, SIGNATURE)
    this.dtls = new RTCDtlsTransport({}, this.#ice, certificate)
    this.dtls.role = 'client'
    const fingerprint = new RTCDtlsFingerprint('sha-256', colonHex(hostFingerprint))
    this.dtls.setRemoteParams(new RTCDtlsParameters([fingerprint], 'server'))
    this.sctp = new RTCSctpTransport(SCTP_PORT, 262_144)
    this.sctp.setDtlsTransport(this.dtls)
    const parameters = { negotiated: true, id: 0, ordered: true, label: '', protocol: '' }
    this.channel = new RTCDataChannel(this.sctp, new RTCDataChannelParameters(parameters))
    this.channel.onMessage.subscribe((data) => {
      this.#messages.push(Buffer.from(data))
      this.#wake()
    })
    probe.socket.on('message', (packet) => {
      if ((packet[0] ?? 0) >= 20) gatherer.connection.receive(packet)
    })
    gatherer.connection.select((datagram) => {
      this.sent.push(Buffer.from(datagram))
      this.#lastSend = probe.send(datagram)
    })
  }

  /** Knocks with a nomination and waits for the answer. `shown`: the certificate in DTLS, if not the one in the knock. */
  static async knock(
    host: { readonly port: number },
    address: string,
    hostFingerprint: Uint8Array,
    shown?: Certificate,
    root: Uint8Array = ROOTS.device,
  ): Promise<Client> {
    const own = await makeCertificate()
    const knock = makeKnock({ root, clientFingerprint: own.fingerprint })
    const probe = await Probe.at(address, host.port)
    await probe.ask(checkOf(knock, { useCandidate: true }))
    return new Client(probe, knock, shown ?? own, hostFingerprint)
  }

  /** Knocks and resolves once the channel is open. */
  static async connect(
    host: { readonly port: number },
    address: string,
    hostFingerprint: Uint8Array,
    root: Uint8Array = ROOTS.device,
  ): Promise<Client> {
    const client = await Client.knock(host, address, hostFingerprint, undefined, root)
    await client.start()
    return client
  }

  /** Resolves once the channel is in this state; ask before it can be. */
  reaches(state: 'open' | 'closed'): Promise<void> {
    return new Promise((resolve) => {
      this.channel.stateChanged.subscribe((next) => {
        if (next === state) resolve()
      })
    })
  }

  async start(): Promise<void> {
    const open = this.reaches('open')
    await this.dtls.start()
    holdKeys(this.dtls)
    await this.sctp.start(SCTP_PORT)
    await open
  }

  /** The next message that has not been read yet. */
  async next(): Promise<Buffer> {
    for (;;) {
      const message = this.#messages.shift()
      if (message !== undefined) return message
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  get unread(): number {
    return this.#messages.length
  }

  async echo(text: string): Promise<string> {
    this.channel.send(Buffer.from(text))
    return (await this.next()).toString()
  }

  /** Ends without a word to the host, as a closed laptop does. */
  async vanish(): Promise<void> {
    this.probe.close()
    await this.#ice.stop()
    await this.sctp.stop().catch(() => undefined)
  }

  async close(): Promise<void> {
    await this.sctp.stop()
    await this.dtls.stop()
    await this.#lastSend
    this.probe.close()
  }
}
