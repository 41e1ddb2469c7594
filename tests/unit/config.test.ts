// The configuration (docs/OPERATING.md): one table for flags, environment, file, help and example; what wins; and that
// whatever is wrong is told with its line, its cause and the remedy.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { DEFAULT_PORT_RANGE, DEFAULT_ROTATION } from '../../host/config.ts'
import { CONFIG_FILE, decodeConfig, exampleLine } from '../../host/configfile.ts'
import { configRows, configText, exampleConfig } from '../../host/configtext.ts'
import { unknownVariables } from '../../host/effective.ts'
import { helpText } from '../../host/help.ts'
import { parseCommand } from '../../host/options.ts'
import {
  OPTION_NAMES,
  type OptionName,
  optionRow,
  optionsFrom,
  variableOf,
} from '../../host/optiontable.ts'
import { UsageError } from '../../host/usage.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'clawchat-config-'))
const FILE = join(folder, CONFIG_FILE)
afterAll(() => rmSync(folder, { recursive: true }))

function write(text: string, mode = 0o600): void {
  writeFileSync(FILE, text)
  chmodSync(FILE, mode)
}

function configured(args: readonly string[], env: Record<string, string> = {}) {
  const command = parseCommand(['config', ...args], { CLAWCHAT_DATA: folder, ...env })
  if (command.name !== 'config') throw new Error('not the config command')
  return command
}

function started(args: readonly string[] = [], env: Record<string, string> = {}) {
  const command = parseCommand(['start', ...args], { CLAWCHAT_DATA: folder, ...env })
  if (command.name !== 'start') throw new Error('not the start command')
  return command.options
}

