// Which records pass, one by one; what werift does with those that must not is tests/silence/dtls.test.ts.
import { describe, expect, it } from 'vitest'
import { DtlsFilter } from '../../host/dtlsfilter.ts'

function record(type: number, epoch: number, length: number, sequence = 5): Buffer {
  const out = Buffer.alloc(13 + length, 7)
  out.writeUInt8(type, 0)
  out.writeUInt16BE(0xfefd, 1)
  out.writeUInt16BE(epoch, 3)
  out.writeUIntBE(sequence, 5, 6)
  out.writeUInt16BE(length, 11)
  return out
}
const data = (sequence: number): Buffer => record(23, 1, 30, sequence)

/** The records that pass; with `opens`, as if werift could open each. */
function passed(filter: DtlsFilter, datagram: Buffer, opens = false): Buffer[] {
  const out: Buffer[] = []
  filter.pass(datagram, (bytes) => {
    out.push(bytes)
    if (opens) filter.opened()
  })
  return out
}
const passes = (filter: DtlsFilter, datagram: Buffer, opens = false): boolean =>
  passed(filter, datagram, opens).length === 1

describe('DtlsFilter', () => {
  it('lets handshake and ChangeCipherSpec through in plaintext, and nothing else', () => {
    const types = Array.from({ length: 256 }, (_, type) => type)
    const allowed = types.filter((type) => passes(new DtlsFilter(), record(type, 0, 40)))
    expect(allowed).toEqual([20, 22])
  })

  it('lets sealed handshake and data through, and nothing else', () => {
    const types = Array.from({ length: 256 }, (_, type) => type)
    const allowed = types.filter((type) => passes(new DtlsFilter(), record(type, 1, 40)))
    expect(allowed).toEqual([22, 23])
  })

  it('lets a sealed alert through only if its nonce is its epoch and sequence number', () => {
    const alert = record(21, 1, 26)
    expect(passes(new DtlsFilter(), alert)).toBe(false)
    alert.copy(alert, 13, 3, 11)
    expect(passes(new DtlsFilter(), alert)).toBe(true)
  })

  it('wants room for nonce and tag: 24 bytes pass, 23 do not', () => {
    expect(passes(new DtlsFilter(), record(23, 1, 24))).toBe(true)
    expect(passes(new DtlsFilter(), record(23, 1, 23))).toBe(false)
    expect(passes(new DtlsFilter(), record(22, 1, 23))).toBe(false)
  })

  it('knows no epoch above 1', () => {
    for (const epoch of [2, 3, 256, 0xffff]) {
      expect(passes(new DtlsFilter(), record(23, epoch, 40))).toBe(false)
    }
  })

  it('ends handshakes with the first data that could be opened', () => {
    const filter = new DtlsFilter()
    expect(passes(filter, data(1))).toBe(true)
    expect(passes(filter, record(22, 0, 40))).toBe(true)
    expect(passes(filter, data(1), true)).toBe(true)
    expect(passes(filter, record(22, 0, 40))).toBe(false)
    expect(passes(filter, record(20, 0, 1))).toBe(false)
    expect(passes(filter, record(22, 1, 40))).toBe(false)
    expect(passes(filter, data(2), true)).toBe(true)
  })

  it('takes a datagram apart, and judges each record after what came before it', () => {
    const filter = new DtlsFilter()
    const first = record(22, 0, 10)
    const datagram = Buffer.concat([first, record(21, 0, 2), data(1), record(22, 0, 10), data(2)])
    expect(passed(filter, datagram, true)).toEqual([first, data(1), data(2)])
  })

  it('drops a record that is cut, and keeps those before it', () => {
    const cut = data(2).subarray(0, -1)
    expect(passed(new DtlsFilter(), Buffer.concat([data(1), cut]))).toEqual([data(1)])
    expect(passed(new DtlsFilter(), data(1).subarray(0, 12))).toEqual([])
    expect(passed(new DtlsFilter(), Buffer.alloc(0))).toEqual([])
  })

  it('delivers data once, in any order within the window', () => {
    const filter = new DtlsFilter()
    expect(passes(filter, data(5000), true)).toBe(true)
    expect(passes(filter, data(5000))).toBe(false)
    expect(passes(filter, data(905), true)).toBe(true)
    expect(passes(filter, data(905))).toBe(false)
    expect(passes(filter, data(904))).toBe(false)
  })

  it('is not moved by what could not be opened', () => {
    const filter = new DtlsFilter()
    expect(passes(filter, data(1), true)).toBe(true)
    expect(passes(filter, data(2 ** 47))).toBe(true)
    expect(passes(filter, data(2))).toBe(true)
    expect(passes(filter, data(2), true)).toBe(true)
  })

  it('refuses a replay of each of 20 000 records, also of those it has long forgotten', () => {
    const filter = new DtlsFilter()
    for (let i = 0; i < 20_000; i++) expect(passes(filter, data(i), true)).toBe(true)
    const again = Array.from({ length: 20_000 }, (_, i) => i).filter((i) => passes(filter, data(i)))
    expect(again).toEqual([])
  })
})
