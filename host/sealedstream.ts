// A stream of bytes in one sealed file (SPEC §11.3): read to its end it is whole, or it is refused. For backups.
import { createSecretKey, type KeyObject, scryptSync } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { concat, equal, toUtf8 } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import { kdf } from '../shared/hash.ts'
import type { Passphrase } from './keyfile.ts'
import { openGcm, sealGcm } from './nodecrypto.ts'

const MAGIC = toUtf8('CCB1')
/** log2 of scrypt's N, with r = 8; 0: no passphrase, and whoever has the file can read it. */
const COST = 17
const COST_MOST = 22
const BLOCK_SIZE = 8
const SALT_BYTES = 16
const HEAD_BYTES = MAGIC.length + 1 + SALT_BYTES
const CHUNK_BYTES = 64 * 1024
const TAG_BYTES = 16
const LABEL = 'backup'

function keyOf(passphrase: Passphrase, head: Uint8Array): KeyObject {
  const cost = head[MAGIC.length] ?? 0
  const salt = head.slice(MAGIC.length + 1)
  if (passphrase === null) return createSecretKey(kdf(concat(salt, salt), LABEL))
  const N = 2 ** cost
  const options = { N, r: BLOCK_SIZE, p: 1, maxmem: 256 * BLOCK_SIZE * N }
  return createSecretKey(scryptSync(toUtf8(passphrase.normalize('NFKC')), salt, 32, options))
}

/** counter u64 ‖ 000000 ‖ 01 for the last one: none can be left out, moved, or put behind the end. */
function nonceOf(counter: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setBigUint64(0, BigInt(counter))
  nonce[11] = isLast ? 1 : 0
  return nonce
}

export class SealedWriter {
  readonly #file: number
  readonly #head: Uint8Array
  readonly #key: KeyObject
  #held = new Uint8Array(0)
  #counter = 0

  /** `file`: an empty one, open for writing */
  constructor(file: number, passphrase: Passphrase, random: RandomBytes, cost = COST) {
    this.#file = file
    const mark = passphrase === null ? 0 : cost
    this.#head = concat(MAGIC, Uint8Array.of(mark), random(SALT_BYTES))
    this.#key = keyOf(passphrase, this.#head)
    writeAll(file, this.#head)
  }

  write(bytes: Uint8Array): void {
    this.#held = new Uint8Array(concat(this.#held, bytes))
    // The last chunk is known by what comes behind it, so one full chunk is kept back.
    while (this.#held.length > CHUNK_BYTES) this.#seal(CHUNK_BYTES, false)
  }

  end(): void {
    this.#seal(this.#held.length, true)
  }

  #seal(length: number, isLast: boolean): void {
    const nonce = nonceOf(this.#counter, isLast)
    this.#counter += 1
    writeAll(this.#file, sealGcm(this.#key, nonce, this.#head, this.#held.subarray(0, length)))
    this.#held = this.#held.slice(length)
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) at += writeSync(file, bytes, at)
}

/** Whether a passphrase opens it. Throws ClawError('backup-foreign'). */
export const isSealedStream = (file: number): boolean => (headOf(file)[MAGIC.length] ?? 0) > 0

function headOf(file: number): Uint8Array {
  const head = bytesAt(file, 0, HEAD_BYTES)
  const isOurs = head.length === HEAD_BYTES && equal(head.slice(0, MAGIC.length), MAGIC)
  if (!isOurs || (head[MAGIC.length] ?? 0) > COST_MOST) throw new ClawError('backup-foreign')
  return head
}

/** Fewer at the end. */
function bytesAt(file: number, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let done = 0
  for (let n = -1; n !== 0 && done < length; done += n)
    n = readSync(file, bytes, done, length - done, at + done)
  return bytes.slice(0, done)
}

/** Reads what a SealedWriter wrote, from the beginning of a file. */
export class SealedReader {
  readonly #file: number
  readonly #head: Uint8Array
  readonly #key: KeyObject
  #at = HEAD_BYTES
  #counter = 0
  #held = new Uint8Array(0)
  #isOver = false

  /** Throws ClawError: `backup-foreign`, `passphrase-missing`, `passphrase-wrong`. */
  constructor(file: number, passphrase: Passphrase) {
    this.#file = file
    this.#head = headOf(file)
    const cost = this.#head[MAGIC.length] ?? 0
    if (cost > 0 && passphrase === null) throw new ClawError('passphrase-missing')
    this.#key = keyOf(cost === 0 ? null : passphrase, this.#head)
    // Of the first chunk only the passphrase can be wrong, or the file be changed: a person asks first for the former.
    this.#next(cost === 0 ? 'backup-damaged' : 'passphrase-wrong')
  }

  /** Exactly so many bytes. Throws ClawError('backup-damaged'). */
  read(length: number): Uint8Array {
    while (this.#held.length < length) {
      if (this.#isOver) throw new ClawError('backup-damaged')
      this.#next('backup-damaged')
    }
    const bytes = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return bytes
  }

  /** Throws ClawError('backup-damaged') where something follows. */
  end(): void {
    if (!this.#isOver || this.#held.length > 0) throw new ClawError('backup-damaged')
  }

  #next(code: 'backup-damaged' | 'passphrase-wrong'): void {
    const step = CHUNK_BYTES + TAG_BYTES
    const sealed = bytesAt(this.#file, this.#at, step)
    this.#at += sealed.length
    this.#isOver = sealed.length < step || bytesAt(this.#file, this.#at, 1).length === 0
    const nonce = nonceOf(this.#counter, this.#isOver)
    this.#counter += 1
    try {
      const bytes = openGcm(this.#key, nonce, this.#head, sealed)
      this.#held = new Uint8Array(concat(this.#held, bytes))
    } catch {
      throw new ClawError(code)
    }
  }
}
