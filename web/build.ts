// Builds the page into web/dist, names the build by the hash of its files (build.json), and pins these in its service worker.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'web/dist')
const mark = join(dist, 'build.json')
const worker = join(dist, 'sw.js')
/** Settings of a static host for the files beside it: nobody can fetch it. */
const HEADERS_FILE = '_headers'

export async function buildPage(): Promise<void> {
  // `npx` prepares the package anew at its first call; the page is there already.
  if (process.env.npm_command === 'exec' && existsSync(mark)) return
  // What is built must not depend on who builds: another value brings debugging code, and with it the paths of this machine.
  process.env.NODE_ENV = 'production'
  await build({ configFile: join(root, 'vite.config.ts') })
  const hash = nameBuild()
  pinFiles(hash)
}

/** The service worker counts without its list, which follows from the other files. @returns SHA-256, hex */
function nameBuild(): string {
  const hash = createHash('sha256')
  for (const file of builtFiles())
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(dist, file)))
  const build = hash.digest('hex')
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    string
  >
  writeFileSync(mark, `${JSON.stringify({ name, version, build })}\n`)
  return build
}

function pinFiles(build: string): void {
  const pinned = builtFiles().filter((file) => file !== 'sw.js' && file !== HEADERS_FILE)
  const files = Object.fromEntries(pinned.map((file) => [file, hashOf(join(dist, file))]))
  const list = JSON.stringify({ build, files }, null, 2)
  writeFileSync(worker, `const LIST = ${list}\n${readFileSync(worker, 'utf8')}`)
}

const hashOf = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex')

/** As they stand in a URL, in the order of these. */
const builtFiles = (): string[] =>
  readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()

// Not import.meta.main: the launcher may import this file instead of starting a second Node.
if (process.argv[1] === import.meta.filename) await buildPage()
