// Three back ends, the same bytes and the same refusals: node:crypto here, noble and WebCrypto in real Chromium, in a
// secure context and on plain http, where WebCrypto is missing and the page picks noble.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { expect, test } from 'vitest'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { transcript } from './crypto-page.ts'

const root = resolve(import.meta.dirname, '../..')

async function script(): Promise<string> {
  const output = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: {
      write: false,
      lib: { entry: 'tests/e2e/crypto-page.ts', formats: ['iife'], name: 'cryptoPage' },
    },
  })
  const [first] = Array.isArray(output) ? output : [output]
  if (first === undefined || !('output' in first)) throw new Error('the script did not build')
  return first.output[0].code
}

test('node:crypto, noble and WebCrypto agree on every byte, in Node and in Chromium', async () => {
  const own = await transcript(nodeBackend)
  expect(own.length).toBeGreaterThan(35)
  expect(own.filter((line) => line.includes('escaped'))).toEqual([])
  expect(own.filter((line) => line.includes('refused: crypto')).length).toBeGreaterThan(14)
  const code = await script()
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html>')
  })
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done))
  const { port } = server.address() as AddressInfo
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  try {
    const page = await browser.newPage()
    const inPage = async (host: string) => {
      await page.goto(`http://${host}:${port}/`)
      await page.addScriptTag({ content: code })
      return page.evaluate(() => globalThis.transcripts())
    }
    const secure = await inPage('127.0.0.1')
    expect(secure.picked).toBe('webcrypto')
    expect(secure.noble).toEqual(own)
    expect(secure.webcrypto).toEqual(own)
    // The namespace's own address: plain http off loopback is no secure context.
    const plain = await inPage('10.77.0.1')
    expect(plain.picked).toBe('noble')
    expect(plain.webcrypto).toBeNull()
    expect(plain.noble).toEqual(own)
  } finally {
    await browser.close()
    server.close()
  }
})
