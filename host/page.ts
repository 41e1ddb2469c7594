// The built page: where it is, and `clawchat page --out DIR`, which copies it for any https host.
import { cp, mkdir, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ClawError } from '../shared/error.ts'

export const PAGE_DIR = fileURLToPath(new URL('../web/dist', import.meta.url))
/** Stands in every built page and names its version. */
const MARK = 'build.json'

/**
 * Copies the page into `out`: a new or empty folder, or one that holds an earlier page. Returns the number of files.
 * Throws ClawError: `page-missing`, `folder-foreign`, `folder-unusable`.
 */
export async function exportPage(out: string, pageDir = PAGE_DIR): Promise<number> {
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
  return files.length
}

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}
