// How much a browser loads before it can knock (DESIGN, "What is loaded when"): index.html, its style, its script with all
// that this imports, and the words of one language, gzipped as the host sends them.
import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const BUDGET_BYTES = 90_000
const root = resolve(import.meta.dirname, '../..')
const languages = ['en', 'de', 'es', 'zh']

type Chunk = Rolldown.OutputChunk
let page: Rolldown.OutputBundle = {}

const gzipped = (body: string | Uint8Array): number => gzipSync(body, { level: 9 }).length
const bodyOf = (file: Chunk | Rolldown.OutputAsset): string | Uint8Array =>
  file.type === 'chunk' ? file.code : file.source

function named(name: string): Chunk | Rolldown.OutputAsset {
  const file = page[name]
  if (file === undefined) throw new Error(`the build has no ${name}`)
  return file
}

const chunks = (): Chunk[] => Object.values(page).filter((file) => file.type === 'chunk')

/** A file of the build and all that it imports at its top. */
function withImports(name: string, known = new Set<string>()): Set<string> {
  if (known.has(name)) return known
  known.add(name)
  const file = named(name)
  for (const next of file.type === 'chunk' ? file.imports : []) withImports(next, known)
  return known
}

/** What stands in index.html is loaded at once; the words are asked for by name, but nothing is drawn without them. */
function beforeConnecting(language: string): string[] {
  const html = String(bodyOf(named('index.html')))
  const tags = [...html.matchAll(/<(?:script|link rel="stylesheet")[^>]*"\.\/(assets\/[^"]+)"/g)]
  const words = chunks().find(({ name }) => name === `${language}-first`)
  if (words === undefined) throw new Error(`no words of ${language}`)
  const files = [...tags.map((tag) => String(tag[1])), words.fileName]
  return [...new Set(['index.html', ...files.flatMap((file) => [...withImports(file)])])]
}

const modulesOf = (files: readonly string[]): string[] =>
  files.flatMap((name) => {
    const file = named(name)
    return file.type === 'chunk' ? Object.keys(file.modules) : []
  })

/** The largest modules, for whoever has to find what grew. */
function report(files: readonly string[]): string {
  const sizes = files.map((name) => `${gzipped(bodyOf(named(name)))}  ${name}`)
  const modules = files.flatMap((name) => {
    const file = named(name)
    return file.type === 'chunk' ? Object.entries(file.modules) : []
  })
  const largest = modules
    .map(([id, { code }]) => ({ id: id.replace(`${root}/`, ''), bytes: gzipped(code ?? '') }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 40)
  return [...sizes, '', ...largest.map(({ id, bytes }) => `${bytes}  ${id}`)].join('\n')
}

beforeAll(async () => {
  // As web/build.ts has it: another value brings debugging code.
  vi.stubEnv('NODE_ENV', 'production')
  const built = await build({
    configFile: resolve(root, 'vite.config.ts'),
    build: { write: false, emptyOutDir: false },
  })
  const [only] = Array.isArray(built) ? built : [built]
  if (only === undefined || !('output' in only)) throw new Error('the page did not build')
  page = Object.fromEntries(only.output.map((file) => [file.fileName, file]))
})

afterAll(() => void vi.unstubAllEnvs())

describe('before it connects', () => {
  test.each(languages)('a browser that speaks %s loads at most 90 KB gzipped', (language) => {
    const files = beforeConnecting(language)
    // index.html, its style, its script, the words.
    expect(files.length).toBeGreaterThanOrEqual(4)
    const bytes = files.reduce((sum, name) => sum + gzipped(bodyOf(named(name))), 0)
    expect(bytes, report(files)).toBeLessThanOrEqual(BUDGET_BYTES)
  })

  test('it loads what finds the host and shakes hands, and nothing that is seen later', () => {
    const modules = modulesOf(beforeConnecting('en')).map((id) => id.replace(`${root}/`, ''))
    for (const needed of [
      'web/dial.ts',
      'web/session.ts',
      'web/views/Join.tsx',
      'node_modules/simple-peer/index.js',
    ])
      expect(modules).toContain(needed)
    const later =
      /views\/(Chat|Row|People|HostDialog|Settings|Markdown)|conversation|files\.ts|mega|punch|qr\b|markdown|readable-stream|messages\/(en\.|de|es|zh)/
    expect(modules.filter((id) => later.test(id) && id !== 'shared/files.ts')).toEqual([])
  })

  test('what comes later is there, in files of its own', () => {
    const files = new Set(beforeConnecting('en'))
    const later = chunks()
      .filter(({ fileName }) => !files.has(fileName))
      .map(({ name }) => name)
    expect(later).toEqual(expect.arrayContaining(['Chat', 'ChatDialog', 'chatting', 'mega']))
  })
})

test('every script of index.html, and so all that it imports, is pinned there by its hash', () => {
  const html = String(bodyOf(named('index.html')))
  const tags = [...html.matchAll(/<(?:script|link)[^>]*assets\/[^>]*>/g)].map(String)
  expect(tags.length).toBeGreaterThanOrEqual(2)
  for (const tag of tags) expect(tag).toMatch(/integrity="sha384-[A-Za-z0-9+/]{64}"/)
  const scripts = [...html.matchAll(/<script[^>]*assets\/([^"]+)"/g)]
  for (const [, name] of scripts) expect([...withImports(`assets/${name}`)]).toHaveLength(1)
})
