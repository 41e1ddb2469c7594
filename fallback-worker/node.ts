// The fallback endpoint on Node, to be embedded in the host: node:sqlite behind the same app (SPEC §3.3).
import { DatabaseSync } from 'node:sqlite'
import type { Hono } from 'hono'
import { createFallbackApp } from './app.ts'
import { createRecordCell, type RecordCell, type Sql, type WritePolicy } from './cell.ts'

export interface RecordFile {
  readonly records: RecordCell
  close(): void
}

/** Opens or makes the record database (`:memory:` for none on disk). A shared policy brings its bucket. */
export function openRecordFile(path: string, policy: WritePolicy): RecordFile {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000')
  const sql: Sql = (statement, ...values) => db.prepare(statement).all(...values)
  const records = createRecordCell(sql, policy.kind === 'token' ? policy : null)
  return { records, close: () => db.close() }
}

export interface EmbeddedFallback {
  readonly app: Hono
  close(): void
}

/**
 * The endpoint of one host: writable for its own storage ids only.
 * `ownIds`: lower-case hex of 32 bytes each. `path`: the database file, made if missing.
 */
export function embedFallback(input: {
  readonly path: string
  readonly ownIds: () => ReadonlySet<string>
  readonly nowMs: () => number
}): EmbeddedFallback {
  const policy: WritePolicy = { kind: 'own', ids: input.ownIds }
  const file = openRecordFile(input.path, policy)
  const app = createFallbackApp({ records: file.records, policy, nowMs: input.nowMs })
  return { app, close: () => file.close() }
}
