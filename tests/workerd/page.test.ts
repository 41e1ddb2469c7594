// The page as the worker serves it, against the host: the same files under the same headers.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { embedFallback } from '../../fallback-worker/node.ts'
import { createHttp, type HttpServer, STATIC_CONNECT } from '../../host/http.ts'
import { PAGE_DIR } from '../../host/page.ts'
import { startWorkerd, type Workerd } from './worker.ts'

let workerd: Workerd
let host: HttpServer
let hostUrl = ''
beforeAll(async () => {
  workerd = await startWorkerd()
  const fallback = embedFallback({ path: ':memory:', ownIds: () => new Set(), nowMs: Date.now })
  host = await createHttp({
    pageDir: PAGE_DIR,
    stores: () => [],
    hostNames: [],
    fallback: fallback.app,
  })
  hostUrl = `http://127.0.0.1:${(await host.listen('127.0.0.1', 0)).port}`
})
afterAll(async () => {
  await workerd?.close()
  await host?.close()
})

/** What differs by nature: transport, caches, and which stores the page may read. */
const OWN =
  /^(date|connection|keep-alive|transfer-encoding|content-(length|encoding)|etag|cf-.*|vary|cache-control)$/

function comparable(headers: Headers): Record<string, string> {
  const pairs = [...headers].filter(([name]) => !OWN.test(name))
  const policy = `connect-src 'self' ${STATIC_CONNECT.join(' ')};`
  return Object.fromEntries(pairs.map(([k, v]) => [k, v.replace(policy, "connect-src 'self';")]))
}

test('every file of the page comes alike from both', async () => {
  const files = readdirSync(PAGE_DIR, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== '_headers')
    .map((entry) => relative(PAGE_DIR, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
  expect(files.length).toBeGreaterThanOrEqual(5)
  for (const file of files) {
    const path = file === 'index.html' ? '/' : `/${file}`
    const [theirs, ours] = await Promise.all([fetch(workerd.url + path), fetch(hostUrl + path)])
    expect(theirs.status, path).toBe(200)
    const [a, b] = [comparable(theirs.headers), comparable(ours.headers)]
    expect(a['content-security-policy'], path).toContain("default-src 'none'")
    const type = /^[^;]+/
    expect({ ...a, 'content-type': type.exec(a['content-type'] ?? '')?.[0] }, path).toEqual({
      ...b,
      'content-type': type.exec(b['content-type'] ?? '')?.[0],
    })
    const bytes = new Uint8Array(await theirs.arrayBuffer())
    expect(bytes, path).toEqual(new Uint8Array(readFileSync(join(PAGE_DIR, file))))
    const cached = theirs.headers.get('cache-control')
    if (file.startsWith('assets/')) expect(cached).toBe('public, max-age=31536000, immutable')
    else expect(cached, path).toContain('must-revalidate')
  }
})

test('the settings file is not part of the page, and what is not there is 404', async () => {
  for (const url of [workerd.url, hostUrl]) {
    expect((await fetch(`${url}/_headers`)).status).toBe(404)
    expect((await fetch(`${url}/assets/none.js`)).status).toBe(404)
  }
})

test('the endpoint beside it sends none of the page’s headers', async () => {
  const answer = await fetch(`${workerd.url}/healthz`)
  expect(answer.headers.get('content-security-policy')).toBeNull()
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
})
