// MEGA as a store (SPEC §3.3.1): the record lies in the attributes of one publicly linked file. Pure: what is asked, and
// what an answer says. Who asks is web/mega.ts for the page and host/mega.ts for the host.
import { cbc } from '@noble/ciphers/aes.js'
import { concat, fromBase64Url, fromUtf8, toBase64Url, toUtf8 } from './bytes.ts'
import { RECORD_BYTES } from './constants.ts'
import { ClawError, type ClawErrorCode } from './error.ts'

/** The gateway of the real service, without trailing slash. */
export const MEGA_GATEWAY = 'https://g.api.mega.co.nz'
/** Of an answer to `g` or `a`, in characters: a record makes about 11 000. */
export const MEGA_ANSWER_MAX = 65_536
/** Of a file key, which is what a public link carries behind the handle. */
export const FILE_KEY_BYTES = 32
const BLOCK = 16
/** MEGA takes about 16 KiB of attributes; ours have 8.2. */
const ATTRIBUTES_MAX_BYTES = 16_384

/** The value of one command, or MEGA's own error number, below zero. */
export type MegaAnswer = { readonly error: number } | { readonly value: unknown }

export interface MegaAttributes {
  /** of the file; MEGA shows it to the account's owner */
  readonly name: string
  /** 6144 bytes, not verified; null before the first publish */
  readonly record: Uint8Array | null
}

/** The body of the one request that a reader sends. `handle`: 8 characters of the public link. */
export const askForFile = (handle: string): string => JSON.stringify([{ a: 'g', p: handle }])

/** Throws ClawError('malformed') for anything but one command's answer in JSON. */
export function parseAnswer(text: string, maxChars = MEGA_ANSWER_MAX): MegaAnswer {
  if (text.length > maxChars) throw new ClawError('malformed')
  const json = parseJson(text)
  // Errors of the whole request come bare, everything else as a list with one answer for each command.
  if (typeof json === 'number' && json < 0) return { error: json }
  if (!Array.isArray(json) || json.length !== 1) throw new ClawError('malformed')
  const [value] = json
  const error = errorIn(value)
  return error === null ? { value } : { error }
}

function errorIn(value: unknown): number | null {
  const code = isObject(value) && 'err' in value ? value.err : value
  return typeof code === 'number' && code < 0 ? code : null
}

/** MEGA's error numbers as codes of SPEC §9; `mega-login` and `mega-gone` are the caller's to tell apart (-9). */
export function codeOfError(error: number): ClawErrorCode {
  return CODES.find(([, numbers]) => numbers.includes(error))?.[0] ?? 'store-refused'
}
const CODES: readonly (readonly [ClawErrorCode, readonly number[]])[] = [
  ['store-unreachable', [-1, -3, -4, -6, -18, -19]],
  ['mega-gone', [-9, -11]],
  ['mega-session', [-15]],
  ['mega-blocked', [-16]],
  ['mega-quota', [-17, -24, -29]],
  ['mega-2fa', [-26]],
]

/**
 * The record in an answer to {@link askForFile}: 6144 bytes, not verified.
 * Throws ClawError: `record-missing`, `record-malformed`, `store-unreachable`, `store-refused`.
 */
export function recordOfAnswer(fileKey: Uint8Array, text: string): Uint8Array {
  const answer = as('record-malformed', () => parseAnswer(text))
  if ('error' in answer) {
    const code = codeOfError(answer.error)
    if (code === 'mega-gone') throw new ClawError('record-missing')
    throw new ClawError(code === 'store-unreachable' ? code : 'store-refused')
  }
  const { record } = as('record-malformed', () => attributesOf(fileKey, answer.value))
  if (record === null) throw new ClawError('record-missing')
  return record
}

/** The attributes in the value that `g` gave. Throws ClawError('malformed'). */
export function attributesOf(fileKey: Uint8Array, value: unknown): MegaAttributes {
  const at = isObject(value) && 'at' in value ? value.at : null
  if (typeof at !== 'string') throw new ClawError('malformed')
  return decodeAttributes(fileKey, at)
}

/** MEGA's `at`: base64url of the sealed attributes. `record`: 6144 bytes. `filler`: text beside it, for measuring. */
export function encodeAttributes(
  fileKey: Uint8Array,
  { name, record }: MegaAttributes,
  filler = '',
): string {
  if (record !== null && record.length !== RECORD_BYTES) throw new ClawError('record-malformed')
  const json = {
    n: name,
    ...(record === null ? {} : { _r: toBase64Url(record) }),
    ...(filler === '' ? {} : { _f: filler }),
  }
  const plain = toUtf8(`MEGA${JSON.stringify(json)}`)
  const padded = concat(plain, new Uint8Array((BLOCK - (plain.length % BLOCK)) % BLOCK))
  return toBase64Url(cipher(fileKey).encrypt(padded))
}

/** Throws ClawError('malformed'), also for a wrong key: the cipher itself cannot tell. */
export function decodeAttributes(fileKey: Uint8Array, at: string): MegaAttributes {
  const sealed = fromBase64Url(at)
  if (sealed.length === 0 || sealed.length % BLOCK !== 0 || sealed.length > ATTRIBUTES_MAX_BYTES) {
    throw new ClawError('malformed')
  }
  const text = fromUtf8(trimZeros(cipher(fileKey).decrypt(sealed)))
  if (!text.startsWith('MEGA{')) throw new ClawError('malformed')
  const json = parseJson(text.slice(4))
  if (!isObject(json) || !('n' in json) || typeof json.n !== 'string') {
    throw new ClawError('malformed')
  }
  return { name: json.n, record: '_r' in json ? recordIn(json._r) : null }
}

function recordIn(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new ClawError('malformed')
  const record = fromBase64Url(value)
  if (record.length !== RECORD_BYTES) throw new ClawError('malformed')
  return record
}

/** AES-128-CBC with a zero IV, as MEGA has it: the record inside is sealed and signed on its own (SPEC §3). */
const cipher = (fileKey: Uint8Array) =>
  cbc(foldKey(fileKey), new Uint8Array(BLOCK), { disablePadding: true })

/** A file key of 32 bytes folds to the 16 of the cipher: one half XOR the other. */
export function foldKey(fileKey: Uint8Array): Uint8Array {
  if (fileKey.length !== FILE_KEY_BYTES) throw new ClawError('malformed')
  return fileKey.slice(0, BLOCK).map((byte, i) => byte ^ (fileKey[BLOCK + i] ?? 0))
}

function trimZeros(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.slice(0, end)
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ClawError('malformed')
  }
}

/** Runs a decoder; its refusal becomes `code`. */
function as<T>(code: ClawErrorCode, run: () => T): T {
  try {
    return run()
  } catch {
    throw new ClawError(code)
  }
}
