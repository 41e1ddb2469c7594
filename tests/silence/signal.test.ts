// What a scanner, a stranger or a replayer gets from the TCP port of the route `signal` (SPEC §4.6): not one byte.
// Bytes are counted on the raw socket; each probe waits for its end, so nothing can come later.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LIMIT } from '../../host/gate.ts'
import type { Carrier } from '../../host/link.ts'
import type { Certificate } from '../../host/rtc.ts'
import { SignalListener } from '../../host/signal.ts'
import { dialSignal } from '../../host/signaldial.ts'
import { sealKnock } from '../../shared/knock.ts'
import type { RecordBody } from '../../shared/record.ts'
import { certificateOf, EPOCH, MANY_ROOTS, ROOTS, random, TAG } from './dialer.ts'

const INTERVAL_MS = 3_600_000
const HOST_PUBLIC = random(32)
const HELLO = Buffer.from('16030100c8010000c40303', 'hex')

let certificate: Certificate
let listener: SignalListener
let port: number
let nowMs: number
let nonces: Map<string, number>
const carriers: Carrier[] = []

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('bug: no port')
  return address.port
}

async function start(): Promise<void> {
  listener = new SignalListener({
    hostTag: TAG,
    credentials: () =>
      [...Object.values(ROOTS), ...MANY_ROOTS].map((root, i) => ({ id: `device ${i}`, root })),
    epoch: () => EPOCH,
    certificate: (epoch) => (epoch === EPOCH ? certificate : null),
    addresses: () => ['127.0.0.1'],
    now: () => nowMs,
    intervalMs: INTERVAL_MS,
    nonces: {
      all: () =>
        [...nonces].map(([hex, untilEpoch]) => ({ nonce: Buffer.from(hex, 'hex'), untilEpoch })),
      add: (nonce, untilEpoch) => void nonces.set(Buffer.from(nonce).toString('hex'), untilEpoch),
      remove: (nonce) => void nonces.delete(Buffer.from(nonce).toString('hex')),
    },
    onCarrier: (carrier) => {
      carriers.push(carrier)
      carrier.onMessage((bytes) => {
        carrier.markLive()
        carrier.send(bytes)
      })
    },
  })
  listener.refresh()
  await listener.open(port)
}

beforeEach(async () => {
  certificate = await certificateOf(EPOCH)
  nowMs = performance.now()
  nonces = new Map()
  port = await freePort()
  await start()
})
afterEach(() => {
  listener.stop()
  carriers.splice(0)
})

const knockOf = (
  root: Uint8Array = ROOTS.device,
  change: { epoch?: number; route?: 'relay' } = {},
): Buffer =>
  Buffer.from(
    sealKnock({
      ...{ root, hostTag: TAG, epoch: EPOCH, route: 'signal', timeMs: 0, clientUfrag: '' },
      ...{ clientFingerprint: new Uint8Array(32), nonce: random(12), ...change },
    }),
  )

interface Probe {
  readonly socket: Socket
  /** resolves with the bytes that came, once the connection is over */
  readonly over: Promise<number>
}

async function probe(from = '127.0.0.1'): Promise<Probe> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from })
  let bytes = 0
  socket.on('data', (data) => {
    bytes += data.length
  })
  socket.on('error', () => undefined)
  const over = new Promise<number>((resolve) => socket.once('close', () => resolve(bytes)))
  // It may be over before this process hears that it began.
  await Promise.race([new Promise<void>((resolve) => socket.once('connect', resolve)), over])
  return { socket, over }
}

/** Lets time pass until the listener has looked at it. */
const later = (ms: number): void => {
  nowMs += ms
}

let source = 1
/** An address of its own for each probe that is to fail, so that the limit of failures stays out of it. */
const nextSource = (): string => `127.1.${source >> 8}.${source++ & 255}`

async function bytesFor(...parts: readonly Uint8Array[]): Promise<number> {
  const { socket, over } = await probe(nextSource())
  for (const part of parts) socket.write(part)
  return over
}

