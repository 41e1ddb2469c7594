// A home network made of namespaces: a computer, its router with NAT and the real miniupnpd, and the world beyond. The far
// addresses look public because miniupnpd refuses others; nothing here has an uplink.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { CHAINS, type Speaks, startMiniupnpd } from './miniupnpd.ts'

export const ADDRESS = {
  home: '10.9.0.5',
  /** of another computer in the house, which is the same one here */
  neighbour: '10.9.0.6',
  lan: '10.9.0.1',
  wan: '11.99.0.2',
  wanLater: '11.99.0.3',
  /** of a NAT further out, played by the same router */
  outer: '11.99.0.9',
  world: '11.99.0.1',
  home6: '2a11:99:1::5',
  lan6: '2a11:99:1::1',
  wan6: '2a11:99::2',
  world6: '2a11:99::1',
} as const

/** A network namespace, held by a sleeping process of ours. */
export class Place {
  readonly #sleeper: ChildProcess

  private constructor(sleeper: ChildProcess) {
    this.#sleeper = sleeper
  }

  static async open(): Promise<Place> {
    // `sleep` runs once the namespace is made; the line that it starts with tells so.
    const sleeper = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo; exec sleep infinity'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (sleeper.stdout === null) throw new Error('bug: no pipe')
    await once(createInterface({ input: sleeper.stdout }), 'line')
    const place = new Place(sleeper)
    place.run('ip', 'link', 'set', 'lo', 'up')
    return place
  }

  get pid(): number {
    if (this.#sleeper.pid === undefined) throw new Error('bug: no process')
    return this.#sleeper.pid
  }

  /** What stands before a command that runs in here. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.pid}/ns/net`, '--']
  }

  run(...command: string[]): string {
    const [file = '', ...args] = [...this.enter, ...command]
    return execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe', timeout: 20_000 })
  }

  async close(): Promise<void> {
    this.#sleeper.kill('SIGKILL')
    if (this.#sleeper.exitCode === null && this.#sleeper.signalCode === null) {
      await once(this.#sleeper, 'exit')
    }
  }
}

function cable(a: Place, nameA: string, b: Place, nameB: string): void {
  const there = ['peer', 'name', nameB, 'netns', String(b.pid)]
  a.run('ip', 'link', 'add', nameA, 'type', 'veth', ...there)
  a.run('ip', 'link', 'set', nameA, 'up')
  b.run('ip', 'link', 'set', nameB, 'up')
}

const RULES = `table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan" accept
    jump miniupnpd
  }
  ${CHAINS}
  chain own {
    type nat hook postrouting priority 101;
    meta nfproto ipv4 oifname "wan" masquerade
  }
}`

export interface RouterChoice {
  /** what it speaks; `nat-pmp` without `pcp` is an old router */
  readonly speaks: Speaks
  /** longest lease, in seconds */
  readonly maxLease?: number
  readonly wan?: string
  /** the address that the world sees is another one than the router's own */
  readonly behindAnother?: boolean
}

/** protocol numbers of IP */
const TRANSPORT: Readonly<Record<number, 'udp' | 'tcp'>> = { 6: 'tcp', 17: 'udp' }

/** One port that the router hands on, as its rules say. */
export interface Rule {
  readonly transport: 'udp' | 'tcp'
  readonly external: number
  readonly to: string
  readonly port: number
}

export class HomeNetwork {
  readonly home: Place
  readonly router: Place
  readonly world: Place
  readonly #folder = mkdtempSync(join(tmpdir(), 'lab-'))
  readonly #choice: RouterChoice
  #daemon: ChildProcess | null = null
  #upSinceMs = 0

  private constructor(home: Place, router: Place, world: Place, choice: RouterChoice) {
    this.home = home
    this.router = router
    this.world = world
    this.#choice = choice
  }

  static async open(choice: RouterChoice): Promise<HomeNetwork> {
    const [home, router, world] = await Promise.all([Place.open(), Place.open(), Place.open()])
    const network = new HomeNetwork(home, router, world, choice)
    cable(home, 'eth0', router, 'lan')
    cable(router, 'wan', world, 'net')
    network.#address()
    network.#rules()
    // Without it there is room for another one.
    if (choice.speaks.length > 0) await network.startDaemon()
    return network
  }

