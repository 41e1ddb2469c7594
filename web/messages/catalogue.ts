// What a catalogue of the page's words is made of. English (en.ts) is the source: the others have its keys and parameters.
import type { ClawErrorCode } from '../../shared/error.ts'
import type { en } from './en.ts'
import type { first } from './en-first.ts'

/** One error, or one finding, in words. */
export interface Words {
  readonly what: string
  readonly why: string
  readonly next: string
}

export const words = (what: string, why: string, next: string): Words => ({ what, why, next })

export type ErrorWords = Readonly<Record<ClawErrorCode, Words>>

type Shape<T> = T extends string
  ? string
  : T extends (...parameters: infer P) => string
    ? (...parameters: P) => string
    : { readonly [K in keyof T]: Shape<T[K]> }

export type Catalogue = Shape<typeof en>
/** What is loaded before a browser is connected. */
export type FirstWords = Shape<typeof first>

/** `other` is what a language has in any case; `#` stands for the number. */
export type Forms = { readonly other: string } & Partial<Record<Intl.LDMLPluralRule, string>>

/** How a language counts. */
export function countIn(language: string): (n: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language)
  const numbers = new Intl.NumberFormat(language)
  return (n, forms) => (forms[rules.select(n)] ?? forms.other).replaceAll('#', numbers.format(n))
}

/** "Ann, Ben and Cleo" as a language says it. */
export function listIn(language: string): (items: readonly string[]) => string {
  const format = new Intl.ListFormat(language)
  return (items) => format.format(items)
}