async function recordTo(fingerprint: Uint8Array): Promise<RecordBody> {
  const schedule = Array.from({ length: 3 }, () => ({ port, fingerprint }))
  return {
    ...{ hostPublicKey: HOST_PUBLIC, seq: 1, issuedMs: EPOCH * INTERVAL_MS, notAfterMs: 0 },
    ...{ burn: false, reason: 0, hostStatic: random(32), intervalMs: INTERVAL_MS },
    ...{ firstEpoch: EPOCH - 1, schedule, locator: [] },
    addresses: [{ kind: 4, flags: 1, externalPort: 0, ip: Uint8Array.of(127, 0, 0, 1) }],
  }
}

/** A program that knows the credential, up to TLS. */
async function knocked(
  options: object = {},
): Promise<{ socket: Socket; outcome: Promise<string> }> {
  const { socket } = await probe(nextSource())
  socket.removeAllListeners('data')
  socket.write(knockOf())
  const tls = connectTls({ socket, rejectUnauthorized: false, ...options })
  const outcome = new Promise<string>((resolve) => {
    tls.once('secureConnect', () => resolve(tls.getProtocol() ?? ''))
    tls.once('error', () => resolve('error'))
    tls.once('close', () => resolve('closed'))
  })
  return { socket, outcome }
}

describe('not one byte', () => {
  it('for a knock with any byte changed', async () => {
    const counts = []
    for (let at = 0; at < 93; at++) {
      const knock = knockOf()
      knock.writeUInt8((knock[at] ?? 0) ^ 1, at)
      counts.push(await bytesFor(knock, HELLO))
    }
    expect(counts).toEqual(Array(93).fill(0))
    expect(nonces.size).toBe(0)
  })

  it('for every prefix of a knock, right or wrong, that then ends', async () => {
    for (const whole of [knockOf(), randomBytes(93)]) {
      const counts = []
      for (let length = 0; length < 93; length++) {
        const { socket, over } = await probe(nextSource())
        socket.end(whole.subarray(0, length))
        counts.push(await over)
      }
      expect(counts).toEqual(Array(93).fill(0))
    }
  })

  it('for every prefix that then waits, until its time is over', async () => {
    const probes = await Promise.all(
      Array.from({ length: 93 }, async (_, length) => {
        const one = await probe(nextSource())
        one.socket.write(knockOf().subarray(0, length))
        return one
      }),
    )
    // Again and again, as some may be accepted only after the first time.
    const timer = setInterval(() => later(LIMIT.knockMs + 1), 20)
    expect(await Promise.all(probes.map(({ over }) => over))).toEqual(Array(93).fill(0))
    clearInterval(timer)
  })

  it('for a knock that drips, one byte after another, beyond its time', async () => {
    const { socket, over } = await probe(nextSource())
    const knock = knockOf()
    for (let at = 0; at < 92; at++) {
      later(LIMIT.knockMs / 80)
      socket.write(knock.subarray(at, at + 1))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await over).toBe(0)
  })

  it('for TLS, HTTP and SSH without a knock', async () => {
    const hello = Buffer.concat([HELLO, randomBytes(300)])
    expect(await bytesFor(hello)).toBe(0)
    const request = `GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: ${'a'.repeat(80)}\r\n\r\n`
    expect(await bytesFor(Buffer.from(request))).toBe(0)
    expect(await bytesFor(Buffer.from(`SSH-2.0-${'x'.repeat(100)}\r\n`))).toBe(0)
  })

  it('for a knock of a stranger, of another route, of epochs -3 and +3', async () => {
    expect(await bytesFor(knockOf(random(32)), HELLO)).toBe(0)
    expect(await bytesFor(knockOf(ROOTS.device, { route: 'relay' }), HELLO)).toBe(0)
    for (const d of [-3, 3])
      expect(await bytesFor(knockOf(ROOTS.device, { epoch: EPOCH + d }), HELLO)).toBe(0)
    // That epoch's certificate is gone.
    expect(await bytesFor(knockOf(ROOTS.device, { epoch: EPOCH + 2 }), HELLO)).toBe(0)
    expect(nonces.size).toBe(0)
  })

  it('for a right knock and garbage, or HTTP in the clear, behind it', async () => {
    const broken = Buffer.concat([HELLO, randomBytes(400)])
    for (const garbage of [randomBytes(500), broken, Buffer.from('GET / HTTP/1.1\r\n\r\n')])
      expect(await bytesFor(knockOf(), garbage)).toBe(0)
    expect(nonces.size).toBe(3)
  })

  it('for a knock that was used, also after a restart', async () => {
    const knock = knockOf()
    expect(await bytesFor(knock, random(100))).toBe(0)
    const count = async (): Promise<number> => {
      const { socket, over } = await probe(nextSource())
      socket.write(knock)
      // A whole ClientHello: only the knock is at fault.
      const { socket: helper, outcome } = await relayOfHello(socket)
      await outcome
      helper.destroy()
      return over
    }
    expect(await count()).toBe(0)
    listener.stop()
    await start()
    expect(await count()).toBe(0)
  })

  it('for who says nothing after a right knock, until its time is over', async () => {
    const { socket, over } = await probe(nextSource())
    socket.write(knockOf())
    while (nonces.size === 0) await new Promise((resolve) => setImmediate(resolve))
    later(20_001)
    expect(await over).toBe(0)
  })
})

