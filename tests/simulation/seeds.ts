// Many seeds in batches, one test each. CLAWCHAT_SEEDS says how many; CLAWCHAT_SEED replays one alone.
import { expect, test } from 'vitest'
import { simulate } from './scenario.ts'

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
  const count = Number(process.env.CLAWCHAT_SEEDS ?? DEFAULT_SEEDS)
  for (let first = 1 + part * BATCH; first <= count; first += of * BATCH) {
    const last = Math.min(count, first + BATCH - 1)
    test(`seeds ${first} to ${last}`, { timeout: 0 }, () => runBatch(first, last))
  }
}

async function runBatch(first: number, last: number): Promise<void> {
  const sum = {
    messages: 0,
    events: 0,
    crashes: 0,
    rotations: 0,
    connects: 0,
    restores: 0,
    revocations: 0,
    gone: 0,
  }
  for (let seed = first; seed <= last; seed++) {
    try {
      const outcome = await simulate(seed)
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += outcome[key]
    } catch (cause) {
      throw new Error(`seed ${seed}; CLAWCHAT_SEED=${seed} replays it alone`, { cause })
    }
  }
  // A simulation in which nothing happens would prove nothing.
  const seeds = last - first + 1
  expect(sum.messages).toBeGreaterThan(seeds * 10)
  expect(sum.events).toBeGreaterThan(seeds * 4)
  expect(sum.crashes).toBeGreaterThan(seeds)
  expect(sum.rotations).toBeGreaterThan(seeds)
  expect(sum.restores).toBeGreaterThan(seeds / 10)
  expect(sum.revocations).toBeGreaterThan(seeds / 10)
  expect(sum.gone).toBeGreaterThan(seeds / 10)
  expect(sum.connects).toBeGreaterThan(seeds * 5)
}
