// What is shown of a long room (SPEC §7): the newest, or a stretch around a place that was jumped to; never with a hole.
import { expect, test } from 'vitest'
import { HISTORY_MAX } from '../../shared/constants.ts'
import type { ClawMessage } from '../../shared/messages.ts'
import type { StoredMessage } from '../../web/keep.ts'
import { HOST_ROOM } from '../../web/roster.ts'
import { Shown } from '../../web/shown.ts'
import { StateBox } from '../../web/state.ts'

const stored = (seq: number, change = seq): StoredMessage => ({
  ...{ id: `m${seq}`, room: HOST_ROOM, author: 'a', mine: false, text: `text ${seq}`, atMs: seq },
  ...{
    seq,
    state: 'sent',
    edited: false,
    deleted: false,
    gone: false,
    endsAtMs: 0,
    notice: null,
    change,
    replyTo: null,
    reactions: [],
  },
})
const from = (first: number, last: number): StoredMessage[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => stored(first + i))

/** A host with so many messages, and a device that keeps some of them. */
function scene(total: number, kept: readonly StoredMessage[]) {
  const all = new Map(kept.map((message) => [message.seq ?? 0, message]))
  const placed = () => [...all.values()].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
  const asked: number[] = []
  const host = {
    total,
    connected: true,
    waiting: [] as Extract<ClawMessage, { type: 'history' }>[],
  }
  const box = new StateBox()
  const shown = new Shown({
    box,
    keep: {
      messages: async (_, limit) => placed().slice(-limit),
      below: async (_, seq, limit) =>
        placed()
          .filter((m) => (m.seq ?? 0) < seq)
          .slice(-limit),
    },
    say: (message) => {
      if (host.connected && message.type === 'history') {
        host.waiting.push(message)
        asked.push(message.before)
      }
      return host.connected
    },
  })
  const answer = async (): Promise<void> => {
    for (let next = host.waiting.shift(); next !== undefined; next = host.waiting.shift()) {
      const { room, before, limit } = next
      const last = before === 0 ? host.total : Math.min(host.total, before - 1)
      const first = Math.max(1, last - Math.min(limit, HISTORY_MAX) + 1)
      const messages = from(first, last)
      for (const message of messages) all.set(message.seq ?? 0, message)
      await shown.takePage({ type: 'page', room, before, more: first > 1, messages: [] }, messages)
    }
  }
  /** an event of the host */
  const news = (message: StoredMessage): void => {
    host.total = Math.max(host.total, message.seq ?? 0)
    all.set(message.seq ?? 0, message)
    shown.show([message])
  }
  const seqs = (): [first: number, last: number, isWhole: boolean] => {
    const list = box.value.messages.map(({ seq }) => seq ?? 0)
    const [first = 0, last = 0] = [list[0], list.at(-1)]
    return [first, last, list.every((seq, i) => seq === first + i)]
  }
  return { shown, box, host, asked, answer, news, seqs }
}

test('a jump far back shows what is around, and one page is asked for', async () => {
  const { shown, box, asked, answer, seqs } = scene(5000, from(4801, 5000))
  await shown.newest()
  expect(seqs()).toEqual([4801, 5000, true])
  await shown.jump(1000)
  expect(seqs()).toEqual([4801, 5000, true])
  await answer()
  expect(seqs()).toEqual([950, 1049, true])
  expect(box.value).toMatchObject({ hasNewer: true, hasOlder: true, target: { seq: 1000 } })
  expect(asked).toEqual([1050])
  await shown.loadOlder()
  await answer()
  await shown.loadNewer()
  await answer()
  expect(seqs()).toEqual([850, 1149, true])
})

