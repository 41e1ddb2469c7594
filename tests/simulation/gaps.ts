// In a full run there are browsers and clocks beside the simulations, which do nothing but compute: they take what time these
// leave (sched(7)) until they are alone. Elsewhere, as in `npm run check`, they run as everything else does.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

/** Names a file that is not there while something else goes on. */
export const UNTIL_ALONE = 'TESTS_UNTIL_ALONE'

const weigh = (policy: 'idle' | 'other'): string => `chrt --all-tasks --${policy} --pid 0 "$0"`
// Linux weighs sessions first, where it weighs them, and then the processes in each.
const weighSession = (nice: number): string => `echo ${nice} >"/proc/$0/autogroup"`
const watch = [
  ...[weigh('idle'), weighSession(19)],
  'until test -e "$1"; do sleep 1; done',
  ...[weighSession(0), weigh('other')],
].join('; ')

let watcher: ChildProcess | null = null

/**
 * Once the tests run: vitest waits for the start of a process, but not without limit. Another process does it, since who
 * takes gaps may long have none in which to look.
 */
export function takeGaps(): void {
  const file = process.env[UNTIL_ALONE]
  if (file === undefined) return
  watcher = spawn('sh', ['-c', watch, String(process.pid), file], { stdio: 'ignore' })
}

/** Once they are over, for the same reason. Who is not root may not: the end comes in a gap, then. */
export function leaveGaps(): void {
  if (watcher === null) return
  watcher.kill()
  spawnSync('sh', ['-c', weigh('other'), String(process.pid)], { stdio: 'ignore' })
}
