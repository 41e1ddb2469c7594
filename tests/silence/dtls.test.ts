// The direct route from the inside: an honest session, and what an attacker with its address can do to it (protocol
// facts in DESIGN.md: werift alone would reset, close or believe).
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../../host/rtc.ts'
import { Client, certificateOf, EPOCH, startHost, type TestHost } from './dialer.ts'

/** One DTLS record. */
function record(type: number, epoch: number, body: Uint8Array, sequence = 0): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt8(type, 0)
  head.writeUInt16BE(0xfefd, 1)
  head.writeUInt16BE(epoch, 3)
  head.writeUIntBE(sequence, 5, 6)
  head.writeUInt16BE(body.length, 11)
  return Buffer.concat([head, body])
}

/** CRC-32C, which SCTP writes little-endian (RFC 9260 appendix A). */
function withChecksum(packet: Buffer): Buffer {
  const out = Buffer.from(packet)
  out.writeUInt32LE(0, 8)
  let crc = 0xffffffff
  for (const byte of out) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  out.writeUInt32LE(~crc >>> 0, 8)
  return out
}

/** The SCTP packets this client seals from now on, in plaintext. */
function tapSctp(client: Client): Buffer[] {
  const packets: Buffer[] = []
  const seal = client.dtls.sendData
  Object.assign(client.dtls, {
    sendData(data: Buffer): Promise<void> {
      packets.push(Buffer.from(data))
      return seal(data)
    },
  })
  return packets
}

const DATA_CHUNK = 0
const isData = (packet: Buffer): boolean => packet[12] === DATA_CHUNK

/** The message that would follow this one, with another text of the same length. */
function nextData(packet: Buffer): Buffer {
  const out = Buffer.from(packet)
  out.writeUInt32BE((out.readUInt32BE(16) + 1) >>> 0, 16)
  out.writeUInt16BE((out.readUInt16BE(22) + 1) & 0xffff, 22)
  out.fill('!', 28, 12 + out.readUInt16BE(14))
  return withChecksum(out)
}

const abortOf = (packet: Buffer): Buffer =>
  withChecksum(Buffer.concat([packet.subarray(0, 12), Buffer.of(6, 0, 0, 4)]))

const texts = (host: TestHost): string[] => host.received.map((b) => Buffer.from(b).toString())

describe('a live session', () => {
  let host: TestHost
  let client: Client
  let sealed: Buffer[]
  beforeEach(async () => {
    host = await startHost()
    client = await Client.connect(host, '127.0.1.1', (await certificateOf(EPOCH)).fingerprint)
    sealed = tapSctp(client)
    expect(await client.echo('first')).toBe('first')
  })
  afterEach(async () => {
    await client.close()
    host.listener.stop()
  })

  /** From the client's own address: the strongest spoofer. */
  async function survives(attack: readonly Buffer[]): Promise<void> {
    const seen = client.probe.received.length
    for (const packet of attack) await client.probe.send(packet)
    // Loopback keeps order: when this echo is back, the host has handled all of the attack.
    expect(await client.echo('after')).toBe('after')
    expect(texts(host)).toEqual(['first', 'after'])
    expect(host.carriers).toHaveLength(1)
    expect(host.carriers[0]?.closed).toBe(false)
    expect(client.unread).toBe(0)
    const plaintextAnswers = client.probe.received
      .slice(seen)
      .filter((packet) => (packet[0] ?? 0) >= 20 && packet.readUInt16BE(3) === 0)
    expect(plaintextAnswers).toEqual([])
  }

  it('is not reset by a plaintext ClientHello, with or without the cookie', async () => {
    const hellos = client.sent.filter((packet) => packet[0] === 22 && packet[13] === 1)
    expect(hellos).toHaveLength(2)
    await survives(hellos)
  })

  it('is not reset by the whole plaintext handshake, replayed', async () => {
    const plaintext = client.sent.filter((packet) => packet.readUInt16BE(3) === 0)
    expect(plaintext.length).toBeGreaterThan(2)
    await survives(plaintext)
  })

  it('does not take plaintext for data', async () => {
    const last = sealed.findLast(isData)
    if (last === undefined) throw new Error('bug: no data chunk was sealed')
    await survives([record(23, 0, nextData(last), 99)])
  })

  it('does not end by an abort in plaintext', async () => {
    const last = sealed.findLast(isData)
    if (last === undefined) throw new Error('bug: no data chunk was sealed')
    await survives([record(23, 0, abortOf(last), 99)])
  })

  it('does not end by a plaintext close_notify or fatal alert', () =>
    survives([record(21, 0, Buffer.of(1, 0), 99), record(21, 0, Buffer.of(2, 40), 99)]))

  it('does not mind a plaintext ChangeCipherSpec or Finished', () =>
    survives([
      record(20, 0, Buffer.of(1), 99),
      record(
        22,
        0,
        Buffer.concat([Buffer.from('1400000c000900000000000c', 'hex'), randomBytes(12)]),
      ),
    ]))

  it('drops short and random sealed records of every type', () =>
    survives(
      [20, 21, 22, 23, 24, 63].flatMap((type) =>
        [0, 1, 2, 23, 24, 25, 200].map((length) => record(type, 1, randomBytes(length), 1 << 20)),
      ),
    ))

  it('does not read a sealed alert as plaintext', () =>
    survives(
      [0, 10, 80, 90].map((description) =>
        record(21, 1, Buffer.concat([Buffer.of(1, description), randomBytes(30)]), 1 << 20),
      ),
    ))

  it('drops records of other epochs, cut records and noise', () =>
    survives([
      record(23, 2, randomBytes(64)),
      record(22, 0xffff, randomBytes(64)),
      record(23, 1, randomBytes(64)).subarray(0, 40),
      Buffer.of(22),
      Buffer.concat([Buffer.of(22), randomBytes(300)]),
      Buffer.concat([Buffer.of(63), randomBytes(300)]),
    ]))

  it('delivers a replayed sealed datagram once', async () => {
    await survives(client.sent.filter((packet) => packet[0] === 23 && packet.readUInt16BE(3) === 1))
  })

  it('finds an attack behind an honest record in the same datagram', async () => {
    const honest = client.sent.findLast((packet) => packet[0] === 23)
    if (honest === undefined) throw new Error('bug: nothing was sealed')
    await survives([Buffer.concat([honest, record(21, 0, Buffer.of(1, 0))])])
  })

  it('ends on text and on an empty message, which the protocol does not have', async () => {
    client.channel.send('text')
    const [entry] = host.carriers
    if (entry === undefined) throw new Error('bug: no carrier')
    await new Promise<void>((resolve) => entry.carrier.onClose(resolve))
    expect(texts(host)).toEqual(['first'])
  })

  it('tells the client at once when the host ends it', async () => {
    const closed = client.reaches('closed')
    host.carriers[0]?.carrier.close()
    await closed
    expect(host.carriers[0]?.closed).toBe(true)
  })

  it('tells the client at once when its port closes', async () => {
    const closed = client.reaches('closed')
    host.listener.close(host.port)
    await closed
    expect(host.carriers[0]?.closed).toBe(true)
  })

  it('carries many large messages in order, whatever the cap on unsent ones', async () => {
    const messages = Array.from({ length: 100 }, (_, i) => randomBytes(16_384).fill(i, 0, 1))
    for (const message of messages) client.channel.send(message)
    for (const message of messages) expect((await client.next()).equals(message)).toBe(true)
  })
})

