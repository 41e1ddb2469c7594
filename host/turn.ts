// TURN servers (RFC 8656) that the owner named, as a record tells them to devices (SPEC §4.5): with a login that is good as
// long as the record. The host itself is no client of theirs.
import { createHmac } from 'node:crypto'
import type { LocatorEntry, TurnServer } from '../shared/locator.ts'

/** `secret`: shared with the server and told to nobody else; `login`: one for all, as the owner has it from the server's operator. */
export type TurnCredential =
  | { readonly kind: 'secret'; readonly secret: string }
  | ({ readonly kind: 'login' } & TurnLogin)

export interface TurnLogin {
  readonly username: string
  readonly password: string
}

export interface TurnOption {
  /** 1 to 4 */
  readonly servers: readonly TurnServer[]
  readonly credential: TurnCredential
}

/** Of a secret: good until `untilMs`, unix ms (draft-uberti-behave-turn-rest-00 §2.2). */
export function turnLogin(credential: TurnCredential, untilMs: number): TurnLogin {
  if (credential.kind === 'login') {
    const { username, password } = credential
    return { username, password }
  }
  const username = String(Math.floor(untilMs / 1000))
  const password = createHmac('sha1', credential.secret).update(username).digest('base64')
  return { username, password }
}

/** `notAfterMs`: of the record that it goes into. */
export const turnEntry = (
  { servers, credential }: TurnOption,
  notAfterMs: number,
): LocatorEntry => ({ type: 'turn', flags: 0, servers, ...turnLogin(credential, notAfterMs) })

/** Those that tell by UDP, without a login, what address they see, as a STUN server does. */
export const reflectorsOf = (turn: TurnOption | null): string[] =>
  (turn?.servers ?? []).flatMap(({ transport, server }) => (transport === 'udp' ? [server] : []))
