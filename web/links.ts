// Where a link in a message leads, and whether its words say so.

export interface Link {
  readonly href: string
  /** what is shown behind the words, where these do not begin with it: the host that the browser will ask */
  readonly host: string | null
}

const SCHEMES = ['http:', 'https:', 'mailto:']

function parseUrl(address: string): URL | null {
  try {
    return new URL(address)
  } catch {
    return null
  }
}

/** A link with words of somebody's own: its host is always shown. Null for what is no address, or of another scheme. */
export function linkTo(address: string): Link | null {
  const url = parseUrl(address)
  if (url === null || !SCHEMES.includes(url.protocol)) return null
  return { href: url.href, host: url.protocol === 'mailto:' ? url.pathname : url.host }
}

/** What ends a sentence, or closes what was opened before the address, is not part of it. */
function addressIn(run: string): string {
  let end = run.length
  const count = (mark: string): number => run.slice(0, end).split(mark).length - 1
  let spare = count(')') - count('(')
  while (end > 0) {
    const last = run[end - 1] ?? ''
    if (last === ')' && spare > 0) spare--
    else if (!/[.,:;!?'"*_~\]]/.test(last)) break
    end--
  }
  return run.slice(0, end)
}

/** The address that begins at `at`. `link` is null if it is none; else its host is shown where the text hides it. */
export function autolink(text: string, at: number): { text: string; link: Link | null } {
  const run = /https?:\/\/[^\s<>"`[\]]{1,2000}/y
  run.lastIndex = at
  const address = addressIn(run.exec(text)?.[0] ?? '')
  const url = parseUrl(address)
  if (url === null || /[\p{L}\p{N}]$/u.test(text.slice(0, at).at(-1) ?? ''))
    return { text: '', link: null }
  const said = address.toLowerCase()
  const start = `${url.protocol}//${url.host}`
  // "https://bank.example@other.example", letters that only look like others, marks that nobody sees.
  const isHonest = said.startsWith(start) && /^(?:[/?#:]|$)/.test(said.slice(start.length))
  return { text: address, link: { href: url.href, host: isHonest ? null : url.host } }
}