/** Has a real client write its ClientHello to `to`. */
async function relayOfHello(to: Socket): Promise<{ socket: Socket; outcome: Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('bug: no port')
  const tls = connectTls({ port: address.port, host: '127.0.0.1', rejectUnauthorized: false })
  tls.on('error', () => undefined)
  const [hello] = (await once(server, 'connection')) as [Socket]
  server.close()
  const outcome = once(hello, 'data').then(([bytes]) => {
    to.write(bytes as Buffer)
    hello.destroy()
  })
  return { socket: tls, outcome }
}

describe('limits', () => {
  it('half-open connections give way to later ones, so that the honest get in', async () => {
    const flood = await Promise.all(Array.from({ length: 400 }, () => probe(nextSource())))
    const ended = flood.slice(0, 400 - LIMIT.unknocked).map(({ over }) => over)
    expect(await Promise.all(ended)).toEqual(ended.map(() => 0))
    const left = flood.filter(({ socket }) => !socket.destroyed)
    expect(left.length).toBeLessThanOrEqual(LIMIT.unknocked)
    const { outcome } = await knocked()
    expect(await outcome).toBe('TLSv1.3')
    for (const { socket } of flood) socket.destroy()
  })

  it('one source has few of them', async () => {
    const from = nextSource()
    const flood = []
    for (let i = 0; i < 3 * LIMIT.unknockedPerSource; i++) flood.push(await probe(from))
    const ended = flood.slice(0, 2 * LIMIT.unknockedPerSource).map(({ over }) => over)
    expect(await Promise.all(ended)).toEqual(ended.map(() => 0))
    expect(flood.slice(2 * LIMIT.unknockedPerSource).every((p) => !p.socket.destroyed)).toBe(true)
    for (const { socket } of flood) socket.destroy()
  })

  it('a source above its limit of failures is not read, and others are', async () => {
    const from = nextSource()
    for (let i = 0; i < LIMIT.failureBurst; i++) {
      const { socket, over } = await probe(from)
      socket.write(randomBytes(93))
      expect(await over).toBe(0)
    }
    const { socket, over } = await probe(from)
    socket.write(knockOf())
    expect(await over).toBe(0)
    expect(nonces.size).toBe(0)
    const { outcome } = await knocked()
    expect(await outcome).toBe('TLSv1.3')
  })

  it('half-open knocks of one credential', async () => {
    const open = []
    for (let i = 0; i < LIMIT.halfOpenPerCredential; i++) {
      const one = await probe(nextSource())
      one.socket.write(knockOf())
      while (nonces.size === i) await new Promise((resolve) => setImmediate(resolve))
      open.push(one)
    }
    expect(await bytesFor(knockOf(), HELLO)).toBe(0)
    expect(nonces.size).toBe(LIMIT.halfOpenPerCredential)
    for (const { socket } of open) socket.destroy()
  })
})

