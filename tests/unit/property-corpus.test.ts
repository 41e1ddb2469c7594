// Each fuzz target for a moment: its kept inputs, what was found before, and some changed ones (npm run fuzz goes on longer).
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { corpusFile, corpusOf, findings, formatCorpus, makeCorpus } from '../fuzz/corpus.ts'
import { inputOf } from '../fuzz/mutate.ts'
import { TARGETS } from '../fuzz/targets.ts'

// Plenty, for machines that do much else.
vi.setConfig({ testTimeout: 30_000 })

const names = TARGETS.map(({ name }) => name)

test('every target has its kept inputs, made anew without a diff', () => {
  const made = makeCorpus()
  expect(TARGETS.length).toBeGreaterThan(30)
  expect([...made.keys()].sort()).toEqual([...names].sort())
  const files = readdirSync(dirname(corpusFile('')))
  expect(files.sort()).toEqual(names.map((name) => `${name}.hex`).sort())
  for (const [name, inputs] of made) {
    expect(inputs.length, name).toBeGreaterThan(0)
    expect(readFileSync(corpusFile(name), 'utf8'), name).toBe(formatCorpus(inputs))
  }
})

test('what was found names targets that there are', () => {
  expect(findings().length).toBeGreaterThan(0)
  for (const { target } of findings()) expect(names).toContain(target)
})

describe('kept and changed inputs keep every promise', () => {
  test.each(TARGETS.map((target) => ({ name: target.name, target })))(
    '$name',
    async ({ target }) => {
      const corpus = corpusOf(target.name)
      for (const input of corpus) await target.run(input)
      // An execution depends on its seed only: `npm run fuzz -- --only NAME --input HEX` repeats what is shown.
      const property = fc.asyncProperty(fc.nat(), async (seed) => {
        const input = inputOf(seed, corpus.length, corpus, target.maxBytes)
        try {
          await target.run(input.slice())
        } catch (error) {
          throw new Error(`--input ${Buffer.from(input).toString('hex')}`, { cause: error })
        }
      })
      await fc.assert(property, { numRuns: 300, interruptAfterTimeLimit: 200, endOnFailure: true })
    },
  )
})
