// What arrives on the UDP port before any key decides (SPEC §4): binding requests and DTLS records, against naive readings.
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { DtlsFilter } from '../../host/dtlsfilter.ts'
import { attribute, encodeRequest, looksLikeStun, parseBindingRequest } from '../../host/stun.ts'
import { parseAllocateAnswer, splitMessages } from '../../host/turnwire.ts'
import { Choices } from './dice.ts'
import { must, type Target } from './target.ts'

export const STUN_PASSWORD = 'VOkJxbRl1RmTxUk/WvJxBt'
const REQUEST = Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex')

const hmac = (bytes: Buffer): Buffer => createHmac('sha1', STUN_PASSWORD).update(bytes).digest()

/** The header says how long the message is with what is still to come. */
function announcing(bytes: Buffer, more: number): Buffer {
  const out = Buffer.from(bytes)
  out.writeUInt16BE(bytes.length - 20 + more, 2)
  return out
}

const stun: Target = {
  name: 'stun',
  maxBytes: 1300,
  run(input) {
    const packet = Buffer.from(input)
    looksLikeStun(packet)
    const request = parseBindingRequest(packet)
    if (request === null) return
    const before = packet.subarray(0, -32)
    const right = hmac(announcing(before, 24)).equals(packet.subarray(-28, -8))
    must(request.verify(STUN_PASSWORD) === right, 'finds integrity right where it is')
    must(!request.verify(`${STUN_PASSWORD}x`), 'and not under another password')
    must(request.transaction.equals(packet.subarray(8, 20)), 'copies the transaction')
  },
}

interface Read {
  readonly username: string
  readonly useCandidate: boolean
}

/** What a request with these attributes says; null if it must be refused. */
function naively(attributes: Buffer): Read | null {
  const seen = new Map<number, Buffer>()
  let left = attributes
  while (left.length > 0) {
    if (left.length < 4) return null
    const size = left.readUInt16BE(2)
    const type = left.readUInt16BE(0)
    const padded = 4 + size + ((4 - (size % 4)) % 4)
    if (padded > left.length || seen.has(type)) return null
    seen.set(type, left.subarray(4, 4 + size))
    left = left.subarray(padded)
  }
  const username = seen.get(6)?.toString('latin1')
  const whole = /^[^:]*:[^:]+$/.test(username ?? '')
  if (username === undefined || !whole || seen.has(8) || seen.has(0x8028)) return null
  return { username, useCandidate: seen.has(0x25) }
}

/** The input is the attributes; integrity and fingerprint are right. */
const stunSigned: Target = {
  name: 'stun-signed',
  maxBytes: 1160,
  run(input) {
    const attributes = Buffer.concat([input, Buffer.alloc((4 - (input.length % 4)) % 4)])
    const before = announcing(Buffer.concat([REQUEST, attributes]), 24)
    const signed = Buffer.concat([before, Buffer.from('00080014', 'hex'), hmac(before)])
    const whole = announcing(signed, 8)
    const crc = Buffer.alloc(4)
    crc.writeUInt32BE((crc32(whole) ^ 0x5354554e) >>> 0)
    const packet = Buffer.concat([whole, Buffer.from('80280004', 'hex'), crc])
    const request = parseBindingRequest(packet)
    const wanted = naively(attributes)
    must((request === null) === (wanted === null), 'refuses what a naive reading refuses')
    if (request === null) return
    must(`${request.hostUfrag}:${request.clientUfrag}` === wanted?.username, 'reads the username')
    must(request.useCandidate === wanted?.useCandidate, 'reads USE-CANDIDATE')
    must(request.verify(STUN_PASSWORD), 'takes the right password')
  },
}

const TURN_TRANSACTION = Buffer.from(REQUEST.subarray(8))
/** What servers answer to an Allocate: a challenge, a refusal, what was asked for; and what comes by TCP in a row. */
export const TURN_ANSWERS: readonly Buffer[] = [
  encodeRequest(0x0113, TURN_TRANSACTION, [
    attribute(0x0009, Buffer.of(0, 0, 4, 1)),
    attribute(0x0014, Buffer.from('lab')),
    attribute(0x0015, Buffer.from('once')),
  ]),
  encodeRequest(0x0113, TURN_TRANSACTION, [attribute(0x0009, Buffer.of(0, 0, 4, 86))]),
  encodeRequest(0x0103, TURN_TRANSACTION, [attribute(0x0016, Buffer.alloc(8))]),
]

