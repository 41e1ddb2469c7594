// What devices ask of the host (SPEC §7.3): who may, what comes of it, and that nobody learns of what is not theirs.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { InviteArgs, Role } from '../../host/config.ts'
import { openDatabase } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { PICTURE_BURST, Pictures } from '../../host/pictures.ts'
import { type Asker, answerRequest, DEVICE_LINK_MS } from '../../host/requests.ts'
import { Rooms } from '../../host/rooms.ts'
import { stateFor } from '../../host/roster.ts'
import { concat, fromHex, toHex } from '../../shared/bytes.ts'
import type { Overview } from '../../shared/overview.ts'
import { pictureId } from '../../shared/pictureheader.ts'
import type { Answer, Request } from '../../shared/requests.ts'

const NOW = 1_700_000_000_000
const HOUR_MS = 3_600_000
const hostPublicKey = new Uint8Array(randomBytes(32))

let dir: string
let db: ReturnType<typeof openDatabase>
let members: Members
let rooms: Rooms
let pictures: Pictures
let clockMs: number
let woken: string[]
let told: number
let changed: number
let revoked: string[]
let pushed: string[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-requests-'))
  db = openDatabase(dir)
  members = new Members(db, (n) => new Uint8Array(randomBytes(n)))
  rooms = new Rooms(db, (n) => new Uint8Array(randomBytes(n)))
  clockMs = 0
  pictures = new Pictures({
    ...{ db, members, rooms: rooms.list, secret: new Uint8Array(32), nowMs: () => clockMs },
    random: (n) => new Uint8Array(randomBytes(n)),
  })
  told = 0
  changed = 0
  revoked = []
  woken = []
  pushed = []
})
afterEach(() => {
  db.close()
  rmSync(dir, { recursive: true })
})

type Wish = InviteArgs & { readonly byDevice?: string; readonly member?: string }
const invite = (wish: Wish) =>
  members.invite({ ...wish, secret: new Uint8Array(randomBytes(32)), hostPublicKey, nowMs: NOW })

function enrol(inviteId: string, name: string): Asker {
  const { deviceId } = members.reserve(inviteId, randomBytes(32), name, NOW)
  const device = toHex(deviceId)
  return { device, member: members.confirm(device, NOW, () => undefined).member }
}

const join_ = (role: Role, name: string): Asker =>
  enrol(invite({ role, uses: 1, expiresMs: 1000, note: '', rooms: [] }).id, name)

const ask = (asker: Asker, request: Request): Promise<Answer> =>
  answerRequest(
    {
      members,
      rooms,
      pictures,
      wake: (devices) => woken.push(...devices),
      now: () => NOW,
      overview: () => OVERVIEW,
      push: {
        key: () => new Uint8Array(65),
        put: (device, { endpoint }) => void pushed.push(`${device} ${endpoint}`),
        drop: (device) => void pushed.push(`${device} off`),
      },
      invite: async (wish) => {
        const { id, expiresAtMs } = invite(wish)
        const expires = new Date(expiresAtMs).toISOString()
        return { id, expires, uses: wish.uses, reach: 'lan', invite: 'http://host/#secret' }
      },
      revoke: async (id) => {
        revoked.push(id)
        return { revoked: [id], links: ['ab'.repeat(16)], unconfirmed: ['mega'], ownerDevices: 1 }
      },
      credentialsChanged: async () => {
        changed += 1
      },
      tell: () => {
        told += 1
      },
    },
    asker,
    request,
  )

const OVERVIEW: Overview = {
  ...{ databaseBytes: 1, filesBytes: 2, freeBytes: 3, messages: 4, seq: 5, intervalMs: 6 },
  ...{ stores: [], ports: [], router: ['', ''] },
}

const everything = (of: Asker, link: string): Request[] => [
  { kind: 'invite', role: 'guest', uses: 1, lifeMs: 1000, note: '', rooms: [] },
  { kind: 'device-link', id: fromHex(of.member) },
  { kind: 'withdraw', id: fromHex(link) },
  { kind: 'remove-device', id: fromHex(of.device) },
  { kind: 'remove-member', id: fromHex(of.member) },
  { kind: 'rename-member', id: fromHex(of.member), name: 'New' },
  { kind: 'rename-device', id: fromHex(of.device), name: 'New' },
]

