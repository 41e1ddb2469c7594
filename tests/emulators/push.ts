// A push service (RFC 8030, RFC 8292) over TLS on loopback, and the browser behind it (RFC 8291): it takes what a real one
// takes, refuses what a real one refuses, and gives the test what came. Written from the RFCs, apart from host/webpush.ts.
import { createDecipheriv, createPublicKey, type ECDH, hkdfSync, verify } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { pushPair } from '../../host/webpush.ts'
import { selfSigned } from '../worker/certificate.ts'

const DAY_MS = 86_400_000
const MAX_BODY_BYTES = 4096

/** @returns the sender's key as it stands in the header, or null for one that a push service refuses */
export function checkVapid(header: string, audience: string, nowMs: number): string | null {
  const [, head = '', body = '', signature = '', key = ''] =
    /^vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)$/.exec(header) ?? []
  if (key === '') return null
  const point = Buffer.from(key, 'base64url')
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) =>
    half.toString('base64url'),
  )
  const jwk = { kty: 'EC', crv: 'P-256', x: String(x), y: String(y) }
  const publicKey = createPublicKey({ format: 'jwk', key: jwk })
  const signed = verify(
    'sha256',
    Buffer.from(`${head}.${body}`),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  )
  const { alg } = JSON.parse(String(Buffer.from(head, 'base64url'))) as { alg: string }
  const { aud, exp } = JSON.parse(String(Buffer.from(body, 'base64url'))) as {
    aud: string
    exp: number
  }
  const isLive = exp * 1000 > nowMs && exp * 1000 <= nowMs + DAY_MS
  return signed && alg === 'ES256' && aud === audience && isLive ? key : null
}

/** As a browser opens it (RFC 8291 §3.4, RFC 8188 §2). Throws for what was not sealed for it. */
export function openPush(sealed: Uint8Array, browser: ECDH, auth: Uint8Array): Uint8Array {
  const body = Buffer.from(sealed)
  const salt = body.subarray(0, 16)
  const sender = body.subarray(21, 21 + body.readUInt8(20))
  const record = body.subarray(21 + sender.length)
  const agreed = browser.computeSecret(sender)
  const derive = (key: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) =>
    Buffer.from(hkdfSync('sha256', key, salt, info, length))
  const about = Buffer.concat([Buffer.from('WebPush: info\0'), browser.getPublicKey(), sender])
  const key = derive(agreed, auth, about, 32)
  const contentKey = derive(key, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16)
  const nonce = derive(key, salt, Buffer.from('Content-Encoding: nonce\0'), 12)
  const decipher = createDecipheriv('aes-128-gcm', contentKey, nonce)
  decipher.setAuthTag(record.subarray(-16))
  const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()])
  const end = plain.findLastIndex((byte) => byte !== 0)
  if (plain[end] !== 2) throw new Error('the last record ends in 2')
  return new Uint8Array(plain.subarray(0, end))
}

export interface Delivery {
  readonly path: string
  readonly plain: Uint8Array
  /** of the whole body */
  readonly bytes: number
  readonly topic: string | undefined
  readonly ttl: string | undefined
  /** the sender's key, base64url */
  readonly sender: string
}

/** What the page of a browser would hand to its host. */
export interface Subscription {
  readonly endpoint: string
  readonly p256dh: Uint8Array
  readonly auth: Uint8Array
}

// One for all: several of one name in a list of trusted ones are mistaken for each other.
const CERTIFICATE = selfSigned(['localhost'])

export class PushService {
  readonly deliveries: Delivery[] = []
  /** of whatever kind */
  requests = 0
  /** answered instead of 201; null: none */
  refusal: number | null = null
  /** where a refusal of 3xx leads */
  location = ''
  readonly cert = CERTIFICATE.cert
  readonly #browsers = new Map<string, { readonly pair: ECDH; readonly auth: Uint8Array }>()
  readonly #came = new EventEmitter()
  readonly #server

  constructor() {
    this.#server = createServer(CERTIFICATE, async (request, response) => {
      this.requests += 1
      const body = Buffer.concat(await request.toArray())
      const status = this.refusal ?? this.#take(String(request.url), request.headers, body)
      response.writeHead(status, this.location === '' ? {} : { Location: this.location }).end()
      this.#came.emit('request', status)
    })
  }

  #take(path: string, headers: NodeJS.Dict<string | string[]>, body: Buffer): number {
    const browser = this.#browsers.get(path)
    if (browser === undefined) return 404
    const sender = checkVapid(String(headers.authorization), this.origin, Date.now())
    if (sender === null) return 403
    if (headers.ttl === undefined || headers['content-encoding'] !== 'aes128gcm') return 400
    if (body.length > MAX_BODY_BYTES) return 413
    const plain = openPush(body, browser.pair, browser.auth)
    const [topic, ttl] = [headers.topic, headers.ttl].map((value) => value?.toString())
    this.deliveries.push({ path, plain, bytes: body.length, topic, ttl, sender })
    return 201
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get host(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`
  }

  get origin(): string {
    return `https://${this.host}`
  }

  subscribe(name: string): Subscription {
    const pair = pushPair()
    const auth = crypto.getRandomValues(new Uint8Array(16))
    const path = `/push/${name}`
    this.#browsers.set(path, { pair, auth })
    const p256dh = new Uint8Array(pair.getPublicKey())
    return { endpoint: `${this.origin}${path}`, p256dh, auth }
  }

  /** As when the browser's person takes the permission back. */
  forget(name: string): void {
    this.#browsers.delete(`/push/${name}`)
  }

  /** The status of the next request. */
  async next(): Promise<number> {
    const [status] = (await once(this.#came, 'request')) as [number]
    return status
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
