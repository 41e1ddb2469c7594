// The safety code (SPEC §8): the same on both ends, comparable by voice.
import { Reader, toUtf8 } from './bytes.ts'
import { ClawError } from './error.ts'
import { sha512 } from './hash.ts'

/** 12 groups of five digits for a host identity and a device key (32 bytes each). */
export function safetyCode(hostPublicKey: Uint8Array, devicePublicKey: Uint8Array): string[] {
  const digest = sha512(toUtf8('clawchat/v1 safety\0'), hostPublicKey, devicePublicKey)
  const reader = new Reader(digest)
  return Array.from({ length: 12 }, () => {
    const value = reader.u8() * 2 ** 32 + reader.u32()
    return String(value % 100_000).padStart(5, '0')
  })
}

const QR_PREFIX = 'CLAWCHAT:SAFETY:'

/** What a QR code of these 12 groups holds: 76 characters, all of QR's alphanumeric mode. */
export const formatSafetyQr = (code: readonly string[]): string => `${QR_PREFIX}${code.join('')}`

/** @throws malformed: another QR code than one of a safety code. @returns 12 groups of five digits */
export function parseSafetyQr(text: string): string[] {
  const digits = text.startsWith(QR_PREFIX) ? text.slice(QR_PREFIX.length) : ''
  if (!/^[0-9]{60}$/.test(digits)) throw new ClawError('malformed')
  return digits.match(/.{5}/g) ?? []
}
