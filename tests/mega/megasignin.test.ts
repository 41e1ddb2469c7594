// Signing in to MEGA with the real megajs against the emulator (SPEC §3.3.1): faults at every step, and answers that the
// library itself cannot stand.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { describe, expect, test } from 'vitest'
import type { Fault } from '../emulators/mega.ts'
import { codeOf, EMAIL, HOUR, megaBench, PASSWORD, record } from './bench.ts'

const bench = megaBench()

describe('signing in', () => {
  const STEPS = ['us0', 'us', 'ug', 'f', 'u', 'p', 'l']
  /** What none of the steps can go on with. */
  const FAULTS: readonly [string, Fault][] = [
    ['is reset', { kind: 'reset' }],
    ['gets HTML', { kind: 'body', text: '<html>' }],
    ['gets an object that says nothing', { kind: 'body', text: '[{}]' }],
  ]

  test.each(FAULTS)('that %s at any step fails, waits, and then succeeds', async (_, fault) => {
    for (const step of STEPS) {
      bench.emulator.mend()
      bench.emulator.destroy()
      rmSync(join(bench.dir, 'mega.json'), { force: true })
      bench.emulator.account({ email: EMAIL, password: PASSWORD })
      bench.emulator.fault(step, fault)
      const first = await codeOf(bench.host().prepare())
      expect(first, step).toMatch(/^store-(unreachable|refused)$/)
      const before = bench.emulator.requests.length
      const store = bench.host()
      // After the session there is no more signing in, and so no waiting for it.
      if (JSON.parse(bench.kept()).sid === null) {
        expect(await codeOf(store.prepare()), step).toBe('store-unreachable')
        expect(bench.emulator.requests.length, `${step}: too early`).toBe(before)
        bench.nowMs += 15_000
      }
      await store.put(1, record(1))
    }
  })

  test('with answers that make megajs throw where nobody catches, or compute for ever, is ended', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    const zeros = Buffer.alloc(656).toString('base64url')
    for (const text of [
      '[{"v":2}]',
      '[{"v":9}]',
      '[null]',
      `[{"k":"${zeros.slice(0, 22)}","csid":"AAAA","privk":"${zeros}"}]`,
      '[{"k":7,"csid":[],"privk":{}}]',
    ]) {
      bench.emulator.fault(text.includes('"v"') ? 'us0' : 'us', { kind: 'body', text })
      const code = await codeOf(bench.host({ times: { signInMs: 4000 } }).prepare())
      expect(code, text).toMatch(/^store-(unreachable|refused)$/)
      bench.nowMs += HOUR
    }
    await bench.host().prepare()
  })

  test('that is never answered ends at its deadline, or with the host', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    bench.emulator.fault('us', { kind: 'hang' }, 2)
    expect(await codeOf(bench.host({ times: { signInMs: 1500 } }).prepare())).toBe(
      'store-unreachable',
    )
    bench.nowMs += HOUR
    // A slow machine may have met the deadline before it asked.
    const asked = bench.emulator.count('us')
    const store = bench.host()
    const preparing = codeOf(store.prepare())
    await bench.emulator.seen('us', asked + 1)
    store.stop()
    expect(await preparing).toBe('store-unreachable')
  })

  test('that MEGA is too busy for, or asks work for, is repeated by megajs', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    bench.emulator.fault('us', { kind: 'error', error: -3, bare: true })
    bench.emulator.fault('us0', { kind: 'hashcash', easiness: 255 })
    bench.emulator.fault('l', { kind: 'error', error: -3 })
    const from = performance.now()
    await bench.host().prepare()
    expect(bench.emulator.solved).toBe(1)
    expect(bench.emulator.count('us')).toBe(2)
    expect(performance.now() - from, 'it waits before it repeats').toBeGreaterThan(6000)
  })

  test('an upload that breaks is repeated; one that gets nothing back, or goes elsewhere, fails', async () => {
    bench.emulator.account({ email: EMAIL, password: PASSWORD })
    bench.emulator.fault('upload', { kind: 'reset' })
    await bench.host().prepare()
    expect(bench.emulator.count('upload')).toBe(2)
    const elsewhere = [
      '[{"p":"http://198.51.100.1/ul"}]',
      '[{"p":"file:///etc/passwd"}]',
      '[{"p":7}]',
    ]
    for (const text of elsewhere) {
      bench.emulator.destroy()
      rmSync(join(bench.dir, 'mega.json'))
      bench.emulator.fault('u', { kind: 'body', text })
      expect(await codeOf(bench.host().prepare()), text).toMatch(/^store-(unreachable|refused)$/)
    }
    bench.emulator.fault('upload', { kind: 'body', text: '' }, 9)
    expect(await codeOf(bench.host().prepare())).toMatch(/^store-(unreachable|refused)$/)
  })
})
