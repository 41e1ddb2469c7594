// `clawchat backup` and `restore` (SPEC §11.3): the data folder as one sealed file, also while its host runs, and back.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { concat, fromUtf8, Reader, toUtf8, u64 } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { DATABASE_FILE, snapshotDatabase } from './database.ts'
import { FILES_FOLDER } from './files.ts'
import { KEY_FILE, syncFolder } from './folder.ts'
import { isKeyFile, type Passphrase } from './keyfile.ts'
import { isSealedStream, SealedReader, SealedWriter } from './sealedstream.ts'
import { UsageError } from './usage.ts'

const COPY_BYTES = 64 * 1024
/** What is made anew: locks, what SQLite has under way, the endpoint's copies of records. */
const LEFT_OUT = /^(lock\.db|clawchat\.db|records\.db|record\.bin)|\.(tmp|sock)$|^backup-/
const NAME = /^(?:files\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

export interface BackupResult {
  readonly backup: string
  readonly files: number
  readonly bytes: number
  /** false: whoever has the file can read it */
  readonly sealed: boolean
}

export interface BackupInput {
  readonly dataDir: string
  readonly file: string
  readonly passphrase: Passphrase
  readonly random: RandomBytes
}

/** Throws ClawError: `folder-foreign`, `storage`, `folder-unusable`, UsageError; then there is no such file. */
export function backup({ dataDir, file, passphrase, random }: BackupInput): BackupResult {
  if (!existsSync(join(dataDir, KEY_FILE))) throw new ClawError('folder-foreign')
  if (existsSync(file)) throw new UsageError('There is such a file already.', 'Name another one.')
  const temporary = `${file}.tmp`
  const copy = join(dataDir, `backup-${process.pid}.db`)
  try {
    const contents = snapshotDatabase(dataDir, copy)
    const out = openSync(temporary, 'wx', 0o600)
    try {
      const writer = new SealedWriter(out, passphrase, random)
      const names = ownFiles(dataDir)
      let count = 1 + names.length
      let bytes = put(writer, DATABASE_FILE, copy)
      for (const name of names) bytes += put(writer, name, join(dataDir, name))
      for (const content of contents) {
        const path = join(dataDir, FILES_FOLDER, content)
        // Its message may have ended since.
        if (!existsSync(path)) continue
        bytes += put(writer, `${FILES_FOLDER}/${content}`, path)
        count += 1
      }
      writer.write(new Uint8Array(2))
      writer.end()
      fsyncSync(out)
      renameSync(temporary, file)
      syncFolder(dirname(resolve(file)))
      return { backup: file, files: count, bytes, sealed: passphrase !== null }
    } finally {
      closeSync(out)
    }
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error instanceof ClawError ? error : new ClawError('folder-unusable')
  } finally {
    rmSync(copy, { force: true })
  }
}

const ownFiles = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !LEFT_OUT.test(entry.name) && NAME.test(entry.name))
    .map(({ name }) => name)
    .sort()

/** name, with its length as u16 ‖ size u64 ‖ content. @returns the size */
function put(writer: SealedWriter, name: string, path: string): number {
  const file = openSync(path, 'r')
  try {
    const { size } = statSync(path)
    const text = toUtf8(name)
    writer.write(concat(Uint8Array.of(text.length >> 8, text.length & 255), text, u64(size)))
    const buffer = new Uint8Array(COPY_BYTES)
    for (let left = size; left > 0; ) {
      const read = readSync(file, buffer, 0, Math.min(left, COPY_BYTES), null)
      // Shorter than a moment ago: the file was changed under the copy.
      if (read === 0) throw new ClawError('storage')
      writer.write(buffer.subarray(0, read))
      left -= read
    }
    return size
  } finally {
    closeSync(file)
  }
}

export interface RestoreResult {
  readonly restored: string
  readonly files: number
}

interface RestoreInput {
  readonly dataDir: string
  readonly file: string
  readonly passphrase: Passphrase
}

/** Whether it asks for a passphrase. Throws ClawError('backup-foreign'), UsageError. */
export function isSealedBackup(file: string): boolean {
  const source = openBackup(file)
  try {
    return isSealedStream(source)
  } finally {
    closeSync(source)
  }
}

/**
 * Into a folder that is empty or not there. All of it is read, checked and written beside it first; then the folder appears
 * whole. Throws ClawError: `backup-foreign`, `backup-damaged`, `passphrase-…`, `folder-foreign`, `folder-unusable`.
 */
export function restore({ dataDir, file, passphrase }: RestoreInput): RestoreResult {
  const target = resolve(dataDir)
  if (existsSync(target) && readdirSync(target).length > 0) throw new ClawError('folder-foreign')
  const beside = join(dirname(target), `.${basename(target)}.restoring`)
  const source = openBackup(file)
  try {
    mkdirSync(dirname(target), { recursive: true })
    rmSync(beside, { recursive: true, force: true })
    mkdirSync(beside, { mode: 0o700 })
    const names = unpack(new SealedReader(source, passphrase), beside)
    checkFolder(beside, names)
    if (existsSync(target)) rmdirSync(target)
    renameSync(beside, target)
    syncFolder(dirname(target))
    return { restored: dataDir, files: names.length }
  } catch (error) {
    throw error instanceof ClawError ? error : new ClawError('folder-unusable')
  } finally {
    closeSync(source)
    rmSync(beside, { recursive: true, force: true })
  }
}

function openBackup(file: string): number {
  try {
    return openSync(file, 'r')
  } catch {
    throw new UsageError('There is no such file, or it cannot be read.', 'Name a backup.')
  }
}

/** @returns the names */
function unpack(reader: SealedReader, dir: string): string[] {
  const names: string[] = []
  for (;;) {
    const length = new Reader(reader.read(2), 'backup-damaged').u16()
    if (length === 0) break
    const name = fromUtf8(reader.read(length), 'backup-damaged')
    const size = Number(new DataView(reader.read(8).buffer).getBigUint64(0))
    const isFresh = NAME.test(name) && !names.includes(name)
    if (!isFresh || !Number.isSafeInteger(size)) throw new ClawError('backup-damaged')
    take(reader, size, join(dir, name))
    names.push(name)
  }
  reader.end()
  return names
}

function take(reader: SealedReader, size: number, path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const out = openSync(path, 'wx', 0o600)
  try {
    for (let left = size; left > 0; ) {
      const bytes = reader.read(Math.min(left, COPY_BYTES))
      for (let at = 0; at < bytes.length; ) at += writeSync(out, bytes, at)
      left -= bytes.length
    }
    fsyncSync(out)
  } finally {
    closeSync(out)
  }
}

/** That it is a host's folder, and its database whole. */
function checkFolder(dir: string, names: readonly string[]): void {
  const isHosts =
    names.includes(KEY_FILE) && isKeyFile(new Uint8Array(readFileSync(join(dir, KEY_FILE))))
  if (!isHosts || !names.includes(DATABASE_FILE)) throw new ClawError('backup-damaged')
  const db = new DatabaseSync(join(dir, DATABASE_FILE))
  try {
    if (db.prepare('PRAGMA quick_check(1)').get()?.quick_check !== 'ok')
      throw new ClawError('backup-damaged')
  } catch {
    throw new ClawError('backup-damaged')
  } finally {
    db.close()
  }
}
