// The programs that the browser tests and the lab need, the Debian package of each, and what runs without them.
import { existsSync } from 'node:fs'

interface Tool {
  readonly files: readonly string[]
  readonly debian: string
  /** only the lab needs it */
  readonly lab?: true
}

export const TOOLS: readonly Tool[] = [
  { files: ['/usr/bin/chromium'], debian: 'chromium' },
  { files: ['/usr/bin/firefox-esr'], debian: 'firefox-esr' },
  { files: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'], debian: 'iproute2' },
  { files: ['/usr/bin/unshare'], debian: 'util-linux' },
  { files: ['/usr/sbin/nft'], debian: 'nftables', lab: true },
  { files: ['/usr/sbin/miniupnpd'], debian: 'miniupnpd-nftables', lab: true },
  { files: ['/usr/bin/turnserver'], debian: 'coturn', lab: true },
  { files: ['/usr/bin/nmap'], debian: 'nmap', lab: true },
  { files: ['/usr/bin/tcpdump'], debian: 'tcpdump', lab: true },
]

/** Debian packages of the tools that are not there. */
export const absent = (tools: readonly Tool[] = TOOLS, exists = existsSync): string[] =>
  tools.filter((tool) => !tool.files.some((file) => exists(file))).map(({ debian }) => debian)

/** Without these no browser test runs. */
export const BROWSER_TOOLS = TOOLS.filter(({ lab }) => lab === undefined)

/** Why the lab cannot run here, or null. Root in a namespace of an ordinary user is not enough for its programs. */
export function labLacks(uid: number | undefined, exists = existsSync): string | null {
  if (uid !== 0) return 'needs root'
  const missing = absent(TOOLS, exists)
  return missing.length === 0 ? null : `not installed: ${missing.join(', ')}`
}

/** Whether arguments of vitest ask for the lab. */
export const asksForLab = (args: readonly string[]): boolean =>
  args.some((arg, i) => arg === '--project=lab' || (arg === 'lab' && args[i - 1] === '--project'))
