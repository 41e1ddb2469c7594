// Publishing to MEGA with the real megajs against the emulator (SPEC §3.3.1): every fault of a request, the code it gives,
// the pause that follows, and that the next publish works.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Fault } from '../emulators/mega.ts'
import { codeOf, HOUR, megaBench, record } from './bench.ts'

const bench = megaBench()

describe('a publish', () => {
  const FAULTS: readonly [string, Fault, string][] = [
    ['-3', { kind: 'error', error: -3 }, 'store-unreachable'],
    ['-3, bare', { kind: 'error', error: -3, bare: true }, 'store-unreachable'],
    ['-4', { kind: 'error', error: -4 }, 'store-unreachable'],
    ['-6', { kind: 'error', error: -6 }, 'store-unreachable'],
    ['-9', { kind: 'error', error: -9 }, 'mega-gone'],
    ['-16', { kind: 'error', error: -16 }, 'mega-blocked'],
    ['-17', { kind: 'error', error: -17 }, 'mega-quota'],
    ['-18', { kind: 'error', error: -18 }, 'store-unreachable'],
    ['an unknown number', { kind: 'error', error: -4711 }, 'store-refused'],
    ['HTTP 429', { kind: 'http', status: 429 }, 'store-unreachable'],
    ['HTTP 500', { kind: 'http', status: 500 }, 'store-unreachable'],
    ['HTTP 503', { kind: 'http', status: 503 }, 'store-unreachable'],
    ['HTTP 509', { kind: 'http', status: 509 }, 'mega-quota'],
    ['HTTP 404', { kind: 'http', status: 404 }, 'store-refused'],
    ['a reset', { kind: 'reset' }, 'store-unreachable'],
    ['nothing', { kind: 'body', text: '' }, 'store-refused'],
    ['an empty list', { kind: 'body', text: '[]' }, 'store-refused'],
    ['HTML', { kind: 'body', text: '<html>' }, 'store-refused'],
    ['half an answer', { kind: 'body', text: '[{"at":"' }, 'store-refused'],
    ['a work of hours', { kind: 'hashcash', easiness: 0 }, 'store-unreachable'],
  ]

  test.each(FAULTS)(
    'that meets %s gives a code, pauses as it should, and then works',
    async (_, fault, code) => {
      const store = bench.anchored()
      for (const command of ['a', 'g']) {
        bench.emulator.fault(command, fault)
        expect(await codeOf(store.put(1, record(1))), command).toBe(code)
        const asked = bench.emulator.requests.length
        const pauseMs = { 'mega-gone': HOUR / 6, 'mega-quota': HOUR }[code] ?? 0
        if (pauseMs > 0) {
          bench.nowMs += pauseMs - 1
          expect(await codeOf(store.put(1, record(1)))).toBe(code)
          expect(bench.emulator.requests.length, 'left alone').toBe(asked)
          bench.nowMs += 1
        }
        // Only a person can lift that: the next start asks again.
        await (code === 'mega-blocked' ? bench.host() : store).put(2, record(2))
        if (code === 'mega-blocked') break
      }
      expect(bench.emulator.count('us'), 'no sign-in').toBe(0)
      expect(await bench.host().get()).toEqual(record(2))
    },
  )

  test('that hangs ends by itself, and the next one works', async () => {
    bench.anchored()
    const store = bench.impatient()
    for (const command of ['a', 'g']) {
      bench.emulator.fault(command, { kind: 'hang' })
      expect(await codeOf(store.put(1, record(1)))).toBe('store-unreachable')
      await store.put(2, record(2))
    }
  })

  test('that is slow but comes is a publish', async () => {
    const store = bench.anchored()
    bench.emulator.fault('a', { kind: 'delay', ms: 300 })
    await store.put(1, record(1))
    expect(await store.get()).toEqual(record(1))
  })

  test('that was carried out although its answer was lost stands, and is published again', async () => {
    const store = bench.anchored()
    bench.emulator.fault('a', { kind: 'lost' })
    expect(await codeOf(store.put(1, record(1)))).toBe('store-unreachable')
    expect(await store.get()).toEqual(record(1))
    await store.put(1, record(1))
  })

  test('that asks for work gets it: the gateway checks the hash', async () => {
    const store = bench.anchored()
    bench.emulator.fault('a', { kind: 'hashcash', easiness: 255 })
    await store.put(1, record(1))
    expect([bench.emulator.solved, bench.emulator.unsolved]).toEqual([1, 0])
    expect(await store.get()).toEqual(record(1))
  })

  test('that readers do not see at once is read again, and reported when they never do', async () => {
    const store = bench.anchored()
    await store.put(1, record(1))
    bench.emulator.fault('g', { kind: 'at', how: 'stale' }, 2)
    await store.put(2, record(2))
    bench.emulator.fault('g', { kind: 'at', how: 'stale' }, 3)
    expect(await codeOf(store.put(3, record(3)))).toBe('store-unreachable')
    bench.emulator.fault('g', { kind: 'at', how: 'no-record' }, 3)
    expect(await codeOf(store.put(3, record(3)))).toBe('store-unreachable')
  })

  test.each(['missing', 'tampered'] as const)(
    'whose attributes come back %s is refused',
    async (how) => {
      const store = bench.anchored()
      await store.put(1, record(1))
      bench.emulator.fault('g', { kind: 'at', how })
      expect(await codeOf(store.put(2, record(2)))).toBe('store-refused')
      bench.emulator.fault('g', { kind: 'at', how: 'no-record' })
      expect(await store.get()).toBeNull()
    },
  )

  test('to a file in the rubbish bin says so, and works again once it is back', async () => {
    const store = bench.anchored()
    bench.emulator.trash()
    expect(await codeOf(store.put(1, record(1)))).toBe('mega-gone')
    expect(await codeOf(store.get())).toBe('mega-gone')
    bench.emulator.trash(false)
    bench.nowMs += HOUR / 6
    await store.put(2, record(2))
  })

  test('to a file that is lost: without mega.json there is a new one', async () => {
    const store = bench.anchored()
    bench.emulator.destroy()
    expect(await codeOf(store.put(1, record(1)))).toBe('mega-gone')
    rmSync(join(bench.dir, 'mega.json'))
    const next = bench.host()
    await next.put(2, record(2))
    expect(next.entry?.handle).not.toBe(store.entry?.handle)
  })

  test('under way when the host stops ends with it', async () => {
    const store = bench.anchored()
    bench.emulator.fault('a', { kind: 'hang' })
    const put = codeOf(store.put(1, record(1)))
    await bench.emulator.seen('a')
    store.stop()
    expect(await put).toBe('store-unreachable')
    expect(await codeOf(store.put(1, record(1)))).toBe('store-unreachable')
  })
})
