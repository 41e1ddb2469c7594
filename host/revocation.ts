// Revocation (SPEC §3.4): what is committed in one transaction. Closing sessions and publishing come after it, and a
// crash in between leaves the flag that makes the next start publish.
import type { DatabaseSync } from 'node:sqlite'
import { ClawError } from '../shared/error.ts'
import { EpochTable, Settings, type StoredEpoch, transaction } from './database.ts'

/** setting: whether a record that leaves somebody out is not in every store yet */
const PENDING = 'revocation-pending'

export interface Revoked {
  /** ids, hex */
  readonly devices: readonly string[]
  /** open invites that were withdrawn */
  readonly links: readonly string[]
}

const SQL = {
  devices: 'SELECT id, publicKey, invite FROM devices WHERE id = ?1 OR member = ?1 ORDER BY rowid',
  // A device of before this was noted may have come by any link that somebody has used.
  links: `SELECT id, state FROM invites WHERE byDevice = ?1 OR id = ?2 OR (?2 IS NULL AND used > 0)`,
  orphans: `SELECT id FROM invites WHERE state = 'open' AND member IS NOT NULL AND member NOT IN (SELECT member FROM devices)`,
  withdraw: "UPDATE invites SET state = 'withdrawn' WHERE id = ?",
  release: 'DELETE FROM reservations WHERE invite = ?',
  releaseKey: 'DELETE FROM reservations WHERE publicKey = ?',
  ban: 'INSERT OR REPLACE INTO revoked (publicKey, device, atMs) VALUES (?, ?, ?)',
  unqueue: 'DELETE FROM outgoing WHERE device = ?',
  remove: 'DELETE FROM devices WHERE id = ?',
} as const

/** Device ids that this device's or member's id stands for; ClawError('device-unknown') for none. */
export function devicesOf(db: DatabaseSync, id: string): string[] {
  const rows = db.prepare(SQL.devices).all(id)
  if (rows.length === 0) throw new ClawError('device-unknown')
  return rows.map((row) => String(row.id))
}

/**
 * Takes a device, or all devices of a member, out: credentials, their queues, the links they came by or made and what is
 * reserved on those; their keys never come in again. `epochs` replace the whole schedule. All of it, or nothing.
 * Throws ClawError('device-unknown').
 */
export function commitRevocation(
  db: DatabaseSync,
  id: string,
  epochs: readonly StoredEpoch[],
  nowMs: number,
): Revoked {
  return transaction(db, () => {
    const devices = devicesOf(db, id)
    const links = db
      .prepare(SQL.devices)
      .all(id)
      .flatMap((row) => removeDevice(db, row, nowMs))
    links.push(...withdrawOrphans(db))
    new EpochTable(db).replace(epochs)
    new Settings(db).set(PENDING, 'yes')
    return { devices, links: [...new Set(links)] }
  })
}

/** Links for further devices of members who have none any more. @returns them */
function withdrawOrphans(db: DatabaseSync): string[] {
  const orphans = db.prepare(SQL.orphans).all()
  for (const { id } of orphans) {
    db.prepare(SQL.withdraw).run(String(id))
    db.prepare(SQL.release).run(String(id))
  }
  return orphans.map(({ id }) => String(id))
}

/** @returns the open links that died with it */
function removeDevice(db: DatabaseSync, row: Record<string, unknown>, nowMs: number): string[] {
  const id = String(row.id)
  const publicKey = row.publicKey as Uint8Array
  const invite = row.invite === null ? null : String(row.invite)
  const links = db.prepare(SQL.links).all(id, invite)
  const open = links.filter(({ state }) => state === 'open').map((link) => String(link.id))
  for (const link of open) db.prepare(SQL.withdraw).run(link)
  for (const link of links) db.prepare(SQL.release).run(String(link.id))
  db.prepare(SQL.releaseKey).run(publicKey)
  db.prepare(SQL.ban).run(publicKey, id, nowMs)
  db.prepare(SQL.unqueue).run(id)
  db.prepare(SQL.remove).run(id)
  return open
}

export const isPublishPending = (settings: Settings): boolean => settings.get(PENDING) === 'yes'

/** Every store holds a record of after the last revocation. */
export function publishedEverywhere(settings: Settings): void {
  if (isPublishPending(settings)) settings.set(PENDING, 'no')
}
