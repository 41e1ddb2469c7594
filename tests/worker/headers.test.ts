// The page's headers are the same wherever it is served: by the host, and by a platform that reads web/public/_headers.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { pageHeaders, STATIC_CONNECT } from '../../host/http.ts'

const file = readFileSync(resolve(import.meta.dirname, '../../web/public/_headers'), 'utf8')

/** By path pattern: names and values. */
function parse(text: string): Record<string, Record<string, string>> {
  const rules: Record<string, Record<string, string>> = {}
  let rule: Record<string, string> = {}
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('/')) {
      rule = {}
      rules[line] = rule
    } else {
      const colon = line.indexOf(':')
      rule[line.slice(0, colon).trim()] = line.slice(colon + 1).trim()
    }
  }
  return rules
}

test('_headers says what the host sends', () => {
  expect(parse(file)).toEqual({
    '/*': { ...pageHeaders(STATIC_CONNECT), 'Cross-Origin-Opener-Policy': 'same-origin' },
    '/assets/*': { 'Cache-Control': 'public, max-age=31536000, immutable' },
  })
})

test('a static page may reach any store by https, and nothing by http', () => {
  expect(file).toContain("connect-src 'self' https: wss:;")
  expect(file).not.toMatch(/http:|ws:(?!s)|unsafe|\*;/)
})
