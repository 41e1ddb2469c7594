// Burn (SPEC §3.5): what is left of an identity in its folder, and how long its burn stays in the stores.
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  isOver,
  megaFileOf,
  readBurnt,
  republish,
  retireMega,
  wipeDatabase,
  writeBurnt,
} from '../../host/burn.ts'
import { openDatabase, Settings } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { parseCommand } from '../../host/options.ts'
import type { Store } from '../../host/stores.ts'
import { ClawError } from '../../shared/error.ts'
import { ed25519PublicKey } from '../../shared/noble.ts'
import { sealRecord } from '../../shared/record.ts'
import { resolveRecord } from '../../web/resolve.ts'

const random = (length: number) => new Uint8Array(randomBytes(length))
const NOW = 1_700_000_000_000
const DAY = 86_400_000
let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-burn-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

/** A store in memory, and what was put into it. */
function memoryStore(): Store & { held: Uint8Array | null; puts: number[]; away: boolean } {
  return {
    name: 'memory',
    linked: true,
    held: null,
    puts: [],
    away: false,
    async put(ctr, record) {
      if (this.away) throw new ClawError('store-unreachable')
      this.puts.push(ctr)
      this.held = record
    },
    async get() {
      if (this.away) throw new ClawError('store-unreachable')
      return this.held
    },
  }
}
const settled = () => new Promise<void>((done) => setImmediate(() => setImmediate(done)))

test('a burn is on disk for the owner alone, ends its identity, and goes after 30 days', () => {
  const [secret, record] = [random(32), random(6144)]
  writeBurnt(dir, secret, record, NOW)
  const [file = ''] = readdirSync(dir)
  expect(statSync(join(dir, file)).mode & 0o077).toBe(0)
  const burnt = readBurnt(dir, NOW + 30 * DAY - 1)
  expect(burnt).toEqual([{ file, writeSecret: secret, untilMs: NOW + 30 * DAY, record }])
  expect(isOver(burnt, secret)).toBe(true)
  expect(isOver(burnt, random(32))).toBe(false)
  expect(readBurnt(dir, NOW + 30 * DAY)).toEqual([])
  expect(existsSync(join(dir, file))).toBe(false)
})

test('its session at MEGA goes with it: to the burnt identity alone, until the 30 days are over', () => {
  const [secret, other] = [random(32), random(32)]
  const session = join(dir, 'mega.json')
  writeBurnt(dir, secret, random(6144), NOW)
  const burnt = readBurnt(dir, NOW)
  retireMega(dir, burnt, secret)
  expect(readdirSync(dir)).toHaveLength(1)
  writeFileSync(session, 'old')
  retireMega(dir, burnt, other)
  expect(readFileSync(session, 'utf8')).toBe('old')
  retireMega(dir, burnt, secret)
  expect(existsSync(session)).toBe(false)
  const [file = ''] = burnt.map(megaFileOf)
  expect(readFileSync(join(dir, file), 'utf8')).toBe('old')
  // After a crash once more, when the next identity has none yet.
  retireMega(dir, burnt, secret)
  expect(readFileSync(join(dir, file), 'utf8')).toBe('old')
  expect(readBurnt(dir, NOW + 30 * DAY - 1)).toEqual(burnt)
  expect(readBurnt(dir, NOW + 30 * DAY)).toEqual([])
  expect(readdirSync(dir)).toEqual([])
})

test('two burns within a month are kept beside each other', () => {
  writeBurnt(dir, random(32), random(6144), NOW)
  writeBurnt(dir, random(32), random(6144), NOW)
  expect(readBurnt(dir, NOW)).toHaveLength(2)
})

