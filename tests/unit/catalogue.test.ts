// The words of the page in all languages: the same keys and parameters, none unused, none outside of the catalogue.
import { globSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chooseLanguage, type LANGUAGES } from '../../web/language.ts'
import { type Catalogue, countIn } from '../../web/messages/catalogue.ts'
import { de } from '../../web/messages/de.ts'
import { en } from '../../web/messages/en.ts'
import { first } from '../../web/messages/en-first.ts'
import { es } from '../../web/messages/es.ts'
import { zh } from '../../web/messages/zh.ts'
import { spoken } from './spoken.ts'

const root = resolve(import.meta.dirname, '../..')
const catalogues: Record<keyof typeof LANGUAGES, Catalogue> = { en, de, es, zh }

type Leaf = string | ((...parameters: unknown[]) => string)

/** Every text by its way: `join.steps.record`. */
function leaves(node: object, way: readonly string[] = []): Map<string, Leaf> {
  const found = new Map<string, Leaf>()
  for (const [key, value] of Object.entries(node)) {
    const here = [...way, key]
    if (typeof value !== 'object') found.set(here.join('.'), value as Leaf)
    else for (const [name, leaf] of leaves(value, here)) found.set(name, leaf)
  }
  return found
}

const english = leaves(en)

/** As a list of names, as a number and as a text: a function takes what it was made for and says nothing of the rest. */
function said(leaf: Leaf, parameters: readonly unknown[]): string | null {
  if (typeof leaf === 'string') return leaf
  try {
    return leaf(...parameters)
  } catch {
    return null
  }
}

/** The parameters that a text shows: each is put in as something that is found again, and of every kind. */
function shown(leaf: Leaf): string[] {
  if (typeof leaf === 'string') return []
  const lists = Array.from({ length: leaf.length }, (_, i) => [`Name${i}`, `Other${i}`])
  const texts = lists.map((_, i) => `Text${i}`)
  const numbers = lists.map((_, i) => 7001 + i)
  const all = [lists, texts, numbers].map((parameters) => said(leaf, parameters) ?? '')
  return lists.flatMap((_, i) => {
    const digits = all.some((text) => text.replace(/\D/g, '').includes(String(7001 + i)))
    const isShown = digits || all.some((text) => new RegExp(`(Name|Text)${i}`).test(text))
    return isShown ? [`${i}`] : []
  })
}

