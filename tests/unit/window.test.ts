// A device that acknowledges nothing: the host holds back after a window of events, and goes on with everything else.
// In a process of its own with a deadline, since a host that spins would take the test with it.
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const SCRIPT = `
import { DatabaseSync } from 'node:sqlite'
import { ChatSession } from './host/chat.ts'
import { prepareSchema } from './host/database.ts'
import { Hub } from './host/hub.ts'
import { Members } from './host/members.ts'
import { Rooms } from './host/rooms.ts'
import { toHex } from './shared/bytes.ts'
import { encodeEvent } from './shared/events.ts'
import { Chance, settle } from './tests/simulation/world.ts'

const { bytes } = new Chance(1)
const db = new DatabaseSync(':memory:')
prepareSchema(db)
const members = new Members(db, bytes)
const rooms = new Rooms(db, bytes)
const hub = new Hub()
const invite = members.invite({ role: 'owner', uses: 1, expiresMs: 1e6, note: '', rooms: [], secret: bytes(32), hostPublicKey: bytes(32), nowMs: 0 })
const { deviceId } = members.reserve(invite.id, bytes(32), 'Ann', 0)
const device = toHex(deviceId)
const { member } = members.confirm(device, 0, () => undefined)
const sent = []
const link = { send: async (message) => void sent.push(message), close: () => undefined, onClose: () => undefined }
const session = new ChatSession({
  link, device, member, rooms, transfers: null, hub, now: () => 0, after: () => () => undefined,
  state: () => ({ type: 'ping', token: 0 }),
  record: () => new Uint8Array(6144),
  notice: () => null,
  onConnected: () => undefined,
})
session.handle({ type: 'resume', stored: 0, id: new Uint8Array(16) })
const post = encodeEvent({ type: 'post', endsAtMs: 0, room: new Uint8Array(16), text: 'x' })
for (let number = 1; number <= 400; number++) {
  session.handle({ type: 'event', number, id: bytes(16), ...post })
  await settle()
}
const count = (type) => sent.filter((message) => message.type === type).length
const first = { acks: count('ack'), events: count('event') }
session.handle({ type: 'ack', stored: 10 })
await settle()
console.log(JSON.stringify({ first, later: count('event') }))
`

test('the host sends a window of events ahead, acknowledges all the same, and goes on with each acknowledgement', () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module-typescript', '-e', SCRIPT],
    { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' },
  )
  expect(stderr).not.toMatch(/Error/)
  const { first, later } = JSON.parse(stdout || '{}')
  expect(first.acks).toBe(400)
  expect(first.events).toBe(256)
  expect(later).toBe(266)
})
