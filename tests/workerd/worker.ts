// Starts the real worker in the real workerd, offline, from the repository's own wrangler.toml.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createTestHarness } from 'wrangler'
import { DEPLOY_TOKEN, type Endpoint } from '../worker/endpoint.ts'

export const ROOT = resolve(import.meta.dirname, '../..')
/** wrangler would ask the network for news, metrics and the properties of a request. */
export const OFFLINE = {
  CI: '1',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
} as const

export interface Workerd extends Endpoint {
  /** rows of a statement inside the object of an id */
  sql(id: string, statement: string, ...values: (string | number)[]): Promise<Row[]>
  /** how many objects were ever woken */
  objects(): Promise<number>
  close(): Promise<void>
}
type Row = Record<string, unknown>

/** `entry`: another worker than the product's, under the same settings. `vars` go before those of wrangler.toml. */
export async function startWorkerd(
  entry = { main: 'fallback-worker/worker.ts', className: 'RecordObject' },
  vars: Record<string, number> = {},
): Promise<Workerd> {
  Object.assign(process.env, OFFLINE)
  const { className } = entry
  const config = writeConfig(entry)
  const harness = createTestHarness({
    root: ROOT,
    workers: [{ configPath: config, secrets: { DEPLOY_TOKEN }, vars }],
  })
  const { url } = await harness.listen()
  const worker = harness.getWorker()
  const sql: Workerd['sql'] = async (name, statement, ...values) => {
    const storage = await worker.getDurableObjectStorage(className, { name })
    return storage.exec(statement, ...values)
  }
  return {
    url: url.origin,
    sql,
    age: async (id, ms) => {
      await sql(id, 'UPDATE record SET written = written - ?, filled = filled - ?', ms, ms)
    },
    held: async (id) => {
      const own =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
      const tables = (await sql(id, own)).length
      return { tables, rows: tables === 0 ? 0 : (await sql(id, 'SELECT 1 FROM record')).length }
    },
    forget: (id) => worker.evictDurableObject(className, { name: id }),
    objects: async () => (await worker.listDurableObjectIds(className)).length,
    close: async () => {
      await harness.close()
      rmSync(dirname(config), { recursive: true })
    },
  }
}

/** The repository's wrangler.toml with another entry; paths in it become absolute. */
function writeConfig({ main, className }: { main: string; className: string }): string {
  const config = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')
    .replace(/^main = .*$/m, `main = ${JSON.stringify(join(ROOT, main))}`)
    .replace(
      /^directory = "(.*)"$/m,
      (_, path) => `directory = ${JSON.stringify(join(ROOT, path))}`,
    )
    .replaceAll('"RecordObject"', JSON.stringify(className))
  const file = join(mkdtempSync(join(tmpdir(), 'clawchat-workerd-')), 'wrangler.toml')
  writeFileSync(file, config)
  return file
}
