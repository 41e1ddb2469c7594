// A push subscription (SPEC §7.8) as a device leaves it with its host: codec. What is sent there is host/webpush.ts's affair.
import type { Reader, Writer } from './bytes.ts'

const ENDPOINT_MAX_BYTES = 1024
const KEY_BYTES = 65
const AUTH_BYTES = 16

export interface PushSubscription {
  /** URL; who knows it and the keys can only make this browser look */
  readonly endpoint: string
  /** 65 bytes */
  readonly p256dh: Uint8Array
  /** 16 bytes */
  readonly auth: Uint8Array
}

export function writePush(writer: Writer, { endpoint, p256dh, auth }: PushSubscription): void {
  writer.str16(endpoint, ENDPOINT_MAX_BYTES).bytes(p256dh).bytes(auth)
}

export const readPush = (reader: Reader): PushSubscription => ({
  endpoint: reader.str16(ENDPOINT_MAX_BYTES),
  p256dh: reader.bytes(KEY_BYTES),
  auth: reader.bytes(AUTH_BYTES),
})

/** The key with which the host vouches for what it sends (VAPID), 65 bytes. */
export const readPushKey = (reader: Reader): Uint8Array => reader.bytes(KEY_BYTES)
