// Making invite links (SPEC §2, contract.md): what the members file knows, put into the form that a person opens.
import { encodeInvite } from '../shared/invite.ts'
import type { InviteArgs, InviteResult } from './config.ts'
import type { LinkPlan } from './links.ts'
import type { Members, NewInvite } from './members.ts'

/** The owner's first link (SPEC: one use, one hour, fresh at each start until an owner device exists). */
const OWNER_INVITE: InviteArgs = {
  role: 'owner',
  uses: 1,
  expiresMs: 3_600_000,
  note: 'first owner',
  rooms: [],
}
const KEPT_OWNER_INVITES = 3

export interface InvitesInput {
  readonly members: Members
  readonly hostPublicKey: Uint8Array
  readonly hostName: () => string
  /** where links lead now; throws ClawError('no-usable-store') */
  readonly plan: () => LinkPlan
  readonly recordSeq: () => number
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** resolves once one store confirmed the new credential, or after a few seconds */
  readonly publish: () => Promise<void>
}

/** Makes an invite and returns its link once the record that admits it is out. */
export async function makeInvite(
  input: InvitesInput,
  args: InviteArgs & Pick<NewInvite, 'byDevice' | 'member'>,
): Promise<InviteResult> {
  const plan = input.plan()
  const secret = input.random(32)
  const { members, hostPublicKey } = input
  const row = members.invite({ ...args, secret, hostPublicKey, nowMs: input.now() })
  await input.publish()
  const fragment = encodeInvite({
    hostPublicKey,
    secret,
    minSeq: input.recordSeq(),
    hostName: input.hostName(),
    locator: plan.locator,
  })
  return {
    invite: `${plan.url}#${fragment}`,
    id: row.id,
    expires: new Date(row.expiresAtMs).toISOString(),
    uses: args.uses,
    reach: plan.reach,
  }
}

/** A fresh link for a device of the owner. */
export async function ownerInvite(input: InvitesInput): Promise<string> {
  const { members, now } = input
  const open = members
    .invites(now())
    .filter((row) => row.note === OWNER_INVITE.note && row.state === 'open')
  // Links of the last starts still open in some browser go on working; a restart loop must not fill the record.
  for (const row of open.slice(0, -KEPT_OWNER_INVITES)) members.withdraw(row.id)
  const { invite } = await makeInvite(input, OWNER_INVITE)
  return invite
}
