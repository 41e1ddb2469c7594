// Which new messages a person is told of, and in which words (web/news.ts).
import { describe, expect, test } from 'vitest'
import type { StoredMessage } from '../../web/keep.ts'
import { takeWords } from '../../web/language.ts'
import { en } from '../../web/messages/en.ts'
import type { AppState, NotificationSettings } from '../../web/model.ts'
import { newsOf, parseSettings, SILENT, unreadOf } from '../../web/news.ts'
import { StateBox } from '../../web/state.ts'

takeWords(en, 'en')
const KITCHEN = '0a'.repeat(16)
const BEN = '0b'.repeat(16)
const here = { online: true, gone: false, hidden: false, tone: 0, picture: '', lastSeenMs: 0 }
const room = {
  members: [],
  mine: false,
  leavable: false,
  lifeMs: 0,
  isTimer: false,
  goneUpTo: 0,
  unread: 0,
}
const state: AppState = {
  ...new StateBox().value,
  phase: 'chat',
  me: 'a1',
  members: [
    { id: 'a1', name: 'Ann', role: 'owner', ...here },
    { id: 'b1', name: 'Ben', role: 'member', ...here },
  ],
  rooms: [
    { ...room, id: KITCHEN, kind: 'room', name: 'Kitchen', unread: 2, mentions: 0 },
    { ...room, id: BEN, kind: 'direct', name: 'Ben', unread: 3, mentions: 0 },
  ],
}
const message = (change: Partial<StoredMessage> = {}): StoredMessage => ({
  ...{ id: '01'.repeat(16), room: KITCHEN, author: 'b1', mine: false, text: 'soup', atMs: 1 },
  ...{
    seq: 5,
    state: 'sent',
    edited: false,
    deleted: false,
    gone: false,
    endsAtMs: 0,
    notice: null,
    change: 1,
    replyTo: null,
  },
  reactions: [],
  ...change,
})
const settings = (change: Partial<NotificationSettings>) => ({ ...SILENT, on: true, ...change })
const titles = (messages: readonly StoredMessage[], change: Partial<NotificationSettings> = {}) =>
  newsOf(messages, state, {}, settings({ tells: 'text', ...change })).map(
    ({ title, body }) => `${title}: ${body}`,
  )

describe('what a notification tells', () => {
  test('at first nothing of who and what', () => {
    const [news] = newsOf([message()], state, {}, SILENT)
    expect(news).toEqual({ room: KITCHEN, title: 'ClawChat', body: 'New message' })
    expect(JSON.stringify(newsOf([message()], state, {}, SILENT))).not.toMatch(/Ben|Kitchen|soup/)
  })

  test('the name, or the text too, as the person chose', () => {
    expect(titles([message()], { tells: 'name' })).toEqual(['Ben in Kitchen: New message'])
    expect(titles([message()])).toEqual(['Ben in Kitchen: soup'])
    expect(titles([message({ room: BEN })])).toEqual(['Ben: soup'])
  })

  test('a long text is cut between characters', () => {
    const [shown] = titles([message({ text: '🦀'.repeat(5000) })])
    expect([...String(shown)].length).toBeLessThan(230)
    expect(shown).toMatch(/🦀…$/)
  })
})

describe('of what one is told', () => {
  test('one notification for a room, of its newest message', () => {
    const many = ['soup', 'bread', 'salt'].map((text, i) => message({ text, seq: 5 + i }))
    expect(titles(many)).toEqual(['Ben in Kitchen: salt'])
  })

  test('not of what is one’s own, was read, or comes again because it changed', () => {
    const reactions = [{ emoji: '👍', members: ['b1'] }]
    const changes = [{ mine: true }, { edited: true }, { deleted: true }, { reactions }]
    for (const change of changes) expect(titles([message(change)])).toEqual([])
    expect(newsOf([message()], state, { [KITCHEN]: 5 }, settings({}))).toEqual([])
    expect(newsOf([message()], state, { [KITCHEN]: 4 }, settings({}))).toHaveLength(1)
  })

  test('of a silenced room only a mention', () => {
    const muted = [KITCHEN]
    expect(titles([message()], { muted })).toEqual([])
    expect(titles([message({ text: 'dinner, @ann?' })], { muted })).toHaveLength(1)
    expect(titles([message({ room: BEN })], { muted })).toHaveLength(1)
  })
})

test('the count leaves silenced rooms out, and is none outside of a chat', () => {
  expect(unreadOf(state, [])).toBe(5)
  expect(unreadOf(state, [BEN])).toBe(2)
  expect(unreadOf({ ...state, phase: 'join' }, [])).toBe(0)
})

test('kept settings come back; what is damaged is silent', () => {
  const mine = settings({ tells: 'name', sound: true, muted: [BEN] })
  expect(parseSettings(JSON.stringify(mine))).toEqual(mine)
  for (const text of [null, '', '{', 'null', '[]', '"on"'])
    expect(parseSettings(text)).toEqual(SILENT)
  const odd = '{"on":1,"tells":"all","sound":"yes","muted":[1,"x"]}'
  expect(parseSettings(odd)).toEqual({ ...SILENT, muted: ['x'] })
})
