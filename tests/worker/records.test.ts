// The fallback endpoint as a client sees it (SPEC §3.3), on the Node runtime: embedded and with token and bucket.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import { createFallbackApp } from '../../fallback-worker/app.ts'
import { COUNTER_SLACK, RECORD_EXPIRY_MS, type WritePolicy } from '../../fallback-worker/cell.ts'
import { embedFallback, openRecordFile } from '../../fallback-worker/node.ts'
import { concat, toHex, toUtf8, u64 } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { sha256 } from '../../shared/hash.ts'
import { ed25519PublicKey, ed25519Sign } from '../../shared/noble.ts'
import { encodePut, PUT_BYTES, storageId } from '../../shared/put.ts'

const START = 1_800_000_000_000
const secret = new Uint8Array(32).fill(7)
const id = toHex(storageId(ed25519PublicKey(secret)))
const strangerSecret = new Uint8Array(32).fill(8)
const strangerId = toHex(storageId(ed25519PublicKey(strangerSecret)))
const record = (fill: number): Uint8Array => new Uint8Array(RECORD_BYTES).fill(fill)
const body = (ctr: number, fill = 1, writeSecret = secret): Uint8Array =>
  encodePut(writeSecret, { ctr, record: record(fill) })

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

let nowMs = START
function embedded(path = ':memory:'): Hono {
  nowMs = START
  const fallback = embedFallback({ path, ownIds: () => new Set([id]), nowMs: () => nowMs })
  closers.push(() => fallback.close())
  return fallback.app
}

function shared(bucket = 60): Hono {
  nowMs = START
  const policy: WritePolicy = {
    kind: 'token',
    tokenHash: sha256(toUtf8('deploy-token')),
    bucket,
    refillMs: 60_000,
  }
  const file = openRecordFile(':memory:', policy)
  closers.push(() => file.close())
  return createFallbackApp({ records: file.records, policy, nowMs: () => nowMs })
}

async function put(app: Hono, bytes: Uint8Array, at = id, headers = {}): Promise<number> {
  const sent = Uint8Array.from(bytes)
  const response = await app.request(`/v1/records/${at}`, { method: 'PUT', body: sent, headers })
  return response.status
}
const get = (app: Hono, at = id, headers = {}): Promise<Response> =>
  Promise.resolve(app.request(`/v1/records/${at}`, { headers }))
const bytesOf = async (response: Response): Promise<Uint8Array> =>
  new Uint8Array(await response.arrayBuffer())

describe('a write', () => {
  test('is stored and read back byte for byte', async () => {
    const app = embedded()
    expect(await put(app, body(5, 9))).toBe(204)
    const response = await get(app)
    expect(response.status).toBe(200)
    expect(await bytesOf(response)).toEqual(record(9))
  })

  test('has exactly 6248 bytes', () => {
    expect(PUT_BYTES).toBe(6248)
    expect(body(1)).toHaveLength(6248)
  })

  test('agrees with the layout of the SPEC, written out by hand', async () => {
    const signed = concat(
      toUtf8('clawchat/v1 put\0'),
      sha256(toUtf8('clawchat/v1 store id\0'), ed25519PublicKey(secret)),
      u64(77),
      sha256(record(3)),
      record(3),
    )
    const bytes = concat(ed25519PublicKey(secret), u64(77), ed25519Sign(secret, signed), record(3))
    expect(await put(embedded(), bytes)).toBe(204)
  })

  test('needs a greater counter: equal and older are 409 and change nothing', async () => {
    const app = embedded()
    expect(await put(app, body(5, 1))).toBe(204)
    expect(await put(app, body(5, 2))).toBe(409)
    expect(await put(app, body(4, 3))).toBe(409)
    expect(await bytesOf(await get(app))).toEqual(record(1))
    expect(await put(app, body(6, 4))).toBe(204)
    expect(await bytesOf(await get(app))).toEqual(record(4))
  })

  test('of three at once with one counter has exactly one winner', async () => {
    const app = embedded()
    const statuses = await Promise.all([1, 2, 3].map((fill) => put(app, body(5, fill))))
    expect(statuses.toSorted()).toEqual([204, 409, 409])
    const winner = statuses.indexOf(204) + 1
    expect(await bytesOf(await get(app))).toEqual(record(winner))
  })

  test('from two openings of one file has one winner too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clawchat-records-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const one = embedded(join(folder, 'records.sqlite'))
    const two = embedded(join(folder, 'records.sqlite'))
    expect(await put(one, body(5, 1))).toBe(204)
    expect(await put(two, body(5, 2))).toBe(409)
    expect(await bytesOf(await get(two))).toEqual(record(1))
    closers.reverse()
  })

  test.each([0, 40, 103, PUT_BYTES - 1])('with byte %i flipped is refused with 403', async (at) => {
    const app = embedded()
    const bytes = body(5)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    expect(await put(app, bytes)).toBe(403)
    expect((await get(app)).status).toBe(404)
  })

  test('with another counter than the signed one is refused', async () => {
    const bytes = body(5)
    bytes.set(u64(6), 32)
    expect(await put(embedded(), bytes)).toBe(403)
  })

  test('sent to another id is refused, even to an own one', async () => {
    const app = embedded()
    expect(await put(app, body(5, 1, strangerSecret), id)).toBe(403)
    expect(await put(app, body(5), strangerId)).toBe(403)
  })

  test.each([0, 1, PUT_BYTES - 1, PUT_BYTES + 1, 1 << 20])('of %i bytes is 413', async (length) => {
    expect(await put(embedded(), new Uint8Array(length))).toBe(413)
  })

  test('that streams without end is cut after the limit', async () => {
    let sent = 0
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 4096
        controller.enqueue(new Uint8Array(4096))
      },
    })
    const init = { method: 'PUT', body: stream, duplex: 'half' }
    const response = await embedded().request(`/v1/records/${id}`, init as RequestInit)
    expect(response.status).toBe(413)
    expect(sent).toBeLessThanOrEqual(PUT_BYTES + 3 * 4096)
  })

  test('may go to the counter bound, and one above is 400', async () => {
    const app = embedded()
    expect(await put(app, body(START + COUNTER_SLACK + 1))).toBe(400)
    expect((await get(app)).status).toBe(404)
    expect(await put(app, body(START + COUNTER_SLACK))).toBe(204)
    expect(await put(app, body(START + 2 * COUNTER_SLACK + 1))).toBe(400)
    expect(await put(app, body(START + 2 * COUNTER_SLACK))).toBe(204)
  })

  test('with a counter beyond 2^53 is 400', async () => {
    const bytes = body(5)
    bytes.set(u64(2n ** 63n), 32)
    expect(await put(embedded(), bytes)).toBe(400)
  })

  test.each(['x', id.toUpperCase(), `${id}00`, id.slice(2)])('to the id %s is 400', async (at) => {
    expect(await put(embedded(), body(5), at)).toBe(400)
  })

  test('of a foreign id is refused by the embedded endpoint although it certifies itself', async () => {
    const app = embedded()
    expect(await put(app, body(5, 1, strangerSecret), strangerId)).toBe(403)
    expect((await get(app, strangerId)).status).toBe(404)
  })
})

