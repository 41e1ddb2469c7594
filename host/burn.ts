// Burn (SPEC §3.5): the host's last word under one identity. The signed record and W stay for 30 days, H's secret does not.
// What is written first decides: with `burnt-….key` in the folder the old identity is over, however this process ends.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { concat, equal, Reader, toHex, toUtf8, u64 } from '../shared/bytes.ts'
import { RECORD_BYTES } from '../shared/constants.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { storageId } from '../shared/put.ts'
import { transaction } from './database.ts'
import { syncFolder, writeAtomically } from './folder.ts'
import { MEGA_SESSION_FILE } from './megasession.ts'
import type { Store } from './stores.ts'

export const BURN_REASON = { compromised: 1, closed: 2 } as const
export type BurnReason = keyof typeof BURN_REASON

const MAGIC = toUtf8('CCB1')
const NAME = /^burnt-[0-9a-f]{16}\.key$/
const REPUBLISH_FOR_MS = 30 * 86_400_000
const AGAIN_MS = 6 * 3_600_000
const RETRY_MS = 60_000
/** settings that the next identity keeps: where its page is, and its name */
const KEPT = ['http', 'name', 'origin']

/** An identity that is over. */
export interface Burnt {
  readonly file: string
  /** Ed25519 secret of W, 32 bytes */
  readonly writeSecret: Uint8Array
  readonly untilMs: number
  /** the burn record, 6144 bytes */
  readonly record: Uint8Array
}

const idOf = (writeSecret: Uint8Array): Uint8Array => storageId(ed25519PublicKey(writeSecret))

/** On disk when this returns: from here on the identity of `writeSecret` is over. `record`: the signed burn, 6144 bytes. */
export function writeBurnt(
  dir: string,
  writeSecret: Uint8Array,
  record: Uint8Array,
  nowMs: number,
): void {
  const file = `burnt-${toHex(idOf(writeSecret).slice(0, 8))}.key`
  const bytes = concat(MAGIC, writeSecret, u64(nowMs + REPUBLISH_FOR_MS), record)
  writeAtomically(join(dir, file), bytes, 0o600)
  syncFolder(dir)
}

/** What this folder has burnt; files whose time is over are deleted. Throws ClawError('malformed') for a damaged one. */
export function readBurnt(dir: string, nowMs: number): Burnt[] {
  const files = readdirSync(dir).filter((name) => NAME.test(name))
  return files
    .map((file) => parseBurnt(dir, file))
    .filter((burnt) => keepUntilOver(dir, burnt, nowMs))
}

function parseBurnt(dir: string, file: string): Burnt {
  const reader = new Reader(new Uint8Array(readFileSync(join(dir, file))))
  if (!equal(reader.bytes(4), MAGIC)) reader.fail()
  const writeSecret = reader.bytes(32)
  const untilMs = reader.u64()
  const record = reader.bytes(RECORD_BYTES)
  reader.end()
  return { file, writeSecret, untilMs, record }
}

function keepUntilOver(dir: string, burnt: Burnt, nowMs: number): boolean {
  if (nowMs < burnt.untilMs) return true
  for (const file of [megaFileOf(burnt), burnt.file]) rmSync(join(dir, file), { force: true })
  return false
}

/** The session at MEGA of a burnt identity, with its file there. */
export const megaFileOf = ({ file }: Pick<Burnt, 'file'>): string =>
  file.replace(/\.key$/, '.mega.json')

/** The file at MEGA belongs to the identity that is over, and shows its burn; the next one makes its own. Again: no harm. */
export function retireMega(dir: string, burnt: readonly Burnt[], writeSecret: Uint8Array): void {
  const own = burnt.find((each) => equal(each.writeSecret, writeSecret))
  const file = join(dir, MEGA_SESSION_FILE)
  if (own === undefined || !existsSync(file)) return
  renameSync(file, join(dir, megaFileOf(own)))
  syncFolder(dir)
}

/** Whether a crash came between the burn of this identity and its end. */
export const isOver = (burnt: readonly Burnt[], writeSecret: Uint8Array): boolean =>
  burnt.some((each) => equal(each.writeSecret, writeSecret))

/** Lower-case hex, for the embedded endpoint. */
export const burntIds = (burnt: readonly Burnt[]): string[] =>
  burnt.map(({ writeSecret }) => toHex(idOf(writeSecret)))

/** Members, devices, links, messages and queues are gone; the file holds no trace of them. */
export function wipeDatabase(db: DatabaseSync): void {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const names = tables.map(({ name }) => String(name))
  db.exec('PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON')
  transaction(db, () => {
    // The index empties its own tables.
    const isKept = (name: string): boolean => /^(kv|rooms|texts(_.*)?)$/.test(name)
    for (const name of names.filter((table) => !isKept(table))) db.exec(`DELETE FROM ${name}`)
    db.exec(`INSERT INTO texts (texts) VALUES ('delete-all')`)
    db.exec('DELETE FROM rooms WHERE id <> zeroblob(16); UPDATE rooms SET seq = 0, change = 0')
    const kept = KEPT.map((key) => `'${key}'`).join()
    db.exec(`DELETE FROM kv WHERE key NOT IN (${kept})`)
  })
  db.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA foreign_keys = ON')
}

/** Keeps a burn in the stores for its 30 days, whoever writes there. @returns a function that ends it */
export function republish(input: {
  readonly burnt: Burnt
  /** of the burnt W */
  readonly stores: readonly Store[]
  readonly now: () => number
}): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  const round = async (): Promise<void> => {
    const done = await Promise.all(input.stores.map((store) => putBurn(store, input)))
    if (!ended) timer = setTimeout(() => void round(), done.every(Boolean) ? AGAIN_MS : RETRY_MS)
  }
  void round()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

/** @returns whether the store holds it, or its time is over */
async function putBurn(store: Store, input: Parameters<typeof republish>[0]): Promise<boolean> {
  const { burnt, now } = input
  const nowMs = now()
  if (nowMs >= burnt.untilMs) return true
  try {
    const held = await store.get()
    // The counter of a put is not the seq of its record: milliseconds are above every seq that was ever used.
    if (held === null || !equal(held, burnt.record)) await store.put(nowMs, burnt.record)
    return true
  } catch {
    return false
  }
}
