// The real miniupnpd in a router of the lab: what it needs of the router's rules, and how it is started.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './until.ts'

export type Speaks = readonly ('pcp' | 'nat-pmp' | 'upnp')[]

/** Its chains, in a table `inet filter` whose chain `forward` jumps to `miniupnpd`. */
export const CHAINS = `
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; }
  chain postrouting_miniupnpd { }`

export interface DaemonChoice {
  /** `nat-pmp` without `pcp` is an old router */
  readonly speaks: Speaks
  /** longest lease, in seconds */
  readonly maxLease?: number | undefined
  /** of the router, in a network of 24 bits */
  readonly lan: string
}

function config({ speaks, maxLease, lan }: DaemonChoice): string {
  const lines = [
    'ext_ifname=wan',
    'ext_ifname6=wan',
    'listening_ip=lan',
    'secure_mode=yes',
    'uuid=2db77adc-ff6a-4333-a609-79f76053e62f',
    'system_uptime=no',
    'min_lifetime=1',
    `max_lifetime=${maxLease ?? 86_400}`,
    `enable_natpmp=${speaks.some((name) => name !== 'upnp') ? 'yes' : 'no'}`,
    `enable_upnp=${speaks.includes('upnp') ? 'yes' : 'no'}`,
    `allow 1024-65535 ${lan.replace(/\d+$/, '0')}/24 1024-65535`,
    'deny 0-65535 0.0.0.0/0 0-65535',
  ]
  return `${lines.join('\n')}\n`
}

/** `enter`: what stands before a command in the router. Resolves once it says that it listens. */
export async function startMiniupnpd(
  enter: readonly string[],
  folder: string,
  choice: DaemonChoice,
): Promise<ChildProcess> {
  const [file, pid, log] = ['miniupnpd.conf', 'pid', 'log'].map((name) => join(folder, name)) as [
    ...[string, string, string],
  ]
  writeFileSync(file, config(choice))
  rmSync(pid, { force: true })
  const [program = '', ...args] = [...enter, 'miniupnpd', '-d', '-f', file, '-P', pid]
  // A file, not a pipe: a daemon whose pipe is full stands still.
  const out = openSync(log, 'w')
  const daemon = spawn(program, args, { stdio: ['ignore', out, out] })
  closeSync(out)
  await until('miniupnpd', 10_000, () => {
    const said = readFileSync(log, 'utf8')
    if (daemon.exitCode !== null) throw new Error(`miniupnpd ended:\n${said}`)
    return /HTTP listening on port|Listening for NAT-PMP\/PCP traffic/.test(said)
  })
  return daemon
}