/** The kinds of request that a person of this role may make about somebody else, and about themselves. */
const MAY: Record<Role, { others: Request['kind'][]; own: Request['kind'][] }> = {
  owner: {
    others: everything({ device: '', member: '' }, '').map(({ kind }) => kind),
    own: ['invite', 'device-link', 'withdraw', 'remove-device', 'rename-member', 'rename-device'],
  },
  member: {
    others: [],
    own: ['device-link', 'withdraw', 'remove-device', 'rename-member', 'rename-device'],
  },
  guest: { others: [], own: ['withdraw', 'remove-device', 'rename-member', 'rename-device'] },
  bot: { others: [], own: ['withdraw', 'remove-device', 'rename-member', 'rename-device'] },
}

test.each(Object.keys(MAY) as Role[])('what a role may not ask is refused: %s', async (role) => {
  const [me, other] = [join_(role, 'Me'), join_('member', 'Other')]
  for (const [whose, may] of [
    [other, MAY[role].others],
    [me, MAY[role].own],
  ] as const) {
    for (const kind of Object.keys({ ...everything(whose, 'ab'.repeat(16)) })) {
      const wish = { role: 'member' as const, uses: 1, expiresMs: 1000, note: '', rooms: [] }
      const link = invite({ ...wish, member: whose.member }).id
      const request = everything(whose, link)[Number(kind)] as Request
      const before = [told, changed, revoked.length, JSON.stringify(members.invites(NOW))]
      const answer = await ask(me, request)
      if (may.includes(request.kind)) expect([request.kind, answer.kind]).not.toContain('failed')
      else {
        expect([request.kind, answer]).toEqual([
          request.kind,
          { kind: 'failed', code: 'not-allowed' },
        ])
        const after = [told, changed, revoked.length, JSON.stringify(members.invites(NOW))]
        expect(after).toEqual(before)
      }
    }
  }
})

test('an id of nobody is refused to the owner by its code, to others as what is not theirs', async () => {
  const [owner, guest] = [join_('owner', 'Ann'), join_('guest', 'Guy')]
  const nobody = { device: 'cd'.repeat(16), member: 'ef'.repeat(16) }
  for (const request of everything(nobody, 'ab'.repeat(16)).slice(1)) {
    const answer = await ask(owner, request)
    // What is revoked is looked up by the revocation itself.
    if (request.kind === 'remove-member') continue
    const code = request.kind === 'withdraw' ? 'invite-unknown' : 'device-unknown'
    expect([request.kind, answer]).toEqual([request.kind, { kind: 'failed', code }])
    expect(await ask(guest, request)).toEqual({ kind: 'failed', code: 'not-allowed' })
  }
})

test('a link for a further device: the same member, the whole list, once, and four at most', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  const answer = await ask(ben, { kind: 'device-link', id: fromHex(ben.member) })
  expect(answer).toMatchObject({ kind: 'link', reach: 'lan', link: 'http://host/#secret' })
  if (answer.kind !== 'link') throw new Error('no link')
  expect(answer.expiresAtMs).toBe(NOW + DEVICE_LINK_MS)
  const phone = enrol(toHex(answer.invite), 'Phone')
  expect(phone.member).toBe(ben.member)
  expect(members.members()).toHaveLength(2)
  const online = new Map([[phone.device, 'relay' as const]])
  const state = stateFor(members, rooms.list, phone.device, online, NOW)
  expect(state?.devices.map(({ name, route }) => [name, route])).toEqual([
    ['Ben', null],
    ['Phone', 'relay'],
  ])
  expect(stateFor(members, rooms.list, ann.device, online, NOW)?.devices).toHaveLength(3)
  expect(() => enrol(toHex(answer.invite), 'Again')).toThrow('invite-used')
  const links: string[] = []
  for (let i = 0; i < 6; i++) {
    const next = await ask(ann, { kind: 'device-link', id: fromHex(ben.member) })
    if (next.kind === 'link') links.push(toHex(next.invite))
  }
  expect(members.linksFor(ben.member)).toEqual(links.slice(2))
  expect(stateFor(members, rooms.list, ben.device, online, NOW)?.invites).toHaveLength(4)
})

test('names: trimmed, checked, shown to all; wrong ones change nothing', async () => {
  const ann = join_('owner', 'Ann')
  const rename = (name: string) =>
    ask(ann, { kind: 'rename-member', id: fromHex(ann.member), name })
  for (const name of ['', '   ', 'a\u0000b', 'a\nb'])
    expect(await rename(name)).toEqual({ kind: 'failed', code: 'name-invalid' })
  expect([told, members.members()[0]?.name]).toEqual([0, 'Ann'])
  expect(await rename(' Anna ')).toEqual({ kind: 'done' })
  expect([told, members.members()[0]?.name]).toEqual([1, 'Anna'])
  await ask(ann, { kind: 'rename-device', id: fromHex(ann.device), name: 'Laptop' })
  expect(members.devices()[0]?.name).toBe('Laptop')
})

