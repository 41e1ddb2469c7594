// The fallback endpoint on Node, to be embedded in the host: node:sqlite behind the same app (SPEC §3.3).
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Hono } from 'hono'
import { createFallbackApp } from './app.ts'
import {
  createRecordCell,
  localRecords,
  type RecordCell,
  type Sql,
  type WritePolicy,
} from './cell.ts'
import { type NodeMailbox, openNodeMailbox } from './nodemailbox.ts'

export type { NodeMailbox }

export interface RecordFile {
  readonly records: RecordCell
  close(): void
}

/** Opens or makes the record database (`:memory:` for none on disk). A shared policy brings its bucket. */
export function openRecordFile(path: string, policy: WritePolicy): RecordFile {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000')
  const records = createRecordCell(preparing(db), policy.kind === 'token' ? policy : null, true)
  return { records, close: () => db.close() }
}

/** Statements are few and come again and again. */
function preparing(db: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>()
  return (text, ...values) => {
    const statement = prepared.get(text) ?? db.prepare(text)
    prepared.set(text, statement)
    return statement.all(...values)
  }
}

export interface Fallback {
  readonly app: Hono
  readonly mailbox: NodeMailbox
  close(): void
}

/** The endpoint over one database file (made if missing) under any policy. */
export function openFallback(input: {
  readonly path: string
  readonly policy: WritePolicy
  readonly nowMs: () => number
}): Fallback {
  const file = openRecordFile(input.path, input.policy)
  const records = localRecords(file.records, input.nowMs)
  const { policy, nowMs } = input
  const app = createFallbackApp({ records, policy })
  const mailbox = openNodeMailbox({
    // As with a put: an id of its own, or one that somebody with a token has made.
    serves: (id) =>
      policy.kind === 'own' ? policy.ids().has(id) : file.records.get(id, nowMs()) !== null,
    nowMs,
  })
  const close = (): void => {
    mailbox.close()
    file.close()
  }
  return { app, mailbox, close }
}

/**
 * The endpoint of one host: writable for its own storage ids only.
 * `ownIds`: lower-case hex of 32 bytes each. `path`: the database file, made if missing.
 */
export const embedFallback = (input: {
  readonly path: string
  readonly ownIds: () => ReadonlySet<string>
  readonly nowMs: () => number
}): Fallback => openFallback({ ...input, policy: { kind: 'own', ids: input.ownIds } })
