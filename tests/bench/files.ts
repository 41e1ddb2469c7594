// Files through the whole stack (sealed, hashed, on the host's disk and sealed there again) and the same bytes over the bare
// data channel of the same engine, in turns, both ways. Window and pieces are the same.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { encodeEvent } from '../../shared/events.ts'
import { FILE_BLOCK_BYTES, FILE_WINDOW } from '../../shared/files.ts'
import type { ClawMessage } from '../../shared/messages.ts'
import type { Session } from '../../web/session.ts'
import { type Client, random } from '../silence/dialer.ts'
import { FRAME_BYTES } from './bareblocks.ts'
import type { EchoReady } from './echohost.ts'
import { dialHost, openStack } from './stack.ts'
import { printRatio, printRow } from './stats.ts'

const ROUNDS = 8
const BLOCKS = 256
const MIB = (BLOCKS * FILE_BLOCK_BYTES) / 2 ** 20
const WINDOW = FILE_WINDOW.direct

/** Blocks with at most `WINDOW` on their way; `answered` resolves with each answer. */
async function windowed(send: (index: number) => void, answered: () => Promise<unknown>) {
  let sent = 0
  for (let done = 0; done < BLOCKS; done++) {
    while (sent < BLOCKS && sent - done < WINDOW) send(sent++)
    await answered()
  }
}

class Bare {
  readonly #client: Client
  readonly #frame = Buffer.from(random(FRAME_BYTES))

  constructor(client: Client) {
    this.#client = client
  }

  up = (): Promise<void> =>
    windowed(
      () => {
        for (let i = 0; i < 4; i++) this.#client.channel.send(this.#frame)
      },
      () => this.#client.next(),
    )

  down = (): Promise<void> =>
    windowed(
      () => this.#client.channel.send(Buffer.alloc(20)),
      async () => {
        for (let i = 0; i < 4; i++) await this.#client.next()
      },
    )
}

class Stack {
  readonly #session: Session
  readonly #block = random(FILE_BLOCK_BYTES)
  readonly #heard: ClawMessage[] = []
  #wake: () => void = () => undefined
  /** of the file that went up last */
  #id = random(16)
  #events = 0

  constructor(session: Session) {
    this.#session = session
    session.run(
      (message) => {
        this.#heard.push(message)
        this.#wake()
      },
      () => {
        throw new Error('the carrier ended')
      },
    )
  }

  async resume(): Promise<void> {
    this.#session.send({ type: 'resume', stored: 0, id: new Uint8Array(16) })
    await this.#next('state')
  }

  /** The next message of this type; what else came before it is of no interest. */
  async #next(type: ClawMessage['type']): Promise<ClawMessage> {
    for (;;) {
      const message = this.#heard.shift()
      if (message?.type === type) return message
      if (message !== undefined) continue
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  up = async (): Promise<void> => {
    const id = random(16)
    const size = BLOCKS * FILE_BLOCK_BYTES
    this.#session.send({ type: 'offer', id, room: new Uint8Array(16), size })
    await this.#next('at')
    let last: ClawMessage | null = null
    // Each block another one, as in a file.
    await windowed(
      (index) => {
        const bytes = this.#block.slice()
        new DataView(bytes.buffer).setUint32(0, index)
        this.#session.send({ type: 'put', id, index, bytes })
      },
      async () => {
        last = await this.#next('at')
      },
    )
    await this.#post(id, size, last)
  }

  /** What belongs to no message cannot be fetched. */
  async #post(id: Uint8Array, size: number, last: ClawMessage | null): Promise<void> {
    if (last?.type !== 'at' || last.blocks !== BLOCKS) throw new Error('the file is not there')
    const about = { type: 'text/plain', name: 'bench', width: 0, height: 0, durationMs: 0 }
    const file = { ...about, size, hash: last.hash, thumbnail: new Uint8Array() }
    const room = new Uint8Array(16)
    const event = encodeEvent({ type: 'post', endsAtMs: 0, room, replyTo: null, text: '', file })
    this.#events += 1
    this.#session.send({ type: 'event', number: this.#events, id, ...event })
    await this.#next('ack')
    this.#id = id
  }

  down = (): Promise<void> =>
    windowed(
      (index) => this.#session.send({ type: 'fetch', id: this.#id, index }),
      () => this.#next('block'),
    )
}

export async function benchFiles(): Promise<void> {
  const child = fork(new URL('./echohost.ts', import.meta.url), { execArgv: [] })
  try {
    const [ready] = (await once(child, 'message')) as [EchoReady]
    const bare = new Bare(await dialHost(ready, ready.blocksPort, '127.0.0.2'))
    const stack = new Stack(await openStack(ready, 0, '127.0.0.3'))
    await stack.resume()
    for (const way of ['up', 'down'] as const) await compare(way, child, bare, stack)
  } finally {
    child.disconnect()
  }
}

/** s that it has computed */
async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage]
  return (user + system) / 1e6
}

async function compare(
  way: 'up' | 'down',
  child: ChildProcess,
  bare: Bare,
  stack: Stack,
): Promise<void> {
  const rates = { bare: [] as number[], stack: [] as number[] }
  const costs = { bare: [] as number[], stack: [] as number[] }
  const both = { bare, stack }
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 === 0
      ? (['bare', 'stack'] as const)
      : (['stack', 'bare'] as const)) {
      const [start, before] = [performance.now(), await cpuOf(child)]
      await both[name][way]()
      // The first round warms up.
      if (round === 0) continue
      rates[name].push((MIB * 1000) / (performance.now() - start))
      costs[name].push(((await cpuOf(child)) - before) / (MIB / 100))
    }
  }
  const row = { cell: 'files', unit: 'MiB/s' }
  printRow({ ...row, what: `${way}: bare data channel`, values: rates.bare })
  printRow({ ...row, what: `${way}: a file, whole stack and disk`, values: rates.stack })
  printRatio(`${way}: file / bare`, rates.stack, rates.bare)
  const cost = { cell: 'files', unit: 's' }
  printRow({ ...cost, what: `${way}: bare, host computes for 100 MiB`, values: costs.bare })
  printRow({ ...cost, what: `${way}: a file, host computes for 100 MiB`, values: costs.stack })
}
