// Runs in a page for kept.ts: a database as version 2 had it, in the clear, brought up and then used as the page uses it.
import { Device } from '../../web/device.ts'
import type { StoredMessage } from '../../web/keep.ts'
import { HOST_ROOM } from '../../web/roster.ts'
import { pickBackend } from '../../web/webcrypto.ts'

const messageOf = (seq: number): StoredMessage => ({
  ...{ id: seq.toString(16).padStart(32, '0'), room: HOST_ROOM, author: 'b2'.repeat(16) },
  ...{ mine: seq % 2 === 0, state: 'sent', edited: false, deleted: false, change: seq },
  ...{
    gone: false,
    endsAtMs: 0,
    notice: null,
    replyTo: null,
    reactions: [],
    seq,
    atMs: 1_700_000_000_000 + seq * 20_000,
  },
  text: `${seq}: ${'so it goes on. '.repeat(1 + (seq % 9))}`,
})

/** As version 2 had it. */
async function clear(count: number): Promise<void> {
  const opening = indexedDB.open('clawchat', 2)
  opening.onupgradeneeded = () => {
    const db = opening.result
    db.createObjectStore('profile')
    const messages = db.createObjectStore('messages', { keyPath: 'id' })
    messages.createIndex('place', ['room', 'seq'])
    messages.createIndex('written', 'written')
    db.createObjectStore('outbox', { keyPath: 'number' })
    db.createObjectStore('lease')
    for (let seq = 1; seq <= count; seq++) messages.put(messageOf(seq))
  }
  await new Promise((resolve) => {
    opening.onsuccess = resolve
  })
  opening.result.close()
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

async function times(repeats: number, run: (n: number) => Promise<unknown>): Promise<number[]> {
  const values: number[] = []
  for (let n = 0; n < repeats; n++) values.push(await timed(() => run(n)))
  return values
}

globalThis.measureKept = async (count, repeats) => {
  await clear(count)
  const backend = await pickBackend()
  let device: Device | undefined
  const broughtUp = await timed(async () => {
    device = await Device.open(backend, {
      unlock: () => Promise.reject(new Error('no PIN')),
      blocked: () => undefined,
    })
  })
  if (device === undefined) throw new Error('not open')
  const kept = device
  const wish = { room: null, author: null, fromMs: 0, toMs: 0, onlyFiles: false }
  const search = (query: string) => kept.search([HOST_ROOM], { ...wish, query } as never)
  return {
    'brought up and sealed': [broughtUp],
    'newest 100 of a room': await times(repeats, () => kept.messages(HOST_ROOM, 100)),
    '100 in the middle': await times(repeats, () => kept.below(HOST_ROOM, count / 2, 100)),
    'one message more': await times(repeats, (n) => kept.putMessages([messageOf(count + 1 + n)])),
    'a word in all, searched': await times(3, () => search('goes')),
    'a word in none, searched': await times(3, () => search('nowhere')),
  }
}