test('newer ones lead back to the newest, and what came meanwhile stands there', async () => {
  const { shown, box, host, news, answer, seqs } = scene(700, from(501, 700))
  await shown.newest()
  await shown.jump(300)
  await answer()
  news(stored(701))
  expect(seqs()).toEqual([250, 349, true])
  for (let i = 0; i < 20 && box.value.hasNewer; i++) {
    await shown.loadNewer()
    await answer()
    expect(seqs()[2]).toBe(true)
  }
  expect(seqs()).toEqual([250, 701, true])
  expect(box.value.hasNewer).toBe(false)
  news(stored(702))
  expect(seqs()).toEqual([250, 702, true])
  await shown.jump(100)
  await answer()
  expect(seqs()[0]).toBe(50)
  await shown.newest()
  expect([box.value.hasNewer, seqs()]).toEqual([false, [503, 702, true]])
  expect(host.waiting).toEqual([])
})

test('a change of a message that is not shown asks for nothing; one that is shown is shown', async () => {
  const { shown, asked, news, box, answer } = scene(5000, from(4801, 5000))
  await shown.newest()
  news({ ...stored(7, 9000), text: 'edited' })
  news({ ...stored(4900, 9001), text: 'edited' })
  await answer()
  expect(asked).toEqual([])
  expect(box.value.messages.filter(({ text }) => text === 'edited').map(({ seq }) => seq)).toEqual([
    4900,
  ])
})

test('without a host: what is kept around the place, and on from there', async () => {
  const { shown, box, host, seqs } = scene(5000, [...from(100, 299), ...from(4801, 5000)])
  host.connected = false
  await shown.newest()
  await shown.jump(200)
  expect(seqs()).toEqual([150, 249, true])
  await shown.loadNewer()
  await shown.loadOlder()
  expect(seqs()).toEqual([100, 299, true])
  // What lies between was never here.
  await shown.loadNewer()
  expect([seqs(), box.value.hasNewer]).toEqual([[100, 299, true], true])
  await shown.jump(1000)
  expect(seqs()).toEqual([100, 299, true])
  await shown.jump(4950)
  expect([seqs(), box.value.hasNewer]).toEqual([[4900, 4999, true], true])
  await shown.loadNewer()
  expect([seqs(), box.value.hasNewer]).toEqual([[4900, 5000, true], false])
})

test('the last message, the first one, and one that is not there', async () => {
  const { shown, box, answer, seqs } = scene(5000, from(4990, 5000))
  await shown.newest()
  for (const [seq, shownThen] of [
    [1, [1, 50, true]],
    [4980, [4901, 5000, true]],
    [9000, [4901, 5000, true]],
    [2, [1, 50, true]],
  ] as const) {
    await shown.jump(seq)
    await answer()
    expect(seqs(), String(seq)).toEqual(shownThen)
    expect(box.value.hasNewer, String(seq)).toBe(seq < 100)
  }
})

test('where all is gone nothing is asked for: neither further up nor in a hole', async () => {
  const { shown, box, asked, answer, news } = scene(5000, [...from(1, 10), ...from(4990, 5000)])
  const room = {
    id: HOST_ROOM,
    kind: 'room',
    name: '',
    members: [],
    unread: 0,
    mentions: 0,
  } as const
  const rights = { mine: false, leavable: false, lifeMs: 0, isTimer: false } as const
  const goneUpTo = (seq: number): void =>
    box.set({ rooms: [{ ...room, ...rights, goneUpTo: seq }] })
  goneUpTo(4989)
  await shown.newest()
  expect(asked).toEqual([])
  // Of one message below that something is left: it is looked for.
  goneUpTo(4000)
  news(stored(4995, 9999))
  await answer()
  expect(asked[0]).toBe(4990)
})

test('what is gone leaves the place that it had, and stands behind no picture of it from before', async () => {
  const { shown, box } = scene(10, from(1, 10))
  await shown.newest()
  const gone = { ...stored(5, 0), text: '', gone: true }
  shown.show([gone])
  expect(box.value.messages[4]).toMatchObject({ seq: 5, gone: true, text: '' })
  expect(box.value.messages).toHaveLength(10)
})
