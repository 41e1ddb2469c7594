// Terms, queries, matches and excerpts (SPEC §7.5), one by one and for any text.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toUtf8 } from '../../shared/bytes.ts'
import { EXCERPT_MAX_BYTES, RANGES_MAX } from '../../shared/constants.ts'
import { excerptOf, matchesIn, parseQuery, TERM_MAX, termsOf } from '../../shared/terms.ts'

const terms = (text: string): string[] => termsOf(text).map(({ term }) => term)

test.each([
  ['Grüße, WORLD 2026!', ['gruße', 'world', '2026']],
  ['don’t e-mail a_b', ['don', 't', 'e', 'mail', 'a', 'b']],
  ['東京タワー', ['東京', '京タ', 'タワ', 'ワー', 'ー']],
  ['abc東京def', ['abc', '東京', '京', 'def']],
  ['ﬁne ＡＢＣ ½', ['fine', 'abc', '12']],
  ['e\u0301 É İ', ['e', 'e', 'i']],
  ['한국어', ['한국어']],
  ['ok 👍🏽 👨‍👩‍👧', ['ok', '👍', '👨', '👩', '👧']],
  ['\ufdfa', ['صلىاللهعليهوسلم']],
  ['\ud800 a\udc00b', ['a', 'b']],
  ['x'.repeat(50), ['x'.repeat(TERM_MAX)]],
])('%s', (text, wanted) => {
  expect(terms(text)).toEqual(wanted)
})

test('a query: words, phrases, and the beginning of the last word', () => {
  const plain = (query: string): string =>
    parseQuery(query)
      .map((phrase) => phrase.map(({ term, prefix }) => term + (prefix ? '*' : '')).join('+'))
      .join(' ')
  expect(plain('foo bar')).toBe('foo bar*')
  expect(plain('foo bar ')).toBe('foo bar')
  expect(plain('"foo bar" baz')).toBe('foo+bar baz*')
  expect(plain('x „foo bar')).toBe('x foo+bar*')
  expect(plain('東京 a')).toBe('東京+京* a*')
  expect(plain('"" - ,')).toBe('')
})

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({
    unit: fc.constantFrom('a', 'b', ' ', '東', '京', '😀', '\u0301', '"'),
    maxLength: 400,
  }),
)

test('whatever the text: terms in order and in it, ranges in order and apart, excerpts within their limits', () => {
  fc.assert(
    fc.property(anyText, anyText, (text, query) => {
      let at = 0
      for (const { term, start, end } of termsOf(text)) {
        expect(start).toBeGreaterThanOrEqual(at)
        expect(end).toBeGreaterThan(start)
        expect([...term].length).toBeLessThanOrEqual(TERM_MAX)
        expect(term).not.toMatch(/[\s"*():^]/u)
        at = end
      }
      expect(at).toBeLessThanOrEqual(text.length)
      const ranges = matchesIn(text, parseQuery(query.slice(0, 9)))
      if (ranges === null) return
      expect(ranges.length).toBeGreaterThan(0)
      const excerpt = excerptOf(text, ranges)
      expect(excerpt.ranges.length).toBeGreaterThan(0)
      expect(excerpt.ranges.length).toBeLessThanOrEqual(RANGES_MAX)
      let free = -1
      for (const { start, length } of excerpt.ranges) {
        expect(start).toBeGreaterThan(free)
        free = start + length
        expect(free).toBeLessThanOrEqual(excerpt.text.length)
      }
      // A text that is UTF-8 stays so when it is cut.
      if (text.isWellFormed()) {
        expect(excerpt.text.isWellFormed()).toBe(true)
        expect(toUtf8(excerpt.text).length).toBeLessThanOrEqual(EXCERPT_MAX_BYTES)
      }
    }),
  )
})

test('each word of a text finds it, and so does its beginning', () => {
  fc.assert(
    fc.property(anyText, fc.nat(), (text, pick) => {
      const all = termsOf(text)
      const chosen = all[pick % Math.max(1, all.length)]
      if (chosen === undefined) return
      const word = text.slice(chosen.start, chosen.end)
      expect(matchesIn(text, parseQuery(word))).not.toBeNull()
    }),
  )
})

test('an excerpt shows the first match of a long text', () => {
  const text = `${'word '.repeat(200)}needle ${'word '.repeat(200)}`
  const { text: shown, ranges } = excerptOf(text, matchesIn(text, parseQuery('needle')) ?? [])
  expect(shown).toHaveLength(202)
  expect(shown).toMatch(/^…word .* needle .*…$/)
  expect(ranges.map(({ start, length }) => shown.slice(start, start + length))).toEqual(['needle'])
})