describe.each(Object.entries(catalogues))('%s', (language, catalogue) => {
  const texts = leaves(catalogue)

  test('has the keys of English, in its order', () => {
    expect(english.size).toBeGreaterThan(400)
    expect([...texts.keys()]).toEqual([...english.keys()])
  })

  test('shows the parameters that English shows', () => {
    for (const [way, leaf] of english) {
      const here = texts.get(way) ?? ''
      expect(typeof here, way).toBe(typeof leaf)
      expect(shown(here), way).toEqual(shown(leaf))
    }
  })

  test('marks code and strong as English does, and closes what it opens', () => {
    for (const [way, leaf] of english) {
      if (typeof leaf !== 'string') continue
      const marks = (text: string) => text.match(/`[^`]*`/g) ?? []
      const here = String(texts.get(way))
      expect(marks(here), way).toEqual(marks(leaf))
      expect(here.split('**').length, way).toBe(leaf.split('**').length)
    }
  })

  test('is calm: no exclamation mark, no space at an end, nothing doubled', () => {
    for (const [way, leaf] of texts) {
      const text = said(leaf, ['a', 'b', 'c']) ?? said(leaf, [['a'], 'b', ['c']])
      expect(text, way).not.toMatch(/[!！¡]|undefined|^\s|\s$| {2}/)
    }
  })

  test('is written in its own words', () => {
    if (language === 'en') return
    const same = [...texts].filter(
      ([way, leaf]) => typeof leaf === 'string' && leaf.length > 12 && leaf === english.get(way),
    )
    expect(same).toEqual([])
  })
})

const sources = globSync('web/**/*.{ts,tsx}', { cwd: root, exclude: ['**/dist/**'] })
  .filter((file) => !file.includes('messages'))
  .sort()
const textOf = (file: string): string => readFileSync(resolve(root, file), 'utf8')

test('no text of the catalogue is unused', () => {
  expect(sources.length).toBeGreaterThan(50)
  const code = sources.map(textOf).join('\n')
  /** Read by its full way, or by an index somewhere on it. */
  const isUsed = (way: string): boolean => {
    const steps = way.split('.')
    const groups = steps.map((_, i) => steps.slice(0, i + 1).join('\\.')).slice(0, -1)
    const [full, ...indexed] = [steps.join('\\.'), ...groups]
    return (
      new RegExp(`\\bt\\.${full}\\b`).test(code) ||
      indexed.some((group) => new RegExp(`\\bt\\.${group}(\\[|\\))`).test(code))
    )
  }
  const ways = [...english.keys()].filter((way) => !/^(errors|files)\./.test(way))
  expect(ways.filter((way) => !isUsed(way))).toEqual([])
})

/** A file of the page and all that it imports at its top. */
function withImports(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known
  known.add(file)
  for (const [, type, way = ''] of textOf(file).matchAll(
    /^(?:import|export) (type )?[^;]*?from '(\.[^']+)'/gm,
  )) {
    const next = relative(root, resolve(root, dirname(file), way))
    if (type === undefined && sources.includes(next)) withImports(next, known)
  }
  return known
}

test('what is drawn before the chat finds its words among the first', () => {
  const early = [...withImports('web/main.tsx')]
  expect(early).toContain('web/views/Join.tsx')
  const said = early.flatMap((file) =>
    [...textOf(file).matchAll(/\bt\.(\w+)/g)].map(([, key]) => key),
  )
  expect(said.length).toBeGreaterThan(20)
  expect([...new Set(said)].filter((key) => !Object.hasOwn(first, String(key)))).toEqual([])
})

test('the views say nothing that is not in the catalogue', () => {
  const views = sources.filter((file) => file.endsWith('.tsx'))
  expect(views.length).toBeGreaterThan(15)
  // The one sentence for when no words could be loaded.
  expect(views.flatMap((file) => spoken(file, textOf(file)))).toEqual([
    'ClawChat could not be loaded whole. Reload the page.',
  ])
})

test('what is said is found wherever it is said', () => {
  const view = `const words = { a: 'A sentence of its own', key: 'Enter' }
    const View = () => (
      <p class="quiet" title={on ? 'a title' : undefined} data-state="sent">
        between tags {on && 'in an expression'} {on === 'x' ? t.y : 'or this'} {name ?? 'nobody'}
        <b aria-label={\`part of \${name}\`}>{t.log.empty}</b>
        <input name="name" type="text" />
      </p>)`
  expect(spoken('view.tsx', view).sort()).toEqual(
    [
      ...['A sentence of its own', 'a title', 'between tags', 'in an expression', 'or this'],
      ...['nobody', 'part of'],
    ].sort(),
  )
})

test('the language is the one that was chosen, else the first of the browser that there are words for', () => {
  expect(chooseLanguage(null, ['fr-FR', 'de-CH', 'en'])).toBe('de')
  expect(chooseLanguage(null, ['zh-Hans-CN'])).toBe('zh')
  expect(chooseLanguage(null, ['fr'])).toBe('en')
  expect(chooseLanguage(null, [])).toBe('en')
  expect(chooseLanguage('es', ['de'])).toBe('es')
  expect(chooseLanguage('toString', ['de'])).toBe('de')
})

test('a number asks for its form, and is written as the language writes it', () => {
  const forms = { one: '# hour', other: '# hours' }
  expect([1, 2, 1234].map((n) => countIn('en')(n, forms))).toEqual([
    '1 hour',
    '2 hours',
    '1,234 hours',
  ])
  expect(countIn('de')(12_345, { one: '# Tag', other: '# Tage' })).toBe('12.345 Tage')
  expect(countIn('es')(1_000_000, { one: '# día', other: '# días' })).toBe('1.000.000 días')
  expect(countIn('zh-Hans')(1, { other: '# 天' })).toBe('1 天')
})
