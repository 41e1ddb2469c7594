// The fallback endpoint on Cloudflare Workers: the same routes, one Durable Object with SQLite per storage id (SPEC §3.3).
// The page beside it is served by the platform ([assets] in wrangler.toml), its headers come from web/public/_headers.
import { DurableObject } from 'cloudflare:workers'
import type { Hono } from 'hono'
import { toUtf8 } from '../shared/bytes.ts'
import { sha256 } from '../shared/hash.ts'
import type { Put } from '../shared/put.ts'
import { createFallbackApp } from './app.ts'
import {
  createRecordCell,
  DEFAULT_BUCKET,
  type PutOutcome,
  RECORD_EXPIRY_MS,
  type RecordCell,
  type Records,
  type WritePolicy,
} from './cell.ts'
import { runtimeCrypto } from './runtimecrypto.ts'
import {
  type Call,
  type Line,
  type LineState,
  readCall,
  SWITCHBOARD_LIMIT,
  Switchboard,
} from './switchboard.ts'

export interface Env {
  readonly RECORDS: DurableObjectNamespace<RecordObject>
  /** secret; without it no id can be written for the first time */
  readonly DEPLOY_TOKEN?: string
  readonly PUT_BUCKET?: number
  readonly PUT_REFILL_MS?: number
}

/** What a socket keeps while its object sleeps. */
interface Attachment {
  readonly id: string
  readonly origin: string
  readonly state: LineState
}

/** The record and the mailbox of one storage id. It holds no storage until the first write, and none after its expiry. */
export class RecordObject extends DurableObject<Env> {
  #cell = this.#open()
  #switchboard: Switchboard | null = null
  readonly #lines = new WeakMap<CloudWebSocket, Line>()

  get(id: string): Uint8Array | null {
    return this.#cell.get(id, this.nowMs())
  }

  async put(id: string, put: Put, mayCreate: boolean): Promise<PutOutcome> {
    const outcome = this.#cell.put(id, put, mayCreate, this.nowMs())
    if (outcome === 'stored') await this.ctx.storage.setAlarm(this.nowMs() + RECORD_EXPIRY_MS)
    return outcome
  }

  override async alarm(): Promise<void> {
    const expiresMs = this.#cell.expire(this.nowMs())
    if (expiresMs !== null) return this.ctx.storage.setAlarm(expiresMs)
    // The table goes too: an object without storage costs nothing.
    await this.ctx.storage.deleteAll()
    this.#cell = this.#open()
  }

  /** A WebSocket for the mailbox; `readCall` has said yes to it. An id without a record has none. */
  override fetch(request: Request): Response {
    const { pathname, origin } = new URL(request.url)
    const call = readCall(pathname, request.headers.get('Sec-WebSocket-Protocol')) as Call
    if (this.get(call.id) === null) return new Response('missing', { status: 404 })
    const pair = new WebSocketPair()
    this.#take(pair[1], call, origin, request.headers.get('CF-Connecting-IP') ?? '')
    const headers = { 'Sec-WebSocket-Protocol': call.protocol }
    return new Response(null, { status: 101, webSocket: pair[0], headers } as ResponseInit)
  }

  #take(socket: CloudWebSocket, call: Call, origin: string, source: string): void {
    const { id, asHost } = call
    const switchboard = this.#board(id)
    const refused = switchboard.refusal(call, source)
    if (refused !== null) {
      // One that the object may sleep beside cannot be closed before the answer to its upgrade.
      socket.accept()
      socket.close(refused)
      return
    }
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    this.ctx.acceptWebSocket(socket)
    const attachment: Attachment = { id, origin, state: { role: 'over' } }
    socket.serializeAttachment(attachment)
    const line = this.#line(socket)
    if (asHost) {
      switchboard.openHost(line)
      setTimeout(() => switchboard.proofDue(line), SWITCHBOARD_LIMIT.proofMs)
    } else switchboard.openClient(line, source)
  }

  override webSocketMessage(
    socket: CloudWebSocket,
    message: ArrayBuffer | string,
  ): void | Promise<void> {
    const { id, origin } = socket.deserializeAttachment() as Attachment
    const bytes = typeof message === 'string' ? null : new Uint8Array(message)
    return this.#board(id).message(this.#line(socket), bytes, origin)
  }

  override webSocketClose(socket: CloudWebSocket): void {
    const { id } = socket.deserializeAttachment() as Attachment
    this.#board(id).closed(this.#line(socket))
  }

  override webSocketError(socket: CloudWebSocket): void {
    this.webSocketClose(socket)
  }

  #board(id: string): Switchboard {
    this.#switchboard ??= new Switchboard({
      id,
      lines: () => this.ctx.getWebSockets().map((socket) => this.#line(socket)),
      crypto: runtimeCrypto,
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
      nowMs: () => this.nowMs(),
    })
    return this.#switchboard
  }

  #line(socket: CloudWebSocket): Line {
    const known = this.#lines.get(socket)
    if (known !== undefined) return known
    const { id, origin, state: kept } = socket.deserializeAttachment() as Attachment
    let state = kept
    const line: Line = {
      get state() {
        return state
      },
      set state(next) {
        state = next
        const attachment: Attachment = { id, origin, state }
        socket.serializeAttachment(attachment)
      },
      send: (bytes) => quietly(() => socket.send(bytes)),
      close: (code) => quietly(() => socket.close(code)),
    }
    this.#lines.set(socket, line)
    return line
  }

  protected nowMs(): number {
    return Date.now()
  }

  #open(): RecordCell {
    const { sql } = this.ctx.storage
    return createRecordCell(
      (text, ...values) => sql.exec(text, ...values).toArray(),
      bucketOf(this.env),
    )
  }
}

/** A socket whose other end has just gone throws; that it has gone is told by its own event. */
function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // Told by webSocketClose.
  }
}

const bucketOf = ({ PUT_BUCKET, PUT_REFILL_MS }: Env) => ({
  bucket: PUT_BUCKET ?? DEFAULT_BUCKET.bucket,
  refillMs: PUT_REFILL_MS ?? DEFAULT_BUCKET.refillMs,
})

const objectRecords = (namespace: Env['RECORDS']): Records => ({
  get: (id) => namespace.getByName(id).get(id),
  put: (id, put, mayCreate) => namespace.getByName(id).put(id, put, mayCreate),
})

const policyOf = (env: Env): WritePolicy => ({
  kind: 'token',
  tokenHash: env.DEPLOY_TOKEN ? sha256(toUtf8(env.DEPLOY_TOKEN)) : null,
  ...bucketOf(env),
})

/** One app for the life of an isolate. */
let served: { readonly env: Env; readonly app: Hono } | null = null

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    if (served?.env !== env) {
      const app = createFallbackApp({ records: objectRecords(env.RECORDS), policy: policyOf(env) })
      served = { env, app }
    }
    if (request.headers.get('Upgrade') !== 'websocket') return served.app.fetch(request)
    const offered = request.headers.get('Sec-WebSocket-Protocol')
    const call = readCall(new URL(request.url).pathname, offered)
    // What can be no mailbox wakes no Durable Object.
    if (call === null) return new Response('missing', { status: 404 })
    return env.RECORDS.getByName(call.id).fetch(request)
  },
}
