// Making invite links (SPEC §2, contract.md): what the members file knows, put into the form that a person opens.
import { encodeInvite } from '../shared/invite.ts'
import type { InviteArgs, InviteResult } from './config.ts'
import type { LinkPlan } from './links.ts'
import type { Members } from './members.ts'

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
export async function makeInvite(input: InvitesInput, args: InviteArgs): Promise<InviteResult> {
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
