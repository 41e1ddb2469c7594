// docs/SECURITY_SETUP.md is true: every command in it runs, as it stands and in its order, on one host with two people in
// real browsers. A command without a step here, or a step without its command, fails. MEGA and Cloudflare are emulated;
// what the guide has typed at a prompt stands in the environment.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parseCommand } from '../../host/options.ts'
import { MegaEmulator } from '../emulators/mega.ts'
import { type Cloudflare, startCloudflare } from '../workerd/cloudflare.ts'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'
import { type CommandResult, commandWith, type Env, type Host, type HostEvent } from './host.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const guide = readFileSync(join(ROOT, 'docs/SECURITY_SETUP.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, block = '']) => block,
  )
const lines = blocks('sh').flatMap((block) => block.split('\n').filter((line) => line !== ''))

const ACCOUNT = { email: 'ada@example.org', password: 'hunter2-hunter2' }

interface Scene {
  readonly lab: Lab
  readonly dir: string
  readonly env: Env
  readonly cloudflare: Cloudflare
  readonly mega: MegaEmulator
  host: Host | null
  ready: HostEvent | null
  readonly people: Map<string, Client>
}

type Step = (scene: Scene, line: string) => Promise<void>

/** Runs a line of the guide; `names` takes the place of the words in capitals. */
async function run(scene: Scene, line: string, names: Env = {}, env: Env = {}) {
  const words = line.split(' ').map((word) => names[word] ?? word)
  expect(words.slice(0, 2)).toEqual(['npx', 'clawchat'])
  return commandWith({ ...scene.env, ...env }, ...words.slice(2), '--json')
}

async function works(...args: Parameters<typeof run>): Promise<CommandResult> {
  const result = await run(...args)
  expect(result.code, result.stderr).toBe(0)
  return result
}

async function start(scene: Scene, line: string): Promise<void> {
  const [, , name, ...args] = line.split(' ')
  expect(name).toBe('start')
  const { host, ready } = await scene.lab.host(args, scene.dir, scene.env)
  scene.host = host
  scene.ready = ready
  await host.waitFor('published', ({ store }) => store === 'mega')
}

function hostOf({ host }: Scene): Host {
  if (host === null) throw new Error('the guide has not started the host yet')
  return host
}

function person(scene: Scene, name: string): Client {
  const client = scene.people.get(name)
  if (client === undefined) throw new Error(`the guide has not let ${name} in yet`)
  return client
}

async function joins(scene: Scene, name: string, link: unknown): Promise<void> {
  const client = await scene.lab.chromium(name)
  await client.join(String(link))
  scene.people.set(name, client)
}

async function security(client: Client): Promise<string> {
  await client.driver.press('Security')
  const text = await client.driver.read(
    () => document.querySelector('[role="dialog"], dialog[open]')?.textContent ?? '',
    null,
  )
  await client.driver.key('Escape')
  return text
}

interface Device {
  readonly device: string
  readonly name: string
  readonly safetyCode: readonly string[]
}

async function devices(scene: Scene, line: string): Promise<Map<string, Device>> {
  const { lines: members } = await works(scene, line)
  return new Map(
    members.flatMap(({ name, devices }) =>
      (devices as Device[]).map((device) => [String(name), device] as const),
    ),
  )
}

const inDeployFolder = ({ lab, cloudflare }: Scene): Env => ({
  ...cloudflare.env,
  CLAWCHAT_DATA: lab.path('worker'),
})

