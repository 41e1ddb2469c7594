// A vitest reporter whose closing line is `N passed, N failed` (`, N skipped`), last and alone on its line.
// What cannot be counted as a test still counts as failed: import errors, failed hooks, stray rejections, no tests at all.
import { writeSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { SerializedError } from 'vitest'
import type { Reporter, TestModule, TestRunEndReason, TestSuite } from 'vitest/node'

export interface Tally {
  passed: number
  /** one line each, as `skipped`: file, full name and the first line of what was wrong */
  failed: string[]
  /** one line each: full name and, where given, the reason */
  skipped: string[]
}

/** Counts a finished run. A run in which nothing ran is one failure. */
export function tally(
  modules: readonly TestModule[],
  strayErrors: readonly SerializedError[],
  reason: TestRunEndReason,
): Tally {
  const stray = strayErrors.map((error) => failLine('outside of any test', [error]))
  const sum: Tally = { passed: 0, failed: stray, skipped: [] }
  for (const module of modules) countModule(module, sum)
  if (reason === 'interrupted') sum.failed.push('failed: interrupted')
  if (sum.passed + sum.failed.length === 0) sum.failed.push('failed: no test ran')
  return sum
}

function countModule(module: TestModule, sum: Tally): void {
  const broken = brokenSuites(module)
  sum.failed.push(...broken)
  let tests = 0
  for (const test of module.children.allTests()) {
    tests += 1
    const result = test.result()
    if (result.state === 'passed') sum.passed += 1
    else if (result.state === 'skipped')
      sum.skipped.push(skipLine(test.fullName, module, result.note))
    else sum.failed.push(failLine(`${module.relativeModuleId} > ${test.fullName}`, result.errors))
  }
  if (tests === 0 && broken.length === 0)
    sum.failed.push(`failed: ${module.relativeModuleId} (no tests)`)
}

// Errors outside of any test: the module's own import, or a hook of a suite.
function brokenSuites(module: TestModule): string[] {
  const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()]
  return suites
    .filter((suite) => suite.errors().length > 0)
    .map((suite) => failLine(`${module.relativeModuleId} (a hook or import)`, suite.errors()))
}

// What failed is said again at the end: of a long run people often see the end only.
function failLine(name: string, errors: readonly SerializedError[] | undefined): string {
  const first = errors?.[0]?.message.split('\n')[0] ?? 'no error given'
  return `failed: ${name}: ${stripVTControlCharacters(first).slice(0, 300)}`
}

function skipLine(name: string, module: TestModule, note: string | undefined): string {
  return `skipped: ${module.relativeModuleId} > ${name} (${note ?? 'no reason given'})`
}

/** `N passed, N failed`, and `, N skipped` only where something was. */
export function closingLine(sum: Tally): string {
  const skipped = sum.skipped.length > 0 ? `, ${sum.skipped.length} skipped` : ''
  return `${sum.passed} passed, ${sum.failed.length} failed${skipped}`
}

/** In CI a skipped test fails the run: nothing may pass because a part was missing. */
export function isGood(sum: Tally, ci: boolean): boolean {
  return sum.failed.length === 0 && sum.passed > 0 && !(ci && sum.skipped.length > 0)
}

export default class ClosingLine implements Reporter {
  #sum: Tally = { passed: 0, failed: ['failed: the run broke off'], skipped: [] }

  onInit(): void {
    // At exit, so that no other reporter and no late warning comes after it; a run that never ended has failed.
    process.once('exit', () => this.#close())
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    strayErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    this.#sum = tally(modules, strayErrors, reason)
  }

  #close(): void {
    const lines = [...this.#sum.skipped, ...this.#sum.failed, closingLine(this.#sum)]
    writeSync(1, `${lines.join('\n')}\n`)
    if (!isGood(this.#sum, Boolean(process.env.CI))) process.exitCode = 1
  }
}
