// Messages, and what waits for each device (SPEC §6.2, §7). Every call is one transaction: what it returns is on disk.
// A message is stored once; queues refer to it. What may be posted and changed is decided in messages.ts, who is in a room
// stands in roomlist.ts. Knows nothing of carriers.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { equal, fromHex, toUtf8 } from '../shared/bytes.ts'
import { HISTORY_MAX } from '../shared/constants.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { type ChatEvent, encodeEvent, MAX_DELIVERED, type StoredMessage } from '../shared/events.ts'
import { ID_BYTES } from '../shared/fields.ts'
import { transaction } from './database.ts'
import { Lifetimes } from './lifetimes.ts'
import { Lookups } from './lookups.ts'
import { type Author, type Change, Messages, type Post } from './messages.ts'
import { RoomList } from './roomlist.ts'

/** Messages queued for a device that has just joined. */
const JOIN_MESSAGES = 200
/** Text of one PAGE, so that it stays below the 1 MiB of a message. */
const PAGE_TEXT_BYTES = 768 * 1024
/** Messages deleted in one transaction, so that nobody waits long meanwhile. */
export const ENDED_AT_ONCE = 200
const MESSAGE_KIND = 2

type Row = Record<string, unknown>

type Read = Extract<ChatEvent, { type: 'read' }>

/** An EVENT as it goes out. */
export interface PendingEvent {
  readonly number: number
  readonly id: Uint8Array
  readonly kind: number
  readonly body: Uint8Array
}

const SQL = {
  device: 'SELECT member, assigned, incoming, incomingId FROM devices WHERE id = ?',
  devicesOf: 'SELECT id FROM devices WHERE member = ?',
  setIncoming: 'UPDATE devices SET incoming = ?, incomingId = ? WHERE id = ?',
  setAssigned: 'UPDATE devices SET assigned = ? WHERE id = ?',
  assign: 'UPDATE devices SET assigned = assigned + 1 WHERE id = ? RETURNING assigned',
  lastSeq: 'SELECT seq, goneUpTo FROM rooms WHERE id = ?',
  queue:
    'INSERT INTO outgoing (device, number, id, kind, body, room, seq) VALUES (?, ?, ?, ?, ?, ?, ?)',
  waits: 'SELECT 1 FROM outgoing WHERE device = ? AND number > ? LIMIT 1',
  pending: `SELECT o.number, o.id AS eventId, o.kind, o.body, m.* FROM outgoing o
    LEFT JOIN messages m ON m.room = o.room AND m.seq = o.seq
    WHERE o.device = ? AND o.number > ? ORDER BY o.number LIMIT ?`,
  queued: 'SELECT seq FROM outgoing WHERE device = ? AND room = ?',
  idOf: 'SELECT id FROM outgoing WHERE device = ? AND number = ?',
  span: 'SELECT min(number) AS first, count(*) AS count FROM outgoing WHERE device = ?',
  undelivered: `SELECT m.room, m.seq, m.id, m.author FROM outgoing o
    JOIN messages m ON m.room = o.room AND m.seq = o.seq
    WHERE o.device = ? AND o.number <= ? AND m.delivered = 0 AND m.gone = 0
    AND m.authorDevice <> o.device
    ORDER BY o.number`,
  setDelivered: 'UPDATE messages SET delivered = 1 WHERE room = ? AND seq = ?',
  settled: 'DELETE FROM outgoing WHERE device = ? AND number <= ?',
  // Two steps by way of negative numbers: rows that move one after another must not meet.
  shift: 'UPDATE outgoing SET number = -(number + ?) WHERE device = ?',
  unshift: 'UPDATE outgoing SET number = -number WHERE device = ?',
  readBy: 'SELECT member, seq, shared FROM reads WHERE room = ?',
  readUpTo: 'SELECT seq FROM reads WHERE room = ? AND member = ?',
  setRead: `INSERT INTO reads (room, member, seq, shared) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET seq = excluded.seq, shared = excluded.shared`,
} as const

