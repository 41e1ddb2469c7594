// A push service as the host meets it (SPEC §7.8): whom it may be asked to send to, and one request. The endpoint is a URL that
// a member gave: only services on the list get a packet, by TLS with their own certificate, and no redirect is followed.

/** Of Chrome and Edge, Firefox, Safari, and Windows. A dot in front: names that end so. */
const SERVICES = [
  'fcm.googleapis.com',
  'updates.push.services.mozilla.com',
  '.push.apple.com',
  '.notify.windows.com',
] as const

const TTL_S = 86_400
const PATIENCE_MS = 10_000

export type PushOutcome = 'sent' | 'gone' | 'failed'

/** `added`: HOST or HOST:PORT, of the owner. */
export function isPushEndpoint(endpoint: string, added: readonly string[]): boolean {
  const url = URL.parse(endpoint)
  if (url === null || url.protocol !== 'https:' || endpoint.includes('#')) return false
  if (url.username !== '' || url.password !== '') return false
  // Of an address on another port, `host` has the port in it.
  const isKnown = SERVICES.some((name) =>
    name.startsWith('.') ? url.host.endsWith(name) : url.host === name,
  )
  return isKnown || added.some((name) => name.toLowerCase() === url.host)
}

/** Never rejects. `body`: sealed for the device. */
export async function postPush(
  endpoint: string,
  authorization: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<PushOutcome> {
  try {
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: {
        Authorization: authorization,
        'Content-Encoding': 'aes128gcm',
        'Content-Type': 'application/octet-stream',
        TTL: String(TTL_S),
        Urgency: 'normal',
        Topic: 'news',
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    await answer.body?.cancel()
    if (answer.ok) return 'sent'
    return answer.status === 404 || answer.status === 410 ? 'gone' : 'failed'
  } catch {
    return 'failed'
  }
}
