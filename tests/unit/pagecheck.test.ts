// `start --page URL` compares the copy there with its own page, against real HTTP servers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkPage } from '../../host/page.ts'

let dir = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-page-'))
  writeFileSync(join(dir, 'build.json'), '{"build":"aaaa"}')
})
afterAll(() => rmSync(dir, { recursive: true }))

async function against(listener: RequestListener): Promise<string | null> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(String(request.url))
    listener(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  try {
    const result = await checkPage(`http://127.0.0.1:${port}/chat/index.html`, dir)
    expect(asked).toEqual(['/chat/build.json'])
    return result
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('the same build is fine', async () => {
  expect(await against((_, response) => response.end('{"build":"aaaa","more":1}'))).toBeNull()
})

test('another build, or something that is no build, is another version', async () => {
  expect(await against((_, response) => response.end('{"build":"bbbb"}'))).toBe('page-version')
  expect(await against((_, response) => response.end('<html>log in</html>'))).toBe('page-version')
  expect(await against((_, response) => response.end('{}'))).toBe('page-version')
})

test('an answer without end is left early', async () => {
  const code = await against((_, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write('x'.repeat(4096), () => setImmediate(more))
    }
    more()
  })
  expect(code).toBe('page-version')
})

test('an error, and nobody there', async () => {
  const missing = await against((_, response) => response.writeHead(404).end())
  expect(missing).toBe('page-unreachable')
  expect(await checkPage('http://127.0.0.1:9/', dir)).toBe('page-unreachable')
})
