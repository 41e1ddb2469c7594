// The invite link of this tab: out of the address bar at once, and kept until it is used, so that a reload asks again.

const PLACE = 'clawchat-link'

/** Takes the invite out of the address bar before anything else can see it. */
export function takeFragment(): string | null {
  const fragment = location.hash.slice(1)
  if (fragment === '') return null
  history.replaceState(null, '', location.pathname + location.search)
  return fragment
}

/** `null` forgets. For this tab only: a link that is never used ends with it. */
export function rememberLink(fragment: string | null): void {
  try {
    if (fragment === null) sessionStorage.removeItem(PLACE)
    else sessionStorage.setItem(PLACE, fragment)
  } catch {
    // Storage is blocked: then a reload needs the link again, and joining says so.
  }
}

export function rememberedLink(): string | null {
  try {
    return sessionStorage.getItem(PLACE)
  } catch {
    return null
  }
}
