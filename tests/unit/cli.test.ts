// The command line (contract.md): what is right and wrong usage, the JSON of both, exit codes, and the launcher.
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { dataFolder, formatDuration, parseDuration } from '../../host/config.ts'
import { controlPath, serveControl } from '../../host/control.ts'
import { helpText } from '../../host/help.ts'
import { COMMAND_NAMES, parseCommand } from '../../host/options.ts'
import { exportPage } from '../../host/page.ts'
import { eventText, linkText, qrCode } from '../../host/terminal.ts'
import { UsageError } from '../../host/usage.ts'
import { ClawError } from '../../shared/error.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'clawchat-cli-'))
const children = new Set<ChildProcess>()
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Ran {
  code: number | null
  out: string
  err: string
}

function run(args: string[], env: Record<string, string> = {}, file = 'host/cli.ts'): Promise<Ran> {
  const child = spawn(process.execPath, [join(ROOT, file), ...args], {
    env: { ...process.env, CLAWCHAT_DATA: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  const ran: Ran = { code: null, out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    ran.out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    ran.err += chunk
  })
  return new Promise((done) => {
    child.on('close', (code) => {
      children.delete(child)
      done({ ...ran, code })
    })
  })
}

const start = (...args: string[]): ReturnType<typeof startOptions> => startOptions(args)
function startOptions(args: string[], env: Record<string, string> = {}) {
  const command = parseCommand(['start', ...args], { CLAWCHAT_DATA: folder, ...env })
  if (command.name !== 'start') throw new Error('not a start command')
  return command.options
}

/** The sentence of a wrong use; fails where the use is right. */
function wrong(...args: string[]): string {
  try {
    parseCommand(args, {})
  } catch (error) {
    if (error instanceof UsageError) return error.sentence
    throw error
  }
  throw new Error(`accepted: ${args.join(' ')}`)
}

describe('start', () => {
  test('has the defaults of contract.md', () => {
    expect(start()).toEqual({
      dataDir: folder,
      http: null,
      lan: false,
      takeOver: false,
      passphraseFile: null,
      pageUrl: null,
      name: null,
      rotation: { intervalMs: 3_600_000, noticeMs: 120_000, graceMs: 300_000 },
      portRange: { first: 49_152, last: 65_535 },
      udpAddress: null,
      externalAddress: null,
      map: true,
      signal: false,
      files: { maxBytes: 16 * 2 ** 30, quotaBytes: 64 * 2 ** 30, memberBytes: 32 * 2 ** 30 },
      keepMs: 0,
      stores: [],
      stun: [],
      turn: null,
      pushServices: [],
      megaApi: 'https://g.api.mega.co.nz',
      deployToken: null,
      clockOffsetMs: 0,
    })
  })

  test('takes every option of this version', () => {
    const options = start(
      ...[
        '--http',
        '127.0.0.1:0',
        '--lan',
        '--take-over',
        '--passphrase-file',
        '/etc/clawchat/words',
        '--page',
        'https://chat.example',
        '--name',
        ' Ada ',
      ],
      ...['--rotate-every', '10s', '--notice', '2s', '--grace=3s', '--port-range', '50000-50007'],
      ...['--udp', '127.0.0.1', '--external-address', '2001:db8::1'],
      ...['--store', 'https:https://a.example/', '--store', 'https:http://127.0.0.1:9/x'],
      ...['--store', 'file:/tmp/record', '--data', '/tmp/d', '--json'],
      ...['--store', 'mega', '--mega-api', 'http://127.0.0.1:9/'],
      '--no-map',
      '--signal',
      ...['--max-file', '500MiB', '--files-quota', '1024GiB', '--member-quota', '5GiB'],
      ...['--keep', '90d'],
      ...['--stun', 'stun:Stun.example', '--stun', 'stun:[2001:db8::3]:19302'],
    )
    expect(options).toEqual({
      dataDir: '/tmp/d',
      http: { host: '127.0.0.1', port: 0 },
      lan: true,
      takeOver: true,
      passphraseFile: '/etc/clawchat/words',
      pageUrl: 'https://chat.example/',
      name: 'Ada',
      rotation: { intervalMs: 10_000, noticeMs: 2000, graceMs: 3000 },
      portRange: { first: 50_000, last: 50_007 },
      udpAddress: '127.0.0.1',
      externalAddress: '2001:db8::1',
      map: false,
      signal: true,
      files: { maxBytes: 500 * 2 ** 20, quotaBytes: 2 ** 40, memberBytes: 5 * 2 ** 30 },
      keepMs: 90 * 86_400_000,
      stores: [
        { kind: 'https', url: 'https://a.example' },
        { kind: 'https', url: 'http://127.0.0.1:9/x' },
        { kind: 'file', path: '/tmp/record' },
        { kind: 'mega' },
      ],
      stun: ['stun.example:3478', '[2001:db8::3]:19302'],
      turn: null,
      pushServices: [],
      megaApi: 'http://127.0.0.1:9',
      deployToken: null,
      clockOffsetMs: 0,
    })
  })

  test.each([
    ['[::1]:80', { host: '::1', port: 80 }],
    ['8080', { host: '127.0.0.1', port: 8080 }],
    ['localhost:1', { host: '127.0.0.1', port: 1 }],
  ])('--http %s', (given, address) => {
    expect(start('--http', given).http).toEqual(address)
  })

  test.each([
    ['--http', '127.0.0.1'],
    ['--http', '127.0.0.1:65536'],
    ['--http', '[127.0.0.1]:1'],
    ['--http', 'a b:1'],
    ['--page', 'http://chat.example'],
    ['--name', ''],
    ['--name', 'x'.repeat(49)],
    ['--rotate-every', '9s'],
    ['--rotate-every', '9999ms'],
    ['--rotate-every', '50d'],
    ['--rotate-every', '1x'],
    ['--rotate-every', '7m'],
    ['--stun', 'stun.example:3478'],
    ['--stun', 'stun:user@stun.example'],
    ['--stun', 'stun:a:0'],
    ['--port-range', '50000-50006'],
    ['--port-range', '1023-2000'],
    ['--port-range', '60000-65536'],
    ['--port-range', '50000'],
    ['--udp', 'localhost'],
    ['--external-address', '1.2.3'],
    ['--store', 'ftp://a.example'],
    ['--store', 'file:'],
    ['--store', 'mega:x'],
    ['--store', 'https:https://a.example/?x'],
    ['--store', 'https:https://u@a.example/'],
    ['--store', `https:https://a.example/${'x'.repeat(200)}`],
  ])('%s %j is wrong', (option, value) => {
    expect(wrong('start', `${option}=${value}`)).toContain(option)
  })

  test('notice and grace together must be shorter than the interval, at the limit too', () => {
    expect(wrong('start', '--rotate-every=10s', '--notice=4s', '--grace=6s')).toContain('shorter')
    expect(start('--rotate-every=10s', '--notice=4s', '--grace=5s').rotation.graceMs).toBe(5000)
  })

  test.each([
    ['+90s', 90_000],
    ['-2h', -7_200_000],
    ['1m', 60_000],
  ])('CLAWCHAT_CLOCK_OFFSET %s', (given, ms) => {
    expect(startOptions([], { CLAWCHAT_CLOCK_OFFSET: given }).clockOffsetMs).toBe(ms)
    expect(() => parseCommand(['start'], { CLAWCHAT_CLOCK_OFFSET: 'soon' })).toThrow(UsageError)
  })

  test('takes MEGA once, and doctor MEGA, the router, or neither for everything', () => {
    expect(wrong('start', '--store=mega', '--store=mega')).toContain('once')
    expect(wrong('start', '--store=mega', '--mega-api=ftp://x')).toContain('--mega-api')
    expect(parseCommand(['doctor', '--signal'], { CLAWCHAT_DATA: folder })).toMatchObject({
      name: 'doctor',
      options: { dataDir: folder, signal: true, stores: [] },
    })
    expect(wrong('doctor', '--mega', '--router')).toContain('--mega or --router')
    expect(parseCommand(['doctor', '--router', '--stun', 'stun:s.example'], {})).toEqual({
      name: 'doctor-router',
      bindAddress: null,
      stun: ['s.example:3478'],
    })
    expect(parseCommand(['doctor', '--mega'], { CLAWCHAT_DATA: folder })).toEqual({
      name: 'doctor-mega',
      dataDir: folder,
      megaApi: 'https://g.api.mega.co.nz',
      passphraseFile: null,
    })
  })
})

describe('a deploy token for a store given by hand', () => {
  const env = { CLAWCHAT_DEPLOY_TOKEN: 'secret-token' }

  test('goes with one https store', () => {
    expect(startOptions(['--store', 'https://a.example'], env).deployToken).toBe('secret-token')
    const more = ['--store', 'https://a.example', '--store', 'file:/tmp/x']
    expect(startOptions(more, env).deployToken).toBe('secret-token')
    expect(startOptions([], env).deployToken).toBe('secret-token')
  })

  test('is refused with two, and where it can be none; the sentence does not repeat it', () => {
    const two = ['start', '--store', 'https://a.example', '--store', 'https://b.example']
    for (const [args, value] of [
      [two, 'secret-token'],
      [['start'], 'secret token'],
      [['start'], 'x'.repeat(257)],
    ] as const) {
      try {
        parseCommand(args, { CLAWCHAT_DEPLOY_TOKEN: value })
        throw new Error('accepted')
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        expect(error.sentence).toContain('CLAWCHAT_DEPLOY_TOKEN')
        expect(error.sentence).not.toContain(value)
      }
    }
  })
})

describe('deploy', () => {
  test('has defaults and takes its options', () => {
    const parse = (...args: string[]) =>
      parseCommand(['deploy', ...args], { CLAWCHAT_DATA: folder })
    expect(parse()).toEqual({
      name: 'deploy',
      dataDir: folder,
      args: { worker: null, dryRun: false },
    })
    expect(parse('--name', 'my-chat2', '--dry-run')).toMatchObject({
      args: { worker: 'my-chat2', dryRun: true },
    })
    expect(parse('--forget')).toEqual({ name: 'deploy-forget', dataDir: folder })
  })

  test.each(['', 'A', '-a', 'a-', 'a.b', 'a'.repeat(64), 'a b', '--'])('--name=%s', (name) => {
    expect(wrong('deploy', `--name=${name}`)).toContain('--name')
  })

  test('--forget stands alone', () => {
    expect(wrong('deploy', '--forget', '--dry-run')).toContain('--forget')
    expect(wrong('deploy', '--forget', '--name', 'a')).toContain('--forget')
  })
})

describe('invite', () => {
  test('has defaults and takes its options', () => {
    expect(parseCommand(['invite'], { CLAWCHAT_DATA: folder })).toEqual({
      name: 'invite',
      dataDir: folder,
      args: { role: 'member', uses: 1, expiresMs: 604_800_000, note: '', rooms: [] },
    })
    const given = ['--role', 'owner', '--uses', '64', '--expires', '1h30m', '--note', 'for Bob']
    expect(parseCommand(['invite', ...given], {})).toMatchObject({
      args: { role: 'owner', uses: 64, expiresMs: 5_400_000, note: 'for Bob' },
    })
    expect(parseCommand(['invite', '--list'], {})).toMatchObject({ name: 'invite-list' })
    expect(parseCommand(['invite', '--withdraw', 'ab12'], {})).toMatchObject({ id: 'ab12' })
  })

  test.each([
    ['--role=king'],
    ['--uses=0'],
    ['--uses=65'],
    ['--uses=-1'],
    ['--expires=0s'],
    ['--expires=366d'],
    [`--note=${'x'.repeat(201)}`],
    ['--note=a\nb'],
    ['--withdraw=../x'],
    ['--rooms', ''],
    ['--rooms', 'Kitchen,,Cellar'],
    ['--rooms', Array.from({ length: 17 }, (_, i) => `r${i}`).join()],
    ['--list', '--withdraw=ab'],
    ['--list', '--uses=2'],
  ])('%j is wrong', (...args) => {
    expect(wrong('invite', ...args)).toMatch(/\.$/)
  })
})

describe('rooms', () => {
  test('shows, makes, and sets the lifetime of one', () => {
    expect(parseCommand(['rooms'], {})).toMatchObject({ name: 'rooms' })
    expect(parseCommand(['rooms', '--make', 'Cellar'], {})).toMatchObject({ room: 'Cellar' })
    const parsed = (span: string) => parseCommand(['rooms', 'Cellar', '--lifetime', span], {})
    expect(parsed('7d')).toMatchObject({
      name: 'rooms-lifetime',
      args: { room: 'Cellar', lifeMs: 604_800_000 },
    })
    expect(parsed('forever')).toMatchObject({ args: { lifeMs: 0 } })
  })

  test.each([
    ['Cellar'],
    ['--lifetime=7d'],
    ['Cellar', 'Kitchen', '--lifetime=7d'],
    ['Cellar', '--make=Kitchen'],
    ['Cellar', '--make=Kitchen', '--lifetime=7d'],
    ['Cellar', '--lifetime=59m'],
    ['Cellar', '--lifetime=366d'],
    ['Cellar', '--lifetime=never'],
  ])('%j is wrong', (...args) => {
    expect(wrong('rooms', ...args)).toMatch(/\.$/)
  })
})

describe('revoke', () => {
  const id = '0123456789abcdef'.repeat(2)
  test('takes one id, as "members" shows it', () => {
    expect(parseCommand(['revoke', id, '--data', '/d', '--json'], {})).toEqual({
      name: 'revoke',
      dataDir: '/d',
      id,
    })
    expect(parseCommand(['members'], { CLAWCHAT_DATA: folder })).toEqual({
      name: 'members',
      dataDir: folder,
    })
  })

  test.each([[], [id, id], [id.slice(1)], ['Ann'], ['../x']])('%j is wrong', (...args) => {
    expect(wrong('revoke', ...args)).toMatch(/\.$/)
    expect(wrong('status', id)).toMatch(/\.$/)
  })
})

test.each([
  ['nonsense'],
  ['restore'],
  ['start', '--bogus'],
  ['start', 'more'],
  ['start', '--name'],
])('%j is wrong', (...args) => {
  expect(wrong(...args)).toMatch(/\.$/)
})

test('connect takes a link, - for standard input, or none', () => {
  const args = (...given: string[]) => {
    const command = parseCommand(['connect', '--data', '/x', ...given], {})
    return command.name === 'connect' ? command.args : null
  }
  expect(args()).toEqual({ dataDir: '/x', link: null, name: null })
  expect(args('-', '--name', 'Ann')).toEqual({ dataDir: '/x', link: '-', name: 'Ann' })
  expect(args('http://127.0.0.1:1/#AQ')?.link).toBe('http://127.0.0.1:1/#AQ')
  expect(() => args('a', 'b')).toThrow(UsageError)
})

test('every command has a help that names its options', () => {
  for (const name of COMMAND_NAMES) {
    expect(parseCommand([name, '--help'], {})).toEqual({ name: 'help', of: name })
    expect(helpText(name)).toContain('--data')
    expect(helpText(null)).toContain(`  ${name} `)
  }
})

describe('durations', () => {
  test.each([
    ['1h30m', 5_400_000],
    ['10s', 10_000],
    ['500ms', 500],
    ['2m500ms', 120_500],
    ['1d', 86_400_000],
  ])('%s is %i ms', (given, ms) => {
    expect(parseDuration(given)).toBe(ms)
    expect(formatDuration(ms)).toBe(given)
  })

  test.each(['', '10', 's', '1m1h', '1.5h', '-1s', '1h 1m', `${'9'.repeat(20)}d`])(
    '%j is none',
    (given) => {
      expect(() => parseDuration(given)).toThrow(new ClawError('usage'))
    },
  )
})

test('the data folder is the option, the variable, then that of the platform', () => {
  expect(dataFolder('/a', { CLAWCHAT_DATA: '/b' })).toBe('/a')
  expect(dataFolder(undefined, { CLAWCHAT_DATA: '/b' })).toBe('/b')
  expect(dataFolder(undefined, { XDG_DATA_HOME: '/x' }, 'linux')).toBe('/x/clawchat')
})

describe('words', () => {
  test('a link for this computer comes with the honest sentence, others with a QR code', () => {
    const here = linkText('http://127.0.0.1:8787/#x', 'computer')
    expect(here).toContain(
      'This link works on this computer only. Same Wi-Fi: `clawchat start --lan`.',
    )
    expect(here).not.toContain('█')
    expect(linkText('http://192.168.1.5/#x', 'lan')).toContain(qrCode('http://192.168.1.5/#x'))
  })

  test('who watches hears of records in stores elsewhere, and of times by the own clock', () => {
    const published = (store: string): string =>
      eventText({ event: 'published', store, seq: 7 } as const)
    expect(['file', 'embedded'].map(published)).toEqual(['', ''])
    expect(published('https-1')).toBe('Published record 7 to https-1.')
    const at = new Date(2026, 10, 27, 4, 5, 6).toISOString()
    const text = eventText({ event: 'notice', port: 50_001, epoch: 2, at })
    expect(text).toBe('Port 50001 will change at 2026-11-27 04:05:06.')
  })

  test('ready warns of a LAN page without https', () => {
    const text = eventText({
      event: 'ready',
      page: 'http://192.168.1.5:1/',
      pages: [{ url: 'http://192.168.1.5:1/', reach: 'lan', secure: false }],
      invite: null,
      identity: 'ab',
      port: 50_000,
      epoch: 1,
      dataDir: '/d',
    })
    expect(text).toContain('Use it only on networks you trust.')
  })
})

describe('the process', () => {
  test('wrong use: exit 2, and with --json one object on standard output', async () => {
    const [plain, json] = await Promise.all([
      run(['start', '--rotate-every', '5s']),
      run(['start', '--rotate-every', '5s', '--json']),
    ])
    expect(plain).toMatchObject({ code: 2, out: '' })
    expect(plain.err).toContain('at least 10s')
    expect(json.code).toBe(2)
    expect(json.out.split('\n')).toHaveLength(2)
    expect(JSON.parse(json.out)).toEqual({
      event: 'error',
      code: 'usage',
      message: '--rotate-every must be at least 10s.',
      next: 'See "clawchat --help".',
    })
  })

  test('no host: exit 1 and what to do', async () => {
    const ran = await run(['status', '--json'])
    expect(ran.code).toBe(1)
    expect(JSON.parse(ran.out)).toMatchObject({ event: 'error', code: 'not-running' })
    expect(JSON.parse(ran.out).next).toContain('clawchat start')
  })

  test('config: a row for each option, with its origin; odd variables are named', async () => {
    const env = { CLAWCHAT_GRACE: '1m', CLAWCHAT_GARCE: '1m', CLAWCHAT_DEPLOY_TOKEN: 'sesame' }
    const [plain, json] = await Promise.all([
      run(['config', '--notice', '7s'], env),
      run(['config', '--notice', '7s', '--json'], env),
    ])
    expect(plain.code).toBe(0)
    expect(plain.out).toMatch(/ {2}notice +7s {2}\[--notice\]\n {2}grace +1m {2}\[CLAWCHAT_GRACE\]/)
    expect(plain.out).toContain('CLAWCHAT_GARCE: no option')
    expect(plain.out + json.out + plain.err + json.err).not.toContain('sesame')
    const [warning, ...rows] = json.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(warning).toEqual({
      event: 'warning',
      code: 'unknown-variable',
      variable: 'CLAWCHAT_GARCE',
      meant: 'CLAWCHAT_GRACE',
    })
    expect(rows).toContainEqual({
      option: 'notice',
      value: ['7s'],
      otherwise: null,
      secret: false,
      origin: { from: 'flag' },
    })
    expect(rows.length).toBeGreaterThan(12)
    const example = await run(['config', '--example'])
    expect(example).toMatchObject({ code: 0, err: '' })
    expect(example.out).toContain('#rotate-every = "1h"')
  })

  test('help: exit 0, on standard error where machines read standard output', async () => {
    const [plain, json] = await Promise.all([run(['--help']), run(['invite', '--help', '--json'])])
    expect(plain).toMatchObject({ code: 0, err: '' })
    expect(plain.out).toContain('clawchat COMMAND')
    expect(json).toMatchObject({ code: 0, out: '' })
    expect(json.err).toContain('--withdraw')
  })

  test('a command reaches the host of its folder and prints its answer', async () => {
    const invite = { invite: 'http://127.0.0.1:1/#abc', id: 'i1', expires: 'later', uses: 1 }
    const asked: unknown[] = []
    const server = await serveControl(controlPath(folder), (command, args) => {
      asked.push([command, args])
      if (command === 'invite-list') return [{ id: 'i1' }, { id: 'i2' }]
      if (command === 'invite-withdraw') throw new ClawError('invite-unknown')
      return { ...invite, reach: 'computer' }
    })
    try {
      const made = await run(['invite', '--json', '--role', 'owner'])
      expect(made.code).toBe(0)
      expect(JSON.parse(made.out)).toMatchObject(invite)
      expect(made.err).toContain('This link works on this computer only.')
      const list = await run(['invite', '--list', '--json'])
      expect(list.out).toBe('{"id":"i1"}\n{"id":"i2"}\n')
      const withdrawn = await run(['invite', '--withdraw', 'i9', '--json'])
      expect(withdrawn.code).toBe(1)
      expect(JSON.parse(withdrawn.out)).toMatchObject({ code: 'invite-unknown' })
      const stopped = await run(['stop', '--json'])
      expect(stopped).toMatchObject({ code: 0, out: '{"event":"stopped"}\n' })
      expect(asked).toEqual([
        ['invite', { role: 'owner', uses: 1, expiresMs: 604_800_000, note: '', rooms: [] }],
        ['invite-list', null],
        ['invite-withdraw', { id: 'i9' }],
        ['stop', null],
      ])
    } finally {
      server.close()
    }
  })

  test('a full host: the words name what could go', async () => {
    const server = await serveControl(controlPath(folder), (command) => {
      if (command === 'invite') throw new ClawError('credentials-full')
      if (command === 'members') return []
      return [{ id: 'i1', state: 'open', expires: 'soon' }]
    })
    try {
      const ran = await run(['invite', '--json'])
      expect(ran.code).toBe(1)
      expect(JSON.parse(ran.out)).toMatchObject({ event: 'error', code: 'credentials-full' })
      expect(JSON.parse(ran.out).next).toContain('invite --withdraw i1 (open until soon)')
    } finally {
      server.close()
    }
  })

  test('the launcher passes arguments and exit code on', async () => {
    const ran = await run(['status', '--json'], {}, 'host/launcher.mjs')
    expect(ran.code).toBe(1)
    expect(JSON.parse(ran.out)).toMatchObject({ code: 'not-running' })
    const script = join(folder, 'other.ts')
    writeFileSync(script, 'const n: number = process.argv.length\nprocess.exitCode = n\n')
    expect((await run(['--run', script, 'a', 'b'], {}, 'host/launcher.mjs')).code).toBe(4)
  })
})

describe('the launcher under an old Node', () => {
  /** Makes the outer process believe that it is an old one; the inner process is started without this. */
  const OLD =
    'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.20.2"}})'
  const launch = (launcher: string, ...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, ['--import', OLD, launcher, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.add(child)
    return child
  }
  const ended = (child: ChildProcess): Promise<[number | null, string]> =>
    new Promise((done) => {
      let out = ''
      child.stdout?.setEncoding('utf8').on('data', (chunk) => {
        out += chunk
      })
      child.on('close', (code) => done([code, out]))
    })

  test('hands over to the bundled one, forwards the signal and passes the exit code on', async () => {
    const script = join(folder, 'signal.ts')
    writeFileSync(
      script,
      `process.on('SIGTERM', () => process.exit(7))
setInterval(() => undefined, 1000)
console.log(process.versions.node)`,
    )
    const child = launch(join(ROOT, 'host/launcher.mjs'), '--run', script)
    const end = ended(child)
    child.stdout?.once('data', () => child.kill('SIGTERM'))
    const [code, out] = await end
    expect(code).toBe(7)
    expect(out.trim()).not.toBe('20.20.2')
  })

  test('without a bundled one says what to install', async () => {
    const copy = join(folder, 'launcher.mjs')
    copyFileSync(join(ROOT, 'host/launcher.mjs'), copy)
    const [code, out] = await ended(launch(copy, 'start', '--json'))
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ event: 'error', code: 'node-too-old' })
    expect(JSON.parse(out).next).toContain('npm install')
  })
})

test('the launcher ends its host when the shell of npm is killed', async () => {
  const script = join(folder, 'orphan.ts')
  writeFileSync(
    script,
    `process.on('SIGTERM', () => { console.log('stopped'); process.exit(0) })
setInterval(() => undefined, 1000)
console.log('ready')`,
  )
  // Two commands, so that the shell stays as the parent instead of becoming the command.
  const line = '"$0" "$1" --run "$2"; true'
  const launcher = join(ROOT, 'host/launcher.mjs')
  const shell = spawn('sh', ['-c', line, process.execPath, launcher, script], {
    env: { ...process.env, npm_lifecycle_event: 'npx' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  children.add(shell)
  let out = ''
  const closed = new Promise((done) => shell.stdout.on('close', done))
  shell.stdout.setEncoding('utf8').on('data', (chunk) => {
    out += chunk
    if (chunk.includes('ready')) shell.kill('SIGKILL')
  })
  await closed
  expect(out).toBe('ready\nstopped\n')
})

describe('page --out', () => {
  const page = join(folder, 'dist')
  mkdirSync(join(page, 'assets'), { recursive: true })
  for (const name of ['index.html', 'build.json', 'assets/a.js'])
    writeFileSync(join(page, name), name === 'build.json' ? '{"build":"b1"}' : '')

  test('copies into a new folder, and again over an earlier page', async () => {
    const out = join(folder, 'out')
    expect(await exportPage(out, page)).toEqual({ files: 3, build: 'b1' })
    expect(readdirSync(out).sort()).toEqual(['assets', 'build.json', 'index.html'])
    expect(await exportPage(out, page)).toEqual({ files: 3, build: 'b1' })
  })

  test('leaves other folders alone', async () => {
    const out = join(folder, 'mine')
    mkdirSync(out)
    writeFileSync(join(out, 'index.html'), 'my own page')
    await expect(exportPage(out, page)).rejects.toThrow(new ClawError('folder-foreign'))
    const file = join(out, 'index.html')
    await expect(exportPage(file, page)).rejects.toThrow(new ClawError('folder-unusable'))
    await expect(exportPage(out, out)).rejects.toThrow(new ClawError('page-missing'))
  })
})
