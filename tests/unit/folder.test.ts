// The data folder on a real file system: modes, lock, and what is refused.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase, transaction } from '../../host/database.ts'
import { openFolder } from '../../host/folder.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clawchat-folder-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const mode = (path: string): number => statSync(path).mode & 0o777

test('the same keys each time, and nothing readable by others', () => {
  const dir = join(root, 'a', 'b')
  const first = openFolder(dir)
  const db = openDatabase(dir)
  transaction(db, () => db.exec("INSERT INTO kv VALUES ('a', 'b')"))
  expect(mode(dir)).toBe(0o700)
  const names = readdirSync(dir)
  expect(names).toEqual(expect.arrayContaining(['identity.key', 'clawchat.db', 'clawchat.db-wal']))
  for (const name of names) expect(mode(join(dir, name))).toBe(0o600)
  db.close()
  first.close()
  first.close()
  const second = openFolder(dir)
  expect(second.identity).toEqual(first.identity)
  second.close()
})

test("a file, someone else's folder and malformed keys are refused and left alone", () => {
  const file = join(root, 'file')
  expect(() => openFolder(root).close()).not.toThrow()
  writeFileSync(file, '')
  expect(() => openFolder(file)).toThrow('folder-unusable')
  expect(() => openFolder(join(file, 'below'))).toThrow('folder-unusable')
  writeFileSync(join(root, 'identity.key'), 'short')
  expect(() => openFolder(root)).toThrow('folder-foreign')
  rmSync(join(root, 'identity.key'))
  rmSync(join(root, 'lock.db'))
  expect(() => openFolder(root)).toThrow('folder-foreign')
  expect(readdirSync(root)).toEqual(['file'])
})

const HOLD = `
import { openFolder } from './host/folder.ts'
openFolder(process.argv[1])
process.stdout.write('held')
setInterval(() => {}, 1000)`

test('a second host is refused, also from another process, and let in after kill -9', async () => {
  const cwd = join(import.meta.dirname, '../..')
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLD, root], { cwd })
  await new Promise((done) => child.stdout.once('data', done))
  expect(() => openFolder(root)).toThrow('folder-locked')
  const closed = new Promise((done) => child.once('close', done))
  child.kill('SIGKILL')
  await closed
  const folder = openFolder(root)
  expect(() => openFolder(root)).toThrow('folder-locked')
  folder.close()
})
