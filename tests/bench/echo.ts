// A message's way there and back, through the whole stack and through the bare data channel of the same engine, in turns:
// sealed and opened at both ends (PING, PONG), and stored on the host's disk as well (POST, ACK).
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { encodeEvent } from '../../shared/events.ts'
import type { ClawMessage } from '../../shared/messages.ts'
import type { Session } from '../../web/session.ts'
import { type Client, random } from '../silence/dialer.ts'
import type { EchoReady } from './echohost.ts'
import { dialHost, openStack } from './stack.ts'
import { printRatio, printRow } from './stats.ts'

const ROUNDS = 9
const PER_ROUND = 100
/** A bare message has the size of the sealed one: 200 bytes of text in a padded frame. */
const FRAME_BYTES = 288
const TEXT = 'x'.repeat(200)

const STEPS = ['bare', 'sealed', 'stored'] as const
type Step = (typeof STEPS)[number]

/** The whole stack's client end, and the next message of a type. */
class Stack {
  readonly #session: Session
  readonly #waiting = new Map<string, () => void>()
  #number = 0

  constructor(session: Session) {
    this.#session = session
    session.run(
      (message) => {
        this.#waiting.get(message.type)?.()
      },
      () => {
        throw new Error('the carrier ended')
      },
    )
  }

  ask(message: ClawMessage, answer: ClawMessage['type']): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#waiting.set(answer, resolve))
    this.#session.send(message)
    return answered
  }

  ping = (): Promise<void> => this.ask({ type: 'ping', token: 1 }, 'pong')

  post = (): Promise<void> => {
    const event = encodeEvent({
      type: 'post',
      endsAtMs: 0,
      room: new Uint8Array(16),
      replyTo: null,
      text: TEXT,
    })
    this.#number += 1
    return this.ask({ type: 'event', number: this.#number, id: random(16), ...event }, 'ack')
  }
}

async function connect(ready: EchoReady): Promise<{ bare: Client; stack: Stack }> {
  const bare = await dialHost(ready, ready.barePort, '127.0.0.2')
  const stack = new Stack(await openStack(ready, 0, '127.0.0.3'))
  await stack.ask({ type: 'resume', stored: 0, id: new Uint8Array(16) }, 'state')
  return { bare, stack }
}

export async function benchEcho(): Promise<void> {
  const child = fork(new URL('./echohost.ts', import.meta.url), { execArgv: [] })
  try {
    const [ready] = (await once(child, 'message')) as [EchoReady]
    const { bare, stack } = await connect(ready)
    const payload = Buffer.alloc(FRAME_BYTES, 1)
    const run: Record<Step, () => Promise<unknown>> = {
      bare: () => {
        bare.channel.send(payload)
        return bare.next()
      },
      sealed: stack.ping,
      stored: stack.post,
    }
    const times: Record<Step, number[]> = { bare: [], sealed: [], stored: [] }
    for (let round = 0; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? STEPS : STEPS.toReversed()
      for (const step of order) {
        for (let i = 0; i < PER_ROUND; i++) {
          const start = performance.now()
          await run[step]()
          // The first round warms up.
          if (round > 0) times[step].push(performance.now() - start)
        }
      }
    }
    const what = {
      bare: `bare data channel, ${FRAME_BYTES} bytes there and back`,
      sealed: 'PING → PONG, sealed and opened at both ends',
      stored: 'POST → ACK, 200 bytes, on disk in between',
    }
    for (const step of STEPS)
      printRow({ cell: 'echo', what: what[step], unit: 'ms', values: times[step] })
    printRatio('sealed / bare', times.sealed, times.bare)
    printRatio('stored / bare', times.stored, times.bare)
  } finally {
    child.disconnect()
  }
}
