// The conversation as a pure value: order, states that never go back, and holes that ask for HISTORY (SPEC §7).
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holeBefore, laterState, mergeMessages } from '../../web/chat.ts'
import type { Message, MessageState } from '../../web/model.ts'

const message = (id: string, change: Partial<Message> = {}): Message => ({
  id,
  room: 'r',
  ...{
    edited: false,
    deleted: false,
    gone: false,
    endsAtMs: 0,
    notice: null,
    change: 0,
    replyTo: null,
    reactions: [],
  },
  author: 'ann',
  mine: true,
  text: `text of ${id}`,
  atMs: 1,
  seq: null,
  state: 'sending',
  ...change,
})
const stored = (seq: number, change: Partial<Message> = {}): Message =>
  message(`m${seq}`, { seq, state: 'sent', ...change })
const ids = (messages: readonly Message[]): string[] => messages.map(({ id }) => id)

describe('order', () => {
  test('stored ones by sequence number, then the unsent in the order of writing', () => {
    const merged = mergeMessages([stored(3), message('x')], [message('y'), stored(1), stored(2)])
    expect(ids(merged)).toEqual(['m1', 'm2', 'm3', 'x', 'y'])
  })

  test('an unsent one takes its place once the host has numbered it', () => {
    const before = mergeMessages([], [stored(1), message('x'), message('y')])
    const after = mergeMessages(before, [message('x', { seq: 3, state: 'sent' }), stored(2)])
    expect(ids(after)).toEqual(['m1', 'm2', 'x', 'y'])
  })

  test('any split and order of the same news gives the same messages, each once', () => {
    const all = Array.from({ length: 12 }, (_, i) => stored(i + 1))
    fc.assert(
      fc.property(
        fc.shuffledSubarray(all, { minLength: 12 }),
        fc.nat(12),
        fc.subarray(all),
        (news, cut, again) => {
          const first = mergeMessages([], news.slice(0, cut))
          const both = mergeMessages(mergeMessages(first, news.slice(cut)), again)
          expect(both).toEqual(all)
        },
      ),
    )
  })

  test('nothing new leaves the very same list', () => {
    const known = [stored(1)]
    expect(mergeMessages(known, [])).toBe(known)
  })
})

describe('states', () => {
  const rising: MessageState[] = ['sending', 'sent', 'delivered', 'read']

  test('never go back, whatever order news comes in', () => {
    for (const [i, earlier] of rising.entries()) {
      for (const [j, news] of rising.entries()) {
        const [merged] = mergeMessages(
          [message('x', { state: earlier })],
          [message('x', { state: news })],
        )
        expect(merged?.state, `${earlier}, then ${news}`).toBe(rising[Math.max(i, j)])
        expect(laterState(earlier, news)).toBe(laterState(news, earlier))
      }
    }
  })

  test('late news without a number does not take the number away', () => {
    const [merged] = mergeMessages([stored(7)], [message('m7')])
    expect([merged?.seq, merged?.state]).toEqual([7, 'sent'])
  })

  test('a retry leads from failed to sending; what was sent does not fail afterwards', () => {
    const failed = message('x', { state: 'failed' })
    expect(mergeMessages([failed], [message('x')])[0]?.state).toBe('sending')
    expect(mergeMessages([message('x')], [failed])[0]?.state).toBe('failed')
    expect(mergeMessages([stored(1)], [message('m1', { state: 'failed' })])[0]?.state).toBe('sent')
  })
})

test('a refusal counts also after the acknowledgement that came before it', () => {
  const sent = message('x', { state: 'sent' })
  expect(mergeMessages([sent], [message('x', { state: 'failed' })])[0]?.state).toBe('failed')
})

describe('holes', () => {
  test('none: nothing, one, contiguous from anywhere, unsent ones at the end', () => {
    expect(holeBefore([])).toBeNull()
    expect(holeBefore([stored(9)])).toBeNull()
    expect(holeBefore([stored(4), stored(5), stored(6), message('x')])).toBeNull()
  })

  test('the newest hole comes first, and filling it leads to the next until none is left', () => {
    let messages: readonly Message[] = [1, 2, 5, 6, 9].map((seq) => stored(seq))
    expect(holeBefore(messages)).toBe(9)
    messages = mergeMessages(messages, [stored(7), stored(8)])
    expect(holeBefore(messages)).toBe(5)
    messages = mergeMessages(messages, [stored(4), stored(3)])
    expect(holeBefore(messages)).toBeNull()
  })
})
