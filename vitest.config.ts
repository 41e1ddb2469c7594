// The test projects. `e2e` and `silence` run one file at a time, after the others: they measure time and own sockets.
import { defineConfig } from 'vitest/config'

const kinds = (kind: string) => [`tests/${kind}/**/*.test.ts`, `tests/${kind}/**/*.test.tsx`]

export default defineConfig({
  test: {
    reporters: ['default', './tests/reporter.ts'],
    projects: [
      { test: { name: 'unit', include: kinds('unit'), sequence: { groupOrder: 0 } } },
      {
        test: {
          name: 'worker',
          include: kinds('worker'),
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: { name: 'simulation', include: kinds('simulation'), sequence: { groupOrder: 0 } },
      },
      {
        test: {
          name: 'silence',
          include: kinds('silence'),
          testTimeout: 60_000,
          hookTimeout: 60_000,
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
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
