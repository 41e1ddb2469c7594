// `npm run check`: what CI runs without the slow parts. Format and lint, types per runtime, unit and worker tests
// (among them the dependency table and the purity of shared/). No browser, no namespace, no root. `--static` leaves the
// tests to `npm test`, which has them too.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const bin = (path: string) => resolve(root, 'node_modules', path)

const projects = (...names: string[]): string[] => names.flatMap((name) => ['--project', name])

const steps: readonly (readonly [name: string, script: string, ...args: string[]])[] = [
  ['format and lint', bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'],
  ...['shared', 'host', 'web', 'web/service-worker', 'fallback-worker', 'tests'].map(
    (part) => [`types of ${part}/`, bin('typescript/bin/tsc'), '-p', part] as const,
  ),
]
const tests = [
  'tests',
  bin('vitest/vitest.mjs'),
  'run',
  ...projects('unit', 'worker', 'simulation'),
] as const
const isStatic = process.argv.includes('--static')

// All steps run, so that one broken part does not hide another; the tests come last with their closing line.
const broken: string[] = []
for (const [name, script, ...args] of isStatic ? steps : [...steps, tests]) {
  process.stderr.write(`== ${name}\n`)
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) broken.push(name)
}
if (broken.length > 0) {
  process.stderr.write(`check failed: ${broken.join(', ')}\n`)
  process.exitCode = 1
}
