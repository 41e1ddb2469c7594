// Sealed values (SPEC §3, §4): record, store write, knock; as an outsider changes them, and as an insider who holds the
// keys would fill them.
import { concat, toUtf8 } from '../../shared/bytes.ts'
import { MAX_ADDRESSES, SCHEDULE_EPOCHS } from '../../shared/constants.ts'
import type { ClawErrorCode } from '../../shared/error.ts'
import { kdf, sha256 } from '../../shared/hash.ts'
import { hostTag, knockUfrag, openKnock, parseKnock, sealKnock } from '../../shared/knock.ts'
import { ed25519PublicKey, ed25519Sign, gcmOpen, gcmSeal } from '../../shared/noble.ts'
import { decodePut, encodePut, PUT_BYTES, storageId } from '../../shared/put.ts'
import { isDialable, openRecord, type RecordBody, sealRecord } from '../../shared/record.ts'
import { fixed, stream } from '../vectors/fixed.ts'
import { at } from './dice.ts'
import { attempt, must, mustEqual, sized, type Target } from './target.ts'
import { KNOCK, RECORD } from './vectors.ts'

const RECORD_CODES: readonly ClawErrorCode[] = [
  'record-malformed',
  'record-no-slot',
  'record-forged',
  'record-foreign',
  'record-rollback',
]
const HEAD_BYTES = 3620
const BODY_BYTES = 2508
const SIGNATURE_BYTES = 64

const root = at(RECORD.roots, 0)
const open = (bytes: Uint8Array): RecordBody =>
  openRecord({ bytes, root, hostPublicKey: RECORD.hostPublicKey, minSeq: 0 })

/** What sealRecord draws: salt, body nonce, content key, and then the places of the slots. */
function sealedWithKey(body: Omit<RecordBody, 'notAfterMs'>) {
  const random = stream('fuzz record')
  const drawn: Uint8Array[] = []
  const bytes = sealRecord({
    body,
    roots: [root],
    identitySecret: RECORD.identitySecret,
    random: (length) => {
      const value = random(length)
      drawn.push(value.slice())
      return value
    },
  })
  return { bytes, nonce: at(drawn, 1), contentKey: at(drawn, 2) }
}

const insider = sealedWithKey(open(RECORD.bytes))
const head = insider.bytes.slice(0, HEAD_BYTES)
const plaintextOf = (bytes: Uint8Array): Uint8Array =>
  gcmOpen(insider.contentKey, insider.nonce, sha256(head), bytes.slice(HEAD_BYTES))
const withPlaintext = (plaintext: Uint8Array): Uint8Array =>
  concat(head, gcmSeal(insider.contentKey, insider.nonce, sha256(head), plaintext))

export const RECORD_PLAINTEXT: Uint8Array = plaintextOf(insider.bytes)
const fieldsOf = (plaintext: Uint8Array): Uint8Array =>
  plaintext.slice(2, 2 + (plaintext[0] ?? 0) * 256 + (plaintext[1] ?? 0))
export const RECORD_FIELDS: Uint8Array = fieldsOf(RECORD_PLAINTEXT)
/** As small as a body gets with one of everything. */
export const SMALL_FIELDS: Uint8Array = fieldsOf(
  plaintextOf(
    sealedWithKey({
      ...open(RECORD.bytes),
      schedule: open(RECORD.bytes).schedule.slice(0, 1),
      addresses: open(RECORD.bytes).addresses.slice(0, 1),
      locator: [],
    }).bytes,
  ),
)

const record: Target = {
  name: 'record',
  maxBytes: 6200,
  run(input) {
    const read = attempt(RECORD_CODES, () => open(input))
    if (read !== null) mustEqual(input, RECORD.bytes, 'nothing but the sealed record opens')
  },
}

/** Whoever has a slot knows the content key, but not the host's signature. */
const recordBody: Target = {
  name: 'record-body',
  maxBytes: BODY_BYTES,
  run(input) {
    const plaintext = sized(input, BODY_BYTES)
    const read = attempt(RECORD_CODES, () => open(withPlaintext(plaintext)))
    if (read !== null) mustEqual(plaintext, RECORD_PLAINTEXT, 'nothing but the signed body opens')
  },
}

