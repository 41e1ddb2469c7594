// Small requests to the router's own web server, for UPnP: no proxy, no redirect, bounded in size and time.
import { Agent, request } from 'node:http'
import { MapError } from './gateway.ts'

const DEADLINE_MS = 3000
const MAX_BYTES = 65_536

export interface RouterAnswer {
  readonly status: number
  readonly text: string
}

/**
 * `from`: own address to ask from; `soap`: action and body of a POST, else GET. Rejects with MapError: `no-answer`, or
 * `bad-answer` for more than 64 KiB.
 */
export function askRouter(
  url: URL,
  from: string,
  soap: { readonly action: string; readonly body: string } | null = null,
): Promise<RouterAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RouterAnswer>()
  // An agent of its own: the global one may go through a proxy (host/network.ts), which has no business here.
  const agent = new Agent()
  const asked = request(url, {
    agent,
    localAddress: from,
    method: soap === null ? 'GET' : 'POST',
    headers: {
      connection: 'close',
      ...(soap && { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${soap.action}"` }),
      ...(soap && { 'content-length': Buffer.byteLength(soap.body) }),
    },
  })
  asked.on('error', () => reject(new MapError('no-answer')))
  asked.on('response', (answer) => {
    const chunks: Buffer[] = []
    let size = 0
    answer.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_BYTES) reject(new MapError('bad-answer'))
      else chunks.push(chunk)
    })
    answer.on('error', () => reject(new MapError('no-answer')))
    answer.on('end', () => {
      resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
    })
  })
  asked.end(soap?.body)
  // Over all of it: a router that sends a byte a second is as good as silent.
  const late = setTimeout(() => reject(new MapError('no-answer')), DEADLINE_MS)
  return promise.finally(() => {
    clearTimeout(late)
    asked.destroy()
    agent.destroy()
  })
}
