// A member's picture on the wire (SPEC §7.11). What is one, pictureheader.ts says.
import type { Reader, Writer } from './bytes.ts'

export const PICTURE_MAX_BYTES = 16_384
/** of a picture, the beginning of its SHA-256; zero: none */
export const PICTURE_ID_BYTES = 16

/** None: no bytes. */
export function writePicture(writer: Writer, picture: Uint8Array): void {
  writer.u16(picture.length).bytes(picture)
}

export function readPicture(reader: Reader): Uint8Array {
  const length = reader.u16()
  return length > PICTURE_MAX_BYTES ? reader.fail() : reader.bytes(length)
}
