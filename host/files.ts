// The files of messages on the host (SPEC §6.5, §7.7): who may put and fetch them, how much there may be, where they lie.
// Content lies once under a name that its hash and the host's key make; what is under way in a file of its own.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { toHex } from '../shared/bytes.ts'
import type { Aead, RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { blockLength, blocksOf, type FileMessage, fileHash, hashBlock } from '../shared/files.ts'
import { kdf } from '../shared/hash.ts'
import { syncFolder } from './folder.ts'
import { nodeBackend } from './nodecrypto.ts'
import { SealedFile } from './sealedfile.ts'

export const FILES_FOLDER = 'files'
/** Of one member, that no message belongs to yet. */
const WAITING_MAX = 16
const WAITING_MS = 7 * 24 * 3600_000
const SWEEP_MS = 3600_000
/** An upload that rests so long is closed until it goes on. */
const REST_MS = 60_000
/** Stays free on the disk, for the database. */
const SPARE_BYTES = 200 * 2 ** 20

/** Seals the keys of files. `secret`: of H, 32 bytes */
export const fileKeyOf = (secret: Uint8Array): Aead => nodeBackend.aead(kdf(secret, 'file keys'))

const sha = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

const SQL = {
  byId: 'SELECT * FROM files WHERE id = ?',
  isInside: 'SELECT 1 FROM inside WHERE room = ? AND member = ?',
  isMessage: 'SELECT 1 FROM messages WHERE id = ?',
  add: 'INSERT INTO files (id, member, room, size, createdMs) VALUES (?, ?, ?, ?, ?)',
  done: 'UPDATE files SET hash = ?, content = ? WHERE id = ?',
  drop: 'DELETE FROM files WHERE id = ? AND member = ? AND id NOT IN (SELECT id FROM messages)',
  waiting:
    'SELECT count(*) AS n FROM files WHERE member = ? AND id NOT IN (SELECT id FROM messages)',
  total: 'SELECT coalesce(sum(size), 0) AS n FROM files',
  ofMember: 'SELECT coalesce(sum(size), 0) AS n FROM files WHERE member = ?',
  readable: `SELECT f.size, f.content FROM files f JOIN messages m ON m.id = f.id
    JOIN inside i ON i.room = m.room AND i.member = ?
    WHERE f.id = ? AND f.content IS NOT NULL AND m.deleted = 0`,
  expire: 'DELETE FROM files WHERE createdMs < ? AND id NOT IN (SELECT id FROM messages)',
  hasContent: 'SELECT 1 FROM files WHERE content = ?',
} as const

export interface FileLimits {
  /** of one file, and of all together */
  readonly maxBytes: number
  readonly quotaBytes: number
  /** of all of one member */
  readonly memberBytes: number
}

interface FilesInput {
  readonly db: DatabaseSync
  /** the data folder */
  readonly dir: string
  /** 32 bytes; what lies here is sealed under keys that this one leads to */
  readonly secret: Uint8Array
  readonly random: RandomBytes
  readonly now: () => number
  readonly limits: FileLimits
}

interface Row {
  readonly id: Uint8Array
  readonly size: number
  readonly hash: Uint8Array | null
}

interface Upload {
  readonly file: SealedFile
  blocks: number
  hash: Uint8Array
  usedMs: number
}

type Of<T extends FileMessage['type']> = Extract<FileMessage, { type: T }>

export class Files {
  readonly #input: FilesInput
  readonly #folder: string
  readonly #key: Aead
  readonly #nameKey: Uint8Array
  readonly #sql: Readonly<Record<keyof typeof SQL, StatementSync>>
  readonly #uploads = new Map<string, Upload>()
  /** what is done with one file is done one after the other */
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #timer: NodeJS.Timeout
  #sweptMs = 0

  constructor(input: FilesInput) {
    this.#input = input
    this.#folder = join(input.dir, FILES_FOLDER)
    this.#key = fileKeyOf(input.secret)
    this.#nameKey = kdf(input.secret, 'file names')
    const entries = Object.entries(SQL).map(([name, sql]) => [name, input.db.prepare(sql)])
    this.#sql = Object.fromEntries(entries) as Record<keyof typeof SQL, StatementSync>
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    this.sweep()
    this.#timer = setInterval(() => this.#rest(), REST_MS)
    this.#timer.unref()
  }

  /** As members count them, also where several are the same. */
  get bytes(): number {
    return this.#number('total')
  }

  /** Rejects with ClawError: what FILE_FAIL says. */
  async offer(member: string, { id, room, size }: Of<'offer'>): Promise<Of<'at'>> {
    const free = await statfs(this.#folder)
    return this.#inTurn(id, async () => {
      const known = this.#row(id, member)
      if (known === null) this.#admit(member, { id, room, size }, free.bavail * free.bsize)
      else if (known.size !== size) throw new ClawError('file-unknown')
      return this.#goOn({ id, size, hash: known?.hash ?? null })
    })
  }

  #admit(member: string, { id, room, size }: Omit<Of<'offer'>, 'type'>, freeBytes: number): void {
    const { limits, now } = this.#input
    const isTaken = this.#sql.isMessage.get(id) !== undefined
    if (isTaken || this.#sql.isInside.get(room, member) === undefined)
      throw new ClawError('file-unknown')
    if (size > limits.maxBytes) throw new ClawError('file-too-large')
    if (this.#number('waiting', member) >= WAITING_MAX) throw new ClawError('file-too-many')
    if (this.#number('ofMember', member) + size > limits.memberBytes)
      throw new ClawError('file-member-quota')
    if (this.#number('total') + size > limits.quotaBytes) throw new ClawError('file-quota')
    if (size + SPARE_BYTES > freeBytes) throw new ClawError('file-disk-full')
    this.#sql.add.run(id, member, room, size, now())
  }

  #number(name: 'waiting' | 'total' | 'ofMember', ...args: readonly string[]): number {
    return Number(this.#sql[name].get(...args)?.n)
  }

  /** Rejects with ClawError: what FILE_FAIL says, or `frame-invalid` for a block that is none of this file. */
  put(member: string, { id, index, bytes }: Of<'put'>): Promise<Of<'at'>> {
    return this.#inTurn(id, async () => {
      const row = this.#row(id, member)
      if (row === null) throw new ClawError('file-unknown')
      if (bytes.length !== blockLength(row.size, index)) throw new ClawError('frame-invalid')
      if (row.hash !== null) return this.#goOn(row)
      const upload = await this.#upload(row)
      if (index === upload.blocks) {
        await upload.file.write(index, bytes)
        upload.hash = hashBlock(upload.hash, bytes, sha)
        upload.blocks += 1
      }
      return this.#goOn(row)
    })
  }

  /** How far it is; whole, it is given its place. */
  async #goOn(row: Row): Promise<Of<'at'>> {
    const total = blocksOf(row.size)
    const { id } = row
    if (row.hash !== null) return { type: 'at', id, blocks: total, hash: row.hash }
    const upload = await this.#upload(row)
    upload.usedMs = this.#input.now()
    const { blocks, hash } = upload
    if (blocks === total) await this.#finish(id, upload)
    return { type: 'at', id, blocks, hash }
  }

  async #finish(id: Uint8Array, { file, hash }: Upload): Promise<void> {
    await file.sync()
    await this.#close(toHex(id))
    const content = toHex(kdf(this.#nameKey, 'content', hash))
    // In one tick, so that no sweep comes in between. Whoever put the same before has it there already.
    renameSync(this.#partOf(id), join(this.#folder, content))
    syncFolder(this.#folder)
    this.#sql.done.run(hash, content, id)
  }

  /** Nothing happens to a file that is not this member's, or that a message belongs to. */
  drop(member: string, id: Uint8Array): Promise<void> {
    return this.#inTurn(id, async () => {
      if (Number(this.#sql.drop.run(id, member).changes) === 0) return
      await this.#close(toHex(id))
      this.sweep()
    })
  }

  /** Rejects with ClawError: `file-unknown` for what the member may not see, `file-damaged`. */
  async fetch(member: string, { id, index }: Of<'fetch'>): Promise<Of<'block'>> {
    const row = this.#sql.readable.get(member, id)
    const length = row === undefined ? 0 : blockLength(Number(row.size), index)
    if (length === 0) throw new ClawError('file-unknown')
    const file = await this.#open(join(this.#folder, String(row?.content)))
    try {
      return { type: 'block', id, index, bytes: await file.read(index, length) }
    } finally {
      await file.close()
    }
  }

  #open(path: string): Promise<SealedFile> {
    return SealedFile.open(path, this.#key, this.#input.random)
  }

  /** The file of an upload, and how far it is: after a restart, as far as it can still be read. */
  async #upload({ id, size }: Row): Promise<Upload> {
    const key = toHex(id)
    const known = this.#uploads.get(key)
    if (known !== undefined) return known
    const path = this.#partOf(id)
    const file = await this.#open(path).catch(() =>
      SealedFile.create(path, this.#key, this.#input.random),
    )
    const upload = { file, blocks: 0, hash: fileHash(size, sha), usedMs: this.#input.now() }
    const there = await file.count(size)
    while (upload.blocks < there) {
      const block = await file
        .read(upload.blocks, blockLength(size, upload.blocks))
        .catch(() => null)
      if (block === null) break
      upload.hash = hashBlock(upload.hash, block, sha)
      upload.blocks += 1
    }
    this.#uploads.set(key, upload)
    return upload
  }

  async #close(key: string): Promise<void> {
    const upload = this.#uploads.get(key)
    this.#uploads.delete(key)
    await upload?.file.close()
  }

  /** Deletes what nobody waits for any more, and content that no message has. */
  sweep(): void {
    this.#sweptMs = this.#input.now()
    this.#sql.expire.run(this.#sweptMs - WAITING_MS)
    for (const name of readdirSync(this.#folder)) {
      const part = /^([0-9a-f]{32})\.part$/.exec(name)?.[1]
      const used =
        part === undefined
          ? this.#sql.hasContent.get(name)
          : this.#sql.byId.get(new Uint8Array(Buffer.from(part, 'hex')))
      if (used === undefined) rmSync(join(this.#folder, name), { force: true })
    }
  }

  #rest(): void {
    const nowMs = this.#input.now()
    for (const [key, { usedMs }] of this.#uploads)
      if (nowMs - usedMs > REST_MS)
        void this.#inTurn(Buffer.from(key, 'hex'), () => this.#close(key))
    if (nowMs - this.#sweptMs > SWEEP_MS) this.sweep()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#turns.values())
    for (const key of this.#uploads.keys()) await this.#close(key)
  }

  #inTurn<T>(id: Uint8Array, run: () => Promise<T>): Promise<T> {
    const key = toHex(id)
    const done = (this.#turns.get(key) ?? Promise.resolve()).then(run)
    const settled = done
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(key) === settled) this.#turns.delete(key)
      })
    this.#turns.set(key, settled)
    return done
  }

  /** Of this member; null if there is none of this id. Throws ClawError('file-unknown') for somebody else's. */
  #row(id: Uint8Array, member: string): Row | null {
    const row = this.#sql.byId.get(id)
    if (row === undefined) return null
    if (row.member !== member) throw new ClawError('file-unknown')
    return { id, size: Number(row.size), hash: row.hash as Uint8Array | null }
  }

  #partOf(id: Uint8Array): string {
    return join(this.#folder, `${toHex(id)}.part`)
  }
}
