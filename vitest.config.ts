// The test projects. `e2e`, `silence` and `lab` run one file at a time, after the others: they measure time and own sockets.
// A full run starts several vitest beside each other (tests/run.ts).
import { resolve } from 'node:path'
import { defineConfig } from 'vitest/config'

const kinds = (kind: string) => [`tests/${kind}/**/*.test.ts`, `tests/${kind}/**/*.test.tsx`]

/** Only what hangs is stopped: a slow machine is no defect. */
const PATIENCE_MS = 180_000

/** Simulations spend their time in ciphers: shared/ gets the primitives of noble from node:crypto in there. */
const nativePrimitives = {
  name: 'native-primitives',
  enforce: 'pre' as const,
  resolveId(wanted: string, importer: string | undefined) {
    const taken = wanted.startsWith('@noble/') && /shared\/(noble|hash)\.ts$/.test(importer ?? '')
    return taken ? resolve(import.meta.dirname, 'tests/simulation/native.ts') : null
  },
}

export default defineConfig({
  test: {
    reporters: ['default', './tests/reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: kinds('unit'),
          maxWorkers: '100%',
          testTimeout: PATIENCE_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'worker',
          include: kinds('worker'),
          maxWorkers: '100%',
          testTimeout: PATIENCE_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'workerd',
          include: kinds('workerd'),
          globalSetup: ['tests/workerd/setup.ts'],
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          maxWorkers: 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'mega',
          include: kinds('mega'),
          maxWorkers: '100%',
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: [nativePrimitives],
        test: {
          name: 'simulation',
          include: kinds('simulation'),
          // All start before the first of them takes gaps only (simulation/gaps.ts): the start has a limit of time.
          maxWorkers: 3,
          // A simulated moment leaves much behind that is garbage at its end.
          execArgv: ['--max-semi-space-size=64'],
          // Virtual time has its own limits; who takes gaps may long have none.
          testTimeout: 0,
          hookTimeout: 0,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'silence',
          include: kinds('silence'),
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: kinds('e2e'),
          globalSetup: ['tests/e2e/setup.ts'],
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'lab',
          include: kinds('lab'),
          globalSetup: ['tests/e2e/setup.ts'],
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
