// Words for people: what the router does for this host, or why nothing.
import type { FamilyStatus, RouterStatus } from './config.ts'
import type { MapProtocol } from './gateway.ts'
import type { MapCause } from './mapstate.ts'
import type { RouterStep } from './routerdoctor.ts'
import { formatMoment, type Words } from './terminal.ts'

/** As {@link FamilyStatus.cause}. */
export const MAP_WORDS: Readonly<Record<MapCause, Words>> = {
  off: {
    message: 'Nothing is asked of the router (--no-map).',
    next: 'Leave out --no-map, or forward the ports by hand.',
  },
  searching: { message: 'The router is being asked.', next: 'Look again in a few seconds.' },
  'no-gateway': {
    message: 'No router was found: this computer has no default route, or its system is not Linux.',
    next: 'Connect to a network; on other systems forward the port range by hand and give --external-address.',
  },
  'no-answer': {
    message: 'The router answers neither PCP nor NAT-PMP nor UPnP.',
    next: 'Switch one of them on in the settings of the router, if it has them; devices come in by other routes meanwhile.',
  },
  refused: {
    message: 'The router refused to hand the port on.',
    next: 'Allow this computer to open ports, in the settings of the router; it is asked again in ten minutes.',
  },
  'bad-answer': {
    message: 'The router gave an answer that makes no sense.',
    next: 'Restart the router or update its software; nothing was changed.',
  },
  'no-public-address': {
    message:
      'The router names no public address: its line is down, or it stands behind another NAT (of the provider, or of a second router).',
    next: 'Check the line; if it works, ask the provider for a public address. The host goes on asking.',
  },
  'carrier-nat': {
    message:
      'The provider shares one address among many customers (carrier NAT): no port of the router leads here.',
    next: 'Ask the provider for a public address, or rely on IPv6 and the relay.',
  },
  'double-nat': {
    message:
      'Another router stands in front of this one (double NAT): the mapped port can be reached from the network in between only.',
    next: 'Let the outer router forward the same ports to the inner one, or use only one of the two as a router.',
  },
  'address-differs': {
    message:
      'A STUN server sees another address than the router names: a VPN, or another NAT at the provider.',
    next: 'Check from outside whether the host can be reached; if not, ask the provider for a public address.',
  },
}

const PROTOCOL: Readonly<Record<MapProtocol, string>> = {
  pcp: 'PCP',
  'nat-pmp': 'NAT-PMP',
  upnp: 'UPnP',
}

function familyLines(name: string, { cause, mappings }: FamilyStatus): string[] {
  const rows = mappings.map(({ protocol, transport, port, externalPort, since, leaseSeconds }) => {
    const lease = leaseSeconds === null ? 'until it is deleted' : `for ${leaseSeconds} s at a time`
    return `Router (${name}): ${transport} ${externalPort} leads to port ${port}, by ${PROTOCOL[protocol]}, since ${formatMoment(since)}, ${lease}`
  })
  if (cause === null) return rows
  const { message, next } = MAP_WORDS[cause]
  return [...rows, `Router (${name}): ${message} ${next}`]
}

/** Lines of `status`. Without IPv6 here nothing is said of it. */
export function routerLines({ ipv4, ipv6 }: RouterStatus): string[] {
  const silent = ['off', 'no-gateway', 'searching'].includes(ipv6.cause ?? '')
  return [...familyLines('IPv4', ipv4), ...(silent ? [] : familyLines('IPv6', ipv6))]
}

const STEP_WORDS: Readonly<Record<RouterStep['step'], string>> = {
  gateway: 'a router is there',
  pcp: 'it speaks PCP',
  'nat-pmp': 'it speaks NAT-PMP',
  upnp: 'it speaks UPnP',
  map: 'it hands a port on, and lets go of it',
  external: 'its far address is a public one',
  stun: 'a STUN server sees the same address',
}
const STUN_SILENT: Words = {
  message: 'No STUN server answered.',
  next: 'Check the addresses given with --stun, and that the firewall lets UDP out.',
}

/** What `doctor --router` answers. */
export function routerDoctorText(steps: readonly RouterStep[]): string {
  const rows = steps.map(({ step, ok, cause, ms }) => {
    if (ok || cause === null) return `  yes  ${STEP_WORDS[step]} (${ms} ms)`
    const { message, next } = cause === 'stun-silent' ? STUN_SILENT : MAP_WORDS[cause]
    const words = step in PROTOCOL ? '' : `: ${message} ${next}`
    return `  no   ${STEP_WORDS[step]} (${cause})${words}`
  })
  const spoken = steps.some(({ step }) => step === 'map') || steps.length < 2
  const { message, next } = MAP_WORDS['no-answer']
  return ['Router:', ...rows, ...(spoken ? [] : [`${message} ${next}`])].join('\n')
}
