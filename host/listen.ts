// Where the page and the record endpoint listen (contract.md): one address for ever, since browsers keep keys by origin.
import { ClawError } from '../shared/error.ts'
import { defaultRouteAddress } from './addresses.ts'
import { DEFAULT_HTTP, type ListenAddress, type PageLink } from './config.ts'
import type { Settings } from './database.ts'
import { createHttp, type HttpInput, type HttpServer } from './http.ts'
import { listenerUrl } from './links.ts'

const PORTS_TO_TRY = 20

export interface Doors {
  readonly listener: ListenAddress
  /** the second listener of `--lan`, or null */
  readonly lan: ListenAddress | null
  /** of both, without trailing slash */
  readonly urls: readonly string[]
}

interface DoorOptions {
  readonly http: ListenAddress | null
  readonly lan: boolean
}

/** Throws ClawError: `port-taken`, `address-unusable`, `page-missing`. */
export async function openDoors(
  options: DoorOptions,
  settings: Settings,
  input: HttpInput,
  closers: (() => unknown)[],
): Promise<Doors> {
  const urls: string[] = []
  const http = await createHttp({ ...input, stores: () => [...urls, ...input.stores()] })
  closers.push(() => http.close())
  const listener = await listen(http, options, settings)
  urls.push(withoutSlash(listenerUrl(listener)))
  const lan = options.lan ? await listenOnLan(http, listener) : null
  if (lan !== null) urls.push(withoutSlash(listenerUrl(lan)))
  return { listener, lan, urls }
}

const withoutSlash = (url: string): string => url.replace(/\/$/, '')

/** The saved port, or at first start the next free one: another port would be another origin (contract.md). */
async function listen(
  http: HttpServer,
  options: DoorOptions,
  settings: Settings,
): Promise<ListenAddress> {
  const saved = settings.get('http')
  const wanted: ListenAddress | null =
    options.http ?? (saved === null ? null : (JSON.parse(saved) as ListenAddress))
  const address = wanted ?? DEFAULT_HTTP
  const tries = wanted === null ? PORTS_TO_TRY : 1
  for (let i = 0; i < tries; i++) {
    try {
      const { port } = await http.listen(address.host, address.port === 0 ? 0 : address.port + i)
      const bound = { host: address.host, port }
      if (options.http?.port !== 0) settings.set('http', JSON.stringify(bound))
      return bound
    } catch (error) {
      const again = error instanceof ClawError && error.code === 'port-taken' && i + 1 < tries
      if (!again) throw error
    }
  }
  throw new ClawError('port-taken')
}

async function listenOnLan(
  http: HttpServer,
  listener: ListenAddress,
): Promise<ListenAddress | null> {
  const host = await defaultRouteAddress()
  if (host === null || host === listener.host) return null
  const { port } = await http.listen(host, listener.port)
  return { host, port }
}

/** Browsers keep a device's keys by origin: whether the one that links led to at the last start is gone. */
export function originMoved(settings: Settings, pages: readonly PageLink[]): boolean {
  const origins = pages.map(({ url }) => new URL(url).origin)
  const earlier = settings.get('origin')
  settings.set('origin', origins[0] ?? '')
  return earlier !== null && !origins.includes(earlier)
}