/** In the order of the guide; a line that stands twice has two. */
const STEPS: readonly (readonly [line: string, step: Step])[] = [
  [
    'npm install',
    async (_, line) => expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toContain(line),
  ],
  [
    'npx clawchat config',
    async (scene, line) => {
      const { lines: rows } = await works(scene, line)
      expect(rows.find(({ option }) => option === 'grace')).toMatchObject({
        origin: { from: 'default' },
      })
    },
  ],
  ['npx clawchat start --store mega', start],
  [
    'npx clawchat status',
    async (scene, line) => {
      const [status] = (await works(scene, line)).lines
      expect(status?.stores).toContainEqual({ store: 'mega', seq: expect.any(Number), code: null })
      expect(status?.dataDir).toBe(scene.dir)
    },
  ],
  [
    'npx clawchat stop',
    async (scene, line) => {
      await works(scene, line)
      expect(await hostOf(scene).ended()).toBe(0)
    },
  ],
  [
    'npx clawchat doctor --mega',
    async (scene, line) => {
      const [result] = (await works(scene, line)).lines
      const steps = (result?.mega ?? []) as { ok: boolean }[]
      expect(steps.length).toBeGreaterThan(5)
      for (const step of steps) expect(step).toMatchObject({ ok: true })
      // What stands next in the guide.
      const [config = ''] = blocks('toml')
      writeFileSync(join(scene.dir, 'clawchat.config.toml'), config, { mode: 0o600 })
    },
  ],
  [
    // A folder of its own: nobody here could open the address of a worker.
    'npx clawchat deploy --dry-run',
    async (scene, line) => {
      const [result] = (await works(scene, line, {}, inDeployFolder(scene))).lines
      expect(result).toMatchObject({ event: 'deployed', dryRun: true })
    },
  ],
  [
    'npx wrangler login',
    async () => {
      const { spawnSync } = await import('node:child_process')
      const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
      const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' }
      const { status, stdout } = spawnSync(process.execPath, [wrangler, 'login', '--help'], { env })
      expect(status).toBe(0)
      expect(String(stdout)).toContain('login')
    },
  ],
  [
    'npx clawchat deploy',
    async (scene, line) => {
      const [result] = (await works(scene, line, {}, inDeployFolder(scene))).lines
      expect(result).toMatchObject({ event: 'deployed', dryRun: false })
      expect(existsSync(join(scene.lab.path('worker'), 'deploy-token'))).toBe(true)
    },
  ],
  [
    'npx clawchat start',
    async (scene, line) => {
      await start(scene, line)
      await joins(scene, 'Ada', scene.ready?.invite)
    },
  ],
  [
    'npx clawchat status',
    async (scene, line) => {
      const [status] = (await works(scene, line)).lines
      expect(await security(person(scene, 'Ada'))).toContain(String(status?.identity))
    },
  ],
  [
    'npx clawchat invite --note Ben --expires 1d',
    async (scene, line) => {
      const [invited] = (await works(scene, line)).lines
      await joins(scene, 'Ben', invited?.invite)
      await person(scene, 'Ben').send('here I am')
      await person(scene, 'Ada').waitMessage('here I am')
    },
  ],
  [
    'npx clawchat members',
    async (scene, line) => {
      const listed = await devices(scene, line)
      expect([...listed.keys()].sort()).toEqual(['Ada', 'Ben'])
      for (const [name, { safetyCode }] of listed) {
        expect(safetyCode).toHaveLength(12)
        const shown = (await security(person(scene, name))).match(/\d{5}/g) ?? []
        expect(shown.join(' ')).toContain(safetyCode.join(' '))
      }
    },
  ],
  [
    'npx clawchat invite --list',
    async (scene, line) => {
      await hostOf(scene).invite('--note', 'unused')
      const { lines: rows } = await works(scene, line)
      expect(rows.map(({ note, state }) => [note, state])).toContainEqual(['Ben', 'used'])
    },
  ],
  [
    'npx clawchat invite --withdraw ID',
    async (scene, line) => {
      const { lines: rows } = await works(scene, 'npx clawchat invite --list')
      const ID = String(rows.find(({ state }) => state === 'open')?.id)
      const { lines: said } = await works(scene, line, { ID })
      expect(said).toEqual([{ id: ID, withdrawn: true }])
    },
  ],
  [
    'npx clawchat members',
    async (scene, line) => expect((await devices(scene, line)).get('Ben')).toBeDefined(),
  ],
  [
    'npx clawchat revoke DEVICE',
    async (scene, line) => {
      const DEVICE = (await devices(scene, 'npx clawchat members')).get('Ben')?.device ?? ''
      const { lines: said } = await works(scene, line, { DEVICE })
      expect(said).toMatchObject([{ revoked: [DEVICE], unconfirmed: [] }])
      expect(await person(scene, 'Ben').alertCode()).toBe('removed')
      await person(scene, 'Ada').send('alone again')
      await person(scene, 'Ada').waitMessage('alone again', 'sent')
    },
  ],
  [
    'npx clawchat burn',
    async (scene, line) => {
      // It asks, and here nobody can answer.
      expect(await run(scene, line)).toMatchObject({ code: 2 })
      const { lines: said } = await works(scene, `${line} --yes`)
      expect(said).toEqual([{ burnt: scene.ready?.identity }])
      expect(await person(scene, 'Ada').alertCode()).toBe('burned')
      const fresh = await hostOf(scene).waitFor(
        'ready',
        ({ identity }) => identity !== scene.ready?.identity,
      )
      await joins(scene, 'Ada again', fresh.invite)
    },
  ],
]

test('each command of the guide has its step, in its order', () => {
  expect(lines.length).toBeGreaterThanOrEqual(15)
  expect(lines).toEqual(STEPS.map(([line]) => line))
})

test('commands in its sentences are commands', () => {
  const said = [...guide.matchAll(/`(?:npx )?clawchat ([^`]+)`/g)].map(([, words = '']) => words)
  expect(said.length).toBeGreaterThan(5)
  const env = { CLAWCHAT_DATA: '/nowhere' }
  for (const words of said) expect(() => parseCommand(words.split(' '), env), words).not.toThrow()
})

labTest(
  'the guide, from nothing to a verified contact, a revocation and a burn',
  async (lab) => {
    const mega = await MegaEmulator.start()
    const cloudflare = await startCloudflare()
    mega.account(ACCOUNT)
    const dir = lab.path('host')
    const env = {
      CLAWCHAT_DATA: dir,
      CLAWCHAT_HTTP: `127.0.0.1:${freePort()}`,
      CLAWCHAT_MEGA_API: mega.url,
      CLAWCHAT_MEGA_EMAIL: ACCOUNT.email,
      CLAWCHAT_MEGA_PASSWORD: ACCOUNT.password,
    }
    const people = new Map<string, Client>()
    const scene: Scene = { lab, dir, env, mega, cloudflare, host: null, ready: null, people }
    try {
      for (const [line, step] of STEPS) await step(scene, line)
    } finally {
      await mega.close()
      await cloudflare.close()
    }
  },
  400_000,
)
