// A backup is one file, of a running host too, and comes back whole or not at all (SPEC §11.3).
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backup, isSealedBackup, restore } from '../../host/backup.ts'
import { openDatabase, Settings } from '../../host/database.ts'
import { openFolder } from '../../host/folder.ts'
import { codeOf } from '../../shared/error.ts'

const PASSPHRASE = 'words for a backup'
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
let root = ''
const at = (name: string): string => join(root, name)
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clawchat-backup-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const codeFor = (run: () => unknown): string => {
  try {
    run()
    return 'done'
  } catch (error) {
    return codeOf(error)
  }
}

/** A host that runs: its folder is locked, its database open, with a file of three chunks and one that nobody needs. */
function runningHost() {
  const folder = openFolder(at('host'))
  const db = openDatabase(at('host'))
  new Settings(db).set('name', 'Apiary')
  mkdirSync(at('host/files'), { mode: 0o700 })
  const content = randomBytes(150_000)
  writeFileSync(at('host/files/aa11'), content)
  writeFileSync(at('host/files/0000.part'), 'under way')
  db.exec("INSERT INTO files VALUES (x'01', 'm', x'00', 9, 1, x'02', 'aa11')")
  db.exec("INSERT INTO files VALUES (x'03', 'm', x'00', 9, 1, x'04', 'gone')")
  const end = (): void => {
    db.close()
    folder.close()
  }
  return { folder, content, end }
}

const write = (passphrase: string | null = PASSPHRASE) =>
  backup({ dataDir: at('host'), file: at('copy'), passphrase, random })
const read = (passphrase: string | null = PASSPHRASE) =>
  restore({ dataDir: at('back'), file: at('copy'), passphrase })

test('of a running host: it comes back with keys, database and files, and nothing of it can be read before', () => {
  const { folder, content, end } = runningHost()
  expect(write()).toMatchObject({ sealed: true, files: 3 })
  expect(statSync(at('copy')).mode & 0o777).toBe(0o600)
  expect(readdirSync(root).sort()).toEqual(['copy', 'host'])
  expect(readdirSync(at('host')).filter((name) => name.startsWith('backup-'))).toEqual([])
  const bytes = readFileSync(at('copy'))
  for (const plain of [
    folder.identity.identitySecret,
    content.subarray(0, 64),
    Buffer.from('Apiary'),
  ])
    expect(bytes.indexOf(plain)).toBe(-1)
  end()
  mkdirSync(at('back'))
  expect(read()).toEqual({ restored: at('back'), files: 3 })
  expect(readFileSync(at('back/files/aa11'))).toEqual(content)
  expect(readdirSync(at('back/files'))).toEqual(['aa11'])
  expect(statSync(at('back')).mode & 0o777).toBe(0o700)
  const back = openFolder(at('back'))
  expect(back.identity).toEqual(folder.identity)
  const db = openDatabase(at('back'))
  expect(new Settings(db).get('name')).toBe('Apiary')
  db.close()
  back.close()
})

test('a wrong passphrase, none, and a folder that is not empty: nothing is written', () => {
  const { end } = runningHost()
  write()
  end()
  expect(isSealedBackup(at('copy'))).toBe(true)
  expect(codeFor(() => read('other words'))).toBe('passphrase-wrong')
  expect(codeFor(() => read(null))).toBe('passphrase-missing')
  expect(readdirSync(root).sort()).toEqual(['copy', 'host'])
  mkdirSync(at('back'))
  writeFileSync(at('back/mine'), 'mine')
  expect(codeFor(() => read())).toBe('folder-foreign')
  expect(readdirSync(at('back'))).toEqual(['mine'])
  expect(codeFor(() => write())).toBe('usage')
})

test('damaged, cut short, longer or foreign: refused, and nothing is written', () => {
  const { end } = runningHost()
  write(null)
  end()
  expect(isSealedBackup(at('copy'))).toBe(false)
  const whole = readFileSync(at('copy'))
  const refused = (code: string): void => {
    expect(codeFor(() => read(null))).toBe(code)
    expect(readdirSync(root).sort()).toEqual(['copy', 'host'])
    writeFileSync(at('copy'), whole)
  }
  // In the head's salt, in each chunk, and in the last byte.
  for (let place = 10; place < whole.length; place += 40_000) {
    const other = Buffer.from(whole)
    other[place] = (other[place] ?? 0) ^ 1
    writeFileSync(at('copy'), other)
    refused('backup-damaged')
  }
  const chunk = 64 * 1024 + 16
  for (const length of [whole.length - 1, 21 + chunk, 21 + 2 * chunk, 30]) {
    truncateSync(at('copy'), length)
    refused('backup-damaged')
  }
  appendFileSync(at('copy'), 'more')
  refused('backup-damaged')
  // Two chunks in each other's place.
  const [head, one, two, rest] = [
    whole.subarray(0, 21),
    whole.subarray(21, 21 + chunk),
    whole.subarray(21 + chunk, 21 + 2 * chunk),
    whole.subarray(21 + 2 * chunk),
  ]
  writeFileSync(at('copy'), Buffer.concat([head, two, one, rest]))
  refused('backup-damaged')
  for (const foreign of ['', 'CCB1', 'SQLite format 3 and so on and on', randomBytes(5000)]) {
    writeFileSync(at('copy'), foreign)
    refused('backup-foreign')
  }
  expect(read(null).files).toBe(3)
})

test('keys behind a passphrase stay behind it; a folder without keys is nobody’s to back up', () => {
  openFolder(at('host'), { passphrase: 'of the keys' }).close()
  openDatabase(at('host')).close()
  write()
  read()
  expect(codeFor(() => openFolder(at('back')))).toBe('passphrase-missing')
  rmSync(at('copy'))
  rmSync(at('host/identity.key'))
  expect(codeFor(() => write())).toBe('folder-foreign')
  expect(existsSync(at('copy'))).toBe(false)
})

test('clawchat backup and restore, by their files of passphrases', () => {
  const { end } = runningHost()
  const words = at('words')
  writeFileSync(words, `${PASSPHRASE}\n`, { mode: 0o600 })
  const cli = resolve(import.meta.dirname, '../../host/cli.ts')
  const run = (command: string, dir: string, ...args: string[]) => {
    const given = [cli, command, at('copy'), '--json', '--data', at(dir), ...args]
    const { stdout } = spawnSync(process.execPath, given, { encoding: 'utf8', input: '' })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')
  }
  const file = ['--backup-passphrase-file', words]
  expect(run('backup', 'host').code).toBe('passphrase-missing')
  expect(run('backup', 'host', ...file)).toMatchObject({ files: 3, sealed: true })
  end()
  expect(run('restore', 'host', ...file).code).toBe('folder-foreign')
  expect(run('restore', 'back').code).toBe('passphrase-missing')
  expect(run('restore', 'back', ...file)).toEqual({ restored: at('back'), files: 3 })
}, 60_000)
