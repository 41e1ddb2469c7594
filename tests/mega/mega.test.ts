// The MEGA store with the real megajs against the emulator (SPEC §3.3.1): what the host keeps between starts, and when it
// signs in and when not.
import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { MegaAccount } from '../../host/megaaccount.ts'
import { account, codeOf, EMAIL, HOUR, megaBench, PASSWORD, record } from './bench.ts'

const bench = megaBench()

describe('the first start', () => {
  test.each([1, 2] as const)(
    'signs in to an account of version %i, uploads once, links',
    async (version) => {
      bench.emulator.account({ email: EMAIL, password: PASSWORD, version })
      let anchors = 0
      const store = bench.host({ onAnchor: () => (anchors += 1) })
      expect(store.entry).toBeNull()
      await Promise.all([store.prepare(), store.prepare(), store.get()])
      const [file, ...more] = bench.emulator.files()
      expect(more).toEqual([])
      expect(file?.name).toBe('clawchat-anchor')
      expect(file?.content).toContain('ClawChat keeps the sealed address')
      expect(store.entry).toMatchObject({ type: 'mega', flags: 1 })
      expect(anchors).toBe(1)
      const upload = bench.emulator.requests.find(({ command }) => command === 'u')
      expect(upload?.args.ssl, 'https for the upload').toBe(2)
      for (const { headers } of bench.emulator.requests)
        expect(headers['user-agent']).toMatch(/^ClawChat/)
    },
  )

  test('keeps what publishing takes and no more, for its owner only', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD, code: '123456' })
    const store = bench.host({ account: account({ code: '123456' }) })
    await store.put(1, record(1))
    expect(statSync(join(bench.dir, 'mega.json')).mode & 0o777).toBe(0o600)
    const text = bench.kept()
    for (const secret of [PASSWORD, EMAIL, '123456', 'options', 'secondFactor']) {
      expect(text).not.toContain(secret)
    }
    expect(JSON.parse(text)).toMatchObject({ unlock: null, refused: null })
    chmodSync(join(bench.dir, 'mega.json'), 0o644)
    bench.host()
    expect(statSync(join(bench.dir, 'mega.json')).mode & 0o777).toBe(0o600)
  })

  test('a later one goes on with the session: three requests a publish, and no sign-in', async () => {
    await bench.signedIn()
    const again = bench.host({ account: null })
    const before = bench.emulator.requests.length
    await again.get()
    await again.put(1, record(1))
    expect(bench.emulator.requests.slice(before).map(({ command }) => command)).toEqual([
      'g',
      'a',
      'g',
    ])
    const [, change] = bench.emulator.requests.slice(before)
    expect(change?.sid).not.toBeNull()
    for (const seen of bench.emulator.requests.slice(before)) {
      if (seen.command === 'g') expect(seen.sid, 'reads as anybody').toBeNull()
    }
  })

  test('ended between sign-in and upload goes on without a second sign-in, then forgets the master key', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    bench.emulator.fault('u', { kind: 'error', error: -18 })
    expect(await codeOf(bench.host().prepare())).toBe('store-unreachable')
    expect(JSON.parse(bench.kept()).unlock).toMatchObject({ user: expect.any(String) })
    await bench.host({ account: null }).prepare()
    expect(bench.emulator.count('us')).toBe(1)
    expect(JSON.parse(bench.kept()).unlock).toBeNull()
  })

  test('with the session file lost, or damaged, finds its file again: links stay good', async () => {
    const { entry } = await bench.signedIn()
    rmSync(join(bench.dir, 'mega.json'))
    const second = bench.host()
    await second.prepare()
    expect(second.entry).toEqual(entry)
    writeFileSync(join(bench.dir, 'mega.json'), '{"version":1,')
    const third = bench.host()
    await third.put(1, record(3))
    expect(third.entry).toEqual(entry)
    expect(bench.emulator.files()).toHaveLength(1)
  })

  test('a session of another gateway is left alone', async () => {
    await bench.signedIn()
    const other = bench.host({ gateway: 'http://127.0.0.1:1', account: null })
    expect(other.entry).toBeNull()
    expect(await codeOf(other.get())).toBe('mega-account')
  })
})

