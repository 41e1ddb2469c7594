// The passphrase before the host's secrets (SPEC §11.2): from a file that only its owner can read, or asked for at a terminal.
// Never from an argument or a variable, since others may see those.
import { readFileSync, statSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { type Readable, Writable } from 'node:stream'
import { ClawError } from '../shared/error.ts'
import { isKeySealed, openFolder } from './folder.ts'
import type { Passphrase } from './keyfile.ts'
import { UsageError } from './usage.ts'

const MAX_BYTES = 1024
/** What other users could do with the file. */
const OTHERS = 0o077

/** Its first line. Throws ClawError('passphrase-file'). */
export function readPassphraseFile(path: string): string {
  try {
    const { mode, size } = statSync(path)
    // Windows has no such bits; there the folder of the user protects the file.
    const isOpen = process.platform !== 'win32' && (mode & OTHERS) !== 0
    const [line = ''] = size > MAX_BYTES ? [] : readFileSync(path, 'utf8').split(/\r?\n/)
    if (!isOpen && line !== '') return line
  } catch {
    // Missing, a folder, or not for us.
  }
  throw new ClawError('passphrase-file')
}

interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream
}

/** Of a host that starts. `file`: of --passphrase-file. Throws ClawError: `passphrase-file`, `passphrase-missing`. */
export async function passphraseFor(
  dir: string,
  file: string | null,
  terminal: Terminal,
): Promise<Passphrase> {
  if (file !== null) return readPassphraseFile(file)
  return isKeySealed(dir) ? askHidden('Passphrase of this host: ', terminal) : null
}

/** Throws ClawError('passphrase-missing') where nobody can answer, or does. */
export async function askHidden(question: string, { input, output }: Terminal): Promise<string> {
  if (input.isTTY !== true) throw new ClawError('passphrase-missing')
  const screen = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      // Of a hidden answer nothing passes but its question.
      if (text === question) output.write(text)
      done()
    },
  })
  const lines = createInterface({ input, output: screen, terminal: true })
  const ended = new Promise<never>((_, fail) => {
    lines.once('close', () => fail(new ClawError('passphrase-missing')))
  })
  ended.catch(() => undefined)
  try {
    const answer = await Promise.race([lines.question(question), ended])
    output.write('\n')
    if (answer === '') throw new ClawError('passphrase-missing')
    return answer
  } finally {
    lines.close()
  }
}

export interface PassphraseArgs {
  readonly dataDir: string
  /** files of the one in use, and of the next one */
  readonly file: string | null
  readonly newFile: string | null
  readonly remove: boolean
}

export interface PassphraseResult {
  readonly passphrase: 'set' | 'changed' | 'removed' | 'none'
}

/**
 * Sets, changes or removes it; the host must not run. Throws ClawError: `folder-locked`, `passphrase-…`, UsageError; then
 * nothing has changed.
 */
export async function changePassphrase(
  { dataDir, file, newFile, remove }: PassphraseArgs,
  terminal: Terminal,
): Promise<PassphraseResult> {
  const wasSealed = isKeySealed(dataDir)
  const current = wasSealed ? await passphraseFor(dataDir, file, terminal) : null
  const next = remove ? null : await nextPassphrase(newFile, terminal)
  const folder = openFolder(dataDir, { passphrase: current })
  try {
    folder.reseal(next)
  } finally {
    folder.close()
  }
  if (next === null) return { passphrase: wasSealed ? 'removed' : 'none' }
  return { passphrase: wasSealed ? 'changed' : 'set' }
}

/** Asked for twice, where no file has it. */
export async function nextPassphrase(file: string | null, terminal: Terminal): Promise<string> {
  if (file !== null) return readPassphraseFile(file)
  const next = await askHidden('New passphrase: ', terminal)
  if (next === (await askHidden('The same once more: ', terminal))) return next
  throw new UsageError('The two are not the same.', 'Nothing was changed. Try again.')
}
