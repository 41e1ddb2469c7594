// `npm run bench [-- CELL…] [--size 10GB]`: figures and ratios; fails only where the product's own limits are broken (performance.md).
import { spawnSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { labLacks } from '../tools.ts'
import { benchEcho } from './echo.ts'
import { benchFiles } from './files.ts'
import { benchHandshake } from './handshake.ts'
import { benchHistory } from './history.ts'
import { benchKnock } from './knock.ts'
import { benchRecord } from './record.ts'
import { benchRecords } from './records.ts'
import { benchResolve } from './resolve.ts'
import { benchSeal } from './seal.ts'

const CELLS = [
  'seal',
  'handshake',
  'knock',
  'record',
  'resolve',
  'memory',
  'echo',
  'files',
  'bigfile',
  'records',
  'history',
  'search',
  'page',
  'load',
  'fanout',
  'scroll',
  'kept',
  'connect',
] as const
/** `size`: of the file of `bigfile` */
const { positionals: wanted, values } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '1GiB' } },
})
const unknown = wanted.filter((cell) => !CELLS.some((known) => known === cell))
if (unknown.length > 0) {
  console.error(`No such cell: ${unknown.join(', ')}. There are: ${CELLS.join(', ')}`)
  process.exit(2)
}
const runs = (cell: (typeof CELLS)[number]): boolean => wanted.length === 0 || wanted.includes(cell)

const load = loadavg().map((value) => value.toFixed(2))
console.log(`node ${process.version}, ${cpus().length} cores, load ${load.join(' ')}`)
let kept = true
if (runs('seal')) kept = await benchSeal()
if (runs('handshake')) await benchHandshake()
if (runs('knock')) benchKnock()
if (runs('record')) await benchRecord()
if (runs('resolve')) await benchResolve()
if (
  runs('memory') &&
  spawnSync(process.execPath, ['tests/bench/memory.ts'], { stdio: 'inherit' }).status !== 0
)
  kept = false
if (runs('echo')) await benchEcho()
if (
  runs('fanout') &&
  spawnSync(process.execPath, ['tests/bench/fanout.ts'], { stdio: 'inherit' }).status !== 0
)
  kept = false
if (runs('files')) await benchFiles()
if (runs('records')) await benchRecords()
const long = (['history', 'search'] as const).filter(runs)
if (long.length > 0) benchHistory(long)
// Browsers want an interface that is not loopback: the same private namespace as the tests'.
const inNamespace = (file: string, ...args: readonly string[]): boolean =>
  spawnSync(process.execPath, ['tests/namespace.ts', file, ...args], { stdio: 'inherit' })
    .status === 0
if (runs('bigfile') && !inNamespace('tests/bench/bigfile.ts', '--size', values.size)) kept = false
if (runs('page') && !inNamespace('tests/bench/page.ts')) kept = false
if (runs('load') && !inNamespace('tests/bench/load.ts')) kept = false
if (runs('connect')) {
  const why = labLacks(process.getuid?.())
  if (why !== null) console.log(`connect    not run: the network lab ${why}`)
  else if (!inNamespace('tests/bench/connect.ts')) kept = false
}
if (runs('scroll') && !inNamespace('tests/bench/scroll.ts')) kept = false
if (runs('kept') && !inNamespace('tests/bench/kept.ts')) kept = false
if (!kept) {
  console.error(
    'A limit was broken: sealing and opening one message reached 100 ms at p99, or a cell failed.',
  )
  process.exitCode = 1
}
