// The built page: where it is, `clawchat page --out DIR`, which copies it for any https host, and whether a copy is ours.
import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClawError } from '../shared/error.ts'

export const PAGE_DIR = fileURLToPath(new URL('../web/dist', import.meta.url))
/** Stands in every built page and names its version. */
const MARK = 'build.json'

/**
 * Copies the page into `out`: a new or empty folder, or one that holds an earlier page.
 * `build`: its hash, as the page shows it under "Security".
 * Throws ClawError: `page-missing`, `folder-foreign`, `folder-unusable`.
 */
export async function exportPage(
  out: string,
  pageDir = PAGE_DIR,
): Promise<{ readonly files: number; readonly build: string | null }> {
  const files = await listFiles(pageDir)
  if (!files.includes('index.html') || !files.includes(MARK)) throw new ClawError('page-missing')
  let held: string[]
  try {
    await mkdir(out, { recursive: true })
    held = await readdir(out)
  } catch {
    throw new ClawError('folder-unusable')
  }
  if (held.length > 0 && !held.includes(MARK)) throw new ClawError('folder-foreign')
  try {
    await cp(pageDir, out, { recursive: true })
  } catch {
    throw new ClawError('folder-unusable')
  }
  return { files: files.length, build: buildOf(await readFile(join(out, MARK), 'utf8')) }
}

const TIMEOUT_MS = 5000
/** build.json has about 120 bytes. */
const MARK_MAX_BYTES = 4096

/** What is odd about the copy of the page at `url`, or null: the check of `start --page` (contract.md). */
export async function checkPage(
  url: string,
  pageDir = PAGE_DIR,
): Promise<'page-unreachable' | 'page-version' | null> {
  const own = buildOf(await readFile(join(pageDir, MARK), 'utf8').catch(() => ''))
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const answer = await fetch(new URL(MARK, url), { signal, credentials: 'omit' })
    if (!answer.ok || answer.body === null) return 'page-unreachable'
    let text = ''
    const decoder = new TextDecoder()
    for await (const part of answer.body) {
      text += decoder.decode(part, { stream: true })
      if (text.length > MARK_MAX_BYTES) return 'page-version'
    }
    return own !== null && buildOf(text) === own ? null : 'page-version'
  } catch {
    return 'page-unreachable'
  }
}

function buildOf(text: string): string | null {
  try {
    const { build } = JSON.parse(text) as { build?: unknown }
    return typeof build === 'string' ? build : null
  } catch {
    return null
  }
}

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}
