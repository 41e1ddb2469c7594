// The fuzzer itself: it finds what is broken, says so with a small input that breaks it again, and notices what hangs.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fromHex } from '../../shared/bytes.ts'
import { ClawError } from '../../shared/error.ts'
import { fuzz } from '../fuzz/fuzz.ts'
import { inputOf } from '../fuzz/mutate.ts'
import { attempt, must, type Target } from '../fuzz/target.ts'
import { TARGETS } from '../fuzz/targets.ts'
import { readWish } from '../fuzz/wish.ts'

const corpus = [new Uint8Array(40).fill(1), Uint8Array.from({ length: 40 }, (_, i) => i)]
const target = (run: Target['run']): Target => ({ name: 'planted', maxBytes: 64, run })
const options = { corpus, seed: 1, ms: 60_000, maxExecutions: 3000 }

describe('fuzz', () => {
  test('finds nothing where every promise is kept', async () => {
    const fine = target((input) => {
      attempt(['malformed'], () => {
        if (input.length > 3) throw new ClawError('malformed')
      })
    })
    expect(await fuzz(fine, options)).toMatchObject({ executions: 3000, findings: [] })
  })

  const broken: readonly (readonly [string, Target['run'], RegExp, number])[] = [
    [
      'an error that is none of ours',
      (input) => void new DataView(input.buffer, 0, Math.min(2, input.length)).getUint16(0),
      /RangeError/,
      0,
    ],
    [
      'another code than allowed',
      (input) =>
        void attempt(['malformed'], () => {
          if (input[0] === 1 && input.length > 41) throw new ClawError('crypto')
        }),
      /ClawError: crypto/,
      42,
    ],
    ['a broken promise', (input) => must(!input.includes(77), 'no 77'), /no 77/, 1],
    [
      'a rejection',
      async (input) => {
        await null
        must(input.length < 50, 'short')
      },
      /short/,
      50,
    ],
  ]
  test.each(broken)('finds %s, once and minimised', async (_, run, error, bytes) => {
    const { findings } = await fuzz(target(run), options)
    expect(findings).toHaveLength(1)
    const [finding] = findings
    expect(finding?.error).toMatch(error)
    const input = fromHex(finding?.input ?? '')
    expect(input).toHaveLength(bytes)
    await expect((async () => run(input))()).rejects.toThrow()
    // Seed and number alone give the same input.
    const again = inputOf(1, finding?.execution ?? 0, corpus, 64)
    await expect((async () => run(again))()).rejects.toThrow()
  })

  test('is the same for a seed, and another for another', () => {
    const inputs = (seed: number) =>
      Array.from({ length: 50 }, (_, n) =>
        Buffer.from(inputOf(seed, n, corpus, 64)).toString('hex'),
      )
    expect(inputs(1)).toEqual(inputs(1))
    expect(inputs(2)).not.toEqual(inputs(1))
    expect(inputs(1).slice(0, 2)).toEqual(corpus.map((one) => Buffer.from(one).toString('hex')))
    expect(Math.max(...inputs(1).map((hex) => hex.length / 2))).toBeLessThanOrEqual(64)
  })
})

const run = resolve(import.meta.dirname, '../fuzz/run.ts')
const command = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [run, ...args], {
    encoding: 'utf8',
  })
  return { status, lines: stdout.trim().split('\n'), errors: stderr }
}

describe('npm run fuzz', () => {
  test('runs every target, says how fast, and ends with what it found', () => {
    const { status, lines } = command('1.5', '--seed', '7')
    expect(status).toBe(0)
    expect(lines[0]).toBe(`seed 7, ${TARGETS.length} targets, 1.5 s`)
    expect(lines.slice(1, -1).map((line) => line.split(' ')[0])).toEqual(
      TARGETS.map(({ name }) => name),
    )
    for (const line of lines.slice(1, -1)) expect(line).toMatch(/^\S+ +[1-9]\d* +\d+\/s$/)
    expect(lines.at(-1)).toMatch(/^\d+ executions, 0 findings$/)
  }, 60_000)

  test('refuses other words with code 2, and says which there are', () => {
    const { status, errors } = command('soon')
    expect(status).toBe(2)
    expect(errors).toContain('SECONDS is one number.')
    expect(errors).toContain(TARGETS.map(({ name }) => name).join(' '))
  }, 60_000)

  test('reads its words', () => {
    const names = ['a', 'b']
    const all = { seconds: 30, targets: names, input: null }
    expect(readWish([], names)).toEqual({ ...all, seed: expect.any(Number) })
    expect(readWish(['2.5', '--seed', '7'], names)).toEqual({ ...all, seconds: 2.5, seed: 7 })
    const one = readWish(['--only', 'b', '--input', '00ff', '--seed', '1'], names)
    expect(one).toEqual({ ...all, seed: 1, targets: ['b'], input: Uint8Array.of(0, 255) })
    const wrong = [['1', '2'], ['-1'], ['--seed', 'x'], ['--only', 'c'], ['--input', '00'], ['--a']]
    for (const args of [...wrong, ['--only', 'b', '--input', 'x']]) {
      expect(() => readWish(args, names), args.join(' ')).toThrow()
    }
  })
})
