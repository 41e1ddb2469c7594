// Names after an @ while one writes: what was begun, who fits, and the text once one is taken.
import type { Named } from './markdown.ts'

export interface Begun {
  /** where the @ stands */
  readonly at: number
  /** what is written of the name, up to the caret */
  readonly prefix: string
}

const MAX_SHOWN = 6

/** The mention that ends at the caret; null if none does. */
export function begunAt(text: string, caret: number): Begun | null {
  const line = text.slice(Math.max(0, caret - 50), caret)
  const found = /(?:^|[\s(])@([^\s@]{0,48}(?: [^\s@]{1,24})?)$/u.exec(line)
  if (found === null) return null
  const prefix = found[1] ?? ''
  return { at: caret - prefix.length - 1, prefix }
}

/** Who fits, those first whose name begins so, then those of whom a later name does. */
export function fitting<T extends Named>(prefix: string, members: readonly T[]): readonly T[] {
  const wanted = prefix.toLowerCase()
  const begins = members.filter(({ name }) => name.toLowerCase().startsWith(wanted))
  const later = members.filter(
    (member) => !begins.includes(member) && ` ${member.name.toLowerCase()}`.includes(` ${wanted}`),
  )
  return [...begins, ...later].slice(0, MAX_SHOWN)
}

/** The text with this name in place of what was begun, and where the caret is then. */
export function completed(
  text: string,
  { at, prefix }: Begun,
  name: string,
): { text: string; caret: number } {
  const before = `${text.slice(0, at)}@${name} `
  const rest = text.slice(at + 1 + prefix.length)
  return { text: before + rest.replace(/^ /, ''), caret: before.length }
}
