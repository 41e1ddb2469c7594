// How this process reaches stores (docs/OPERATING.md): through the proxy of HTTPS_PROXY, HTTP_PROXY and NO_PROXY, trusting what
// the system trusts beside Node's own list. Both hold for the global fetch, and so for every store.
import http from 'node:http'
import { networkInterfaces } from 'node:os'
import tls from 'node:tls'
import { UsageError } from './usage.ts'

type Env = Readonly<Record<string, string | undefined>>
const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const
const LOOPBACK = ['localhost', '127.0.0.1', '127.0.0.1-127.255.255.255', '::1', '[::1]'] as const

/** The newer half of Node's interface; Node 22 has neither. */
interface Runtime {
  readonly setProxy?: ((env: Env) => unknown) | undefined
  readonly setCertificates?: ((certificates: string[]) => void) | undefined
}
const node: Runtime = {
  setProxy: (http as { setGlobalProxyFromEnv?: (env: Env) => unknown }).setGlobalProxyFromEnv,
  setCertificates: tls.setDefaultCACertificates,
}

/**
 * Call it before the first request. This computer's own addresses never go through a proxy. Throws UsageError for one
 * that is no http address.
 * @returns false if a proxy is asked for and this Node cannot use one
 */
export function useSystemNetwork(env: Env = process.env, runtime: Runtime = node): boolean {
  trustSystem(runtime)
  const asked = PROXY_VARIABLES.filter((name) => env[name] !== undefined && env[name] !== '')
  if (asked.length === 0) return true
  for (const name of asked) requireProxy(name, env[name] ?? '')
  // Node has done it itself where NODE_USE_ENV_PROXY asked for it.
  if (runtime.setProxy === undefined) return env.NODE_USE_ENV_PROXY === '1'
  const exceptions = [env.no_proxy ?? env.NO_PROXY ?? '', ...LOOPBACK, ...ownAddresses()].join(',')
  runtime.setProxy({ ...env, NO_PROXY: exceptions, no_proxy: exceptions })
  return true
}

/** The sentence does not repeat the value: there may be a password in it. */
function requireProxy(name: string, value: string): void {
  if (/^https?:$/.test(URL.parse(value)?.protocol ?? '')) return
  throw new UsageError(`${name} must be an http or https address such as http://proxy:3128.`)
}

/** Companies put their proxy's certificate into the system's list, not into Node's. */
function trustSystem({ setCertificates }: Runtime): void {
  if (setCertificates === undefined) return
  const all = [...tls.getCACertificates('default'), ...tls.getCACertificates('system')]
  setCertificates([...new Set(all)])
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).flatMap(({ address, family }) =>
      family === 'IPv6' ? [address, `[${address}]`] : [address],
    ),
  )
