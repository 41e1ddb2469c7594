// What a computer sends to one address, counted by its own kernel: nothing is missed, whatever the load. It counts behind
// the computer's filter rules: what those drop was not sent.
import { isIPv6 } from 'node:net'
import type { Node } from './topology.ts'

/** A port of each transport that is open on purpose: what goes out from there is counted apart. */
export const CONTROL_PORT = 4321

export interface Sent {
  /** packets of any kind, the kernel's refusals included */
  readonly anything: number
  readonly datagrams: number
  /** TCP connections that were accepted */
  readonly accepted: number
  /** TCP packets that carry what a program wrote */
  readonly words: number
  /** of the control port, by either transport */
  readonly control: number
}

const COUNTERS: Readonly<Record<keyof Sent, string>> = {
  // Of ICMP these would be other bytes.
  anything: `meta l4proto { tcp, udp } th sport != ${CONTROL_PORT}`,
  datagrams: `udp sport != ${CONTROL_PORT}`,
  accepted: `tcp sport != ${CONTROL_PORT} tcp flags & (syn | ack) == syn | ack`,
  words: `tcp sport != ${CONTROL_PORT} tcp flags & psh == psh`,
  control: `meta l4proto { tcp, udp } th sport ${CONTROL_PORT}`,
}

/** IPv6 asks who has an address by ICMP, as IPv4 does by ARP: that is no answer to anybody. */
const NO_NEIGHBOURS = 'icmpv6 type != { nd-neighbor-solicit, nd-neighbor-advert }'

/** Starts to count; each call gives what `node` sent to `address` since the one before. */
export function watch(node: Node, address: string): () => Sent {
  const six = isIPv6(address)
  const [table, to] = six ? ['watch6', `ip6 daddr ${address}`] : ['watch', `ip daddr ${address}`]
  const names = Object.keys(COUNTERS).map((name) => `counter ${name} { }`)
  const rules = Object.entries(COUNTERS).map(([name, what]) => `${to} ${what} counter name ${name}`)
  const head = 'type filter hook output priority 300;'
  const icmp = `${to} ${six ? NO_NEIGHBOURS : 'meta l4proto icmp'} counter name anything`
  const lines = [...names, 'chain out {', head, icmp, ...rules, '}']
  node.rules(`table inet ${table} {\n${lines.join('\n')}\n}`)
  return () => {
    const { nftables } = JSON.parse(node.run(`nft -j reset counters table inet ${table}`)) as {
      nftables: { counter?: { name: string; packets: number } }[]
    }
    const counters = nftables.flatMap(({ counter }) => (counter === undefined ? [] : [counter]))
    return Object.fromEntries(counters.map(({ name, packets }) => [name, packets])) as never
  }
}
