// A host's chat on a real SQLite file, in a folder that each test has anew, and people in it.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { openDatabase } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import { toHex } from '../../shared/bytes.ts'
import type { ChatEvent } from '../../shared/events.ts'

/** the first room */
export const ROOM: Uint8Array = new Uint8Array(16)
export const NOW = 1_700_000_000_000
export const random = (n: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(n))

export let dir = ''
export let db: ReturnType<typeof openDatabase>
export let members: Members
export let rooms: Rooms

/** As a host does at its start. */
export function open(): void {
  db = openDatabase(dir)
  members = new Members(db, random)
  rooms = new Rooms(db, random)
}

/** Makes the folder before each test of a file, and removes it afterwards. */
export function onFile(): void {
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'clawchat-chat-'))
    open()
  })
  afterEach(() => {
    db.close()
    rmSync(dir, { recursive: true })
  })
}

/** A person with one device: hex ids. */
export interface Someone {
  readonly device: string
  readonly member: string
}

export function someone(role: 'owner' | 'member' = 'member'): Someone {
  const args = { role, uses: 1, expiresMs: 1000, note: '', rooms: [], nowMs: NOW }
  const { id } = members.invite({ ...args, secret: random(32), hostPublicKey: random(32) })
  const device = toHex(members.reserve(id, random(32), 'Ann', NOW).deviceId)
  const { member } = members.confirm(device, NOW, () => undefined)
  return { device, member }
}

/** The next event of a device. @returns its id */
export function say(
  { device }: { readonly device: string },
  event: ChatEvent,
  nowMs = NOW,
  id: Uint8Array = random(16),
): Uint8Array {
  rooms.receive(device, rooms.incoming(device).stored + 1, id, event, nowMs)
  return id
}
