// Rooms, messages and per-device queues (SPEC §6.2, §7): what was stored, in what order, and who still has to hear of it.
// Every method that changes something is one transaction; its result may be told to a device as soon as it returns.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import { equal, fromHex, isZero } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import {
  type ChatEvent,
  encodeEvent,
  encodeStoredMessage,
  MAX_DELIVERED,
  type StoredMessage,
} from '../shared/events.ts'
import { transaction } from './database.ts'

/** The one room of this version. */
export const ROOM = new Uint8Array(16)
/** What a new device gets of the past without asking. */
const JOIN_HISTORY = 200
const MESSAGE_KIND = 2

export interface QueuedEvent {
  readonly number: number
  readonly id: Uint8Array
  readonly kind: number
  readonly body: Uint8Array
}

type Row = Record<string, SQLOutputValue>
const bytes = (value: SQLOutputValue | undefined): Uint8Array =>
  value instanceof Uint8Array ? value.slice() : new Uint8Array(0)

export class Rooms {
  readonly #db: DatabaseSync
  readonly #random: RandomBytes
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync, random: RandomBytes) {
    this.#db = db
    this.#random = random
  }

  #sql(text: string): StatementSync {
    const known = this.#statements.get(text)
    if (known !== undefined) return known
    const made = this.#db.prepare(text)
    this.#statements.set(text, made)
    return made
  }

  /** What the host has stored of this device's events: its RESUME. */
  incoming(device: string): { stored: number; id: Uint8Array } {
    const row = this.#sql('SELECT stored, stored_id FROM device WHERE id = ?').get(device)
    return { stored: Number(row?.stored ?? 0), id: bytes(row?.stored_id) }
  }

  /**
   * Stores a POST; a double is dropped and acknowledged again.
   * Throws ClawError('frame-invalid') for a number that leaves a gap. `touched` devices have new events.
   */
  receivePost(
    device: string,
    number: number,
    id: Uint8Array,
    room: Uint8Array,
    text: string,
    nowMs: number,
  ): { stored: number; touched: string[] } {
    const { stored } = this.incoming(device)
    if (number <= stored) return { stored, touched: [] }
    if (number !== stored + 1) throw new ClawError('frame-invalid')
    return transaction(this.#db, () => {
      this.#sql('UPDATE device SET stored = ?, stored_id = ? WHERE id = ?').run(number, id, device)
      const known = this.#sql('SELECT 1 FROM message WHERE device = ? AND id = ?').get(device, id)
      if (known !== undefined) return { stored: number, touched: [] }
      if (!equal(room, ROOM)) {
        this.#enqueue(device, { type: 'refused', id, reason: 'no-room' })
        return { stored: number, touched: [device] }
      }
      return { stored: number, touched: this.#store(device, id, room, text, nowMs) }
    })
  }

  #store(device: string, id: Uint8Array, room: Uint8Array, text: string, nowMs: number): string[] {
    const author = this.#sql('SELECT member FROM device WHERE id = ?').get(device)
    const last = this.#sql('SELECT max(seq) AS seq FROM message WHERE room = ?').get(room)
    const seq = Number(last?.seq ?? 0) + 1
    this.#sql(
      'INSERT INTO message (room, seq, id, author, device, at_ms, text) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(room, seq, id, String(author?.member), device, nowMs, text)
    const devices = this.#sql('SELECT id FROM device WHERE confirmed_ms IS NOT NULL').all()
    for (const row of devices) {
      const other = String(row.id)
      if (other === device) this.#enqueue(device, { type: 'stored', id, room, seq, atMs: nowMs })
      else this.#enqueueMessage(other, id, room, seq)
    }
    return devices.map((row) => String(row.id))
  }

  #nextNumber(device: string): number {
    const row = this.#sql(
      'UPDATE device SET assigned = assigned + 1 WHERE id = ? RETURNING assigned',
    ).get(device)
    return Number(row?.assigned)
  }

  #enqueue(device: string, event: ChatEvent): void {
    const { kind, body } = encodeEvent(event)
    this.#sql('INSERT INTO queue (device, number, id, kind, body) VALUES (?, ?, ?, ?, ?)').run(
      device,
      this.#nextNumber(device),
      this.#random(16),
      kind,
      body,
    )
  }

  // Only a reference: a message waiting for fifty devices is stored once.
  #enqueueMessage(device: string, id: Uint8Array, room: Uint8Array, seq: number): void {
    this.#sql(
      'INSERT INTO queue (device, number, id, kind, room, seq) VALUES (?, ?, ?, ?, ?, ?)',
    ).run(device, this.#nextNumber(device), id, MESSAGE_KIND, room, seq)
  }

  /** A new device gets the last messages as events of its own. */
  joinDevice(device: string): void {
    transaction(this.#db, () => {
      const { messages } = this.history(ROOM, Number.MAX_SAFE_INTEGER, JOIN_HISTORY)
      for (const { id, room, seq } of messages) this.#enqueueMessage(device, id, room, seq)
    })
  }

  /** Events above `afterNumber`, in order. */
  pending(device: string, afterNumber: number, limit: number): QueuedEvent[] {
    const rows = this.#sql(
      'SELECT * FROM queue WHERE device = ? AND number > ? ORDER BY number LIMIT ?',
    ).all(device, afterNumber, limit)
    return rows.map((row) => ({
      number: Number(row.number),
      id: bytes(row.id),
      kind: Number(row.kind),
      body: row.body === null ? this.#messageBody(row) : bytes(row.body),
    }))
  }

  #messageBody(row: Row): Uint8Array {
    const message = this.#sql('SELECT * FROM message WHERE room = ? AND seq = ?').get(
      row.room ?? null,
      row.seq ?? null,
    )
    if (message === undefined) throw new Error('bug: queued message is not in the log')
    return encodeStoredMessage(storedMessage(message))
  }

  /** SPEC §6.2: brings the queue in line with the last number (and its event id) that the device stored. */
  settle(device: string, stored: number, id: Uint8Array): { touched: string[] } {
    return transaction(this.#db, () => {
      const row = this.#sql('SELECT assigned FROM device WHERE id = ?').get(device)
      const assigned = Number(row?.assigned ?? 0)
      const held = this.#sql('SELECT id FROM queue WHERE device = ? AND number = ?').get(
        device,
        stored,
      )
      const forked = stored > assigned || (held !== undefined && !equal(bytes(held.id), id))
      if (stored === 0 && !isZero(id)) throw new ClawError('frame-invalid')
      const touched = forked ? [] : this.#drop(device, stored)
      this.#renumber(device, stored)
      return { touched }
    })
  }

  /** Pending events follow `stored` without a hole. */
  #renumber(device: string, stored: number): void {
    const rows = this.#sql('SELECT number FROM queue WHERE device = ? ORDER BY number').all(device)
    const first = Number(rows[0]?.number ?? stored + 1)
    if (first !== stored + 1) {
      // Through negative numbers, so that no step meets a number still taken.
      this.#sql('UPDATE queue SET number = -number WHERE device = ?').run(device)
      rows.forEach((row, i) => {
        this.#sql('UPDATE queue SET number = ? WHERE device = ? AND number = ?').run(
          stored + 1 + i,
          device,
          -Number(row.number),
        )
      })
    }
    this.#sql('UPDATE device SET assigned = ? WHERE id = ?').run(stored + rows.length, device)
  }

  /** The device has these on its disk. @returns devices that have news of it */
  acknowledge(device: string, number: number): string[] {
    return transaction(this.#db, () => this.#drop(device, number))
  }

  #drop(device: string, number: number): string[] {
    const fresh = this.#sql(
      `SELECT m.room, m.seq, m.id, m.author FROM queue q JOIN message m ON m.room = q.room AND m.seq = q.seq
       WHERE q.device = ? AND q.number <= ? AND m.delivered = 0 AND m.device <> ?`,
    ).all(device, number, device)
    this.#sql('DELETE FROM queue WHERE device = ? AND number <= ?').run(device, number)
    for (const { room, seq } of fresh) {
      this.#sql('UPDATE message SET delivered = 1 WHERE room = ? AND seq = ?').run(
        room ?? null,
        seq ?? null,
      )
    }
    const authors = new Set(fresh.map((row) => String(row.author)))
    return [...authors].flatMap((author) =>
      this.#tellDelivered(
        author,
        fresh.filter((row) => row.author === author).map((row) => bytes(row.id)),
      ),
    )
  }

  #tellDelivered(author: string, ids: readonly Uint8Array[]): string[] {
    const devices = this.#sql(
      'SELECT id FROM device WHERE member = ? AND confirmed_ms IS NOT NULL',
    ).all(author)
    for (const { id } of devices) {
      for (let at = 0; at < ids.length; at += MAX_DELIVERED) {
        const part = ids.slice(at, at + MAX_DELIVERED)
        this.#enqueue(String(id), { type: 'delivered', room: ROOM, ids: part })
      }
    }
    return devices.map((row) => String(row.id))
  }

  /** Up to `limit` messages below `before`, in order. */
  history(
    room: Uint8Array,
    before: number,
    limit: number,
  ): { messages: StoredMessage[]; more: boolean } {
    const rows = this.#sql(
      'SELECT * FROM message WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
    ).all(room, before, limit)
    const messages = rows.reverse().map(storedMessage)
    return { messages, more: (messages[0]?.seq ?? 1) > 1 }
  }
}

const storedMessage = (row: Row): StoredMessage => ({
  type: 'message',
  id: bytes(row.id),
  room: bytes(row.room),
  seq: Number(row.seq),
  atMs: Number(row.at_ms),
  author: fromHex(String(row.author)),
  authorDevice: fromHex(String(row.device)),
  delivered: row.delivered === 1,
  text: String(row.text),
})
