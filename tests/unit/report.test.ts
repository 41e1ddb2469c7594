// The report that a person may pass on (Connection details): what happened, and nothing that names anybody or anything.
import { expect, test } from 'vitest'
import type { AppState } from '../../web/model.ts'
import { reportOf } from '../../web/report.ts'

const SECRET = 'kestrel'

/** Every text in the state is the secret one. */
const state: AppState = {
  ...{
    phase: 'chat',
    hostName: SECRET,
    roomName: SECRET,
    room: SECRET,
    otherChat: SECRET,
    ...{ keepMs: 0, endings: 0 },
    me: SECRET,
  },
  members: [
    {
      id: SECRET,
      name: SECRET,
      role: 'owner',
      online: true,
      gone: false,
      hidden: false,
      tone: 0,
      picture: '',
      lastSeenMs: 0,
    },
  ],
  devices: [
    {
      ...{ id: SECRET, member: SECRET, name: SECRET, createdMs: 1, lastSeenMs: 1, route: 'direct' },
      ...{ here: true, safetyCode: [SECRET] },
    },
  ],
  invites: [],
  asked: {
    ...{ kind: 'invite', id: SECRET, status: 'done', code: null, removal: null },
    overview: null,
    link: { url: SECRET, invite: SECRET, reach: 'lan', expiresAtMs: 1 },
  },
  rooms: [
    {
      ...{ id: SECRET, kind: 'room', name: SECRET, members: [SECRET], mine: true },
      ...{ leavable: true, lifeMs: 0, isTimer: false, goneUpTo: 0, unread: 1, mentions: 0 },
    },
  ],
  ...{ typing: [{ member: SECRET, untilMs: 1 }], readUpTo: 0, newAfter: 0, receipts: true },
  transfers: [],
  messages: [
    {
      ...{ id: SECRET, room: SECRET, author: SECRET, mine: true, text: SECRET, atMs: 1, seq: null },
      ...{
        edited: false,
        deleted: false,
        gone: false,
        endsAtMs: 0,
        notice: null,
        change: 0,
        replyTo: SECRET,
        reactions: [],
      },
      state: 'sending',
    },
  ],
  ...{ hasOlder: false, hasNewer: false, target: null, loadingOlder: false },
  ...{ error: 'no-answer', handover: null },
  connection: {
    ...{ state: 'reconnecting', route: 'relay', epoch: 472_222, latencyMs: 12 },
    steps: [
      {
        ...{ name: 'record', status: 'done', ms: 30, code: null },
        facts: { stores: 2, asked: 3, where: SECRET },
      },
      { name: 'direct', status: 'failed', ms: 8000, code: 'no-answer', facts: {} },
    ],
  },
  security: {
    ...{ hostFingerprint: SECRET, safetyCode: [SECRET], keysRenewedAtMs: 1, messageKeyAtMs: 1 },
    ...{ recordAtMs: 1, epoch: 1, intervalMs: 1, knownSinceMs: 1, keyProtected: true },
    ...{ secureContext: true, backend: 'webcrypto' },
  },
  clock: { whose: 'device', aheadMs: 1_200_000, atLeast: false },
}

test('says how each step went, and names nobody and nothing', () => {
  const report = reportOf(state, 'Firefox 153')
  expect(report.split('\n')).toEqual([
    'ClawChat connection report',
    'browser: Firefox 153',
    'state: reconnecting, route: relay, latency: 12 ms',
    'error: no-answer, messages waiting: 1',
    'crypto: webcrypto, secure context: true',
    "clock: the device's is 1200000 ms ahead",
    'record: done in 30 ms, stores 2, asked 3',
    'direct: failed in 8000 ms, code no-answer',
    '',
  ])
  expect(report).not.toContain(SECRET)
})