describe('TLS', () => {
  it('1.3 and nothing below', async () => {
    expect(await (await knocked()).outcome).toBe('TLSv1.3')
    const old = await knocked({ maxVersion: 'TLSv1.2' })
    expect(await old.outcome).toMatch(/error|closed/)
    expect(old.socket.bytesRead).toBe(0)
  })

  it('messages go both ways, and text, empty and long ones end it', async () => {
    const record = await recordTo(certificate.fingerprint)
    const dial = () => dialKnown(record)
    const carrier = await dial()
    const echoed: Uint8Array[] = []
    const all = new Promise<void>((resolve) => {
      carrier.onMessage((bytes) => {
        echoed.push(bytes)
        if (echoed.length === 50) resolve()
      })
    })
    const sent = Array.from({ length: 50 }, (_, i) => random(1 + i * 300))
    for (const bytes of sent) carrier.send(bytes)
    await all
    expect(echoed).toEqual(sent)
    for (const bad of [new Uint8Array(0), random(16_385)]) {
      const other = await dial()
      const closed = new Promise<void>((resolve) => other.onClose(resolve))
      other.send(bad)
      await closed
    }
    carrier.close()
  })

  it('another certificate than the record’s: refused with one code, and nothing said to it', async () => {
    const record = await recordTo(random(32))
    await expect(dialKnown(record)).rejects.toMatchObject({ code: 'certificate-foreign' })
    expect(carriers).toEqual([])
  })

  it('nobody there: no answer', async () => {
    listener.stop()
    const record = await recordTo(certificate.fingerprint)
    await expect(dialKnown(record)).rejects.toMatchObject({ code: 'no-answer' })
  })
})

describe('leaks', () => {
  it('200 connections, closed or vanished, leave no socket behind, at either end', async () => {
    const record = await recordTo(certificate.fingerprint)
    const held = (): Record<string, number> => {
      const kinds = process.getActiveResourcesInfo()
      return Object.fromEntries(
        ['TCPSocketWrap', 'TLSWrap', 'Timeout'].map((kind) => [
          kind,
          kinds.filter((each) => each === kind).length,
        ]),
      )
    }
    const settled = async (most: Record<string, number>): Promise<void> => {
      while (Object.entries(held()).some(([kind, count]) => count > (most[kind] ?? 0)))
        await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const before = held()
    for (let i = 0; i < 200; i++) {
      const root = MANY_ROOTS[i % MANY_ROOTS.length] ?? ROOTS.device
      const carrier = await dialKnown(record, root)
      const echoed = heardOn(carrier)
      carrier.send(Uint8Array.of(1))
      await echoed
      const ended = new Promise<void>((resolve) => carrier.onClose(resolve))
      if (i % 2 === 0) carrier.close()
      else carriers.at(-1)?.close()
      await ended
    }
    await settled(before)
    expect(nonces.size).toBe(200)
  })
})

describe('ports', () => {
  it('one that is taken is refused as a whole', async () => {
    const taken = await freePort()
    const other = createServer().listen(taken, '127.0.0.1')
    await once(other, 'listening')
    await expect(listener.open(taken)).rejects.toMatchObject({ code: 'port-taken' })
    other.close()
  })

  it('closing one ends who is on it, and who has not knocked yet', async () => {
    const carrier = await dialKnown(await recordTo(certificate.fingerprint))
    const closed = new Promise<void>((resolve) => carrier.onClose(resolve))
    const stranger = await probe(nextSource())
    listener.close(port)
    await closed
    expect(await stranger.over).toBe(0)
  })

  it('after a revocation an open one takes no new knock, and keeps whom it has', async () => {
    const carrier = await dialKnown(await recordTo(certificate.fingerprint))
    const echoed = heardOn(carrier)
    carrier.send(Uint8Array.of(1))
    await echoed
    listener.retire(new Set())
    expect(await bytesFor(knockOf(), HELLO)).toBe(0)
    const again = heardOn(carrier)
    carrier.send(Uint8Array.of(2))
    expect(await again).toEqual(Uint8Array.of(2))
    carrier.close()
  })
})

const heardOn = (carrier: { onMessage(listener: (bytes: Uint8Array) => void): void }) =>
  new Promise<Uint8Array>((resolve) => carrier.onMessage(resolve))

/** As a client whose record is that of this host: the tag is known here, its key is not. */
const dialKnown = (record: RecordBody, root = ROOTS.device) =>
  dialSignal({ record: { ...record, hostPublicKey: ROOTS.device }, root, timesMs: [] })
