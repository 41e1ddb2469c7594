// Stores that agree, disagree, lie and are away (SPEC §3.2): the highest valid seq wins, the cached copy stands in.
import { randomBytes } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { concat, toHex } from '../../shared/bytes.ts'
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
const NOW_MS = 1_700_000_000_000

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
      issuedMs: NOW_MS,
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

type Answer = Uint8Array | number | 'away' | 'hangs' | 'endless' | 'drips' | { late: Uint8Array }

let given = 0
const endless = (): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream({
    pull: (controller) => {
      given += 1024
      controller.enqueue(new Uint8Array(1024))
    },
  })

/** A true record, a byte now and then, and never its end. */
const drip = (): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      controller.enqueue(Uint8Array.of(0x43))
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
  options: {
    minSeq?: number
    cached?: Uint8Array
    otherRoot?: Uint8Array
    nowMs?: number
    patient?: boolean
    asked?: string[]
    date?: Record<string, number>
  } = {},
): Promise<Resolved> {
  return resolveRecord({
    locator: [
      ...('mega' in answers ? [MEGA] : []),
      ...locatorOf(...Object.keys(answers).filter((name) => name !== 'mega')),
    ],
    root,
    hostPublicKey,
    nowMs: options.nowMs ?? NOW_MS,
    minSeq: options.minSeq ?? 0,
    cached: options.cached ?? null,
    otherRoot: options.otherRoot ?? null,
    patient: options.patient ?? false,
    megaGateway: () => 'https://mega.example',
    fetch: async (url, init) => {
      options.asked?.push(url)
      const answer = answers[new URL(url).hostname.split('.')[0] ?? '']
      if (answer === undefined || answer === 'away') throw new TypeError('failed to fetch')
      if (answer === 'hangs') return new Promise(() => undefined)
      if (answer === 'endless') return new Response(endless())
      if (typeof answer === 'object' && 'late' in answer) {
        await new Promise((resolve) => setTimeout(resolve, 2000))
        return new Response(new Uint8Array(answer.late))
      }
      if (answer === 'drips') return new Response(drip())
      if (url.startsWith('https://mega.example/cs?id=') && answer instanceof Uint8Array) {
        expect(init).toMatchObject({ method: 'POST', body: '[{"a":"g","p":"Ab3_-xyz"}]' })
        return fromMega(answer)
      }
      const dateMs = options.date?.[new URL(url).hostname.split('.')[0] ?? '']
      const headers: Record<string, string> =
        dateMs === undefined ? {} : { Date: new Date(dateMs).toUTCString() }
      if (typeof answer === 'number') return new Response('no', { status: answer, headers })
      return new Response(new Uint8Array(answer), { headers })
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

test('with a copy that covers this moment it ends after two, unless that copy has just led nowhere', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const cached = record(5)
    const late = NOW_MS + 30 * 3_600_000
    const [now, patient, past] = [{}, { patient: true }, { nowMs: late }].map((more) => {
      const end = { seq: 0 }
      resolve({ a: 'hangs' }, { cached, ...more }).then((found) => (end.seq = found.record.seq))
      return end
    })
    await vi.advanceTimersByTimeAsync(2000)
    expect([now?.seq, patient?.seq, past?.seq]).toEqual([5, 0, 0])
    await vi.advanceTimersByTimeAsync(3000)
    expect([patient?.seq, past?.seq]).toEqual([5, 5])
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

const html = new TextEncoder().encode('<!doctype html><title>Welcome to this hotel</title>')
/** Every way in which a store is no help, and the code for it when there is no other. */
const LIARS: readonly (readonly [name: string, answer: () => Answer, code: string])[] = [
  ['an old record', () => record(4), 'record-rollback'],
  ['the record of another host', () => record(99, { secret: random(32) }), 'record-foreign'],
  ['a record for others', () => record(99, { root: random(32) }), 'record-no-slot'],
  ['a truncated record', () => record(99).slice(0, 6000), 'record-malformed'],
  ['HTML', () => html, 'record-malformed'],
  [
    'a page as long as a record',
    () => concat(html, random(RECORD_BYTES - html.length)),
    'record-malformed',
  ],
  ['random bytes', () => random(RECORD_BYTES), 'record-malformed'],
  ['too much', () => 'endless', 'record-malformed'],
  ['slow drips', () => 'drips', 'store-unreachable'],
  ['no answer', () => 'hangs', 'store-unreachable'],
  ['nobody there', () => 'away', 'store-unreachable'],
  ['404', () => 404, 'record-missing'],
  ['503', () => 503, 'store-refused'],
]

describe('a store that lies or fails', () => {
  const timed = async <T>(ms: number, run: () => Promise<T>): Promise<T> => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const result = run()
      result.catch(() => undefined)
      await vi.advanceTimersByTimeAsync(ms)
      return await result
    } finally {
      vi.useRealTimers()
    }
  }

  test.each(LIARS)('%s: one honest store is enough, whichever it is', async (_name, answer) => {
    for (const names of [
      ['liar', 'honest'],
      ['honest', 'liar'],
    ]) {
      const answers = Object.fromEntries(
        names.map((name) => [name, name === 'liar' ? answer() : record(7)]),
      )
      const found = await timed(600, () => resolve(answers, { minSeq: 5 }))
      expect([found.record.seq, found.stores, found.cause]).toEqual([7, 1, null])
    }
  })

  test.each(LIARS)(
    '%s alone: the copy kept leads, and the cause is told',
    async (_name, answer, code) => {
      const cached = record(5)
      const found = await timed(5100, () => resolve({ a: answer() }, { minSeq: 5, cached }))
      expect([found.record.seq, found.stores, found.bytes]).toEqual([5, 0, cached])
      expect(found.cause).toBe(code)
    },
  )

  test('all of them together do not hide one honest store', async () => {
    const answers = Object.fromEntries(LIARS.map(([, answer], i) => [`liar${i}`, answer()]))
    const found = await timed(600, () => resolve({ ...answers, honest: record(7) }, { minSeq: 5 }))
    expect([found.record.seq, found.stores, found.asked]).toEqual([7, 1, LIARS.length + 1])
  })

  test('a quick store that holds back the newest record misleads once: then the slow one is waited for', async () => {
    const answers = { quick: record(5), slow: { late: record(9) } }
    const seqOf = async (patient: boolean) =>
      (await timed(2100, () => resolve(answers, { patient }))).record.seq
    expect([await seqOf(false), await seqOf(true)]).toEqual([5, 9])
  })

  test('stores that fail in turn: each time the other leads', async () => {
    for (const [a, b] of [
      [record(5), 'away'],
      [503, record(6)],
      [record(7), random(RECORD_BYTES)],
    ] as const) {
      const found = await resolve({ a, b })
      expect([found.stores, found.asked]).toEqual([1, 2])
    }
  })
})

describe('time', () => {
  const HOUR = 3_600_000
  test('a record is stale ten minutes after its day is over, and used all the same', async () => {
    const at = async (nowMs: number) => {
      const found = await resolve({ a: record(5) }, { nowMs })
      return [found.record.seq, found.stale]
    }
    const slack = 24 * HOUR + 600_000
    expect(await at(NOW_MS + slack)).toEqual([5, false])
    expect(await at(NOW_MS + slack + 1)).toEqual([5, true])
    const cached = await resolve({ a: 'away' }, { nowMs: NOW_MS + 48 * HOUR, cached: record(5) })
    expect([cached.stale, cached.cause]).toEqual([true, 'store-unreachable'])
  })

  test('the https stores’ Date says what time it is, if they agree; and what is stale', async () => {
    const nowMs = NOW_MS + 48 * HOUR
    const answers = { a: record(5), b: 404 }
    const found = await resolve(answers, { nowMs, date: { a: NOW_MS, b: NOW_MS + 600_000 } })
    expect([found.storeMs, found.stale]).toEqual([NOW_MS + 600_000, false])
    const apart = await resolve(answers, { nowMs, date: { a: NOW_MS, b: NOW_MS + 601_000 } })
    expect([apart.storeMs, apart.stale]).toEqual([null, true])
    expect((await resolve(answers, { date: { b: Number.NaN } })).storeMs).toBeNull()
  })

  test('with a clock behind the record a store that hangs still holds up nobody', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const result = resolve({ a: record(5), b: 'hangs' }, { nowMs: 0 })
      await vi.advanceTimersByTimeAsync(600)
      expect((await result).record.seq).toBe(5)
    } finally {
      vi.useRealTimers()
    }
  })
})

test('a copy sealed for the invite leads a fresh device, and no store’s does', async () => {
  const otherRoot = random(32)
  const cached = record(6, { root: otherRoot })
  expect((await resolve({ a: 'away' }, { cached, otherRoot })).record.seq).toBe(6)
  expect(await codeOf(resolve({ a: 'away' }, { cached }))).toBe('store-unreachable')
  expect(await codeOf(resolve({ a: cached }, { otherRoot }))).toBe('record-no-slot')
  expect(await codeOf(resolve({ a: 'away' }, { cached, otherRoot, minSeq: 7 }))).toBe(
    'store-unreachable',
  )
})
