// Hostile lengths and counts (SPEC, opening paragraph): at the limit taken, one over refused, and no memory for what is
// only announced.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { DtlsFilter } from '../../host/dtlsfilter.ts'
import { parseBindingRequest } from '../../host/stun.ts'
import { concat, fromBase64Url, Reader, toBase64Url, toUtf8, Writer } from '../../shared/bytes.ts'
import { ClawError } from '../../shared/error.ts'
import { decodeEvent, encodeEvent } from '../../shared/events.ts'
import { decodeFrame } from '../../shared/frames.ts'
import { decodeInvite } from '../../shared/invite.ts'
import { type Locator, readLocator, writeLocator } from '../../shared/locator.ts'
import { decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { parseProtocol } from '../../shared/noise.ts'
import { decodePut, PUT_BYTES } from '../../shared/put.ts'
import { corpusOf } from '../fuzz/corpus.ts'
import { at } from '../fuzz/dice.ts'
import { TARGETS } from '../fuzz/targets.ts'
import { fixed } from '../vectors/fixed.ts'

// Plenty, for machines that do much else.
vi.setConfig({ testTimeout: 30_000 })

const id = fixed('id', 16)

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'taken'
  } catch (error) {
    if (error instanceof ClawError) return error.code
    throw error
  }
}

describe('at the limit and one over', () => {
  const locator = (entries: Locator): Uint8Array => {
    const writer = new Writer()
    writeLocator(writer, entries)
    return writer.done()
  }
  const readsLocator = (bytes: Uint8Array) =>
    codeOf(() => readLocator(new Reader(bytes), 'malformed'))
  const url = (length: number) => 'https://store.example/'.padEnd(length, 'a')
  const https = (length: number) =>
    concat(Uint8Array.of(1, 1, 1, 0, 32 + length), id, id, toUtf8(url(length)))
  const unknown = { type: 'unknown', code: 9, flags: 0, data: id } as const

  test('locator: 8 entries, URLs of 200 bytes', () => {
    const eight = locator(Array.from({ length: 8 }, () => unknown))
    expect(readsLocator(eight)).toBe('taken')
    const nine = concat(Uint8Array.of(9), eight.slice(1), eight.slice(1, 21))
    expect(readsLocator(nine)).toBe('malformed')
    expect(codeOf(() => locator(Array.from({ length: 9 }, () => unknown)))).toBe('limit')
    expect([readsLocator(https(200)), readsLocator(https(201))]).toEqual(['taken', 'malformed'])
  })

  test('invite: 4096 characters', () => {
    expect(codeOf(() => decodeInvite('A'.repeat(4097)))).toBe('invite-malformed')
    // Refused for its length alone, before anything is made of it.
    expect(codeOf(() => decodeInvite('A'.repeat(50_000_000)))).toBe('invite-malformed')
  })

  test('text: 16 000 bytes; names: 48', () => {
    const post = (length: number) =>
      concat(
        id,
        id,
        Uint8Array.of(length >> 8, length & 255),
        new Uint8Array(length).fill(97),
        new Uint8Array(9),
      )
    expect(codeOf(() => decodeEvent(1, post(16_000)))).toBe('taken')
    expect(codeOf(() => decodeEvent(1, post(16_001)))).toBe('malformed')
    expect(
      codeOf(() =>
        encodeEvent({ type: 'post', endsAtMs: 0, room: id, replyTo: null, text: 'ü'.repeat(8001) }),
      ),
    ).toBe('limit')
    const name = (length: number) => concat(Uint8Array.of(length), new Uint8Array(length).fill(97))
    expect(codeOf(() => decodeMessage({ type: 0x10, data: name(48) }))).toBe('taken')
    expect(codeOf(() => decodeMessage({ type: 0x10, data: name(49) }))).toBe('malformed')
  })

  test('DELIVERED: 1000 ids; HISTORY: 1 to 200; PAGE: 200 messages', () => {
    const ids = (count: number) =>
      concat(id, Uint8Array.of(count >> 8, count & 255), new Uint8Array(count * 16))
    expect(codeOf(() => decodeEvent(5, ids(1000)))).toBe('taken')
    expect(codeOf(() => decodeEvent(5, ids(1001)))).toBe('malformed')
    const history = (limit: number) =>
      decodeMessage(encodeMessage({ type: 'history', room: id, before: 0, limit }))
    expect([0, 1, 200, 201].map((limit) => codeOf(() => history(limit)))).toEqual([
      'malformed',
      'taken',
      'taken',
      'malformed',
    ])
    const message = {
      type: 'message',
      id,
      room: id,
      seq: 1,
      atMs: 1,
      author: id,
      authorDevice: id,
      delivered: false,
      text: '',
      ...{
        edited: false,
        deleted: false,
        gone: false,
        endsAtMs: 0,
        notice: null,
        change: 0,
        replyTo: null,
        reactions: [],
      },
    } as const
    const page = (count: number) => {
      const messages = Array.from({ length: count }, () => message)
      return decodeMessage(
        encodeMessage({ type: 'page', room: id, before: 0, more: false, messages }),
      )
    }
    expect(codeOf(() => page(200))).toBe('taken')
    expect(codeOf(() => page(201))).toBe('malformed')
  })

  test('frames: the five sizes and no other; a store write: its one size', () => {
    const frame = (length: number) => {
      const bytes = new Uint8Array(length)
      bytes[0] = 1
      return codeOf(() => decodeFrame(bytes))
    }
    const taken = Array.from({ length: 16_500 }, (_, length) => length).filter(
      (length) => frame(length) === 'taken',
    )
    expect(taken).toEqual([96, 288, 1056, 4128, 16_384])
    for (const length of [0, PUT_BYTES - 1, PUT_BYTES + 1]) {
      expect(codeOf(() => decodePut(fixed('id'), new Uint8Array(length)))).toBe('malformed')
    }
  })
})

