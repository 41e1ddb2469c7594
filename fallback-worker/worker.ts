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

export interface Env {
  readonly RECORDS: DurableObjectNamespace<RecordObject>
  /** secret; without it no id can be written for the first time */
  readonly DEPLOY_TOKEN?: string
  readonly PUT_BUCKET?: number
  readonly PUT_REFILL_MS?: number
}

/** The record of one storage id. It holds no storage until the first write, and none after its expiry. */
export class RecordObject extends DurableObject<Env> {
  #cell = this.#open()

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
    return served.app.fetch(request)
  },
}
