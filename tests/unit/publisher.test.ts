// When a publish counts as done (SPEC §3.3): links must lead to a store that has the record.
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { prepareSchema, Settings } from '../../host/database.ts'
import { Publisher } from '../../host/publisher.ts'
import type { Store } from '../../host/stores.ts'
import { Chance, settle } from '../simulation/world.ts'

const { bytes } = new Chance(1)

function store(name: string, linked: boolean) {
  const holds: number[] = []
  const stored = Promise.withResolvers<void>()
  const made: Store = {
    name,
    linked,
    get: () => Promise.resolve(null),
    put: async (seq) => {
      await stored.promise
      holds.push(seq)
    },
  }
  return { made, holds, answer: stored.resolve }
}

function publisher(stores: readonly Store[]): Publisher {
  const db = new DatabaseSync(':memory:')
  prepareSchema(db)
  return new Publisher({
    stores,
    settings: new Settings(db),
    random: bytes,
    now: () => 1_800_000_000_000,
    clockOffsetMs: 0,
    identitySecret: bytes(32),
    roots: () => [bytes(32)],
    body: () => ({
      hostPublicKey: bytes(32),
      burn: false,
      reason: 0,
      hostStatic: bytes(32),
      intervalMs: 3_600_000,
      firstEpoch: 1,
      schedule: [{ port: 50_000, fingerprint: bytes(32) }],
      addresses: [],
      locator: [],
    }),
    report: () => undefined,
    onSealed: () => undefined,
    onSuperseded: () => undefined,
    onEverywhere: () => undefined,
  })
}

test('a file alone is no place that a link leads to', async () => {
  const file = store('file', false)
  const https = store('https', true)
  const made = publisher([file.made, https.made])
  let done = false
  const published = made.publish().then(() => {
    done = true
  })
  file.answer()
  await settle()
  expect([file.holds.length, done]).toEqual([1, false])
  https.answer()
  await published
  expect(https.holds).toHaveLength(1)
  made.stop()
})
