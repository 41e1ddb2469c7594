// The HTTP listener over real loopback sockets: whom it answers, with which headers, and what it never does.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embedFallback, type Fallback } from '../../fallback-worker/node.ts'
import { createHttp, type HttpServer } from '../../host/http.ts'
import { toHex } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { encodePut, storageId } from '../../shared/put.ts'

const LONG = 'export const words = [];\n'.repeat(100)
const secret = new Uint8Array(32).fill(3)
const id = toHex(storageId(ed25519PublicKey(secret)))
let folder = ''
let fallback: Fallback
let http: HttpServer
let port = 0
let stores = ['https://worker.example', 'http://127.0.0.1:9']

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'clawchat-http-'))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(folder, 'build.json'), '{"version":"0"}')
  writeFileSync(join(folder, 'assets/main-AbCd1234.js'), 'export {}')
  writeFileSync(join(folder, 'assets/long-AbCd1234.js'), LONG)
  fallback = embedFallback({ path: ':memory:', ownIds: () => new Set([id]), nowMs: Date.now })
  http = await createHttp({
    pageDir: folder,
    stores: () => stores,
    hostNames: ['Chat.example'],
    fallback: fallback.app,
  })
  port = (await http.listen('127.0.0.1', 0)).port
})
afterAll(async () => {
  await http.close()
  fallback.close()
  rmSync(folder, { recursive: true })
})

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}
interface Ask {
  method?: string
  headers?: Record<string, string>
  body?: Uint8Array
  host?: string
  at?: number
}

/** node:http rather than fetch, which does not let the Host header be set. */
function ask(path: string, options: Ask = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, host = '127.0.0.1', at = port } = options
  return new Promise((done, fail) => {
    const sent = request({ host, port: at, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode = 0, headers: got } = response
        done({ status: statusCode, headers: got, body: Buffer.concat(chunks) })
      })
    })
    sent.on('error', fail)
    sent.end(body)
  })
}

