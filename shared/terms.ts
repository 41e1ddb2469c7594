// What a search compares (SPEC §7.5): the terms of a text and where they stand, what a query asks for, and where that is.
// The host narrows by its index, a device without the host goes through what it keeps; this decides for both.
import { EXCERPT_MAX_BYTES, RANGES_MAX } from './constants.ts'

/** of a term, in code points */
export const TERM_MAX = 40

/** Of an excerpt, in UTF-16 units: at most three bytes each, and "…" at both ends; of that, before the first match. */
const EXCERPT = (EXCERPT_MAX_BYTES - 6) / 3
const BEFORE = 40

/** Where a term stands: UTF-16 units of the text. */
export interface Term {
  readonly term: string
  readonly start: number
  readonly end: number
}

/** `prefix`: a term that begins with it will do. */
export interface Wanted {
  readonly term: string
  readonly prefix: boolean
}

/** Each phrase must stand somewhere: its terms one behind the other. Empty: nothing is asked for. */
export type Query = readonly (readonly Wanted[])[]

export interface Range {
  readonly start: number
  readonly length: number
}

export interface Excerpt {
  readonly text: string
  readonly ranges: readonly Range[]
}

// Scripts that put no space between words: there each character with its neighbour is a term.
const DENSE =
  '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}ー]'
const RUN = new RegExp(
  `(?<dense>${DENSE}+)|(?:(?!${DENSE})[\\p{L}\\p{N}\\p{M}])+|\\p{Extended_Pictographic}`,
  'gu',
)

/** Without case, accents of Latin, Greek and Cyrillic, and widths; empty where nothing to compare is left. */
const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}\p{M}\p{Extended_Pictographic}]/gu, '')

const cut = (term: string): string =>
  term.length <= TERM_MAX ? term : [...term].slice(0, TERM_MAX).join('')

interface Run {
  readonly terms: readonly Term[]
  readonly dense: boolean
}

function* runsOf(text: string): Generator<Run> {
  for (const { 0: run, index, groups } of text.matchAll(RUN)) {
    const dense = groups?.dense !== undefined
    const terms = dense
      ? pairs(run, index)
      : [{ term: fold(run), start: index, end: index + run.length }]
    const found = terms.filter(({ term }) => term !== '')
    if (found.length > 0)
      yield { dense, terms: found.map((each) => ({ ...each, term: cut(each.term) })) }
  }
}

/** Each character and the one behind it; the last one alone. A term ends where its first character does. */
function pairs(run: string, index: number): Term[] {
  let start = index
  const characters = [...run].map((character) => {
    const term = { term: fold(character), start, end: start + character.length }
    start = term.end
    return term
  })
  return characters.map((each, i) => ({
    ...each,
    term: each.term + (characters[i + 1]?.term ?? ''),
  }))
}

export function termsOf(text: string): Term[] {
  return [...runsOf(text)].flatMap(({ terms }) => terms)
}

/** Words, and phrases in quotation marks; the last word may be only its beginning. */
export function parseQuery(text: string): Query {
  const parts = text.split(/["“”„«»]/u)
  return parts.flatMap((part, i) => {
    const runs = [...runsOf(part)]
    const isOpen = i === parts.length - 1
    const wanted = runs.map(({ terms, dense }) =>
      terms.map(({ term, end }, at) => ({
        term,
        prefix: at === terms.length - 1 && (dense || (isOpen && end === part.length)),
      })),
    )
    const quoted = i % 2 === 1
    return quoted ? [wanted.flat()].filter((phrase) => phrase.length > 0) : wanted
  })
}

/** What is searched of a message. `fileName`: null where it has no file */
export const searchedOf = (text: string, fileName: string | null): string =>
  [text, fileName ?? ''].filter((part) => part !== '').join('\n')

/** In order, none touching another; null unless each phrase is in the text. An empty query fits nothing. */
export function matchesIn(text: string, query: Query): Range[] | null {
  if (query.length === 0) return null
  const terms = termsOf(text)
  const found: { start: number; end: number }[] = []
  for (const phrase of query) {
    const places = placesOf(terms, phrase)
    if (places.length === 0) return null
    found.push(...places)
  }
  return joined(found)
}

function placesOf(terms: readonly Term[], phrase: readonly Wanted[]) {
  return terms.flatMap(({ start }, at) => {
    const fits = phrase.every(({ term, prefix }, i) => {
      const there = terms[at + i]?.term
      return prefix ? there?.startsWith(term) : there === term
    })
    return fits ? [{ start, end: terms[at + phrase.length - 1]?.end ?? start }] : []
  })
}

function joined(places: { start: number; end: number }[]): Range[] {
  const ranges: { start: number; length: number }[] = []
  for (const { start, end } of places.sort((a, b) => a.start - b.start)) {
    const last = ranges.at(-1)
    if (last !== undefined && start <= last.start + last.length)
      last.length = Math.max(last.length, end - last.start)
    else ranges.push({ start, length: end - start })
  }
  return ranges
}

/** What surrounds the first match, with "…" where it was cut, and the matches in it. */
export function excerptOf(text: string, ranges: readonly Range[]): Excerpt {
  const from = boundary(text, Math.max(0, (ranges[0]?.start ?? 0) - BEFORE))
  const to = boundary(text, Math.min(text.length, from + EXCERPT))
  const lead = from === 0 ? '' : '…'
  const shown = ranges.flatMap(({ start, length }) => {
    const end = Math.min(start + length, to)
    return start < end ? [{ start: start - from + lead.length, length: end - start }] : []
  })
  const rest = to === text.length ? '' : '…'
  return { text: lead + text.slice(from, to) + rest, ranges: shown.slice(0, RANGES_MAX) }
}

/** Not between two halves of a character. */
const boundary = (text: string, at: number): number =>
  /[\udc00-\udfff]/.test(text.charAt(at)) && at > 0 ? at - 1 : at
