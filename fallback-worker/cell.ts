// The records of the fallback endpoint (SPEC §3.3) over any SQLite: who may write, how often, and that the counter only grows.
// Knows no runtime: `Sql` is node:sqlite on Node, and the storage of a Durable Object on Cloudflare.
import type { Put } from '../shared/put.ts'

export type SqlValue = number | string | Uint8Array | null
export type SqlRow = Readonly<Record<string, unknown>>
/** Runs one statement and returns its rows. Synchronous, so that nothing comes between a check and its write. */
export type Sql = (statement: string, ...values: SqlValue[]) => readonly SqlRow[]

export type PutOutcome =
  | 'stored'
  | 'counter-too-high'
  | 'counter-not-greater'
  | 'forbidden'
  | 'token'
  | 'rate'

/** What an endpoint demands beyond a valid signature. */
export type WritePolicy =
  /** the embedded endpoint: these storage ids (hex) only, without token or limit */
  | { readonly kind: 'own'; readonly ids: () => ReadonlySet<string> }
  /** a shared endpoint: the first write of an id needs the deploy token; then a bucket per id */
  | {
      readonly kind: 'token'
      /** SHA-256 of the deploy token, 32 bytes; null: nobody has one */
      readonly tokenHash: Uint8Array | null
      readonly bucket: number
      readonly refillMs: number
    }

export interface RecordCell {
  /** The 6144 bytes stored under an id (64 hex digits), or null. Creates nothing. */
  get(id: string, nowMs: number): Uint8Array | null
  /** `mayCreate`: whether the writer may use an id that is not there yet. */
  put(id: string, put: Put, mayCreate: boolean, nowMs: number): PutOutcome
  /** Deletes what nobody wrote for 30 days. @returns when the next record of those left expires, or null if none is left */
  expire(nowMs: number): number | null
}

/** What the routes need of it; between them and a Durable Object lies a call that takes time. */
export interface Records {
  get(id: string): Promise<Uint8Array | null>
  put(id: string, put: Put, mayCreate: boolean): Promise<PutOutcome>
}

/** The cell in this very process. */
export const localRecords = (cell: RecordCell, nowMs: () => number): Records => ({
  get: async (id) => cell.get(id, nowMs()),
  put: async (id, put, mayCreate) => cell.put(id, put, mayCreate, nowMs()),
})

export const RECORD_EXPIRY_MS = 30 * 24 * 3600_000
/** SPEC §3.3: a stolen write key cannot push the counter out of reach for ever. */
export const COUNTER_SLACK = 2 ** 32
export const DEFAULT_BUCKET = { bucket: 60, refillMs: 60_000 } as const

// The bytes come last: SQLite reads a row from its start, and they are longer than a page.
const SCHEMA = `CREATE TABLE IF NOT EXISTS record (
  id TEXT PRIMARY KEY, ctr INTEGER NOT NULL, written INTEGER NOT NULL,
  tokens REAL NOT NULL, filled INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT`
const HAS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'record'"
const UPSERT = `INSERT INTO record (id, ctr, written, tokens, filled, bytes) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET ctr = excluded.ctr, written = excluded.written,
    tokens = excluded.tokens, filled = excluded.filled, bytes = excluded.bytes
  WHERE excluded.ctr > record.ctr RETURNING ctr`

/** What finds the expired among many; for the one record of a Durable Object it would be one more row to pay. */
const INDEX = 'CREATE INDEX IF NOT EXISTS record_written ON record (written)'

/** The cell over one database; makes its table at the first write. `bucket` null: no limit. */
export function createRecordCell(
  sql: Sql,
  bucket: { readonly bucket: number; readonly refillMs: number } | null,
  manyIds = false,
): RecordCell {
  let made = false
  let indexed = !manyIds
  const isMade = (): boolean => {
    made ||= sql(HAS_TABLE).length === 1
    return made
  }
  const make = (): void => {
    if (!made) sql(SCHEMA)
    if (!indexed) sql(INDEX)
    made = true
    indexed = true
  }
  const held = (id: string, nowMs: number): SqlRow | undefined => {
    if (!isMade()) return undefined
    sql('DELETE FROM record WHERE written <= ?', oldest(nowMs))
    return sql('SELECT ctr, tokens, filled FROM record WHERE id = ?', id)[0]
  }
  return {
    get(id, nowMs) {
      if (!isMade()) return null
      const [row] = sql('SELECT bytes FROM record WHERE id = ? AND written > ?', id, oldest(nowMs))
      return row === undefined ? null : bytesOf(row.bytes)
    },
    put(id, { ctr, record }, mayCreate, nowMs) {
      const row = held(id, nowMs)
      if (row === undefined && !mayCreate) return 'token'
      const stored = row === undefined ? 0 : Number(row.ctr)
      if (ctr > Math.max(stored, nowMs) + COUNTER_SLACK) return 'counter-too-high'
      // Before the bucket, so that a replayed old write costs its owner nothing.
      if (row !== undefined && ctr <= stored) return 'counter-not-greater'
      const tokens = bucket === null ? 1 : refilled(row, bucket, nowMs)
      if (tokens < 1) return 'rate'
      make()
      // The statement decides, not the check above: another process may have written in between.
      const won = sql(UPSERT, id, ctr, nowMs, tokens - 1, nowMs, record).length === 1
      return won ? 'stored' : 'counter-not-greater'
    },
    expire(nowMs) {
      if (!isMade()) return null
      sql('DELETE FROM record WHERE written <= ?', oldest(nowMs))
      const [row] = sql('SELECT min(written) AS written FROM record')
      const written = row?.written ?? null
      return written === null ? null : Number(written) + RECORD_EXPIRY_MS
    },
  }
}

const oldest = (nowMs: number): number => nowMs - RECORD_EXPIRY_MS

function refilled(
  held: SqlRow | undefined,
  { bucket, refillMs }: { readonly bucket: number; readonly refillMs: number },
  nowMs: number,
): number {
  if (held === undefined) return bucket
  const elapsed = Math.max(0, nowMs - Number(held.filled))
  return Math.min(bucket, Number(held.tokens) + elapsed / refillMs)
}

/** node:sqlite gives Uint8Array, a Durable Object gives ArrayBuffer. */
function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  throw new Error('bug: a record column that holds no bytes')
}