describe('whom it answers', () => {
  test.each(['127.0.0.1:PORT', 'localhost:PORT', 'LOCALHOST:PORT', '[::1]:PORT', 'chat.example'])(
    'the name %s',
    async (name) => {
      const answer = await ask('/', { headers: { host: name.replace('PORT', String(port)) } })
      expect(answer.status).toBe(200)
    },
  )

  test.each([
    'evil.example:PORT',
    'evil.example',
    '127.0.0.1',
    '127.0.0.1:1',
    '127.0.0.1.evil.example:PORT',
    'localhost.evil.example:PORT',
    'user@127.0.0.1:PORT',
    '192.168.1.5:PORT',
    'chat.example:PORT',
    '127.0.0.1:PORT/x',
  ])('not the name %j, on any path', async (name) => {
    const host = name.replace('PORT', String(port))
    for (const path of ['/', '/build.json', `/v1/records/${id}`, '/healthz']) {
      const answer = await ask(path, { headers: { host } })
      expect([400, 421]).toContain(answer.status)
      expect(answer.body.toString()).not.toContain('doctype')
    }
  })

  test('a rebound name gets 421 and a sentence', async () => {
    const answer = await ask('/', { headers: { host: `evil.example:${port}` } })
    expect(answer.status).toBe(421)
    expect(answer.body.toString()).toBe('This address does not belong to this ClawChat host.\n')
  })

  test.each(['evil.example', ''])(
    'the Host header %j counts, not an absolute request target',
    async (name) => {
      const answer = await new Promise<string>((done, fail) => {
        let got = ''
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(
            `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
          )
        })
        socket.on('data', (chunk) => {
          got += chunk.toString()
        })
        socket.on('close', () => done(got))
        socket.on('error', fail)
      })
      expect(answer).toMatch(/^HTTP\/1\.1 4/)
      expect(answer).not.toContain('doctype')
    },
  )

  test('a second listener answers for its own address, not for the first one', async () => {
    const second = await http.listen('127.0.0.2', 0)
    const own = { host: `127.0.0.2:${second.port}` }
    expect((await ask('/', { host: '127.0.0.2', at: second.port, headers: own })).status).toBe(200)
    const first = { host: `127.0.0.1:${port}` }
    expect((await ask('/', { host: '127.0.0.2', at: second.port, headers: first })).status).toBe(
      421,
    )
  })
})

describe('the page', () => {
  test('comes with strict headers', async () => {
    const { headers, body } = await ask('/')
    expect(body.toString()).toBe('<!doctype html><title>page</title>')
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['cache-control']).toBe('no-cache')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['referrer-policy']).toBe('no-referrer')
    expect(headers['cross-origin-opener-policy']).toBe('same-origin')
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
    expect(headers['permissions-policy']).toContain('microphone=(self)')
    expect(headers['permissions-policy']).toContain('camera=(self)')
    expect(headers['access-control-allow-origin']).toBeUndefined()
    const policy = String(headers['content-security-policy']).split('; ')
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(policy).toContain(rule)
    }
    expect(policy.join()).not.toContain('unsafe')
  })

  test('may connect to the configured stores only, as they are now', async () => {
    const rule = async (): Promise<string | undefined> =>
      String((await ask('/')).headers['content-security-policy'])
        .split('; ')
        .find((part) => part.startsWith('connect-src'))
    expect(await rule()).toBe(
      "connect-src 'self' https://worker.example/v1/records/ http://127.0.0.1:9/v1/records/ wss://worker.example/v1/mailbox/ ws://127.0.0.1:9/v1/mailbox/",
    )
    stores = []
    expect(await rule()).toBe("connect-src 'self'")
  })

  test('may also ask MEGA where that is a store, and is told of another gateway than its own', async () => {
    const page = (own: boolean, gateway: string): Promise<HttpServer> =>
      createHttp({
        pageDir: withHead,
        stores: () => [],
        mega: { own, gateway },
        hostNames: [],
        fallback: fallback.app,
      })
    const withHead = join(folder, 'head')
    mkdirSync(withHead)
    writeFileSync(join(withHead, 'index.html'), '<head></head>')
    const servers = [await page(true, 'https://m.example'), await page(false, 'http://127.0.0.1:9')]
    const answers = await Promise.all(
      servers.map(async (server) => ask('/', { at: (await server.listen('127.0.0.1', 0)).port })),
    )
    for (const server of servers) await server.close()
    const [own, other] = answers
    expect(own?.headers['content-security-policy']).toContain("'self' https://m.example/cs;")
    expect(own?.body.toString()).toBe('<head></head>')
    expect(other?.headers['content-security-policy']).toContain("'self' http://127.0.0.1:9/cs;")
    expect(other?.body.toString()).toContain('content="http://127.0.0.1:9"')
    expect(other?.headers.etag).not.toBe(own?.headers.etag)
  })

  test.each(['gzip', 'br, gzip', 'deflate, GZIP'])(
    'is sent gzipped to who takes %s',
    async (accepted) => {
      const path = '/assets/long-AbCd1234.js'
      const plain = await ask(path)
      expect(plain.headers['content-encoding']).toBeUndefined()
      expect(plain.headers.vary).toBe('Accept-Encoding')
      expect(plain.body.toString()).toBe(LONG)
      const headers = { 'Accept-Encoding': accepted }
      const short = await ask(path, { headers })
      expect(short.headers['content-encoding']).toBe('gzip')
      expect(short.headers['content-type']).toBe(plain.headers['content-type'])
      expect(short.headers.vary).toBe('Accept-Encoding')
      expect(short.body.length).toBeLessThan(LONG.length / 10)
      expect(gunzipSync(short.body).toString()).toBe(LONG)
      expect(short.headers.etag).not.toBe(plain.headers.etag)
      const again = { ...headers, 'If-None-Match': String(short.headers.etag) }
      expect((await ask(path, { headers: again })).status).toBe(304)
    },
  )

  test.each(['', 'br', 'gzip;q=0', 'x-gzip2'])(
    'is sent as it is to who takes "%s"',
    async (accepted) => {
      const headers = { 'Accept-Encoding': accepted }
      const answer = await ask('/assets/long-AbCd1234.js', { headers })
      expect(answer.headers['content-encoding']).toBeUndefined()
      expect(answer.body.toString()).toBe(LONG)
    },
  )

  test('what gzip would make longer is sent as it is', async () => {
    const answer = await ask('/build.json', { headers: { 'Accept-Encoding': 'gzip' } })
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.body.toString()).toBe('{"version":"0"}')
  })

  test('hashed assets are kept, others asked for again with their ETag', async () => {
    const asset = await ask('/assets/main-AbCd1234.js')
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(asset.headers['content-type']).toBe('text/javascript; charset=utf-8')
    const build = await ask('/build.json')
    expect(build.headers['cache-control']).toBe('no-cache')
    const again = await ask('/build.json', {
      headers: { 'If-None-Match': String(build.headers.etag) },
    })
    expect(again.status).toBe(304)
    expect(again.body).toHaveLength(0)
  })

  test.each(['/../package.json', '/%2e%2e/package.json', '/assets/', '/nothing', '//etc/passwd'])(
    'nothing else is served: %s',
    async (path) => {
      expect((await ask(path)).status).toBe(404)
    },
  )

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is not allowed', async (method) => {
    const answer = await ask('/', { method })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
  })
})

describe('the endpoint behind it', () => {
  test('takes a certified write and gives it to any origin', async () => {
    const record = new Uint8Array(RECORD_BYTES).fill(5)
    const body = encodePut(secret, { ctr: 1, record })
    expect((await ask(`/v1/records/${id}`, { method: 'PUT', body })).status).toBe(204)
    const answer = await ask(`/v1/records/${id}`)
    expect(answer.headers['access-control-allow-origin']).toBe('*')
    expect(answer.headers['cross-origin-resource-policy']).toBe('cross-origin')
    expect(new Uint8Array(answer.body)).toEqual(record)
    expect((await ask('/healthz')).body.toString()).toBe('ok')
  })

  test('refuses one byte more, announced or not', async () => {
    const body = new Uint8Array(6249)
    expect((await ask(`/v1/records/${id}`, { method: 'PUT', body })).status).toBe(413)
    const headers = { 'Transfer-Encoding': 'chunked' }
    expect((await ask(`/v1/records/${id}`, { method: 'PUT', body, headers })).status).toBe(413)
  })
})

test('a taken port and a foreign address are told apart', async () => {
  await expect(http.listen('127.0.0.1', port)).rejects.toThrow(new ClawError('port-taken'))
  await expect(http.listen('192.0.2.1', 0)).rejects.toThrow(new ClawError('address-unusable'))
})

test('without a built page there is no server', async () => {
  const missing = createHttp({
    pageDir: join(folder, 'none'),
    stores: () => [],
    hostNames: [],
    fallback: fallback.app,
  })
  await expect(missing).rejects.toThrow(new ClawError('page-missing'))
})

describe('WebSockets', () => {
  const mailbox = { path: `/v1/mailbox/${id}`, protocol: 'clawchat.v1' } as const

  test('are taken under a name of this host only, and end with it though their other end is silent', async () => {
    const server = await createHttp({
      ...{ pageDir: folder, stores: () => [], hostNames: [], fallback: fallback.app },
      mailbox: fallback.mailbox,
    })
    const { port: at } = await server.listen('127.0.0.1', 0)
    fallback.mailbox.attach(id, new Uint8Array(1536).fill(7), {
      onMessage: () => undefined,
      onClose: () => undefined,
    })
    const upgrade = (host: string): Promise<{ head: string; socket: Socket }> =>
      new Promise((resolve) => {
        const socket = connect(at, '127.0.0.1', () =>
          socket.write(
            `GET ${mailbox.path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
              'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
              `Sec-WebSocket-Protocol: ${mailbox.protocol}.${'07'.repeat(8)}\r\n\r\n`,
          ),
        )
        socket.once('data', (data) => resolve({ head: String(data), socket }))
        socket.once('close', () => resolve({ head: '', socket }))
        socket.on('error', () => undefined)
      })
    expect((await upgrade(`rebound.example:${at}`)).head).toBe('')
    const { head, socket } = await upgrade(`127.0.0.1:${at}`)
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    const ended = once(socket, 'close')
    await server.close()
    await ended
  })
})
