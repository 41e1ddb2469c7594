// A chat in which much is going on, for the tests that look at every state.
import type { Page } from 'playwright-core'
import type { AppState, Message, Step } from '../../web/model.ts'

export const ROOM = '00'.repeat(16)
export const NOW = Date.UTC(2026, 10, 23, 12)

export function messageOf(n: number, mine: boolean, text = `${n}: so it goes on.`): Message {
  return {
    ...{
      id: `m${n}`,
      room: ROOM,
      edited: false,
      deleted: false,
      gone: false,
      endsAtMs: 0,
      notice: null,
      change: 0,
      replyTo: null,
    },
    ...{ reactions: [], author: mine ? 'a1' : 'b2', mine, text, atMs: NOW + n * 60_000 },
    ...{ seq: n, state: 'sent' },
  }
}

const member = {
  online: false,
  gone: false,
  tone: 0,
  picture: '',
  lastSeenMs: 0,
  hidden: false,
} as const
const STEP = { ms: 12, facts: {} } as const

export const CODE: readonly string[] = Array.from({ length: 12 }, (_, i) =>
  String((i + 1) * 7919).padStart(5, '0'),
)

export const SECURITY: AppState['security'] = {
  hostFingerprint: '00112233445566778899aabbccddeeff',
  safetyCode: CODE,
  ...{
    keysRenewedAtMs: NOW,
    messageKeyAtMs: NOW,
    recordAtMs: NOW,
    epoch: 1,
    intervalMs: 3_600_000,
  },
  ...{ knownSinceMs: NOW, keyProtected: true, secureContext: true, backend: 'webcrypto' },
}

export const PEOPLE: Partial<AppState> = {
  members: [
    { ...member, id: 'a1', name: 'Ann', role: 'owner', online: true },
    { ...member, id: 'b2', name: 'Ben', role: 'member', online: true },
    { ...member, id: 'c3', name: 'דנה', role: 'guest', lastSeenMs: NOW },
  ],
  devices: [
    {
      ...{ id: 'Laptop', member: 'a1', name: 'Laptop', createdMs: NOW, lastSeenMs: NOW },
      ...{ route: 'direct', here: true, safetyCode: [...CODE] },
    },
    {
      ...{ id: 'Tablet', member: 'b2', name: 'Tablet', createdMs: NOW, lastSeenMs: NOW },
      ...{ route: null, here: false, safetyCode: [...CODE] },
    },
  ],
  rooms: [
    {
      ...{ id: ROOM, kind: 'room', name: 'Family', members: ['a1', 'b2', 'c3'], unread: 0 },
      mentions: 0,
      ...{ mine: true, leavable: true, lifeMs: 604_800_000, isTimer: true, goneUpTo: 0 },
    },
    {
      ...{ id: '11'.repeat(16), kind: 'room', name: 'Kitchen', members: ['a1', 'b2'], unread: 3 },
      mentions: 1,
      ...{ mine: false, leavable: true, lifeMs: 0, isTimer: false, goneUpTo: 0 },
    },
  ],
  security: SECURITY,
}

export const BUSY: Partial<AppState> = {
  ...PEOPLE,
  messages: [
    messageOf(1, false, 'Did the backup finish?'),
    { ...messageOf(2, true, 'It did.'), state: 'delivered', replyTo: 'm1' },
    { ...messageOf(3, false), reactions: [{ emoji: '👍', members: ['a1', 'b2'] }] },
    { ...messageOf(4, false, 'שלום, מה שלומך?'), edited: true },
    { ...messageOf(5, true, 'Gone'), deleted: true },
    { ...messageOf(6, false, ''), notice: { lifeMs: 604_800_000 } },
    { ...messageOf(7, false, ''), gone: true },
    ...(['read', 'failed', 'sending'] as const).map((state, i) => ({
      ...messageOf(8 + i, true),
      state,
    })),
  ],
  typing: [{ member: 'b2', untilMs: Number.MAX_SAFE_INTEGER }],
  newAfter: 2,
}

/** Nobody answers: the alert, the steps with their causes. */
export const FAILING: Partial<AppState> = {
  ...BUSY,
  connection: {
    ...{ state: 'reconnecting', route: null, epoch: 1, latencyMs: null },
    steps: [
      { ...STEP, name: 'record', status: 'done', code: null },
      { ...STEP, name: 'direct', status: 'failed', code: 'no-answer' },
    ] satisfies Step[],
  },
  error: 'no-answer',
}

export const OFFLINE: Partial<AppState> = {
  ...BUSY,
  connection: { state: 'offline', route: null, epoch: 1, latencyMs: null, steps: [] },
}

export const turn = (page: Page, dir: 'ltr' | 'rtl') =>
  page.evaluate((dir) => {
    document.documentElement.dir = dir
  }, dir)
