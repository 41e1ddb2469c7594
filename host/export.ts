// `clawchat export` (SPEC §11.4): the history as text that other programs and people can read, with its files, also while the
// host runs. Of rooms that the owner is in; of all, if the owner says so.
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Attachment, readAttachment } from '../shared/attachment.ts'
import { Reader, toHex } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { blockLength, blocksOf } from '../shared/files.ts'
import { readDatabase } from './database.ts'
import { FILES_FOLDER, fileKeyOf } from './files.ts'
import { peekIdentity } from './folder.ts'
import type { Passphrase } from './keyfile.ts'
import { SealedFile } from './sealedfile.ts'

export interface ExportInput {
  readonly dataDir: string
  /** empty, or not there yet */
  readonly out: string
  /** also rooms that no owner is in */
  readonly all: boolean
  readonly passphrase: Passphrase
  readonly random: RandomBytes
  /** what has ended by then is left out */
  readonly nowMs: number
}

export interface ExportResult {
  readonly exported: string
  readonly rooms: number
  readonly messages: number
  readonly files: number
  /** that could not be read */
  readonly damaged: number
}

interface Room {
  readonly id: Uint8Array
  readonly name: string
  readonly members: readonly string[]
}

const SQL = {
  rooms: 'SELECT id, name FROM rooms ORDER BY createdMs, rowid',
  inside: `SELECT m.name, m.role FROM inside i JOIN members m ON m.id = i.member
    WHERE i.room = ? ORDER BY i.sinceMs, i.member`,
  hostName: "SELECT value FROM kv WHERE key = 'name'",
  messages: `SELECT m.*, a.name AS authorName, f.content AS content FROM messages m
    LEFT JOIN members a ON a.id = m.author LEFT JOIN files f ON f.id = m.id
    WHERE m.room = ? AND m.gone = 0 AND m.deleted = 0 AND (m.endsAtMs = 0 OR m.endsAtMs > ?)
    ORDER BY m.seq`,
  reactions: `SELECT r.emoji, a.name FROM reactions r LEFT JOIN members a ON a.id = r.member
    WHERE r.message = ? ORDER BY r.rowid`,
} as const

/** Throws ClawError: `folder-foreign`, `folder-unusable`, `storage`, `passphrase-…`. */
export async function exportHistory(input: ExportInput): Promise<ExportResult> {
  const { dataDir, out } = input
  const identity = peekIdentity(dataDir, input.passphrase)
  if (identity === null) throw new ClawError('folder-foreign')
  if (existsSync(out) && readdirSync(out).length > 0) throw new ClawError('folder-foreign')
  const db = readDatabase(dataDir)
  try {
    mkdirSync(join(out, 'files'), { recursive: true, mode: 0o700 })
    return await new Export(db, input, identity.identitySecret).run()
  } catch (error) {
    throw error instanceof ClawError ? error : new ClawError('folder-unusable')
  } finally {
    db.close()
  }
}

/** One line of history.jsonl. */
interface Line {
  readonly room: string
  readonly roomName: string
  readonly seq: number
  readonly id: string
  readonly at: string
  readonly author: string
  readonly authorName: string
  readonly text: string
  readonly edited: boolean
  readonly replyTo: string | null
  readonly reactions: readonly { readonly emoji: string; readonly by: string }[]
  readonly file: {
    readonly name: string
    readonly type: string
    readonly size: number
    /** within the folder; null where it cannot be read */
    readonly path: string | null
  } | null
}

class Export {
  readonly #db: DatabaseSync
  readonly #input: ExportInput
  readonly #key: ReturnType<typeof fileKeyOf>
  #messages = 0
  #files = 0
  #damaged = 0

  constructor(db: DatabaseSync, input: ExportInput, identitySecret: Uint8Array) {
    this.#db = db
    this.#input = input
    this.#key = fileKeyOf(identitySecret)
  }

