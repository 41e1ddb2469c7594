// A store that is honest to the host and lies to pages on demand (SPEC §3.3): what it takes it keeps, what it gives is the test's.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Not what it was given: other bytes, bytes without end, a byte now and then, or nothing at all. */
export type Lie =
  | { readonly body: Uint8Array | null }
  | { readonly endless: true }
  | { readonly drip: true }
  | { readonly silent: true }

const PUT_HEAD_BYTES = 32 + 8 + 64

export class StoreServer {
  /** the newest record it was given */
  record: Uint8Array | null = null
  lie: Lie | null = null
  /** questions of pages */
  asked = 0
  readonly #server = createServer(async (request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*')
    if (request.method === 'PUT') {
      const body = Buffer.concat(await request.toArray())
      this.record = body.subarray(PUT_HEAD_BYTES)
      response.writeHead(204).end()
      return
    }
    // Pages of another origin say so; the host, which looks for copies of itself, does not.
    const ofPage = request.headers.origin !== undefined
    if (ofPage) this.asked += 1
    if (ofPage && this.lie !== null) answerWith(this.lie, response)
    else answerWith({ body: this.record }, response)
  })

  /** Listens on loopback. */
  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

function answerWith(lie: Lie, response: ServerResponse): void {
  if ('silent' in lie) return
  if ('body' in lie) {
    response.writeHead(lie.body === null ? 404 : 200).end(lie.body)
    return
  }
  const chunk = Buffer.alloc('endless' in lie ? 65_536 : 1)
  const more = (): void => {
    if (response.destroyed) return
    if ('drip' in lie) setTimeout(more, 50)
    else response.once('drain', more)
    response.write(chunk)
  }
  more()
}
