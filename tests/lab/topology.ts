// A small internet out of network namespaces: one bridge, a cloud (page, records, mailbox, STUN), and homes behind routers of
// every kind. All of it lies inside the test's own namespace, has no uplink, and ends with its processes.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import { labLacks } from '../tools.ts'
import { CHAINS } from './miniupnpd.ts'

/**
 * `public`: no router. `eim`: endpoint-independent mapping, port-restricted filter, as most homes. `sym`: another port
 * for each destination. `double`: two of `eim` in series. `noudp`: as `eim`, and no UDP passes. `full`: as `eim`, and who
 * sends to a port that something inside has sent from gets in (full cone). `mapped`: as `sym`, with chains for miniupnpd.
 */
export type Kind = 'public' | 'eim' | 'sym' | 'double' | 'noudp' | 'full' | 'mapped'

/** What looks public and is nobody's in here. */
export const WAN = '11.99.0.0/16'
const WAN6 = '2a11:99'
/** of a tunnel: `.1` is the provider's end */
const TUNNEL = '10.66.0'
const CLOUD_WAN = '11.99.0.1'
/** Plain http pages are allowed at local addresses only, so the cloud has one of these as well. */
export const CLOUD = '100.64.9.1'

/** Why there can be no lab here, or null. */
export function missing(): string | null {
  if (!process.env.CLAWCHAT_TEST_NAMESPACE) return 'not in a namespace of its own: npm run lab'
  return labLacks(process.getuid?.())
}