describe('MEGA does not let the host in', () => {
  const refusals: readonly [string, Partial<MegaAccount>, string | undefined, boolean, string][] = [
    ['a wrong password', { password: 'wrong' }, undefined, false, 'mega-login'],
    ['an unknown address', { email: 'eve@example.org' }, undefined, false, 'mega-login'],
    ['a missing second factor', {}, '123456', false, 'mega-2fa'],
    ['a wrong second factor', { code: '000000' }, '123456', false, 'mega-2fa'],
    ['a blocked account', {}, undefined, true, 'mega-blocked'],
  ]

  test.each(refusals)(
    '%s is said once and never tried again, also after a restart',
    async (_, given, code, blocked, refusal) => {
      const real = bench.emulator.account({
        email: EMAIL,
        password: PASSWORD,
        ...(code && { code }),
      })
      real.blocked = blocked
      const store = bench.host({ account: account(given) })
      for (let i = 0; i < 3; i++) {
        expect(await codeOf(store.put(1, record(1)))).toBe(refusal)
        bench.nowMs += 10 * HOUR
      }
      const asked = bench.emulator.requests.length
      bench.nowMs -= 30 * HOUR - HOUR / 2
      const next = bench.host({ account: account(given) })
      expect(await codeOf(next.put(1, record(1)))).toBe(refusal)
      expect(bench.emulator.requests.length, 'asked nothing').toBe(asked)
      bench.nowMs += HOUR / 2
      expect(await codeOf(bench.host({ account: account(given) }).prepare())).toBe(refusal)
      expect(bench.emulator.requests.length, 'an hour later, once').toBeGreaterThan(asked)
    },
  )

  test('other words are tried at once', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD, code: '123456' })
    expect(await codeOf(bench.host({ account: account({ password: 'x' }) }).prepare())).toBe(
      'mega-login',
    )
    expect(await codeOf(bench.host().prepare())).toBe('mega-2fa')
    await bench.host({ account: account({ code: '123456' }) }).put(1, record(1))
    expect(JSON.parse(bench.kept()).refused).toBeNull()
  })

  test('without an account there is nothing to try', async () => {
    expect(await codeOf(bench.host({ account: null }).put(1, record(1)))).toBe('mega-account')
    expect(bench.emulator.requests).toEqual([])
  })
})

describe('the session ends', () => {
  test('the host signs in again at once if the last time is an hour ago, and publishes', async () => {
    const store = await bench.signedIn()
    const { entry } = store
    bench.nowMs += HOUR
    bench.emulator.revoke()
    await store.put(1, record(1))
    expect(bench.emulator.count('us')).toBe(2)
    expect(bench.emulator.count('u'), 'the file is there').toBe(1)
    expect(store.entry).toEqual(entry)
  })

  test('and again and again: it waits an hour, two, four, however often it publishes or is started', async () => {
    await bench.signedIn()
    const signIns: number[] = []
    const start = bench.nowMs
    for (let minutes = 0; minutes < 16 * 60; minutes += 20) {
      bench.nowMs = start + minutes * 60_000
      bench.emulator.revoke()
      const before = bench.emulator.count('us')
      const code = await codeOf(bench.host().put(1, record(1)))
      if (bench.emulator.count('us') > before) signIns.push(minutes / 60)
      else expect(code).toBe('mega-session')
    }
    expect(signIns).toEqual([1, 3, 7, 15])
  })

  test('without an account it says so, and reads on', async () => {
    await bench.signedIn()
    bench.emulator.revoke()
    const store = bench.host({ account: null })
    expect(await store.get()).toBeNull()
    expect(await codeOf(store.put(1, record(1)))).toBe('mega-account')
    expect(await bench.host({ account: null }).get()).toBeNull()
  })

  test('a code of the second factor is not tried twice', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD, code: '123456' })
    const store = bench.host({ account: account({ code: '123456' }) })
    await store.prepare()
    bench.nowMs += 2 * HOUR
    bench.emulator.revoke()
    expect(await codeOf(store.put(1, record(1)))).toBe('mega-2fa')
    expect(bench.emulator.count('us')).toBe(1)
  })
})
