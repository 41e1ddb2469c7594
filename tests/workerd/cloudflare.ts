// As much of Cloudflare's API as `wrangler deploy` and `wrangler secret put` ask for, on loopback; it notes what comes in.
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Call {
  readonly method: string
  /** behind the account */
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
  /** the arguments of every process at that moment (Linux), each line one process */
  readonly processes: string
}

export interface Cloudflare {
  readonly calls: Call[]
  /** environment that leads wrangler here, logged in */
  readonly env: Record<string, string>
  /** paths (end of) that are refused from now on */
  refuse(...ends: string[]): void
  close(): Promise<void>
}

const ACCOUNT = 'a'.repeat(32)
const BASE = '/client/v4'
const WORKER_UNKNOWN = 10_090
const SCRIPT_UNKNOWN = 10_007
const AUTHENTICATION = 10_000

type Answer = { readonly result: object } | { readonly status: number; readonly code: number }

/** First that fits; `NAME` is the worker's. */
const ANSWERS: readonly (readonly [what: RegExp, answer: Answer])[] = [
  [/^GET \/workers\/services\//, { status: 404, code: WORKER_UNKNOWN }],
  [/^GET \/workers\/scripts\//, { status: 404, code: SCRIPT_UNKNOWN }],
  [/^POST .*\/assets-upload-session$/, { result: { jwt: 'done', buckets: [] } }],
  [/^GET \/workers\/subdomain$/, { result: { subdomain: 'someone' } }],
  [/^POST .*\/subdomain$/, { result: { enabled: true, previews_enabled: false } }],
  [/^PUT .*\/secrets$/, { result: { name: 'DEPLOY_TOKEN', type: 'secret_text' } }],
  [
    /^GET \/workers\/workers\//,
    { result: { id: 'x', subdomain: { enabled: true, previews_enabled: false }, tags: [] } },
  ],
  [
    /^PUT \/workers\/scripts\/[^/]+$/,
    { result: { id: 'x', etag: 'e', tag: 't', deployment_id: 'd', startup_time_ms: 3 } },
  ],
]

export async function startCloudflare(): Promise<Cloudflare> {
  const calls: Call[] = []
  const refused: string[] = []
  const server = createServer((request, response) => {
    void note(request).then((call) => {
      calls.push(call)
      const answer = refused.some((end) => call.path.endsWith(end))
        ? { status: 403, code: AUTHENTICATION }
        : ANSWERS.find(([what]) => what.test(`${call.method} ${call.path}`))?.[1]
      send(response, answer ?? { status: 404, code: SCRIPT_UNKNOWN })
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    calls,
    env: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}${BASE}`,
      CLOUDFLARE_API_TOKEN: 'token-of-the-account',
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    },
    refuse: (...ends) => void refused.splice(0, refused.length, ...ends),
    close: () => new Promise((done) => server.close(() => done())),
  }
}

async function note(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { pathname } = new URL(request.url ?? '', 'http://localhost')
  return {
    method: request.method ?? '',
    path: pathname.replace(`${BASE}/accounts/${ACCOUNT}`, ''),
    authorization: request.headers.authorization,
    body: Buffer.concat(chunks).toString('latin1'),
    processes: processes(),
  }
}

function processes(): string {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return numbers.map((number) => argumentsOf(number)).join('\n')
}

/** Empty for one that has ended since. */
function argumentsOf(number: string): string {
  try {
    return readFileSync(`/proc/${number}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

function send(response: ServerResponse, answer: Answer): void {
  const fails = 'code' in answer
  const errors = fails ? [{ code: answer.code, message: 'refused by the test' }] : []
  const result = fails ? null : answer.result
  response.writeHead(fails ? answer.status : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ success: !fails, errors, messages: [], result }))
}