function refusal(run: () => unknown): UsageError {
  try {
    run()
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
  throw new Error('accepted')
}

/** What is said of a file: where, why, and what to do. */
function wrong(text: string): { where: string; why: string; next: string } {
  write(text)
  const { sentence, next } = refusal(() => started())
  const [, where = '', why = ''] = /^(.*?line \d+(?:, column \d+)?): (.*)$/s.exec(sentence) ?? []
  expect(where, sentence).toContain(FILE)
  return { where: where.replace(`${FILE}, `, ''), why, next: next ?? '' }
}

/** What does not go without another one, and how that is given. */
const NEEDS: Partial<Record<OptionName, readonly [OptionName, Record<string, string>]>> = {
  turn: ['turn-credential', { CLAWCHAT_TURN_CREDENTIAL: 'secret:of-coturn' }],
}

describe('the example file', () => {
  const example = readFileSync(join(ROOT, 'clawchat.config.example.toml'), 'utf8')

  test('is what "clawchat config --example" prints', () => {
    expect(example).toBe(exampleConfig())
  })

  test('as it stands it sets nothing', () => {
    expect(decodeConfig(example, '')).toEqual(new Map())
  })

  test('without its # every line holds, and what it calls the default is the default', () => {
    const live = example.replaceAll(/^#(?=[a-z-]+ = )/gm, '')
    const found = decodeConfig(live, '')
    expect([...found.keys()].sort()).toEqual(optionsFrom('file').sort())
    write(live)
    const options = started()
    expect(options.rotation).toEqual(DEFAULT_ROTATION)
    expect(options.portRange).toEqual(DEFAULT_PORT_RANGE)
    rmSync(FILE)
    const bare = started()
    for (const name of ['lan', 'megaApi', 'rotation', 'portRange'] as const) {
      expect(options[name]).toEqual(bare[name])
    }
    for (const name of ['rotate-every', 'notice', 'grace', 'port-range', 'mega-api'] as const) {
      expect(optionRow(name).otherwise).toBe(optionRow(name).example)
    }
  })
})

describe('the table', () => {
  test('every flag is in the help of start, with its default', () => {
    const help = helpText('start').replaceAll(/\s+/g, ' ')
    expect(optionsFrom('flag').length).toBeGreaterThan(12)
    for (const name of optionsFrom('flag')) {
      const { help: words, otherwise } = optionRow(name)
      expect(help).toContain(`--${name} `)
      expect(help).toContain(`${words} (default: ${otherwise})`)
    }
  })

  test('every option can be given by each way it has, and the example is accepted', () => {
    for (const name of OPTION_NAMES) {
      const { example, from, kind } = optionRow(name)
      const texts = Array.isArray(example) ? example.map(String) : [String(example)]
      const ways: [readonly string[], Record<string, string>, string][] = []
      const flag = kind === 'switch' ? [`--no-${name}`] : texts.map((each) => `--${name}=${each}`)
      if (from.includes('flag')) ways.push([flag, {}, ''])
      if (from.includes('environment')) ways.push([[], { [variableOf(name)]: texts.join(' ') }, ''])
      if (from.includes('file')) ways.push([[], {}, `${exampleLine(name)}\n`])
      expect(ways.length, name).toBe(from.length)
      const [partner] = NEEDS[name] ?? []
      for (const [args, env, text] of ways) {
        write(text)
        const { origins } = configured(args, { ...env, ...NEEDS[name]?.[1] }).effective
        const given = OPTION_NAMES.filter((each) => origins[each].from !== 'default')
        expect(given).toEqual(partner === undefined ? [name] : [name, partner])
      }
    }
    rmSync(FILE)
  })
})

describe('precedence', () => {
  test('flag before environment before file before default', () => {
    write('grace = "1m"\nnotice = "1m"\nrotate-every = "2h"\n')
    const env = { CLAWCHAT_GRACE: '2m', CLAWCHAT_NOTICE: '3m' }
    const { rotation, portRange } = started(['--grace', '4m'], env)
    expect(rotation).toEqual({ intervalMs: 7_200_000, noticeMs: 180_000, graceMs: 240_000 })
    expect(portRange).toEqual(DEFAULT_PORT_RANGE)
    const rows = configRows(configured(['--grace', '4m'], env).effective)
    const origin = (name: string) => rows.find(({ option }) => option === name)?.origin
    expect(origin('grace')).toEqual({ from: 'flag' })
    expect(origin('notice')).toEqual({ from: 'environment', variable: 'CLAWCHAT_NOTICE' })
    expect(origin('rotate-every')).toEqual({ from: 'file', path: FILE, line: 3 })
    expect(origin('port-range')).toEqual({ from: 'default' })
  })

  test('a list is replaced as a whole, and a switch can be switched off', () => {
    write('lan = true\nstore = ["mega", "file:here/record.bin"]\n')
    expect(started()).toMatchObject({ lan: true })
    expect(started().stores).toEqual([
      { kind: 'mega' },
      { kind: 'file', path: join(folder, 'here/record.bin') },
    ])
    expect(started(['--no-lan', '--store', 'file:/x']).lan).toBe(false)
    expect(started(['--store', 'file:/x']).stores).toEqual([{ kind: 'file', path: '/x' }])
    const env = { CLAWCHAT_STORE: ' https:https://a.example  file:/y ', CLAWCHAT_LAN: 'false' }
    expect(started([], env)).toMatchObject({
      lan: false,
      stores: [
        { kind: 'https', url: 'https://a.example' },
        { kind: 'file', path: '/y' },
      ],
    })
  })

  test('the file is that of --config, of CLAWCHAT_CONFIG, of the data folder', () => {
    const other = (name: string): string => {
      const path = join(folder, `${name}.toml`)
      writeFileSync(path, `name = "${name}"\n`)
      return path
    }
    write('name = "folder"\n')
    const env = { CLAWCHAT_CONFIG: other('variable') }
    expect(started(['--config', other('flag')], env).name).toBe('flag')
    expect(started([], env).name).toBe('variable')
    expect(started().name).toBe('folder')
    rmSync(FILE)
    expect(started().name).toBe(null)
    const missing = refusal(() => started(['--config', join(folder, 'none.toml')]))
    expect(missing.sentence).toContain('there is no such file')
  })
})

describe('what is wrong in the file', () => {
  test.each([
    ['grace = 5m', 'line 1, column 10', ''],
    ['lan = true\n\ngrace = "5m', 'line 3, column 9', ''],
    ['lan = true\nlan = false', 'line 2, column 1', 'already defined'],
  ])('%j is no TOML', (text, where, why) => {
    const said = wrong(text)
    expect(said.where).toBe(where)
    expect(said.why).toContain(why)
    expect(said.next).toContain('clawchat config --example')
  })

  test.each([
    ['# one\n\nport_range = "1-2"', 'line 3', 'port-range'],
    ['lan = true\nGrace = "1m"', 'line 2', 'grace'],
    ['rotate-evrey = "1h"', 'line 1', 'rotate-every'],
    ['"notcie" = "1h"', 'line 1', 'notice'],
  ])('%j: unknown, with what may be meant', (text, where, meant) => {
    const said = wrong(text)
    expect(said.where).toBe(where)
    expect(said.next).toContain(`Did you mean ${meant}?`)
  })

  test.each([
    ['[start]\ngrace = "1m"', 'line 1'],
    ['grace = "1m"\nsomething-else = 1', 'line 2'],
    ['take-over = true', 'line 1'],
    ['data = "/x"', 'line 1'],
    ['__proto__ = 1', 'line 1'],
  ])('%j: unknown', (text, where) => {
    expect(wrong(text)).toMatchObject({ where, why: expect.stringContaining('is no option') })
  })

  test('the account of MEGA', () => {
    const said = wrong('lan = false\nmega-password = "hunter2"\n')
    expect(said.where).toBe('line 2')
    expect(said.next).toContain('SECURITY_SETUP')
    expect(said.why + said.next).not.toContain('hunter2')
  })

  test.each([
    ['notice = 120', 'line 1', 'text in quotation marks'],
    ['\nlan = "true"', 'line 2', 'true or false'],
    ['store = "mega"', 'line 1', 'a list'],
    ['store = [\n  "mega",\n  1,\n]', 'line 1', 'a list'],
    ['grace = 1979-05-27', 'line 1', 'text in quotation marks'],
    ['name = { first = "Ada" }', 'line 1', 'text in quotation marks'],
  ])('%j is of another kind', (text, where, why) => {
    const said = wrong(text)
    expect(said.where).toBe(where)
    expect(said.why).toContain(why)
    expect(said.next).toContain(' = ')
  })

  test.each([
    ['store = [\n  # two\n  "mega",\n]\ngrace = "5x"', 'line 5', 'duration'],
    ['name = """\nnotice = "1m"\n"""\nnotice = "1x"', 'line 4', 'duration'],
    ['port-range = "1-2"', 'line 1', 'at least 8 ports'],
    ['rotate-every = "9s"', 'line 1', 'at least 10s'],
    ['\r\nrotate-every = "50d"\r\n', 'line 2', 'at most 49d'],
    ['store = ["mega", "mega"]', 'line 1', 'once'],
    ['page = "http://chat.example"', 'line 1', 'https'],
    ['http = "x"', 'line 1', 'HOST:PORT'],
  ])('%j is out of range', (text, where, why) => {
    const said = wrong(text)
    expect(said.where).toBe(where)
    expect(said.why).toContain(why)
  })

  test('values that do not go together: each with its place', () => {
    write('lan = true\nnotice = "4s"\n')
    const { sentence } = refusal(() => started(['--rotate-every=10s'], { CLAWCHAT_GRACE: '6s' }))
    expect(sentence).toContain(`${FILE}, line 2: notice (4s)`)
    expect(sentence).toContain('CLAWCHAT_GRACE (6s)')
    expect(sentence).toContain('shorter than --rotate-every (10s)')
  })

  test('also where a flag wins over it', () => {
    write('grace = "5x"\n')
    expect(refusal(() => started(['--grace=1m'])).sentence).toContain('line 1: grace')
  })

  test('a file that is none, too large, or no text', () => {
    const path = join(folder, 'odd.toml')
    const said = (): string => refusal(() => started(['--config', path])).sentence
    writeFileSync(path, '#'.repeat(65_537))
    expect(said()).toContain('64 KiB')
    writeFileSync(path, Buffer.from([0x23, 0xff]))
    expect(said()).toContain('UTF-8')
    writeFileSync(path, '#'.repeat(65_536))
    expect(started(['--config', path]).lan).toBe(false)
    expect(refusal(() => started(['--config', folder])).sentence).toContain('cannot be read')
  })
})

describe('a secret', () => {
  const SECRET = 'sesame-token'

  test('is read from a file of the owner alone, and shown nowhere', () => {
    write(`deploy-token = "${SECRET}"\n`, 0o600)
    expect(started().deployToken).toBe(SECRET)
    const { effective, file } = configured([])
    const shown = configText(effective, file) + JSON.stringify(configRows(effective))
    expect(shown).toContain('(not shown)')
    expect(shown).not.toContain(SECRET)
  })

  test.each([0o640, 0o604, 0o602])('is refused with mode %i', (mode) => {
    write(`\ndeploy-token = "${SECRET}"\n`, mode)
    const { sentence, next } = refusal(() => started())
    expect(sentence).toContain(`${FILE}, line 2: deploy-token`)
    expect(next).toContain('chmod 600')
    expect(sentence + next).not.toContain(SECRET)
  })

  test('a file without one may be read by everybody', () => {
    write('lan = true\n', 0o644)
    expect(started().lan).toBe(true)
  })

  test('stands in no refusal, wherever the mistake is', () => {
    for (const text of [
      `deploy-token = "${SECRET}`,
      `deploy-token = "${SECRET} with spaces"`,
      `deploy-token = ["${SECRET}"]`,
      `deploy-token = "${SECRET}" "x"`,
      `deploy_token = "${SECRET}"`,
      `"${SECRET}!" = 1`,
    ]) {
      write(text)
      const { sentence, next } = refusal(() => started())
      expect(sentence + next, text).not.toContain(SECRET)
    }
  })
})

test('variables that look like ours and are none are named, with what may be meant', () => {
  expect(
    unknownVariables({
      CLAWCHAT_GARCE: '1',
      CLAWCHAT_NOTHING_LIKE_IT: '1',
      CLAWCHAT_GRACE: '1m',
      CLAWCHAT_DATA: '/x',
      CLAWCHAT_MEGA_EMAIL: 'a',
      CLAWCHAT_SEED: '1',
      CLAWCHAT_TAKE_OVER: 'true',
      PATH: '/bin',
    }),
  ).toEqual([
    { variable: 'CLAWCHAT_GARCE', meant: 'CLAWCHAT_GRACE' },
    { variable: 'CLAWCHAT_NOTHING_LIKE_IT', meant: null },
    { variable: 'CLAWCHAT_TAKE_OVER', meant: null },
  ])
})
