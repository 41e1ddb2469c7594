// The contract of a shared record endpoint (SPEC §3.3), over real HTTP: the same tests for Node and for workerd.
import { describe, expect, test } from 'vitest'
import { COUNTER_SLACK, RECORD_EXPIRY_MS } from '../../fallback-worker/cell.ts'
import { concat, fromHex, toUtf8, u64 } from '../../shared/bytes.ts'
import { RECORD_BYTES } from '../../shared/constants.ts'
import { sha256 } from '../../shared/hash.ts'
import { ed25519PublicKey, ed25519Sign } from '../../shared/noble.ts'
import { PUT_BYTES } from '../../shared/put.ts'
import {
  BEARER,
  bytesOf,
  type Endpoint,
  get,
  put,
  read,
  record,
  recordUrl,
  writer,
} from './endpoint.ts'

const HOUR_MS = 3_600_000
const STRANGER_TOKEN = { Authorization: 'Bearer another' }

/** `endpoint`: asked in each test, since it starts in a hook. */
export function endpointContract(endpoint: () => Endpoint): void {
  describe('a write', () => {
    test('is stored and read back byte for byte', async () => {
      const { id, body } = writer()
      expect(await put(endpoint(), id, body(5, 9))).toBe('204')
      const response = await get(endpoint(), id)
      expect(response.status).toBe(200)
      expect(await bytesOf(response)).toEqual(record(9))
    })

    test('agrees with the layout of the SPEC, written out by hand', async () => {
      const { id, secret } = writer()
      const hash = sha256(record(3))
      const prefix = toUtf8('clawchat/v1 put\0')
      const signed = concat(prefix, fromHex(id), u64(77), hash, record(3))
      const key = ed25519PublicKey(secret)
      const bytes = concat(key, u64(77), ed25519Sign(secret, signed), record(3))
      expect(await put(endpoint(), id, bytes)).toBe('204')
    })

    test('needs a greater counter: equal and older are 409 and change nothing', async () => {
      const { id, body } = writer()
      expect(await put(endpoint(), id, body(5, 1))).toBe('204')
      expect(await put(endpoint(), id, body(5, 2))).toBe('409 counter-not-greater')
      expect(await put(endpoint(), id, body(4, 3))).toBe('409 counter-not-greater')
      expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} 1`)
      expect(await put(endpoint(), id, body(6, 4))).toBe('204')
      expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} 4`)
    })

    test('of three at once with one counter has exactly one winner, first or later', async () => {
      const { id, body } = writer()
      for (const ctr of [5, 6]) {
        const fills = [1, 2, 3].map((fill) => 10 * ctr + fill)
        const answers = await Promise.all(fills.map((f) => put(endpoint(), id, body(ctr, f))))
        expect(answers.toSorted()).toEqual([
          '204',
          '409 counter-not-greater',
          '409 counter-not-greater',
        ])
        const winner = fills[answers.indexOf('204')]
        expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} ${winner}`)
      }
    })

    test('storm: of 40 at once in any order the highest counter stays', async () => {
      const { id, body } = writer()
      const counters = Array.from({ length: 40 }, (_, i) => ((i * 17) % 40) + 1)
      const answers = await Promise.all(counters.map((ctr) => put(endpoint(), id, body(ctr, ctr))))
      expect(answers.filter((answer) => !/^(204|409)/.test(answer))).toEqual([])
      expect(answers[counters.indexOf(40)]).toBe('204')
      expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} 40`)
    })

    test.each([0, 40, 103, PUT_BYTES - 1])('with byte %i flipped is 403', async (at) => {
      const { id, body } = writer()
      const bytes = body(5)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(await put(endpoint(), id, bytes)).toBe('403 forbidden')
      expect(await read(endpoint(), id)).toBe('404')
    })

    test('with another counter than the signed one is 403', async () => {
      const { id, body } = writer()
      const bytes = body(5)
      bytes.set(u64(6), 32)
      expect(await put(endpoint(), id, bytes)).toBe('403 forbidden')
    })

    test('sent to the id of another host is 403', async () => {
      const [one, two] = [writer(), writer()]
      expect(await put(endpoint(), one.id, two.body(5))).toBe('403 forbidden')
      expect(await endpoint().held(one.id)).toEqual({ tables: 0, rows: 0 })
    })

    test.each([0, 1, PUT_BYTES - 1, PUT_BYTES + 1, 1 << 20])('of %i bytes is 413', async (n) => {
      const { id } = writer()
      expect(await put(endpoint(), id, new Uint8Array(n))).toBe('413 length')
    })

    test('that does not say how long it is has the same limit', async () => {
      const { id, body } = writer()
      const send = async (bytes: Uint8Array): Promise<number> => {
        const stream = new Blob([Uint8Array.from(bytes)]).stream()
        const init = { method: 'PUT', body: stream, duplex: 'half', headers: BEARER }
        return (await fetch(recordUrl(endpoint(), id), init as RequestInit)).status
      }
      expect(await send(concat(body(5), new Uint8Array(1)))).toBe(413)
      expect(await send(body(5))).toBe(204)
    })

    test('may go as far as the counter bound, and no further', async () => {
      const { id, body } = writer()
      const first = Date.now() + COUNTER_SLACK
      expect(await put(endpoint(), id, body(first + HOUR_MS))).toBe('400 counter-too-high')
      expect(await endpoint().held(id)).toEqual({ tables: 0, rows: 0 })
      expect(await put(endpoint(), id, body(first - HOUR_MS))).toBe('204')
      // From here on the bound moves with what is stored.
      const second = first - HOUR_MS + COUNTER_SLACK
      expect(await put(endpoint(), id, body(second + 1))).toBe('400 counter-too-high')
      expect(await put(endpoint(), id, body(second))).toBe('204')
    })

    test('with a counter beyond 2^53 is 400', async () => {
      const { id, body } = writer()
      const bytes = body(5)
      bytes.set(u64(2n ** 63n), 32)
      expect(await put(endpoint(), id, bytes)).toBe('400 malformed')
    })

    test('to what is no id is 400', async () => {
      const { id, body } = writer()
      for (const at of ['x', id.toUpperCase(), `${id}00`, id.slice(2), `${id.slice(2)}zz`]) {
        expect(await put(endpoint(), at, body(5))).toBe('400 malformed')
      }
    })
  })

  describe('the deploy token', () => {
    test('is needed for the first write of an id, and for no later one', async () => {
      const { id, body } = writer()
      for (const headers of [{}, STRANGER_TOKEN, { Authorization: 'Basic deploy-token' }]) {
        expect(await put(endpoint(), id, body(1), headers)).toBe('403 token')
      }
      expect(await endpoint().held(id)).toEqual({ tables: 0, rows: 0 })
      expect(await put(endpoint(), id, body(1))).toBe('204')
      expect(await put(endpoint(), id, body(2), {})).toBe('204')
      expect(await put(endpoint(), id, body(3), STRANGER_TOKEN)).toBe('204')
    })

    test('does not stand in for a signature', async () => {
      const [one, two] = [writer(), writer()]
      expect(await put(endpoint(), one.id, one.body(1))).toBe('204')
      expect(await put(endpoint(), one.id, two.body(2))).toBe('403 forbidden')
      expect(await read(endpoint(), one.id)).toBe(`200 ${RECORD_BYTES} 1`)
    })

    test('is needed again once the record has expired', async () => {
      const { id, body } = writer()
      await put(endpoint(), id, body(9))
      await endpoint().age(id, RECORD_EXPIRY_MS)
      expect(await put(endpoint(), id, body(10), {})).toBe('403 token')
      // With it the counter starts anew.
      expect(await put(endpoint(), id, body(1))).toBe('204')
    })
  })

  describe('the bucket', () => {
    const exhaust = async (id: string, body: (ctr: number) => Uint8Array): Promise<void> => {
      for (let ctr = 1; ctr <= 60; ctr++) expect(await put(endpoint(), id, body(ctr))).toBe('204')
    }

    test('holds 60 writes of an id; each minute brings one more', async () => {
      const { id, body } = writer()
      await exhaust(id, body)
      expect(await put(endpoint(), id, body(61))).toBe('429 rate')
      expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} 1`)
      // Another id has its own.
      const other = writer()
      expect(await put(endpoint(), other.id, other.body(61))).toBe('204')
      await endpoint().forget(id)
      expect(await put(endpoint(), id, body(61))).toBe('429 rate')
      await endpoint().age(id, 60_000)
      expect(await put(endpoint(), id, body(61))).toBe('204')
      expect(await put(endpoint(), id, body(62))).toBe('429 rate')
    })

    test('loses nothing to replayed writes', async () => {
      const { id, body } = writer()
      await exhaust(id, (ctr) => body(ctr))
      await endpoint().age(id, 60_000)
      for (let i = 0; i < 5; i++) {
        expect(await put(endpoint(), id, body(60))).toBe('409 counter-not-greater')
      }
      expect(await put(endpoint(), id, body(61))).toBe('204')
    })
  })

  describe('a read', () => {
    test('of an unknown id is 404 and creates nothing', async () => {
      const { id, body } = writer()
      expect(await read(endpoint(), id)).toBe('404')
      expect(await endpoint().held(id)).toEqual({ tables: 0, rows: 0 })
      expect(await put(endpoint(), id, body(1))).toBe('204')
      expect(await endpoint().held(id)).toEqual({ tables: 1, rows: 1 })
    })

    test('of what is no id is 404', async () => {
      for (const at of ['x', writer().id.toUpperCase(), `${writer().id}0`]) {
        expect(await read(endpoint(), at)).toBe('404')
      }
    })

    test('carries the headers a page needs', async () => {
      const { id, body } = writer()
      await put(endpoint(), id, body(5))
      const { headers } = await get(endpoint(), id)
      expect(headers.get('content-type')).toBe('application/octet-stream')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-expose-headers')).toBe('ETag, Date')
      expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    })

    test('that fails may be read by any page too, and is not cached', async () => {
      const { headers } = await get(endpoint(), writer().id)
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-expose-headers')).toContain('Date')
      expect(headers.get('cache-control')).toBe('no-store')
    })

    test('answers 304 to the current ETag only', async () => {
      const { id, body } = writer()
      await put(endpoint(), id, body(5, 1))
      const etag = (await get(endpoint(), id)).headers.get('etag') ?? ''
      expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
      for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const same = await get(endpoint(), id, { 'If-None-Match': tag })
        expect(same.status).toBe(304)
        expect(await bytesOf(same)).toHaveLength(0)
      }
      await put(endpoint(), id, body(6, 2))
      const changed = await get(endpoint(), id, { 'If-None-Match': etag })
      expect(changed.status).toBe(200)
      expect(changed.headers.get('etag')).not.toBe(etag)
    })

    test('may be preflighted, a write from another origin may not', async () => {
      const url = recordUrl(endpoint(), writer().id)
      const { status, headers } = await fetch(url, { method: 'OPTIONS' })
      expect(status).toBe(204)
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-allow-methods')).toBe('GET, HEAD')
    })

    test('HEAD gives the headers without the body', async () => {
      const { id, body } = writer()
      await put(endpoint(), id, body(5))
      const response = await fetch(recordUrl(endpoint(), id), { method: 'HEAD' })
      expect(response.status).toBe(200)
      expect(response.headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/)
      expect(await bytesOf(response)).toHaveLength(0)
    })

    test('finds a record for 30 days after its last write', async () => {
      const { id, body } = writer()
      await put(endpoint(), id, body(5))
      await endpoint().age(id, RECORD_EXPIRY_MS - HOUR_MS)
      expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} 1`)
      await put(endpoint(), id, body(6))
      await endpoint().age(id, RECORD_EXPIRY_MS - HOUR_MS)
      expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} 1`)
      await endpoint().age(id, HOUR_MS)
      expect(await read(endpoint(), id)).toBe('404')
    })

    test('finds it after the process has forgotten everything', async () => {
      const { id, body } = writer()
      await put(endpoint(), id, body(5, 3))
      await endpoint().forget(id)
      expect(await read(endpoint(), id)).toBe(`200 ${RECORD_BYTES} 3`)
      expect(await put(endpoint(), id, body(5, 4))).toBe('409 counter-not-greater')
    })
  })

  test('healthz answers, everything else is 404', async () => {
    const ask = (path: string, method = 'GET') => fetch(`${endpoint().url}${path}`, { method })
    const health = await ask('/healthz')
    expect(health.status).toBe(200)
    expect(health.headers.get('cache-control')).toBe('no-store')
    expect(await health.text()).toBe('ok')
    expect((await ask('/v1/records')).status).toBe(404)
    expect((await ask('/v1/other')).status).toBe(404)
    for (const method of ['DELETE', 'POST', 'PATCH']) {
      expect((await ask(`/v1/records/${writer().id}`, method)).status).toBe(404)
    }
  })
}
