// `clawchat deploy` as a process, with the real wrangler, against an emulation of Cloudflare's API and without a network.
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openFolder } from '../../host/folder.ts'
import { type Cloudflare, startCloudflare } from './cloudflare.ts'
import { ROOT } from './worker.ts'

let cloudflare: Cloudflare
let home = ''
let data = ''
beforeAll(async () => {
  cloudflare = await startCloudflare()
})
afterAll(() => cloudflare?.close())
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cc-'))
  data = join(home, 'data')
  cloudflare.calls.length = 0
  cloudflare.refuse()
})
afterEach(() => rmSync(home, { recursive: true }))

interface Ran {
  readonly code: number | null
  readonly lines: readonly Record<string, unknown>[]
  readonly words: string
}

/** Nothing of the account of whoever runs the tests. */
function cleanEnv(): Record<string, string> {
  const { PATH = '', TMPDIR = tmpdir() } = process.env
  return { PATH, TMPDIR, HOME: home, XDG_CONFIG_HOME: join(home, 'config') }
}

function deploy(args: readonly string[], env = {}, root = ROOT): Promise<Ran> {
  const all = [join(root, 'host/launcher.mjs'), 'deploy', '--json', '--data', data, ...args]
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(process.execPath, all, { env: { ...cleanEnv(), ...env }, stdio: [...stdio] })
  let [out, words] = ['', '']
  child.stdout?.on('data', (chunk) => (out += chunk))
  child.stderr?.on('data', (chunk) => (words += chunk))
  return new Promise((done) => {
    child.on('close', (code) => {
      const lines = out.split('\n').filter((line) => line !== '')
      done({ code, words, lines: lines.map((line) => JSON.parse(line)) })
    })
  })
}

const online = (...args: string[]): Promise<Ran> => deploy(args, cloudflare.env)
const calls = (what: RegExp) =>
  cloudflare.calls.filter(({ method, path }) => what.test(`${method} ${path}`))
const token = (): string => readFileSync(join(data, 'deploy-token'), 'utf8').trim()

describe('deploy', () => {
  test('uploads page and worker, hands over a token, and keeps both', async () => {
    const ran = await online('--name', 'chatty')
    expect(ran.words).toContain('Deployed: https://chatty.someone.workers.dev')
    const url = 'https://chatty.someone.workers.dev'
    expect(ran.lines).toEqual([{ event: 'deployed', dryRun: false, worker: 'chatty', url }])
    expect(ran.code).toBe(0)
    expect(token()).toMatch(/^[0-9a-f]{64}$/)
    for (const file of ['deploy-token', 'worker.json', 'identity.key']) {
      expect(statSync(join(data, file)).mode & 0o777, file).toBe(0o600)
    }
    expect(JSON.parse(readFileSync(join(data, 'worker.json'), 'utf8'))).toEqual({
      name: 'chatty',
      url,
    })
    const [assets] = calls(/^POST .*assets-upload-session$/)
    expect(Object.keys(JSON.parse(assets?.body ?? '').manifest)).toContain('/index.html')
  }, 60_000)

  test('the token is a secret: in no argument, no setting, no output', async () => {
    const ran = await online()
    const secrets = calls(/^PUT .*\/secrets$/)
    expect(secrets).toHaveLength(1)
    const [secret] = secrets
    expect(JSON.parse(secret?.body ?? '')).toEqual({
      name: 'DEPLOY_TOKEN',
      text: token(),
      type: 'secret_text',
    })
    expect(secret?.processes).toContain('secret put DEPLOY_TOKEN')
    expect(secret?.processes).not.toContain(token())
    for (const call of cloudflare.calls.filter((one) => one !== secret)) {
      expect(`${call.path} ${call.body}`).not.toContain(token())
    }
    expect(ran.words).not.toContain(token())
    expect(JSON.stringify(ran.lines)).not.toContain(token())
  }, 60_000)

  test('the settings are those of wrangler.toml', async () => {
    await online()
    const [script] = calls(/^PUT \/workers\/scripts\/clawchat$/)
    const text = script?.body ?? ''
    const metadata = JSON.parse(/\r\n(\{"main_module".*\})\r\n/.exec(text)?.[1] ?? 'null')
    expect(metadata).toMatchObject({
      compatibility_date: '2026-11-01',
      migrations: { new_tag: 'v1', steps: [{ new_sqlite_classes: ['RecordObject'] }] },
      observability: { enabled: false },
    })
    const names = metadata.bindings.map(({ name }: { name: string }) => name)
    expect(names.toSorted()).toEqual(['PUT_BUCKET', 'PUT_REFILL_MS', 'RECORDS'])
  }, 60_000)

  test('again: the same name and the same token', async () => {
    await online('--name', 'chatty')
    const first = token()
    const ran = await online()
    expect(ran.lines).toMatchObject([{ worker: 'chatty' }])
    expect(token()).toBe(first)
  }, 90_000)

  test('goes on while a host runs on the folder', async () => {
    const folder = openFolder(data)
    const ran = await online()
    folder.close()
    expect(ran.lines).toMatchObject([{ event: 'deployed', worker: 'clawchat' }])
  }, 60_000)
})