describe('a client that is not whom its knock names', () => {
  let host: TestHost
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(() => host.listener.stop())

  it('gets no channel with another certificate', async () => {
    const { fingerprint } = await certificateOf(EPOCH)
    const client = await Client.knock(host, '127.0.1.2', fingerprint, await makeCertificate())
    const started = client.start().catch(() => undefined)
    // The host forgets the peer as soon as it has seen the certificate; from then on its checks stay unanswered.
    const other = await Client.connect(host, '127.0.1.3', fingerprint)
    expect(await other.echo('me')).toBe('me')
    expect(host.carriers).toHaveLength(1)
    await client.vanish()
    await other.close()
    void started
  })
})

describe('the process', () => {
  let child: ChildProcess
  let port: number
  let fingerprint: Uint8Array
  beforeEach(async () => {
    child = fork(new URL('./victim.ts', import.meta.url), { execArgv: [] })
    const [ready] = await once(child, 'message')
    port = ready.port
    fingerprint = Buffer.from(ready.fingerprint, 'hex')
  })
  afterEach(async () => {
    if (child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  })
  async function stillServes(address: string): Promise<void> {
    const honest = await Client.connect({ port }, address, fingerprint)
    expect(await honest.echo('still here')).toBe('still here')
    expect(child.exitCode).toBe(null)
    await honest.close()
  }

  it('outlives hostile SCTP from an authenticated peer', async () => {
    const client = await Client.connect({ port }, '127.0.1.4', fingerprint)
    const sealed = tapSctp(client)
    expect(await client.echo('hello')).toBe('hello')
    const data = sealed.findLast(isData)
    if (data === undefined) throw new Error('bug: no data chunk was sealed')
    const chunk = (...bytes: number[]): Buffer =>
      withChecksum(Buffer.concat([data.subarray(0, 12), Buffer.of(...bytes)]))
    const wrongPpid = nextData(data)
    wrongPpid.writeUInt32BE(77, 24)
    const hostile = [
      Buffer.alloc(0),
      Buffer.of(1),
      randomBytes(12),
      randomBytes(900),
      data.subarray(0, 15),
      withChecksum(Buffer.concat([data.subarray(0, 12), randomBytes(400)])),
      withChecksum(wrongPpid),
      // INIT beside another chunk, unknown types, lengths below a header and past the end
      chunk(1, 0, 0, 4, 1, 0, 0, 4),
      chunk(200, 0, 0, 4),
      chunk(0, 3, 0, 0),
      chunk(0, 3, 0, 1),
      chunk(0, 3, 255, 255, 0),
      chunk(3, 0, 0, 4),
      chunk(130, 0, 0, 8, 0, 13, 0, 200),
      chunk(192, 0, 0, 9, 0, 0, 0, 1, 0),
    ]
    for (const packet of hostile) await client.dtls.sendData(packet)
    await stillServes('127.0.1.5')
    await client.vanish()
  })

  it('outlives a hostile plaintext handshake behind a good knock', async () => {
    const client = await Client.knock({ port }, '127.0.1.6', fingerprint)
    for (let type = 0; type < 30; type++) {
      const body = randomBytes(40)
      const head = Buffer.from('00000028000000000000000028'.slice(0, 24), 'hex')
      head.writeUInt8(type, 0)
      head.writeUIntBE(body.length, 9, 3)
      await client.probe.send(record(22, 0, Buffer.concat([head, body]), type))
      await client.probe.send(record(22, 0, randomBytes(type), type))
      await client.probe.send(record(20, 0, randomBytes(type), type))
    }
    await stillServes('127.0.1.7')
    await client.vanish()
  })
})
