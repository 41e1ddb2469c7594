// The records of the fallback endpoint (SPEC §3.3) over any SQLite: who may write, how often, and that the counter only grows.
// Knows no runtime: `Sql` is node:sqlite here, and can be the storage of a Durable Object.
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
  | 'rate'

/** What an endpoint demands beyond a valid signature. */
export type WritePolicy =
  /** the embedded endpoint: these storage ids (hex) only, without token or limit */
  | { readonly kind: 'own'; readonly ids: () => ReadonlySet<string> }
  /** a shared endpoint: the first write of an id needs the deploy token; then a bucket per id */
  | {
      readonly kind: 'token'
      /** SHA-256 of the deploy token, 32 bytes */
      readonly tokenHash: Uint8Array
      readonly bucket: number
      readonly refillMs: number
    }

export interface RecordCell {
  /** The 6144 bytes stored under an id (64 hex digits), or null. Creates nothing. */
  get(id: string, nowMs: number): Uint8Array | null
  /** `mayCreate`: whether the writer may use an id that is not there yet. */
  put(id: string, put: Put, mayCreate: boolean, nowMs: number): PutOutcome
}

export const RECORD_EXPIRY_MS = 30 * 24 * 3600_000
/** SPEC §3.3: a stolen write key cannot push the counter out of reach for ever. */
export const COUNTER_SLACK = 2 ** 32
export const DEFAULT_BUCKET = { bucket: 60, refillMs: 60_000 } as const

const SCHEMA = `CREATE TABLE IF NOT EXISTS record (
  id TEXT PRIMARY KEY, ctr INTEGER NOT NULL, bytes BLOB NOT NULL, written INTEGER NOT NULL,
  tokens REAL NOT NULL, filled INTEGER NOT NULL) STRICT`
const UPSERT = `INSERT INTO record (id, ctr, bytes, written, tokens, filled) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET ctr = excluded.ctr, bytes = excluded.bytes, written = excluded.written,
    tokens = excluded.tokens, filled = excluded.filled
  WHERE excluded.ctr > record.ctr RETURNING ctr`

/** The cell over one database; makes its table. `bucket` null: no limit. */
export function createRecordCell(
  sql: Sql,
  bucket: { readonly bucket: number; readonly refillMs: number } | null,
): RecordCell {
  sql(SCHEMA)
  return {
    get(id, nowMs) {
      const [row] = sql('SELECT bytes FROM record WHERE id = ? AND written > ?', id, oldest(nowMs))
      return row === undefined ? null : bytesOf(row.bytes)
    },
    put(id, { ctr, record }, mayCreate, nowMs) {
      sql('DELETE FROM record WHERE written <= ?', oldest(nowMs))
      const [held] = sql('SELECT ctr, tokens, filled FROM record WHERE id = ?', id)
      if (held === undefined && !mayCreate) return 'forbidden'
      const stored = held === undefined ? 0 : Number(held.ctr)
      if (ctr > Math.max(stored, nowMs) + COUNTER_SLACK) return 'counter-too-high'
      // Before the bucket, so that a replayed old write costs its owner nothing.
      if (held !== undefined && ctr <= stored) return 'counter-not-greater'
      const tokens = bucket === null ? 1 : refilled(held, bucket, nowMs)
      if (tokens < 1) return 'rate'
      // The statement decides, not the check above: another process may have written in between.
      const won = sql(UPSERT, id, ctr, record, nowMs, tokens - 1, nowMs).length === 1
      return won ? 'stored' : 'counter-not-greater'
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
