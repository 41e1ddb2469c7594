// Seeded simulations (SPEC §6, §7): CLAWCHAT_SEEDS says how many, CLAWCHAT_SEED replays one alone.
import { expect, test } from 'vitest'
import { simulate } from './scenario.ts'

const only = process.env.CLAWCHAT_SEED
const count = Number(process.env.CLAWCHAT_SEEDS ?? 200)
const BATCH = 50

const batches =
  only === undefined
    ? Array.from({ length: Math.ceil(count / BATCH) }, (_, i) =>
        Array.from({ length: Math.min(BATCH, count - i * BATCH) }, (_, k) => 1 + i * BATCH + k),
      )
    : [[Number(only)]]

for (const seeds of batches) {
  test(`seeds ${seeds[0]} to ${seeds.at(-1)}`, { timeout: 0 }, async () => {
    const sum = { messages: 0, crashes: 0, rotations: 0, connects: 0 }
    for (const seed of seeds) {
      try {
        const outcome = await simulate(seed)
        for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += outcome[key]
      } catch (error) {
        throw new Error(`seed ${seed} (CLAWCHAT_SEED=${seed} replays it alone)`, { cause: error })
      }
    }
    // A simulation in which nothing happens would prove nothing.
    if (seeds.length >= BATCH) {
      expect(sum.messages).toBeGreaterThan(BATCH * 10)
      expect(sum.crashes).toBeGreaterThan(BATCH)
      expect(sum.rotations).toBeGreaterThan(BATCH)
      expect(sum.connects).toBeGreaterThan(BATCH * 4)
    }
  })
}
