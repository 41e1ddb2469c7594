// Messages as they stand, and how members change them (SPEC §7): who may, what it leads to, and the log of it.
// Runs within a transaction of its caller (rooms.ts). Message and room ids are 16 bytes, member and device ids hex.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Attachment, readAttachment, writeAttachment } from '../shared/attachment.ts'
import { equal, fromHex, Reader, toUtf8, Writer } from '../shared/bytes.ts'
import { TEXT_MAX_BYTES } from '../shared/constants.ts'
import {
  type ChatEvent,
  REACTIONS_MAX,
  REACTORS_MAX,
  type Reaction,
  type Refusal,
  type StoredMessage,
} from '../shared/events.ts'
import { earlierEnd } from '../shared/lifetime.ts'
import { indexedOf, SearchIndex } from './search.ts'

type Row = Record<string, unknown>
export type Post = Extract<ChatEvent, { type: 'post' }>
export type Change = Extract<ChatEvent, { type: 'edit' | 'delete' | 'react' }>

/** Hex ids. */
export interface Author {
  readonly device: string
  readonly member: string
}

/** Where a message lies. */
export interface Place {
  readonly room: Uint8Array
  readonly seq: number
  /** of the host's clock when it was stored */
  readonly atMs: number
  /** 0: not by its room (SPEC §7.10) */
  readonly endsAtMs: number
}

const SQL = {
  nextSeq: 'UPDATE rooms SET seq = seq + 1 WHERE id = ? RETURNING seq',
  nextChange: 'UPDATE rooms SET change = max(change + 1, ?) WHERE id = ? RETURNING change',
  isInside: 'SELECT 1 FROM inside WHERE room = ? AND member = ?',
  role: 'SELECT role FROM members WHERE id = ?',
  byId: 'SELECT * FROM messages WHERE id = ?',
  add: `INSERT INTO messages
    (room, seq, id, author, authorDevice, atMs, text, replyTo, change, ordinal, file, endsAtMs)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  addNotice: `INSERT INTO messages
    (room, seq, id, author, authorDevice, atMs, text, change, ordinal, lifeMs)
    VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?)`,
  life: 'SELECT lifeMs FROM rooms WHERE id = ?',
  isWhole: 'SELECT 1 FROM files WHERE id = ? AND member = ? AND room = ? AND size = ? AND hash = ?',
  dropFile: 'DELETE FROM files WHERE id = ?',
  edit: 'UPDATE messages SET text = ?, edited = 1, change = ? WHERE id = ?',
  delete: `UPDATE messages SET text = '', replyTo = NULL, file = NULL, deleted = 1, change = ?
    WHERE id = ?`,
  touch: 'UPDATE messages SET change = ? WHERE id = ?',
  log: 'INSERT INTO changes (message, change, kind, member, atMs, text) VALUES (?, ?, ?, ?, ?, ?)',
  forget: `UPDATE changes SET text = '' WHERE message = ?`,
  reactions: 'SELECT emoji, member FROM reactions WHERE message = ? ORDER BY rowid',
  react: 'INSERT OR IGNORE INTO reactions (message, emoji, member) VALUES (?, ?, ?)',
  unreact: 'DELETE FROM reactions WHERE message = ? AND emoji = ? AND member = ?',
  unreactAll: 'DELETE FROM reactions WHERE message = ?',
  range: `SELECT * FROM messages WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
} as const

export class Messages {
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>
  readonly #index: SearchIndex

  constructor(db: DatabaseSync) {
    this.#index = new SearchIndex(db)
    const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
  }

