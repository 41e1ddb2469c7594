// What the service worker of the built page pins: every file that a server hands out, and what it really holds.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { PAGE_DIR } from '../../host/page.ts'

const read = (file: string): string => readFileSync(join(PAGE_DIR, file), 'utf8')

test('the service worker names the build and the SHA-256 of every other file', () => {
  const list = /^const LIST = (\{[\s\S]*?\n\})\n/.exec(read('sw.js'))?.[1]
  const { build, files } = JSON.parse(String(list)) as {
    build: string
    files: Record<string, string>
  }
  const served = readdirSync(PAGE_DIR, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PAGE_DIR, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((file) => file !== '_headers' && file !== 'sw.js')
  expect(served.length).toBeGreaterThan(6)
  expect(Object.keys(files).sort()).toEqual(served.sort())
  for (const [file, hash] of Object.entries(files)) {
    const bytes = readFileSync(join(PAGE_DIR, file))
    expect(createHash('sha256').update(bytes).digest('hex'), file).toBe(hash)
  }
  expect(JSON.parse(read('build.json'))).toMatchObject({ build })
})

test('the manifest names nothing but files of the page, by relative paths', () => {
  const manifest = JSON.parse(read('manifest.webmanifest')) as {
    icons: { src: string }[]
    start_url: string
    scope: string
  }
  expect([manifest.start_url, manifest.scope]).toEqual(['./', './'])
  expect(manifest.icons.length).toBeGreaterThan(2)
  for (const { src } of manifest.icons) expect(readdirSync(PAGE_DIR)).toContain(src)
})
