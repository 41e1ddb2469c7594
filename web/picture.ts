// Pictures in this browser: how large one is before it is decoded, and a small one of it to go with its message.
import { THUMBNAIL_MAX_BYTES } from '../shared/attachment.ts'
import {
  HEADER_BYTES,
  isDecodable,
  isMemberPicture,
  PICTURE_SIDE_MAX,
  type PictureSize,
  pictureSize,
} from '../shared/pictureheader.ts'

const SIDES = [320, 240, 160, 96]
const QUALITIES = [0.7, 0.45]
/** of the longer side of a thumbnail that is shown */
const THUMBNAIL_SIDE_MAX = 512

/** Null for what is no picture, or one too large to be decoded. */
export async function sizeOf(blob: Blob): Promise<PictureSize | null> {
  const size = pictureSize(new Uint8Array(await blob.slice(0, HEADER_BYTES).arrayBuffer()))
  return isDecodable(size) ? size : null
}

/** What somebody sent as a thumbnail, if it is a small picture. */
export function thumbnailBlob(bytes: Uint8Array): Blob | null {
  const size = pictureSize(bytes)
  const isSmall = isDecodable(size) && Math.max(size.width, size.height) <= THUMBNAIL_SIDE_MAX
  return isSmall ? new Blob([new Uint8Array(bytes)]) : null
}

/** At most `THUMBNAIL_MAX_BYTES`; nothing where the browser cannot make one. */
export async function thumbnailOf(blob: Blob, size: PictureSize): Promise<Uint8Array> {
  try {
    for (const side of SIDES) {
      const canvas = await drawn(blob, size, side)
      for (const quality of QUALITIES) {
        const small = await encoded(canvas, quality)
        if (small !== null && small.size <= THUMBNAIL_MAX_BYTES)
          return new Uint8Array(await small.arrayBuffer())
      }
    }
  } catch {
    // A damaged picture goes as a file all the same.
  }
  return new Uint8Array(0)
}

/** Of whatever picture, its middle, small and square (SPEC §7.11); null for what cannot be shown. */
export async function memberPicture(blob: Blob): Promise<Uint8Array | null> {
  const size = await sizeOf(blob)
  if (size === null) return null
  try {
    const canvas = squared(await drawn(blob, size, 2 * PICTURE_SIDE_MAX, Math.min))
    for (const quality of [0.85, 0.6, 0.3]) {
      const made = await encoded(canvas, quality)
      const bytes = made === null ? null : simple(new Uint8Array(await made.arrayBuffer()))
      if (bytes !== null && isMemberPicture(bytes)) return bytes
    }
  } catch {
    // It is damaged.
  }
  return null
}

/** Of a WebP its one frame alone: browsers put the canvas's colour profile beside it, which is the usual one. */
function simple(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const nameAt = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4))
  if (nameAt(8) !== 'WEBP') return bytes
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true)
    const end = at + 8 + length + (length % 2)
    if (nameAt(at) === 'VP8 ') {
      const frame = new Uint8Array(12 + end - at)
      frame.set(bytes.subarray(0, 12))
      frame.set(bytes.subarray(at, end), 12)
      new DataView(frame.buffer).setUint32(4, frame.length - 8, true)
      return frame
    }
    at = end
  }
  return bytes
}

/** What is see-through becomes white: then it is written in the simple format. */
function squared(from: HTMLCanvasElement): HTMLCanvasElement {
  const side = Math.min(from.width, from.height)
  const canvas = document.createElement('canvas')
  canvas.width = PICTURE_SIDE_MAX
  canvas.height = PICTURE_SIDE_MAX
  const context = canvas.getContext('2d', { alpha: false })
  if (context === null) return canvas
  context.fillStyle = '#fff'
  context.fillRect(0, 0, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX)
  const [left, top] = [(from.width - side) / 2, (from.height - side) / 2]
  context.drawImage(from, left, top, side, side, 0, 0, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX)
  return canvas
}

/** `which`: of its sides is at most `side`. */
async function drawn(
  blob: Blob,
  { width, height }: PictureSize,
  side: number,
  which: (a: number, b: number) => number = Math.max,
) {
  const scale = Math.min(1, side / which(width, height))
  const bitmap = await createImageBitmap(blob, {
    resizeWidth: Math.max(1, Math.round(width * scale)),
    resizeHeight: Math.max(1, Math.round(height * scale)),
    resizeQuality: 'medium',
  })
  const canvas = document.createElement('canvas')
  canvas.width = bitmap.width
  canvas.height = bitmap.height
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0)
  bitmap.close()
  return canvas
}

const encoded = (canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> =>
  new Promise((resolve) => canvas.toBlob(resolve, 'image/webp', quality)).then((made) =>
    // A browser that cannot write WebP gives PNG, which is too long.
    (made as Blob | null)?.type === 'image/webp'
      ? (made as Blob)
      : new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality)),
  )
