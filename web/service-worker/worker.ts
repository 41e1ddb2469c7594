// The page's service worker (DESIGN, "The page as an app"): keeps the files of one build, each pinned to its SHA-256, and
// answers with these alone, at once and without a network. It touches nothing else: no other origin, no `/v1`, and of an
// address it reads the path only, never what stands behind `#`.

/** Written before this code at build time (web/build.ts). Paths are relative to the scope; hashes are SHA-256, hex. */
declare const LIST: {
  readonly build: string
  readonly files: Readonly<Record<string, string>>
}
declare const self: ServiceWorkerGlobalScope

const PAGE = 'index.html'
const scope = new URL(self.registration.scope)
/** Pages at other paths of this origin have caches of their own. */
const family = `clawchat ${scope.pathname} `
const cacheName = family + LIST.build

// The page itself stands at the folder: some hosts redirect its file name there.
const addressOf = (path: string): URL => new URL(path === PAGE ? '.' : path, scope)

self.addEventListener('install', (event) => event.waitUntil(fill()))
self.addEventListener('activate', (event) => event.waitUntil(dropOthers()))

self.addEventListener('message', ({ data, ports }) => {
  if (data === 'build') ports[0]?.postMessage(LIST.build)
  if (data === 'watched') void isWatched().then((is) => ports[0]?.postMessage(is))
  // Only a person ends the version before (version.ts).
  if (data === 'use') void self.skipWaiting()
})

self.addEventListener('push', (event) => event.waitUntil(tell()))

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(goTo(event.notification.data))
})

self.addEventListener('fetch', (event) => {
  const path = pathOf(event.request)
  if (path === null) return
  event.respondWith(answer(path))
  // What the page may connect to stands in its headers, and follows the host's stores.
  if (path === PAGE) event.waitUntil(keep(path).catch(() => undefined))
})

function pathOf({ method, url }: Request): string | null {
  const { origin, pathname } = new URL(url)
  if (method !== 'GET' || origin !== scope.origin || !pathname.startsWith(scope.pathname))
    return null
  const path = pathname.slice(scope.pathname.length) || PAGE
  return Object.hasOwn(LIST.files, path) ? path : null
}

async function answer(path: string): Promise<Response> {
  const kept = await (await caches.open(cacheName)).match(addressOf(path))
  // A browser that is short of space may have thrown it away.
  return kept ?? keep(path)
}

async function fill(): Promise<void> {
  await Promise.all(Object.keys(LIST.files).map(keep))
}

/** Rejects, and keeps nothing, unless the answer is what this build says. */
async function keep(path: string): Promise<Response> {
  const response = await fetch(addressOf(path), { cache: 'no-cache', redirect: 'error' })
  const hash = await crypto.subtle.digest('SHA-256', await response.clone().arrayBuffer())
  if (!response.ok || hex(hash) !== LIST.files[path]) throw new Error(`${path} is of another build`)
  await (await caches.open(cacheName)).put(addressOf(path), response.clone())
  return response
}

const hex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('')

async function dropOthers(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith(family))
  await Promise.all(others.filter((name) => name !== cacheName).map((name) => caches.delete(name)))
}

const tabs = (): Promise<readonly WindowClient[]> =>
  self.clients.matchAll({ type: 'window', includeUncontrolled: true })

const isWatched = async (): Promise<boolean> => (await tabs()).some(({ focused }) => focused)

/** A push says only that something is new (SPEC §7.8); what, this worker could not read. */
async function tell(): Promise<void> {
  if (await isWatched()) return
  const body = (await chosenWords()) ?? WORDS[navigator.language.slice(0, 2)] ?? WORDS.en
  await self.registration.showNotification('ClawChat', { body, tag: 'push', icon: './app-192.png' })
}

/** In the language that the person chose, kept by the page (notifications.ts). */
async function chosenWords(): Promise<string | undefined> {
  const cache = await caches.open('clawchat-push').catch(() => null)
  return (await cache?.match(new URL('push-words', scope)))?.text()
}

const WORDS: Readonly<Record<string, string>> & { readonly en: string } = {
  en: 'New message',
  de: 'Neue Nachricht',
  es: 'Mensaje nuevo',
  zh: '新消息',
}

/** Brings the page to the front, and the room into it. */
async function goTo(room: unknown): Promise<void> {
  const [tab] = (await tabs()).filter(({ url }) => url.startsWith(scope.href))
  if (tab === undefined) {
    await self.clients.openWindow(scope)
    return
  }
  tab.postMessage({ openRoom: room })
  await tab.focus()
}

// A module, so that these names are its own.
export {}
