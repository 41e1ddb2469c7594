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

/** Where the account may lie in the data folder. */
export const MEGA_ACCOUNT_FILE = 'mega-account.json'
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
  const account = readFile(named || join(dir, MEGA_ACCOUNT_FILE), Boolean(named))
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
  let hidden: string | null = null
  const screen = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      // Of a hidden answer nothing passes but its question.
      if (hidden === null || text === hidden) output.write(text)
      done()
    },
  })
  const lines = createInterface({ input, output: screen, terminal: true })
  const ended = new Promise<never>((_, fail) => {
    lines.once('close', () => fail(new ClawError('mega-account')))
  })
  // Also where the last answer was given and nobody waits any more.
  ended.catch(() => undefined)
  const ask = async (question: string, hide: boolean): Promise<string> => {
    hidden = hide ? question : null
    const answer = await Promise.race([lines.question(question), ended])
    if (hide) output.write('\n')
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
