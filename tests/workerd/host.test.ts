// A real host with the real worker in workerd: what a data folder keeps of a deploy is enough to publish there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openFolder } from '../../host/folder.ts'
import { toHex } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { storageId } from '../../shared/put.ts'
import { Host } from '../e2e/host.ts'
import { DEPLOY_TOKEN, read } from '../worker/endpoint.ts'
import { startWorkerd, type Workerd } from './worker.ts'

let workerd: Workerd
let dir = ''
let id = ''
let host: Host | null = null
beforeAll(async () => {
  workerd = await startWorkerd()
})
afterAll(() => workerd?.close())
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cc-'))
  const data = join(dir, 'data')
  mkdirSync(data)
  const folder = openFolder(data)
  id = toHex(storageId(ed25519PublicKey(folder.identity.writeSecret)))
  folder.close()
})
afterEach(async () => {
  await host?.kill()
  rmSync(dir, { recursive: true })
})

function start(files: Record<string, string>, args: readonly string[] = []): Host {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'data', name), text)
  host = new Host(join(dir, 'data'), ['--http', '127.0.0.1:0', ...args])
  return host
}

test('a deployed worker gets the record, and its page is where links lead', async () => {
  const running = start({
    'worker.json': JSON.stringify({ name: 'clawchat', url: workerd.url }),
    'deploy-token': `${DEPLOY_TOKEN}\n`,
  })
  const ready = await running.waitFor('ready')
  expect(ready.page).toBe(`${workerd.url}/`)
  expect(String(ready.invite)).toContain(`${workerd.url}/#`)
  await running.waitFor('published', ({ store }) => store === 'worker')
  expect(await read(workerd, id)).toMatch(`200 ${RECORD_BYTES} `)
})

test('a worker given by hand without its token says that it asks for one', async () => {
  const running = start({}, ['--store', `https:${workerd.url}`])
  const failed = await running.waitFor('store-failed', ({ store }) => store === 'https-1')
  expect(failed.code).toBe('store-token')
  await running.waitFor('ready')
  await expect.poll(() => running.stderr).toContain('asks for a deploy token')
  expect(running.stderr).toContain('CLAWCHAT_DEPLOY_TOKEN')
  const status = await running.command('status')
  const stores = status.lines[0]?.stores as { store: string; code: string | null }[]
  expect(stores.find(({ store }) => store === 'https-1')?.code).toBe('store-token')
})

test('a worker given by hand with its token in the data folder', async () => {
  const running = start({ 'deploy-token': DEPLOY_TOKEN }, ['--store', `https:${workerd.url}`])
  await running.waitFor('published', ({ store }) => store === 'https-1')
  expect(await read(workerd, id)).toMatch(`200 ${RECORD_BYTES} `)
})
