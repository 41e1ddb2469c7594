// What a device asks of the host (SPEC §7.3): who may, and what comes of it.
import { fromHex, toHex } from '../shared/bytes.ts'
import { ClawError } from '../shared/error.ts'
import type { Overview } from '../shared/overview.ts'
import {
  type Answer,
  REQUEST_FAILURE,
  type Request,
  type RequestFailure,
  type RoomRequest,
} from '../shared/requests.ts'
import type { InviteArgs, InviteResult, RevokeResult } from './config.ts'
import type { Members } from './members.ts'
import type { Pictures } from './pictures.ts'
import type { Push } from './push.ts'
import { decides, isLeavable, setsLifetime } from './roomlist.ts'
import type { Rooms } from './rooms.ts'

/** How long the link for a further device of a member works. */
export const DEVICE_LINK_MS = 10 * 60_000
/** Open ones of a member; a further one takes the place of the oldest. */
const DEVICE_LINKS = 4

/** Hex ids. */
export interface Asker {
  readonly device: string
  readonly member: string
}

export interface RequestsInput {
  readonly members: Members
  readonly rooms: Rooms
  readonly now: () => number
  readonly overview: () => Overview
  readonly push: Pick<Push, 'key' | 'put' | 'drop'>
  readonly pictures: Pick<Pictures, 'set'>
  readonly invite: (
    args: InviteArgs & { readonly byDevice: string; readonly member?: string },
  ) => Promise<InviteResult>
  /** by device or member id */
  readonly revoke: (id: string) => Promise<RevokeResult>
  /** links were withdrawn: knocks and record must follow */
  readonly credentialsChanged: () => Promise<void>
  /** who is connected gets STATE */
  readonly tell: () => void
  /** new events wait for these devices */
  readonly wake: (devices: readonly string[]) => void
}

/** Rejects only with what is no refusal. */
export async function answerRequest(
  input: RequestsInput,
  asker: Asker,
  request: Request,
): Promise<Answer> {
  try {
    // Looked up each time: roles may have changed since the session began.
    if (!mayAsk(input, asker, request)) throw new ClawError('not-allowed')
    return await carryOut(input, asker, request)
  } catch (error) {
    if (error instanceof ClawError && isFailure(error.code))
      return { kind: 'failed', code: error.code }
    throw error
  }
}

const isFailure = (code: string): code is RequestFailure => code in REQUEST_FAILURE

const isPushRequest = (
  request: Request,
): request is Extract<Request, { kind: 'push-on' | 'push-off' | 'push-key' }> =>
  request.kind === 'push-on' || request.kind === 'push-off' || request.kind === 'push-key'

/** The table of SPEC §7.3. What is not theirs is to others as if it were not there. */
function mayAsk({ members, rooms }: RequestsInput, { member }: Asker, request: Request): boolean {
  const role = members.members().find(({ id }) => id === member)?.role
  const owner = role === 'owner'
  if (request.kind === 'invite' || request.kind === 'overview') return owner
  if (request.kind === 'profile' || request.kind === 'picture' || isPushRequest(request))
    return true
  if (request.kind === 'make-room') return owner || role === 'member'
  const id = toHex(request.id)
  switch (request.kind) {
    case 'device-link':
      return owner || (role === 'member' && id === member)
    case 'withdraw':
      return owner || members.linksFor(member).includes(id)
    case 'remove-member':
      return owner && id !== member
    case 'rename-member':
      return owner || id === member
    case 'remove-device':
    case 'rename-device':
      return owner || members.devices().some((each) => each.id === id && each.member === member)
    case 'talk-to':
      return (owner || role === 'member') && id !== member
    case 'rename-room':
    case 'add-to-room':
      return decides(rooms.list.room(request.id), member, owner)
    case 'lifetime':
      return setsLifetime(rooms.list.room(request.id), member, owner)
    case 'leave-room': {
      const room = rooms.list.room(request.id)
      const self = toHex(request.member) === member
      return self ? isLeavable(room, member) : decides(room, member, owner)
    }
  }
}