test('an invite: as wished, its note in one line; a full host says so', async () => {
  const ann = join_('owner', 'Ann')
  const note = 'for\nthe\tclub '
  await ask(ann, { kind: 'invite', role: 'bot', uses: 3, lifeMs: 60_000, note, rooms: [] })
  expect(members.invites(NOW).at(-1)).toMatchObject({
    ...{ role: 'bot', uses: 3, note: 'for the club', rooms: [], state: 'open', member: null },
    expires: new Date(NOW + 60_000).toISOString(),
  })
  const again = {
    kind: 'invite',
    role: 'guest',
    uses: 1,
    lifeMs: 60_000,
    note: '',
    rooms: [],
  } as const
  for (let i = 0; i < 62; i++) await ask(ann, again)
  expect(await ask(ann, again)).toEqual({ kind: 'failed', code: 'credentials-full' })
})

test('who removes is told which stores wait and how many links died', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  const answer = await ask(ann, { kind: 'remove-member', id: fromHex(ben.member) })
  expect(answer).toEqual({ kind: 'gone', waiting: ['mega'], links: [fromHex('ab'.repeat(16))] })
  expect(revoked).toEqual([ben.member])
})

const room = async (
  asker: Asker,
  name: string,
  others: readonly Asker[] = [],
): Promise<Uint8Array> => {
  const invited = others.map(({ member }) => fromHex(member))
  const answer = await ask(asker, { kind: 'make-room', name, members: invited })
  if (answer.kind !== 'room') throw new Error(`no room: ${JSON.stringify(answer)}`)
  return answer.room
}
const insideOf = (id: Uint8Array) => rooms.list.room(id)?.members
const NOT_ALLOWED = { kind: 'failed', code: 'not-allowed' }
const post = (asker: Asker, number: number, where: Uint8Array, text: string) =>
  rooms.receive(
    asker.device,
    number,
    new Uint8Array(randomBytes(16)),
    { type: 'post', endsAtMs: 0, room: where, replyTo: null, text },
    NOW,
  )

test('who makes a room decides about it, and an owner who is in it; others not, and guests make none', async () => {
  const [ann, ben, cat, guy] = [
    join_('owner', 'Ann'),
    join_('member', 'Ben'),
    join_('member', 'Cat'),
    join_('guest', 'Guy'),
  ]
  expect(await ask(guy, { kind: 'make-room', name: 'Mine', members: [] })).toEqual(NOT_ALLOWED)
  expect(await ask(guy, { kind: 'talk-to', id: fromHex(ben.member) })).toEqual(NOT_ALLOWED)
  const id = await room(ben, ' Kitchen ', [cat])
  expect(rooms.list.room(id)).toMatchObject({ name: 'Kitchen', kind: 'room' })
  expect(insideOf(id)).toEqual([ben.member, cat.member].toSorted())
  const add: Request = { kind: 'add-to-room', id, member: fromHex(guy.member) }
  const rename: Request = { kind: 'rename-room', id, name: 'Cellar' }
  // Cat is in it, and did not make it; Ann is an owner, and is not in it.
  for (const asker of [ann, cat, guy]) {
    expect(await ask(asker, add)).toEqual(NOT_ALLOWED)
    expect(await ask(asker, rename)).toEqual(NOT_ALLOWED)
  }
  expect(await ask(ben, { ...add, member: fromHex(ann.member) })).toEqual({ kind: 'done' })
  expect(await ask(ann, add)).toEqual({ kind: 'done' })
  expect(await ask(ann, rename)).toEqual({ kind: 'done' })
  expect(rooms.list.room(id)?.name).toBe('Cellar')
  expect(await ask(cat, { kind: 'leave-room', id, member: fromHex(guy.member) })).toEqual(
    NOT_ALLOWED,
  )
  expect(await ask(guy, { kind: 'leave-room', id, member: fromHex(guy.member) })).toEqual({
    kind: 'done',
  })
  expect(await ask(ann, { kind: 'leave-room', id, member: fromHex(ben.member) })).toEqual({
    kind: 'done',
  })
  expect(insideOf(id)).toEqual([ann.member, cat.member].toSorted())
  expect(await ask(ben, rename)).toEqual(NOT_ALLOWED)
})

