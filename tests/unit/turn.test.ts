// TURN servers that the owner names (SPEC §2.1, §4.5): what stands in options, in the record, in links and with the browser.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { configRows, configText } from '../../host/configtext.ts'
import { parseCommand } from '../../host/options.ts'
import { checkRoom, serversOf } from '../../host/storelist.ts'
import { reflectorsOf, turnEntry, turnLogin } from '../../host/turn.ts'
import { UsageError } from '../../host/usage.ts'
import type { LocatorEntry } from '../../shared/locator.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { openRecord, sealRecord } from '../../shared/record.ts'
import { passesTurn } from '../../web/path.ts'
import { iceServers } from '../../web/punch.ts'
import { isByTurn } from '../../web/steps.ts'
import { fixed } from '../vectors/fixed.ts'

const SECRET = 'what-host-and-coturn-share'
const folder = mkdtempSync(join(tmpdir(), 'clawchat-turn-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Env = Record<string, string>
const credential = (text: string): Env => ({ CLAWCHAT_TURN_CREDENTIAL: text })

function turnOf(args: readonly string[], env: Env = credential(`secret:${SECRET}`)) {
  const command = parseCommand(['start', ...args], { CLAWCHAT_DATA: folder, ...env })
  if (command.name !== 'start') throw new Error('not the start command')
  return command.options.turn
}

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof UsageError) return `${error.sentence} ${error.next}`
    throw error
  }
  throw new Error('accepted')
}

describe('the options', () => {
  test.each([
    ['turn:turn.example', { transport: 'udp', server: 'turn.example:3478' }],
    ['turn:Turn.Example:80?transport=udp', { transport: 'udp', server: 'turn.example:80' }],
    ['turn:[2001:db8::3]?transport=tcp', { transport: 'tcp', server: '[2001:db8::3]:3478' }],
    ['turns:turn.example', { transport: 'tls', server: 'turn.example:5349' }],
    ['TURNS:turn.example:443?transport=TCP', { transport: 'tls', server: 'turn.example:443' }],
  ])('%s', (text, server) => {
    expect(turnOf(['--turn', text])?.servers).toEqual([server])
  })

  test.each([
    ...['turn.example:3478', 'turn:', 'turn:a:0', 'turn:ada:secret@turn.example:1', 'stun:a.b:1'],
    ...['turns:a.b?transport=udp', 'turn:a.b?transport=tls', 'turn:a.b:1?x=y', 'turn:a.b:1#c'],
  ])('--turn %s is wrong, and is not repeated', (text) => {
    const said = refusal(() => turnOf(['--turn', text]))
    expect(said).toMatch(/^--turn: this must be turn:HOST:PORT/)
    expect(said).not.toContain('ada')
  })

  test('four servers at most', () => {
    const five = Array.from({ length: 5 }, (_, i) => `--turn=turn:${i}.example`)
    expect(turnOf(five.slice(0, 4))?.servers).toHaveLength(4)
    expect(refusal(() => turnOf(five))).toContain('at most 4')
  })

  test('a credential comes from the environment or a file of the owner alone, never by a flag', () => {
    const args = ['--turn', 'turn:turn.example']
    expect(refusal(() => turnOf(args, {}))).toContain('CLAWCHAT_TURN_CREDENTIAL')
    expect(refusal(() => turnOf([...args, '--turn-credential', `secret:${SECRET}`]))).not.toContain(
      SECRET,
    )
    const file = join(folder, 'turn.toml')
    writeFileSync(file, `turn-credential = "secret:${SECRET}"\nturn = ["turn:turn.example"]\n`)
    chmodSync(file, 0o600)
    expect(turnOf(['--config', file], {})?.credential).toEqual({ kind: 'secret', secret: SECRET })
    chmodSync(file, 0o644)
    const said = refusal(() => turnOf(['--config', file], {}))
    expect(said).toContain('chmod 600')
    expect(said).not.toContain(SECRET)
  })

  test('one that is no TURN server needs none', () => {
    expect(turnOf([])).toBeNull()
    expect(turnOf([], {})).toBeNull()
  })

  test.each([
    ['secret:a:b', { kind: 'secret', secret: 'a:b' }],
    ['login:ada:love:lace', { kind: 'login', username: 'ada', password: 'love:lace' }],
  ])('credential %s', (text, wanted) => {
    expect(turnOf(['--turn=turn:a.example'], credential(text))?.credential).toEqual(wanted)
  })

  test.each([
    ...['kestrel', 'secret:', 'secret:kestrel nest', `secret:${'k'.repeat(257)}`, 'login:kestrel'],
    ...['login:kestrel:', 'login::kestrel', `login:kestrel:${'p'.repeat(129)}`, 'login:kestrel:ä'],
  ])('credential %s is wrong, and is not repeated', (text) => {
    const said = refusal(() => turnOf(['--turn=turn:a.example'], credential(text)))
    expect(said).toMatch(/^CLAWCHAT_TURN_CREDENTIAL: this must be secret:SECRET/)
    expect(said).not.toContain('kestrel')
  })

  test('a secret is shown nowhere', () => {
    const env = { CLAWCHAT_DATA: folder, ...credential(`login:ada:${SECRET}`) }
    const command = parseCommand(['config', '--turn', 'turn:a.example'], env)
    if (command.name !== 'config') throw new Error('not the config command')
    const { effective, file } = command
    const shown = configText(effective, file) + JSON.stringify(configRows(effective))
    expect(shown).toContain('turn:a.example')
    expect(shown).toContain('(not shown)')
    expect(shown).not.toContain(SECRET)
  })
})