export class Rooms {
  readonly #db: DatabaseSync
  readonly #random: RandomBytes
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>
  readonly #messages: Messages
  readonly #lifetimes: Lifetimes
  /** who is in which */
  readonly list: RoomList
  readonly lookups: Lookups

  constructor(db: DatabaseSync, random: RandomBytes) {
    this.#db = db
    this.#random = random
    this.#messages = new Messages(db)
    this.#lifetimes = new Lifetimes(db)
    this.list = new RoomList(db, random)
    this.lookups = new Lookups(db, this.list)
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** What the host says in RESUME: the last number stored of this device, and that event's id (zero for none). */
  incoming(device: string): { readonly stored: number; readonly id: Uint8Array } {
    const { incoming, incomingId } = this.#device(device)
    return { stored: incoming, id: incomingId }
  }

  /**
   * One event of a device. `stored` is to be acknowledged; `touched` are devices with new events.
   * Throws ClawError('frame-invalid') for a number above the next one, and for an event that only hosts send.
   */
  receive(
    device: string,
    number: number,
    id: Uint8Array,
    event: ChatEvent,
    nowMs: number,
  ): { readonly stored: number; readonly touched: readonly string[] } {
    return transaction(this.#db, () => {
      const { member, incoming } = this.#device(device)
      if (number <= incoming) return { stored: incoming, touched: [] }
      if (number !== incoming + 1) throw new ClawError('frame-invalid')
      this.#sql.setIncoming.run(number, id, device)
      return { stored: number, touched: this.#take({ device, member }, id, event, nowMs) }
    })
  }

  #take(author: Author, id: Uint8Array, event: ChatEvent, nowMs: number): readonly string[] {
    switch (event.type) {
      case 'post':
        return this.#post(author, id, event, nowMs)
      case 'edit':
      case 'delete':
      case 'react':
        return this.#change(author, id, event, nowMs)
      case 'read':
        return this.#read(author, event)
      default:
        throw new ClawError('frame-invalid')
    }
  }

