// How large a picture is, from its first bytes, before anything decodes it: a few kilobytes can unpack to gigabytes. Pure.
import { fromUtf8, Reader } from './bytes.ts'
import { sha256 } from './hash.ts'
import { PICTURE_ID_BYTES, PICTURE_MAX_BYTES } from './picture.ts'

export interface PictureSize {
  readonly width: number
  readonly height: number
}

/** More than that is not decoded. */
export const PIXELS_MAX = 100_000_000
/** of a member's picture, pixels */
export const PICTURE_SIDE_MAX = 128
/** Bytes of a file within which its size must stand. */
export const HEADER_BYTES = 256 * 1024

/** Of a PNG, JPEG, GIF or WebP; null for anything else, and where no size is found. Of animations, that of the whole. */
export function pictureSize(bytes: Uint8Array): PictureSize | null {
  try {
    const head = new Reader(bytes)
    const magic = head.u32()
    if (magic === 0x89504e47) return pngSize(new Reader(bytes))
    if (magic >>> 16 === 0xffd8) return jpegSize(new Reader(bytes))
    if (magic === 0x47494638) return gifSize(new DataView(bytes.buffer, bytes.byteOffset, 10))
    if (magic === 0x52494646) return webpSize(bytes)
    return null
  } catch {
    return null
  }
}

/** Whether it can be shown without harm. */
export const isDecodable = (size: PictureSize | null): size is PictureSize =>
  size !== null && size.width > 0 && size.height > 0 && size.width * size.height <= PIXELS_MAX

/** Whether a member may bear it (SPEC §7.11): small, square, and a still JPEG or WebP. */
export function isMemberPicture(bytes: Uint8Array): boolean {
  const size = bytes.length > PICTURE_MAX_BYTES || !isStill(bytes) ? null : pictureSize(bytes)
  if (size === null) return false
  const { width, height } = size
  return width === height && width > 0 && width <= PICTURE_SIDE_MAX
}

/** A WebP of one frame without anything beside it: the extended format may move, and names a size of its own. */
function isStill(bytes: Uint8Array): boolean {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return true
  const name = bytes.slice(8, 16)
  return name.every((byte) => byte < 128) && ['WEBPVP8 ', 'WEBPVP8L'].includes(fromUtf8(name))
}

/** 16 bytes. */
export const pictureId = (bytes: Uint8Array): Uint8Array => sha256(bytes).slice(0, PICTURE_ID_BYTES)

function pngSize(reader: Reader): PictureSize {
  reader.bytes(16)
  return { width: reader.u32(), height: reader.u32() }
}

function gifSize(view: DataView): PictureSize {
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
}

/** Segments up to the frame header (ITU-T T.81 §B.2.2). */
function jpegSize(reader: Reader): PictureSize | null {
  reader.u16()
  for (;;) {
    if (reader.u8() !== 0xff) return null
    let marker = reader.u8()
    while (marker === 0xff) marker = reader.u8()
    const length = reader.u16()
    if (length < 2) return null
    // SOF0..SOF15 but for DHT, JPG and DAC.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      reader.u8()
      const height = reader.u16()
      return { width: reader.u16(), height }
    }
    reader.bytes(length - 2)
  }
}

/** VP8, VP8L and VP8X (RFC 9649). */
function webpSize(bytes: Uint8Array): PictureSize | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const name = fromUtf8(bytes.slice(8, 16))
  const u24 = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16)
  switch (name) {
    case 'WEBPVP8X':
      return { width: u24(24) + 1, height: u24(27) + 1 }
    case 'WEBPVP8L': {
      const bits = view.getUint32(21, true)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 'WEBPVP8 ':
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
    default:
      return null
  }
}
