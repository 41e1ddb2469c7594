// The thread that fuzzes; run.ts watches it, since an input may also make a decoder never return.
import { parentPort, workerData } from 'node:worker_threads'
import { corpusOf } from './corpus.ts'
import { fuzz } from './fuzz.ts'
import { TARGETS } from './targets.ts'

export interface Work {
  readonly targets: readonly string[]
  readonly seed: number
  readonly msPerTarget: number
  /** [index in `targets`, execution] of what runs */
  readonly progress: Int32Array
}

const { targets, seed, msPerTarget, progress } = workerData as Work
for (const [index, name] of targets.entries()) {
  const target = TARGETS.find((one) => one.name === name)
  if (target === undefined) throw new Error(`bug: no target ${name}`)
  progress[0] = index
  const onExecution = (execution: number): void => {
    progress[1] = execution
  }
  const options = { corpus: corpusOf(name), seed, ms: msPerTarget, onExecution }
  parentPort?.postMessage(await fuzz(target, options))
}
