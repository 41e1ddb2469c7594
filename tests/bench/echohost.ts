// The host of the cells `echo`, `fanout` and `files`, a process of its own: one port with a bare data channel that echoes, one
// with a bare channel that takes and gives blocks, one with the product's whole stack on a real database and disk, for as many
// devices as its argument says. All are the same werift behind the same gate.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../host/database.ts'
import { guardWerift } from '../../host/direct.ts'
import { Files } from '../../host/files.ts'
import { Hub } from '../../host/hub.ts'
import type { Carrier } from '../../host/link.ts'
import { Members } from '../../host/members.ts'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { Rooms } from '../../host/rooms.ts'
import { serveCarrier } from '../../host/serve.ts'
import { toHex } from '../../shared/bytes.ts'
import { browserRuntime } from '../../web/runtime.ts'
import { NO_PICTURES } from '../pictures.ts'
import { certificateOf, EPOCH, random, startHost } from '../silence/dialer.ts'
import { FRAME_BYTES } from './bareblocks.ts'

export interface EchoReady {
  readonly barePort: number
  readonly blocksPort: number
  readonly stackPort: number
  readonly fingerprint: string
  /** each of a member of its own */
  readonly devices: readonly { readonly root: string; readonly secret: string }[]
  readonly hostPublicKey: string
  readonly hostStatic: string
}

guardWerift()
const dir = mkdtempSync(join(tmpdir(), 'clawchat-bench-'))
const db = openDatabase(dir)
const members = new Members(db, random)
const rooms = new Rooms(db, random)
const limits = { maxBytes: 2 ** 30, quotaBytes: 2 ** 32, memberBytes: 2 ** 32 }
const files = new Files({ db, dir, secret: random(32), random, now: () => Date.now(), limits })
const hostPublicKey = random(32)
const hostKey = nodeBackend.dhKey(random(32))
const nowMs = Date.now()
const secret = random(32)
const count = Number(process.argv[2] ?? 1)
const args = { role: 'member', uses: 64, expiresMs: 3_600_000, note: '', rooms: [] } as const
const invite = members.invite({ ...args, secret, hostPublicKey, nowMs })
const devices = Array.from({ length: count }, (_, i) => {
  const secret = random(32)
  const { publicKey } = nodeBackend.dhKey(secret)
  return { secret, ...members.reserve(invite.id, publicKey, `Bench ${i}`, nowMs) }
})
const input = {
  hostPublicKey,
  hostKey,
  hostName: () => 'Bench',
  backend: nodeBackend,
  random,
  now: () => Date.now(),
  after: browserRuntime.after,
  members,
  rooms,
  files,
  pictures: NO_PICTURES,
  hub: new Hub(),
  keepMs: 0,
  locator: () => [],
  recordSeq: () => 1,
  record: () => new Uint8Array(6144),
  notice: () => null,
  publish: async () => undefined,
  request: async () => ({ kind: 'done' }) as const,
  report: () => undefined,
}
/** As the product takes blocks: a short answer to each that came, and a block in four messages for each that is asked for. */
function bareBlocks(carrier: Carrier): void {
  const frame = random(FRAME_BYTES)
  const answer = random(96)
  let frames = 0
  carrier.onMessage((bytes) => {
    carrier.markLive()
    if (bytes.length < FRAME_BYTES) for (let i = 0; i < 4; i++) carrier.send(frame)
    else if (++frames % 4 === 0) carrier.send(answer)
  })
}

const bare = await startHost()
const blocks = await startHost(new Map(), bareBlocks)
const stack = await startHost(new Map(), (carrier, peer) =>
  serveCarrier(carrier, { ...peer, route: 'direct' }, input),
)
for (const host of [bare, blocks, stack]) {
  for (const { deviceId, root } of devices) host.roots.set(toHex(deviceId), root)
  host.listener.refresh()
}
// `cpu`: what it has used; else, once all are in: a room of the first two alone.
process.on('message', (message) => {
  if (message === 'cpu') return void process.send?.(process.cpuUsage())
  const memberOf = ({ deviceId }: (typeof devices)[number]): string =>
    String(db.prepare('SELECT member FROM devices WHERE id = ?').get(toHex(deviceId))?.member)
  const pair = rooms.list.make('Pair', null, devices.slice(0, 2).map(memberOf), Date.now())
  process.send?.({ pair: toHex(pair) })
})
process.on('disconnect', () => {
  db.close()
  rmSync(dir, { recursive: true, force: true })
  process.exit()
})
const { fingerprint } = await certificateOf(EPOCH)
process.send?.({
  barePort: bare.port,
  blocksPort: blocks.port,
  stackPort: stack.port,
  fingerprint: toHex(fingerprint),
  devices: devices.map(({ root, secret }) => ({ root: toHex(root), secret: toHex(secret) })),
  hostPublicKey: toHex(hostPublicKey),
  hostStatic: toHex(hostKey.publicKey),
} satisfies EchoReady)
