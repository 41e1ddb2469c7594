// The page's side of a transfer (web/files.ts) and the host's (host/files.ts), with every message through its codec, on a
// carrier that the test breaks: what is sent arrives as it was, for others too, and nothing else happens.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test } from 'vitest'
import { openDatabase } from '../../host/database.ts'
import { Files as HostFiles } from '../../host/files.ts'
import type { SecureLink } from '../../host/link.ts'
import { Members } from '../../host/members.ts'
import { Rooms } from '../../host/rooms.ts'
import { Transfers } from '../../host/transfers.ts'
import { equal, toHex } from '../../shared/bytes.ts'
import { decodeEvent } from '../../shared/events.ts'
import { FILE_BLOCK_BYTES, isFileMessage } from '../../shared/files.ts'
import { type ClawMessage, decodeMessage, encodeMessage } from '../../shared/messages.ts'
import { Files } from '../../web/files.ts'
import { SEGMENT_BYTES, type StoredUpload } from '../../web/filestore.ts'
import type { StoredMessage } from '../../web/keep.ts'
import { fromWire } from '../../web/outcome.ts'
import { postOf } from '../../web/resume.ts'
import { StateBox } from '../../web/state.ts'

const NOW = 1_700_000_000_000
const random = (n: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(n))
const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** What a browser keeps of files. */
class Shelf {
  readonly kept = new Map<string, StoredUpload>()
  readonly whole = new Map<string, { id: string; size: number; isWhole: boolean }>()
  readonly segments = new Map<string, Uint8Array<ArrayBuffer>>()
  async uploads(): Promise<StoredUpload[]> {
    return [...this.kept.values()]
  }
  async putUpload(upload: StoredUpload): Promise<void> {
    this.kept.set(upload.id, upload)
  }
  async pauseUpload(id: string, isPaused: boolean): Promise<void> {
    const upload = this.kept.get(id)
    if (upload !== undefined) this.kept.set(id, { ...upload, isPaused })
  }
  async sent(id: string): Promise<void> {
    this.kept.delete(id)
  }
  async sealOld(): Promise<void> {}
  async has(id: string): Promise<boolean> {
    return this.whole.get(id)?.isWhole ?? false
  }
  async contents() {
    return [...this.whole.values()]
  }
  async putContent(content: { id: string; size: number; isWhole: boolean }): Promise<void> {
    this.whole.set(content.id, content)
  }
  async reserve(): Promise<void> {}
  async writeSegment(id: string, n: number, part: Blob | Uint8Array<ArrayBuffer>): Promise<void> {
    this.segments.set(`${id} ${n}`, new Uint8Array(await new Blob([part]).arrayBuffer()))
  }
  async segment(id: string, n: number): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.segments.get(`${id} ${n}`) ?? null
  }
  async read(id: string): Promise<Blob | null> {
    const found = this.whole.get(id)
    if (!found?.isWhole) return null
    const count = Math.ceil(found.size / SEGMENT_BYTES)
    return new Blob(Array.from({ length: count }, (_, n) => this.segments.get(`${id} ${n}`) ?? ''))
  }
  async open(id: string): Promise<Blob | null> {
    return this.read(id)
  }
  async remove(id: string): Promise<void> {
    this.kept.delete(id)
    this.whole.delete(id)
  }
  async clear(): Promise<void> {
    for (const id of this.whole.keys()) await this.remove(id)
  }
}

function makeHost() {
  const dir = mkdtempSync(join(tmpdir(), 'clawchat-filesession-'))
  const db = openDatabase(dir)
  const members = new Members(db, random)
  const rooms = new Rooms(db, random)
  const limits = { maxBytes: 2 ** 30, quotaBytes: 2 ** 31, memberBytes: 2 ** 31 }
  const secret = random(32)
  const open = () => new HostFiles({ db, dir, secret, random, now: () => NOW, limits })
  const host = { rooms, files: open(), restart: async () => {} }
  host.restart = async () => {
    await host.files.stop()
    host.files = open()
  }
  endings.push(
    () => rmSync(dir, { recursive: true }),
    () => db.close(),
    () => host.files.stop(),
  )
  const join_ = (role: 'owner' | 'guest') => {
    const args = { role, uses: 1, expiresMs: NOW + 1000, note: '', rooms: [], nowMs: NOW }
    const { id } = members.invite({ ...args, secret: random(32), hostPublicKey: random(32) })
    const device = toHex(members.reserve(id, random(32), 'Ann', NOW).deviceId)
    return { device, ...members.confirm(device, NOW, () => undefined) }
  }
  return { ...host, host, join: join_ }
}