test('a profile is one\u2019s own: colour for all, presence as far as it is shared; the owner sees devices all the same', async () => {
  const [ann, ben, guy] = [join_('owner', 'Ann'), join_('member', 'Ben'), join_('guest', 'Guy')]
  members.seen(guy.device, NOW + 5)
  const seenBy = (asker: Asker, whom: Asker, online: ReadonlyMap<string, 'direct'> = new Map()) =>
    stateFor(members, rooms.list, asker.device, online, NOW)?.members.find(
      ({ id }) => toHex(id) === whom.member,
    )
  const away = { online: false, hidden: false, tone: 0, lastSeenMs: NOW + 5 }
  expect(seenBy(ben, guy)).toMatchObject(away)
  const here = new Map([[guy.device, 'direct']] as const)
  expect(seenBy(ben, guy, here)).toMatchObject({ online: true, lastSeenMs: 0 })
  const answer = await ask(guy, { kind: 'profile', tone: 4, present: false })
  expect([answer, told]).toEqual([{ kind: 'done' }, 1])
  const hidden = { online: false, hidden: true, tone: 4, lastSeenMs: 0 }
  for (const online of [here, undefined])
    for (const other of [ann, ben]) expect(seenBy(other, guy, online)).toMatchObject(hidden)
  expect(seenBy(guy, guy, here)).toMatchObject({ online: true, hidden: true })
  const devices = stateFor(members, rooms.list, ann.device, here, NOW)?.devices ?? []
  expect(devices.map(({ route }) => route)).toContain('direct')
  await ask(guy, { kind: 'profile', tone: 0, present: true })
  expect(seenBy(ben, guy)).toMatchObject(away)
})

/** A JPEG as far as anybody looks at it, of this side, unlike those of other numbers. */
const jpeg = (side: number, number = 0): Uint8Array =>
  Uint8Array.of(0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, side, 0, side, 3, number)
const bears = (asker: Asker, picture: Uint8Array): Promise<Answer> =>
  ask(asker, { kind: 'picture', picture })
const pictureOf = async (asker: Asker, of: Asker | Uint8Array): Promise<Uint8Array> => {
  const member = of instanceof Uint8Array ? of : fromHex(of.member)
  return (await pictures.answer(asker.member, { type: 'picture', token: 1, member })).picture
}
const stored = () => db.prepare('SELECT id, sealed FROM pictures').all() as { sealed: Uint8Array }[]

test('a picture is seen by whom STATE shows its member, and lies once, sealed, while somebody bears it', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  const room = toHex(rooms.list.make('Cellar', ann.member, [ann.member], NOW))
  const about = { role: 'guest', uses: 1, expiresMs: 1000, note: '', rooms: [room] } as const
  const guy = enrol(invite(about).id, 'Guy')
  expect(await bears(ben, jpeg(128))).toEqual({ kind: 'done' })
  expect(told).toBe(1)
  const shown = stateFor(members, rooms.list, ann.device, new Map(), NOW)?.members
  expect(shown?.find(({ name }) => name === 'Ben')?.picture).toEqual(pictureId(jpeg(128)))
  expect(shown?.find(({ name }) => name === 'Ann')?.picture).toEqual(new Uint8Array(16))
  expect(await pictureOf(ann, ben)).toEqual(jpeg(128))
  expect(await pictureOf(ben, ben)).toEqual(jpeg(128))
  // A guest of another room, a member without one, and nobody: all the same.
  for (const [who, of] of [
    [guy, ben],
    [ben, ann],
    [ben, new Uint8Array(16)],
  ] as const)
    expect(await pictureOf(who, of)).toEqual(new Uint8Array())
  await bears(ann, jpeg(128))
  expect(await pictureOf(guy, ann)).toEqual(jpeg(128))
  expect(stored()).toHaveLength(1)
  expect(Buffer.from(stored()[0]?.sealed ?? []).includes(Buffer.from(jpeg(128)))).toBe(false)
  await bears(ben, new Uint8Array())
  expect(await pictureOf(ann, ben)).toEqual(new Uint8Array())
  expect(stored()).toHaveLength(1)
  await bears(ann, jpeg(64))
  expect(await pictureOf(guy, ann)).toEqual(jpeg(64))
  expect(stored()).toHaveLength(1)
})

