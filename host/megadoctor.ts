// `clawchat doctor --mega`: tries the MEGA store on the service itself and measures what SPEC §3.3.1 relies on.
// Works on this host's own anchor file, while the host is stopped, and leaves the record in it as it was.
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import { askForFile, encodeAttributes, parseAnswer } from '../shared/mega.ts'
import { ed25519PublicKey } from '../shared/noble.ts'
import { storageId } from '../shared/put.ts'
import { openFolder } from './folder.ts'
import type { Passphrase } from './keyfile.ts'
import { MegaStore, megaFileName } from './mega.ts'
import type { MegaAccount } from './megaaccount.ts'

/** One measurement (SPEC §9.1). */
export interface DoctorStep {
  readonly step: 'sign-in' | 'link' | 'plain' | 'size' | 'delay' | 'session'
  readonly ok: boolean
  /** why not, if not */
  readonly code: ClawErrorCode | null
  readonly ms: number
  /** `size`: sealed attributes that were taken and given back */
  readonly bytes?: number
  /** `session`: since the sign-in that it began with */
  readonly ageMs?: number
}

interface Case {
  readonly mega: MegaStore
  readonly gateway: string
  readonly name: string
  readonly record: Uint8Array | null
}

/** Resolves to what it found, if that is more than that it went well. */
type Trial = () => Promise<unknown>

/** A record makes 8.2 KB; the others tell how much room there is. */
const SIZES = [8208, 12_288, 16_384]
const TRIES = 5
const READ_EVERY_MS = 200
const LATEST_MS = 30_000
const REQUEST_MS = 15_000

/** Throws ClawError as `openFolder`; `folder-locked` while the host runs. What MEGA does stands in the steps. */
export async function examineMega(input: {
  readonly dataDir: string
  readonly gateway: string
  readonly account: MegaAccount | null
  readonly passphrase: Passphrase
}): Promise<DoctorStep[]> {
  process.umask(0o077)
  const folder = openFolder(input.dataDir, { passphrase: input.passphrase })
  const name = megaFileName(storageId(ed25519PublicKey(folder.identity.writeSecret)))
  const { gateway, account } = input
  const mega = new MegaStore({
    gateway,
    dir: folder.dir,
    anchorName: name,
    account,
    now: Date.now,
  })
  try {
    return await examine(mega, gateway, name)
  } finally {
    mega.stop()
    folder.close()
  }
}

async function examine(mega: MegaStore, gateway: string, name: string): Promise<DoctorStep[]> {
  const steps: DoctorStep[] = []
  const add = async (step: DoctorStep['step'], run: Trial) => {
    const made = await measure(step, run)
    steps.push(made)
    return made.ok
  }
  if (!(await add('sign-in', () => mega.prepare()))) return steps
  let record: Uint8Array | null = null
  const reads = await add('link', async () => {
    record = await mega.get()
  })
  if (!reads) return steps
  const there: Case = { mega, gateway, name, record }
  await add('plain', async () => {
    await atAsPage(there)
  })
  for (const bytes of SIZES) if (!(await add('size', () => takes(there, bytes)))) break
  await add('delay', () => longestDelay(there))
  // Also the way back: whatever was tried, the record stands there alone again.
  await add('session', async () => {
    await mega.write(record)
    return { ageMs: Date.now() - (mega.signedInMs ?? Date.now()) }
  })
  return steps
}

async function measure(step: DoctorStep['step'], run: Trial): Promise<DoctorStep> {
  const from = performance.now()
  const ms = (): number => Math.round(performance.now() - from)
  try {
    const found = (await run()) as Partial<DoctorStep> | undefined
    return { step, ok: true, code: null, ms: ms(), ...found }
  } catch (error) {
    const code = error instanceof ClawError ? error.code : 'internal'
    return { step, ok: false, code, ms: ms() }
  }
}

/** The file's `at`, asked for as a page does: text/plain, from another origin. ClawError('store-refused') if it may not. */
async function atAsPage({ mega, gateway }: Case): Promise<string> {
  const { handle = '' } = mega.entry ?? {}
  const number = crypto.getRandomValues(new Uint32Array(1))[0]
  const answer = await fetch(`${gateway}/cs?id=${number}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain;charset=UTF-8', origin: 'https://chat.example' },
    body: askForFile(handle),
    redirect: 'error',
    signal: AbortSignal.timeout(REQUEST_MS),
  }).catch(() => {
    throw new ClawError('store-unreachable')
  })
  const open = answer.headers.get('access-control-allow-origin')
  const said = parseAnswer(await answer.text())
  const value = 'value' in said ? (said.value as { at?: unknown } | null) : null
  if (open !== '*' || typeof value?.at !== 'string') throw new ClawError('store-refused')
  return value.at
}

/** Attributes of so many bytes, written and seen by readers. */
async function takes(there: Case, bytes: number): Promise<Partial<DoctorStep>> {
  const { record, name, mega } = there
  const { key } = mega.entry ?? {}
  if (key === undefined) throw new Error('bug: no anchor')
  const sealed = (filler: string): number =>
    Buffer.from(encodeAttributes(key, { name, record }, filler), 'base64url').length
  const filler = 'x'.repeat(Math.max(1, bytes - sealed('x')))
  await appears(there, filler)
  return { bytes: sealed(filler) }
}

async function longestDelay(there: Case): Promise<Partial<DoctorStep>> {
  let longest = 0
  for (let i = 0; i < TRIES; i++) longest = Math.max(longest, await appears(there, `try ${i}`))
  return { ms: Math.round(longest) }
}

/** Writes and reads until readers get it. @returns ms from MEGA's "taken" to the reading that shows it */
async function appears(there: Case, filler: string): Promise<number> {
  const { mega, name, record } = there
  await mega.write(record, filler)
  const taken = performance.now()
  const wanted = encodeAttributes(mega.entry?.key ?? new Uint8Array(32), { name, record }, filler)
  for (;;) {
    if ((await atAsPage(there)) === wanted) return performance.now() - taken
    if (performance.now() - taken > LATEST_MS) throw new ClawError('store-refused')
    await delay(READ_EVERY_MS)
  }
}
