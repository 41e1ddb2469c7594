// Whose first message opens a relayed carrier (SPEC §4.4): one good knock once, everything else gets silence.
import { randomBytes } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { LIMIT } from '../../host/gate.ts'
import { type RelayAdmitted, RelayGate } from '../../host/relaygate.ts'
import { hostTag, knockHint, sealKnock, signalHint } from '../../shared/knock.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const TAG = hostTag(random(32))
const EPOCH = 472_222
const HOUR = 3_600_000
const root = random(32)
const credential = { id: 'ann', root }

let gate: RelayGate
beforeEach(() => {
  gate = new RelayGate(TAG, [], 0)
  gate.setCredentials([credential], EPOCH)
})

interface Choice {
  readonly root?: Uint8Array
  readonly epoch?: number
  readonly tag?: Uint8Array
  readonly route?: 'relay' | 'direct'
  readonly ufrag?: string
  readonly nonce?: Uint8Array
}

const knock = (choice: Choice = {}): Uint8Array =>
  sealKnock({
    root: choice.root ?? root,
    hostTag: choice.tag ?? TAG,
    epoch: choice.epoch ?? EPOCH,
    route: choice.route ?? 'relay',
    timeMs: 1,
    clientFingerprint: new Uint8Array(32),
    nonce: choice.nonce ?? random(12),
    clientUfrag: choice.ufrag ?? '',
  })

test.each([-1, 0, 1])('a knock of epoch %i around now is taken', (by) => {
  const bytes = knock({ epoch: EPOCH + by })
  expect(gate.take(bytes, 0)).toMatchObject({ credentialId: 'ann', knock: bytes })
})

test.each([-2, 2])('one of epoch %i is not', (by) => {
  expect(gate.take(knock({ epoch: EPOCH + by }), 0)).toBeNull()
})

const withHint = (bytes: Uint8Array, hint: Uint8Array): Uint8Array => {
  bytes.set(hint)
  return bytes
}

test.each<[string, () => Uint8Array]>([
  ['nothing', () => new Uint8Array(0)],
  ['92 bytes', () => knock().slice(1)],
  ['94 bytes', () => random(94)],
  ['random bytes', () => random(93)],
  ['another credential', () => knock({ root: random(32) })],
  ['another host', () => knock({ tag: random(16) })],
  ['an ufrag', () => knock({ ufrag: 'abcd' })],
  ['the knock of the direct route', () => knock({ route: 'direct' })],
  [
    'that with the hint of this one',
    () => withHint(knock({ route: 'direct' }), signalHint(root, EPOCH)),
  ],
  ['this one with the hint of that', () => withHint(knock(), knockHint(root, EPOCH))],
])('%s opens nothing', (_, bytes) => {
  expect(gate.take(bytes(), 0)).toBeNull()
})

test('every flipped byte is refused', () => {
  const good = knock()
  for (let at = 0; at < good.length; at++) {
    const bytes = good.slice()
    bytes[at] = (bytes[at] ?? 0) ^ 1
    expect([at, gate.take(bytes, 0)]).toEqual([at, null])
  }
  expect(gate.take(good, 0)).not.toBeNull()
})

test('once: not while it is open, not after, not in the next run, until its epochs are over for good', () => {
  const bytes = knock()
  const { key, untilEpoch } = gate.take(bytes, 0) as RelayAdmitted
  expect(gate.take(bytes, 1)).toBeNull()
  gate.close(key)
  expect(gate.take(bytes, 2)).toBeNull()
  const next = new RelayGate(TAG, [{ nonce: key, untilEpoch }], 0)
  next.setCredentials([credential], EPOCH)
  expect(next.take(bytes, 0)).toBeNull()
  // A clock that jumps ahead forgets nothing, and neither does time alone.
  expect(next.forget(EPOCH + 10, 3 * HOUR - 1, HOUR)).toEqual([])
  expect(next.forget(EPOCH + 1, 3 * HOUR, HOUR)).toEqual([])
  expect(next.forget(EPOCH + 2, 3 * HOUR, HOUR)).toEqual([key])
})

test('half-open carriers are limited by credential and in all; one that is in makes room', () => {
  const taken: RelayAdmitted[] = []
  for (let i = 0; i < LIMIT.halfOpenPerCredential; i++)
    taken.push(gate.take(knock(), 0) as RelayAdmitted)
  expect(gate.take(knock(), 0)).toBeNull()
  gate.markLive(taken[0]?.key ?? '')
  expect(gate.take(knock(), 0)).not.toBeNull()
  expect(gate.take(knock(), 0)).toBeNull()
  gate.close(taken[1]?.key ?? '')
  expect(gate.take(knock(), 0)).not.toBeNull()

  const many = Array.from({ length: 40 }, (_, i) => ({ id: `d${i}`, root: random(32) }))
  const full = new RelayGate(TAG, [], 0)
  full.setCredentials(many, EPOCH)
  const answers = many.flatMap((one) =>
    [0, 1].map(() => full.take(knock({ root: one.root }), 0) !== null),
  )
  expect(answers.filter(Boolean)).toHaveLength(LIMIT.halfOpen)
})

test('new nonces of a credential are limited by the minute', () => {
  for (let i = 0; i < LIMIT.noncesPerMinute; i++) {
    const { key } = gate.take(knock(), i) as RelayAdmitted
    gate.close(key)
  }
  expect(gate.take(knock(), 59_999)).toBeNull()
  expect(gate.take(knock(), 60_001)).not.toBeNull()
})

test('a revoked credential opens nothing', () => {
  const bytes = knock()
  gate.setCredentials([], EPOCH)
  expect(gate.take(bytes, 0)).toBeNull()
})
