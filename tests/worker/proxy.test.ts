// Stores behind a proxy and a certificate authority of one's own: a real CONNECT proxy, a real TLS server, and the
// host's own store in a process with their environment.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { RECORD_BYTES } from '../../shared/constants.ts'

/** A name that no resolver knows: only a proxy can lead there. */
const STORE = 'store.invalid'
const SCRIPT = `
import { useEnvironment } from './host/network.ts'
import { httpsStore } from './host/stores.ts'
const used = useEnvironment(process.env)
const store = httpsStore({ name: 'store', url: process.argv[1], writeSecret: new Uint8Array(32), timeoutMs: 5000 })
const got = await store.get().then((record) => record.length, (error) => error.code)
const put = await store.put(1, new Uint8Array(${RECORD_BYTES})).then(() => 'stored', (error) => error.code)
console.log(JSON.stringify({ used, got, put }))
process.exit()
`

const servers: Server[] = []
const connects: string[] = []
let dir = ''
let ca = ''
let proxy = ''
let securePort = 0
let plainPort = 0

async function listen(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}

/** A self-signed certificate for the names of this test. */
async function certificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const names = [
    { type: 'dns', value: STORE },
    { type: 'ip', value: '127.0.0.1' },
  ] as const
  const made = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true),
      new SubjectAlternativeNameExtension([...names]),
    ],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`
  return { cert: made.toString('pem'), key }
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-proxy-'))
  const { cert, key } = await certificate()
  ca = join(dir, 'ca.pem')
  writeFileSync(ca, cert)
  const answer: Parameters<typeof createServer>[1] = (request, response) => {
    request.resume()
    if (request.method === 'PUT') response.writeHead(204).end()
    else response.end(Buffer.alloc(RECORD_BYTES))
  }
  securePort = await listen(createSecureServer({ cert, key }, answer))
  plainPort = await listen(createServer(answer))
  const tunnel = createServer((_, response) => response.writeHead(500).end())
  tunnel.on('connect', (request, socket) => {
    connects.push(String(request.url))
    const [, port] = String(request.url).split(':')
    const target = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      target.pipe(socket).pipe(target)
    })
    for (const end of [target, socket]) end.on('error', () => end.destroy())
  })
  proxy = `http://127.0.0.1:${await listen(tunnel)}`
})
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(dir, { recursive: true })
})
beforeEach(() => {
  connects.length = 0
})

async function visit(url: string, env: Record<string, string>) {
  const args = ['--input-type=module-typescript', '-e', SCRIPT, url]
  const { PATH = '' } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH, ...env } })
  return JSON.parse(stdout)
}

test('reads and writes go through the proxy, with the certificates of the environment', async () => {
  const env = { HTTPS_PROXY: proxy, NODE_EXTRA_CA_CERTS: ca }
  const found = await visit(`https://${STORE}:${securePort}`, env)
  expect(found).toEqual({ used: true, got: RECORD_BYTES, put: 'stored' })
  expect(connects).toContain(`${STORE}:${securePort}`)
})

test('without the certificate the store is not believed', async () => {
  const found = await visit(`https://${STORE}:${securePort}`, { HTTPS_PROXY: proxy })
  expect(found).toEqual({ used: true, got: 'store-unreachable', put: 'store-unreachable' })
})

test('NO_PROXY is honoured, in either spelling', async () => {
  for (const name of ['NO_PROXY', 'no_proxy']) {
    const env = { https_proxy: proxy, [name]: STORE, NODE_EXTRA_CA_CERTS: ca }
    // Directly there is no such name.
    const { got } = await visit(`https://${STORE}:${securePort}`, env)
    expect(got).toBe('store-unreachable')
  }
  expect(connects).toEqual([])
})

test('this machine itself is never reached by a proxy', async () => {
  const env = { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NODE_EXTRA_CA_CERTS: ca }
  for (const url of [`https://127.0.0.1:${securePort}`, `http://127.0.0.1:${plainPort}`])
    expect(await visit(url, env)).toEqual({ used: true, got: RECORD_BYTES, put: 'stored' })
  expect(connects).toEqual([])
})
