// Pictures in this browser: how large one is before it is decoded, and a small one of it to go with its message.
import { THUMBNAIL_MAX_BYTES } from '../shared/attachment.ts'
import { HEADER_BYTES, isDecodable, type PictureSize, pictureSize } from './pictureheader.ts'

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

async function drawn(blob: Blob, { width, height }: PictureSize, side: number) {
  const scale = Math.min(1, side / Math.max(width, height))
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
