// Where the words for MEGA come from (SPEC §3.3.1): the environment, a file of its owner's alone, a prompt that shows no
// password; and that the command says what is missing.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { promptMegaAccount, readMegaAccount } from '../../host/megaaccount.ts'
import { ClawError } from '../../shared/error.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-account-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const words = JSON.stringify({ email: 'ada@example.org', password: 'from a file' })
function file(name: string, content: string, mode = 0o600): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

describe('the account', () => {
  test('is that of the environment, of the named file, of the file in the folder, or none', () => {
    const env = { CLAWCHAT_MEGA_EMAIL: 'a@b.example', CLAWCHAT_MEGA_PASSWORD: 'x' }
    expect(readMegaAccount({}, dir)).toBeNull()
    file('mega-account.json', words)
    expect(readMegaAccount({}, dir)).toEqual({
      email: 'ada@example.org',
      password: 'from a file',
      code: null,
    })
    const named = file('other.json', '{"email":"eve@example.org","password":"y","code":"1"}')
    expect(readMegaAccount({ CLAWCHAT_MEGA_FILE: named }, dir)).toEqual({
      email: 'eve@example.org',
      password: 'y',
      code: '1',
    })
    const all = { ...env, CLAWCHAT_MEGA_FILE: named, CLAWCHAT_MEGA_CODE: '123456' }
    expect(readMegaAccount(all, dir)).toEqual({
      email: 'a@b.example',
      password: 'x',
      code: '123456',
    })
    expect(readMegaAccount({ CLAWCHAT_MEGA_CODE: '123456' }, dir)?.code).toBe('123456')
  })

  test.each([0o640, 0o604, 0o660, 0o644, 0o610])('in a file of mode %o is refused', (mode) => {
    file('mega-account.json', words, mode)
    expect(() => readMegaAccount({}, dir)).toThrow(new ClawError('mega-file'))
  })

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{"email":"a"}',
    '{"email":"a","password":7}',
    '{"email":"","password":"x"}',
    'x'.repeat(5000),
  ])('in a file that holds %j is refused', (content) => {
    file('mega-account.json', content)
    expect(() => readMegaAccount({}, dir)).toThrow(new ClawError('mega-file'))
  })

  test('half given, or in a named file that is not there, is refused', () => {
    const half = { CLAWCHAT_MEGA_EMAIL: 'a@b.example' }
    expect(() => readMegaAccount(half, dir)).toThrow(new ClawError('mega-account'))
    const gone = { CLAWCHAT_MEGA_FILE: join(dir, 'gone') }
    expect(() => readMegaAccount(gone, dir)).toThrow(new ClawError('mega-file'))
  })
})

describe('the prompt', () => {
  /** Types each answer once its question stands there. @returns what was on the screen */
  async function typing(...answers: string[]) {
    const keys = new PassThrough()
    const screen = new PassThrough().setEncoding('utf8')
    let shown = ''
    screen.on('data', (text) => {
      shown += text
      if (/: $/.test(text)) {
        const answer = answers.shift()
        if (answer === undefined) keys.end()
        else keys.write(`${answer}\n`)
      }
    })
    const result = await promptMegaAccount(keys, screen).catch((error: unknown) => error)
    return { result, shown: () => shown }
  }

  test('asks for three things and shows neither password nor code', async () => {
    const { result, shown } = await typing(' ada@example.org ', 'hunter two', '123456')
    expect(result).toEqual({ email: 'ada@example.org', password: 'hunter two', code: '123456' })
    expect(shown()).toContain('ada@example.org')
    expect(shown()).not.toMatch(/hunter|123456/)
  })

  test('takes no code for none, and no answer for no account', async () => {
    expect((await typing('a@b.example', 'x', '')).result).toMatchObject({ code: null })
    expect((await typing('a@b.example', '', '')).result).toEqual(new ClawError('mega-account'))
    expect((await typing('a@b.example')).result).toEqual(new ClawError('mega-account'))
    expect((await typing()).result).toEqual(new ClawError('mega-account'))
  })
})

describe('clawchat start --store mega', () => {
  async function start(env: Record<string, string>) {
    const cli = resolve(import.meta.dirname, '../../host/cli.ts')
    const args = [cli, 'start', '--store', 'mega', '--json', '--data', join(dir, 'data')]
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text
    })
    const code = await new Promise((done) => child.on('close', done))
    return { code, said: JSON.parse(out.trim().split('\n').at(-1) ?? '') as { next: string } }
  }

  test('without an account or a terminal exits 1 and says what to set', async () => {
    const { code, said } = await start({})
    expect(code).toBe(1)
    expect(said).toMatchObject({ event: 'error', code: 'mega-account' })
    expect(said.next).toContain('CLAWCHAT_MEGA_PASSWORD')
  })

  test('with a file that others can read exits 1 and says how to mend it', async () => {
    const path = file('open.json', words, 0o644)
    const { code, said } = await start({ CLAWCHAT_MEGA_FILE: path })
    expect(code).toBe(1)
    expect(said).toMatchObject({ event: 'error', code: 'mega-file' })
    expect(said.next).toContain('chmod 600')
  })
})
