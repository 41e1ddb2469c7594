// `npm run fuzz [-- SECONDS] [--seed N] [--only TARGET] [--input HEX]`: exit code 1 with findings, 2 for other words.
import { Worker } from 'node:worker_threads'
import { toHex } from '../../shared/bytes.ts'
import { corpusOf } from './corpus.ts'
import type { Finding, Tally } from './fuzz.ts'
import { failureOf } from './minimise.ts'
import { inputOf } from './mutate.ts'
import { TARGETS } from './targets.ts'
import { readWish, type Wish } from './wish.ts'
import type { Work } from './worker.ts'

/** An execution that takes longer never ends. */
const STUCK_MS = 20_000

function printFinding({ target, seed, execution, error, input }: Finding): void {
  console.log(`FINDING in ${target}, seed ${seed}, execution ${execution}: ${error}`)
  console.log(`  input, ${input.length / 2} bytes: ${input}`)
  console.log(`  again: npm run fuzz -- --only ${target} --input ${input}`)
}

async function runOnce(name: string, input: Uint8Array): Promise<boolean> {
  const target = TARGETS.find((one) => one.name === name)
  const error = target === undefined ? null : await failureOf(target, input)
  console.log(error === null ? 'kept its promises' : error)
  return error === null
}

/** @returns whether nothing was found */
function runAll({ seconds, seed, targets }: Wish): Promise<boolean> {
  console.log(`seed ${seed}, ${targets.length} targets, ${seconds} s`)
  const progress = new Int32Array(new SharedArrayBuffer(8))
  const msPerTarget = (seconds * 1000) / targets.length
  const workerData: Work = { targets, seed, msPerTarget, progress }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
  const tallies: Tally[] = []
  let broken: Finding | null = null
  const breakOff = (error: string): void => {
    const [index = 0, execution = 0] = progress
    const target = targets[index] ?? ''
    const maxBytes = TARGETS.find(({ name }) => name === target)?.maxBytes ?? 0
    const input = toHex(inputOf(seed, execution, corpusOf(target), maxBytes))
    broken = { target, seed, execution, error, input }
    void worker.terminate()
  }
  worker.on('message', (tally: Tally) => {
    tallies.push(tally)
    const { target, executions, perSecond } = tally
    console.log(
      `${target.padEnd(16)} ${String(executions).padStart(9)} ${String(perSecond).padStart(8)}/s`,
    )
  })
  worker.on('error', (error) => breakOff(String(error)))
  let before = ''
  const watch = setInterval(() => {
    if (progress.join() === before) breakOff(`an execution takes more than ${STUCK_MS} ms`)
    before = progress.join()
  }, STUCK_MS)
  return new Promise((done) => {
    worker.on('exit', () => {
      clearInterval(watch)
      const findings = [...tallies.flatMap((tally) => tally.findings), ...(broken ? [broken] : [])]
      for (const finding of findings) printFinding(finding)
      const executions = tallies.reduce((sum, tally) => sum + tally.executions, 0)
      console.log(`${executions} executions, ${findings.length} findings`)
      done(findings.length === 0 && tallies.length === targets.length)
    })
  })
}

function wishOrExit(): Wish {
  const names = TARGETS.map(({ name }) => name)
  try {
    return readWish(process.argv.slice(2), names)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error('npm run fuzz [-- SECONDS] [--seed N] [--only TARGET] [--input HEX]')
    console.error(`Targets: ${names.join(' ')}`)
    process.exit(2)
  }
}

const wish = wishOrExit()
const [only = ''] = wish.targets
const kept = await (wish.input === null ? runAll(wish) : runOnce(only, wish.input))
if (!kept) process.exitCode = 1
