// Third-party vectors through the functions of `npm run vectors`, and that these can fail.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runFile } from '../vectors/file.ts'
import { VectorFileError } from '../vectors/json.ts'
import { formatVectors, makeVectors, VECTORS_FILE } from '../vectors/make.ts'
import type { Result } from '../vectors/results.ts'
import { DEFAULT_FOLDER, defaultFiles } from '../vectors/run.ts'

const files = defaultFiles()

/** Passed and skipped on all back ends; a file that shrinks must not pass unnoticed. */
const EXPECTED: ReadonlyMap<string, readonly [passed: number, skipped: number]> = new Map([
  ['noise_cacophony.json', [3 * 59, 0]],
  ['wycheproof_aes_gcm_test.json', [3 * 66, 3 * 250]],
  ['wycheproof_ed25519_test.json', [151, 0]],
  ['wycheproof_hkdf_sha256_test.json', [86, 0]],
  ['wycheproof_x25519_test.json', [3 * 518, 0]],
])

if (files.length === 0) {
  test('third-party vectors are there', () => {
    console.error(
      `\nNO THIRD-PARTY VECTORS: nothing in ${DEFAULT_FOLDER}; only our own were run.\n`,
    )
    // A person's clone may lack them; CI must not.
    expect(process.env.CI).toBeFalsy()
  })
} else {
  describe('third-party vectors', () => {
    test('all expected files are there', () => {
      expect(files.map((file) => basename(file))).toEqual([...EXPECTED.keys()])
    })

    test.each(files.map((file) => [basename(file), file]))(
      '%s',
      async (name, file) => {
        const results = await runFile(file)
        expect(results.filter((r) => r.outcome === 'failed')).toEqual([])
        const passed = results.filter((r) => r.outcome === 'passed').length
        expect([passed, results.length - passed]).toEqual(EXPECTED.get(name))
      },
      60_000,
    )
  })
}

describe('our own vectors', () => {
  test('regenerate without a diff', async () => {
    expect(formatVectors(await makeVectors())).toBe(readFileSync(VECTORS_FILE, 'utf8'))
  })
})

// RFC 5869 A.1.
const HKDF_TEST = {
  tcId: 1,
  ikm: '0b'.repeat(22),
  salt: '000102030405060708090a0b0c',
  info: 'f0f1f2f3f4f5f6f7f8f9',
  size: 42,
  okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  result: 'valid',
}
const hkdfFile = (change: object = {}) => ({
  algorithm: 'HKDF-SHA-256',
  numberOfTests: 1,
  testGroups: [{ type: 'HkdfTest', tests: [{ ...HKDF_TEST, ...change }] }],
})

describe('the runner', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'clawchat-vectors-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const write = (content: unknown): string => {
    const path = join(folder, 'vectors.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const outcomes = async (content: unknown): Promise<Result['outcome'][]> =>
    (await runFile(write(content))).map((result) => result.outcome)

  test('passes a right value and fails a wrong one', async () => {
    expect(await outcomes(hkdfFile())).toEqual(['passed'])
    expect(await outcomes(hkdfFile({ okm: '00'.repeat(42) }))).toEqual(['failed'])
    expect(await outcomes(hkdfFile({ result: 'invalid' }))).toEqual(['failed'])
  })

  test.each([
    ['not JSON', '{'],
    ['a list', []],
    ['of no known format', { tests: [] }],
    ['of an unknown algorithm', { ...hkdfFile(), algorithm: 'ROT13' }],
    ['with fewer tests than it says', { ...hkdfFile(), numberOfTests: 2 }],
    ['without groups', { ...hkdfFile(), testGroups: [] }],
    ['with an unknown result', hkdfFile({ result: 'maybe' })],
    ['with a field missing', hkdfFile({ ikm: undefined })],
    ['with a field that is not hex', hkdfFile({ ikm: 'xy' })],
    ['without Noise vectors', { vectors: [] }],
    [
      'with a vector that lacks messages',
      { vectors: [{ protocol_name: 'Noise_NN_25519_AESGCM_SHA256' }] },
    ],
  ])('a file %s is an error', async (_, content) => {
    await expect(runFile(write(content))).rejects.toThrow(VectorFileError)
  })

  test('a file that is not there is an error', async () => {
    await expect(runFile(join(folder, 'absent.json'))).rejects.toThrow(VectorFileError)
  })

  const vector = (name: string) => ({
    protocol_name: name,
    init_prologue: '',
    resp_prologue: '',
    init_ephemeral: '01'.repeat(32),
    resp_ephemeral: '02'.repeat(32),
    messages: [
      { payload: '', ciphertext: '00' },
      { payload: '', ciphertext: '00' },
    ],
  })

  test.each([
    ['Noise_NN_25519_ChaChaPoly_SHA256', { skipped: 'suite' }],
    ['Noise_NNfallback_25519_AESGCM_SHA256', { skipped: 'pattern' }],
    ['Noise_NN_25519_AESGCM_SHA256', 'failed'],
  ])('a vector of %s comes to %j', async (name, outcome) => {
    expect(await outcomes({ vectors: [vector(name)] })).toEqual([outcome, outcome, outcome])
  })

  const run = (...args: string[]): Promise<{ code: number; lines: string[]; errors: string }> =>
    new Promise((resolve) => {
      const script = join(import.meta.dirname, '../vectors/run.ts')
      execFile(process.execPath, [script, ...args], (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : 0
        resolve({ code, lines: stdout.trimEnd().split('\n'), errors: stderr })
      })
    })

  test('on the command line: exit code and closing line', async () => {
    expect(await run(write(hkdfFile()))).toMatchObject({ code: 0, errors: '' })
    const failed = await run(write(hkdfFile({ okm: '' })))
    expect([failed.code, failed.lines.at(-1)]).toEqual([1, '0 passed, 1 failed, 0 skipped'])
    const broken = await run(write('{'))
    expect([broken.code, broken.lines.at(-1)]).toEqual([1, '0 passed, 0 failed, 0 skipped'])
    expect(broken.errors).toContain('vectors.json: ERROR: not JSON')
  }, 30_000)

  test('on the command line: nothing passed is a failure, and skips say why', async () => {
    const other = vector('Noise_NN_25519_ChaChaPoly_SHA256')
    const { code, lines } = await run(write({ vectors: [other] }))
    expect([code, lines.at(-1)]).toEqual([1, '0 passed, 0 failed, 3 skipped'])
    expect(lines.filter((l) => l.endsWith(': suite is not 25519_AESGCM_SHA256'))).toHaveLength(3)
  }, 30_000)
})
