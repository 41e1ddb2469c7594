// The contract of the record endpoint on Node: node:sqlite in a file, behind a real HTTP server.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll } from 'vitest'
import { DEFAULT_BUCKET } from '../../fallback-worker/cell.ts'
import { type Fallback, openFallback } from '../../fallback-worker/node.ts'
import { toUtf8 } from '../../shared/bytes.ts'
import { sha256 } from '../../shared/hash.ts'
import { endpointContract } from './contract.ts'
import { DEPLOY_TOKEN, type Endpoint } from './endpoint.ts'
import { mailboxContract } from './mailboxes.ts'

const folder = mkdtempSync(join(tmpdir(), 'clawchat-node-'))
const path = join(folder, 'records.db')
let fallback: Fallback
let server: Server
let endpoint: Endpoint

function open(): Fallback {
  const tokenHash = sha256(toUtf8(DEPLOY_TOKEN))
  const policy = { kind: 'token', tokenHash, ...DEFAULT_BUCKET } as const
  return openFallback({ path, policy, nowMs: Date.now })
}

/** A second opening of the file, as another process would have it. */
function inspect<T>(run: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path)
  try {
    return run(db)
  } finally {
    db.close()
  }
}

const hasTable = (db: DatabaseSync): boolean =>
  db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'record'").get() !== undefined

beforeAll(async () => {
  fallback = open()
  server = createServer(getRequestListener((request) => fallback.app.fetch(request)))
  server.on('upgrade', (request, socket, head) => fallback.mailbox.upgrade(request, socket, head))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  endpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    age: async (id, ms) => {
      const sql = 'UPDATE record SET written = written - ?, filled = filled - ? WHERE id = ?'
      inspect((db) => db.prepare(sql).run(ms, ms, id))
    },
    held: async (id) =>
      inspect((db) => {
        if (!hasTable(db)) return { tables: 0, rows: 0 }
        const rows = db.prepare('SELECT 1 FROM record WHERE id = ?').all(id).length
        // All ids share the one table here: it belongs to an id that has a row.
        return { tables: rows, rows }
      }),
    forget: async () => {
      fallback.close()
      fallback = open()
    },
  }
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  fallback.close()
  rmSync(folder, { recursive: true })
})

endpointContract(() => endpoint)
mailboxContract(() => endpoint, false)
