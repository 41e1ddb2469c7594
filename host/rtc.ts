// WebRTC from DTLS up, by werift's exported classes: one negotiated data channel per admitted knock.
// werift's DTLS authenticates nobody (THREATS.md); what comes out of here is an unauthenticated pipe until Noise has run.
import { createSecretKey, X509Certificate } from 'node:crypto'
import {
  CipherContext,
  HashAlgorithm,
  NamedCurveAlgorithm,
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
import { fromHex } from '../shared/bytes.ts'
import { LiteGatherer, type SendTo } from './ice.ts'
import type { Carrier } from './link.ts'

const SCTP_PORT = 5000
const MAX_MESSAGE_BYTES = 262_144
/** werift re-subscribes every pending send at each transmit: few at a time, the rest waits here. */
const MAX_UNSENT = 16
const WRITE_KEYS = ['clientWriteKey', 'serverWriteKey'] as const
const SIGNATURE = { hash: HashAlgorithm.sha256_4, signature: SignatureAlgorithm.ecdsa_3 } as const

export interface Certificate {
  readonly certPem: string
  readonly keyPem: string
  /** SHA-256 of the certificate, 32 bytes */
  readonly fingerprint: Uint8Array
}

const fingerprintOf = (certPem: string): Uint8Array =>
  fromHex(new X509Certificate(certPem).fingerprint256.replaceAll(':', ''))

/** A fresh self-signed ECDSA P-256 certificate. */
export async function makeCertificate(): Promise<Certificate> {
  const { certPem, keyPem } = await CipherContext.createSelfSignedCertificateWithKey(
    SIGNATURE,
    NamedCurveAlgorithm.secp256r1_23,
  )
  return { certPem, keyPem, fingerprint: fingerprintOf(certPem) }
}

const colonHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')

/**
 * werift gives node the bytes of its keys with each packet, and node makes a key of them each time: three times what sealing
 * itself costs. A key made once goes through werift untouched; a werift that keeps its keys elsewhere stays as it is. Once
 * it is connected.
 */
export function holdKeys({ dtls }: RTCDtlsTransport): void {
  const cipher: { -readonly [Name in (typeof WRITE_KEYS)[number]]?: unknown } | undefined =
    dtls?.cipher.cipher
  for (const name of WRITE_KEYS) {
    const key = cipher?.[name]
    if (cipher !== undefined && key instanceof Uint8Array) cipher[name] = createSecretKey(key)
  }
}

/** One client's transport; becomes a {@link Carrier} once its channel is open. */
export class RtcPeer {
  readonly #gatherer = new LiteGatherer()
  readonly #ice: RTCIceTransport
  readonly #dtls: RTCDtlsTransport
  readonly #sctp: RTCSctpTransport
  readonly #channel: RTCDataChannel
  readonly #onGone: () => void
  #closed = false

  constructor(input: {
    readonly certificate: Certificate
    readonly clientFingerprint: Uint8Array
    readonly onOpen: (carrier: Carrier) => void
    /** the first valid client frame came */
    readonly onLive: () => void
    readonly onGone: () => void
  }) {
    const { certPem, keyPem } = input.certificate
    this.#onGone = input.onGone
    this.#ice = new RTCIceTransport(this.#gatherer)
    this.#dtls = new RTCDtlsTransport({}, this.#ice, new RTCCertificate(keyPem, certPem, SIGNATURE))
    this.#dtls.role = 'server'
    const fingerprint = new RTCDtlsFingerprint('sha-256', colonHex(input.clientFingerprint))
    this.#dtls.setRemoteParams(new RTCDtlsParameters([fingerprint], 'client'))
    this.#sctp = new RTCSctpTransport(SCTP_PORT, MAX_MESSAGE_BYTES)
    this.#sctp.setDtlsTransport(this.#dtls)
    this.#sctp.setRemoteMaxMessageSize(MAX_MESSAGE_BYTES)
    const toSctp = this.#dtls.dataReceiver
    this.#dtls.dataReceiver = (data) => {
      this.#gatherer.connection.opened()
      toSctp(data)
    }
    const parameters = { negotiated: true, id: 0, ordered: true, label: '', protocol: '' }
    this.#channel = new RTCDataChannel(this.#sctp, new RTCDataChannelParameters(parameters))
    const carrier = this.#makeCarrier(input.onLive)
    this.#channel.stateChanged.subscribe((state) => {
      if (state === 'open') input.onOpen(carrier)
      if (state === 'closed') this.close()
    })
    this.#dtls.onStateChange.subscribe((state) => {
      if (state === 'connected') holdKeys(this.#dtls)
      if (state === 'closed' || state === 'failed') this.close()
    })
  }

  /** The client nominated this path; DTLS begins with the first. */
  select(send: SendTo): void {
    if (this.#closed || !this.#gatherer.connection.select(send)) return
    this.#dtls
      .start()
      .then(() => this.#sctp.start(SCTP_PORT))
      .catch(() => this.close())
  }

  receive(datagram: Buffer): void {
    try {
      this.#gatherer.connection.receive(datagram)
    } catch {
      this.close()
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onGone()
    const quietly = (ended: Promise<unknown>): void => void ended.catch(() => undefined)
    quietly(this.#sctp.stop())
    quietly(this.#dtls.stop())
    quietly(this.#ice.stop())
    for (const listener of this.#closeListeners) listener()
  }

  readonly #closeListeners: (() => void)[] = []

  #makeCarrier(onLive: () => void): Carrier {
    const channel = this.#channel
    const waiting: Buffer[] = []
    const goOn: (() => void)[] = []
    let unsent = 0
    let early: Uint8Array[] = []
    let listener: ((bytes: Uint8Array) => void) | null = null
    channel.onMessage.subscribe((data) => {
      // Text and empty messages are no part of the protocol.
      if (typeof data === 'string' || data.length === 0) return this.close()
      const bytes = new Uint8Array(data)
      if (listener === null) early.push(bytes)
      else listener(bytes)
    })
    const drain = (): void => {
      while (!this.#closed && waiting.length > 0 && channel.bufferedAmount === 0) {
        for (unsent = 0; unsent < MAX_UNSENT; unsent++) {
          const next = waiting.shift()
          if (next === undefined) break
          channel.send(next)
        }
      }
      if (this.#closed || waiting.length <= MAX_UNSENT) for (const go of goOn.splice(0)) go()
    }
    this.#closeListeners.push(drain)
    channel.bufferedAmountLow.subscribe(drain)
    return {
      send: (bytes) => {
        // An empty message would block a werift channel for good.
        if (this.#closed || bytes.length === 0) return
        waiting.push(Buffer.from(bytes))
        drain()
      },
      drained: () =>
        new Promise((resolve) => {
          goOn.push(resolve)
          drain()
        }),
      onMessage(next) {
        listener = next
        const held = early
        early = []
        for (const bytes of held) next(bytes)
      },
      onClose: (next) => void this.#closeListeners.push(next),
      markLive: onLive,
      close: () => this.#closeWhenSent(waiting),
    }
  }

  /** Lets what was sent leave first, within a second. */
  #closeWhenSent(waiting: readonly Buffer[]): void {
    const startedMs = performance.now()
    const check = (): void => {
      const empty = waiting.length === 0 && this.#channel.bufferedAmount === 0
      if (empty || performance.now() - startedMs > 1000) this.close()
      else setTimeout(check, 10)
    }
    check()
  }
}