type Host = ReturnType<typeof makeHost>

/** A page of one device: what it says goes to the host, block by block, until the carrier is cut. */
function makePage({ host, join }: Host, role: 'owner' | 'guest') {
  const { device, member } = join(role)
  const shelf = new Shelf()
  const messages = new Map<string, StoredMessage>()
  const box = new StateBox()
  const clock = { ms: 0 }
  let transfers: Transfers | null = null
  let said = 0
  let onSaid = (_: number): void => undefined
  const released = new Map<string, () => void>()
  const make = () =>
    new Files({
      store: Promise.resolve(shelf),
      box,
      keep: { message: async (id) => messages.get(id) ?? null },
      timeline: {
        hold: async (message) => void messages.set(message.id, message),
        forget: async (id) => void messages.delete(id),
        release: async (message) => {
          messages.set(message.id, message)
          const { id, kind, body } = postOf(message)
          const number = host.rooms.incoming(device).stored + 1
          host.rooms.receive(device, number, id, decodeEvent(kind, body), NOW)
          released.get(message.id)?.()
        },
      },
      runtime: {
        after: (_, run) => {
          queueMicrotask(run)
          return () => undefined
        },
      },
      clock: () => (clock.ms += 1),
      say: (message) => {
        const over = decodeMessage(encodeMessage(message))
        if (transfers === null || !isFileMessage(over)) return false
        transfers.take(over)
        onSaid(++said)
        return true
      },
    })
  const page = { files: make(), shelf, messages, box, member, device }
  const live = (): void => {
    const link = {
      closed: false,
      send: async (message: ClawMessage) => {
        const over = decodeMessage(encodeMessage(message))
        // What was on its way when the carrier was cut does not arrive.
        if (transfers === mine && isFileMessage(over)) page.files.heard(over)
      },
      close: () => undefined,
    } as unknown as SecureLink
    const mine = new Transfers(host.files, member, link)
    transfers = mine
    page.files.live('direct')
  }
  const cut = (): void => {
    transfers = null
    page.files.rest()
  }
  const after = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const from = said
      onSaid = (n) => n >= from + count && resolve()
    })
  const reload = async (): Promise<void> => {
    cut()
    page.files.leave()
    page.files = make()
    await page.files.load()
  }
  const sent = (id: string): Promise<void> => new Promise((resolve) => released.set(id, resolve))
  return Object.assign(page, { live, cut, after, reload, sent })
}
type Page = ReturnType<typeof makePage>

function messageOf({ member }: Page, content: Blob): StoredMessage {
  return {
    ...{ id: toHex(random(16)), room: '00'.repeat(16), author: member, mine: true, text: '' },
    ...{
      atMs: NOW,
      seq: null,
      state: 'sending',
      edited: false,
      deleted: false,
      gone: false,
      endsAtMs: 0,
      notice: null,
      change: 0,
    },
    ...{ replyTo: null, reactions: [] },
    file: {
      ...{ size: content.size, hash: new Uint8Array(32), type: 'a/b', name: 'n' },
      ...{ width: 0, height: 0, durationMs: 0, thumbnail: new Uint8Array(0) },
    },
  }
}

const phaseOf = ({ box }: Page, id: string) => box.value.transfers.find((t) => t.id === id)
const reached = ({ box }: Page, id: string, phase: string): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (box.value.transfers.some((t) => t.id === id && t.phase === phase)) resolve()
    }
    box.subscribe(look)
    look()
  })

/** As the host tells it. */
function told(host: Host, page: Page, id: string): void {
  const { messages } = host.rooms.history(page.member, new Uint8Array(16), 0, 50)
  const found = messages.find((message) => toHex(message.id) === id)
  if (found === undefined) throw new Error('the host has no such message')
  page.messages.set(id, fromWire(found, page.member))
}
const bytesOf = async (page: Page, id: string): Promise<Uint8Array> =>
  new Uint8Array((await (await page.shelf.read(id))?.arrayBuffer()) ?? new ArrayBuffer())

