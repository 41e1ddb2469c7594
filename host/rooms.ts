// Messages, and what waits for each device (SPEC §6.2, §7). Every call is one transaction: what it returns is on disk.
// A message is stored once; queues refer to it. Knows nothing of carriers.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { equal, fromHex, toUtf8 } from '../shared/bytes.ts'
import { HISTORY_MAX, TEXT_MAX_BYTES } from '../shared/constants.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import {
  type ChatEvent,
  encodeEvent,
  ID_BYTES,
  MAX_DELIVERED,
  type Refusal,
  type StoredMessage,
} from '../shared/events.ts'
import { transaction } from './database.ts'

/** Messages queued for a device that has just joined. */
const JOIN_MESSAGES = 200
/** Text of one PAGE, so that it stays below the 1 MiB of a message. */
const PAGE_TEXT_BYTES = 768 * 1024
const MESSAGE_KIND = 2

type Row = Record<string, unknown>

/** An EVENT as it goes out. */
export interface PendingEvent {
  readonly number: number
  readonly id: Uint8Array
  readonly kind: number
  readonly body: Uint8Array
}

const SQL = {
  device: 'SELECT member, assigned, incoming, incomingId FROM devices WHERE id = ?',
  devices: 'SELECT id FROM devices',
  devicesOf: 'SELECT id FROM devices WHERE member = ?',
  setIncoming: 'UPDATE devices SET incoming = ?, incomingId = ? WHERE id = ?',
  setAssigned: 'UPDATE devices SET assigned = ? WHERE id = ?',
  assign: 'UPDATE devices SET assigned = assigned + 1 WHERE id = ? RETURNING assigned',
  nextSeq: 'UPDATE rooms SET seq = seq + 1 WHERE id = ? RETURNING seq',
  lastSeq: 'SELECT seq FROM rooms WHERE id = ?',
  byId: 'SELECT room, seq, atMs FROM messages WHERE author = ? AND id = ?',
  addMessage:
    'INSERT INTO messages (room, seq, id, author, authorDevice, atMs, text) VALUES (?, ?, ?, ?, ?, ?, ?)',
  queue:
    'INSERT INTO outgoing (device, number, id, kind, body, room, seq) VALUES (?, ?, ?, ?, ?, ?, ?)',
  pending: `SELECT o.number, o.id AS eventId, o.kind, o.body, m.* FROM outgoing o
    LEFT JOIN messages m ON m.room = o.room AND m.seq = o.seq
    WHERE o.device = ? AND o.number > ? ORDER BY o.number LIMIT ?`,
  queued: 'SELECT seq FROM outgoing WHERE device = ? AND room = ?',
  idOf: 'SELECT id FROM outgoing WHERE device = ? AND number = ?',
  span: 'SELECT min(number) AS first, count(*) AS count FROM outgoing WHERE device = ?',
  undelivered: `SELECT m.room, m.seq, m.id, m.author FROM outgoing o
    JOIN messages m ON m.room = o.room AND m.seq = o.seq
    WHERE o.device = ? AND o.number <= ? AND m.delivered = 0 AND m.authorDevice <> o.device
    ORDER BY o.number`,
  setDelivered: 'UPDATE messages SET delivered = 1 WHERE room = ? AND seq = ?',
  settled: 'DELETE FROM outgoing WHERE device = ? AND number <= ?',
  // Two steps by way of negative numbers: rows that move one after another must not meet.
  shift: 'UPDATE outgoing SET number = -(number + ?) WHERE device = ?',
  unshift: 'UPDATE outgoing SET number = -number WHERE device = ?',
  history: 'SELECT * FROM messages WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
} as const

export class Rooms {
  readonly #db: DatabaseSync
  readonly #random: RandomBytes
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>

