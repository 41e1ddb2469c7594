// The stores: a file on a real file system, and an endpoint over HTTP on loopback with the real fallback app.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFallback } from '../../fallback-worker/node.ts'
import { fileStore, httpsStore } from '../../host/stores.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { sha256 } from '../../shared/hash.ts'

const writeSecret = new Uint8Array(32).fill(7)
const record = (fill: number): Uint8Array => new Uint8Array(RECORD_BYTES).fill(fill)
let dir = ''
const servers: Server[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-store-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  rmSync(dir, { recursive: true })
})

async function serve(listener: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a file: nothing at first, then the newest record, whole and readable by a web server', async () => {
  const store = fileStore(join(dir, 'a', 'record'))
  expect(store.name).toBe('file')
  expect(await store.get()).toBeNull()
  await store.put(1, record(1))
  await store.put(2, record(2))
  expect(await store.get()).toEqual(record(2))
  expect(readdirSync(join(dir, 'a'))).toEqual(['record'])
  expect(statSync(join(dir, 'a', 'record')).mode & 0o444).toBe(0o444)
})

test('a file: what is no record is refused, what cannot be reached says so', async () => {
  const path = join(dir, 'record')
  await expect(fileStore(path).put(1, new Uint8Array(5))).rejects.toThrow('record-malformed')
  writeFileSync(path, 'short')
  await expect(fileStore(path).get()).rejects.toThrow('store-refused')
  const below = fileStore(join(path, 'below'))
  await expect(below.put(1, record(1))).rejects.toThrow('store-unreachable')
  await expect(below.get()).rejects.toThrow('store-unreachable')
})

test('an endpoint: token for the first write, counters only upwards', async () => {
  const policy = {
    kind: 'token',
    tokenHash: sha256(toUtf8('token')),
    bucket: 60,
    refillMs: 60_000,
  } as const
  const file = openFallback({ path: ':memory:', policy, nowMs: () => 1_800_000_000_000 })
  const url = await serve(getRequestListener(file.app.fetch))
  const bare = httpsStore({ name: 'x', url, writeSecret })
  expect(await bare.get()).toBeNull()
  await expect(bare.put(5, record(1))).rejects.toThrow('store-token')
  await httpsStore({ name: 'x', url, writeSecret, token: 'token' }).put(5, record(1))
  await bare.put(6, record(2))
  await expect(bare.put(6, record(3))).rejects.toThrow('store-refused')
  expect(await bare.get()).toEqual(record(2))
  file.close()
})

test('an endpoint that fails, redirects, answers too much or nothing at all', async () => {
  let answer: Parameters<typeof createServer>[1] = (_, response) => response.end()
  const url = await serve((request, response) => answer?.(request, response))
  const store = httpsStore({ name: 'x', url, writeSecret, timeoutMs: 300 })
  const status = (code: number): void => {
    answer = (_, response) => {
      response.writeHead(code, { location: '/elsewhere' }).end()
    }
  }
  for (const code of [429, 500, 503, 302, 307]) {
    status(code)
    await expect(store.put(1, record(1))).rejects.toThrow('store-unreachable')
  }
  for (const code of [400, 403, 409, 413]) {
    status(code)
    await expect(store.put(1, record(1))).rejects.toThrow('store-refused')
  }
  const bodies = {
    token: 'store-token',
    forbidden: 'store-refused',
    [`token${'x'.repeat(99)}`]: 'store-refused',
  }
  for (const [word, code] of Object.entries(bodies)) {
    answer = (_, response) => response.writeHead(403).end(word)
    await expect(store.put(1, record(1))).rejects.toThrow(code)
    await expect(store.get()).rejects.toThrow('store-refused')
  }
  for (const length of [0, RECORD_BYTES - 1, RECORD_BYTES + 1, 4 * RECORD_BYTES]) {
    answer = (_, response) => response.end(new Uint8Array(length))
    await expect(store.get()).rejects.toThrow('store-refused')
  }
  answer = () => undefined
  await expect(store.get()).rejects.toThrow('store-unreachable')
  const gone = httpsStore({ name: 'x', url: 'http://127.0.0.1:1', writeSecret })
  await expect(gone.get()).rejects.toThrow('store-unreachable')
})
