// The one HTTP listener: the page from memory under strict headers, and the embedded fallback endpoint (SPEC §3.3).
// Answers only for its own host names, so that a foreign page cannot reach it by DNS rebinding, and changes
// nothing but by a PUT that certifies itself.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, Server } from 'node:http'
import { isIP } from 'node:net'
import { extname, join, relative, sep } from 'node:path'
import type { Duplex } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { NodeMailbox } from '../fallback-worker/node.ts'
import { ClawError } from '../shared/error.ts'
import { reachOf } from './links.ts'

export interface HttpInput {
  /** the built page (web/dist) */
  readonly pageDir: string
  /** base URLs of the stores the page may read, now; asked at every request */
  readonly stores: () => readonly string[]
  /** gateway of MEGA if that is a store, and whether the page must be told (it knows MEGA's own) */
  readonly mega?: { readonly gateway: string; readonly own: boolean }
  /** further names it answers for (`host` or `host:port`), as a proxy in front of it passes them on */
  readonly hostNames: readonly string[]
  /** the fallback app, for `/v1` and `/healthz` */
  readonly fallback: Hono
  /** takes WebSockets; without it they are refused */
  readonly mailbox?: Pick<NodeMailbox, 'upgrade'>
}

export interface HttpServer {
  /** May be called for several addresses. Port 0: any free one. Throws ClawError: `port-taken`, `address-unusable`. */
  listen(host: string, port: number): Promise<{ readonly port: number }>
  close(): Promise<void>
}

interface Asset {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** the same, gzipped; null where that is no shorter, as of pictures */
  readonly gzipped: Uint8Array<ArrayBuffer> | null
  readonly type: string
  readonly etag: string
  /** its name holds a hash of its content */
  readonly immutable: boolean
}

type Env = { Bindings: HttpBindings }

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}
const HASHED = /^\/assets\/.+-[\w-]{8,}\.\w+$/
/** The page needs none of these; the camera compares safety codes. */
const PERMISSIONS = [
  'accelerometer',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'midi',
  'payment',
  'serial',
  'usb',
  'xr-spatial-tracking',
]
const MAX_CONNECTIONS = 512
/** A static copy serves links of any host, and so cannot know their stores (THREATS). */
export const STATIC_CONNECT = ['https:', 'wss:'] as const
/** Settings of a static host for the files beside it, not part of the page. */
const HEADERS_FILE = '/_headers'

/** Reads the page into memory; throws ClawError('page-missing') if it was not built. */
export async function createHttp(input: HttpInput): Promise<HttpServer> {
  const assets = tellGateway(await readPage(input.pageDir), input.mega)
  const app = createApp(input, assets)
  const servers = new Set<Server>()
  /** no longer connections of the servers, which wait for them all the same */
  const upgraded = new Set<Duplex>()
  return {
    async listen(host, port) {
      const server = createAdaptorServer({ fetch: app.fetch, serverOptions: LIMITS }) as Server
      server.maxConnections = MAX_CONNECTIONS
      server.on('upgrade', (request, socket, head) => {
        // What has no name of this host is for nobody here, as with a request.
        const mailbox = ownsName(request, input.hostNames) ? input.mailbox : undefined
        if (mailbox === undefined) {
          socket.destroy()
          return
        }
        upgraded.add(socket)
        socket.on('close', () => upgraded.delete(socket))
        mailbox.upgrade(request, socket, head)
      })
      await bind(server, host, port)
      servers.add(server)
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('bug: not a TCP server')
      return { port: address.port }
    },
    async close() {
      const closing = [...servers].map(
        (server) => new Promise<void>((done) => server.close(() => done())),
      )
      for (const server of servers) server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      servers.clear()
      await Promise.all(closing)
    },
  }
}

/** A client that sends slowly holds a connection for seconds, not for minutes. */
const LIMITS = { headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 5000 }

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      fail(new ClawError(error.code === 'EADDRINUSE' ? 'port-taken' : 'address-unusable'))
    })
    server.listen(port, host, done)
  })
}

function createApp(input: HttpInput, assets: ReadonlyMap<string, Asset>): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (c, next) => {
    if (!isOwnName(c, input.hostNames)) {
      return c.text('This address does not belong to this ClawChat host.\n', 421)
    }
    return next()
  })
  for (const path of ['/v1/*', '/healthz']) app.all(path, (c) => input.fallback.fetch(c.req.raw))
  app.use(async (c, next) => {
    await next()
    const mega = input.mega === undefined ? [] : [`${input.mega.gateway}/cs`]
    const stores = input.stores()
    const records = stores.map((url) => `${url}/v1/records/`)
    const mailboxes = stores.map((url) => `${url.replace(/^http/, 'ws')}/v1/mailbox/`)
    const headers = pageHeaders([...records, ...mailboxes, ...mega])
    for (const [name, value] of Object.entries(headers)) c.header(name, value)
    // On plain http beyond this computer a browser ignores it, and complains on its console.
    if (reachOf(new URL(c.req.url).hostname) === 'computer') {
      c.header('Cross-Origin-Opener-Policy', 'same-origin')
    }
  })
  app.get('*', (c) => answerAsset(c, assets))
  app.all('*', (c) => c.text('Method not allowed\n', 405, { Allow: 'GET, HEAD' }))
  app.onError((_, c) => c.text('Internal error\n', 500))
  return app
}

