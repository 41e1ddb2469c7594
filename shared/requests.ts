// Requests of a device and the host's answers (SPEC §7.3): codec of what stands behind the token. Ids are 16 bytes.
import type { Reader, Writer } from './bytes.ts'
import { MEMBER_ROLE, NAME_MAX_BYTES, NOTE_MAX_BYTES, type Role, SLOT_COUNT } from './constants.ts'
import type { ClawErrorCode } from './error.ts'
import { ID_BYTES, readFew, readFlag, readIds, readNamed, writeIds } from './fields.ts'
import { LIFE_MS, readSpan } from './lifetime.ts'
import { type Overview, readOverview, writeOverview } from './overview.ts'
import { readPicture, writePicture } from './picture.ts'
import { type PushSubscription, readPush, readPushKey, writePush } from './push.ts'
import { readTone } from './state.ts'

export const REQUEST = {
  invite: 1,
  'device-link': 2,
  withdraw: 3,
  'remove-device': 4,
  'remove-member': 5,
  'rename-member': 6,
  'rename-device': 7,
  'make-room': 8,
  'talk-to': 9,
  'rename-room': 10,
  'add-to-room': 11,
  'leave-room': 12,
  lifetime: 13,
  'push-on': 25,
  'push-off': 26,
  'push-key': 27,
  profile: 30,
  overview: 31,
  picture: 32,
} as const
export type RequestKind = keyof typeof REQUEST

export const INVITE_LIFE_MS = { min: 1000, max: 31_536_000_000 } as const
const LINK_MAX_BYTES = 5000

export type Request =
  | {
      readonly kind: 'invite'
      readonly role: Role
      /** 1..64 */
      readonly uses: number
      /** 1 s .. 365 d */
      readonly lifeMs: number
      /** for the list, at most 800 bytes */
      readonly note: string
      /** where its member comes in; none: the host's room */
      readonly rooms: readonly Uint8Array[]
    }
  | {
      readonly kind: 'device-link' | 'withdraw' | 'remove-device' | 'remove-member'
      /** of the member, invite, device or member */
      readonly id: Uint8Array
    }
  | {
      readonly kind: 'rename-member' | 'rename-device'
      readonly id: Uint8Array
      readonly name: string
    }
  | {
      /** of the device that asks */
      readonly kind: 'push-on'
      readonly push: PushSubscription
    }
  | { readonly kind: 'push-off' | 'push-key' }
  | {
      /** how the member that asks is shown to others */
      readonly kind: 'profile'
      /** 0..6, {@link TONES} */
      readonly tone: number
      /** whether others see if it is here, and when it was here last */
      readonly present: boolean
    }
  | {
      /** of the member that asks; none: no bytes */
      readonly kind: 'picture'
      readonly picture: Uint8Array
    }
  | {
      /** how the host is, for its owner */
      readonly kind: 'overview'
    }
  | RoomRequest

/** What changes rooms (SPEC §7.4). */
export type RoomRequest =
  | {
      readonly kind: 'talk-to'
      /** of the other member */
      readonly id: Uint8Array
    }
  | {
      readonly kind: 'rename-room'
      readonly id: Uint8Array
      readonly name: string
    }
  | {
      readonly kind: 'make-room'
      readonly name: string
      /** besides the one who asks */
      readonly members: readonly Uint8Array[]
    }
  | {
      readonly kind: 'add-to-room' | 'leave-room'
      /** of the room */
      readonly id: Uint8Array
      readonly member: Uint8Array
    }
  | {
      /** how long what is written from now on stays (SPEC §7.10) */
      readonly kind: 'lifetime'
      /** of the room */
      readonly id: Uint8Array
      /** 0: off */
      readonly lifeMs: number
    }

export const REQUEST_FAILURE = {
  'not-allowed': 1,
  'device-unknown': 2,
  'invite-unknown': 3,
  'credentials-full': 4,
  'name-invalid': 5,
  'no-usable-store': 6,
  'port-taken': 7,
  'too-many': 8,
  'room-unknown': 9,
  'push-refused': 25,
  'picture-refused': 32,
} as const satisfies Partial<Record<ClawErrorCode, number>>
export type RequestFailure = keyof typeof REQUEST_FAILURE

export const REACH = { computer: 1, lan: 2, anywhere: 3 } as const
export type Reach = keyof typeof REACH

export const ANSWER = { done: 1, link: 2, gone: 3, room: 4, 'push-key': 25, overview: 30 } as const

export type Answer =
  | { readonly kind: 'failed'; readonly code: RequestFailure }
  | { readonly kind: 'done' }
  | {
      readonly kind: 'link'
      readonly invite: Uint8Array
      readonly expiresAtMs: number
      readonly reach: Reach
      /** the whole link: a secret */
      readonly link: string
    }
  | {
      readonly kind: 'gone'
      /** stores that do not yet hold the record without the removed */
      readonly waiting: readonly string[]
      /** links that stopped working with it */
      readonly links: readonly Uint8Array[]
    }
  | {
      /** of `make-room` and `talk-to` */
      readonly kind: 'room'
      readonly room: Uint8Array
    }
  | {
      readonly kind: 'push-key'
      /** 65 bytes */
      readonly key: Uint8Array
    }
  | { readonly kind: 'overview'; readonly overview: Overview }

