// What a running host does when a command asks (contract.md): status, invites, members, revocation, rotation, burn, stop.
import { fromHex, toHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import { BURN_REASON, type BurnReason, writeBurnt } from './burn.ts'
import type { InviteArgs, LifetimeArgs, RevokeResult, RoomResult, StatusResult } from './config.ts'
import type { Host } from './host.ts'
import { makeInvite } from './invites.ts'
import { memberList } from './memberlist.ts'
import { overviewOf } from './overview.ts'
import type { RequestsInput } from './requests.ts'
import { commitRevocation, devicesOf, type Revoked } from './revocation.ts'

/** Answers a control command. Throws ClawError for an orderly refusal. */
export async function runControl(host: Host, command: string, args: unknown): Promise<unknown> {
  const { state, now } = host.input
  const { members, keys } = state
  switch (command) {
    case 'stop':
      return host.stop()
    case 'status':
      return status(host)
    case 'rotate':
      return host.epochs.rotate()
    case 'burn':
      return burn(host, (args as { reason: BurnReason }).reason)
    case 'members':
      return memberList(members, keys.hostPublicKey, host.hub.online, now())
    case 'revoke':
      return revoke(host, (args as { id: string }).id)
    case 'invite':
      return makeInvite(host.invites, withRooms(host, args as InviteArgs))
    case 'invite-list':
      return members.invites(now())
    case 'rooms':
      return roomRows(host)
    case 'rooms-make':
      return makeRoom(host, (args as { name: string }).name)
    case 'rooms-lifetime':
      return setLifetime(host, args as LifetimeArgs)
    case 'invite-withdraw':
      if (members.withdraw((args as { id: string }).id)) await host.credentialsChanged()
      return null
    default:
      throw new ClawError('usage')
  }
}

/** Rooms may be named by their names. Throws ClawError('room-unknown') for none, and for two of one name. */
function withRooms({ input }: Host, args: InviteArgs): InviteArgs {
  const all = input.state.rooms.list.rooms().filter(({ kind }) => kind === 'room')
  const rooms = args.rooms.map((wanted) => {
    const meant = all.filter(({ id, name }) => toHex(id) === wanted || name === wanted)
    const [room] = meant
    if (room === undefined || meant.length > 1) throw new ClawError('room-unknown')
    return toHex(room.id)
  })
  return { ...args, rooms: [...new Set(rooms)] }
}

function roomRows({ input, hostName }: Host): RoomResult[] {
  return input.state.rooms.list
    .rooms()
    .filter(({ kind }) => kind === 'room')
    .map(({ id, name, members, lifeMs }) => ({
      ...{ room: toHex(id), name: name === '' ? hostName() : name, members: members.length },
      lifeMs,
    }))
}

/** SPEC §7.10. Throws ClawError('room-unknown'). */
function setLifetime(host: Host, { room, lifeMs }: LifetimeArgs): RoomResult {
  const meant = roomRows(host).filter((row) => row.room === room || row.name === room)
  const [row] = meant
  if (row === undefined || meant.length > 1) throw new ClawError('room-unknown')
  const { state, now } = host.input
  // The machine is the owner's; of its devices this is none.
  const author = { member: ownerOf(host) ?? NOBODY, device: NOBODY }
  const touched = state.rooms.setLifetime(author, fromHex(row.room), lifeMs, now())
  host.hub.wake(touched)
  host.hub.broadcastState()
  return { ...row, lifeMs }
}

const NOBODY = '00'.repeat(16)

/** Who has been the owner for the longest. */
const ownerOf = ({ input }: Host): string | undefined =>
  input.state.members.members().find(({ role }) => role === 'owner')?.id

/** With the owner in it, if there is one. Throws ClawError: `name-invalid`, `too-many`. */
function makeRoom(host: Host, name: string): RoomResult {
  const { input, hub } = host
  const owner = ownerOf(host)
  const inside = owner === undefined ? [] : [owner]
  const id = input.state.rooms.list.make(name, owner ?? null, inside, input.now())
  hub.broadcastState()
  return { room: toHex(id), name: name.trim(), members: inside.length, lifeMs: 0 }
}

/** What a device may ask of this host (SPEC §7.3). */
export const requestsOf = (host: Host): RequestsInput => ({
  members: host.input.state.members,
  rooms: host.input.state.rooms,
  now: host.input.now,
  overview: () => overviewOf(host),
  push: host.push,
  pictures: host.pictures,
  invite: (args) => makeInvite(host.invites, args),
  revoke: (id) => revoke(host, id),
  credentialsChanged: host.credentialsChanged,
  tell: () => host.hub.broadcastState(),
  wake: (devices) => host.hub.wake(devices),
})

function status(host: Host): StatusResult {
  const { plan, hostName, epochs, publisher, hub } = host
  const { members, keys, dir } = host.input.state
  return {
    page: plan().url,
    pages: plan().pages,
    identity: keys.identity,
    name: hostName(),
    port: epochs.current.port,
    epoch: epochs.current.epoch,
    nextRotation: new Date(epochs.nextAtMs).toISOString(),
    stores: publisher.status,
    router: host.router.status,
    members: members.members().length,
    devices: members.devices().length,
    connected: [...hub.sessions].length,
    dataDir: dir,
  }
}

/** SPEC §3.4: first the commit, then goodbye to who is out, then the new record for the others. */
async function revoke(host: Host, id: string): Promise<RevokeResult> {
  const { state, now } = host.input
  const { database, members } = state
  devicesOf(database, id)
  let gone: Revoked = { devices: [], links: [] }
  await host.epochs.redraw(
    (rows) => {
      gone = commitRevocation(database, id, rows, now())
    },
    () => dismiss(host, gone.devices),
  )
  host.watchExpiry()
  await host.publisher.publish('all')
  host.moveSessions(host.epochs.current.epoch, now())
  const owners = members.members().filter(({ role }) => role === 'owner')
  const ofOwner = members.devices().filter(({ member }) => owners.some((o) => o.id === member))
  return {
    revoked: gone.devices,
    links: gone.links,
    unconfirmed: host.publisher.behind,
    ownerDevices: ofOwner.length,
  }
}

function dismiss(host: Host, devices: readonly string[]): void {
  host.retire(new Set(devices))
  for (const device of devices) {
    host.hub.expel(device)
    host.input.report({ event: 'revoked', device })
  }
}

/** SPEC §3.5: written first, told second, and only then does everything end. */
async function burn(host: Host, reason: BurnReason): Promise<{ burnt: string }> {
  const { state, now } = host.input
  const record = host.publisher.sealLast(BURN_REASON[reason])
  writeBurnt(state.dir, state.keys.writeSecret, record, now())
  state.over = true
  for (const session of host.hub.sessions) session.send({ type: 'record', bytes: record })
  await host.stop()
  return { burnt: state.keys.identity }
}