/** Anything, signed by the host itself. */
const recordFields: Target = {
  name: 'record-fields',
  maxBytes: BODY_BYTES - SIGNATURE_BYTES - 2,
  run(fields) {
    const signed = concat(toUtf8('clawchat/v1 record sig'), sha256(head), fields)
    const signature = ed25519Sign(RECORD.identitySecret, signed)
    const length = Uint8Array.of(fields.length >> 8, fields.length & 255)
    const plaintext = sized(concat(length, fields, signature), BODY_BYTES)
    const read = attempt(RECORD_CODES, () => open(withPlaintext(plaintext)))
    if (read === null) return
    const { schedule, addresses } = read
    must(schedule.length >= 1 && schedule.length <= SCHEDULE_EPOCHS, '1 to 26 epochs')
    must(addresses.length <= MAX_ADDRESSES, 'at most 8 addresses')
    must(
      schedule.every(({ port }) => port >= 1024),
      'no port below 1024',
    )
    must(
      addresses.every(({ ip }) => isDialable(ip)),
      'no address that must not be dialled',
    )
    const again = fieldsOf(plaintextOf(sealedWithKey(read).bytes))
    mustEqual(again, fields, 'one encoding per body')
  },
}

const writeSecret = fixed('fuzz write key')
const ownId = storageId(ed25519PublicKey(writeSecret))
export const PUT: Uint8Array = encodePut(writeSecret, { ctr: 2 ** 40 + 1, record: RECORD.bytes })

/** Sent to the owner's id, and to the id that its own key certifies. */
const put: Target = {
  name: 'put',
  maxBytes: PUT_BYTES + 16,
  run(input) {
    const codes = ['malformed', 'store-refused'] as const
    for (const id of [ownId, storageId(input.slice(0, 32))]) {
      if (attempt(codes, () => decodePut(id, input)) === null) continue
      mustEqual(input, PUT, 'nothing but the signed write is taken')
    }
  },
}

const tag = hostTag(KNOCK.hostPublicKey)
const openAt = (knock: Uint8Array) => openKnock({ ...KNOCK, hostTag: tag, knock, route: 'direct' })

/** As 93 bytes, and as the text of an ICE ufrag. */
const knock: Target = {
  name: 'knock',
  maxBytes: 400,
  run(input) {
    const opened = attempt(['knock-refused'], () => openAt(input))
    if (opened !== null) mustEqual(input, KNOCK.bytes, 'nothing but the sealed knock opens')
    for (const text of [Buffer.from(input).toString('latin1'), knockUfrag(input)]) {
      const parsed = attempt(['knock-refused'], () => parseKnock(text))
      must(parsed === null || knockUfrag(parsed.raw) === text, 'one ufrag per knock')
    }
  },
}

const knockBytes = 93
const KNOCK_HEAD = KNOCK.bytes.slice(0, 20)
const knockAad = concat(
  toUtf8('clawchat/v1 knock'),
  tag,
  KNOCK_HEAD.slice(0, 8),
  Uint8Array.of(1),
  toUtf8(KNOCK.clientUfrag),
)
const knockKey = kdf(KNOCK.root, 'knock')
export const KNOCK_FIELDS: Uint8Array = gcmOpen(
  knockKey,
  KNOCK.nonce,
  knockAad,
  KNOCK.bytes.slice(20),
)

/** Anything, sealed by a holder of the root. */
const knockFields: Target = {
  name: 'knock-fields',
  maxBytes: KNOCK_FIELDS.length,
  run(input) {
    const fields = sized(input, KNOCK_FIELDS.length)
    const sealed = concat(KNOCK_HEAD, gcmSeal(knockKey, KNOCK.nonce, knockAad, fields))
    must(sealed.length === knockBytes, '93 bytes')
    const opened = attempt(['knock-refused'], () => openAt(sealed))
    if (opened === null) return
    const again = sealKnock({ ...KNOCK, ...opened, hostTag: tag, route: 'direct' })
    mustEqual(again, sealed, 'one encoding per knock')
  },
}

export const SEALED_TARGETS: readonly Target[] = [
  record,
  recordBody,
  recordFields,
  put,
  knock,
  knockFields,
]
