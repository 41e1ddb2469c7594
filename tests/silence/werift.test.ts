// What werift does without our workarounds (protocol facts in DESIGN.md). A test that fails here is good news: werift has
// changed, and the workaround that it names may go, or needs another look.
import { KeyObject, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
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
import { LiteGatherer } from '../../host/ice.ts'
import { type Certificate, holdKeys, makeCertificate } from '../../host/rtc.ts'

const SCTP_PORT = 5000
const SIGNATURE = { hash: HashAlgorithm.sha256_4, signature: SignatureAlgorithm.ecdsa_3 } as const
const NEGOTIATED = { negotiated: true, id: 0, ordered: true, label: '', protocol: '' }
const colonHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString('hex').toUpperCase().replace(/..\B/g, '$&:')

/** One end of werift's stack, as host/rtc.ts builds it, but without the filter in front. */
class End {
  readonly gatherer = new LiteGatherer()
  readonly dtls: RTCDtlsTransport
  readonly sctp = new RTCSctpTransport(SCTP_PORT, 262_144)
  readonly channel: RTCDataChannel
  /** datagrams that it sent */
  readonly sent: Buffer[] = []
  /** plaintext SCTP packets that it sealed */
  readonly packets: Buffer[] = []

  constructor(role: 'client' | 'server', shown: Certificate, keyPem: string, expected: Uint8Array) {
    // werift takes the controlling side, once it knows the other, for the one that opens the association.
    const controlling = {
      iceControlling: role === 'client',
      remoteUsername: 'u',
      remotePassword: 'p',
    }
    Object.assign(this.gatherer.connection, controlling)
    const certificate = new RTCCertificate(keyPem, shown.certPem, SIGNATURE)
    this.dtls = new RTCDtlsTransport({}, new RTCIceTransport(this.gatherer), certificate)
    this.dtls.role = role
    const fingerprint = new RTCDtlsFingerprint('sha-256', colonHex(expected))
    const other = role === 'client' ? 'server' : 'client'
    this.dtls.setRemoteParams(new RTCDtlsParameters([fingerprint], other))
    this.sctp.setDtlsTransport(this.dtls)
    this.sctp.setRemoteMaxMessageSize(262_144)
    this.channel = new RTCDataChannel(this.sctp, new RTCDataChannelParameters(NEGOTIATED))
  }

  sendTo(other: End): void {
    this.gatherer.connection.select((datagram) => {
      this.sent.push(Buffer.from(datagram))
      other.receive(Buffer.from(datagram))
    })
  }

  /** Past the filter. */
  receive = (datagram: Buffer): void => {
    setImmediate(() => this.gatherer.connection.onData.execute(datagram))
  }

  tap(): void {
    const seal = this.dtls.sendData
    Object.assign(this.dtls, {
      sendData: (data: Buffer): Promise<void> => {
        this.packets.push(Buffer.from(data))
        return seal(data)
      },
    })
  }

  reaches(state: 'open' | 'closed'): Promise<void> {
    if (this.channel.readyState === state) return Promise.resolve()
    return new Promise((resolve) => {
      this.channel.stateChanged.subscribe((next) => void (next === state && resolve()))
    })
  }

  next(): Promise<string> {
    return new Promise((resolve) => {
      this.channel.onMessage.once((data) => resolve(data.toString()))
    })
  }

  async start(): Promise<void> {
    await this.dtls.start()
    await this.sctp.start(SCTP_PORT)
  }

  async stop(): Promise<void> {
    await this.sctp.stop().catch(() => undefined)
    await this.dtls.stop().catch(() => undefined)
  }
}

let server: End
let client: End

/** `stolen`: the client shows this certificate without having its key. */
async function connect(stolen: Certificate | null): Promise<void> {
  const [host, own] = [await makeCertificate(), await makeCertificate()]
  const shown = stolen ?? own
  server = new End('server', host, host.keyPem, shown.fingerprint)
  client = new End('client', shown, own.keyPem, host.fingerprint)
  const open = Promise.all([server.reaches('open'), client.reaches('open')])
  server.sendTo(client)
  client.sendTo(server)
  await Promise.all([server.start(), client.start()])
  await open
}

async function say(from: End, to: End, text: string): Promise<string> {
  const heard = to.next()
  from.channel.send(Buffer.from(text))
  return heard
}

/** A DTLS record of epoch 0, which needs no key. */
function plaintext(type: number, body: Uint8Array): Buffer {
  const head = Buffer.from([type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0])
  head.writeUInt16BE(body.length, 11)
  return Buffer.concat([head, body])
}

beforeEach(() => connect(null))
afterEach(async () => {
  await Promise.all([server.stop(), client.stop()])
})

test('believes a client that shows a certificate without its key: so Noise authenticates (SPEC §5)', async () => {
  await Promise.all([server.stop(), client.stop()])
  await connect(await makeCertificate())
  expect(await say(client, server, 'from a thief')).toBe('from a thief')
})

test('answers a plaintext ClientHello in a live association: so host/dtlsfilter.ts drops it', async () => {
  const [hello] = client.sent
  if (hello === undefined) throw new Error('bug: no ClientHello was sent')
  const answered = new Promise<Buffer>((resolve) => {
    client.receive = resolve
  })
  server.receive(hello)
  const answer = await answered
  expect([answer[0], answer.readUInt16BE(3)]).toEqual([22, 0])
})

test('closes by a plaintext close_notify: so host/dtlsfilter.ts drops it', async () => {
  const closed = new Promise<void>((resolve) => {
    server.dtls.onStateChange.subscribe((state) => void (state === 'closed' && resolve()))
  })
  server.receive(plaintext(21, Buffer.of(1, 0)))
  await closed
})

test('never sends anything behind an empty message: so no carrier sends one', async () => {
  expect(await say(server, client, 'before')).toBe('before')
  const heard = client.next()
  server.channel.send(Buffer.alloc(0))
  server.channel.send(Buffer.from('behind'))
  // As many round trips in the other direction as it would need, many times over.
  for (let i = 0; i < 50; i++) await say(client, server, 'meanwhile')
  const stuck = Symbol()
  expect(await Promise.race([heard, Promise.resolve(stuck)])).toBe(stuck)
})

test('makes a key of the same bytes with each packet, and takes one that is made: so host/rtc.ts makes it', async () => {
  const keys = (): unknown[] => {
    const { clientWriteKey, serverWriteKey } = server.dtls.dtls?.cipher.cipher ?? {}
    return [clientWriteKey, serverWriteKey]
  }
  expect(keys().every((key) => key instanceof Uint8Array)).toBe(true)
  holdKeys(server.dtls)
  expect(keys().every((key) => key instanceof KeyObject)).toBe(true)
  expect([await say(client, server, 'up'), await say(server, client, 'down')]).toEqual([
    'up',
    'down',
  ])
})

test('registers a negotiated channel in its constructor: so host/rtc.ts adds it nowhere', () => {
  expect(() => server.sctp.dataChannelAddNegotiated(server.channel)).toThrow()
})

test('rejects promises that nobody holds on garbage of an authenticated peer: so host/direct.ts guards the process', async () => {
  const rejected = new Promise<unknown>((resolve) => {
    process.once('unhandledRejection', resolve)
  })
  const listeners = process.listeners('unhandledRejection').slice(0, -1)
  for (const listener of listeners) process.off('unhandledRejection', listener)
  client.tap()
  await say(client, server, 'first')
  const [packet] = client.packets
  if (packet === undefined) throw new Error('bug: nothing was sealed')
  for (let i = 0; i < 40; i++) {
    const chunk = Buffer.concat([Buffer.of(i, 0, 0, 8), randomBytes(4)])
    await client.dtls.sendData(withChecksum(Buffer.concat([packet.subarray(0, 12), chunk])))
  }
  const reason = await rejected
  for (const listener of listeners) process.on('unhandledRejection', listener)
  expect(reason instanceof Error && /[\\/]werift[\\/]/.test(reason.stack ?? '')).toBe(true)
})

/** CRC-32C, which SCTP writes little-endian (RFC 9260 appendix A). */
function withChecksum(packet: Buffer): Buffer {
  const out = Buffer.from(packet)
  out.writeUInt32LE(0, 8)
  let crc = 0xffffffff
  for (const byte of out) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  out.writeUInt32LE(~crc >>> 0, 8)
  return out
}