test('what is no picture changes nothing, and nobody changes theirs all the time', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  await bears(ben, jpeg(100))
  for (const bad of [
    jpeg(129),
    Uint8Array.of(...jpeg(100).slice(0, 10), 99, 3),
    concat(jpeg(100), new Uint8Array(16_384)),
    new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  ]) {
    expect(await bears(ben, bad)).toEqual({ kind: 'failed', code: 'picture-refused' })
    expect(await pictureOf(ann, ben)).toEqual(jpeg(100))
  }
  for (let n = 1; n < PICTURE_BURST; n++)
    expect(await bears(ben, jpeg(100, n))).toEqual({ kind: 'done' })
  const tooMany = { kind: 'failed', code: 'too-many' }
  expect(await bears(ben, jpeg(100, 99))).toEqual(tooMany)
  expect(await pictureOf(ann, ben)).toEqual(jpeg(100, PICTURE_BURST - 1))
  // Another member has leave of its own; and so has this one, later.
  expect(await bears(ann, jpeg(100))).toEqual({ kind: 'done' })
  clockMs += 360_000
  expect(await bears(ben, jpeg(100, 99))).toEqual({ kind: 'done' })
  expect(await bears(ben, jpeg(100, 98))).toEqual(tooMany)
})

test('how the host is, the owner may know and nobody else', async () => {
  expect(await ask(join_('owner', 'Ann'), { kind: 'overview' })).toEqual({
    kind: 'overview',
    overview: OVERVIEW,
  })
  for (const role of ['member', 'guest', 'bot'] as const)
    expect(await ask(join_(role, role), { kind: 'overview' })).toEqual(NOT_ALLOWED)
})

test('nobody decides about the host\u2019s room or a direct conversation, or leaves it; wrong members and names', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  const answer = await ask(ben, { kind: 'talk-to', id: fromHex(ann.member) })
  if (answer.kind !== 'room') throw new Error('no room')
  expect(await ask(ann, { kind: 'talk-to', id: fromHex(ben.member) })).toEqual(answer)
  for (const id of [new Uint8Array(16), answer.room]) {
    expect(await ask(ann, { kind: 'rename-room', id, name: 'x' })).toEqual(NOT_ALLOWED)
    expect(await ask(ann, { kind: 'add-to-room', id, member: fromHex(ben.member) })).toEqual(
      NOT_ALLOWED,
    )
    for (const { member } of [ann, ben])
      expect(await ask(ann, { kind: 'leave-room', id, member: fromHex(member) })).toEqual(
        NOT_ALLOWED,
      )
  }
  const nobody = fromHex('ef'.repeat(16))
  expect(await ask(ann, { kind: 'make-room', name: 'x', members: [nobody] })).toMatchObject({
    code: 'device-unknown',
  })
  expect(await ask(ann, { kind: 'make-room', name: '\n', members: [] })).toMatchObject({
    code: 'name-invalid',
  })
  expect(await ask(ann, { kind: 'talk-to', id: fromHex(ann.member) })).toEqual(NOT_ALLOWED)
  expect(rooms.list.rooms()).toHaveLength(2)
})

test('an invite with rooms lets into these only: its guest cannot see, read, write or guess another', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  const [club, cellar] = [await room(ann, 'Club'), await room(ann, 'Cellar', [ben])]
  post(ann, 1, club, 'to the club')
  post(ann, 2, cellar, 'to the cellar')
  const wish = { kind: 'invite', role: 'guest', uses: 1, lifeMs: 60_000, note: '' } as const
  const unknown = await ask(ann, { ...wish, rooms: [new Uint8Array(16).fill(9)] })
  expect(unknown).toEqual({ kind: 'failed', code: 'room-unknown' })
  const answer = await ask(ann, { ...wish, rooms: [club] })
  if (answer.kind !== 'link') throw new Error('no link')
  const guy = enrol(toHex(answer.invite), 'Guy')
  rooms.joinDevice(guy.device)
  const state = stateFor(members, rooms.list, guy.device, new Map(), NOW)
  expect(state?.rooms.map(({ name }) => name)).toEqual(['Club'])
  // Ben is in no room with Guy.
  expect(state?.members.map(({ name }) => name).toSorted()).toEqual(['Ann', 'Guy'])
  const texts = (member: string, where: Uint8Array) =>
    rooms.history(member, where, 0, 9).messages.map(({ text }) => text)
  expect(texts(guy.member, club)).toEqual(['to the club'])
  for (const where of [cellar, new Uint8Array(16), new Uint8Array(16).fill(9)]) {
    expect(rooms.history(guy.member, where, 0, 9)).toEqual({ messages: [], more: false })
    expect(post(guy, rooms.incoming(guy.device).stored + 1, where, 'x').touched).toEqual([
      guy.device,
    ])
  }
  expect(texts(ann.member, cellar)).toEqual(['to the cellar'])
  expect(rooms.pending(guy.device, 0, 99).map(({ kind }) => kind)).toEqual([2, 4, 4, 4])
  expect(texts(ben.member, cellar)).toEqual(['to the cellar'])
  expect(texts(ben.member, club)).toEqual([])
})

