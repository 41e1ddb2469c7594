// What is asked of MEGA and what an answer says (SPEC §3.3.1), against node:crypto; when to sign in, under virtual time.
import { createDecipheriv, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isFinal,
  NO_SIGN_INS,
  pauseMs,
  type SignIns,
  signedIn,
  signInDueMs,
  tried,
} from '../../host/megapolicy.ts'
import { errorWords, eventText } from '../../host/terminal.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import {
  askForFile,
  codeOfError,
  decodeAttributes,
  encodeAttributes,
  foldKey,
  parseAnswer,
  recordOfAnswer,
} from '../../shared/mega.ts'

const fileKey = new Uint8Array(randomBytes(32))
const record = new Uint8Array(randomBytes(RECORD_BYTES))
const at = encodeAttributes(fileKey, { name: 'clawchat', record })
const answered = (value: unknown): string => JSON.stringify([value])
const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof ClawError) return error.code
    throw error
  }
  return 'none'
}

describe('attributes', () => {
  test('are what node:crypto opens under the folded key: MEGA, JSON, zeros', () => {
    const half = [fileKey.slice(0, 16), fileKey.slice(16)]
    const folded = Buffer.from((half[0] ?? []).map((byte, i) => byte ^ (half[1]?.[i] ?? 0)))
    const cipher = createDecipheriv('aes-128-cbc', folded, Buffer.alloc(16)).setAutoPadding(false)
    const plain = cipher.update(Buffer.from(at, 'base64url'))
    const json = { n: 'clawchat', _r: Buffer.from(record).toString('base64url') }
    expect(plain.toString('utf8').replace(/\0+$/, '')).toBe(`MEGA${JSON.stringify(json)}`)
    expect(plain.length % 16).toBe(0)
    expect(foldKey(fileKey)).toEqual(new Uint8Array(folded))
  })

  test('with a record take about 11 KB, well below the 16 KiB that MEGA takes', () => {
    expect(at.length).toBeGreaterThan(10_900)
    expect(at.length).toBeLessThan(11_100)
  })

  test('come back, with and without record, and whatever lies beside it is ignored', () => {
    expect(decodeAttributes(fileKey, at)).toEqual({ name: 'clawchat', record })
    const bare = encodeAttributes(fileKey, { name: 'é', record: null })
    expect(decodeAttributes(fileKey, bare)).toEqual({ name: 'é', record: null })
    const more = encodeAttributes(fileKey, { name: 'x', record }, 'filler')
    expect(decodeAttributes(fileKey, more).record).toEqual(record)
  })

  test('under another key, changed in any block, cut or of another form are malformed', () => {
    const other = new Uint8Array(randomBytes(32))
    expect(codeOf(() => decodeAttributes(other, at))).toBe('malformed')
    const bytes = Buffer.from(at, 'base64url')
    for (const place of [0, 5, 40]) {
      const changed = Buffer.from(bytes)
      changed[place] = (changed[place] ?? 0) ^ 1
      const text = changed.toString('base64url')
      expect(
        codeOf(() => decodeAttributes(fileKey, text)),
        `byte ${place}`,
      ).toBe('malformed')
    }
    for (const text of ['', 'A', at.slice(0, -3), `${at}AAAA`, `${at}=`, 'AAAA'.repeat(6000)]) {
      expect(codeOf(() => decodeAttributes(fileKey, text))).toBe('malformed')
    }
    expect(codeOf(() => foldKey(new Uint8Array(16)))).toBe('malformed')
    const short = new Uint8Array(RECORD_BYTES - 1)
    expect(codeOf(() => encodeAttributes(fileKey, { name: 'x', record: short }))).toBe(
      'record-malformed',
    )
  })
})