  #post(author: Author, id: Uint8Array, event: Post, nowMs: number): string[] {
    const { device } = author
    const place = this.#messages.post(author, id, event, nowMs)
    if (typeof place === 'string') {
      this.#queue(device, { type: 'refused', id, reason: place })
      return [device]
    }
    const { room, seq, atMs, endsAtMs, known } = place
    this.#queue(device, { type: 'stored', id, room, seq, atMs, endsAtMs })
    // The device asks again because it lost the answer.
    if (known) return [device]
    const others = this.list.devices(room).filter((other) => other !== device)
    for (const other of others) this.#queueMessage(other, room, seq)
    return [device, ...others]
  }

  #change({ device, member }: Author, id: Uint8Array, change: Change, nowMs: number): string[] {
    const place = this.#messages.change(member, change, nowMs)
    if (place === null) return []
    if (typeof place === 'string') {
      this.#queue(device, { type: 'refused', id, reason: place })
      return [device]
    }
    const touched = this.list.devices(place.room)
    for (const each of touched) this.#queueMessage(each, place.room, place.seq)
    return touched
  }

  /** How far a member has read; the own devices always hear of it. */
  #read({ member, device }: Author, { room, seq, shared }: Read): string[] {
    if (!this.list.isInside(room, member)) return []
    const last = Number(this.#sql.lastSeq.get(room)?.seq ?? 0)
    const known = Number(this.#sql.readUpTo.get(room, member)?.seq ?? 0)
    const upTo = Math.min(seq, last)
    if (upTo <= known) return []
    this.#sql.setRead.run(room, member, upTo, shared ? 1 : 0)
    const own = ids(this.#sql.devicesOf.all(member))
    const told = (shared ? this.list.devices(room) : own).filter((each) => each !== device)
    for (const each of told) this.#queueRead(each, room, member, upTo)
    return told
  }

  #queueRead(device: string, room: Uint8Array, member: string, seq: number): void {
    this.#queue(device, { type: 'read-by', room, member: fromHex(member), seq })
  }

  /** The next events after `afterNumber`, in order, contiguous. */
  pending(device: string, afterNumber: number, limit: number): PendingEvent[] {
    // Asked after every acknowledgement, when mostly nothing waits: the wide rows cost many times as much to ask for.
    if (this.#sql.waits.get(device, afterNumber) === undefined) return []
    return this.#sql.pending.all(device, afterNumber, limit).map((row) => ({
      number: Number(row.number),
      id: blob(row.eventId),
      kind: Number(row.kind),
      body: row.body === null ? encodeEvent(this.#messages.messageOf(row)).body : blob(row.body),
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

  /**
   * Newest first, below `before` (0: from the newest). Fewer than asked for when the texts are long; `more` says so.
   * Empty for who is not in the room.
   */
  history(
    member: string,
    room: Uint8Array,
    before: number,
    limit: number,
  ): { readonly messages: readonly StoredMessage[]; readonly more: boolean } {
    if (!this.list.isInside(room, member)) return { messages: [], more: false }
    const most = Math.min(limit, HISTORY_MAX)
    const below = before === 0 ? Number.MAX_SAFE_INTEGER : before
    const messages: StoredMessage[] = []
    let bytes = 0
    for (const message of this.#messages.below(room, below, most + 1)) {
      bytes += toUtf8(message.text).length + (message.file?.thumbnail.length ?? 0)
      if (messages.length === most || bytes > PAGE_TEXT_BYTES)
        return { messages, more: message.seq > Number(this.#sql.lastSeq.get(room)?.goneUpTo) }
      messages.push(message)
    }
    return { messages, more: false }
  }

  /** Queues the newest messages of all its rooms for a device that has just been confirmed, or that forgot. */
  joinDevice(device: string): void {
    transaction(this.#db, () => {
      const { member } = this.#device(device)
      for (const { id } of this.list.roomsOf(member)) this.#joinRoom(device, member, id)
    })
  }

  /** What is written in a room from now on stays so long (SPEC §7.10), and it is said there. @returns devices with new events */
  setLifetime(author: Author, room: Uint8Array, lifeMs: number, nowMs: number): string[] {
    return transaction(this.#db, () => {
      if (!this.#lifetimes.set(room, lifeMs)) return []
      const seq = this.#messages.notice(author, room, this.#id(), nowMs)
      const devices = this.list.devices(room)
      for (const device of devices) this.#queueMessage(device, room, seq)
      return devices
    })
  }

  /** Deletes messages whose time is over, each by its room or by `keepMs` (0: none); at most `limit`. @returns how many */
  end(nowMs: number, keepMs: number, limit = ENDED_AT_ONCE): number {
    return transaction(this.#db, () => this.#lifetimes.end(nowMs, keepMs, limit))
  }

  /** Lets a member into a room. @returns the devices to which its newest messages go */
  enter(room: Uint8Array, member: string, nowMs: number): string[] {
    return transaction(this.#db, () => {
      if (!this.list.enter(room, member, nowMs)) return []
      const devices = ids(this.#sql.devicesOf.all(member))
      for (const device of devices) this.#joinRoom(device, member, room)
      return devices
    })
  }

  #joinRoom(device: string, member: string, room: Uint8Array): void {
    const { seq: last = 0, goneUpTo = 0 } = this.#sql.lastSeq.get(room) ?? {}
    // Each once, however often a device forgets.
    const queued = new Set(this.#sql.queued.all(device, room).map((row) => Number(row.seq)))
    const first = Math.max(Number(goneUpTo), Number(last) - JOIN_MESSAGES) + 1
    for (let seq = first; seq <= Number(last); seq++) {
      if (!queued.has(seq)) this.#queueMessage(device, room, seq)
    }
    for (const read of this.#sql.readBy.all(room)) {
      if (read.shared !== 1 && read.member !== member) continue
      this.#queueRead(device, room, String(read.member), Number(read.seq))
    }
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
