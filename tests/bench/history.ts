// What a long history costs the host (SPEC §6.1, §7.5): a room opened, a page far back, a day, searches, and one message
// more, at 10⁴, 10⁵ and 10⁶ messages. Cells `history` and `search`.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import { fillIndex } from '../../host/search.ts'
import { toHex } from '../../shared/bytes.ts'
import type { Search } from '../../shared/lookups.ts'
import { encodeMessage } from '../../shared/messages.ts'
import { Dice } from '../fuzz/dice.ts'
import { printRow } from './stats.ts'

const SIZES = [10_000, 100_000, 1_000_000]
const ROUNDS = 31
const ROOM = new Uint8Array(16)
const START = 1_700_000_000_000
const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

/** 30 000 words, some said often and most seldom, as in a language. */
function vocabulary(dice: Dice): () => string {
  const words = Array.from({ length: 30_000 }, (_, i) => {
    const letters = [...dice.bytes(3 + (i % 8))].map(
      (byte) => 'etaoinshrdlucmfwypvbgkjqxz'[byte % 26],
    )
    return letters.join('')
  })
  return () => words[Math.floor(words.length * (dice.below(1_000_000) / 1e6) ** 4)] ?? ''
}

interface Scene {
  readonly db: DatabaseSync
  readonly rooms: Rooms
  readonly device: string
  readonly member: string
  readonly dir: string
}

function makeScene(size: number): Scene {
  const dir = mkdtempSync(join(tmpdir(), 'clawchat-bench-'))
  const db = openDatabase(dir)
  const [members, rooms] = [new Members(db, random), new Rooms(db, random)]
  const args = {
    role: 'owner',
    uses: 1,
    expiresMs: 1e6,
    note: '',
    rooms: [],
    nowMs: START,
  } as const
  const { id } = members.invite({ ...args, secret: random(32), hostPublicKey: random(32) })
  const device = toHex(members.reserve(id, random(32), 'Ann', START).deviceId)
  const { member } = members.confirm(device, START, () => undefined)
  const word = vocabulary(new Dice(1))
  const add = db.prepare(`INSERT INTO messages
    (room, seq, id, author, authorDevice, atMs, text, change, ordinal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  db.exec('BEGIN')
  for (let seq = 1; seq <= size; seq++) {
    const words = Array.from({ length: 4 + (seq % 14) }, word)
    // In each, and in one of them.
    const text = `${words.join(' ')} always${seq === 77 ? ' needle' : ''}`
    add.run(ROOM, seq, random(16), member, device, START + seq * 1000, text, seq, seq)
  }
  db.exec(`UPDATE rooms SET seq = ${size}; DELETE FROM kv WHERE key = 'index-maker'`)
  fillIndex(db)
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
  return { db, rooms, device, member, dir }
}

function timed(cell: string, what: string, run: () => unknown): void {
  const values: number[] = []
  for (let i = -2; i < ROUNDS; i++) {
    const startMs = performance.now()
    run()
    if (i >= 0) values.push(performance.now() - startMs)
  }
  printRow({ cell, what, unit: 'ms', values })
}

function benchRooms({ rooms, member, device }: Scene, size: number): void {
  const page = (before: number) => {
    const { messages, more } = rooms.history(member, ROOM, before, 100)
    return encodeMessage({ type: 'page', room: ROOM, before, more, messages })
  }
  const at = `of ${size}`
  timed('history', `a room opened: newest 100 ${at}`, () => page(0))
  timed('history', `100 around the middle ${at}`, () => page(size / 2))
  const by = { atMs: START + size * 400 }
  timed('history', `a day found ${at}`, () =>
    rooms.lookups.answer(member, { type: 'locate', token: 1, room: ROOM, by }),
  )
  let number = rooms.incoming(device).stored
  timed('history', `one message more ${at}, on disk and indexed`, () => {
    number += 1
    const text = `one message more of nine common words and always ${number}`
    const post = { type: 'post', endsAtMs: 0, room: ROOM, replyTo: null, text } as const
    rooms.receive(device, number, random(16), post, START + (size + number) * 1000)
  })
}

function benchSearches({ rooms, member }: Scene, size: number): void {
  const search = (query: string, change: Partial<Search> = {}) =>
    rooms.lookups.answer(member, {
      ...{ type: 'search', token: 1, query, rooms: [], authors: [], fromMs: 0, toMs: 0 },
      ...{ below: null, limit: 50, onlyFiles: false },
      ...change,
    })
  const queries: readonly (readonly [what: string, query: string, change?: Partial<Search>])[] = [
    ['a word in one', 'needle'],
    ['a word in all', 'always '],
    ['the beginning of a word in all', 'alw'],
    ['six letters of it', 'always'],
    ['both', 'always needle'],
    ['one letter', 'e'],
    ['a word in none', 'nowhere'],
    ['a word in all, far back', 'always ', { toMs: START + size * 100 }],
    ['a phrase in none of words in all', '"always always"'],
  ]
  for (const [what, query, change] of queries)
    timed('search', `${what}, ${size} messages`, () => search(query, change))
}

export function benchHistory(cells: readonly ('history' | 'search')[]): void {
  for (const size of SIZES) {
    const startMs = performance.now()
    const scene = makeScene(size)
    const perMessage = ((performance.now() - startMs) * 1000) / size
    console.log(
      `history    ${size} messages written and indexed at once: ${perMessage.toFixed(0)} µs each`,
    )
    try {
      if (cells.includes('history')) benchRooms(scene, size)
      if (cells.includes('search')) benchSearches(scene, size)
    } finally {
      scene.db.close()
      rmSync(scene.dir, { recursive: true })
    }
  }
}
