// The language of the page: its words (`t`) and how it writes times and numbers. One catalogue is loaded, no other; of that
// first what is said before a browser is connected, and all of it with the chat (parts.ts).
import type { Catalogue, FirstWords } from './messages/catalogue.ts'
import { keepLanguage, keptLanguage } from './settings.ts'

/** By what its speakers call it. */
export const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  zh: '简体中文',
} as const
export type Language = keyof typeof LANGUAGES

const FIRST: Record<Language, () => Promise<FirstWords>> = {
  en: async () => (await import('./messages/en-first.ts')).first,
  de: async () => (await import('./messages/de-first.ts')).first,
  es: async () => (await import('./messages/es-first.ts')).first,
  zh: async () => (await import('./messages/zh-first.ts')).first,
}
const CATALOGUES: Record<Language, () => Promise<Catalogue>> = {
  en: async () => (await import('./messages/en.ts')).en,
  de: async () => (await import('./messages/de.ts')).de,
  es: async () => (await import('./messages/es.ts')).es,
  zh: async () => (await import('./messages/zh.ts')).zh,
}

/**
 * The words of the page. Read it where something is drawn, never before: another language may come. What is drawn before the
 * chat finds the first words only (tests/unit/catalogue.test.ts).
 */
export let t: Catalogue
export let language: Language
/** For Intl: the region that the browser names for this language, if it names one. */
let locale: string
/** Kept: a log has many times, and to make a format costs more than to use it. */
let time: Intl.DateTimeFormat

const isLanguage = (tag: string): tag is Language => Object.hasOwn(LANGUAGES, tag)

const primary = (tag: string): string => tag.split('-', 1)[0]?.toLowerCase() ?? ''

/** The first wish that there are words for; English if there is none. */
export function chooseLanguage(kept: string | null, wishes: readonly string[]): Language {
  if (kept !== null && isLanguage(kept)) return kept
  return wishes.map(primary).find(isLanguage) ?? 'en'
}

const listeners = new Set<() => void>()

/** `run`: draws anew, after each change of the words. @returns a function that ends this */
export function onWords(run: () => void): () => void {
  listeners.add(run)
  return () => void listeners.delete(run)
}

/** Takes words into use. `wishes`: what the browser is set to, for the region. */
export function takeWords(words: Catalogue, of: Language, wishes: readonly string[] = []): void {
  t = words
  language = of
  locale = wishes.find((wish) => primary(wish) === of) ?? of
  time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })
  for (const run of listeners) run()
}

let isAllWanted = false

async function wordsIn(of: Language): Promise<Catalogue> {
  if (!isAllWanted) {
    const first = await FIRST[of]()
    // Meanwhile the rest may have been asked for.
    if (!isAllWanted) return first as Catalogue
  }
  return CATALOGUES[of]()
}

/** From now on all words are there. @throws as `speak` */
export async function speakAll(): Promise<void> {
  if (isAllWanted) return allSpoken
  isAllWanted = true
  allSpoken = speak(language ?? firstLanguage())
  return allSpoken.catch((error) => {
    isAllWanted = false
    throw error
  })
}
let allSpoken: Promise<void> = Promise.resolve()

/** Loads the words of a language and takes them into use. @throws what the browser does if they cannot be loaded */
export async function speak(of: Language): Promise<void> {
  takeWords(await wordsIn(of), of, navigator.languages)
  document.documentElement.lang = of
  // Every language that there are words for goes from left to right; the layout knows no sides (tests/e2e/rtl.test.ts).
  document.documentElement.dir = 'ltr'
}

/** As the person chose for this browser, else as the browser is set. */
export const firstLanguage = (): Language => chooseLanguage(keptLanguage(), navigator.languages)

/** The person's own choice; `null` follows the browser again. */
export async function changeLanguage(to: Language | null): Promise<void> {
  await speak(to ?? chooseLanguage(null, navigator.languages))
  keepLanguage(to)
}

export const formatTime = (ms: number): string => time.format(ms)

export const formatDate = (ms: number, options: Intl.DateTimeFormatOptions): string =>
  new Date(ms).toLocaleDateString(locale, options)

/** Date and time, as in "3 Mar 2026, 09:05". */
export const formatMoment = (ms: number): string =>
  new Date(ms).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' })

export const formatNumber = (n: number): string => n.toLocaleString(locale)

/** "3 ms" */
export const formatMs = (ms: number): string =>
  ms.toLocaleString(locale, { style: 'unit', unit: 'millisecond', unitDisplay: 'short' })

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** 1536 → "1.5 KiB" */
export function formatSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const amount = bytes / 1024 ** power
  const digits = power > 0 && amount < 10 ? 1 : 0
  return `${amount.toLocaleString(locale, { maximumFractionDigits: digits })} ${UNITS[power]}`
}
