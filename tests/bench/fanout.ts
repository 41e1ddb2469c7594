// A message on its way from one device to others, through the whole stack and the host's disk: in a room of two, and in one of
// fifty, in turns. The host is a process of its own; all devices are in this one, so the last of fifty waits for the
// work of the other forty-eight as well, which elsewhere is done elsewhere.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fromHex } from '../../shared/bytes.ts'
import { encodeEvent } from '../../shared/events.ts'
import type { Session } from '../../web/session.ts'
import { random } from '../silence/dialer.ts'
import type { EchoReady } from './echohost.ts'
import { openStack } from './stack.ts'
import { printRatio, printRow } from './stats.ts'

const MEMBERS = 50
const ROUNDS = 9
const PER_ROUND = 20
const TEXT = 'x'.repeat(200)
const EVERYBODY = new Uint8Array(16)

/** Acknowledges what comes, as a device does, and says each MESSAGE. */
class Device {
  readonly #session: Session
  readonly #settled = Promise.withResolvers<void>()
  #number = 0
  onMessage: () => void = () => undefined

  constructor(session: Session) {
    this.#session = session
    session.run(
      (message) => {
        if (message.type === 'state') this.#settled.resolve()
        if (message.type !== 'event') return
        this.#session.send({ type: 'ack', stored: message.number })
        this.onMessage()
      },
      () => {
        throw new Error('the carrier ended')
      },
    )
  }

  async resume(): Promise<void> {
    this.#session.send({ type: 'resume', stored: 0, id: new Uint8Array(16) })
    await this.#settled.promise
  }

  post(room: Uint8Array): void {
    const event = encodeEvent({ type: 'post', endsAtMs: 0, room, replyTo: null, text: TEXT })
    this.#number += 1
    this.#session.send({ type: 'event', number: this.#number, id: random(16), ...event })
  }
}

/** Milliseconds until the second device has it, and until the last of these has. */
function send(
  devices: readonly Device[],
  room: Uint8Array,
): Promise<{ one: number; last: number }> {
  const [sender, ...others] = devices
  const start = performance.now()
  return new Promise((resolve) => {
    let one = Number.NaN
    let left = others.length
    for (const [i, device] of others.entries())
      device.onMessage = () => {
        const ms = performance.now() - start
        if (i === 0) one = ms
        left -= 1
        if (left === 0) resolve({ one, last: ms })
      }
    sender?.post(room)
  })
}

async function connectAll(ready: EchoReady): Promise<Device[]> {
  const devices: Device[] = []
  for (let i = 0; i < MEMBERS; i++) {
    const device = new Device(await openStack(ready, i, `127.0.1.${i + 1}`))
    await device.resume()
    devices.push(device)
  }
  return devices
}

async function benchFanout(): Promise<void> {
  const host = new URL('./echohost.ts', import.meta.url)
  const child = fork(host, [String(MEMBERS)], { execArgv: [] })
  try {
    const [ready] = (await once(child, 'message')) as [EchoReady]
    const devices = await connectAll(ready)
    child.send('pair')
    const [{ pair }] = (await once(child, 'message')) as [{ pair: string }]
    const rooms = {
      two: { room: fromHex(pair), devices: devices.slice(0, 2) },
      fifty: { room: EVERYBODY, devices },
    }
    const names = ['two', 'fifty'] as const
    const times = { two: [] as number[], fifty: [] as number[], last: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        for (let i = 0; i < PER_ROUND; i++) {
          const { one, last } = await send(rooms[name].devices, rooms[name].room)
          // The first round warms up.
          if (round === 0) continue
          times[name].push(one)
          if (name === 'fifty') times.last.push(last)
        }
      }
    }
    const row = (what: string, values: readonly number[]): void =>
      printRow({ cell: 'fanout', what, unit: 'ms', values })
    row('sent → on another device, room of 2', times.two)
    row('sent → on another device, room of 50', times.fifty)
    row('sent → on the last of 50', times.last)
    printRatio('room of 50 / room of 2', times.fifty, times.two)
  } finally {
    child.disconnect()
  }
}

if (import.meta.main) {
  await benchFanout()
  // Fifty devices keep their sockets.
  process.exit()
}