describe('a deploy that fails', () => {
  test('without a login passes on what wrangler says', async () => {
    const ran = await deploy([])
    expect(ran.code).toBe(1)
    expect(ran.lines).toMatchObject([{ event: 'error', code: 'deploy-failed' }])
    expect(ran.words).toContain('CLOUDFLARE_API_TOKEN')
    expect(ran.words).toContain('npx wrangler login')
    expect(existsSync(join(data, 'worker.json'))).toBe(false)
  }, 60_000)

  test.each(['/workers/scripts/clawchat', '/secrets'])(
    'at %s leaves no worker behind, and goes well the next time',
    async (end) => {
      cloudflare.refuse(end)
      const ran = await online()
      expect(ran.code).toBe(1)
      expect(ran.lines).toMatchObject([{ event: 'error', code: 'deploy-failed' }])
      expect(ran.words).toContain('refused by the test')
      expect(existsSync(join(data, 'worker.json'))).toBe(false)
      const before = token()
      cloudflare.refuse()
      expect((await online()).code).toBe(0)
      expect(token()).toBe(before)
    },
    90_000,
  )

  test('for want of wrangler says how to get it', async () => {
    const root = join(home, 'tree')
    for (const part of ['host', 'shared', 'web/dist', 'wrangler.toml', 'package.json']) {
      cpSync(join(ROOT, part), join(root, part), { recursive: true })
    }
    mkdirSync(join(root, 'node_modules'))
    const packages = readdirSync(join(ROOT, 'node_modules'))
    expect(packages).toContain('wrangler')
    for (const name of packages.filter((one) => one !== 'wrangler')) {
      symlinkSync(join(ROOT, 'node_modules', name), join(root, 'node_modules', name))
    }
    const ran = await deploy(['--dry-run'], {}, root)
    expect(ran.code).toBe(1)
    expect(ran.lines).toMatchObject([{ event: 'error', code: 'wrangler-missing' }])
    expect(ran.words).toContain('npm install')
  })
})

test('--dry-run needs no account and no network, and writes nothing', async () => {
  const ran = await deploy(['--dry-run', '--name', 'chatty'])
  expect(ran.words).toContain('RecordObject')
  expect(ran.words).toContain('nothing was uploaded')
  expect(ran.lines).toEqual([{ event: 'deployed', dryRun: true, worker: 'chatty', url: null }])
  expect(ran.code).toBe(0)
  expect(existsSync(data)).toBe(false)
  expect(cloudflare.calls).toEqual([])
}, 60_000)

test('--forget: the next start no longer uses it', async () => {
  expect((await deploy(['--forget'])).lines).toEqual([{ event: 'worker-forgotten', worker: null }])
  expect(existsSync(data)).toBe(false)
  await online()
  const ran = await deploy(['--forget'])
  expect(ran.lines).toEqual([{ event: 'worker-forgotten', worker: 'clawchat' }])
  expect(ran.words).toContain('npx wrangler delete --name clawchat')
  const again = await deploy(['--forget'])
  expect(again.lines).toEqual([{ event: 'worker-forgotten', worker: null }])
}, 60_000)