export function writeRequest(writer: Writer, request: Request): void {
  writer.u8(REQUEST[request.kind])
  if (request.kind === 'invite') {
    writer.u8(MEMBER_ROLE[request.role]).u8(request.uses).u48(request.lifeMs)
    writeIds(writer.str16(request.note, NOTE_MAX_BYTES), request.rooms)
    return
  }
  if (request.kind === 'push-on') writePush(writer, request.push)
  if (request.kind === 'picture') writePicture(writer, request.picture)
  if (request.kind === 'profile') writer.u8(request.tone).u8(request.present ? 1 : 0)
  if ('id' in request) writer.bytes(request.id)
  if ('name' in request) writer.str8(request.name, NAME_MAX_BYTES)
  if ('member' in request) writer.bytes(request.member)
  if ('members' in request) writeIds(writer, request.members)
  if (request.kind === 'lifetime') writer.u48(request.lifeMs)
}

/** Fails on anything but exactly one request. */
export function readRequest(reader: Reader): Request {
  const kind = readNamed(REQUEST, reader)
  if (kind === 'invite') return readInviteRequest(reader)
  if (kind === 'make-room')
    return { kind, name: reader.str8(NAME_MAX_BYTES), members: readIds(reader) }
  if (kind === 'profile') return { kind, tone: readTone(reader), present: readFlag(reader) }
  if (kind === 'picture') return { kind, picture: readPicture(reader) }
  if (kind === 'push-on') return { kind, push: readPush(reader) }
  if (kind === 'overview' || kind === 'push-off' || kind === 'push-key') return { kind }
  const id = reader.bytes(ID_BYTES)
  switch (kind) {
    case 'rename-member':
    case 'rename-device':
    case 'rename-room':
      return { kind, id, name: reader.str8(NAME_MAX_BYTES) }
    case 'lifetime':
      return { kind, id, lifeMs: readSpan(reader, LIFE_MS) }
    case 'add-to-room':
    case 'leave-room':
      return { kind, id, member: reader.bytes(ID_BYTES) }
    default:
      return { kind, id }
  }
}

function readInviteRequest(reader: Reader): Request {
  const role = readNamed(MEMBER_ROLE, reader)
  const uses = reader.u8()
  const lifeMs = reader.u48()
  const note = reader.str16(NOTE_MAX_BYTES)
  const rooms = readIds(reader)
  const { min, max } = INVITE_LIFE_MS
  const fits = uses >= 1 && uses <= SLOT_COUNT && lifeMs >= min && lifeMs <= max
  return fits ? { kind: 'invite', role, uses, lifeMs, note, rooms } : reader.fail()
}

export function writeAnswer(writer: Writer, answer: Answer): void {
  if (answer.kind === 'failed') {
    writer.u8(REQUEST_FAILURE[answer.code])
    return
  }
  writer.u8(0).u8(ANSWER[answer.kind])
  if (answer.kind === 'link') {
    writer.bytes(answer.invite).u64(answer.expiresAtMs).u8(REACH[answer.reach])
    writer.str16(answer.link, LINK_MAX_BYTES)
  }
  if (answer.kind === 'gone') {
    writer.u8(answer.waiting.length)
    for (const store of answer.waiting) writer.str8(store, NAME_MAX_BYTES)
    writeIds(writer, answer.links)
  }
  if (answer.kind === 'room') writer.bytes(answer.room)
  if (answer.kind === 'push-key') writer.bytes(answer.key)
  if (answer.kind === 'overview') writeOverview(writer, answer.overview)
}

/** Fails on anything but exactly one answer. */
export function readAnswer(reader: Reader): Answer {
  const code = readNamed({ ...REQUEST_FAILURE, none: 0 }, reader)
  if (code !== 'none') return { kind: 'failed', code }
  const kind = readNamed(ANSWER, reader)
  if (kind === 'done') return { kind }
  if (kind === 'gone') {
    const waiting = readFew(reader, 1, () => reader.str8(NAME_MAX_BYTES))
    return { kind, waiting, links: readIds(reader) }
  }
  if (kind === 'room') return { kind, room: reader.bytes(ID_BYTES) }
  if (kind === 'push-key') return { kind, key: readPushKey(reader) }
  if (kind === 'overview') return { kind, overview: readOverview(reader) }
  return {
    kind,
    invite: reader.bytes(ID_BYTES),
    expiresAtMs: reader.u64(),
    reach: readNamed(REACH, reader),
    link: reader.str16(LINK_MAX_BYTES),
  }
}