test('who enters gets the newest messages, who left gets nothing more and reads nothing', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  const club = await room(ann, 'Club')
  post(ann, 1, club, 'before')
  const member = fromHex(ben.member)
  expect(await ask(ann, { kind: 'add-to-room', id: club, member })).toEqual({ kind: 'done' })
  expect(woken).toEqual([ben.device])
  expect(rooms.pending(ben.device, 0, 9)).toHaveLength(1)
  post(ann, 2, club, 'while')
  expect(rooms.pending(ben.device, 0, 9)).toHaveLength(2)
  expect(await ask(ann, { kind: 'leave-room', id: club, member })).toEqual({ kind: 'done' })
  post(ann, 3, club, 'after')
  expect(rooms.pending(ben.device, 0, 9)).toHaveLength(2)
  expect(rooms.history(ben.member, club, 0, 9).messages).toEqual([])
})

test('every device leaves and takes back a push subscription of its own, and nobody else is told', async () => {
  const push = {
    endpoint: 'https://push.example/a',
    p256dh: new Uint8Array(65),
    auth: new Uint8Array(16),
  }
  for (const role of ['owner', 'member', 'guest', 'bot'] as const) {
    const asker = join_(role, role)
    expect(await ask(asker, { kind: 'push-key' })).toEqual({
      kind: 'push-key',
      key: new Uint8Array(65),
    })
    expect(await ask(asker, { kind: 'push-on', push })).toEqual({ kind: 'done' })
    expect(await ask(asker, { kind: 'push-off' })).toEqual({ kind: 'done' })
    expect(pushed.splice(0)).toEqual([`${asker.device} ${push.endpoint}`, `${asker.device} off`])
  }
  expect(told).toBe(0)
})

test('who decides about a room sets its lifetime; an owner the host’s own, both that of a direct conversation', async () => {
  const [ann, ben, cat] = [join_('owner', 'Ann'), join_('member', 'Ben'), join_('member', 'Cat')]
  const guy = join_('guest', 'Guy')
  const lifetime = (asker: Asker, id: Uint8Array, lifeMs = HOUR_MS) =>
    ask(asker, { kind: 'lifetime', id, lifeMs })
  const made = async (answer: Promise<Answer>): Promise<Uint8Array> => {
    const settled = await answer
    if (settled.kind !== 'room') throw new Error(settled.kind)
    return settled.room
  }
  const members = [fromHex(cat.member)]
  const kitchen = await made(ask(ben, { kind: 'make-room', name: 'Kitchen', members }))
  const direct = await made(ask(ben, { kind: 'talk-to', id: fromHex(cat.member) }))
  const own = new Uint8Array(16)
  for (const [asker, id] of [
    [cat, kitchen],
    [guy, kitchen],
    [ben, own],
    [guy, own],
    // An owner who is not in it; a room that nobody knows.
    [ann, kitchen],
    [ann, direct],
    [ann, fromHex('ef'.repeat(16))],
  ] as const)
    expect(await lifetime(asker, id)).toEqual(NOT_ALLOWED)
  expect(rooms.list.rooms().map(({ lifeMs }) => lifeMs)).toEqual([0, 0, 0])
  for (const [asker, id] of [
    [ben, kitchen],
    [ben, direct],
    [cat, direct],
    [ann, own],
  ] as const) {
    ;[told, woken] = [0, []]
    const lifeMs = asker === cat ? 2 * HOUR_MS : HOUR_MS
    expect(await lifetime(asker, id, lifeMs)).toEqual({ kind: 'done' })
    expect(rooms.list.room(id)?.lifeMs).toBe(lifeMs)
    expect([told, woken.length]).toEqual([1, rooms.list.devices(id).length])
    expect(await lifetime(asker, id, lifeMs)).toEqual({ kind: 'done' })
    expect(woken).toHaveLength(rooms.list.devices(id).length)
  }
  expect(await lifetime(ben, kitchen, 0)).toEqual({ kind: 'done' })
  expect(rooms.list.room(kitchen)?.lifeMs).toBe(0)
})