test('a file goes up and comes down, through cut carriers, a restarted host and reloaded pages', async () => {
  const host = makeHost()
  const [ann, ben] = [makePage(host, 'owner'), makePage(host, 'guest')]
  const content = random(6_000_000)
  const message = messageOf(ann, new Blob([content]))
  const { id } = message
  const over = ann.sent(id)
  ann.live()
  let some = ann.after(20)
  await ann.files.do({ do: 'send', message, content: new Blob([content]) })
  await some
  ann.cut()
  await host.host.restart()
  some = ann.after(20)
  ann.live()
  await some
  await ann.reload()
  ann.live()
  await over
  told(host, ben, id)
  ben.live()
  some = ben.after(30)
  await ben.files.do({ do: 'fetch', id })
  await some
  ben.cut()
  some = ben.after(10)
  ben.live()
  await some
  await ben.reload()
  ben.live()
  await ben.files.do({ do: 'fetch', id })
  await reached(ben, id, 'done')
  expect(equal(await bytesOf(ben, id), content)).toBe(true)
})

test('a file that is another one after a break is noticed, and not sent', async () => {
  const host = makeHost()
  const ann = makePage(host, 'owner')
  const content = random(3_000_000)
  const message = messageOf(ann, new Blob([content]))
  ann.live()
  const some = ann.after(10)
  await ann.files.do({ do: 'send', message, content: new Blob([content]) })
  await some
  ann.cut()
  await ann.files.do({ do: 'again', id: message.id, content: new Blob([random(3_000_000)]) })
  const failed = reached(ann, message.id, 'failed')
  ann.live()
  await failed
  expect(phaseOf(ann, message.id)).toMatchObject({ code: 'file-unreadable' })
  const over = ann.sent(message.id)
  await ann.files.do({ do: 'again', id: message.id, content: new Blob([content]) })
  await over
})

test('what is cancelled leaves nothing here and nothing there', async () => {
  const host = makeHost()
  const ann = makePage(host, 'owner')
  const message = messageOf(ann, new Blob([random(3_000_000)]))
  ann.live()
  const some = ann.after(10)
  await ann.files.do({ do: 'send', message, content: new Blob([random(3_000_000)]) })
  await some
  await ann.files.do({ do: 'cancel', id: message.id })
  expect([ann.messages.size, ann.shelf.kept.size]).toEqual([0, 0])
  await host.host.files.drop(ann.member, random(16))
  await host.host.restart()
  expect(host.host.files.bytes).toBe(0)
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Zeros, made as they are read: on no disk and in no memory. */
const zeros = (size: number): Blob =>
  ({
    size,
    slice: (from: number, to: number) => ({
      arrayBuffer: async () => new ArrayBuffer(Math.max(0, Math.min(size, to) - from)),
    }),
  }) as unknown as Blob

/**
 * Of one way: bytes that both ends hold, looked at every 16 MiB; the median, since what is garbage may go a little later. What
 * grows with the way stands at half of it there.
 */
async function held(page: Page, size: number, over: Promise<void>): Promise<number> {
  const seen: number[] = []
  const isOver = over.then(() => 'over')
  for (let from = 0; from < size; from += 2 ** 24) {
    const look = page.after(2 ** 24 / FILE_BLOCK_BYTES).then(() => 'on')
    if ((await Promise.race([isOver, look])) === 'over') break
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    seen.push(heapUsed + arrayBuffers)
  }
  await over
  expect(seen.length).toBeGreaterThan(2)
  return seen.sort((a, b) => a - b)[seen.length >> 1] ?? 0
}

test('what both ends hold meanwhile does not grow with the size of a file', async () => {
  const host = makeHost()
  const [ann, ben] = [makePage(host, 'owner'), makePage(host, 'guest')]
  // A segment that is written is out of memory.
  Object.assign(ben.shelf, { writeSegment: async () => undefined })
  ann.live()
  ben.live()
  const usual: number[][] = []
  for (const size of [48 * 2 ** 20, 128 * 2 ** 20]) {
    const content = zeros(size)
    const message = messageOf(ann, content)
    const { id } = message
    const sending = ann.files.do({ do: 'send', message, content })
    const up = await held(ann, size, ann.sent(id))
    await sending
    told(host, ben, id)
    await ben.files.do({ do: 'fetch', id })
    usual.push([up, await held(ben, size, reached(ben, id, 'done'))])
  }
  const [[up = 0, down = 0] = [], [upLarge = 0, downLarge = 0] = []] = usual
  expect(upLarge - up).toBeLessThan(16 * 2 ** 20)
  expect(downLarge - down).toBeLessThan(16 * 2 ** 20)
}, 120_000)