  /** Stores a message, or finds it stored by the same member before: it stays single. */
  post(
    { member, device }: Author,
    id: Uint8Array,
    { room, replyTo, text, file, endsAtMs }: Post,
    nowMs: number,
  ): (Place & { readonly known: boolean }) | Refusal {
    const earlier = this.#sql.byId.get(id)
    if (earlier !== undefined) {
      if (earlier.gone === 1) return 'gone'
      // Somebody else's id is random: who has it has seen the message.
      if (earlier.author !== member) return 'not-allowed'
      return { ...placeOf(earlier), known: true }
    }
    if (!this.#isInside(room, member)) return 'no-room'
    if (endsAtMs > 0 && endsAtMs <= nowMs) return 'gone'
    if (isTooLong(text, file !== undefined)) return 'too-long'
    if (file !== undefined && !this.#isWhole(id, member, room, file)) return 'no-file'
    const seq = Number(this.#sql.nextSeq.get(room)?.seq)
    const change = this.#nextChange(room, nowMs)
    const answers = this.#answers(room, replyTo)
    const ordinal = this.#index.nextOrdinal()
    const what = file === undefined ? null : fileBytes(file)
    const ends = earlierEnd(endsAtMs, this.#endOf(room, nowMs))
    const about = [room, seq, id, member, device, nowMs, text, answers, change, ordinal, what]
    this.#sql.add.run(...about, ends)
    const fileName = file?.name ?? null
    this.#index.add({ room, ordinal, author: member, text, fileName })
    return { room, seq, atMs: nowMs, endsAtMs: ends, known: false }
  }

  /** Of what is written in a room now; 0: by its room not at all. */
  #endOf(room: Uint8Array, nowMs: number): number {
    const lifeMs = Number(this.#sql.life.get(room)?.lifeMs)
    return lifeMs === 0 ? 0 : nowMs + lifeMs
  }

  /** Says in the room that the author has set its lifetime; stays as long as the host keeps anything. @returns its seq */
  notice({ member, device }: Author, room: Uint8Array, id: Uint8Array, nowMs: number): number {
    const seq = Number(this.#sql.nextSeq.get(room)?.seq)
    const change = this.#nextChange(room, nowMs)
    const ordinal = this.#index.nextOrdinal()
    const lifeMs = Number(this.#sql.life.get(room)?.lifeMs)
    this.#sql.addNotice.run(room, seq, id, member, device, nowMs, change, ordinal, lifeMs)
    this.#index.add({ room, ordinal, author: member, text: '', fileName: null })
    return seq
  }

  /** The member has put all of it for this message, and it is what the message says. */
  #isWhole(id: Uint8Array, member: string, room: Uint8Array, { size, hash }: Attachment): boolean {
    return this.#sql.isWhole.get(id, member, room, size, hash) !== undefined
  }

  /** A reply to what is not in this room answers nothing. */
  #answers(room: Uint8Array, replyTo: Uint8Array | null): Uint8Array | null {
    const row = replyTo === null ? undefined : this.#sql.byId.get(replyTo)
    const isHere = row?.gone === 0 && equal(row.room as Uint8Array, room)
    return isHere ? replyTo : null
  }

  /** @returns where the changed message lies, null where nothing is to change, or why not */
  change(member: string, change: Change, nowMs: number): Place | Refusal | null {
    const row = this.#sql.byId.get(change.message)
    // Who is not in the room learns nothing of it.
    if (row?.gone !== 0 || !this.#isInside(row.room as Uint8Array, member)) return 'no-room'
    if (row.lifeMs !== null) return 'not-allowed'
    const done = this.#apply(row, member, change, nowMs)
    return done === 'done' ? placeOf(row) : done
  }

  #apply(row: Row, member: string, change: Change, nowMs: number): 'done' | Refusal | null {
    const deleted = row.deleted === 1
    switch (change.type) {
      case 'edit':
        if (row.author !== member || deleted) return 'not-allowed'
        return this.#edit(row, member, change.text, nowMs)
      case 'delete':
        if (row.author !== member && this.#sql.role.get(member)?.role !== 'owner')
          return 'not-allowed'
        return deleted ? null : this.#delete(row, member, nowMs)
      case 'react':
        return deleted ? 'not-allowed' : this.#react(row, member, change, nowMs)
    }
  }

  #edit(row: Row, member: string, text: string, nowMs: number): 'done' | Refusal | null {
    if (isTooLong(text)) return 'too-long'
    if (row.text === text) return null
    // The log keeps what it said before.
    const change = this.#note(row, 'edit', member, String(row.text), nowMs)
    this.#sql.edit.run(text, change, row.id as Uint8Array)
    const indexed = indexedOf(row)
    this.#index.remove(indexed)
    this.#index.add({ ...indexed, text })
    return 'done'
  }

  #delete(row: Row, member: string, nowMs: number): 'done' {
    const change = this.#note(row, 'delete', member, '', nowMs)
    const id = row.id as Uint8Array
    this.#sql.forget.run(id)
    this.#sql.unreactAll.run(id)
    this.#sql.dropFile.run(id)
    this.#sql.delete.run(change, id)
    this.#index.remove(indexedOf(row))
    return 'done'
  }

  #react(
    row: Row,
    member: string,
    { on, emoji }: Extract<Change, { type: 'react' }>,
    nowMs: number,
  ): 'done' | Refusal | null {
    const id = row.id as Uint8Array
    if (on && !this.#hasRoomFor(id, emoji)) return 'too-long'
    const run = on ? this.#sql.react : this.#sql.unreact
    if (Number(run.run(id, emoji, member).changes) === 0) return null
    this.#sql.touch.run(this.#note(row, on ? 'react' : 'unreact', member, emoji, nowMs), id)
    return 'done'
  }

  #hasRoomFor(id: Uint8Array, emoji: string): boolean {
    const reactions = this.#reactions(id)
    const same = reactions.find((reaction) => reaction.emoji === emoji)
    return same === undefined
      ? reactions.length < REACTIONS_MAX
      : same.members.length < REACTORS_MAX
  }

  #note(row: Row, kind: string, member: string, text: string, nowMs: number): number {
    const change = this.#nextChange(row.room as Uint8Array, nowMs)
    this.#sql.log.run(row.id as Uint8Array, change, kind, member, nowMs, text)
    return change
  }

  /** Never below the clock, so that a host restored from a backup does not give the same numbers out again. */
  #nextChange(room: Uint8Array, nowMs: number): number {
    return Number(this.#sql.nextChange.get(nowMs, room)?.change)
  }

  /** Newest first, below `before`. */
  *below(room: Uint8Array, before: number, limit: number): Generator<StoredMessage> {
    for (const row of this.#sql.range.iterate(room, before, limit)) yield this.messageOf(row)
  }

  /** A row of `messages` as it goes out. */
  messageOf(row: Row): StoredMessage {
    return {
      type: 'message',
      id: row.id as Uint8Array,
      room: row.room as Uint8Array,
      seq: Number(row.seq),
      atMs: Number(row.atMs),
      author: fromHex(String(row.author)),
      authorDevice: fromHex(String(row.authorDevice)),
      delivered: row.delivered === 1,
      edited: row.edited === 1 && row.deleted !== 1,
      deleted: row.deleted === 1,
      gone: row.gone === 1,
      change: Number(row.change),
      replyTo: row.replyTo as Uint8Array | null,
      text: String(row.text),
      reactions: this.#reactions(row.id as Uint8Array),
      ...fileOf(row.file as Uint8Array | null),
      endsAtMs: Number(row.endsAtMs),
      notice: row.lifeMs === null ? null : { lifeMs: Number(row.lifeMs) },
    }
  }

  #reactions(id: Uint8Array): Reaction[] {
    const byEmoji = new Map<string, Uint8Array[]>()
    for (const { emoji, member } of this.#sql.reactions.all(id)) {
      const members = byEmoji.get(String(emoji)) ?? []
      members.push(fromHex(String(member)))
      byEmoji.set(String(emoji), members)
    }
    return [...byEmoji].map(([emoji, members]) => ({ emoji, members }))
  }

  #isInside(room: Uint8Array, member: string): boolean {
    return this.#sql.isInside.get(room, member) !== undefined
  }
}

const isTooLong = (text: string, mayBeEmpty = false): boolean =>
  (text === '' && !mayBeEmpty) || toUtf8(text).length > TEXT_MAX_BYTES

function fileBytes(file: Attachment): Uint8Array {
  const writer = new Writer(160)
  writeAttachment(writer, file)
  return writer.done()
}

const fileOf = (bytes: Uint8Array | null) =>
  bytes === null ? {} : readAttachment(new Reader(bytes))

const placeOf = (row: Row): Place => ({
  room: row.room as Uint8Array,
  seq: Number(row.seq),
  atMs: Number(row.atMs),
  endsAtMs: Number(row.endsAtMs),
})