const turnAnswer: Target = {
  name: 'turn-answer',
  maxBytes: 2500,
  run(input) {
    const packet = Buffer.from(input)
    const answer = parseAllocateAnswer(packet, TURN_TRANSACTION)
    if (answer?.type === 'error') must(answer.code < 1000, 'a code of three digits')
    must(answer === null || packet.subarray(8, 20).equals(TURN_TRANSACTION), 'is to this request')
    const split = splitMessages(packet)
    if (split === null) return
    const { messages, rest } = split
    must(Buffer.concat([...messages, rest]).equals(packet), 'nothing is lost or made up')
    must(rest.length < 1200, 'holds no more than a message')
    for (const each of messages) must(each.readUInt16BE(2) + 20 === each.length, 'whole messages')
  },
}

/** The rules of host/dtlsfilter.ts once more, with a memory that forgets nothing. */
class NaiveFilter {
  readonly #opened = new Set<number>()

  allows(record: Buffer): boolean {
    const type = record.readUInt8(0)
    const epoch = record.readUInt16BE(3)
    const sequence = record.readUIntBE(5, 6)
    if (epoch === 0) return this.#opened.size === 0 && (type === 20 || type === 22)
    if (epoch > 1 || record.length < 13 + 24) return false
    if (type === 22) return this.#opened.size === 0
    if (type === 21) return record.subarray(13, 21).equals(record.subarray(3, 11))
    if (type !== 23 || this.#opened.has(sequence)) return false
    return sequence > Math.max(-1, ...this.#opened) - 4096
  }

  get newest(): number {
    return Math.min(2 ** 47, Math.max(0, ...this.#opened))
  }

  opened(record: Buffer): void {
    if (record.readUInt8(0) === 23) this.#opened.add(record.readUIntBE(5, 6))
  }
}

/** Around the window of the newest, or anywhere. */
function sequenceOf(from: Choices, newest: number): number {
  const edge = newest + from.pick([1, 0, -1, -4095, -4096, -4097, 5000])
  return from.pick([
    Math.max(0, edge),
    from.u8(),
    from.below(65_536),
    from.rarely(64) ? 2 ** 48 - 1 : 1,
  ])
}

/** Records whose headers make sense, mostly. */
function datagramOf(from: Choices, newest: number): Buffer {
  const records: Buffer[] = []
  for (let more = 1 + from.below(3); more > 0; more--) {
    const record = Buffer.alloc(13 + from.pick([0, 23, 24, 30]))
    record.writeUInt8(from.pick([20, 21, 22, 23, 23, 23, 24, from.u8()]), 0)
    record.writeUInt16BE(from.pick([0, 1, 1, 1, 2]), 3)
    record.writeUIntBE(sequenceOf(from, newest), 5, 6)
    record.writeUInt16BE(record.length - 13 + (from.rarely(32) ? 1 : 0), 11)
    if (record.length > 34 && from.below(2) === 0) record.copy(record, 13, 3, 11)
    records.push(record)
  }
  return Buffer.concat(from.rarely(16) ? [...records, Buffer.from(from.bytes(20))] : records)
}

const dtls: Target = {
  name: 'dtls',
  maxBytes: 600,
  run(input) {
    const from = new Choices(input)
    const filter = new DtlsFilter()
    const naive = new NaiveFilter()
    for (let steps = 0; from.more && steps < 200; steps++) {
      const datagram = datagramOf(from, naive.newest)
      const opens = from.below(2) === 0
      const passed: string[] = []
      const wanted: string[] = []
      filter.pass(datagram, (record) => {
        passed.push(record.toString('hex'))
        if (opens) filter.opened()
      })
      for (let rest = datagram; rest.length >= 13; ) {
        const size = 13 + rest.readUInt16BE(11)
        if (size > rest.length) break
        const record = rest.subarray(0, size)
        rest = rest.subarray(size)
        if (!naive.allows(record)) continue
        wanted.push(record.toString('hex'))
        if (opens) naive.opened(record)
      }
      must(passed.join() === wanted.join(), 'passes what the rules let pass')
    }
  },
}

/** Any bytes as one datagram. */
const dtlsRaw: Target = {
  name: 'dtls-raw',
  maxBytes: 1500,
  run(input) {
    const filter = new DtlsFilter()
    const datagram = Buffer.from(input)
    let bytes = 0
    filter.pass(datagram, (record) => {
      bytes += record.length
      filter.opened()
    })
    must(bytes <= datagram.length, 'delivers no byte twice')
  },
}

export const PACKET_TARGETS: readonly Target[] = [stun, stunSigned, turnAnswer, dtls, dtlsRaw]
