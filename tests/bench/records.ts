// What the record endpoint does in a second, on both runtimes over HTTP, and what 100 000 ids cost one on Node.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { getRequestListener } from '@hono/node-server'
import { openFallback } from '../../fallback-worker/node.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { sha256 } from '../../shared/hash.ts'
import { type Address, DEPLOY_TOKEN, put, read, writer } from '../worker/endpoint.ts'
import { startWorkerd } from '../workerd/worker.ts'
import { printRow } from './stats.ts'

const WRITERS = 16
const PER_WRITER = 40
const MANY = 100_000

async function startNode(path: string) {
  const tokenHash = sha256(toUtf8(DEPLOY_TOKEN))
  const policy = { kind: 'token', tokenHash, bucket: 1e6, refillMs: 60_000 } as const
  const fallback = openFallback({ path, policy, nowMs: Date.now })
  const server = createServer(getRequestListener(fallback.app.fetch))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.closeAllConnections()
    server.close()
    fallback.close()
  }
  return { url: `http://127.0.0.1:${port}`, close }
}

async function served(path: string, run: (node: Address) => Promise<void>): Promise<void> {
  const node = await startNode(path)
  await run(node)
  node.close()
}

/** Many hosts at once, each one write or read after the other. Bodies are made before the clock starts. */
async function measure(endpoint: Address, what: string): Promise<void> {
  const hosts = Array.from({ length: WRITERS }, () => {
    const { id, body } = writer()
    return { id, bodies: Array.from({ length: PER_WRITER }, (_, i) => body(i + 1)) }
  })
  await all(what, 'PUT', hosts, async ({ id, bodies }, i) => {
    const answer = await put(endpoint, id, bodies[i] ?? new Uint8Array())
    if (answer !== '204') throw new Error(`a write was refused: ${answer}`)
  })
  await all(what, 'GET', hosts, async ({ id }) => {
    const answer = await read(endpoint, id)
    if (!answer.startsWith(`200 ${RECORD_BYTES} `)) throw new Error(`a read failed: ${answer}`)
  })
}

async function all<T>(
  what: string,
  method: string,
  hosts: readonly T[],
  ask: (host: T, i: number) => Promise<void>,
): Promise<void> {
  const times: number[] = []
  const start = performance.now()
  const one = async (host: T): Promise<void> => {
    for (let i = 0; i < PER_WRITER; i++) {
      const before = performance.now()
      await ask(host, i)
      times.push(performance.now() - before)
    }
  }
  await Promise.all(hosts.map(one))
  const perSecond = (1000 * times.length) / (performance.now() - start)
  printRow({
    cell: 'records',
    what: `${what}: ${method} among ${WRITERS} hosts`,
    unit: 'ms',
    values: times,
  })
  printRow({ cell: 'records', what: `${what}: ${method}`, unit: '/s', values: [perSecond] })
}

/** Rows as the endpoint writes them, in one transaction. */
function fill(path: string): void {
  const db = new DatabaseSync(path)
  const start = performance.now()
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO record (id, ctr, written, tokens, filled, bytes)
     SELECT lower(hex(randomblob(32))), i, ?, 60, 0, randomblob(${RECORD_BYTES}) FROM n`,
  ).run(MANY, Date.now())
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  const seconds = (performance.now() - start) / 1000
  const megabytes = statSync(path).size / 1e6
  console.log(
    `records  ${MANY} ids: ${megabytes.toFixed(0)} MB on disk, filled in ${seconds.toFixed(1)} s`,
  )
}

export async function benchRecords(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'clawchat-bench-'))
  try {
    const path = join(folder, 'records.db')
    await served(path, (node) => measure(node, 'node:sqlite'))
    const before = process.memoryUsage().rss
    fill(path)
    await served(path, (node) => measure(node, `node:sqlite with ${MANY} ids`))
    const grown = (process.memoryUsage().rss - before) / 1e6
    console.log(`records  ${MANY} ids: ${grown.toFixed(0)} MB more memory`)
  } finally {
    rmSync(folder, { recursive: true })
  }
  const workerd = await startWorkerd(undefined, { PUT_BUCKET: 1e6 })
  await measure(workerd, 'workerd')
  await workerd.close()
}
