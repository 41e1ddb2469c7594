// Many seeds in batches, one test each. CLAWCHAT_SEEDS says how many; CLAWCHAT_SEED replays one alone.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leaveGaps, takeGaps } from './gaps.ts'
import { type Outcome, simulate } from './scenario.ts'

const BATCH = 50
/** What `npm run check` does; `npm test` asks for more. */
const DEFAULT_SEEDS = 200

/** Every `of`-th batch from `part` on, so that two workers share the seeds. */
export function testSeeds(part: number, of: number): void {
  const only = process.env.CLAWCHAT_SEED
  if (only !== undefined) {
    if (part === 0) test(`seed ${only}`, { timeout: 0 }, async () => void (await simulate(+only)))
    else test.skip(`seed ${only} runs in the other file`)
    return
  }
  beforeAll(takeGaps)
  afterAll(leaveGaps)
  const count = Number(process.env.CLAWCHAT_SEEDS ?? DEFAULT_SEEDS)
  const all: Outcome[] = []
  for (let first = 1 + part * BATCH; first <= count; first += of * BATCH) {
    const last = Math.min(count, first + BATCH - 1)
    test(`seeds ${first} to ${last}`, { timeout: 0 }, async () => {
      all.push(...(await runBatch(first, last)))
    })
  }
  // Some batches have half as many as most have.
  test('devices are revoked often enough in all of them together', () => {
    const revocations = all.reduce((sum, each) => sum + each.revocations, 0)
    expect(revocations).toBeGreaterThanOrEqual(all.length / 10)
  })
}

async function runBatch(first: number, last: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (let seed = first; seed <= last; seed++) {
    try {
      outcomes.push(await simulate(seed))
    } catch (cause) {
      throw new Error(`seed ${seed}; CLAWCHAT_SEED=${seed} replays it alone`, { cause })
    }
  }
  expectMuch(outcomes)
  return outcomes
}

/** A simulation in which nothing happens would prove nothing. */
function expectMuch(outcomes: readonly Outcome[]): void {
  const seeds = outcomes.length
  const sum = (of: keyof Outcome): number => outcomes.reduce((all, one) => all + one[of], 0)
  expect(sum('messages')).toBeGreaterThan(seeds * 10)
  expect(sum('events')).toBeGreaterThan(seeds * 4)
  expect(sum('crashes')).toBeGreaterThan(seeds)
  expect(sum('rotations')).toBeGreaterThan(seeds)
  expect(sum('restores')).toBeGreaterThan(seeds / 10)
  expect(sum('revocations')).toBeGreaterThan(seeds / 20)
  expect(sum('gone')).toBeGreaterThan(seeds / 10)
  expect(sum('connects')).toBeGreaterThan(seeds * 5)
}