  async run(): Promise<ExportResult> {
    const { out } = this.#input
    const lines = openSync(join(out, 'history.jsonl'), 'wx', 0o600)
    try {
      const rooms = this.#rooms()
      for (const [i, room] of rooms.entries()) await this.#room(room, i + 1, lines)
      return {
        ...{ exported: out, rooms: rooms.length, messages: this.#messages },
        ...{ files: this.#files, damaged: this.#damaged },
      }
    } finally {
      closeSync(lines)
    }
  }

  #rooms(): Room[] {
    const inside = this.#db.prepare(SQL.inside)
    const hostName = String(this.#db.prepare(SQL.hostName).get()?.value ?? 'My host')
    return this.#db
      .prepare(SQL.rooms)
      .all()
      .flatMap((row) => {
        const id = row.id as Uint8Array
        const there = inside.all(id)
        if (!this.#input.all && !there.some(({ role }) => role === 'owner')) return []
        const members = there.map(({ name }) => String(name))
        const name = String(row.name) || (id.every((b) => b === 0) ? hostName : members.join(', '))
        return [{ id, name, members }]
      })
  }

  async #room(room: Room, number: number, lines: number): Promise<void> {
    const page = openSync(join(this.#input.out, `room-${number}.md`), 'wx', 0o600)
    try {
      append(page, `# ${oneLine(room.name)}\n\n${room.members.map(oneLine).join(', ')}\n`)
      for (const row of this.#db.prepare(SQL.messages).iterate(room.id, this.#input.nowMs)) {
        const line = await this.#line(room, row)
        append(lines, `${JSON.stringify(line)}\n`)
        append(page, markdownOf(line))
        this.#messages += 1
      }
    } finally {
      closeSync(page)
    }
  }

  async #line(room: Room, row: Record<string, unknown>): Promise<Line> {
    const id = row.id as Uint8Array
    const reactions = this.#db.prepare(SQL.reactions).all(id)
    return {
      ...{ room: toHex(room.id), roomName: room.name, seq: Number(row.seq), id: toHex(id) },
      at: new Date(Number(row.atMs)).toISOString(),
      ...{ author: String(row.author), authorName: String(row.authorName ?? '') },
      ...{ text: String(row.text), edited: row.edited === 1 },
      replyTo: row.replyTo === null ? null : toHex(row.replyTo as Uint8Array),
      reactions: reactions.map(({ emoji, name }) => ({
        emoji: String(emoji),
        by: String(name ?? ''),
      })),
      file: await this.#file(id, row),
    }
  }

  async #file(id: Uint8Array, row: Record<string, unknown>): Promise<Line['file']> {
    if (row.file === null) return null
    const { file } = readAttachment(new Reader(row.file as Uint8Array))
    if (file === undefined) return null
    const { name, type, size } = file
    // Its own name may be of any length and look like anything; its id is safe everywhere.
    const path = `files/${toHex(id)}${/\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ''}`
    const isWhole = await this.#content(String(row.content), file, join(this.#input.out, path))
    if (isWhole) this.#files += 1
    else this.#damaged += 1
    return { name, type, size, path: isWhole ? path : null }
  }

  /** @returns false where it cannot be read */
  async #content(content: string, { size }: Attachment, to: string): Promise<boolean> {
    const out = openSync(to, 'wx', 0o600)
    const from = join(this.#input.dataDir, FILES_FOLDER, content)
    try {
      const sealed = await SealedFile.open(from, this.#key, this.#input.random)
      try {
        for (let n = 0; n < blocksOf(size); n++)
          appendBytes(out, await sealed.read(n, blockLength(size, n)))
        return true
      } finally {
        await sealed.close()
      }
    } catch (error) {
      rmSync(to)
      if (error instanceof ClawError && error.code === 'file-damaged') return false
      throw error
    } finally {
      closeSync(out)
    }
  }
}

const append = (file: number, text: string): void => appendBytes(file, Buffer.from(text))

function appendBytes(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}

const oneLine = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, ' ')

/** A text stands behind `>`, line by line: whatever it says, it cannot look like another message. */
function markdownOf({ at, authorName, text, edited, reactions, file }: Line): string {
  const head = `**${oneLine(authorName)}**, ${at}${edited ? ', edited' : ''}`
  const quoted = text === '' ? [] : text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => `> ${line}`)
  const label = file === null ? '' : oneLine(file.name).replaceAll(/[[\]\\]/g, ' ')
  const attached =
    file === null ? [] : [file.path === null ? `(${label}: damaged)` : `[${label}](${file.path})`]
  const marks =
    reactions.length === 0
      ? []
      : [reactions.map(({ emoji, by }) => `${emoji} ${oneLine(by)}`).join(', ')]
  const parts = [head, quoted.join('\n'), ...attached, ...marks].filter((part) => part !== '')
  return `\n${parts.join('\n\n')}\n`
}