test('the database keeps where the page is and the name, and nothing else', () => {
  const db = openDatabase(dir)
  const settings = new Settings(db)
  for (const key of ['http', 'name', 'origin', 'seq', 'revocation-pending']) settings.set(key, 'x')
  const members = new Members(db, random)
  const invite = {
    role: 'member',
    uses: 1,
    expiresMs: 1000,
    note: '',
    rooms: [],
    nowMs: NOW,
  } as const
  members.invite({ ...invite, secret: random(32), hostPublicKey: random(32) })
  const count = (table: unknown) =>
    db.prepare(`SELECT count(*) AS n FROM ${String(table)}`).get()?.n
  // The index's own tables are never quite empty.
  const bare = { kv: 3, rooms: 1, texts_data: count('texts_data'), texts_config: 2 }
  db.exec(`INSERT INTO texts (rowid, terms) VALUES (1, 'secret words')`)
  wipeDatabase(db)
  expect(members.credentials()).toEqual([])
  expect(db.prepare('SELECT key FROM kv ORDER BY key').all()).toEqual(
    ['http', 'name', 'origin'].map((key) => expect.objectContaining({ key })),
  )
  for (const { name } of db.prepare("SELECT name FROM sqlite_schema WHERE type='table'").all()) {
    if (name === 'texts') continue
    const rows = (bare as Record<string, unknown>)[String(name)] ?? 0
    expect(count(name), String(name)).toBe(rows)
  }
  expect(readFileSync(join(dir, 'clawchat.db')).toString('latin1')).not.toContain('secret')
  // The next identity starts with what a new folder has.
  wipeDatabase(db)
  db.close()
})

test('a store that holds something else gets the burn again, with a higher counter', async () => {
  const store = memoryStore()
  const burnt = { file: '', writeSecret: random(32), untilMs: NOW + DAY, record: random(6144) }
  let nowMs = NOW
  const round = async (): Promise<void> => {
    const end = republish({ burnt, stores: [store], now: () => nowMs })
    await settled()
    end()
  }
  await round()
  await round()
  expect(store.puts).toEqual([NOW])
  store.held = random(6144)
  nowMs += 1000
  store.away = true
  await round()
  store.away = false
  await round()
  expect(store.puts).toEqual([NOW, NOW + 1000])
  expect(store.held).toEqual(burnt.record)
  store.held = null
  nowMs = NOW + DAY
  await round()
  expect(store.held).toBeNull()
})

test('a burn counts against any number: below one seen before, and beside a higher one of a thief', async () => {
  const secret = random(32)
  const hostPublicKey = ed25519PublicKey(secret)
  const root = random(32)
  const seal = (seq: number, burn: boolean): Uint8Array =>
    sealRecord({
      body: {
        ...{ hostPublicKey, seq, issuedMs: NOW, burn, reason: burn ? 1 : 0 },
        ...{
          hostStatic: random(32),
          intervalMs: 3_600_000,
          firstEpoch: Math.floor(NOW / 3_600_000),
        },
        ...{ schedule: [{ port: 50_000, fingerprint: random(32) }], addresses: [], locator: [] },
      },
      roots: [root],
      identitySecret: secret,
      random,
    })
  const stores = new Map([
    ['https://one.example', seal(5, true)],
    ['https://two.example', seal(900, false)],
  ])
  const found = await resolveRecord({
    locator: [...stores.keys()].map((url) => ({ type: 'https', flags: 1, id: random(32), url })),
    root,
    hostPublicKey,
    minSeq: 500,
    cached: null,
    otherRoot: null,
    patient: false,
    nowMs: NOW,
    megaGateway: () => 'https://mega.example',
    fetch: async (url) => new Response(stores.get(new URL(url).origin) as Uint8Array<ArrayBuffer>),
  })
  expect(found.record).toMatchObject({ burn: true, reason: 1, seq: 5 })
})

test('the command line: why, and whether to ask', () => {
  expect(parseCommand(['burn', '--data', '/d'], {})).toEqual({
    ...{ name: 'burn', dataDir: '/d', reason: 'compromised', yes: false },
  })
  expect(parseCommand(['burn', '--yes', '--reason', 'closed'], {})).toMatchObject({
    ...{ reason: 'closed', yes: true },
  })
  expect(() => parseCommand(['burn', '--reason', 'bored'], {})).toThrow('usage')
})
