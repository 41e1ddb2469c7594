// Whose first message opens a carrier over a mailbox (SPEC §4.4, §4.5): one good knock or offer once, everything else gets silence.
import { randomBytes } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import { LIMIT } from '../../host/gate.ts'
import { mayPunch } from '../../host/punch.ts'
import { type RelayAdmitted, RelayGate, SIGNAL } from '../../host/relaygate.ts'
import { formatDescription } from '../../shared/description.ts'
import { sealAnswer, sealOffer } from '../../shared/envelope.ts'
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
  readonly route?: 'relay' | 'direct' | 'signal'
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

test('by TCP a knock of its own route and hint opens, of epochs -2 to +2, and an offer never does', () => {
  const tcp = new RelayGate(TAG, [], 0, SIGNAL)
  tcp.setCredentials([credential], EPOCH)
  for (const by of [-3, 3])
    expect(tcp.take(knock({ route: 'signal', epoch: EPOCH + by }), 0)).toBeNull()
  expect(tcp.take(knock(), 0)).toBeNull()
  expect(tcp.take(withHint(knock(), knockHint(root, EPOCH)), 0)).toBeNull()
  expect(tcp.take(withHint(knock({ route: 'signal' }), signalHint(root, EPOCH)), 0)).toBeNull()
  expect(gate.take(knock({ route: 'signal' }), 0)).toBeNull()
  for (const by of [-2, 2]) {
    const epoch = EPOCH + by
    const taken = tcp.take(knock({ route: 'signal', epoch }), 0)
    expect(taken).toMatchObject({ epoch, untilEpoch: epoch + 2, offer: null })
  }
  expect(tcp.take(random(2048), 0)).toBeNull()
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

const description = {
  ...{ ufrag: 'aZ09', password: 'p'.repeat(22), fingerprint: random(32) },
  candidates: [{ address: '192.0.2.7', port: 5, kind: 'host' as const, priority: 1 }],
}
const sealing = (choice: Choice & { text?: string } = {}) => ({
  root: choice.root ?? root,
  hostTag: choice.tag ?? TAG,
  epoch: choice.epoch ?? EPOCH,
  timeMs: 1,
  nonce: choice.nonce ?? random(12),
  text: choice.text ?? formatDescription(description),
})
const offer = (choice: Choice & { text?: string } = {}): Uint8Array => sealOffer(sealing(choice))

test.each([-1, 0, 1])('an offer of epoch %i around now is taken once', (by) => {
  const bytes = offer({ epoch: EPOCH + by })
  const taken = gate.take(bytes, 0)
  const opened = { description, root, epoch: EPOCH + by }
  expect(taken).toMatchObject({ credentialId: 'ann', knock: bytes, offer: opened })
  expect(gate.take(bytes, 1)).toBeNull()
})

test.each<[string, () => Uint8Array]>([
  ['two epochs late', () => offer({ epoch: EPOCH - 2 })],
  ['of another credential', () => offer({ root: random(32) })],
  ['to another host', () => offer({ tag: random(16) })],
  ['that is an answer', () => sealAnswer(sealing(), offer())],
  ['that says nothing', () => offer({ text: '' })],
  ['without a fingerprint', () => offer({ text: 'a=ice-ufrag:aZ09\r\na=ice-pwd:' })],
  ['one byte short', () => offer().slice(1)],
  ['of random bytes', () => random(2048)],
])('an offer %s opens nothing, and is not held against the next', (_, bytes) => {
  for (let i = 0; i < LIMIT.noncesPerMinute; i++) expect(gate.take(bytes(), 0)).toBeNull()
  expect(gate.take(offer(), 0)).not.toBeNull()
})

test('a knock and an offer share their nonces; holes that do not open leave room for the relay', () => {
  const nonce = random(12)
  expect(gate.take(knock({ nonce }), 0)?.offer).toBeNull()
  expect(gate.take(offer({ nonce }), 0)).toBeNull()
  for (let i = 0; i < LIMIT.halfOpenPerCredential; i++) expect(gate.take(offer(), 0)).not.toBeNull()
  expect(gate.take(offer(), 0)).toBeNull()
  expect(gate.take(knock(), 0)).not.toBeNull()
})

test.each([
  ...['127.0.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '::1', '::', 'ff02::1', 'fe80::1'],
  ...['::ffff:127.0.0.1', '::ffff:192.0.2.7', '::192.0.2.7', 'abc.local', '1.2.3', '999.1.1.1', ''],
])('nothing is sent to %s', (address) => {
  expect(mayPunch({ address })).toBe(false)
})

test.each(['192.0.2.7', '10.0.0.9', '2001:db8::7', 'fd00::1'])('%s may be sent to', (address) => {
  expect(mayPunch({ address })).toBe(true)
})
