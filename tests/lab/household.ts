// A host at home in the lab, and what the world can know and do of it: its record, and a knock from outside.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { formatIp } from '../../host/addresses.ts'
import type { StatusResult } from '../../host/config.ts'
import type { RouterStep } from '../../host/routerdoctor.ts'
import { decodeInvite, inviteRoot } from '../../shared/invite.ts'
import { hostTag } from '../../shared/knock.ts'
import { ADDRESS_FLAG, openRecord, type RecordBody } from '../../shared/record.ts'
import { commandIn, Host, type HostEvent } from '../e2e/host.ts'
import { HomeNetwork, type Place, type RouterChoice } from './router.ts'

export class Household {
  readonly network: HomeNetwork
  readonly #folder = mkdtempSync(join(tmpdir(), 'home-'))
  #host: Host | null = null
  readonly #children: ChildProcess[] = []
  /** kept by whoever got the first link */
  #root: Uint8Array | null = null
  #hostPublicKey = new Uint8Array(0)

  private constructor(network: HomeNetwork) {
    this.network = network
  }

  static async open(choice: RouterChoice): Promise<Household> {
    return new Household(await HomeNetwork.open(choice))
  }

  /** Starts the host, or starts it again. */
  async start(...args: string[]): Promise<HostEvent> {
    const all = ['--http', '127.0.0.1:0', ...args]
    this.#host = new Host(join(this.#folder, 'data'), all, {}, this.network.home.enter)
    const ready = await this.#host.waitFor('ready')
    if (this.#root === null) {
      const link = await this.#host.invite('--role', 'member')
      const invite = decodeInvite(link.slice(link.indexOf('#') + 1))
      this.#root = inviteRoot(invite)
      this.#hostPublicKey = Uint8Array.from(invite.hostPublicKey)
    }
    return ready
  }

  get host(): Host {
    if (this.#host === null) throw new Error('bug: no host')
    return this.#host
  }

  async status(): Promise<StatusResult> {
    const { lines } = await this.host.command('status')
    return lines[0] as unknown as StatusResult
  }

  /** The record that stands in the folder now. */
  record(): RecordBody {
    if (this.#root === null) throw new Error('bug: no link')
    return openRecord({
      bytes: new Uint8Array(readFileSync(join(this.host.dir, 'record.bin'))),
      root: this.#root,
      hostPublicKey: this.#hostPublicKey,
      minSeq: 0,
    })
  }

  /** `address port` of what the record says is mapped, for both or by TCP alone; port 0: that of the epoch. */
  mapped(only: 'both' | 'tcp' = 'both'): string[] {
    const { addresses } = this.record()
    const wanted = only === 'tcp' ? ADDRESS_FLAG.mapped | ADDRESS_FLAG.tcp : ADDRESS_FLAG.mapped
    return addresses
      .filter(({ flags }) => (flags & (ADDRESS_FLAG.mapped | ADDRESS_FLAG.tcp)) === wanted)
      .map(({ ip, externalPort }) => `${formatIp(ip.slice(0, 4))} ${externalPort}`)
  }

  /** `clawchat doctor --router` on the computer at home. */
  async doctor(
    ...args: string[]
  ): Promise<{ readonly steps: RouterStep[]; readonly code: number | null }> {
    const { enter } = this.network.home
    const folder = ['--data', join(this.#folder, 'none')]
    const { lines, code } = await commandIn(
      enter,
      {},
      'doctor',
      '--router',
      '--json',
      ...folder,
      ...args,
    )
    return { steps: (lines[0] as unknown as { router: RouterStep[] }).router, code }
  }

  /** Starts a program of this folder somewhere; resolves once it says that it is ready. */
  async program(place: Place, script: string, ...args: string[]): Promise<void> {
    const [file = '', ...rest] = [
      ...place.enter,
      process.execPath,
      resolve(import.meta.dirname, script),
    ]
    const child = spawn(file, [...rest, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#children.push(child)
    await once(createInterface({ input: child.stdout }), 'line')
  }

  /** Whether the host answers a device that knocks from there. */
  async answers(from: Place, address: string, port: number): Promise<boolean> {
    const { epoch } = await this.status()
    const tag = hostTag(this.#hostPublicKey)
    const args = [address, String(port), hex(this.#root), hex(tag), String(epoch)]
    return succeeds(from, 'knocker.ts', args)
  }

  /** Whether a program there that has the record gets a carrier by TCP. */
  carriesTcp(from: Place): Promise<boolean> {
    const record = join(this.host.dir, 'record.bin')
    return succeeds(from, 'tcpdialer.ts', [record, hex(this.#root), hex(this.#hostPublicKey)])
  }

  async close(): Promise<void> {
    await this.#host?.kill()
    for (const child of this.#children) child.kill('SIGKILL')
    await this.network.close()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex')

/** Runs a program of this folder somewhere: whether it ends with 0. */
async function succeeds(from: Place, script: string, args: readonly string[]): Promise<boolean> {
  const path = resolve(import.meta.dirname, script)
  const [file = '', ...rest] = [...from.enter, process.execPath, path, ...args]
  const child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'close')) as [number | null]
  return code === 0
}
