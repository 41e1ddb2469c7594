// What `clawchat doctor` makes of what it sees: every judgement, and that every cause has words.
import { describe, expect, test } from 'vitest'
import { findingText, verdictText } from '../../host/doctorwords.ts'
import {
  CLOCK_SLACK_MS,
  type DoctorCause,
  type DoctorFinding,
  isNote,
  judgeClock,
  judgeFolder,
  judgeNat,
  judgeUntold,
} from '../../host/findings.ts'

const finding = (cause: DoctorCause | null): DoctorFinding => ({
  ...{ step: 'udp', nth: null, ok: cause === null || isNote(cause), cause, ms: 7 },
})

describe('clock', () => {
  test.each([
    [[], 'clock-unknown'],
    [[CLOCK_SLACK_MS], null],
    [[-CLOCK_SLACK_MS], null],
    [[CLOCK_SLACK_MS + 1], 'clock-ahead'],
    [[-CLOCK_SLACK_MS - 1], 'clock-behind'],
    // A server of another opinion is not believed while one agrees with this computer.
    [[3_600_000, 500], null],
    [[3_600_000, 3_500_000], 'clock-ahead'],
  ] as const)('%j ms ahead: %s', (aheadMs, cause) => {
    expect(judgeClock(aheadMs)).toBe(cause)
  })
})

test('one port for two servers is a router that a hole can be punched through; one server cannot tell', () => {
  expect(judgeNat(['203.0.113.9 50000', '203.0.113.9 50000'])).toBeNull()
  expect(judgeNat(['203.0.113.9 50000', '203.0.113.9 50001'])).toBe('nat-strict')
  expect(judgeNat(['203.0.113.9 50000'])).toBe('nat-unknown')
})

test('TURN by TCP alone does not tell a host behind a router where it is', () => {
  expect(judgeUntold(true, false)).toBe('turn-blind')
  expect(finding('turn-blind').ok).toBe(false)
  for (const [hasTurn, hasPublic] of [
    [true, true],
    [false, false],
    [false, true],
  ] as const)
    expect(judgeUntold(hasTurn, hasPublic)).toBe('stun-none')
})

describe('folder', () => {
  const fine = { modes: [0o40700, 0o100600], freeBytes: 1e9, whole: true }
  test.each([
    [{}, null],
    [{ modes: [null, null] }, null],
    [{ modes: [0o40750, 0o100600] }, 'folder-readable'],
    [{ modes: [0o40700, 0o100604] }, 'folder-readable'],
    [{ whole: false }, 'database-damaged'],
    [{ freeBytes: 1e8 }, 'disk-full'],
  ] as const)('%j: %s', (change, cause) => {
    expect(judgeFolder({ ...fine, ...change })).toBe(cause)
  })
})

test('a note is no fault, and an error code has words too', () => {
  expect(finding('nat-strict').ok).toBe(true)
  expect(finding('stun-silent').ok).toBe(false)
  expect(findingText(finding(null))).toBe('  yes   UDP can be received (7 ms)')
  expect(findingText(finding('nat-strict'))).toMatch(
    /^ {2}note {2}UDP .* \(nat-strict\): .+\n {8}\S/,
  )
  expect(findingText(finding('store-unreachable'))).toMatch(/^ {2}no {4}.*: .+\n {8}\S/)
})

test('the verdict counts what has to be done, not what is good to know', () => {
  expect(verdictText([finding(null), finding('nat-strict')])).toBe('Nothing has to be done.')
  expect(verdictText([finding('udp-refused')])).toBe('One thing has to be done.')
  expect(verdictText([finding('udp-refused'), finding('disk-full')])).toMatch(/^2 things/)
})
