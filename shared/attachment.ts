// The file of a message (SPEC §7.7): what POST and MESSAGE say of it. Its content goes by blocks (files.ts).
import { type Reader, toUtf8, type Writer } from './bytes.ts'
import { FILE_MAX_BYTES } from './files.ts'

export const FILE_NAME_MAX_BYTES = 255
export const FILE_TYPE_MAX_BYTES = 100
export const THUMBNAIL_MAX_BYTES = 8192

export interface Attachment {
  /** 0..`FILE_MAX_BYTES` */
  readonly size: number
  /** 32 bytes, SPEC §6.5 */
  readonly hash: Uint8Array
  /** media type in lower case, as its sender says it */
  readonly type: string
  /** a bare name: `cleanFileName` makes one of anything */
  readonly name: string
  /** pixels of a picture or film; 0: none or unknown */
  readonly width: number
  readonly height: number
  /** of sound or film; 0: none or unknown */
  readonly durationMs: number
  /** a small JPEG or WebP, or nothing */
  readonly thumbnail: Uint8Array
}

/** Path marks, control characters, and what turns the direction of a text round: a name that has them lies. */
const LIES = /[\p{Cc}/\\\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/

const isFileName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && name.search(LIES) < 0

/** The last part of a path, without what lies, at most 255 bytes with its ending kept; "file" if nothing is left. */
export function cleanFileName(path: string): string {
  const last = path.split(/[/\\]/).at(-1) ?? ''
  const name = last.toWellFormed().replace(LIES, '').trim()
  if (!isFileName(name)) return 'file'
  const ending = /\.[^.]{1,16}$/u.exec(name)?.[0] ?? ''
  let stem = [...name.slice(0, name.length - ending.length)]
  const isTooLong = (): boolean => toUtf8(stem.join('') + ending).length > FILE_NAME_MAX_BYTES
  while (isTooLong()) stem = stem.slice(0, -1)
  return stem.join('') + ending
}

/** A media type as browsers give it, without parameters; `application/octet-stream` for what is none. */
export function cleanFileType(type: string): string {
  const bare = (type.split(';')[0] ?? '').trim().toLowerCase()
  return bare.length <= FILE_TYPE_MAX_BYTES && TYPE.test(bare) ? bare : 'application/octet-stream'
}

/** u8 0, or u8 1 and the attachment. */
export function writeAttachment(writer: Writer, file: Attachment | undefined): void {
  writer.u8(file === undefined ? 0 : 1)
  if (file === undefined) return
  writer.u64(file.size).bytes(file.hash)
  writer.str8(file.type, FILE_TYPE_MAX_BYTES).str8(file.name, FILE_NAME_MAX_BYTES)
  writer.u16(file.width).u16(file.height).u32(file.durationMs)
  writer.u16(file.thumbnail.length).bytes(file.thumbnail)
}

/** As an object to spread: without the field where there is no file. */
export function readAttachment(reader: Reader): { readonly file?: Attachment } {
  const has = reader.u8()
  if (has === 0) return {}
  if (has !== 1) reader.fail()
  const file = {
    size: reader.u64(),
    hash: reader.bytes(32),
    type: reader.str8(FILE_TYPE_MAX_BYTES),
    name: reader.str8(FILE_NAME_MAX_BYTES),
    width: reader.u16(),
    height: reader.u16(),
    durationMs: reader.u32(),
    thumbnail: readThumbnail(reader),
  }
  const fits = file.size <= FILE_MAX_BYTES && TYPE.test(file.type) && isFileName(file.name)
  return fits ? { file } : reader.fail()
}

function readThumbnail(reader: Reader): Uint8Array {
  const length = reader.u16()
  return length > THUMBNAIL_MAX_BYTES ? reader.fail() : reader.bytes(length)
}