/** A computer or router: a network namespace that lives as long as its first process. */
export class Node {
  readonly name: string
  readonly #child: ChildProcess

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
  }

  static async make(name: string): Promise<Node> {
    const child = spawn('unshare', ['--net', '--', 'sleep', 'infinity'], { stdio: 'ignore' })
    await once(child, 'spawn')
    const own = readlinkSync('/proc/self/ns/net')
    const deadline = Date.now() + 5000
    // `unshare` becomes the sleeper, but only once the namespace is made.
    while (readlinkSync(`/proc/${child.pid}/ns/net`) === own) {
      if (Date.now() > deadline) throw new Error('unshare made no namespace within 5 s')
      await new Promise((resolve) => setImmediate(resolve))
    }
    const node = new Node(name, child)
    node.run('ip link set lo up')
    return node
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** What to put before a command to have it run in here. */
  get prefix(): readonly string[] {
    return ['nsenter', '--target', String(this.pid), '--net', '--']
  }

  /** Runs one command of plain words; fails with what it said. */
  run(line: string): string {
    return this.exec(line.split(' '))
  }

  exec(command: readonly string[], input = ''): string {
    const [file = '', ...args] = [...this.prefix, ...command]
    return execFileSync(file, args, { encoding: 'utf8', input, stdio: 'pipe' })
  }

  /** Loads nftables rules. */
  rules(text: string): void {
    this.exec(['nft', '-f', '-'], text)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

/** The NAT keeps port numbers, so a port that was sent from is the one outside. */
const fullCone = (computer: string): string => `
table ip cone {
  set ports { type inet_service; flags timeout; timeout 2m; }
  chain note {
    type filter hook forward priority -10;
    oifname "wan" meta l4proto udp update @ports { udp sport }
  }
  chain in {
    type nat hook prerouting priority dstnat;
    iifname "wan" udp dport @ports dnat to ${computer}
  }
}`

/** `outside` hears only what `inside` asked for; a packet that comes unasked must leave no trace in conntrack. */
const natRules = (kind: Kind): string => `
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade ${kind === 'sym' || kind === 'mapped' ? 'random,fully-random' : ''}
  }
}
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    iifname "lan" accept
    ct state established,related accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ${kind === 'noudp' ? 'meta l4proto udp drop' : ''}
    ct state established,related accept
    iifname "lan" accept
    ${kind === 'full' ? 'ct status dnat accept' : ''}
    ${kind === 'mapped' ? 'jump miniupnpd' : ''}
  }
  ${kind === 'mapped' ? CHAINS : ''}
}`

/** A home: the computer in it, and its routers from the inside out (none if it is public). */
export interface Home {
  readonly kind: Kind
  /** its address outside */
  readonly wan: string
  readonly net: number
  readonly computer: Node
  readonly routers: readonly Node[]
}

export class Internet {
  readonly #nodes: Node[] = []
  readonly #bridge: Node
  readonly cloud: Node
  #count = 0
  /** who has an IPv6 address already */
  readonly #six = new Set<Node>()

  private constructor(bridge: Node, cloud: Node) {
    this.#bridge = bridge
    this.cloud = cloud
    this.#nodes.push(bridge, cloud)
  }

  static async make(): Promise<Internet> {
    // Should a route of ours ever be missing, what looks public goes nowhere.
    execFileSync('ip', ['route', 'replace', 'unreachable', WAN])
    const bridge = await Node.make('bridge')
    bridge.run('ip link add br0 type bridge')
    bridge.run('ip link set br0 up')
    const internet = new Internet(bridge, await Node.make('cloud'))
    internet.#plug(internet.cloud, 'wan', CLOUD_WAN)
    internet.cloud.run(`ip addr add ${CLOUD}/32 dev wan`)
    internet.cloud.run('ip route add default via 11.99.0.2 dev wan')
    return internet
  }

  /** An interface of a node on the bridge, with an address there. */
  #plug(node: Node, name: string, address: string): void {
    this.#count += 1
    const port = `p${this.#count}`
    this.#bridge.run(`ip link add ${port} type veth peer name ${name} netns ${node.pid}`)
    this.#bridge.run(`ip link set ${port} master br0 up`)
    node.run(`ip addr add ${address}/16 dev ${name}`)
    node.run(`ip link set ${name} up`)
  }

  async #node(name: string): Promise<Node> {
    const node = await Node.make(name)
    this.#nodes.push(node)
    return node
  }

  /** `wan`: its address outside; `net`: 0 to 250, its networks inside are 192.168.net.0/24 and 10.9.net.0/24. */
  async home(kind: Kind, wan: string, net: number): Promise<Home> {
    const place = { kind, wan, net }
    const computer = await this.#node(`${kind} ${net}`)
    if (kind === 'public') {
      this.#plug(computer, 'eth0', wan)
      computer.run(`ip route add default via ${CLOUD_WAN}`)
      return { ...place, computer, routers: [] }
    }
    const outer = await this.#router(kind, kind === 'double' ? `10.9.${net}` : `192.168.${net}`)
    this.#plug(outer, 'wan', wan)
    outer.run(`ip route add default via ${CLOUD_WAN}`)
    if (kind !== 'double') {
      cable(outer, 'lan', computer, 'eth0', `192.168.${net}`)
      return { ...place, computer, routers: [outer] }
    }
    const inner = await this.#router('eim', `192.168.${net}`)
    cable(outer, 'lan', inner, 'wan', `10.9.${net}`)
    cable(inner, 'lan', computer, 'eth0', `192.168.${net}`)
    return { ...place, computer, routers: [inner, outer] }
  }

  /** A router of one's own goes off, and comes back with its addresses and nothing else; its programs have ended. */
  async reboot(home: Home, offMs: number): Promise<Home> {
    const { kind, wan, net, computer, routers } = home
    const [old] = routers
    if (old === undefined || routers.length > 1) throw new Error('bug: not one router')
    // The cable stays in the computer; its other end waits here.
    old.run(`ip link set lan netns ${this.#bridge.pid}`)
    await old.end()
    await new Promise((resolve) => setTimeout(resolve, offMs))
    const router = await this.#router(kind, `192.168.${net}`)
    this.#bridge.run(`ip link set lan netns ${router.pid}`)
    router.run(`ip addr add 192.168.${net}.1/24 dev lan`)
    router.run('ip link set lan up')
    this.#plug(router, 'wan', wan)
    router.run(`ip route add default via ${CLOUD_WAN}`)
    return { kind, wan, net, computer, routers: [router] }
  }

  /**
   * Gives a home IPv6 as well. Its router, if it has one, lets nothing in that was not asked for.
   * @returns the computer's address, and that of its neighbour in the same network
   */
  six({ net, computer, routers }: Home): { readonly address: string; readonly neighbour: string } {
    const [router] = routers
    const network = router === undefined ? `${WAN6}:` : `${WAN6}:${net}:`
    const [address, neighbour] = [`${network}:${net + 1}`, `${network}:1`]
    computer.run(`ip addr add ${address}/64 dev eth0 nodad`)
    if (router === undefined && !this.#six.has(this.cloud)) {
      this.#six.add(this.cloud)
      this.cloud.run(`ip addr add ${neighbour}/64 dev wan nodad`)
    }
    router?.run(`ip addr add ${neighbour}/64 dev lan nodad`)
    computer.run(`ip route add default via ${neighbour}`)
    return { address, neighbour }
  }

  /**
   * Somebody who sells tunnels. As with WireGuard, what comes out of one must bear the address that was given there: what was
   * begun in another network and now goes that way is lost.
   */
  async tunnels(wan: string): Promise<Node> {
    const provider = await this.#router('eim', TUNNEL)
    provider.rules(
      `table inet tunnel {\nchain f {\ntype filter hook prerouting priority -300;\niifname "lan" ip saddr != ${TUNNEL}.2 drop\n}\n}`,
    )
    this.#plug(provider, 'wan', wan)
    provider.run(`ip route add default via ${CLOUD_WAN}`)
    return provider
  }

  async #router(kind: Kind, lan: string): Promise<Node> {
    const router = await this.#node(`router ${lan}`)
    router.run('sysctl -qw net.ipv4.ip_forward=1')
    setRules(router, kind, lan)
    return router
  }

  async end(): Promise<void> {
    await Promise.allSettled(this.#nodes.map((node) => node.end()))
    execFileSync('ip', ['route', 'del', 'unreachable', WAN])
  }
}