describe('memory', () => {
  setFlagsFromString('--expose_gc')
  const collect: () => void = runInNewContext('gc')

  /** On the heap and in buffers. Less than was taken if a collection comes in between. */
  function bytesTaken(run: () => unknown): number {
    const before = process.memoryUsage()
    run()
    const after = process.memoryUsage()
    return after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers
  }

  /** Something else may allocate meanwhile, but not each of five times. */
  function takesMoreThan(bytes: number, run: () => unknown): boolean {
    if (bytesTaken(run) <= bytes) return false
    return Array.from({ length: 5 }).every(() => {
      collect()
      return bytesTaken(run) > bytes
    })
  }

  /** What any decoding takes for itself: errors with their stacks, hashes. Announced lengths are from 64 KiB to 4 GiB. */
  const DECODING_BYTES = 192 * 1024

  const targets = [
    'locator',
    'invite-body',
    'frame',
    'frame-plaintext',
    'message',
    'event',
    'stun',
    'stun-signed',
    'turn-answer',
    'dtls-raw',
  ].map((name) =>
    at(
      TARGETS,
      TARGETS.findIndex((target) => target.name === name),
    ),
  )

  /** Every 16-bit and 32-bit number of the first bytes as large as it gets, and nothing behind it. */
  function hostile(input: Uint8Array): Uint8Array[] {
    return Array.from({ length: Math.min(120, input.length) }, (_, place) => [
      concat(input.slice(0, place), Uint8Array.of(255, 255)),
      concat(input.slice(0, place), Uint8Array.of(255, 255, 255, 255, 255)),
    ]).flat()
  }

  test.each(targets.map((target) => ({ name: target.name, target })))(
    '$name: what is announced and not there takes none',
    ({ target }) => {
      const inputs = corpusOf(target.name).flatMap(hostile)
      expect(inputs.length).toBeGreaterThan(20)
      const greedy = inputs.filter((input) =>
        takesMoreThan(DECODING_BYTES + 8 * input.length, () => target.run(input)),
      )
      expect(greedy.map((input) => Buffer.from(input).toString('hex'))).toEqual([])
    },
  )

  test('the largest honest inputs take a few times their size', () => {
    const big = new Uint8Array(65_535).fill(97)
    const fragment = toBase64Url(new Uint8Array(3072))
    const cases: readonly (readonly [number, () => unknown])[] = [
      [16_384, () => decodeFrame(concat(Uint8Array.of(1), new Uint8Array(16_383)))],
      [4096, () => codeOf(() => decodeInvite(fragment))],
      [4096, () => fromBase64Url(fragment)],
      [65_535, () => codeOf(() => decodeEvent(1, concat(id, Uint8Array.of(255, 255), big)))],
      [65_535, () => parseBindingRequest(Buffer.from(big))],
      [65_535, () => new DtlsFilter().pass(Buffer.from(big), () => undefined)],
      [65_535, () => codeOf(() => parseProtocol(`Noise_${'A'.repeat(65_000)}`))],
    ]
    for (const [size, run] of cases) {
      expect(takesMoreThan(DECODING_BYTES + 40 * size, run), String(run)).toBe(false)
    }
  })
})
