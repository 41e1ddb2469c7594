// What a socket that punches a hole sends and answers (SPEC §4.5): checks to the client's own addresses, answers to the
// client's own checks, nothing else.
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { afterEach, expect, test } from 'vitest'
import { type PunchInput, PunchPeer } from '../../host/punch.ts'
import { makeCertificate } from '../../host/rtc.ts'
import { encodeBindingRequest, encodeBindingSuccess, parseBindingRequest } from '../../host/stun.ts'
import type { Candidate, Description } from '../../shared/description.ts'

const ADDRESS = '10.77.0.1'
const password = 'p'.repeat(22)
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A socket and what came to it, in order. */
async function ear(): Promise<{ socket: Socket; next: () => Promise<Buffer>; port: number }> {
  const socket = createSocket('udp4')
  const came: Buffer[] = []
  let wake = (): void => undefined
  socket.on('message', (packet) => {
    came.push(packet)
    wake()
  })
  await new Promise<void>((bound) => socket.bind(0, ADDRESS, bound))
  closers.push(() => socket.close())
  const next = async (): Promise<Buffer> => {
    for (;;) {
      const first = came.shift()
      if (first !== undefined) return first
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { socket, next, port: socket.address().port }
}

async function punch(candidates: readonly Candidate[], more: Partial<PunchInput> = {}) {
  const offer: Description = { ufrag: 'clnt', password, fingerprint: randomBytes(32), candidates }
  const peer = await PunchPeer.open({
    certificate: await makeCertificate(),
    offer,
    addresses: [ADDRESS],
    stun: [],
    now: () => performance.now(),
    onCarrier: () => undefined,
    onLive: () => undefined,
    onGone: () => undefined,
    ...more,
  })
  if (peer === null) throw new Error('no socket')
  closers.push(() => peer.close())
  return peer
}

const candidate = (port: number, address = ADDRESS): Candidate => ({
  ...{ address, port, kind: 'host', priority: 1 },
})

test('it knocks at each address that the client named, as the controlled side', async () => {
  const [one, two] = [await ear(), await ear()]
  const peer = await punch([candidate(one.port), candidate(two.port)])
  for (const { next } of [one, two]) {
    const request = parseBindingRequest(await next())
    expect(request?.hostUfrag).toBe('clnt')
    expect(request?.clientUfrag).toBe(peer.description.ufrag)
    expect(request?.verify(password)).toBe(true)
    expect(request?.useCandidate).toBe(false)
  }
})

test('it answers a right check, and not one byte before', async () => {
  const { socket, next } = await ear()
  const { description } = await punch([])
  const { port } = description.candidates[0] as Candidate
  const check = (choice: { name?: string; secret?: string; transaction?: Buffer }): Buffer =>
    encodeBindingRequest({
      transaction: choice.transaction ?? randomBytes(12),
      username: choice.name ?? `${description.ufrag}:clnt`,
      password: choice.secret ?? description.password,
      useCandidate: true,
    })
  const right = randomBytes(12)
  const plain = Buffer.alloc(20)
  plain.writeUInt16BE(1)
  plain.writeUInt32BE(0x2112a442, 4)
  const flipped = check({})
  flipped[30] = (flipped[30] ?? 0) ^ 1
  const packets = [
    Buffer.alloc(0),
    randomBytes(40),
    plain,
    flipped,
    Buffer.concat([Buffer.of(22, 254, 253, 0, 0), Buffer.alloc(8), randomBytes(60)]),
    check({ name: `other:clnt` }),
    check({ name: `${description.ufrag}:other` }),
    check({ name: `clnt:${description.ufrag}` }),
    check({ secret: password }),
    check({ transaction: right }),
  ]
  for (const packet of packets) socket.send(packet, port, ADDRESS)
  const answer = await next()
  expect(answer.readUInt16BE(0)).toBe(0x0101)
  expect(answer.subarray(8, 20)).toEqual(right)
})

test('nominated on a path it goes on knocking at the others: what leads here need not lead back', async () => {
  const [near, far] = [await ear(), await ear()]
  const { description } = await punch([candidate(far.port)])
  const { port } = description.candidates[0] as Candidate
  const nominates = encodeBindingRequest({
    transaction: randomBytes(12),
    username: `${description.ufrag}:clnt`,
    password: description.password,
    useCandidate: true,
  })
  near.socket.send(nominates, port, ADDRESS)
  expect((await near.next()).readUInt16BE(0)).toBe(0x0101)
  // More than can have been on their way.
  for (let i = 0; i < 10; i++) expect(parseBindingRequest(await far.next())).not.toBe(null)
})

test('nobody but the client can nominate, and it serves eight of its addresses', async () => {
  const { description } = await punch([])
  const { port } = description.candidates[0] as Candidate
  const ears = await Promise.all(Array.from({ length: 9 }, ear))
  const check = () =>
    encodeBindingRequest({
      transaction: randomBytes(12),
      username: `${description.ufrag}:clnt`,
      password: description.password,
      useCandidate: false,
    })
  for (const { socket, next } of ears.slice(0, 8)) {
    socket.send(check(), port, ADDRESS)
    expect((await next()).readUInt16BE(0)).toBe(0x0101)
  }
  const [first, ninth] = [ears[0], ears[8]]
  ninth?.socket.send(check(), port, ADDRESS)
  first?.socket.send(check(), port, ADDRESS)
  const winner = await Promise.race([
    ninth?.next().then(() => 'ninth'),
    first?.next().then(() => 'first'),
  ])
  expect(winner).toBe('first')
})

test('it tells when it is gone, and its port with it', async () => {
  const gone = Promise.withResolvers<void>()
  const peer = await punch([], { onGone: () => gone.resolve() })
  const { port } = peer.description.candidates[0] as Candidate
  peer.close()
  await gone.promise
  await new Promise((turn) => setImmediate(() => setImmediate(turn)))
  const again = createSocket('udp4')
  await new Promise<void>((bound, failed) => {
    again.once('error', failed)
    again.bind(port, ADDRESS, bound)
  })
  again.close()
})

test('it asks the STUN server that the owner named, and offers what that sees', async () => {
  const server = createSocket('udp4')
  const asked = Promise.withResolvers<Buffer>()
  server.on('message', (query, from) => {
    asked.resolve(query)
    const seen = { address: '192.0.2.77', port: 40_000 }
    server.send(encodeBindingSuccess(query.subarray(8, 20), seen, 'x'), from.port, from.address)
  })
  await new Promise<void>((bound) => server.bind(0, ADDRESS, bound))
  closers.push(() => server.close())
  const peer = await punch([], { stun: [`${ADDRESS}:${server.address().port}`] })
  expect((await asked.promise).length).toBe(20)
  expect(peer.description.candidates.map(({ kind }) => kind)).toEqual(['host', 'srflx'])
  expect(peer.description.candidates[1]).toMatchObject({ address: '192.0.2.77', port: 40_000 })
})

test('a STUN server that does not answer costs a second and no more', async () => {
  const { port } = await ear()
  const startMs = performance.now()
  const peer = await punch([], { stun: [`${ADDRESS}:${port}`] })
  expect(performance.now() - startMs).toBeLessThan(3000)
  expect(peer.description.candidates).toHaveLength(1)
})
