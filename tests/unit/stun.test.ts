// Binding requests, read strictly, and answers that an independent reading finds right (RFC 8489, RFC 5769 vectors).
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  encodeBindingRequest,
  encodeBindingSuccess,
  encodeStunQuery,
  looksLikeStun,
  parseBindingRequest,
  parseStunAnswer,
} from '../../host/stun.ts'

const transaction = Buffer.from('000102030405060708090a0b', 'hex')
const password = 'VOkJxbRl1RmTxUk/WvJxBt'

/** RFC 5769 §2.1, a request of another implementation: SOFTWARE, PRIORITY, ICE-CONTROLLED and the three that count. */
const RFC_5769 = Buffer.from(
  '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf',
  'hex',
)

const attribute = (type: number, value: Buffer): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(value.length, 2)
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
}

/** Any sequence of attributes under any header; 'integrity' and 'fingerprint' stand for right ones at that place. */
function message(
  parts: readonly (Buffer | 'integrity' | 'fingerprint')[],
  header: { readonly type?: number; readonly magic?: number; readonly length?: number } = {},
): Buffer {
  let out = Buffer.alloc(20)
  out.writeUInt16BE(header.type ?? 1, 0)
  out.writeUInt32BE(header.magic ?? 0x2112a442, 4)
  transaction.copy(out, 8)
  for (const part of parts) {
    if (part === 'integrity') {
      out.writeUInt16BE(out.length + 24 - 20, 2)
      const mac = createHmac('sha1', password).update(out).digest()
      out = Buffer.concat([out, attribute(8, mac)])
    } else if (part === 'fingerprint') {
      out.writeUInt16BE(out.length + 8 - 20, 2)
      const crc = Buffer.alloc(4)
      crc.writeUInt32BE((crc32(out) ^ 0x5354554e) >>> 0)
      out = Buffer.concat([out, attribute(0x8028, crc)])
    } else out = Buffer.concat([out, part])
  }
  out.writeUInt16BE(header.length ?? out.length - 20, 2)
  return out
}

const username = attribute(6, Buffer.from('host:client'))
const useCandidate = attribute(0x25, Buffer.alloc(0))
const priority = attribute(0x24, Buffer.from('6e0001ff', 'hex'))

describe('parseBindingRequest', () => {
  it('reads the request of RFC 5769 and finds its integrity right', () => {
    const request = parseBindingRequest(RFC_5769)
    expect(request?.hostUfrag).toBe('evtj')
    expect(request?.clientUfrag).toBe('h6vY')
    expect(request?.useCandidate).toBe(false)
    expect(request?.transaction.toString('hex')).toBe('b7e7a701bc34d686fa87dfae')
    expect(request?.verify(password)).toBe(true)
    expect(request?.verify(`${password}x`)).toBe(false)
  })

  it('reads what encodeBindingRequest writes', () => {
    for (const nominates of [false, true]) {
      const packet = encodeBindingRequest({
        transaction,
        username: `${'k'.repeat(124)}:abcd`,
        password,
        useCandidate: nominates,
      })
      expect(looksLikeStun(packet)).toBe(true)
      const request = parseBindingRequest(packet)
      expect(request?.hostUfrag).toBe('k'.repeat(124))
      expect(request?.clientUfrag).toBe('abcd')
      expect(request?.useCandidate).toBe(nominates)
      expect(request?.verify(password)).toBe(true)
    }
  })

  it('notices every flipped bit', () => {
    let noticed = 0
    for (let at = 0; at < RFC_5769.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(RFC_5769)
        flipped.writeUInt8((flipped[at] ?? 0) ^ (1 << bit), at)
        if (parseBindingRequest(flipped)?.verify(password) !== true) noticed++
      }
    }
    expect(noticed).toBe(RFC_5769.length * 8)
  })

  it('refuses every shortened and lengthened request', () => {
    for (let n = 0; n < RFC_5769.length; n++) {
      expect(parseBindingRequest(RFC_5769.subarray(0, n))).toBe(null)
    }
    for (const more of [1, 4, 8]) {
      expect(parseBindingRequest(Buffer.concat([RFC_5769, Buffer.alloc(more)]))).toBe(null)
    }
  })

  it('takes the attributes in any order before the integrity', () => {
    const good = message([useCandidate, priority, username, 'integrity', 'fingerprint'])
    expect(parseBindingRequest(good)?.useCandidate).toBe(true)
    expect(parseBindingRequest(good)?.verify(password)).toBe(true)
  })

  const bad: readonly (readonly [string, Buffer])[] = [
    ['no username', message([priority, 'integrity', 'fingerprint'])],
    ['no integrity', message([username, 'fingerprint'])],
    ['no fingerprint', message([username, 'integrity'])],
    ['nothing', message([])],
    ['fingerprint before integrity', message([username, 'fingerprint', 'integrity'])],
    [
      'use-candidate behind the integrity',
      message([username, 'integrity', useCandidate, 'fingerprint']),
    ],
    [
      'an attribute behind the fingerprint',
      message([username, 'integrity', 'fingerprint', useCandidate]),
    ],
    ['username twice', message([username, username, 'integrity', 'fingerprint'])],
    ['integrity twice', message([username, 'integrity', 'integrity', 'fingerprint'])],
    ['fingerprint twice', message([username, 'integrity', 'fingerprint', 'fingerprint'])],
    [
      'use-candidate twice',
      message([username, useCandidate, useCandidate, 'integrity', 'fingerprint']),
    ],
    [
      'an unknown attribute twice',
      message([
        attribute(0x8099, Buffer.alloc(4)),
        attribute(0x8099, Buffer.alloc(4)),
        username,
        'integrity',
        'fingerprint',
      ]),
    ],
    ['an indication', message([username, 'integrity', 'fingerprint'], { type: 0x0011 })],
    ['a response', message([username, 'integrity', 'fingerprint'], { type: 0x0101 })],
    ['an allocate request', message([username, 'integrity', 'fingerprint'], { type: 0x0003 })],
    ['no magic cookie', message([username, 'integrity', 'fingerprint'], { magic: 0 })],
    ['a short length', message([username, 'integrity', 'fingerprint'], { length: 8 })],
    [
      'a username without a colon',
      message([attribute(6, Buffer.from('host')), 'integrity', 'fingerprint']),
    ],
    [
      'a username with two colons',
      message([attribute(6, Buffer.from('a:b:c')), 'integrity', 'fingerprint']),
    ],
    [
      'an empty client ufrag',
      message([attribute(6, Buffer.from('host:')), 'integrity', 'fingerprint']),
    ],
    [
      'more than 1200 bytes',
      message([username, attribute(0x8022, Buffer.alloc(1200)), 'integrity', 'fingerprint']),
    ],
    [
      'an attribute past the end',
      message([username, Buffer.from('80220040', 'hex'), 'integrity', 'fingerprint']),
    ],
  ]
  it.each(bad)('refuses %s', (_, packet) => {
    expect(parseBindingRequest(packet)).toBe(null)
  })
})

