// What devices ask of the host (SPEC §7.3): who may, what comes of it, and that nobody learns of what is not theirs.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { InviteArgs, Role } from '../../host/config.ts'
import { openDatabase } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { type Asker, answerRequest, DEVICE_LINK_MS } from '../../host/requests.ts'
import { stateFor } from '../../host/roster.ts'
import { fromHex, toHex } from '../../shared/bytes.ts'
import type { Answer, Request } from '../../shared/requests.ts'

const NOW = 1_700_000_000_000
const hostPublicKey = new Uint8Array(randomBytes(32))

let dir: string
let db: ReturnType<typeof openDatabase>
let members: Members
let told: number
let changed: number
let revoked: string[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clawchat-requests-'))
  db = openDatabase(dir)
  members = new Members(db, (n) => new Uint8Array(randomBytes(n)))
  told = 0
  changed = 0
  revoked = []
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
  enrol(invite({ role, uses: 1, expiresMs: 1000, note: '' }).id, name)

const ask = (asker: Asker, request: Request): Promise<Answer> =>
  answerRequest(
    {
      members,
      now: () => NOW,
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

const everything = (of: Asker, link: string): Request[] => [
  { kind: 'invite', role: 'guest', uses: 1, lifeMs: 1000, note: '' },
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
      const wish = { role: 'member' as const, uses: 1, expiresMs: 1000, note: '' }
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
  const state = stateFor(members, phone.device, online, NOW)
  expect(state?.devices.map(({ name, route }) => [name, route])).toEqual([
    ['Ben', null],
    ['Phone', 'relay'],
  ])
  expect(stateFor(members, ann.device, online, NOW)?.devices).toHaveLength(3)
  expect(() => enrol(toHex(answer.invite), 'Again')).toThrow('invite-used')
  const links: string[] = []
  for (let i = 0; i < 6; i++) {
    const next = await ask(ann, { kind: 'device-link', id: fromHex(ben.member) })
    if (next.kind === 'link') links.push(toHex(next.invite))
  }
  expect(members.linksFor(ben.member)).toEqual(links.slice(2))
  expect(stateFor(members, ben.device, online, NOW)?.invites).toHaveLength(4)
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
  await ask(ann, { kind: 'invite', role: 'bot', uses: 3, lifeMs: 60_000, note })
  expect(members.invites(NOW).at(-1)).toMatchObject({
    ...{ role: 'bot', uses: 3, note: 'for the club', state: 'open', member: null },
    expires: new Date(NOW + 60_000).toISOString(),
  })
  const again = { kind: 'invite', role: 'guest', uses: 1, lifeMs: 60_000, note: '' } as const
  for (let i = 0; i < 62; i++) await ask(ann, again)
  expect(await ask(ann, again)).toEqual({ kind: 'failed', code: 'credentials-full' })
})

test('who removes is told which stores wait and how many links died', async () => {
  const [ann, ben] = [join_('owner', 'Ann'), join_('member', 'Ben')]
  const answer = await ask(ann, { kind: 'remove-member', id: fromHex(ben.member) })
  expect(answer).toEqual({ kind: 'gone', waiting: ['mega'], links: [fromHex('ab'.repeat(16))] })
  expect(revoked).toEqual([ben.member])
})