/**
 * True if the Host header names the very address this connection came in on, `localhost` on loopback,
 * or a name that the host was told to answer for. A rebound name is none of these.
 */
const isOwnName = (c: Context<Env>, hostNames: readonly string[]): boolean =>
  ownsName(c.env.incoming, hostNames)

function ownsName(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  hostNames: readonly string[],
): boolean {
  const header = headers.host?.toLowerCase()
  if (header === undefined) return false
  if (hostNames.some((name) => name.toLowerCase() === header)) return true
  const url = URL.parse(`http://${header}`)
  if (url === null || url.host !== header.replace(/:80$/, '')) return false
  const { localAddress, localPort } = socket
  if (Number(url.port || 80) !== localPort || localAddress === undefined) return false
  const local = localAddress.replace(/^::ffff:(?=\d+\.)/, '')
  const name = url.hostname.replace(/^\[|\]$/g, '')
  if (reachOf(local) === 'computer') return reachOf(name) === 'computer'
  return isIP(name) !== 0 && name === local
}

function answerAsset(c: Context<Env>, assets: ReadonlyMap<string, Asset>): Response {
  const asset = assets.get(c.req.path === '/' ? '/index.html' : c.req.path)
  if (asset === undefined) return c.text('Not found\n', 404, { 'Cache-Control': 'no-store' })
  const gzipped = takesGzip(c.req.header('Accept-Encoding')) ? asset.gzipped : null
  // Another form of it is another entity (RFC 9110 §8.8.3.3).
  const etag = gzipped === null ? asset.etag : asset.etag.replace(/"$/, '-gzip"')
  c.header('ETag', etag)
  c.header('Cache-Control', asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
  c.header('Vary', 'Accept-Encoding')
  if (c.req.header('If-None-Match') === etag) return c.body(null, 304)
  c.header('Content-Type', asset.type)
  if (gzipped === null) return c.body(asset.bytes)
  c.header('Content-Encoding', 'gzip')
  return c.body(gzipped)
}

/** Browsers name it without a weight; `q=0` would mean that they do not take it. */
const takesGzip = (accepted = ''): boolean =>
  accepted.split(',').some((each) => /^\s*gzip\s*$/i.test(each))

/**
 * The headers of everything but the endpoint. `connect`: what the page may connect to beside its own origin.
 * Where no host chooses them (web/public/_headers) that is {@link STATIC_CONNECT}.
 */
export function pageHeaders(connect: readonly string[]): Record<string, string> {
  const sources = [...new Set(["'self'", ...connect])].join(' ')
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' blob: data:",
      'media-src blob:',
      // The browser's viewer of PDF files.
      'frame-src blob:',
      `connect-src ${sources}`,
      "manifest-src 'self'",
      "worker-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      'trusted-types clawchat',
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': [
      ...PERMISSIONS.map((name) => `${name}=()`),
      // For safety codes and voice notes; the browser asks the person first.
      'camera=(self)',
      'microphone=(self)',
    ].join(', '),
  }
}

/** Another gateway than MEGA's own is named in the page, in an element that runs nothing (DESIGN, Decisions). */
function tellGateway(
  assets: ReadonlyMap<string, Asset>,
  mega: HttpInput['mega'],
): ReadonlyMap<string, Asset> {
  const page = assets.get('/index.html')
  if (page === undefined || mega === undefined || mega.own) return assets
  const url = mega.gateway.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  const meta = `<meta name="clawchat-mega-api" content="${url}" />`
  const html = Buffer.from(page.bytes)
    .toString()
    .replace('</head>', () => `${meta}</head>`)
  return new Map(assets).set('/index.html', { ...page, ...withTag(Buffer.from(html)) })
}

const withTag = (bytes: Uint8Array<ArrayBuffer>): Pick<Asset, 'bytes' | 'gzipped' | 'etag'> => ({
  bytes,
  gzipped: shorter(new Uint8Array(gzipSync(bytes, { level: 9 })), bytes),
  etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`,
})

const shorter = (gzipped: Uint8Array<ArrayBuffer>, { length }: Uint8Array): Asset['gzipped'] =>
  gzipped.length < length ? gzipped : null

async function readPage(pageDir: string): Promise<Map<string, Asset>> {
  const assets = new Map<string, Asset>()
  const entries = await readdir(pageDir, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const path = `/${relative(pageDir, file).split(sep).join('/')}`
    if (path === HEADERS_FILE) continue
    const bytes = new Uint8Array(await readFile(file))
    assets.set(path, {
      ...withTag(bytes),
      type: TYPES[extname(path)] ?? 'application/octet-stream',
      immutable: HASHED.test(path),
    })
  }
  if (!assets.has('/index.html')) throw new ClawError('page-missing')
  return assets
}
