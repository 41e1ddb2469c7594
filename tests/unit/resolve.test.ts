// Stores that agree, disagree, lie and are away (SPEC §3.2): the highest valid seq wins, the cached copy stands in.
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { toHex } from '../../shared/bytes.ts'
import { RECORD_BYTES, SCHEDULE_EPOCHS } from '../../shared/constants.ts'
import { ClawError } from '../../shared/error.ts'
import { LOCATOR_FLAG, type Locator } from '../../shared/locator.ts'
import { encodeAttributes } from '../../shared/mega.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { sealRecord } from '../../shared/record.ts'
import { type Resolved, resolveRecord } from '../../web/resolve.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const identitySecret = random(32)
const hostPublicKey = ed25519PublicKey(identitySecret)
const root = random(32)
const id = random(32)

const locatorOf = (...names: string[]): Locator =>
  names.map((name) => ({
    type: 'https' as const,
    flags: LOCATOR_FLAG.record,
    id,
    url: `https://${name}.example`,
  }))

function record(seq: number, options: { root?: Uint8Array; secret?: Uint8Array } = {}): Uint8Array {
  const secret = options.secret ?? identitySecret
  return sealRecord({
    body: {
      hostPublicKey: ed25519PublicKey(secret),
      seq,
      issuedMs: 1_700_000_000_000,
      burn: false,
      reason: 0,
      hostStatic: random(32),
      intervalMs: 3_600_000,
      firstEpoch: 472_221,
      schedule: Array.from({ length: SCHEDULE_EPOCHS }, (_, i) => ({
        port: 50_000 + i,
        fingerprint: random(32),
      })),
      addresses: [{ kind: 4, flags: 1, externalPort: 0, ip: Uint8Array.of(192, 168, 1, 5) }],
      locator: locatorOf('a'),
    },
    roots: [options.root ?? root],
    identitySecret: secret,
    random,
  })
}

type Answer = Uint8Array | number | 'away' | 'hangs' | 'endless'

let given = 0
const endless = (): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream({
    pull: (controller) => {
      given += 1024
      controller.enqueue(new Uint8Array(1024))
    },
  })

const MEGA = { type: 'mega', flags: LOCATOR_FLAG.record, handle: 'Ab3_-xyz', key: id } as const

/** What MEGA answers with this record in the file's attributes, and what one that is no record becomes. */
const fromMega = (answer: Uint8Array): Response =>
  new Response(
    JSON.stringify([{ at: encodeAttributes(MEGA.key, { name: 'anchor', record: answer }) }]),
  )

/** Stores by name; a number is an HTTP status. `mega` is the store at MEGA, by its one request. */
function resolve(
  answers: Record<string, Answer>,
  options: { minSeq?: number; cached?: Uint8Array; asked?: string[] } = {},
): Promise<Resolved> {
  return resolveRecord({
    locator: [
      ...('mega' in answers ? [MEGA] : []),
      ...locatorOf(...Object.keys(answers).filter((name) => name !== 'mega')),
    ],
    root,
    hostPublicKey,
    nowMs: 1_700_000_000_000,
    minSeq: options.minSeq ?? 0,
    cached: options.cached ?? null,
    megaGateway: 'https://mega.example',
    fetch: async (url, init) => {
      options.asked?.push(url)
      const answer = answers[new URL(url).hostname.split('.')[0] ?? '']
      if (answer === undefined || answer === 'away') throw new TypeError('failed to fetch')
      if (answer === 'hangs') return new Promise(() => undefined)
      if (answer === 'endless') return new Response(endless())
      if (url.startsWith('https://mega.example/cs?id=') && answer instanceof Uint8Array) {
        expect(init).toMatchObject({ method: 'POST', body: '[{"a":"g","p":"Ab3_-xyz"}]' })
        return fromMega(answer)
      }
      if (typeof answer === 'number') return new Response('no', { status: answer })
      return new Response(new Uint8Array(answer))
    },
  })
}

const codeOf = (result: Promise<unknown>): Promise<string> =>
  result.then(
    () => 'none',
    (error: unknown) => (error instanceof ClawError ? error.code : 'other'),
  )

test('every store is asked under the storage id, and the highest seq wins wherever it stands', async () => {
  const asked: string[] = []
  const found = await resolve({ a: record(5), b: record(9), c: record(7) }, { asked })
  expect(found.record.seq).toBe(9)
  expect([found.stores, found.asked]).toEqual([3, 3])
  expect(asked.sort()).toEqual(
    ['a', 'b', 'c'].map((name) => `https://${name}.example/v1/records/${toHex(id)}`),
  )
})

test('one good store is enough beside any bad one', async () => {
  const bad: Answer[] = [
    'away',
    404,
    500,
    random(RECORD_BYTES),
    random(10),
    new Uint8Array(0),
    record(99, { root: random(32) }),
    record(99, { secret: random(32) }),
  ]
  for (const answer of bad) {
    const found = await resolve({ a: answer, b: record(3) })
    expect([found.record.seq, found.stores, found.asked]).toEqual([3, 1, 2])
  }
})

