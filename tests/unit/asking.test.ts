// The page's requests (SPEC §7.3) under virtual time: one at a time, its own answer only, once more on a fresh carrier, and
// an end in any case. And what a person is told who finds the host full.
import { expect, test } from 'vitest'
import type { ClawMessage } from '../../shared/messages.ts'
import type { Answer } from '../../shared/requests.ts'
import { takeWords } from '../../web/language.ts'
import { en } from '../../web/messages/en.ts'
import { Requests } from '../../web/requests.ts'
import { roomWords } from '../../web/room.ts'
import { StateBox } from '../../web/state.ts'
import { Chance, World } from '../simulation/world.ts'

takeWords(en, 'en')

const ID = 'ab'.repeat(16)

function scene(live = true) {
  const world = new World(0)
  const box = new StateBox()
  const sent: Extract<ClawMessage, { type: 'request' }>[] = []
  const opened: string[] = []
  const requests = new Requests({
    box,
    runtime: { random: new Chance(1).bytes, after: (ms, run) => world.after(ms, run) },
    send: (message) => {
      sent.push(message)
      return live
    },
    onRoom: (room) => opened.push(room),
  })
  const answer = (value: Answer, token = sent.at(-1)?.token ?? 0) =>
    requests.answered({ type: 'answer', token, answer: value })
  return { world, box, sent, requests, answer, asked: () => box.value.asked }
}

test('an answer with the token of the request ends it; others are left to other tabs', () => {
  const { requests, sent, answer, asked } = scene()
  requests.removeDevice(ID)
  expect(asked()).toMatchObject({ kind: 'remove-device', id: ID, status: 'running' })
  const token = sent[0]?.token ?? 0
  expect(answer({ kind: 'done' }, token + 1)).toBe(false)
  expect(asked()?.status).toBe('running')
  const links = [new Uint8Array(16)]
  expect(answer({ kind: 'gone', waiting: ['https-1'], links }, token)).toBe(true)
  expect(asked()).toMatchObject({ status: 'done', removal: { waiting: ['https-1'], links: 1 } })
  expect(answer({ kind: 'failed', code: 'not-allowed' }, token)).toBe(false)
  expect(asked()?.status).toBe('done')
})

test('nothing is asked while something is; a refusal bears its code, and is forgotten when read', () => {
  const { requests, sent, answer, asked } = scene()
  requests.renameMember(ID, ' Ann ')
  requests.withdraw(ID)
  expect(sent.map(({ request }) => request)).toMatchObject([{ kind: 'rename-member', name: 'Ann' }])
  answer({ kind: 'failed', code: 'name-invalid' })
  expect(asked()).toMatchObject({ status: 'failed', code: 'name-invalid' })
  requests.dismiss()
  expect(asked()).toBeNull()
  requests.withdraw(ID)
  expect(sent).toHaveLength(2)
  expect(sent[0]?.token).not.toBe(sent[1]?.token)
})

test('on a fresh carrier the same request goes out again, with the same token, until it is answered', () => {
  const { requests, sent, answer } = scene()
  requests.again()
  requests.invite({ role: 'guest', uses: 1, lifeMs: 1000, note: '', rooms: [] })
  requests.again()
  expect(sent).toHaveLength(2)
  expect(sent[1]).toEqual(sent[0])
  answer({ kind: 'done' })
  requests.again()
  expect(sent).toHaveLength(2)
})

test('no carrier, and no answer in time: each has a code', async () => {
  const away = scene(false)
  away.requests.withdraw(ID)
  expect(away.asked()).toMatchObject({ status: 'failed', code: 'no-answer' })
  const late = scene()
  late.requests.invite({ role: 'guest', uses: 1, lifeMs: 1000, note: '', rooms: [] })
  await late.world.run(19_999)
  expect(late.asked()?.status).toBe('running')
  await late.world.run(20_000)
  expect(late.asked()).toMatchObject({ status: 'failed', code: 'no-answer' })
  expect(late.answer({ kind: 'done' })).toBe(false)
  expect(late.world.waiting).toBe(0)
})

test('a link comes with where it works', () => {
  const { requests, answer, asked, box } = scene()
  requests.addDevice()
  expect(asked()).toBeNull()
  box.set({ me: ID })
  requests.addDevice()
  const invite = new Uint8Array(16).fill(1)
  answer({ kind: 'link', invite, link: 'http://a/#b', reach: 'lan', expiresAtMs: 5 })
  expect(asked()).toMatchObject({
    kind: 'device-link',
    id: ID,
    link: { url: 'http://a/#b', reach: 'lan', expiresAtMs: 5, invite: '01'.repeat(16) },
  })
})

const DAY_MS = 86_400_000
const NOW = 100 * DAY_MS
const away = (name: string, days: number, rest = {}) => ({
  ...{ id: name, member: 'a1', name, createdMs: 0, lastSeenMs: NOW - days * DAY_MS },
  ...{ route: null, here: false, safetyCode: [], ...rest },
})
const members = [
  {
    id: 'a1',
    name: 'Ann',
    role: 'owner',
    online: true,
    gone: false,
    hidden: false,
    tone: 0,
    picture: '',
    lastSeenMs: 0,
  },
] as const
const link = (note: string, member: string | null) => ({
  ...({ id: note, role: 'guest', member, uses: 1, used: 0, expiresAtMs: NOW, note } as const),
  rooms: [],
})

test('a host that is full: open links are named first, then the devices that were away the longest', () => {
  const devices = [
    away('Tablet', 9),
    away('Laptop', 40, { here: true }),
    away('Desk', 50, { route: 'direct' }),
    ...[3, 30, 5].map((days) => away(`Phone ${days}`, days)),
  ]
  const invites = [link('for the club', null), link('', 'a1')]
  expect(roomWords({ members, devices, invites }, NOW)).toBe(
    'Withdraw a link that nobody needs: “link for a new guest: for the club”, “link for a device of Ann”; or remove a device that nobody uses: “Phone 30 of Ann, away for 30 days”, “Tablet of Ann, away for 9 days”, “Phone 5 of Ann, away for 5 days”.',
  )
  expect(roomWords({ members, devices: [], invites: [link('', null)] }, NOW)).toBe(
    'Withdraw a link that nobody needs: “link for a new guest”.',
  )
  expect(roomWords({ members, devices: [away('Ann', 2)], invites: [] }, NOW)).toBe(
    'Remove a device that nobody uses: “Ann, away for 2 days”.',
  )
  expect(roomWords({ members, devices: [], invites: [] }, NOW)).toBeNull()
})
