// A passphrase before the host's keys (SPEC §11.2), on a real file system and by the command itself.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isKeySealed, openFolder, peekIdentity } from '../../host/folder.ts'
import { decodeKeyFile, encodeKeyFile } from '../../host/keyfile.ts'
import { passphraseFor } from '../../host/passphrase.ts'
import { codeOf } from '../../shared/error.ts'

const QUICK = 4
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clawchat-keyfile-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const codeFor = (run: () => unknown): string => {
  try {
    run()
    return 'opened'
  } catch (error) {
    return codeOf(error)
  }
}

test('a key file comes back, by its passphrase only, however it was typed', () => {
  const secrets = random(96)
  expect(decodeKeyFile(encodeKeyFile(secrets, null, random), null)).toEqual(secrets)
  const sealed = encodeKeyFile(secrets, 'caf\u00e9', random, QUICK)
  expect(sealed).toHaveLength(133)
  expect(decodeKeyFile(sealed, 'cafe\u0301')).toEqual(secrets)
  expect(codeFor(() => decodeKeyFile(sealed, 'cafe'))).toBe('passphrase-wrong')
  expect(codeFor(() => decodeKeyFile(sealed, null))).toBe('passphrase-missing')
})

test('a key file that is cut, or with any bit flipped, opens nothing', () => {
  const sealed = encodeKeyFile(random(96), 'one', random, QUICK)
  for (let length = 0; length < sealed.length; length++)
    expect(codeFor(() => decodeKeyFile(sealed.slice(0, length), 'one'))).toBe('folder-foreign')
  for (let at = 0; at < sealed.length; at++)
    for (const bit of [0, 7]) {
      // A cost that takes minutes is nobody's test.
      if (at === 4 && bit === 0) continue
      const other = sealed.slice()
      other[at] = (other[at] ?? 0) ^ (1 << bit)
      expect(['passphrase-wrong', 'folder-foreign']).toContain(
        codeFor(() => decodeKeyFile(other, 'one')),
      )
    }
})

test('a wrong passphrase, and none, changes nothing; the right one opens the same keys', () => {
  const dir = join(root, 'host')
  const first = openFolder(dir, { passphrase: 'a long one of words' })
  const { identity } = first
  first.close()
  const path = join(dir, 'identity.key')
  const before = readFileSync(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  for (const secret of Object.values(identity)) expect(before.includes(secret)).toBe(false)
  expect(codeFor(() => openFolder(dir, { passphrase: 'another' }))).toBe('passphrase-wrong')
  expect(codeFor(() => openFolder(dir))).toBe('passphrase-missing')
  expect(peekIdentity(dir)).toBeNull()
  expect(readFileSync(path)).toEqual(before)
  const again = openFolder(dir, { passphrase: 'a long one of words' })
  expect(again.identity).toEqual(identity)
  // Also after a burn.
  again.renew()
  again.close()
  expect(isKeySealed(dir)).toBe(true)
  expect(readFileSync(path)).not.toEqual(before)
})

test('keys without a passphrase are sealed by the first start that has one', () => {
  const dir = join(root, 'host')
  const first = openFolder(dir)
  first.close()
  const sealed = openFolder(dir, { passphrase: 'words' })
  sealed.close()
  expect(sealed.identity).toEqual(first.identity)
  expect(isKeySealed(dir)).toBe(true)
})

test('a passphrase in a file that others can read, or in none, is refused; without a terminal it is asked of nobody', async () => {
  const file = join(root, 'passphrase')
  const terminal = { input: process.stdin, output: process.stderr }
  const from = (path: string | null) => passphraseFor(root, path, terminal)
  await expect(from(file)).rejects.toThrow('passphrase-file')
  writeFileSync(file, 'words of mine\r\nand more\n', { mode: 0o644 })
  await expect(from(file)).rejects.toThrow('passphrase-file')
  rmSync(file)
  writeFileSync(file, 'words of mine\r\nand more\n', { mode: 0o600 })
  expect(await from(file)).toBe('words of mine')
  expect(await from(null)).toBeNull()
})

const cli = resolve(import.meta.dirname, '../../host/cli.ts')

function clawchat(...args: string[]) {
  const run = spawnSync(process.execPath, [cli, ...args, '--json', '--data', join(root, 'host')], {
    encoding: 'utf8',
    input: '',
  })
  return { status: run.status, said: JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '{}') }
}

test('clawchat passphrase sets, changes and removes it; what is wrong changes nothing', () => {
  const files = ['one', 'two'].map((words) => {
    const path = join(root, words)
    writeFileSync(path, `${words} in a file\n`, { mode: 0o600 })
    return path
  })
  const [one = '', two = ''] = files
  const folder = openFolder(join(root, 'host'))
  expect(clawchat('passphrase', '--new-passphrase-file', one).said.code).toBe('folder-locked')
  folder.close()
  expect(clawchat('passphrase').said.code).toBe('passphrase-missing')
  expect(clawchat('passphrase', '--new-passphrase-file', one).said).toEqual({ passphrase: 'set' })
  const wrong = clawchat('passphrase', '--passphrase-file', two, '--new-passphrase-file', two)
  expect(wrong).toMatchObject({ status: 1, said: { code: 'passphrase-wrong' } })
  expect(clawchat('passphrase', '--remove').said.next).toContain('--passphrase-file')
  const changed = clawchat('passphrase', '--passphrase-file', one, '--new-passphrase-file', two)
  expect(changed.said).toEqual({ passphrase: 'changed' })
  const removed = clawchat('passphrase', '--passphrase-file', two, '--remove')
  expect(removed.said).toEqual({ passphrase: 'removed' })
  const again = openFolder(join(root, 'host'))
  again.close()
  expect(again.identity).toEqual(folder.identity)
}, 60_000)
