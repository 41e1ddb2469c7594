// What a scanner finds: nmap over every port of one transport. The kernels of the lab refuse without a limit on their rate,
// or 65 535 closed UDP ports would take a day.
import { execFile } from 'node:child_process'
import { isIPv6 } from 'node:net'
import { promisify } from 'node:util'
import type { Node } from './topology.ts'

const PORTS = 65_535

export interface Found {
  /** answered */
  readonly open: readonly number[]
  /** neither answered nor refused, named one by one because most others were */
  readonly silent: readonly number[]
  /** what nmap says of most ports */
  readonly others: string
}

/** Lets this computer refuse as fast as it is asked. */
export function refuseQuickly(node: Node): void {
  const limits = ['icmp_ratelimit=0', 'icmp_msgs_per_sec=1000000', 'icmp_msgs_burst=1000000']
  for (const limit of limits) node.run(`sysctl -qw net.ipv4.${limit}`)
  node.run('sysctl -qw net.ipv6.icmp.ratelimit=0')
}

/** Who refuses sets the pace of a scan. */
export const AT_ITS_PACE = ['-T4']
/** For computers that do not even refuse: there is nothing to wait for. */
export const WITHOUT_WAITING = ['-T5', '--min-rate', '20000', '--max-retries', '0']

export async function scan(
  from: Node,
  address: string,
  transport: 'tcp' | 'udp',
  pace: readonly string[] = AT_ITS_PACE,
): Promise<Found> {
  const kind = transport === 'tcp' ? '-sS' : '-sU'
  const family = isIPv6(address) ? ['-6'] : []
  const how = ['-n', '-Pn', ...family, kind, '-p-', ...pace]
  const command = [...from.prefix, 'nmap', ...how, '-oX', '-', address]
  const [file = '', ...args] = command
  const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 64 * 1024 * 1024 })
  return parse(stdout)
}

/** nmap's XML: a `port` for each that stands out, an `extraports` for each state of the many. */
function parse(xml: string): Found {
  const ports = [...xml.matchAll(/portid="(\d+)"><state state="([a-z|]+)"/g)]
  const many = [...xml.matchAll(/<extraports state="([a-z|]+)" count="(\d+)"/g)]
  const seen = many.reduce((sum, [, , count]) => sum + Number(count), ports.length)
  if (seen !== PORTS) throw new Error(`nmap told of ${seen} ports of ${PORTS}`)
  const of = (...states: string[]): number[] =>
    ports.filter(([, , state = '']) => states.includes(state)).map(([, port]) => Number(port))
  const [others = ''] = many
    .toSorted(([, , a], [, , b]) => Number(b) - Number(a))
    .map(([, state = '']) => state)
  return { open: of('open'), silent: of('open|filtered', 'filtered'), others }
}
