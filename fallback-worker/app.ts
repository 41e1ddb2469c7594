// The fallback endpoint's routes (SPEC §3.3): records that certify themselves, readable by any page.
import { type Context, Hono } from 'hono'
import { equal, fromHex, toHex, toUtf8 } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { checkPut, PUT_BYTES } from '../shared/put.ts'
import type { PutOutcome, Records, WritePolicy } from './cell.ts'
import { runtimeCrypto, sha256 } from './runtimecrypto.ts'

const ID = /^[0-9a-f]{64}$/
const STATUS = {
  stored: 204,
  'counter-too-high': 400,
  forbidden: 403,
  token: 403,
  'counter-not-greater': 409,
  rate: 429,
} as const satisfies Record<PutOutcome, number>

export interface FallbackInput {
  readonly records: Records
  readonly policy: WritePolicy
}

/** `GET/PUT /v1/records/:id` and `/healthz`; answers nothing else. Bodies of refusals are one short word. */
export function createFallbackApp({ records, policy }: FallbackInput): Hono {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.header('Access-Control-Allow-Origin', '*')
    // Date also with a 404: a page learns from it whether its clock is wrong.
    c.header('Access-Control-Expose-Headers', 'ETag, Date')
    c.header('Cross-Origin-Resource-Policy', 'cross-origin')
    c.header('X-Content-Type-Options', 'nosniff')
  })
  app.get('/healthz', (c) => c.text('ok', 200, { 'Cache-Control': 'no-store' }))
  app.options('/v1/records/:id', (c) => {
    // Pages only read: a browser gets no leave to write from another origin.
    c.header('Access-Control-Allow-Methods', 'GET, HEAD')
    c.header('Access-Control-Allow-Headers', 'If-None-Match')
    c.header('Access-Control-Max-Age', '86400')
    return c.body(null, 204)
  })
  app.get('/v1/records/:id', async (c) => {
    const id = c.req.param('id')
    // What can be no id wakes no Durable Object.
    const record = ID.test(id) ? await records.get(id) : null
    c.header('Cache-Control', 'no-store')
    if (record === null) return c.text('missing', 404)
    return answerRecord(c, record)
  })
  app.put('/v1/records/:id', async (c) => {
    const id = c.req.param('id')
    if (!ID.test(id)) return c.text('malformed', 400)
    const body = await readExactly(c.req.raw, PUT_BYTES)
    if (body === null) return c.text('length', 413)
    try {
      const put = await checkPut(fromHex(id), body, runtimeCrypto)
      const outcome = mayWrite(policy, id)
        ? await records.put(id, put, await mayCreate(policy, c.req.header('Authorization')))
        : 'forbidden'
      return outcome === 'stored' ? c.body(null, 204) : c.text(outcome, STATUS[outcome])
    } catch (error) {
      if (!(error instanceof ClawError)) throw error
      return error.code === 'malformed' ? c.text('malformed', 400) : c.text('forbidden', 403)
    }
  })
  app.notFound((c) => c.text('missing', 404))
  app.onError((_, c) => c.text('internal', 500))
  return app
}

async function answerRecord(c: Context, record: Uint8Array): Promise<Response> {
  const hash = await sha256(record)
  const etag = `"${toHex(hash.slice(0, 16))}"`
  c.header('ETag', etag)
  if (matches(c.req.header('If-None-Match'), etag)) return c.body(null, 304)
  c.header('Content-Type', 'application/octet-stream')
  return c.body(Uint8Array.from(record))
}

/** RFC 9110 §13.1.2: a list of tags, weakly compared, or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
}

const mayWrite = (policy: WritePolicy, id: string): boolean =>
  policy.kind === 'token' || policy.ids().has(id)

async function mayCreate(policy: WritePolicy, authorization: string | undefined): Promise<boolean> {
  if (policy.kind === 'own') return true
  if (policy.tokenHash === null) return false
  const token = authorization?.match(/^Bearer ([\x21-\x7e]{1,256})$/)?.[1]
  return token !== undefined && equal(await sha256(toUtf8(token)), policy.tokenHash)
}

/** The body if it has exactly `length` bytes; reads no further than one chunk past that. */
async function readExactly(request: Request, length: number): Promise<Uint8Array | null> {
  const announced = request.headers.get('Content-Length')
  if (announced !== null && Number(announced) !== length) return null
  if (request.body === null) return null
  const out = new Uint8Array(length)
  let at = 0
  const reader = request.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (at + value.length > length) {
      await reader.cancel()
      return null
    }
    out.set(value, at)
    at += value.length
  }
  return at === length ? out : null
}
