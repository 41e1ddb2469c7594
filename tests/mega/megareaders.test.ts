// Who else speaks to MEGA (SPEC §3.3.1): the page's own reader, and `clawchat doctor --mega`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { doctorText } from '../../host/answers.ts'
import type { MegaAccount } from '../../host/megaaccount.ts'
import { examineMega } from '../../host/megadoctor.ts'
import { readMega } from '../../web/mega.ts'
import { account, codeOf, EMAIL, megaBench, PASSWORD, record } from './bench.ts'

const bench = megaBench()

describe('the reader of the page', () => {
  const signal = (ms: number): AbortSignal => AbortSignal.timeout(ms)

  test('asks once, without preflight, session or header of its own', async () => {
    const store = bench.anchored()
    await store.put(1, record(4))
    const { entry } = store
    if (entry === null) throw new Error('no entry')
    const before = bench.emulator.requests.length
    expect(await readMega(fetch, bench.emulator.url, entry, signal(5000))).toEqual(record(4))
    const [seen, ...more] = bench.emulator.requests.slice(before)
    expect(more).toEqual([])
    expect(seen?.sid).toBeNull()
    expect(seen?.headers['content-type']).toBe('text/plain;charset=UTF-8')
  })

  test.each([
    [{ kind: 'error', error: -3 }, 'store-unreachable'],
    [{ kind: 'error', error: -9 }, 'record-missing'],
    [{ kind: 'error', error: -16 }, 'store-refused'],
    [{ kind: 'hashcash', easiness: 255 }, 'store-refused'],
    [{ kind: 'http', status: 500 }, 'store-refused'],
    [{ kind: 'body', text: '<html>' }, 'record-malformed'],
    [{ kind: 'body', text: '' }, 'record-malformed'],
    [{ kind: 'endless' }, 'record-malformed'],
    [{ kind: 'at', how: 'missing' }, 'record-malformed'],
    [{ kind: 'at', how: 'tampered' }, 'record-malformed'],
    [{ kind: 'at', how: 'no-record' }, 'record-missing'],
    [{ kind: 'hang' }, 'store-unreachable'],
  ] as const)('meets %j with %s', async (fault, code) => {
    const store = bench.anchored()
    await store.put(1, record(4))
    if (store.entry === null) throw new Error('no entry')
    bench.emulator.fault('g', fault)
    const patienceMs = fault.kind === 'hang' ? 500 : 20_000
    const read = readMega(fetch, bench.emulator.url, store.entry, signal(patienceMs))
    expect(await codeOf(read)).toBe(code)
  })
})

describe('doctor --mega', () => {
  const examine = (given: Partial<MegaAccount> = {}) =>
    examineMega({
      dataDir: join(bench.dir, 'data'),
      gateway: bench.emulator.url,
      account: account(given),
      passphrase: null,
    })

  test('measures every step and leaves the record as it was', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    const steps = await examine()
    expect(steps.map(({ step, ok }) => [step, ok])).toEqual(
      ['sign-in', 'link', 'plain', 'size', 'size', 'size', 'delay', 'session'].map((s) => [
        s,
        true,
      ]),
    )
    expect(steps.filter(({ step }) => step === 'size').map(({ bytes }) => bytes)).toEqual([
      8208, 12_288, 16_384,
    ])
    const [file] = bench.emulator.files()
    expect(Object.keys(file?.attributes ?? {})).toEqual(['n'])
    const store = bench.host({ dir: join(bench.dir, 'data'), anchorName: file?.name ?? '' })
    await store.put(1, record(5))
    await examine()
    expect(await store.get()).toEqual(record(5))
    expect(bench.emulator.count('us')).toBe(1)
  })

  test('says where it failed, in words, and goes no further', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    const steps = await examine({ password: 'wrong' })
    expect(steps).toMatchObject([{ step: 'sign-in', ok: false, code: 'mega-login' }])
    expect(doctorText(steps)).toContain('Check both at mega.nz')
  })

  test('is a command: one JSON line, words for people, exit 0 or 1', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    const cli = join(import.meta.dirname, '../../host/cli.ts')
    const run = async (password: string, name: string) => {
      const args = ['doctor', '--mega', '--json', '--data', join(bench.dir, name)]
      const child = spawn(process.execPath, [cli, ...args, '--mega-api', bench.emulator.url], {
        env: {
          ...process.env,
          CLAWCHAT_MEGA_EMAIL: EMAIL,
          CLAWCHAT_MEGA_PASSWORD: password,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const [out, err, [code]] = await Promise.all([
        textOf(child.stdout),
        textOf(child.stderr),
        once(child, 'close'),
      ])
      expect(out + err).not.toContain(password)
      return { code, out, err }
    }
    const good = await run(PASSWORD, 'one')
    expect(good.code).toBe(0)
    expect(JSON.parse(good.out).mega).toHaveLength(8)
    expect(good.err).toContain('longest wait')
    const bad = await run('another word', 'two')
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.out)).toMatchObject({ mega: [{ step: 'sign-in', code: 'mega-login' }] })
  })
})
