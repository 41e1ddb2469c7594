// Every code a person may meet has words in every language: short, kind, and with something to do next (SPEC §9, the look).
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MAP_WORDS } from '../../host/routerwords.ts'
import type { Catalogue } from '../../web/messages/catalogue.ts'
import { de } from '../../web/messages/de.ts'
import { en } from '../../web/messages/en.ts'
import { es } from '../../web/messages/es.ts'
import { zh } from '../../web/messages/zh.ts'

// The codes exist as a type only, so the list is read where it is written.
const source = readFileSync(resolve(import.meta.dirname, '../../shared/error.ts'), 'utf8')
const codes = [...source.matchAll(/^ {2}\| '([a-z0-9-]+)'$/gm)].map((match) => String(match[1]))

/** What a sentence of a language looks like, and how long it may be. */
const SENTENCES = {
  en: [/^[A-Z].{8,}\.$/, 120],
  de: [/^[A-ZÄÖÜ].{8,}\.$/, 120],
  es: [/^[A-ZÁÉÍÓÚÑ¿].{8,}\.$/, 120],
  zh: [/^[\p{Script=Han}A-Z].{2,}。$/u, 60],
} as const
const catalogues: Record<keyof typeof SENTENCES, Catalogue> = { en, de, es, zh }

describe.each(Object.entries(catalogues))('%s', (language, { errors, files, host }) => {
  const [sentence, longest] = SENTENCES[language as keyof typeof SENTENCES]

  test('why the router maps nothing has words in the page too', () => {
    const causes = Object.keys(MAP_WORDS).filter((cause) => cause !== 'off')
    expect(Object.keys(host.routers).sort()).toEqual(causes.sort())
  })

  test('the words cover exactly the closed list of codes', () => {
    expect(codes.length).toBeGreaterThan(30)
    expect(Object.keys(errors).sort()).toEqual([...codes].sort())
  })

  test('each says what, why and what next', () => {
    for (const [code, words] of [...Object.entries(errors), ...Object.entries(files)]) {
      for (const text of [words.what, words.why, words.next]) {
        expect(text, code).toMatch(sentence)
        expect(text, code).not.toMatch(/[!！¡]|oops|null|undefined/i)
        expect(text.length, `${code}: ${text}`).toBeLessThan(longest)
      }
    }
  })

  test('no two codes open with the same sentence', () => {
    const said = Object.values(errors).map((words) => words.what)
    expect(new Set(said).size).toBe(said.length)
  })
})

test('silence names the firewall, a spent link says that it may have been used', () => {
  expect(en.errors['no-answer'].why).toContain('firewall')
  expect(en.errors['record-no-slot'].why).toContain('used')
})
