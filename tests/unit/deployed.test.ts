// What a data folder keeps of a deployed worker, and what a start makes of it (docs/OPERATING.md).
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StartOptions, StoreOption } from '../../host/config.ts'
import { parseCommand } from '../../host/options.ts'
import { makeToken, readToken, readWorker, withWorker, writeWorker } from '../../host/worker.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cc-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const WORKER = { name: 'chat', url: 'https://chat.example' }
const random = (n: number): Uint8Array => new Uint8Array(n).fill(0xab)
const keep = (text: string): void => writeFileSync(join(dir, 'deploy-token'), text)

function start(args: readonly string[], token?: string): StartOptions {
  const command = parseCommand(['start', '--data', dir, ...args], { CLAWCHAT_DEPLOY_TOKEN: token })
  if (command.name !== 'start') throw new Error('not a start command')
  return withWorker(command.options, dir)
}
const stores = (args: readonly string[], token?: string): readonly StoreOption[] =>
  start(args, token).stores
const store = (url: string): string[] => ['--store', `https:${url}`]

describe('the token', () => {
  test('has 32 random bytes, lies on disk for its owner only, and stays', () => {
    const token = makeToken(dir, random)
    expect(token).toBe('ab'.repeat(32))
    expect(readFileSync(join(dir, 'deploy-token'), 'utf8')).toBe(`${token}\n`)
    expect(statSync(join(dir, 'deploy-token')).mode & 0o777).toBe(0o600)
    expect(makeToken(dir, () => new Uint8Array(32))).toBe(token)
    expect(readToken(dir)).toBe(token)
  })

  test('that can be none is refused', () => {
    for (const text of ['two words', 'line\nline', 'ä', 'x'.repeat(257)]) {
      keep(text)
      expect(() => readToken(dir)).toThrow('folder-foreign')
    }
    expect(readToken(join(dir, 'nowhere'))).toBeNull()
  })
})

describe('the worker', () => {
  test('is kept, and forgotten', () => {
    expect(readWorker(dir)).toBeNull()
    writeWorker(dir, WORKER)
    expect(readWorker(dir)).toEqual(WORKER)
    expect(statSync(join(dir, 'worker.json')).mode & 0o777).toBe(0o600)
    writeWorker(dir, null)
    expect(readWorker(dir)).toBeNull()
  })

  test.each(['{', '[]', '{"name":"x"}', '{"name":"x","url":"nowhere"}'])(
    '%s is not ours',
    (text) => {
      writeFileSync(join(dir, 'worker.json'), text)
      expect(() => readWorker(dir)).toThrow('folder-foreign')
    },
  )
})

describe('a start', () => {
  test('without a worker is what was asked for', () => {
    expect(start([])).toMatchObject({ stores: [], pageUrl: null })
  })

  test('publishes to the worker, with the token, and leads links there', () => {
    writeWorker(dir, WORKER)
    keep('kept')
    const { stores: list, pageUrl } = start(['--store', 'file:/tmp/x'])
    expect(list).toEqual([
      { kind: 'https', name: 'worker', url: WORKER.url, token: 'kept' },
      { kind: 'file', path: '/tmp/x' },
    ])
    expect(pageUrl).toBe('https://chat.example/')
  })

  test('--page goes before the worker', () => {
    writeWorker(dir, WORKER)
    expect(start(['--page', 'https://mine.example/']).pageUrl).toBe('https://mine.example/')
  })

  test('the worker given once more as --store is one store', () => {
    writeWorker(dir, WORKER)
    expect(stores(store(WORKER.url))).toHaveLength(1)
  })

  test('the token of the worker goes to no other store', () => {
    writeWorker(dir, WORKER)
    keep('kept')
    expect(stores(store('https://a.example'))[1]).not.toHaveProperty('token')
    expect(stores(store('https://a.example'), 'given')[1]).toMatchObject({ token: 'given' })
    expect(stores(store('https://a.example'), 'given')[0]).toMatchObject({ token: 'kept' })
  })

  test('without a worker a single store gets the given token, else the kept one', () => {
    keep('kept')
    expect(stores(store('https://a.example'))).toMatchObject([{ token: 'kept' }])
    expect(stores(store('https://a.example'), 'given')).toMatchObject([{ token: 'given' }])
  })

  test('of two stores none gets the kept token', () => {
    keep('kept')
    const two = stores([...store('https://a.example'), ...store('https://b.example')])
    expect(two).toHaveLength(2)
    for (const one of two) expect(one).not.toHaveProperty('token')
  })

  test('no token goes over plain http through the internet', () => {
    expect(stores(store('http://a.example'), 'given')[0]).not.toHaveProperty('token')
    expect(stores(store('http://192.168.1.9:1'), 'given')).toMatchObject([{ token: 'given' }])
  })
})