async function carryOut(input: RequestsInput, asker: Asker, request: Request): Promise<Answer> {
  const { members } = input
  switch (request.kind) {
    case 'invite': {
      const { role, uses, lifeMs, note } = request
      const rooms = request.rooms.map((id) => knownRoom(input, id))
      const about = { role, uses, expiresMs: lifeMs, note: oneLine(note), rooms }
      const wish = { ...about, byDevice: asker.device }
      return linkAnswer(input, await input.invite(wish))
    }
    case 'device-link':
      return deviceLink(input, asker, toHex(request.id))
    case 'withdraw':
      if (members.withdraw(toHex(request.id))) await input.credentialsChanged()
      break
    case 'remove-device':
      if (!members.devices().some(({ id }) => id === toHex(request.id)))
        throw new ClawError('device-unknown')
      return goneAnswer(await input.revoke(toHex(request.id)))
    case 'remove-member':
      return goneAnswer(await input.revoke(toHex(request.id)))
    case 'overview':
      return { kind: 'overview', overview: input.overview() }
    case 'push-on':
      input.push.put(asker.device, request.push)
      return { kind: 'done' }
    case 'push-off':
      input.push.drop(asker.device)
      return { kind: 'done' }
    case 'push-key':
      return { kind: 'push-key', key: input.push.key() }
    case 'profile':
      members.setProfile(asker.member, request.tone, !request.present)
      break
    case 'picture':
      await input.pictures.set(asker.member, request.picture)
      break
    case 'rename-member':
    case 'rename-device':
      members.rename(
        request.kind === 'rename-member' ? 'member' : 'device',
        toHex(request.id),
        request.name,
      )
      break
    default:
      return changeRooms(input, asker, request)
  }
  input.tell()
  return { kind: 'done' }
}

/** Throws ClawError: `name-invalid`, `device-unknown`, `too-many`. */
function changeRooms(input: RequestsInput, asker: Asker, request: RoomRequest): Answer {
  const { member } = asker
  const { rooms, now, tell } = input
  const answer = (room: Uint8Array): Answer => ({ kind: 'room', room })
  const told = (result: Answer): Answer => {
    tell()
    return result
  }
  switch (request.kind) {
    case 'make-room': {
      const others = request.members.map((id) => knownMember(input, id))
      return told(answer(rooms.list.make(request.name, member, [member, ...others], now())))
    }
    case 'talk-to':
      return told(answer(rooms.list.direct(member, knownMember(input, request.id), now())))
    case 'rename-room':
      rooms.list.rename(request.id, request.name)
      return told({ kind: 'done' })
    case 'add-to-room':
      input.wake(rooms.enter(request.id, knownMember(input, request.member), now()))
      return told({ kind: 'done' })
    case 'lifetime':
      input.wake(rooms.setLifetime(asker, request.id, request.lifeMs, now()))
      return told({ kind: 'done' })
    case 'leave-room':
      rooms.list.leave(request.id, toHex(request.member))
      return told({ kind: 'done' })
  }
}

/** Throws ClawError('device-unknown') for nobody, and for who has no device any more. */
function knownMember({ members }: RequestsInput, id: Uint8Array): string {
  const member = toHex(id)
  if (!members.devices().some((each) => each.member === member))
    throw new ClawError('device-unknown')
  return member
}

/** Throws ClawError('room-unknown'). */
function knownRoom({ rooms }: RequestsInput, id: Uint8Array): string {
  if (rooms.list.room(id)?.kind !== 'room') throw new ClawError('room-unknown')
  return toHex(id)
}

/** A note is shown in one line; what would break it is a space. */
const oneLine = (note: string): string => note.replace(/\p{Cc}+/gu, ' ').trim()

async function deviceLink(input: RequestsInput, asker: Asker, member: string): Promise<Answer> {
  const { members, now } = input
  const row = members.members().find(({ id }) => id === member)
  if (row === undefined) throw new ClawError('device-unknown')
  const open = members.linksFor(member)
  for (const old of open.slice(0, Math.max(0, open.length - DEVICE_LINKS + 1)))
    members.withdraw(old)
  const wish = { role: row.role, uses: 1, expiresMs: DEVICE_LINK_MS, note: '', rooms: [] }
  members.expire(now())
  return linkAnswer(input, await input.invite({ ...wish, member, byDevice: asker.device }))
}

function linkAnswer(input: RequestsInput, { id, expires, reach, invite }: InviteResult): Answer {
  input.tell()
  const expiresAtMs = Date.parse(expires)
  return { kind: 'link', invite: fromHex(id), expiresAtMs, reach, link: invite }
}

const goneAnswer = ({ unconfirmed, links }: RevokeResult): Answer => ({
  kind: 'gone',
  waiting: unconfirmed,
  links: links.map((id) => fromHex(id)),
})