describe('an answer', () => {
  test('to the one request is the record', () => {
    expect(askForFile('Ab3_-xyz')).toBe('[{"a":"g","p":"Ab3_-xyz"}]')
    expect(recordOfAnswer(fileKey, answered({ s: 173, at }))).toEqual(record)
  })

  test.each([
    ['[-9]', 'record-missing'],
    ['-9', 'record-missing'],
    ['[{"err":-9}]', 'record-missing'],
    ['[-3]', 'store-unreachable'],
    ['-3', 'store-unreachable'],
    ['[-4]', 'store-unreachable'],
    ['[-18]', 'store-unreachable'],
    ['[-16]', 'store-refused'],
    ['-15', 'store-refused'],
    ['[-999]', 'store-refused'],
    ['', 'record-malformed'],
    ['[', 'record-malformed'],
    ['<html>', 'record-malformed'],
    ['{}', 'record-malformed'],
    ['[]', 'record-malformed'],
    ['[0,0]', 'record-malformed'],
    ['[null]', 'record-malformed'],
    ['[0]', 'record-malformed'],
    ['[{"at":7}]', 'record-malformed'],
    ['[{}]', 'record-malformed'],
  ])('%s is %s', (text, code) => {
    expect(codeOf(() => recordOfAnswer(fileKey, text))).toBe(code)
  })

  test('without a record is record-missing, with one of another length malformed', () => {
    const bare = encodeAttributes(fileKey, { name: 'x', record: null })
    expect(codeOf(() => recordOfAnswer(fileKey, answered({ at: bare })))).toBe('record-missing')
    expect(codeOf(() => parseAnswer(' '.repeat(70_000)))).toBe('malformed')
  })

  test('of any text gives a record or one of four codes', () => {
    const codes = ['record-missing', 'record-malformed', 'store-unreachable', 'store-refused']
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `[${json}]`),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(codes).toContain(codeOf(() => recordOfAnswer(fileKey, text)))
      }),
    )
  })

  test('every error number has its code', () => {
    const numbers = [-1, -3, -4, -6, -9, -11, -15, -16, -17, -18, -26, -999]
    expect(numbers.map(codeOfError)).toEqual([
      ...['store-unreachable', 'store-unreachable', 'store-unreachable', 'store-unreachable'],
      ...['mega-gone', 'mega-gone', 'mega-session', 'mega-blocked', 'mega-quota'],
      ...['store-unreachable', 'mega-2fa', 'store-refused'],
    ])
  })
})

describe('signing in', () => {
  const HOUR = 3_600_000
  const start = 1_800_000_000_000
  /** Waits, in seconds, between attempts that all end the same way. */
  function waits(count: number, after: (signIns: SignIns, nowMs: number) => SignIns): number[] {
    let signIns = NO_SIGN_INS
    let nowMs = start
    return Array.from({ length: count }, () => {
      signIns = after(signIns, nowMs)
      const due = signInDueMs(signIns, nowMs)
      const wait = (due - nowMs) / 1000
      nowMs = due
      return wait
    })
  }

  test('is due at once the first time', () => {
    expect(signInDueMs(NO_SIGN_INS, start)).toBeLessThanOrEqual(start)
  })

  test('after failures waits 15 s, doubling to an hour', () => {
    expect(waits(11, tried)).toEqual([15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
  })

  test('after successes waits an hour, doubling to a day', () => {
    expect(waits(7, signedIn).map((s) => s / 3600)).toEqual([1, 2, 4, 8, 16, 24, 24])
  })

  test('a session that lived two days starts the waits anew, a failure does not shorten them', () => {
    const twice = signedIn(signedIn(NO_SIGN_INS, start), start + HOUR)
    expect(signInDueMs(twice, start + HOUR)).toBe(start + 3 * HOUR)
    expect(signedIn(twice, start + 50 * HOUR).streak).toBe(0)
    const failed = tried(twice, start + HOUR)
    expect(signInDueMs(failed, start + HOUR)).toBe(start + 3 * HOUR)
  })

  test('a clock that jumped back years postpones nothing', () => {
    const signIns = signedIn(NO_SIGN_INS, start)
    expect(signInDueMs(signIns, start - 1e11)).toBe(start - 1e11)
  })

  test('what only a person can mend is never asked again, a quota for an hour, a lost link for ten minutes', () => {
    for (const code of ['mega-account', 'mega-login', 'mega-2fa', 'mega-blocked'] as const) {
      expect(isFinal(code)).toBe(true)
      expect(pauseMs(code)).toBe(Number.POSITIVE_INFINITY)
    }
    expect(pauseMs('mega-quota')).toBe(HOUR)
    expect(pauseMs('mega-gone')).toBe(600_000)
    expect([pauseMs('store-unreachable'), pauseMs('mega-session')]).toEqual([0, 0])
  })
})

test('the owner is told what to do about each refusal of MEGA', () => {
  const text = (code: string): string => eventText({ event: 'store-failed', store: 'mega', code })
  for (const code of ['mega-login', 'mega-2fa', 'mega-blocked', 'mega-gone'] as const) {
    expect(text(code)).toContain(errorWords(code).next)
  }
  expect(text('mega-2fa')).toContain('CLAWCHAT_MEGA_CODE')
  expect(text('store-unreachable')).toContain('will try again')
})
