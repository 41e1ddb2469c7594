// What `clawchat doctor` makes of TURN servers (SPEC §9.3), good ones and others, by all three transports.
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { makeCertificate } from '../../host/rtc.ts'
import { attribute, encodeRequest } from '../../host/stun.ts'
import { examineTurn } from '../../host/turndoctor.ts'
import { splitMessages } from '../../host/turnwire.ts'

const LOGIN = { username: '1700086400', password: 'H9WaqMDHNohLmN+3DYi7d/n18k4=' }
const REALM = Buffer.from('lab')
const NONCE = Buffer.from('once')
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

type Answer = (request: Buffer) => readonly Buffer[]

const error = (request: Buffer, code: number, more: readonly Buffer[] = []): Buffer => {
  const value = Buffer.of(0, 0, Math.floor(code / 100), code % 100)
  return encodeRequest(0x0113, id(request), [attribute(0x0009, value), ...more])
}
const id = (request: Buffer): Buffer => request.subarray(8, 20)
const challenge = [attribute(0x0014, REALM), attribute(0x0015, NONCE)]
const isFirst = (request: Buffer): boolean => !request.includes(Buffer.from(LOGIN.username))
const granted = (request: Buffer): Buffer =>
  encodeRequest(0x0103, id(request), [attribute(0x0016, Buffer.alloc(8))])

/** RFC 8489 §9.2 once more, at the place where our own requests have it: before a FINGERPRINT of 8 bytes. */
function isSigned(request: Buffer): boolean {
  const key = createHash('md5').update(`${LOGIN.username}:lab:${LOGIN.password}`).digest()
  const at = request.length - 32
  const before = Buffer.from(request.subarray(0, at))
  before.writeUInt16BE(at + 24 - 20, 2)
  const sum = createHmac('sha1', key).update(before).digest()
  return sum.equals(request.subarray(at + 4, at + 24))
}

const released: Buffer[] = []
const good: Answer = (request) => {
  if (request.readUInt16BE(0) === 0x0004) released.push(request)
  if (request.readUInt16BE(0) !== 0x0003) return []
  if (isFirst(request)) return [error(request, 401, challenge)]
  return [isSigned(request) ? granted(request) : error(request, 401, challenge)]
}

async function byUdp(answer: Answer): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (request, from) => {
    for (const packet of answer(request)) socket.send(packet, from.port, from.address)
  })
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound))
  closers.push(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closers.push(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Byte by byte, so that no message comes in one piece. */
const byTcp = (answer: Answer): Promise<string> =>
  listening(
    createServer({ noDelay: true }, (socket) => {
      let held: Buffer = Buffer.alloc(0)
      closers.push(() => socket.destroy())
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        const split = splitMessages(Buffer.concat([held, chunk]))
        if (split === null) return void socket.destroy()
        held = split.rest
        for (const byte of split.messages.flatMap(answer).flatMap((packet) => [...packet]))
          socket.write(Buffer.of(byte))
      })
    }),
  )

const SERVE = { udp: byUdp, tcp: byTcp } as const

describe.each(['udp', 'tcp'] as const)('a server by %s', (transport) => {
  const examine = async (answer: Answer) =>
    examineTurn({ transport, server: await SERVE[transport](answer) }, LOGIN)

  test('lets the login in, and gets back what it gave', async () => {
    released.length = 0
    expect(await examine(good)).toBeNull()
    await expect.poll(() => released.length).toBeGreaterThan(0)
    expect(released.every(isSigned)).toBe(true)
  })

  test.each([
    ['another password', 401],
    ['a quota that is spent', 486],
    ['a stale nonce, again', 438],
  ])('refuses: %s', async (_, code) => {
    const refuse: Answer = (request) =>
      isFirst(request) ? [error(request, 401, challenge)] : [error(request, code, challenge)]
    expect(await examine(refuse)).toBe('turn-refused')
  })

  test('refuses before any login: forbidden, and a challenge without a realm', async () => {
    expect(await examine((request) => [error(request, 403)])).toBe('turn-refused')
    expect(await examine((request) => [error(request, 401)])).toBe('turn-refused')
  })

  test('is silent: says nothing, nonsense, answers to others, or success without an address', async () => {
    const silent: Answer[] = [
      () => [],
      () => [randomBytes(48)],
      (request) => [error(Buffer.from(request).fill(1, 8, 20), 401, challenge)],
      (request) => [encodeRequest(0x0103, id(request), [])],
      (request) => [encodeRequest(0x0101, id(request), [attribute(0x0016, Buffer.alloc(8))])],
      (request) => (isFirst(request) ? [error(request, 401, challenge)] : []),
    ]
    const found = await Promise.all(silent.map(examine))
    expect(found).toEqual(silent.map(() => 'turn-silent'))
  })
})

test('nobody listens, and a certificate that no authority vouches for', async () => {
  const closed = await byTcp(() => [])
  for (const close of closers.splice(0)) close()
  expect(await examineTurn({ transport: 'tcp', server: closed }, LOGIN)).toBe('turn-silent')
  const { keyPem, certPem } = await makeCertificate()
  const server = await listening(createTlsServer({ key: keyPem, cert: certPem }))
  expect(await examineTurn({ transport: 'tls', server }, LOGIN)).toBe('turn-silent')
})
