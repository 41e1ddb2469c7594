// Builds the page into web/dist and names the build by the hash of its files (build.json).
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'web/dist')
const mark = join(dist, 'build.json')

export async function buildPage(): Promise<void> {
  // `npx` prepares the package anew at its first call; the page is there already.
  if (process.env.npm_command === 'exec' && existsSync(mark)) return
  // What is built must not depend on who builds: another value brings debugging code, and with it the paths of this machine.
  process.env.NODE_ENV = 'production'
  await build({ configFile: join(root, 'vite.config.ts') })
  const files = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const hash = createHash('sha256')
  for (const file of files)
    hash.update(relative(dist, file)).update('\0').update(readFileSync(file))
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    string
  >
  writeFileSync(mark, `${JSON.stringify({ name, version, build: hash.digest('hex') })}\n`)
}

// Not import.meta.main: the launcher may import this file instead of starting a second Node.
if (process.argv[1] === import.meta.filename) await buildPage()
