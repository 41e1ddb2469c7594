// What stands in an option, as text, to a value. Whatever does not fit throws ClawError('usage'); words are the caller's.
import { isIP } from 'node:net'
import { isAbsolute, resolve } from 'node:path'
import { NAME_MAX_BYTES } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { FILE_MAX_BYTES } from '../shared/files.ts'
import { KEEP_MS, LIFE_MS } from '../shared/lifetime.ts'
import { isStunServer, isTurnWord, type TurnServer, URL_MAX_BYTES } from '../shared/locator.ts'
import {
  type ListenAddress,
  type PortRange,
  parseDuration,
  ROLES,
  type Role,
  type StoreOption,
} from './config.ts'
import type { TurnCredential } from './turn.ts'

/** HOST:PORT, [IPv6]:PORT or PORT. */
export function parseListen(value: string): ListenAddress {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]/\s]+)):)?(\d{1,5})$/i.exec(value)
  const port = Number(match?.[3] ?? Number.NaN)
  if (match === null || !(port <= 65_535)) throw new ClawError('usage')
  if (match[1] !== undefined && isIP(match[1]) !== 6) throw new ClawError('usage')
  const host = match[1] ?? match[2] ?? '127.0.0.1'
  return { host: host === 'localhost' ? '127.0.0.1' : host, port }
}

export function parseName(value: string): string {
  const name = value.trim()
  const bytes = Buffer.byteLength(name)
  if (bytes < 1 || bytes > NAME_MAX_BYTES || /\p{Cc}/u.test(name)) throw new ClawError('usage')
  return name
}

/** KiB, MiB or GiB; up to what the protocol can carry (SPEC §6.5). */
export function parseSize(value: string): number {
  const [, count, unit] = /^(\d{1,10})(KiB|MiB|GiB)$/.exec(value) ?? []
  const bytes = Number(count) * 1024 ** (['KiB', 'MiB', 'GiB'].indexOf(unit ?? '') + 1)
  if (!(bytes >= 1 && bytes <= FILE_MAX_BYTES)) throw new ClawError('usage')
  return bytes
}

/** 0: for ever (SPEC §7.10). */
export function parseKeep(value: string): number {
  if (value === 'forever') return 0
  const ms = parseDuration(value)
  if (!(ms >= KEEP_MS.min && ms <= KEEP_MS.max)) throw new ClawError('usage')
  return ms
}

export function parseAddress(value: string): string {
  if (isIP(value) === 0) throw new ClawError('usage')
  return value
}

export function parsePortRange(value: string): PortRange {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(value)
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) }
  if (!(range.first >= 1024 && range.last <= 65_535 && range.last - range.first >= 7)) {
    throw new ClawError('usage')
  }
  return range
}

/** `folder`: what a relative path starts from. */
/** @returns an absolute one */
export function parsePath(value: string, folder: string): string {
  if (value === '') throw new ClawError('usage')
  return resolve(folder, value)
}

export function parseStore(value: string, folder: string): StoreOption {
  if (value === 'mega') return { kind: 'mega' }
  const path = value.startsWith('file:') ? value.slice(5) : ''
  if (path !== '') return { kind: 'file', path: isAbsolute(path) ? path : resolve(folder, path) }
  // `https:` names the kind, the URL follows: https:https://…; a bare https://… means the same.
  return { kind: 'https', url: parseStoreUrl(value.replace(/^https:(?=https?:\/\/)/, '')) }
}

/** Without trailing slash. */
export function parseStoreUrl(value: string): string {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol) || /[?#]/.test(value)) {
    throw new ClawError('usage')
  }
  const base = url.href.replace(/\/+$/, '')
  const named = url.username !== '' || url.password !== ''
  if (named || Buffer.byteLength(base) > URL_MAX_BYTES) throw new ClawError('usage')
  return base
}

/** stun:HOST:PORT or stun:HOST, whose port is 3478. @returns HOST:PORT, lower case */
export function parseStun(value: string): string {
  const server = value.toLowerCase().replace(/^stun:/, '')
  const whole = /(^[^:]+|\])$/.test(server) ? `${server}:3478` : server
  if (!value.toLowerCase().startsWith('stun:') || !isStunServer(whole)) throw new ClawError('usage')
  return whole
}

/** turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT][?transport=tcp] (RFC 7065); no name, no password. */
export function parseTurn(value: string): TurnServer {
  const match = /^(turns?):([^?]+)(?:\?transport=(udp|tcp))?$/.exec(value.toLowerCase())
  const [, scheme, server = '', transport = scheme === 'turns' ? 'tcp' : 'udp'] = match ?? []
  const port = scheme === 'turns' ? 5349 : 3478
  const whole = /(^[^:]+|\])$/.test(server) ? `${server}:${port}` : server
  if (!isStunServer(whole)) throw new ClawError('usage')
  if (scheme !== 'turns') return { transport: transport as 'udp' | 'tcp', server: whole }
  // Browsers do not speak DTLS to it.
  if (transport !== 'tcp') throw new ClawError('usage')
  return { transport: 'tls', server: whole }
}

/** secret:SECRET or login:NAME:PASSWORD. */
export function parseTurnCredential(value: string): TurnCredential {
  const [, secret, username = '', password = ''] =
    /^(?:secret:([\x21-\x7e]{1,256})|login:([^:]+):(.+))$/.exec(value) ?? []
  if (secret !== undefined) return { kind: 'secret', secret }
  if (!isTurnWord(username) || !isTurnWord(password)) throw new ClawError('usage')
  return { kind: 'login', username, password }
}

/** HOST or HOST:PORT as in an https URL, lower case. */
export function parseHost(value: string): string {
  const url = URL.parse(`https://${value}`)
  if (url === null || url.host !== value.toLowerCase()) throw new ClawError('usage')
  return url.host
}

export function parseWorkerName(value: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) throw new ClawError('usage')
  return value
}

export function parseRole(value: string): Role {
  const role = ROLES.find((known) => known === value)
  if (role === undefined) throw new ClawError('usage')
  return role
}

export function parseUses(value: string): number {
  // More than there are slots in a record could never all be used.
  if (!/^\d{1,2}$/.test(value) || Number(value) < 1 || Number(value) > 64) {
    throw new ClawError('usage')
  }
  return Number(value)
}

export function parseExpiry(value: string): number {
  const ms = parseDuration(value)
  if (ms < 1000 || ms > 365 * 86_400_000) throw new ClawError('usage')
  return ms
}

export function parseLifetime(value: string): number {
  if (value === 'forever') return 0
  const ms = parseDuration(value)
  if (ms < LIFE_MS.min || ms > LIFE_MS.max) throw new ClawError('usage')
  return ms
}

export function parseNote(value: string): string {
  if ([...value].length > 200 || /\p{Cc}/u.test(value)) throw new ClawError('usage')
  return value
}

/** Names or ids of 1 to 16 rooms, with commas between them. */
export function parseRooms(value: string): readonly string[] {
  const rooms = value.split(',').map((room) => room.trim())
  if (rooms.length > 16 || rooms.includes('')) throw new ClawError('usage')
  return rooms
}

export function parseSwitch(value: string): boolean {
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw new ClawError('usage')
}

export function parseToken(value: string): string {
  if (!/^[\x21-\x7e]{1,256}$/.test(value)) throw new ClawError('usage')
  return value
}

/** In ms, with a sign. */
export function parseClockOffset(value: string): number {
  const sign = value.startsWith('-') ? -1 : 1
  return sign * parseDuration(value.replace(/^[+-]/, ''))
}
