// The UDP datagrams that pass a computer's interface, as tcpdump sees them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Node } from './topology.ts'

const FILE_HEADER = 24
const PACKET_HEADER = 16
const ETHERNET = 14
/** without extensions, which UDP of ours has none of */
const IPV6_HEADER = 40
const UDP_HEADER = 8

export class Capture {
  readonly #file: string
  readonly #tcpdump: ChildProcess

  private constructor(file: string, tcpdump: ChildProcess) {
    this.#file = file
    this.#tcpdump = tcpdump
  }

  /** Resolves once it sees every packet that `filter` (pcap-filter(7)) names. */
  static async start(node: Node, filter: string, file: string): Promise<Capture> {
    // -Z: as the user that it was started by, whose folder this is.
    const options = ['-i', 'eth0', '-n', '-U', '--immediate-mode', '-Z', 'root', '-w', file]
    const [program = '', ...args] = [...node.prefix, 'tcpdump', ...options, ...filter.split(' ')]
    const tcpdump = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    if (tcpdump.stderr === null) throw new Error('bug: no pipe')
    await new Promise<void>((ready, failed) => {
      createInterface({ input: tcpdump.stderr as NonNullable<typeof tcpdump.stderr> }).on(
        'line',
        (line) => line.includes('listening on') && ready(),
      )
      tcpdump.once('close', () => failed(new Error('tcpdump ended')))
    })
    return new Capture(file, tcpdump)
  }

  /** Ends it; the payload of each datagram, in order. */
  async stop(): Promise<Buffer[]> {
    const ended = once(this.#tcpdump, 'close')
    this.#tcpdump.kill('SIGINT')
    await ended
    return datagrams(readFileSync(this.#file))
  }
}

/** Reads a pcap file of Ethernet frames. */
function datagrams(file: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = FILE_HEADER; at + PACKET_HEADER <= file.length; ) {
    const length = file.readUInt32LE(at + 8)
    const ip = file.subarray(at + PACKET_HEADER + ETHERNET, at + PACKET_HEADER + length)
    const six = (ip[0] ?? 0) >> 4 === 6
    const headerBytes = six ? IPV6_HEADER : ((ip[0] ?? 0) & 15) * 4
    const end = six ? IPV6_HEADER + ip.readUInt16BE(4) : ip.readUInt16BE(2)
    found.push(Buffer.from(ip.subarray(headerBytes + UDP_HEADER, end)))
    at += PACKET_HEADER + length
  }
  return found
}