describe('a read', () => {
  test('of an unknown id is 404 and creates nothing', async () => {
    const file = openRecordFile(':memory:', { kind: 'own', ids: () => new Set([id]) })
    closers.push(() => file.close())
    const policy: WritePolicy = { kind: 'own', ids: () => new Set([id]) }
    const app = createFallbackApp({ records: file.records, policy, nowMs: () => START })
    expect((await get(app)).status).toBe(404)
    expect((await get(app, 'nonsense')).status).toBe(404)
    expect(await put(app, body(1))).toBe(204)
  })

  test('carries the headers a page needs', async () => {
    const app = embedded()
    await put(app, body(5))
    const { headers } = await get(app)
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-expose-headers')).toBe('ETag, Date')
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    const missing = (await get(app, strangerId)).headers
    expect(missing.get('access-control-allow-origin')).toBe('*')
    expect(missing.get('access-control-expose-headers')).toContain('Date')
  })

  test('answers 304 to the current ETag only', async () => {
    const app = embedded()
    await put(app, body(5, 1))
    const etag = (await get(app)).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const same = await get(app, id, { 'If-None-Match': tag })
      expect(same.status).toBe(304)
      expect(await bytesOf(same)).toHaveLength(0)
    }
    await put(app, body(6, 2))
    const changed = await get(app, id, { 'If-None-Match': etag })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(etag)
  })

  test('may be preflighted, a write from another origin may not', async () => {
    const response = await embedded().request(`/v1/records/${id}`, { method: 'OPTIONS' })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, HEAD')
  })

  test('HEAD gives the headers without the body', async () => {
    const app = embedded()
    await put(app, body(5))
    const response = await app.request(`/v1/records/${id}`, { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(await bytesOf(response)).toHaveLength(0)
  })

  test('finds a record for 30 days after its last write', async () => {
    const app = embedded()
    await put(app, body(5))
    nowMs = START + RECORD_EXPIRY_MS - 1
    expect((await get(app)).status).toBe(200)
    nowMs = START + RECORD_EXPIRY_MS
    expect((await get(app)).status).toBe(404)
  })

  test('survives closing and opening the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'clawchat-records-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'records.sqlite')
    const first = embedFallback({ path, ownIds: () => new Set([id]), nowMs: () => START })
    expect(await put(first.app, body(5, 3))).toBe(204)
    first.close()
    expect(await bytesOf(await get(embedded(path)))).toEqual(record(3))
    closers.reverse()
  })
})

describe('a shared endpoint', () => {
  const bearer = { Authorization: 'Bearer deploy-token' }

  test('takes the first write of an id with the token only, later ones without', async () => {
    const app = shared()
    expect(await put(app, body(1))).toBe(403)
    expect(await put(app, body(1), id, { Authorization: 'Bearer wrong' })).toBe(403)
    expect(await put(app, body(1), id, bearer)).toBe(204)
    expect(await put(app, body(2))).toBe(204)
    expect(await put(app, body(1, 1, strangerSecret), strangerId)).toBe(403)
  })

  test('allows 60 writes, refuses the 61st with 429, and one more a minute later', async () => {
    const app = shared()
    expect(await put(app, body(1), id, bearer)).toBe(204)
    for (let ctr = 2; ctr <= 60; ctr++) expect(await put(app, body(ctr))).toBe(204)
    expect(await put(app, body(61))).toBe(429)
    nowMs += 59_999
    expect(await put(app, body(61))).toBe(429)
    nowMs += 1
    expect(await put(app, body(61))).toBe(204)
    expect(await put(app, body(62))).toBe(429)
  })

  test('a replayed write costs its owner nothing', async () => {
    const app = shared(2)
    expect(await put(app, body(1), id, bearer)).toBe(204)
    for (let i = 0; i < 5; i++) expect(await put(app, body(1))).toBe(409)
    expect(await put(app, body(2))).toBe(204)
    expect(await put(app, body(3))).toBe(429)
  })
})

test('healthz answers, everything else is 404', async () => {
  const app = embedded()
  expect(await (await app.request('/healthz')).text()).toBe('ok')
  expect((await app.request('/')).status).toBe(404)
  expect((await app.request('/v1/records')).status).toBe(404)
  expect((await app.request(`/v1/records/${id}`, { method: 'DELETE' })).status).toBe(404)
})
