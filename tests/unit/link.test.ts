// A carrier after its handshake, host's and page's end (SPEC §6): the first message that is wrong is the last that counts.
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { answerCarrier } from '../../host/link.ts'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { INBOX_FRAMES } from '../../shared/constants.ts'
import { sha256 } from '../../shared/hash.ts'
import type { ClawMessage } from '../../shared/messages.ts'
import type { RecordBody } from '../../shared/record.ts'
import type { Runtime } from '../../web/runtime.ts'
import { openSession } from '../../web/session.ts'
import { settle } from '../simulation/world.ts'

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const runtime: Runtime = { now: () => 0, random: bytes, after: () => () => undefined }

/** One end of a pipe that hands over at once and goes on after `close`, as a slow one may. */
class End {
  drained = (): Promise<void> => this.slow
  slow: Promise<void> = Promise.resolve()
  closed = false
  other: End | null = null
  readonly ends: (() => void)[] = []
  #listener: (bytes: Uint8Array) => void = () => undefined
  send(message: Uint8Array): void {
    this.other?.arrive(message)
  }
  arrive(message: Uint8Array): void {
    this.#listener(message)
  }
  onMessage(listener: (bytes: Uint8Array) => void): void {
    this.#listener = listener
  }
  onClose(listener: () => void): void {
    this.ends.push(listener)
  }
  markLive(): void {}
  close(): void {
    this.closed = true
  }
}

async function pair(onHost: (message: ClawMessage) => void | Promise<void>) {
  const [host, device] = [new End(), new End()]
  host.other = device
  device.other = host
  const root = bytes(32)
  const hostKey = nodeBackend.dhKey(bytes(32))
  const bound = {
    hostPublicKey: bytes(32),
    hostFingerprint: bytes(32),
    clientFingerprint: bytes(32),
    hint: bytes(8),
  }
  const knock = bytes(93)
  let toDevice: (message: ClawMessage) => Promise<void> = () => Promise.resolve()
  answerCarrier(
    {
      carrier: host,
      backend: nodeBackend,
      random: bytes,
      now: () => 0,
      context: { ...bound, mode: 'connect', route: 'direct', bind: sha256(knock) },
      root,
      hostKey,
      devicePublicKey: null,
      recordSeq: () => 1,
    },
    (link) => {
      toDevice = (message) => link.send(message)
      return onHost
    },
  )
  const session = await openSession({
    carrier: Object.assign(device, { ...bound, knock, epoch: 0, route: 'direct' as const }),
    mode: 'connect',
    backend: nodeBackend,
    record: { hostPublicKey: bound.hostPublicKey, hostStatic: hostKey.publicKey } as RecordBody,
    root,
    deviceKey: nodeBackend.dhKey(bytes(32)),
    runtime,
  })
  return { host, device, session, send: (message: ClawMessage) => toDevice(message) }
}

const ping = (token: number): ClawMessage => ({ type: 'ping', token })

test('the host takes nothing behind a message that its application refused', async () => {
  const taken: number[] = []
  const { host, session } = await pair((message) => {
    if (message.type !== 'ping') return
    taken.push(message.token)
    if (message.token === 2) throw new Error('refused')
  })
  for (const token of [1, 2, 3]) session.send(ping(token))
  await settle()
  await settle()
  expect(host.closed).toBe(true)
  expect(taken).toEqual([1, 2])
})

test('nor does the page', async () => {
  const taken: number[] = []
  const { device, session, send } = await pair(() => undefined)
  session.run(
    (message) => {
      if (message.type !== 'ping') return
      taken.push(message.token)
      if (message.token === 2) throw new Error('refused')
    },
    () => undefined,
  )
  session.send(ping(0))
  await settle()
  for (const token of [1, 2, 3]) void send(ping(token))
  await settle()
  await settle()
  expect(device.closed).toBe(true)
  expect(taken).toEqual([1, 2])
})

test('what came before the end of a carrier is handled before it', async () => {
  const order: string[] = []
  const handled = Promise.withResolvers<void>()
  const { device, session, send } = await pair(() => undefined)
  session.run(
    async (message) => {
      await handled.promise
      order.push(message.type)
    },
    () => order.push('end'),
  )
  session.send(ping(0))
  await settle()
  void send({ type: 'bye', reason: 'replaced' })
  await settle()
  for (const end of device.ends) end()
  await settle()
  handled.resolve()
  await settle()
  expect(order).toEqual(['bye', 'end'])
})

test('a peer that sends on while nothing of it is handled is cut off at the limit, and not before', async () => {
  const busy = Promise.withResolvers<void>()
  let taken = 0
  const { host, session } = await pair(() => {
    taken += 1
    return busy.promise
  })
  for (let token = 0; token < INBOX_FRAMES; token++) session.send(ping(token))
  await settle()
  expect([host.closed, taken]).toEqual([false, 1])
  session.send(ping(0))
  await settle()
  expect([host.closed, taken]).toEqual([true, 1])
})

test('the next message of a peer is handled once the answer to the last has left', async () => {
  const left = Promise.withResolvers<void>()
  const taken: number[] = []
  let answer: (message: ClawMessage) => Promise<void> = () => Promise.resolve()
  const { host, session, send } = await pair((message) => {
    if (message.type !== 'ping') return undefined
    taken.push(message.token)
    return answer({ type: 'pong', token: message.token })
  })
  answer = send
  session.send(ping(0))
  await settle()
  host.slow = left.promise
  for (const token of [1, 2, 3]) session.send(ping(token))
  await settle()
  expect(taken).toEqual([0, 1])
  host.slow = Promise.resolve()
  left.resolve()
  await settle()
  expect(taken).toEqual([0, 1, 2, 3])
})
