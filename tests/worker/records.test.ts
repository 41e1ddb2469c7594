// The record endpoint to the exact limit, on a clock that stands still, and what only the embedded one does (SPEC §3.3).
// Everything else is in contract.ts, for every runtime.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import { COUNTER_SLACK, RECORD_EXPIRY_MS, type WritePolicy } from '../../fallback-worker/cell.ts'
import { embedFallback, openFallback, openRecordFile } from '../../fallback-worker/node.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { sha256 } from '../../shared/hash.ts'
import { PUT_BYTES } from '../../shared/put.ts'
import { BEARER, bytesOf, DEPLOY_TOKEN, record, writer } from './endpoint.ts'

const START = 1_800_000_000_000
const own = writer(new Uint8Array(32).fill(7))
const stranger = writer(new Uint8Array(32).fill(8))
const { id, body } = own
const ownIds = (): ReadonlySet<string> => new Set([id])

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

let nowMs = START
function embedded(path = ':memory:'): Hono {
  nowMs = START
  const fallback = embedFallback({ path, ownIds, nowMs: () => nowMs })
  closers.push(() => fallback.close())
  return fallback.app
}

function shared(bucket = 60): Hono {
  nowMs = START
  const tokenHash = sha256(toUtf8(DEPLOY_TOKEN))
  const policy: WritePolicy = { kind: 'token', tokenHash, bucket, refillMs: 60_000 }
  const fallback = openFallback({ path: ':memory:', policy, nowMs: () => nowMs })
  closers.push(() => fallback.close())
  return fallback.app
}

async function put(app: Hono, bytes: Uint8Array, at = id, headers = {}): Promise<number> {
  const sent = Uint8Array.from(bytes)
  const response = await app.request(`/v1/records/${at}`, { method: 'PUT', body: sent, headers })
  return response.status
}
const get = (app: Hono, at = id): Promise<Response> =>
  Promise.resolve(app.request(`/v1/records/${at}`))

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clawchat-records-'))
  closers.push(() => rmSync(folder, { recursive: true }))
  return join(folder, 'records.sqlite')
}

describe('the embedded endpoint', () => {
  test('takes its own id without token or limit', async () => {
    const app = embedded()
    for (let ctr = 1; ctr <= 70; ctr++) expect(await put(app, body(ctr))).toBe(204)
    expect(await bytesOf(await get(app))).toEqual(record(1))
  })

  test('refuses a foreign id although it certifies itself', async () => {
    const app = embedded()
    expect(await put(app, stranger.body(5), stranger.id)).toBe(403)
    expect(await put(app, stranger.body(5), stranger.id, BEARER)).toBe(403)
    expect((await get(app, stranger.id)).status).toBe(404)
  })

  test('of two openings of one file has one winner', async () => {
    const path = temporary()
    const [one, two] = [embedded(path), embedded(path)]
    expect(await put(one, body(5, 1))).toBe(204)
    expect(await put(two, body(5, 2))).toBe(409)
    expect(await bytesOf(await get(two))).toEqual(record(1))
  })

  test('survives closing and opening the file', async () => {
    const path = temporary()
    const first = embedFallback({ path, ownIds, nowMs: () => START })
    expect(await put(first.app, body(5, 3))).toBe(204)
    first.close()
    expect(await bytesOf(await get(embedded(path)))).toEqual(record(3))
  })
})

describe('to the limit', () => {
  test('a write has exactly 6248 bytes', () => {
    expect(PUT_BYTES).toBe(6248)
    expect(body(1)).toHaveLength(6248)
  })

  test('a body that streams without end is cut after it', async () => {
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

  test('a counter may go there, and one above is 400', async () => {
    const app = embedded()
    expect(await put(app, body(START + COUNTER_SLACK + 1))).toBe(400)
    expect((await get(app)).status).toBe(404)
    expect(await put(app, body(START + COUNTER_SLACK))).toBe(204)
    expect(await put(app, body(START + 2 * COUNTER_SLACK + 1))).toBe(400)
    expect(await put(app, body(START + 2 * COUNTER_SLACK))).toBe(204)
  })

  test('a record is found for 30 days, and not a millisecond longer', async () => {
    const app = embedded()
    await put(app, body(5))
    nowMs = START + RECORD_EXPIRY_MS - 1
    expect((await get(app)).status).toBe(200)
    nowMs = START + RECORD_EXPIRY_MS
    expect((await get(app)).status).toBe(404)
  })

  test('60 writes pass, the 61st a minute later and not a millisecond before', async () => {
    const app = shared()
    expect(await put(app, body(1), id, BEARER)).toBe(204)
    for (let ctr = 2; ctr <= 60; ctr++) expect(await put(app, body(ctr))).toBe(204)
    expect(await put(app, body(61))).toBe(429)
    nowMs += 59_999
    expect(await put(app, body(61))).toBe(429)
    nowMs += 1
    expect(await put(app, body(61))).toBe(204)
    expect(await put(app, body(62))).toBe(429)
  })

  test('the bucket never holds more than it holds, however long nobody wrote', async () => {
    const app = shared(2)
    expect(await put(app, body(1), id, BEARER)).toBe(204)
    nowMs += 29 * 24 * 3_600_000
    expect(await put(app, body(2))).toBe(204)
    expect(await put(app, body(3))).toBe(204)
    expect(await put(app, body(4))).toBe(429)
  })

  test('expiry says when it is due next', () => {
    const file = openRecordFile(':memory:', { kind: 'own', ids: ownIds })
    closers.push(() => file.close())
    expect(file.records.expire(START)).toBeNull()
    file.records.put(id, { ctr: 1, record: record(1) }, true, START)
    file.records.put(stranger.id, { ctr: 1, record: record(1) }, true, START + 5)
    expect(file.records.expire(START + 1)).toBe(START + RECORD_EXPIRY_MS)
    expect(file.records.expire(START + RECORD_EXPIRY_MS)).toBe(START + 5 + RECORD_EXPIRY_MS)
    expect(file.records.expire(START + 5 + RECORD_EXPIRY_MS)).toBeNull()
  })
})