  #address(): void {
    const { home, router, world } = this
    const add = (place: Place, device: string, ...addresses: string[]): void => {
      for (const address of addresses) {
        const nodad = address.includes(':') ? ['nodad'] : []
        place.run('ip', 'addr', 'add', address, 'dev', device, ...nodad)
      }
    }
    add(home, 'eth0', `${ADDRESS.home}/24`, `${ADDRESS.neighbour}/24`, `${ADDRESS.home6}/64`)
    add(router, 'lan', `${ADDRESS.lan}/24`, `${ADDRESS.lan6}/64`)
    add(router, 'wan', `${this.#choice.wan ?? ADDRESS.wan}/24`, `${ADDRESS.wan6}/64`)
    add(world, 'net', `${ADDRESS.world}/24`, `${ADDRESS.world6}/64`)
    if (this.#choice.behindAnother) add(router, 'wan', `${ADDRESS.outer}/32`)
    home.run('ip', 'route', 'add', 'default', 'via', ADDRESS.lan)
    home.run('ip', 'route', 'add', 'default', 'via', ADDRESS.lan6)
    router.run('ip', 'route', 'add', 'default', 'via', ADDRESS.world, 'dev', 'wan', 'onlink')
    world.run('ip', 'route', 'add', '2a11:99:1::/64', 'via', ADDRESS.wan6)
    for (const name of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) {
      router.run('sh', '-c', `echo 1 > /proc/sys/net/${name}`)
    }
  }

  #rules(): void {
    const file = join(this.#folder, 'rules.nft')
    const { behindAnother } = this.#choice
    const rules = behindAnother ? RULES.replace('masquerade', `snat ip to ${ADDRESS.outer}`) : RULES
    writeFileSync(file, `flush ruleset\n${rules}\n${this.#silence()}`)
    this.router.run('nft', '-f', file)
  }

  /** PCP and NAT-PMP are one daemon on one port; an old router does not know version 2. */
  #silence(): string {
    const { speaks } = this.#choice
    const versions = [
      ...(speaks.includes('nat-pmp') ? [] : [0]),
      ...(speaks.includes('pcp') ? [] : [2]),
    ]
    const drops = versions.map((version) => `udp dport 5351 @th,64,8 ${version} drop\n`)
    return `table inet old { chain input { type filter hook input priority 0;\n${drops.join('')}}\n}`
  }

  async startDaemon(): Promise<void> {
    const { speaks, maxLease } = this.#choice
    const choice = { speaks, maxLease, lan: ADDRESS.lan }
    this.#daemon = await startMiniupnpd(this.router.enter, this.#folder, choice)
    this.#upSinceMs = performance.now()
  }

  get uptimeMs(): number {
    return performance.now() - this.#upSinceMs
  }

  /** The router restarts: its rules are gone, and what it knew. */
  async stopDaemon(): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = null
    if (daemon === null) return
    const ended = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await ended
    this.#rules()
  }

  /** The provider gives another address. */
  moveWan(from: string, to: string): void {
    // In this order: the first address of a network takes its others along.
    this.router.run('ip', 'addr', 'del', `${from}/24`, 'dev', 'wan')
    this.router.run('ip', 'addr', 'add', `${to}/24`, 'dev', 'wan')
    this.router.run(
      'ip',
      'route',
      'replace',
      'default',
      'via',
      ADDRESS.world,
      'dev',
      'wan',
      'onlink',
    )
  }

  /** Another computer of the house has these external ports. */
  occupy(first: number, last: number, ...choice: ('udp' | 'tcp' | 'undo')[]): void {
    const script = resolve(import.meta.dirname, 'neighbour.ts')
    this.home.run(process.execPath, script, String(first), String(last), ...choice)
  }

  /** What the router's rules say, not what it claims. */
  rules(): Rule[] {
    const text = this.router.run('nft', 'list', 'chain', 'inet', 'filter', 'prerouting_miniupnpd')
    const lines = text.split('\n').filter((line) => line.includes('dnat'))
    return lines.map((line) => {
      const [, number = '', external = ''] = /@nh,72,8 0x(\w+) th dport (\d+)/.exec(line) ?? []
      const [, to = '', port = ''] = /dnat ip to ([0-9.]+):(\d+)/.exec(line) ?? []
      const transport = TRANSPORT[Number.parseInt(number, 16)]
      if (transport === undefined) throw new Error(`cannot read the rule: ${line}`)
      return { transport, external: Number(external), to, port: Number(port) }
    })
  }

  /** Ports of this computer that IPv6 packets from outside may reach. */
  pinholes(): number[] {
    const text = this.router.run('nft', 'list', 'chain', 'inet', 'filter', 'miniupnpd')
    return [...text.matchAll(/th dport (\d+) @nh,192,128/g)].map(([, port]) => Number(port))
  }

  async close(): Promise<void> {
    await this.stopDaemon()
    for (const place of [this.home, this.router, this.world]) await place.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
