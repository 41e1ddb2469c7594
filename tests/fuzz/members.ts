// Invites and enrolment (SPEC §6.3) in any order and at any time: nobody gets more than was given.
import { DatabaseSync } from 'node:sqlite'
import { prepareSchema } from '../../host/database.ts'
import { Members } from '../../host/members.ts'
import { RoomList } from '../../host/roomlist.ts'
import { stateFor } from '../../host/roster.ts'
import { toHex } from '../../shared/bytes.ts'
import { SLOT_COUNT } from '../../shared/constants.ts'
import type { ClawErrorCode } from '../../shared/error.ts'
import { fixed, stream } from '../vectors/fixed.ts'
import { Choices } from './dice.ts'
import { attempt, must, type Target } from './target.ts'

const NOW = 1_800_000_000_000
const REFUSALS: readonly ClawErrorCode[] = [
  'invite-used',
  'invite-reserved',
  'invite-expired',
  'invite-withdrawn',
  'invite-unknown',
  'credentials-full',
  'name-invalid',
]
const KEYS = Array.from({ length: 8 }, (_, i) => fixed(`fuzz device ${i}`))

class Host {
  readonly db = new DatabaseSync(':memory:')
  readonly members
  readonly invites: { readonly id: string; readonly uses: number }[] = []
  /** the device id that each key was given, until the reservation is gone */
  readonly reserved = new Map<Uint8Array, { device: string; invite: string; untilMs: number }>()
  readonly confirmed = new Map<string, string>()
  nowMs = NOW

  constructor() {
    prepareSchema(this.db)
    this.members = new Members(this.db, stream('fuzz members'))
  }

  invite(from: Choices): void {
    const uses = from.pick([1, 1, 2, 64])
    const made = attempt(REFUSALS, () =>
      this.members.invite({
        role: from.pick(['owner', 'member', 'guest', 'bot'] as const),
        uses,
        expiresMs: from.pick([1, 60_000, 3_600_000]),
        note: '',
        rooms: [],
        secret: fixed(`secret ${this.invites.length}`),
        hostPublicKey: fixed('host'),
        nowMs: this.nowMs,
      }),
    )
    if (made !== null) this.invites.push({ id: made.id, uses })
  }

  reserve(from: Choices, invite: string): void {
    const key = from.pick(KEYS)
    const name = from.pick(['Ann', 'Ann', ' Bo ', '', 'x'.repeat(49), 'a\nb', '😀'.repeat(12)])
    const before = this.reserved.get(key)
    const answer = attempt(REFUSALS, () => this.members.reserve(invite, key, name, this.nowMs))
    if (answer === null) return
    const device = toHex(answer.deviceId)
    const again = before?.invite === invite && before.untilMs > this.nowMs
    must(!again || device === before.device, 'the same device gets the same answer')
    if (this.confirmed.has(device) || again) return
    this.reserved.set(key, { device, invite, untilMs: this.nowMs + 600_000 })
  }

  confirm(from: Choices): void {
    const { device, invite } = this.reserved.get(from.pick(KEYS)) ?? {
      device: 'nobody',
      invite: '',
    }
    const done = attempt(REFUSALS, () => this.members.confirm(device, this.nowMs, () => undefined))
    const known = this.confirmed.has(device)
    must(done?.fresh !== known && (done !== null || !known), 'is fresh once, and then stays')
    if (done?.fresh) this.confirmed.set(device, invite)
  }

  check(): void {
    const credentials = this.members.credentials()
    must(credentials.length <= SLOT_COUNT, 'at most 64 credentials')
    const roots = new Set(credentials.map(({ root }) => toHex(root)))
    must(roots.size === credentials.length, 'no two credentials with one root')
    for (const { id, used } of this.members.invites(this.nowMs)) {
      const uses = this.invites.find((invite) => invite.id === id)?.uses ?? 0
      const devices = [...this.confirmed.values()].filter((invite) => invite === id)
      must(used <= uses && devices.length === used, 'an invite brings in as many as it says')
    }
    must(this.members.devices().length === this.confirmed.size, 'no device that was not confirmed')
  }

  step(from: Choices): void {
    const invite = this.invites[from.below(Math.max(1, this.invites.length))]?.id ?? 'none'
    const kind = from.below(16)
    if (kind < 4) this.invite(from)
    else if (kind < 9) this.reserve(from, invite)
    else if (kind < 12) this.confirm(from)
    else if (kind === 12) attempt(REFUSALS, () => this.members.withdraw(invite))
    else if (kind === 13) this.members.expire(this.nowMs)
    else this.nowMs += from.pick([1, 60_000, 600_000, -60_000])
    this.check()
  }
}

export const members: Target = {
  name: 'members',
  maxBytes: 400,
  run(input) {
    const from = new Choices(input)
    const host = new Host()
    try {
      for (let many = from.pick([0, 0, 70]); many > 0; many--) host.invite(new Choices(input))
      for (let steps = 0; from.more && steps < 60; steps++) host.step(from)
      for (const { id } of host.members.devices())
        stateFor(
          host.members,
          new RoomList(host.db, stream('rooms')),
          id,
          new Map([[id, 'direct']]),
          0,
        )
    } finally {
      host.db.close()
    }
  },
}