/** The rules of a router of this kind, and none that it had: it forgets every mapping. */
export function setRules(router: Node, kind: Kind, lan: string): void {
  router.rules(`flush ruleset\n${natRules(kind)}\n${kind === 'full' ? fullCone(`${lan}.2`) : ''}`)
}

/**
 * A tunnel comes up: another device with another address, and all that is not for the own network goes there from now on.
 * The old default route stays behind it. One at a time for each provider. @returns a function that ends it
 */
export function tunnel({ computer, routers }: Home, provider: Node): () => void {
  const [, gateway = ''] = /^default via (\S+)/m.exec(computer.run('ip route')) ?? []
  // Who is public here has the whole internet in the own network, which a tunnel would leave alone.
  const old = routers.length === 0 ? 'default dev eth0' : `default via ${gateway} dev eth0`
  computer.run(`ip route flush ${routers.length === 0 ? 'dev eth0' : 'exact default'}`)
  computer.run(`ip route add ${old} metric 600`)
  cable(provider, 'lan', computer, 'tun0', TUNNEL)
  computer.run('ip link set tun0 mtu 1420')
  return () => void computer.run('ip link del tun0')
}

/** Joins two nodes: `up` is .1 of the network and the default route of `down`, which is .2. */
function cable(up: Node, upName: string, down: Node, downName: string, network: string): void {
  up.run(`ip link add ${upName} type veth peer name ${downName} netns ${down.pid}`)
  up.run(`ip addr add ${network}.1/24 dev ${upName}`)
  up.run(`ip link set ${upName} up`)
  down.run(`ip addr add ${network}.2/24 dev ${downName}`)
  down.run(`ip link set ${downName} up`)
  down.run(`ip route add default via ${network}.1`)
}
