// Rules of style.css that a browser does not complain about: no side of the page by name, no scheme but through the tokens.
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const sheets = globSync('web/**/*.css', { cwd: root, exclude: ['**/dist/**'] })
const lines = sheets.flatMap((file) => readFileSync(resolve(root, file), 'utf8').split('\n'))

test('nothing says left or right: the layout turns with the direction of the language', () => {
  expect(lines.length).toBeGreaterThan(500)
  const sided =
    /(^|[\s-])(left|right)\s*:|(margin|padding|border|inset|scroll-\w+)-(left|right)|(text-align|float|clear)\s*:\s*(left|right)|border-(top|bottom)-(left|right)-radius/
  expect(lines.filter((line) => sided.test(line))).toEqual([])
})

test('light, dark and contrast come from theme.ts, so that a choice holds everywhere', () => {
  expect(lines.filter((line) => /prefers-(color-scheme|contrast)/.test(line))).toEqual([])
})

test('every colour token says what it is in the light and in the dark', () => {
  const start = lines.indexOf(':root {')
  const tokens = lines.slice(start, lines.indexOf('}', start)).filter((line) => /^\s*--/.test(line))
  expect(tokens.length).toBeGreaterThan(14)
  expect(tokens.filter((line) => !line.includes('light-dark('))).toEqual([])
})
