// The worker that `clawchat deploy` made (docs/OPERATING.md): what the data folder keeps of it, and what a start adds for it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toUtf8 } from '../shared/bytes.ts'
import type { RandomBytes } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import type { StartOptions, StoreOption } from './config.ts'
import { syncFolder, writeAtomically } from './folder.ts'
import { reachOf } from './links.ts'

export interface Worker {
  /** its name at Cloudflare */
  readonly name: string
  /** no trailing slash */
  readonly url: string
}

const WORKER_FILE = 'worker.json'
const TOKEN_FILE = 'deploy-token'
const TOKEN = /^[\x21-\x7e]{1,256}$/

/** The worker of a data folder, or null. Throws ClawError('folder-foreign') for a file that is not ours. */
export function readWorker(dir: string): Worker | null {
  const text = readText(dir, WORKER_FILE)
  if (text === null || text === '') return null
  try {
    const { name, url } = JSON.parse(text) as Partial<Worker>
    if (typeof name === 'string' && typeof url === 'string' && URL.canParse(url)) {
      return { name, url }
    }
  } catch {
    // No JSON: the same as JSON of another shape.
  }
  throw new ClawError('folder-foreign')
}

/**
 * Keeps the worker for the next start; null forgets it. A file of its own, since the database belongs to a host
 * that may be running.
 */
export const writeWorker = (dir: string, worker: Worker | null): void =>
  writeText(dir, WORKER_FILE, worker === null ? '' : `${JSON.stringify(worker)}\n`)

/** The kept deploy token (SPEC §3.3), or null. Throws ClawError('folder-foreign') for what can be none. */
export function readToken(dir: string): string | null {
  const token = readText(dir, TOKEN_FILE)
  if (token === null || token === '') return null
  if (!TOKEN.test(token)) throw new ClawError('folder-foreign')
  return token
}

/** The kept token, or a new one of 32 random bytes in hex, on disk (0600) before anybody gets it. */
export function makeToken(dir: string, random: RandomBytes): string {
  const kept = readToken(dir)
  if (kept !== null) return kept
  const token = Buffer.from(random(32)).toString('hex')
  writeText(dir, TOKEN_FILE, `${token}\n`)
  return token
}

function readText(dir: string, file: string): string | null {
  try {
    return readFileSync(join(dir, file), 'utf8').trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new ClawError('folder-unusable')
  }
}

function writeText(dir: string, file: string, text: string): void {
  try {
    writeAtomically(join(dir, file), toUtf8(text), 0o600)
    syncFolder(dir)
  } catch {
    throw new ClawError('folder-unusable')
  }
}

/**
 * What a start runs with: the worker as store `worker`, its page where no --page was given, and the deploy token for
 * exactly one endpoint: the worker, else a single --store https.
 */
export function withWorker(options: StartOptions, dir: string): StartOptions {
  const worker = readWorker(dir)
  const kept = readToken(dir)
  const others = options.stores.filter(
    (store) => store.kind !== 'https' || store.url !== worker?.url,
  )
  const token = options.deployToken ?? (worker === null ? kept : null)
  const alone = others.filter((store) => store.kind === 'https').length === 1
  const stores = others.map((store) => (alone ? withToken(store, token) : store))
  if (worker === null) return { ...options, stores }
  const own: StoreOption = { kind: 'https', name: 'worker', url: worker.url }
  return {
    ...options,
    stores: [withToken(own, kept), ...stores],
    pageUrl: options.pageUrl ?? `${worker.url}/`,
  }
}

function withToken(store: StoreOption, token: string | null): StoreOption {
  if (store.kind !== 'https' || token === null) return store
  // Over plain http through the internet anyone on the way could keep it.
  const { protocol, hostname } = new URL(store.url)
  const safe = protocol === 'https:' || reachOf(hostname) !== 'anywhere'
  return safe ? { ...store, token } : store
}
