// A private network and process namespace for whatever needs browsers: tests, benchmarks, pictures. As a program:
// `node tests/namespace.ts FILE [ARG…]` runs a TypeScript file in one.
import { spawnSync } from 'node:child_process'

// Both ends of the pair stay in here. Chromium gathers no ICE candidates without a default route, and Firefox
// sends nothing to loopback; the gateway need not exist. There is no `dummy` device in every kernel; veth is.
const network = [
  'ip link set lo up',
  'ip link add cc0 type veth peer name cc1',
  'ip addr add 10.77.0.1/24 dev cc0',
  'ip link set cc0 up',
  'ip link set cc1 up',
  'ip route add default via 10.77.0.2 dev cc0',
].join(' && ')

/** Arguments of `unshare` (util-linux) that run a command in there; exit code 3 if none can be made. */
export function inNamespace(command: readonly string[]): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const own = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc', ...asRoot]
  // The shell stays as process 1 of the namespace, to reap what browsers leave behind.
  const script = `PATH=$PATH:/usr/sbin:/sbin; ${network} || exit 3; "$@"; exit $?`
  return [...own, '--', 'sh', '-c', script, 'sh', ...command]
}

if (import.meta.main) {
  const env = { ...process.env, CLAWCHAT_TEST_NAMESPACE: '1' }
  const command = inNamespace([process.execPath, ...process.argv.slice(2)])
  process.exitCode = spawnSync('unshare', command, { stdio: 'inherit', env }).status ?? 1
}
