// Reference of SPEC §2: the locator and the invite link.
import { hkdf, join, sha256, text, uint, zeros } from './primitives.ts'

/** `data` as SPEC §2.1 has it for the type. */
export interface ReferenceEntry {
  readonly type: number
  readonly flags: number
  readonly data: Uint8Array
}

export const httpsData = (id: Uint8Array, url: string): Buffer => join(id, text(url))
export const stunData = (server: string): Buffer => text(server)
/** `servers`: transport u8 and `host:port` */
export const turnData = (
  username: string,
  password: string,
  servers: readonly (readonly [transport: number, server: string])[],
): Buffer =>
  join(
    uint(Buffer.byteLength(username), 1),
    text(username),
    uint(Buffer.byteLength(password), 1),
    text(password),
    uint(servers.length, 1),
    ...servers.map(([transport, server]) =>
      join(uint(transport, 1), uint(server.length, 1), text(server)),
    ),
  )
export const megaData = (handle: string, key: Uint8Array): Buffer => join(text(handle), key)

export const encodeLocator = (entries: readonly ReferenceEntry[]): Buffer =>
  join(
    uint(entries.length, 1),
    ...entries.map(({ type, flags, data }) =>
      join(uint(type, 1), uint(flags, 1), uint(data.length, 2), data),
    ),
  )

export interface ReferenceInvite {
  readonly version: number
  readonly flags: number
  readonly hostPublicKey: Uint8Array
  readonly secret: Uint8Array
  readonly minSeq: number | bigint
  /** bytes, so that malformed UTF-8 can be made too */
  readonly hostName: Uint8Array
  readonly locator: Uint8Array
}

export const inviteBody = (i: ReferenceInvite): Buffer =>
  join(
    uint(i.version, 1),
    uint(i.flags, 1),
    i.hostPublicKey,
    i.secret,
    uint(i.minSeq, 8),
    uint(i.hostName.length, 1),
    i.hostName,
    i.locator,
  )

/** What stands behind `#`: any body with its right check. */
export const inviteFragment = (body: Uint8Array): string =>
  join(body, inviteCheck(body)).toString('base64url')

const inviteCheck = (body: Uint8Array): Buffer =>
  sha256(text('clawchat/v1 invite check'), zeros(1), body).subarray(0, 4)

export const inviteRoot = (hostPublicKey: Uint8Array, secret: Uint8Array): Buffer =>
  hkdf(secret, sha256(hostPublicKey), text('clawchat/v1 invite root'), 32)
