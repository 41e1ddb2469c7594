// How this process reaches the stores: by the environment's proxy, and with the certificates of the system besides Node's.
import http from 'node:http'
import tls from 'node:tls'

/** Never by a proxy: what is on this machine. */
const HERE = ['localhost', '127.0.0.1', '::1', '[::1]']
const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const

type Env = Readonly<Record<string, string | undefined>>

/** Since Node 22.21 and 24.14; the types do not know it yet. */
type FromEnv = (env: Record<string, string | undefined>) => unknown

/**
 * Once per process or thread, before its first request. @returns false if the environment names a proxy that this Node
 * cannot use: then requests would go out directly
 */
export function useEnvironment(env: Env): boolean {
  const more = tls.getCACertificates?.('system') ?? []
  if (more.length > 0)
    tls.setDefaultCACertificates?.([...tls.getCACertificates('default'), ...more])
  if (PROXIES.every((name) => !env[name])) return true
  const setProxy = (http as unknown as { setGlobalProxyFromEnv?: FromEnv }).setGlobalProxyFromEnv
  if (setProxy === undefined) return false
  const { no_proxy, NO_PROXY, ...rest } = env
  setProxy({ ...rest, NO_PROXY: [NO_PROXY ?? no_proxy ?? '', ...HERE].filter(Boolean).join(',') })
  return true
}