const NOT_AFTER_MS = 1_700_086_400_999
const turn = {
  servers: [
    { transport: 'udp', server: 'turn.example:3478' },
    { transport: 'tcp', server: 'turn.example:3478' },
    { transport: 'tls', server: 'turn.example:443' },
  ],
  credential: { kind: 'secret', secret: SECRET },
} as const

describe('the login', () => {
  test('of a secret is good as long as the record, and what coturn computes as well', () => {
    // printf 1700086400 | openssl dgst -sha1 -hmac SECRET -binary | base64
    expect(turnLogin(turn.credential, NOT_AFTER_MS)).toEqual({
      username: '1700086400',
      password: 'H9WaqMDHNohLmN+3DYi7d/n18k4=',
    })
  })

  test('that is fixed is told as it is', () => {
    const login = { username: 'ada', password: 'lovelace' }
    expect(turnLogin({ kind: 'login', ...login }, NOT_AFTER_MS)).toEqual(login)
  })
})

const store = (url: string): LocatorEntry => ({ type: 'https', flags: 7, id: fixed('id'), url })

describe('the record', () => {
  const root = fixed('turn root')
  const identitySecret = fixed('host identity')
  const random = (length: number): Uint8Array => fixed('turn random', length)

  test('names them with a login, and the secret stands nowhere in it', () => {
    const hostPublicKey = ed25519PublicKey(identitySecret)
    const locator = [store('https://a.example'), ...serversOf({ stun: [], turn }, NOT_AFTER_MS)]
    const body = {
      ...{ hostPublicKey, seq: 1, issuedMs: NOT_AFTER_MS - 86_400_000, burn: false, reason: 0 },
      ...{ hostStatic: fixed('static'), intervalMs: 3_600_000, firstEpoch: 0, addresses: [] },
      ...{ schedule: [{ port: 50_000, fingerprint: fixed('fp') }], locator },
    }
    const bytes = sealRecord({ body, roots: [root], identitySecret, random })
    const read = openRecord({ bytes, root, hostPublicKey, minSeq: 0 }).locator
    expect(read).toEqual(locator)
    const told = JSON.stringify(read)
    expect(told).toContain('H9WaqMDHNohLmN')
    expect(told).not.toContain(SECRET)
  })

  test('has room for eight entries and 1293 bytes, a file at MEGA to come included', () => {
    const eight = Array.from({ length: 8 }, () => store('https://a.example'))
    expect(() => checkRoom(eight, null)).not.toThrow()
    expect(() => checkRoom([...eight, turnEntry(turn, 0)], null)).toThrow(UsageError)
    const toCome = { entry: null } as Parameters<typeof checkRoom>[1]
    expect(() => checkRoom(eight, toCome)).toThrow(UsageError)
    // 1 + 5 × (4 + 32 + 200) = 1181, and 4 + 32 + url
    const five = Array.from({ length: 5 }, () => store(`https://${'a'.repeat(192)}`))
    expect(() => checkRoom([...five, store(`https://${'b'.repeat(68)}`)], null)).not.toThrow()
    expect(() => checkRoom([...five, store(`https://${'b'.repeat(69)}`)], null)).toThrow(UsageError)
  })
})

describe('the browser', () => {
  test('gets them as RFC 7065 writes them, beside STUN', () => {
    const locator = serversOf({ stun: ['stun.example:3478'], turn }, NOT_AFTER_MS)
    expect(iceServers([store('https://a.example'), ...locator])).toEqual([
      { urls: 'stun:stun.example:3478' },
      {
        urls: [
          'turn:turn.example:3478?transport=udp',
          'turn:turn.example:3478?transport=tcp',
          'turns:turn.example:443?transport=tcp',
        ],
        username: '1700086400',
        credential: 'H9WaqMDHNohLmN+3DYi7d/n18k4=',
      },
    ])
  })

  test('tells by its statistics whether the path passes TURN', () => {
    const pair = (id: string, localCandidateId: string, more = {}) => ({
      ...{ id, type: 'candidate-pair', localCandidateId, state: 'succeeded', ...more },
    })
    const ends = [
      { id: 'h', type: 'local-candidate', candidateType: 'host' },
      { id: 'r', type: 'local-candidate', candidateType: 'relay' },
    ]
    const transport = { id: 't', type: 'transport', selectedCandidatePairId: 'p' }
    expect(passesTurn([...ends, pair('p', 'r'), pair('q', 'h'), transport])).toBe(true)
    expect(passesTurn([...ends, pair('p', 'h'), pair('q', 'r'), transport])).toBe(false)
    // Firefox marks the pair.
    const marked = [pair('q', 'h', { nominated: true, selected: false })]
    expect(passesTurn([...ends, ...marked, pair('p', 'r', { selected: true })])).toBe(true)
    expect(passesTurn([...ends, ...marked])).toBeNull()
    expect(passesTurn([])).toBeNull()
  })
})

test('the page says so while the route is mailbox, and no longer', () => {
  const step = (turn: number) =>
    ({ name: 'mailbox', status: 'done', ms: 1, code: null, facts: { turn } }) as const
  expect(isByTurn({ route: 'mailbox', steps: [step(1)] })).toBe(true)
  expect(isByTurn({ route: 'mailbox', steps: [step(0)] })).toBe(false)
  expect(isByTurn({ route: 'direct', steps: [step(1)] })).toBe(false)
  expect(isByTurn({ route: null, steps: [] })).toBe(false)
})

test('the host asks those by UDP what address they see, as it asks STUN servers', () => {
  expect(reflectorsOf(turn)).toEqual(['turn.example:3478'])
  expect(reflectorsOf(null)).toEqual([])
})
