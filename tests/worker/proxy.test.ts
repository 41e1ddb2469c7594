// The way to stores through a company's network: a real CONNECT proxy, a real TLS endpoint whose certificate only the
// system's list knows, and a real host process between them.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { getRequestListener } from '@hono/node-server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_BUCKET } from '../../fallback-worker/cell.ts'
import { type Fallback, openFallback } from '../../fallback-worker/node.ts'
import { useSystemNetwork } from '../../host/network.ts'
import { UsageError } from '../../host/usage.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { sha256 } from '../../shared/hash.ts'
import { selfSigned } from './certificate.ts'
import { DEPLOY_TOKEN } from './endpoint.ts'

const LAUNCHER = resolve(import.meta.dirname, '../../host/launcher.mjs')
/** Known to the proxy only: no resolver answers for it. */
const NAME = 'store.test'

let folder = ''
let authority = ''
let fallback: Fallback
let endpoint: Server
let proxy: Server
let endpointPort = 0
let proxyPort = 0
/** what the endpoint was asked */
const asked: string[] = []
/** what the proxy was asked, with the credentials */
const proxied: string[] = []
const sockets = new Set<Socket>()
const children = new Set<ChildProcess>()

const listen = (server: Server): Promise<number> =>
  new Promise((done) => {
    server.on('connection', (socket: Socket) => sockets.add(socket))
    server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port))
  })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cc-'))
  authority = join(folder, 'authority.pem')
  const { key, cert } = selfSigned([NAME, 'localhost'])
  writeFileSync(authority, cert)
  const tokenHash = sha256(toUtf8(DEPLOY_TOKEN))
  const policy = { kind: 'token', tokenHash, ...DEFAULT_BUCKET } as const
  fallback = openFallback({ path: ':memory:', policy, nowMs: Date.now })
  const answer = getRequestListener(fallback.app.fetch)
  endpoint = createTlsServer({ key, cert }, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    void answer(request, response)
  })
  endpointPort = await listen(endpoint)
  proxy = createServer((request, response) => {
    proxied.push(`${request.method} ${request.url}`)
    response.writeHead(502).end()
  })
  proxy.on('connect', (request, client, head) => {
    proxied.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    const server = connect(endpointPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      server.write(head)
      server.pipe(client).pipe(server)
    })
    for (const socket of [server, client]) socket.on('error', () => undefined)
  })
  proxyPort = await listen(proxy)
})
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of [endpoint, proxy]) server.close()
  fallback.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  asked.length = 0
  proxied.length = 0
})
afterEach(async () => {
  await Promise.all([...children].map(end))
  children.clear()
})

const end = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done()
    child.on('close', () => done())
    child.kill('SIGKILL')
  })

/** No proxy and no certificates of the machine that runs the tests. */
const BARE = /^(https?_proxy|no_proxy|all_proxy|NODE_.*|SSL_CERT_.*)$/i
function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !BARE.test(name)))
}

/** What the first attempt of a real host at the store comes to: `published`, or the code of `store-failed`. */
function publish(url: string, env: NodeJS.ProcessEnv): Promise<string> {
  const data = mkdtempSync(join(folder, 'data-'))
  const args = [LAUNCHER, 'start', '--json', '--data', data, '--http', '127.0.0.1:0']
  const child = spawn(process.execPath, [...args, '--store', `https:${url}`], {
    env: { ...cleanEnv(), CLAWCHAT_DEPLOY_TOKEN: DEPLOY_TOKEN, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  let words = ''
  child.stderr.on('data', (chunk) => (words += chunk))
  return new Promise((done, fail) => {
    const seen = new Map<string, string>()
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event, store, code } = JSON.parse(line) as Record<string, string>
      if (event === 'published' || event === 'store-failed') {
        seen.set(String(store), event === 'published' ? event : String(code))
      }
      // The embedded store is on loopback: it must work whatever proxy there is.
      const result = seen.get('https-1')
      if (result !== undefined && seen.get('embedded') === 'published') done(result)
    })
    child.on('close', () => fail(new Error(`the host ended: ${words}`)))
  })
}

