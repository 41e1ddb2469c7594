// What an offer or an answer of the route `mailbox` says (SPEC §4.5): four kinds of SDP lines (RFC 8866, RFC 8839).
// Everything else in an SDP is the same for every carrier, so it is neither sent nor believed.
import { fromHex, toUtf8 } from './bytes.ts'
import { CANDIDATES_MAX } from './constants.ts'
import { DESCRIPTION_MAX_BYTES } from './envelope.ts'
import { ClawError } from './error.ts'

export interface Candidate {
  /** an IPv4 or IPv6 address in text form */
  readonly address: string
  readonly port: number
  readonly kind: 'host' | 'srflx' | 'relay'
  /** 1 to 2^31 − 1 */
  readonly priority: number
}

export interface Description {
  /** 4 to 256 characters of ICE */
  readonly ufrag: string
  /** 22 to 256 characters of ICE */
  readonly password: string
  /** SHA-256 of the DTLS certificate, 32 bytes */
  readonly fingerprint: Uint8Array
  /** at most 16 */
  readonly candidates: readonly Candidate[]
}

const CANDIDATE =
  /^a=candidate:[\w+/]{1,32} 1 udp (\d{1,10}) ([0-9a-f.:]{2,39}) (\d{1,5}) typ (host|srflx|relay)( |$)/i
const PRIORITY_MAX = 2 ** 31 - 1

/** At most 2003 bytes: the last candidates give way. */
export function formatDescription(said: Description): string {
  const head = [
    `a=ice-ufrag:${said.ufrag}`,
    `a=ice-pwd:${said.password}`,
    `a=fingerprint:sha-256 ${colonHex(said.fingerprint)}`,
  ]
  const lines = [...head, ...said.candidates.slice(0, CANDIDATES_MAX).map(formatCandidate)]
  const text = (): string => lines.map((line) => `${line}\r\n`).join('')
  while (lines.length > head.length && toUtf8(text()).length > DESCRIPTION_MAX_BYTES) lines.pop()
  return text()
}

/** 95 characters. */
export const colonHex = (fingerprint: Uint8Array): string =>
  Array.from(fingerprint, (b) => b.toString(16).padStart(2, '0').toUpperCase()).join(':')

/** The line of an SDP; `i` makes its foundation. */
export function formatCandidate(candidate: Candidate, i: number): string {
  const { kind, priority, address, port } = candidate
  // Where it was seen from is nobody's business.
  const base = kind === 'host' ? '' : ' raddr 0.0.0.0 rport 9'
  return `a=candidate:${i + 1} 1 udp ${priority} ${address} ${port} typ ${kind}${base}`
}

/**
 * Reads a whole SDP or just these lines; throws ClawError('knock-refused') unless ufrag, password and SHA-256 fingerprint
 * stand there once each. Candidates that are no UDP at an address, names among them, are left out, and those behind
 * the sixteenth. Whether one may be sent to is for the caller to say.
 */
export function parseDescription(text: string): Description {
  const lines = text.split(/\r?\n/)
  const ufrag = only(lines, 'ice-ufrag', /^([A-Za-z0-9+/]{4,256})$/)
  const password = only(lines, 'ice-pwd', /^([A-Za-z0-9+/]{22,256})$/)
  const digest = only(lines, 'fingerprint', /^sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})$/i)
  const candidates = lines
    .map(parseCandidate)
    .filter((candidate) => candidate !== null)
    .slice(0, CANDIDATES_MAX)
  return { ufrag, password, fingerprint: fromHex(digest.replaceAll(':', '')), candidates }
}

/** An attribute that stands there twice, or wrongly, is none. */
function only(lines: readonly string[], name: string, pattern: RegExp): string {
  const head = `a=${name}:`
  const [line, ...more] = lines.filter((each) => each.startsWith(head))
  const value = line === undefined || more.length > 0 ? '' : line.slice(head.length)
  const found = pattern.exec(value)?.[1]
  if (found === undefined) throw new ClawError('knock-refused')
  return found
}

function parseCandidate(line: string): Candidate | null {
  const [, priority, address, port, kind] = CANDIDATE.exec(line) ?? []
  if (address === undefined) return null
  const read = {
    address: address.toLowerCase(),
    port: Number(port),
    kind: kind?.toLowerCase() as Candidate['kind'],
    priority: Number(priority),
  }
  const fits = read.port >= 1 && read.port <= 65_535
  return fits && read.priority >= 1 && read.priority <= PRIORITY_MAX ? read : null
}
