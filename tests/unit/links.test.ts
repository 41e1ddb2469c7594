// Which address a link gets, and which stores go into it (contract.md).
import { describe, expect, test } from 'vitest'
import { listenerUrl, parsePageUrl, planLinks, reachOf } from '../../host/links.ts'
import { ClawError } from '../../shared/error.ts'
import type { LocatorEntry } from '../../shared/locator.ts'

const store = (url: string, flags = 1): LocatorEntry => ({
  type: 'https',
  flags,
  id: new Uint8Array(32),
  url,
})
const loopback = store('http://127.0.0.1:8787')
const lanStore = store('http://192.168.1.5:8787')
const worker = store('https://worker.example')
const http = { host: '127.0.0.1', port: 8787 }
const lan = { host: '192.168.1.5', port: 8787 }
const locator = [loopback, lanStore, worker]
const urlsOf = (entries: readonly LocatorEntry[]): string[] =>
  entries.map((entry) => (entry.type === 'https' ? entry.url : entry.type))

describe('the address of a link', () => {
  test('is loopback by default, without a QR', () => {
    const plan = planLinks({ pageUrl: null, http, lan: null, locator })
    expect(plan).toMatchObject({ url: 'http://127.0.0.1:8787/', reach: 'computer', secure: true })
    expect(plan.qr).toBe(false)
    expect(plan.pages).toHaveLength(1)
    expect(plan.locator).toEqual(locator)
  })

  test('is that of the LAN with --lan, insecure, with http and https stores but no loopback one', () => {
    const plan = planLinks({ pageUrl: null, http, lan, locator })
    expect(plan).toMatchObject({ url: 'http://192.168.1.5:8787/', reach: 'lan', secure: false })
    expect(plan.qr).toBe(true)
    expect(plan.pages.map((page) => page.url)).toEqual([
      'http://192.168.1.5:8787/',
      'http://127.0.0.1:8787/',
    ])
    expect(urlsOf(plan.locator)).toEqual(['http://192.168.1.5:8787', 'https://worker.example'])
  })

  test('is --page before all else, and an https page gets https stores only', () => {
    const plan = planLinks({ pageUrl: 'https://chat.example/c/', http, lan, locator })
    expect(plan).toMatchObject({ url: 'https://chat.example/c/', reach: 'anywhere', secure: true })
    expect(plan.pages.map((page) => page.reach)).toEqual(['anywhere', 'lan', 'computer'])
    expect(urlsOf(plan.locator)).toEqual(['https://worker.example'])
  })

  test('MEGA entries serve every origin', () => {
    const mega: LocatorEntry = {
      type: 'mega',
      flags: 1,
      handle: 'abcdefgh',
      key: new Uint8Array(32),
    }
    const plan = planLinks({ pageUrl: 'https://chat.example/', http, lan, locator: [mega] })
    expect(plan.locator).toEqual([mega])
  })

  test.each([
    ['https://chat.example/', [loopback, lanStore]],
    ['http://192.168.1.9/', [loopback]],
    [null, [store('https://worker.example', 2)]],
    [null, []],
  ])('page %s without a usable store is refused', (pageUrl, entries) => {
    expect(() => planLinks({ pageUrl, http, lan: null, locator: entries })).toThrow(
      new ClawError('no-usable-store'),
    )
  })
})

test.each([
  ['127.0.0.1', 'computer'],
  ['127.9.9.9', 'computer'],
  ['localhost', 'computer'],
  ['[::1]', 'computer'],
  ['10.1.2.3', 'lan'],
  ['172.31.0.1', 'lan'],
  ['172.32.0.1', 'anywhere'],
  ['fe80::1', 'lan'],
  ['fd00::1', 'lan'],
  ['2001:db8::1', 'anywhere'],
  ['box.local', 'lan'],
  ['box', 'lan'],
  ['localhost.example', 'anywhere'],
  ['8.8.8.8', 'anywhere'],
])('%s is reached from %s', (host, reach) => {
  expect(reachOf(host)).toBe(reach)
})

test('a listener on all addresses is shown as loopback', () => {
  expect(listenerUrl({ host: '0.0.0.0', port: 1 })).toBe('http://127.0.0.1:1/')
  expect(listenerUrl({ host: '::', port: 1 })).toBe('http://[::1]:1/')
})

describe('--page', () => {
  test.each([
    ['https://chat.example', 'https://chat.example/'],
    ['https://chat.example/c', 'https://chat.example/c/'],
    ['https://chat.example/c/index.html', 'https://chat.example/c/index.html'],
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/'],
    ['http://192.168.1.5:80/', 'http://192.168.1.5/'],
  ])('%s becomes %s', (given, url) => {
    expect(parsePageUrl(given)).toBe(url)
  })

  test.each([
    'http://chat.example/',
    'ftp://chat.example/',
    'chat.example',
    'https://u:p@chat.example/',
    'https://chat.example/?a',
    'https://chat.example/#a',
    '',
  ])('refuses %s', (given) => {
    expect(() => parsePageUrl(given)).toThrow(new ClawError('usage'))
  })
})