describe('encodeBindingSuccess', () => {
  /** type, value and offset of each attribute, read as naively as possible */
  function attributesOf(packet: Buffer) {
    const out: { type: number; value: Buffer; at: number }[] = []
    for (let at = 20; at < packet.length; ) {
      const size = packet.readUInt16BE(at + 2)
      out.push({ type: packet.readUInt16BE(at), value: packet.subarray(at + 4, at + 4 + size), at })
      at += 4 + Math.ceil(size / 4) * 4
    }
    return out
  }

  it('gives the address of RFC 5769 §2.2 and §2.3, v4 and v6', () => {
    const id = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex')
    const v4 = encodeBindingSuccess(id, { address: '192.0.2.1', port: 32853 }, password)
    expect(attributesOf(v4)[0]?.value.toString('hex')).toBe('0001a147e112a643')
    const address = '2001:db8:1234:5678:11:2233:4455:6677'
    const v6 = encodeBindingSuccess(id, { address, port: 32853 }, password)
    expect(attributesOf(v6)[0]?.value.toString('hex')).toBe(
      '0002a1470113a9faa5d3f179bc25f4b5bed2b9d9',
    )
    const scoped = encodeBindingSuccess(id, { address: `${address}%eth0`, port: 32853 }, password)
    expect(scoped.equals(v6)).toBe(true)
  })

  it('ends with a right integrity and a right fingerprint', () => {
    const packet = encodeBindingSuccess(transaction, { address: '127.0.0.1', port: 9 }, password)
    expect(packet.readUInt16BE(0)).toBe(0x0101)
    expect(packet.readUInt16BE(2)).toBe(packet.length - 20)
    expect(packet.subarray(8, 20).equals(transaction)).toBe(true)
    const [mapped, integrity, fingerprint] = attributesOf(packet)
    expect([mapped?.type, integrity?.type, fingerprint?.type]).toEqual([0x20, 8, 0x8028])
    const signed = Buffer.from(packet.subarray(0, integrity?.at))
    signed.writeUInt16BE(signed.length + 24 - 20, 2)
    expect(integrity?.value).toEqual(createHmac('sha1', password).update(signed).digest())
    const crc = (crc32(packet.subarray(0, fingerprint?.at)) ^ 0x5354554e) >>> 0
    expect(fingerprint?.value.readUInt32BE(0)).toBe(crc)
  })
})

describe('a STUN server', () => {
  // RFC 5769 §2.2 and §2.3: responses of another implementation.
  const id = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex')
  const v4 = Buffer.from(
    '0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96',
    'hex',
  )
  const v6 = Buffer.from(
    '010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c',
    'hex',
  )

  it('is asked without a name or a password', () => {
    expect(encodeStunQuery(id).toString('hex')).toBe(`000100002112a442${id.toString('hex')}`)
  })

  it('is understood', () => {
    expect(parseStunAnswer(v4, id)).toEqual({ address: '192.0.2.1', port: 32_853 })
    const address = '2001:db8:1234:5678:11:2233:4455:6677'
    expect(parseStunAnswer(v6, id)).toEqual({ address, port: 32_853 })
  })

  it('is believed for this question only, and in whole', () => {
    expect(parseStunAnswer(v4, transaction)).toBeNull()
    expect(parseStunAnswer(encodeStunQuery(id), id)).toBeNull()
    for (let cut = 0; cut < v4.length; cut++)
      expect(parseStunAnswer(v4.subarray(0, cut), id)).toBeNull()
    // no address; one of another length than its family's
    const none = Buffer.from(v4)
    none.writeUInt16BE(0x8023, 36)
    expect(parseStunAnswer(none, id)).toBeNull()
    const family = Buffer.from(v4)
    family.writeUInt8(2, 41)
    expect(parseStunAnswer(family, id)).toBeNull()
  })
})