  constructor(db: DatabaseSync, random: RandomBytes) {
    this.#db = db
    this.#random = random
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** What the host says in RESUME: the last number stored of this device, and that event's id (zero for none). */
  incoming(device: string): { readonly stored: number; readonly id: Uint8Array } {
    const { incoming, incomingId } = this.#device(device)
    return { stored: incoming, id: incomingId }
  }

  /**
   * One POST. `stored` is to be acknowledged; `touched` are devices with new events.
   * Throws ClawError('frame-invalid') for a number above the next one.
   */
  receivePost(
    device: string,
    number: number,
    eventId: Uint8Array,
    room: Uint8Array,
    text: string,
    nowMs: number,
  ): { readonly stored: number; readonly touched: readonly string[] } {
    return transaction(this.#db, () => {
      const author = this.#device(device)
      if (number <= author.incoming) return { stored: author.incoming, touched: [] }
      if (number !== author.incoming + 1) throw new ClawError('frame-invalid')
      this.#sql.setIncoming.run(number, eventId, device)
      const touched = this.#post(device, author.member, eventId, room, text, nowMs)
      return { stored: number, touched }
    })
  }

  #post(
    device: string,
    member: string,
    id: Uint8Array,
    room: Uint8Array,
    text: string,
    atMs: number,
  ): string[] {
    const earlier = this.#sql.byId.get(member, id)
    if (earlier !== undefined) {
      // The device asks again because it lost the answer; the message itself stays single.
      const first = { room: blob(earlier.room), seq: Number(earlier.seq) }
      this.#queue(device, { type: 'stored', id, ...first, atMs: Number(earlier.atMs) })
      return [device]
    }
    const refusal = this.#refusal(room, text)
    if (refusal !== null) {
      this.#queue(device, { type: 'refused', id, reason: refusal })
      return [device]
    }
    const seq = Number(this.#sql.nextSeq.get(room)?.seq)
    this.#sql.addMessage.run(room, seq, id, member, device, atMs, text)
    this.#queue(device, { type: 'stored', id, room, seq, atMs })
    const touched = ids(this.#sql.devices.all())
    for (const other of touched) if (other !== device) this.#queueMessage(other, room, seq)
    return touched
  }

  #refusal(room: Uint8Array, text: string): Refusal | null {
    if (this.#sql.lastSeq.get(room) === undefined) return 'no-room'
    const length = toUtf8(text).length
    return length > TEXT_MAX_BYTES || length === 0 ? 'too-long' : null
  }

  /** The next events after `afterNumber`, in order, contiguous. */
  pending(device: string, afterNumber: number, limit: number): PendingEvent[] {
    return this.#sql.pending.all(device, afterNumber, limit).map((row) => ({
      number: Number(row.number),
      id: blob(row.eventId),
      kind: Number(row.kind),
      body: row.body === null ? encodeEvent(messageOf(row)).body : blob(row.body),
    }))
  }

  /** The device's RESUME (SPEC §6.2): acknowledges what it stored, or renumbers what waits when histories have forked. */
  settle(
    device: string,
    stored: number,
    id: Uint8Array,
  ): { readonly touched: readonly string[]; readonly forked: boolean } {
    return transaction(this.#db, () => {
      const { assigned } = this.#device(device)
      const held = this.#sql.idOf.get(device, stored)
      const forked = stored > assigned || (held !== undefined && !equal(blob(held.id), id))
      const acknowledged = assigned - Number(this.#sql.span.get(device)?.count)
      const touched = forked ? [] : this.#settleUpTo(device, stored)
      const span = this.#sql.span.get(device)
      const count = Number(span?.count)
      const first = count === 0 ? stored + 1 : Number(span?.first)
      if (forked || first > stored + 1) this.#renumber(device, first, stored + 1)
      // Also without anything pending: the next event must follow what the device has.
      this.#sql.setAssigned.run(stored + count, device)
      // It has forgotten what it once had: its storage was put back to an earlier time.
      if (forked || stored < acknowledged) this.joinDevice(device)
      return { touched, forked }
    })
  }

  #renumber(device: string, first: number, wanted: number): void {
    this.#sql.shift.run(wanted - first, device)
    this.#sql.unshift.run(device)
  }

  /** An ACK of the device; ClawError('frame-invalid') above the last number assigned. @returns devices with new events */
  acknowledge(device: string, number: number): readonly string[] {
    return transaction(this.#db, () => {
      if (number > this.#device(device).assigned) throw new ClawError('frame-invalid')
      return this.#settleUpTo(device, number)
    })
  }

  /** Forgets events ≤ number; their messages are delivered now, and their authors' devices are told. */
  #settleUpTo(device: string, number: number): string[] {
    const rows = this.#sql.undelivered.all(device, number)
    this.#sql.settled.run(device, number)
    const groups = new Map<string, { author: string; room: Uint8Array; ids: Uint8Array[] }>()
    for (const row of rows) {
      const room = blob(row.room)
      this.#sql.setDelivered.run(room, Number(row.seq))
      const author = String(row.author)
      const key = `${author} ${room.join()}`
      const group = groups.get(key) ?? { author, room, ids: [] }
      group.ids.push(blob(row.id))
      groups.set(key, group)
    }
    const touched = new Set<string>()
    for (const group of groups.values()) {
      for (const target of ids(this.#sql.devicesOf.all(group.author))) {
        touched.add(target)
        for (let at = 0; at < group.ids.length; at += MAX_DELIVERED) {
          const part = group.ids.slice(at, at + MAX_DELIVERED)
          this.#queue(target, { type: 'delivered', room: group.room, ids: part })
        }
      }
    }
    return [...touched]
  }

  /** Newest first, below `before` (0: from the newest). Fewer than asked for when the texts are long; `more` says so. */
  history(
    room: Uint8Array,
    before: number,
    limit: number,
  ): { readonly messages: readonly StoredMessage[]; readonly more: boolean } {
    const most = Math.min(limit, HISTORY_MAX)
    const below = before === 0 ? Number.MAX_SAFE_INTEGER : before
    const messages: StoredMessage[] = []
    let bytes = 0
    for (const row of this.#sql.history.iterate(room, below, most + 1)) {
      const message = messageOf(row)
      bytes += toUtf8(message.text).length
      if (messages.length === most || bytes > PAGE_TEXT_BYTES) return { messages, more: true }
      messages.push(message)
    }
    return { messages, more: false }
  }

  /** Queues the newest messages of the room for a device that has just been confirmed, or that forgot. */
  joinDevice(device: string, room: Uint8Array = new Uint8Array(ID_BYTES)): void {
    transaction(this.#db, () => {
      const last = Number(this.#sql.lastSeq.get(room)?.seq ?? 0)
      // Each once, however often a device forgets.
      const queued = new Set(this.#sql.queued.all(device, room).map((row) => Number(row.seq)))
      for (let seq = Math.max(1, last - JOIN_MESSAGES + 1); seq <= last; seq++) {
        if (!queued.has(seq)) this.#queueMessage(device, room, seq)
      }
    })
  }

  #queueMessage(device: string, room: Uint8Array, seq: number): void {
    this.#sql.queue.run(device, this.#assign(device), this.#id(), MESSAGE_KIND, null, room, seq)
  }

  #queue(device: string, event: ChatEvent): void {
    const { kind, body } = encodeEvent(event)
    this.#sql.queue.run(device, this.#assign(device), this.#id(), kind, body, null, null)
  }

  #assign = (device: string): number => Number(this.#sql.assign.get(device)?.assigned)
  #id = (): Uint8Array => this.#random(ID_BYTES)

  #device(device: string) {
    const row = this.#sql.device.get(device)
    if (row === undefined) throw new ClawError('internal')
    return {
      member: String(row.member),
      assigned: Number(row.assigned),
      incoming: Number(row.incoming),
      incomingId: blob(row.incomingId),
    }
  }
}

const ids = (rows: readonly Row[]): string[] => rows.map((row) => String(row.id))

/** Columns that the schema declares BLOB. */
const blob = (value: unknown): Uint8Array => value as Uint8Array

const messageOf = (row: Row): StoredMessage => ({
  type: 'message',
  id: blob(row.id),
  room: blob(row.room),
  seq: Number(row.seq),
  atMs: Number(row.atMs),
  author: fromHex(String(row.author)),
  authorDevice: fromHex(String(row.authorDevice)),
  delivered: row.delivered === 1,
  text: String(row.text),
})
