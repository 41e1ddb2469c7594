// The host of the `echo` cell, a process of its own: one port with a bare data channel that echoes, one with the product's
// whole stack on a real database. Both are the same werift behind the same gate.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../host/database.ts'
import { guardWerift } from '../../host/direct.ts'
import { Hub } from '../../host/hub.ts'
import { Members } from '../../host/members.ts'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { Rooms } from '../../host/rooms.ts'
import { serveCarrier } from '../../host/serve.ts'
import { toHex } from '../../shared/bytes.ts'
import { certificateOf, EPOCH, random, startHost } from '../silence/dialer.ts'

export interface EchoReady {
  readonly barePort: number
  readonly stackPort: number
  readonly fingerprint: string
  readonly root: string
  readonly deviceSecret: string
  readonly hostPublicKey: string
  readonly hostStatic: string
}

guardWerift()
const dir = mkdtempSync(join(tmpdir(), 'clawchat-bench-'))
const db = openDatabase(dir)
const members = new Members(db, random)
const rooms = new Rooms(db, random)
const hostPublicKey = random(32)
const hostKey = nodeBackend.dhKey(random(32))
const deviceSecret = random(32)
const nowMs = Date.now()
const secret = random(32)
const args = { role: 'owner', uses: 1, expiresMs: 3_600_000, note: '', rooms: [] } as const
const invite = members.invite({ ...args, secret, hostPublicKey, nowMs })
const { publicKey } = nodeBackend.dhKey(deviceSecret)
const { deviceId, root } = members.reserve(invite.id, publicKey, 'Bench', nowMs)
const input = {
  hostPublicKey,
  hostKey,
  hostName: () => 'Bench',
  backend: nodeBackend,
  random,
  now: () => Date.now(),
  members,
  rooms,
  files: null,
  hub: new Hub(),
  locator: () => [],
  recordSeq: () => 1,
  record: () => new Uint8Array(6144),
  notice: () => null,
  publish: async () => undefined,
  request: async () => ({ kind: 'done' }) as const,
  report: () => undefined,
}
const bare = await startHost()
const stack = await startHost(new Map(), (carrier, peer) =>
  serveCarrier(carrier, { ...peer, route: 'direct' }, input),
)
for (const host of [bare, stack]) {
  host.roots.set(toHex(deviceId), root)
  host.listener.refresh()
}
process.on('disconnect', () => {
  db.close()
  rmSync(dir, { recursive: true, force: true })
  process.exit()
})
const { fingerprint } = await certificateOf(EPOCH)
process.send?.({
  barePort: bare.port,
  stackPort: stack.port,
  fingerprint: toHex(fingerprint),
  root: toHex(root),
  deviceSecret: toHex(deviceSecret),
  hostPublicKey: toHex(hostPublicKey),
  hostStatic: toHex(hostKey.publicKey),
} satisfies EchoReady)
