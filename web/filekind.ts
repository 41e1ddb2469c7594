// What a page may do with a file by its media type (SPEC §7.7). Whatever a browser would run, HTML and SVG among it, is `other`.
export type FileKind = 'picture' | 'sound' | 'film' | 'pdf' | 'other'

const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']

export function kindOf(type: string): FileKind {
  if (PICTURES.includes(type)) return 'picture'
  if (type === 'application/pdf') return 'pdf'
  if (type.startsWith('audio/')) return 'sound'
  return type.startsWith('video/') ? 'film' : 'other'
}

/** What a browser is told that it is. */
export const safeType = (type: string): string =>
  kindOf(type) === 'other' ? 'application/octet-stream' : type