const byName = (): string => `https://${NAME}:${endpointPort}`
const through = (user = ''): NodeJS.ProcessEnv => {
  const url = `http://${user}127.0.0.1:${proxyPort}`
  return { HTTPS_PROXY: url, HTTP_PROXY: url }
}
const CONNECT = /^CONNECT store\.test:\d+$/

describe('a host behind a proxy', () => {
  test('reads and writes its store through it, trusting what the system trusts', async () => {
    expect(await publish(byName(), { ...through(), SSL_CERT_FILE: authority })).toBe('published')
    expect(asked.map((line) => line.split(' ')[0])).toEqual(expect.arrayContaining(['GET', 'PUT']))
    expect(proxied.length).toBeGreaterThan(0)
    // Nothing else: the embedded store and the page are on this computer.
    expect(proxied.filter((line) => !CONNECT.test(line))).toEqual([])
  })

  test('takes certificates from NODE_EXTRA_CA_CERTS too', async () => {
    const env = { ...through(), NODE_EXTRA_CA_CERTS: authority }
    expect(await publish(byName(), env)).toBe('published')
  })

  test('hands over the name and password in HTTPS_PROXY', async () => {
    const env = { ...through('me:secret@'), SSL_CERT_FILE: authority }
    expect(await publish(byName(), env)).toBe('published')
    const credentials = Buffer.from('me:secret').toString('base64')
    expect(proxied[0]).toBe(`CONNECT ${NAME}:${endpointPort} Basic ${credentials}`)
  })

  test('sends nothing to an endpoint that no list vouches for', async () => {
    expect(await publish(byName(), through())).toBe('store-unreachable')
    expect(proxied.filter((line) => CONNECT.test(line)).length).toBeGreaterThan(0)
    expect(asked).toEqual([])
  })

  test('honours NO_PROXY', async () => {
    const env = { ...through(), NO_PROXY: `example.org,${NAME}`, SSL_CERT_FILE: authority }
    expect(await publish(byName(), env)).toBe('store-unreachable')
    expect(proxied).toEqual([])
  })

  test('never goes through it to this computer', async () => {
    const env = { ...through(), SSL_CERT_FILE: authority }
    expect(await publish(`https://localhost:${endpointPort}`, env)).toBe('published')
    expect(proxied).toEqual([])
  })

  test('that is not there fails, and does not go round it', async () => {
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1', SSL_CERT_FILE: authority }
    expect(await publish(byName(), env)).toBe('store-unreachable')
    expect(asked).toEqual([])
  })
})

describe('useSystemNetwork', () => {
  const run = (env: Record<string, string>, able = true) => {
    const got: Readonly<Record<string, string | undefined>>[] = []
    const setProxy = able ? (given: (typeof got)[number]) => got.push(given) : undefined
    return { used: useSystemNetwork(env, { setProxy }), env: got[0] }
  }

  test('keeps NO_PROXY and adds this computer', () => {
    const { used, env } = run({ https_proxy: 'http://proxy:1', NO_PROXY: 'corp.example' })
    expect(used).toBe(true)
    const exceptions = env?.NO_PROXY?.split(',') ?? []
    expect(exceptions).toEqual(expect.arrayContaining(['corp.example', 'localhost', '127.0.0.1']))
    expect(env?.no_proxy).toBe(env?.NO_PROXY)
  })

  test('does nothing where no proxy is asked for', () => {
    expect(run({ NO_PROXY: 'corp.example', HTTPS_PROXY: '' })).toEqual({ used: true })
  })

  test.each(['127.0.0.1:3128', 'socks5://me:secret@proxy:1', 'corp'])('refuses %s', (value) => {
    expect(() => run({ HTTPS_PROXY: value })).toThrow(UsageError)
    try {
      run({ HTTPS_PROXY: value })
    } catch (error) {
      expect((error as UsageError).sentence).not.toContain(value)
    }
  })

  test('says so where Node cannot', () => {
    expect(run({ HTTPS_PROXY: 'http://proxy:1' }, false).used).toBe(false)
    expect(run({ HTTPS_PROXY: 'http://proxy:1', NODE_USE_ENV_PROXY: '1' }, false).used).toBe(true)
  })
})
