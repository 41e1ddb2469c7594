// The MEGA account's own words: from the environment, a file that only its owner can read, or a prompt (SPEC §3.3.1).
// Never from an argument, since other users of the computer see those.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Readable, Writable } from 'node:stream'
import { ClawError } from '../shared/error.ts'

export interface MegaAccount {
  readonly email: string
  readonly password: string
  /** of the second factor; good for one attempt */
  readonly code: string | null
}

type Env = Readonly<Record<string, string | undefined>>

const DEFAULT_FILE = 'mega-account.json'
const MAX_BYTES = 4096
/** What other users could do with the file. */
const OTHERS = 0o077

/**
 * CLAWCHAT_MEGA_EMAIL and CLAWCHAT_MEGA_PASSWORD, else CLAWCHAT_MEGA_FILE, else `mega-account.json` in `dir`; null for
 * none of them. CLAWCHAT_MEGA_CODE goes with each. Throws ClawError: `mega-account` (half given), `mega-file`.
 */
export function readMegaAccount(env: Env, dir: string): MegaAccount | null {
  const { CLAWCHAT_MEGA_EMAIL: email, CLAWCHAT_MEGA_PASSWORD: password } = env
  const code = env.CLAWCHAT_MEGA_CODE || null
  if (email && password) return { email, password, code }
  if (email || password) throw new ClawError('mega-account')
  const named = env.CLAWCHAT_MEGA_FILE
  const account = readFile(named || join(dir, DEFAULT_FILE), Boolean(named))
  return account === null || code === null ? account : { ...account, code }
}

function readFile(path: string, mustExist: boolean): MegaAccount | null {
  try {
    const { mode, size } = statSync(path)
    // Windows has no such bits; there the folder of the user protects the file.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) throw new ClawError('mega-file')
    if (size > MAX_BYTES) throw new ClawError('mega-file')
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (missing && !mustExist) return null
    throw new ClawError('mega-file')
  }
}

function parse(text: string): MegaAccount {
  const { email, password, code = null } = JSON.parse(text) as Record<string, unknown>
  const right = typeof email === 'string' && typeof password === 'string'
  if (!right || email === '' || password === '' || !(code === null || typeof code === 'string')) {
    throw new ClawError('mega-file')
  }
  return { email, password, code }
}

/** Asks at a terminal; the password and the code are not shown. Throws ClawError('mega-account') for no answer. */
export async function promptMegaAccount(input: Readable, output: Writable): Promise<MegaAccount> {
  let muted = false
  const screen = new Writable({
    write(chunk, _encoding, done) {
      if (!muted) output.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input, output: screen, terminal: true })
  const ended = new Promise<never>((_, fail) => {
    lines.once('close', () => fail(new ClawError('mega-account')))
  })
  // Also where the last answer was given and nobody waits any more.
  ended.catch(() => undefined)
  const ask = async (question: string, hidden: boolean): Promise<string> => {
    output.write(question)
    muted = hidden
    const answer = await Promise.race([lines.question(''), ended])
    muted = false
    if (hidden) output.write('\n')
    return answer
  }
  try {
    const email = (await ask('E-mail address at MEGA: ', false)).trim()
    const password = await ask('Password (not shown): ', true)
    const code = (await ask('Code of the second factor, or nothing: ', true)).trim()
    if (email === '' || password === '') throw new ClawError('mega-account')
    return { email, password, code: code || null }
  } finally {
    lines.close()
  }
}
