// `npm run vectors -- FILE…`: third-party vectors through our code on every back end.
// Without a file it takes those in ../shared/vectors beside the repository.
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runFile } from './file.ts'
import { VectorFileError } from './json.ts'
import { type Result, SKIP_REASONS } from './results.ts'

interface Tally {
  passed: number
  failed: number
  skipped: number
}

/** Beside the repository, not in it: the files are large and not ours. */
export const DEFAULT_FOLDER = join(import.meta.dirname, '../../../shared/vectors')

export function defaultFiles(folder = DEFAULT_FOLDER): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name))
}

function count(results: readonly Result[]): Tally {
  const tally = { passed: 0, failed: 0, skipped: 0 }
  for (const { outcome } of results) {
    if (typeof outcome === 'string') tally[outcome]++
    else tally.skipped++
  }
  return tally
}

const line = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`

function report(name: string, results: readonly Result[]): void {
  for (const [backend, own] of Map.groupBy(results, (result) => result.backend)) {
    console.log(`${name} on ${backend}: ${line(count(own))}`)
  }
  for (const { backend, test, outcome } of results) {
    if (outcome === 'failed') console.log(`  FAILED on ${backend}: ${test}`)
    else if (outcome !== 'passed') {
      console.log(`  skipped on ${backend}: ${test}: ${SKIP_REASONS[outcome.skipped]}`)
    }
  }
}

/** @returns the exit code */
async function main(given: readonly string[]): Promise<number> {
  const files = given.length > 0 ? given : defaultFiles()
  const total: Tally = { passed: 0, failed: 0, skipped: 0 }
  let broken = files.length === 0
  if (broken) console.error(`NO VECTORS: give files, or put them into ${DEFAULT_FOLDER}`)
  for (const file of files) {
    try {
      const results = await runFile(file)
      report(basename(file), results)
      const tally = count(results)
      total.passed += tally.passed
      total.failed += tally.failed
      total.skipped += tally.skipped
    } catch (error) {
      if (!(error instanceof VectorFileError)) throw error
      broken = true
      console.error(`${basename(file)}: ERROR: ${error.message}`)
    }
  }
  console.log(line(total))
  return broken || total.failed > 0 || total.passed === 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
