// Which address a link gets (contract.md), and which stores a page of that origin may read (SPEC §2).
import { BlockList, isIP } from 'node:net'
import { ClawError } from '../shared/error.ts'
import { LOCATOR_FLAG, type Locator, type LocatorEntry } from '../shared/locator.ts'
import type { ListenAddress, PageLink, Reach } from './config.ts'

export interface LinkInput {
  /** `--page`, as {@link parsePageUrl} gives it */
  readonly pageUrl: string | null
  /** the listener of the page, with its real port */
  readonly http: ListenAddress
  /** the second listener of `--lan` */
  readonly lan: ListenAddress | null
  /** every store the record is published to */
  readonly locator: Locator
}

export interface LinkPlan extends PageLink {
  /** all addresses of the page, that of the link first */
  readonly pages: readonly PageLink[]
  /** what goes into the invite */
  readonly locator: Locator
  /** whether a second device could open the link */
  readonly qr: boolean
}

const nets = new BlockList()
nets.addSubnet('10.0.0.0', 8)
nets.addSubnet('172.16.0.0', 12)
nets.addSubnet('192.168.0.0', 16)
nets.addSubnet('169.254.0.0', 16)
nets.addSubnet('100.64.0.0', 10)
nets.addSubnet('fc00::', 7, 'ipv6')
nets.addSubnet('fe80::', 10, 'ipv6')
const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

const LAN_NAME = /^[^.]+$|\.(local|lan|home|internal|home\.arpa)$/

/** How far a host name or address (IPv6 with or without brackets) can be reached. */
export function reachOf(host: string): Reach {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  const family = isIP(bare)
  if (family === 0) {
    if (bare === 'localhost' || bare.endsWith('.localhost')) return 'computer'
    return LAN_NAME.test(bare) ? 'lan' : 'anywhere'
  }
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  if (loopback.check(bare, kind)) return 'computer'
  return nets.check(bare, kind) ? 'lan' : 'anywhere'
}

/** `http://host:port/` of a listener; a wildcard address is shown as loopback. */
export function listenerUrl({ host, port }: ListenAddress): string {
  const shown = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${isIP(shown) === 6 ? `[${shown}]` : shown}:${port}/`
}

/**
 * Checks `--page`: https, or http on this computer or in the LAN; without credentials, query and fragment.
 * Throws ClawError('usage').
 */
export function parsePageUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || /[?#]/.test(text) || url.username !== '' || url.password !== '') {
    throw new ClawError('usage')
  }
  const plain = url.protocol === 'http:' && reachOf(url.hostname) !== 'anywhere'
  if (url.protocol !== 'https:' && !plain) throw new ClawError('usage')
  if (!/(\/|\.html)$/.test(url.pathname)) url.pathname += '/'
  return url.href
}

/** Throws ClawError('no-usable-store') if a page of the chosen origin could read none of the stores. */
export function planLinks(input: LinkInput): LinkPlan {
  const urls = [
    input.pageUrl,
    input.lan === null ? null : listenerUrl(input.lan),
    listenerUrl(input.http),
  ]
  const pages = [...new Set(urls.filter((url) => url !== null))].map(pageLink)
  const [chosen] = pages
  if (chosen === undefined) throw new Error('bug: no listener')
  const locator = input.locator.filter((entry) => mayRead(chosen, entry))
  if (!locator.some(isRecordStore)) throw new ClawError('no-usable-store')
  return { ...chosen, pages, locator, qr: chosen.reach !== 'computer' }
}

function pageLink(url: string): PageLink {
  const { protocol, hostname } = new URL(url)
  const reach = reachOf(hostname)
  return { url, reach, secure: protocol === 'https:' || reach === 'computer' }
}

const isRecordStore = (entry: LocatorEntry): boolean =>
  (entry.type === 'https' || entry.type === 'mega') && (entry.flags & LOCATOR_FLAG.record) !== 0

/** Loopback stores only in loopback links; plain-http stores only in plain-http links (a browser refuses mixed content). */
function mayRead(page: PageLink, entry: LocatorEntry): boolean {
  if (entry.type !== 'https') return true
  const store = new URL(entry.url)
  if (reachOf(store.hostname) === 'computer') return page.reach === 'computer'
  return store.protocol === 'https:' || page.url.startsWith('http:')
}
