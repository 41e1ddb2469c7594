// A record by hand (SPEC §3.2): a good file is kept, a wrong one has one code and changes nothing.
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { RECORD_BYTES, SCHEDULE_EPOCHS } from '../../shared/constants.ts'
import type { Invite } from '../../shared/invite.ts'
import { inviteRoot } from '../../shared/invite.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { sealRecord } from '../../shared/record.ts'
import { Clock } from '../../web/clock.ts'
import { Handover } from '../../web/handover.ts'
import type { Profile } from '../../web/keep.ts'
import { Own } from '../../web/own.ts'
import { Records } from '../../web/records.ts'
import { StateBox } from '../../web/state.ts'
import { Steps } from '../../web/steps.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
const identitySecret = random(32)
const hostPublicKey = ed25519PublicKey(identitySecret)
const root = random(32)
const invite: Invite = {
  hostPublicKey,
  secret: random(32),
  minSeq: 5,
  hostName: 'Family',
  locator: [],
}

function record(seq: number, sealedFor = root, secret = identitySecret, burn = false): Uint8Array {
  return sealRecord({
    body: {
      hostPublicKey: ed25519PublicKey(secret),
      seq,
      issuedMs: 1_700_000_000_000,
      burn,
      reason: 0,
      hostStatic: random(32),
      intervalMs: 3_600_000,
      firstEpoch: 472_221,
      schedule: Array.from({ length: SCHEDULE_EPOCHS }, (_, i) => ({
        port: 50_000 + i,
        fingerprint: random(32),
      })),
      addresses: [{ kind: 4, flags: 1, externalPort: 0, ip: Uint8Array.of(192, 168, 1, 5) }],
      locator: [],
    },
    roots: [sealedFor],
    identitySecret: secret,
    random,
  })
}

const profile: Profile = {
  hostPublicKey,
  hostName: 'Family',
  key: random(32),
  ...{ invite: null, keepMs: 0, aheadMs: 0 },
  deviceId: random(16),
  root,
  name: 'Ann',
  member: 'a1',
  rooms: [],
  read: {},
  readBy: {},
  receipts: true,
  knownSinceMs: 0,
  record: record(5),
  seq: 5,
  assigned: 3,
  stored: 7,
  storedId: random(16),
  behind: [],
  removed: false,
}

let kept: Profile | null
let box: StateBox
let handover: Handover
let invited: Invite | null
let dials: number
let burns: number
let records: Records
const steps = (): Steps => new Steps({ box, clock: () => 0 })

async function page(start: Profile | null): Promise<void> {
  kept = start
  const own = new Own({
    profile: async () => kept,
    update: async (change) => {
      if (kept === null) throw new Error('bug: nothing to update')
      kept = { ...kept, ...change }
      return kept
    },
  })
  await own.load()
  box = new StateBox()
  records = new Records(own, box, new Clock(box, () => 0))
  invited = null
  dials = 0
  burns = 0
  handover = new Handover({
    own,
    box,
    records,
    invite: () => invited,
    onTaken: () => {
      dials += 1
    },
    onBurned: () => {
      burns += 1
    },
  })
}

const file = (bytes: Uint8Array): Blob => new Blob([new Uint8Array(bytes)])

describe('for a device', () => {
  beforeEach(() => page(profile))

  test('a newer record is kept, and one as new as the known one is good too', async () => {
    for (const seq of [9, 9]) {
      const bytes = record(seq)
      expect(await handover.take([file(bytes)])).toBe(true)
      expect(box.value.handover).toBe('taken')
      expect(kept).toEqual({ ...profile, record: bytes, seq: 9 })
    }
    expect(dials).toBe(2)
    box.connection({ state: 'connected' })
    expect(await handover.take([file(record(10))])).toBe(true)
    expect([kept?.seq, dials]).toEqual([10, 2])
  })

  test('of several files the one that can be a record counts', async () => {
    const files = [file(random(10)), file(record(9)), file(new Uint8Array(0))]
    expect(await handover.take(files)).toBe(true)
    expect(kept?.seq).toBe(9)
  })

  test('the host’s last record is final, also one older than the newest known', async () => {
    for (const seq of [9, 4]) {
      await page(profile)
      expect(await handover.take([file(record(seq, root, identitySecret, true))])).toBe(false)
      expect([box.value.handover, burns, dials]).toEqual(['burned', 1, 0])
    }
    await page(profile)
    expect(await handover.take([file(record(9, root, random(32), true))])).toBe(false)
    expect([box.value.handover, burns]).toEqual(['record-foreign', 0])
  })

  const flipped = record(9)
  flipped[5000] = (flipped[5000] ?? 0) ^ 1
  const wrong: readonly (readonly [name: string, files: Blob[], code: string])[] = [
    ['nothing', [], 'record-malformed'],
    ['an empty file', [file(new Uint8Array(0))], 'record-malformed'],
    ['a byte too few', [file(record(9).slice(1))], 'record-malformed'],
    ['a byte too many', [file(random(RECORD_BYTES + 1))], 'record-malformed'],
    ['random bytes of that length', [file(random(RECORD_BYTES))], 'record-malformed'],
    ['a changed record', [file(flipped)], 'record-forged'],
    ['another host’s', [file(record(9, root, random(32)))], 'record-foreign'],
    ['one for other devices', [file(record(9, random(32)))], 'record-no-slot'],
    ['an older one', [file(record(4))], 'record-rollback'],
  ]
  test.each(wrong)(
    '%s is refused with one code and changes nothing',
    async (_name, files, code) => {
      expect(await handover.take(files)).toBe(false)
      expect(box.value.handover).toBe(code)
      expect(kept).toEqual(profile)
    },
  )

  test('a film is not read', async () => {
    const film = Object.defineProperty(file(record(9)), 'size', { value: 2 ** 33 })
    expect(await handover.take([film])).toBe(false)
    expect(box.value.handover).toBe('record-malformed')
  })

  test('a file that has gone since it was chosen is refused as any other', async () => {
    const gone = Object.assign(file(record(9)), {
      arrayBuffer: () => Promise.reject(new Error('gone')),
    })
    expect(await handover.take([gone])).toBe(false)
    expect(box.value.handover).toBe('record-malformed')
    expect(kept).toEqual(profile)
  })
})

describe('before there is a device', () => {
  const ofInvite = () => inviteRoot(invite)

  test('a record for the invite leads to its host, and touches no chat that is there', async () => {
    for (const there of [null, profile]) {
      await page(there)
      invited = invite
      const bytes = record(6, ofInvite())
      expect(await handover.take([file(bytes)])).toBe(true)
      expect(kept).toEqual(there)
      const found = await records.find(ofInvite(), invite, steps())
      expect([found.record.seq, found.stores, found.cause]).toEqual([6, 0, 'record-missing'])
    }
  })

  test('one for a device, or older than the invite, is refused', async () => {
    await page(null)
    invited = invite
    expect(await handover.take([file(record(6))])).toBe(false)
    expect(box.value.handover).toBe('record-no-slot')
    expect(await handover.take([file(record(4, ofInvite()))])).toBe(false)
    expect(box.value.handover).toBe('record-rollback')
    await expect(records.find(ofInvite(), invite, steps())).rejects.toMatchObject({
      code: 'record-missing',
    })
  })

  test('without a link there is nobody whose record it could be', async () => {
    await page(null)
    expect(await handover.take([file(record(9))])).toBe(false)
    expect(box.value.handover).toBe('record-no-slot')
  })
})