test('a record below the highest seq seen is a rollback; an equal one is not', async () => {
  expect(await codeOf(resolve({ a: record(4) }, { minSeq: 5 }))).toBe('record-rollback')
  expect((await resolve({ a: record(5) }, { minSeq: 5 })).record.seq).toBe(5)
})

test('the cached copy stands in when no store has anything valid', async () => {
  const cached = record(6)
  for (const answer of ['away', 404, random(RECORD_BYTES), record(5)] as const) {
    const found = await resolve({ a: answer }, { cached, minSeq: 6 })
    expect([found.record.seq, found.stores]).toEqual([6, 0])
    expect(found.bytes).toEqual(cached)
  }
})

test('a cached copy that is rubbish or of another credential does not hide what the stores said', async () => {
  for (const cached of [random(RECORD_BYTES), random(3), record(6, { root: random(32) })]) {
    expect(await codeOf(resolve({ a: record(4) }, { cached, minSeq: 5 }))).toBe('record-rollback')
  }
})

test('without anything valid the most telling answer is the error, not the first', async () => {
  const foreign = record(1, { root, secret: random(32) })
  const noSlot = record(1, { root: random(32) })
  const cases: [Record<string, Answer>, string][] = [
    [{ a: 404 }, 'record-missing'],
    [{ a: 503 }, 'store-refused'],
    [{ a: random(RECORD_BYTES) }, 'record-malformed'],
    [{ a: random(RECORD_BYTES - 1) }, 'record-malformed'],
    [{ a: noSlot }, 'record-no-slot'],
    [{ a: foreign }, 'record-foreign'],
    [{ a: 404, b: noSlot }, 'record-no-slot'],
    [{ a: 'away', b: random(RECORD_BYTES), c: foreign }, 'record-foreign'],
  ]
  for (const [answers, code] of cases) expect(await codeOf(resolve(answers)), code).toBe(code)
})

test('one flipped byte anywhere in the signed part makes a store worthless, and the other is used', async () => {
  const good = record(2)
  for (const at of [0, 8, 24, 3620, 5000, RECORD_BYTES - 1]) {
    const bent = record(8)
    bent[at] = (bent[at] ?? 0) ^ 1
    const found = await resolve({ a: bent, b: good })
    expect(found.record.seq, `byte ${at}`).toBe(2)
  }
})

test('a store that hangs holds up nobody once another has given a good record', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const result = resolve({ a: record(5), b: 'hangs' })
    await vi.advanceTimersByTimeAsync(600)
    const found = await result
    expect([found.record.seq, found.stores, found.asked]).toEqual([5, 1, 2])
  } finally {
    vi.useRealTimers()
  }
})

test('when every store hangs, the wait ends after five seconds and says why', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const code = codeOf(resolve({ a: 'hangs', b: 'hangs' }))
    await vi.advanceTimersByTimeAsync(5000)
    expect(await code).toBe('store-unreachable')
  } finally {
    vi.useRealTimers()
  }
})

test('a store that goes on for ever is left at the first byte too many', async () => {
  given = 0
  expect(await codeOf(resolve({ a: 'endless' }))).toBe('record-malformed')
  expect(given).toBeLessThanOrEqual(RECORD_BYTES + 4 * 1024)
})

test('when every store gives an older record than was seen, the cached one leads on and the count says so', async () => {
  const found = await resolve({ a: record(5), b: record(6) }, { minSeq: 9, cached: record(9) })
  expect([found.record.seq, found.stores, found.older]).toEqual([9, 0, 2])
})

test('MEGA is one of the stores: alone, newer or older than the others, away or wrong', async () => {
  const cases: [Record<string, Answer>, number, number][] = [
    [{ mega: record(5) }, 5, 1],
    [{ mega: record(5), a: 'away' }, 5, 1],
    [{ mega: record(9), a: record(7) }, 9, 2],
    [{ mega: record(7), a: record(9) }, 9, 2],
    [{ mega: 'away', a: record(7) }, 7, 1],
    [{ mega: 402, a: record(7) }, 7, 1],
    [{ mega: 'endless', a: record(7) }, 7, 1],
    [{ mega: record(99, { root: random(32) }), a: record(7) }, 7, 1],
    [{ mega: record(99, { secret: random(32) }), a: record(7) }, 7, 1],
  ]
  for (const [answers, seq, stores] of cases) {
    const found = await resolve(answers)
    expect([found.record.seq, found.stores, found.asked]).toEqual([
      seq,
      stores,
      Object.keys(answers).length,
    ])
  }
  expect(await codeOf(resolve({ mega: 500, a: 'away' }))).toBe('store-refused')
})

test('MEGA hanging holds up nobody, and everybody only until the deadline', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const beside = resolve({ mega: 'hangs', a: record(5) })
    await vi.advanceTimersByTimeAsync(600)
    expect((await beside).record.seq).toBe(5)
    const alone = codeOf(resolve({ mega: 'hangs' }))
    await vi.advanceTimersByTimeAsync(5000)
    expect(await alone).toBe('store-unreachable')
  } finally {
    vi.useRealTimers()
  }
})
