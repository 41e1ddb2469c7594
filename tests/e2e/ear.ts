// Listens to everything that hosts say while a test runs (their events and standard error): no key, link, address, name
// or text of a person may be in it. The addresses and links that `ready` tells its owner are taken out first.
import type { Host, HostEvent } from './host.ts'

/** Longer than any id (32 hex digits) and fingerprint shown to people. */
const KEY = /[0-9a-f]{64}|[A-Za-z0-9_-]{60}/
const ADDRESS = /\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b/

export class Ear {
  readonly #said = new Set<string>()

  /** A name or a text of a person. */
  private(text: string): void {
    if (text.trim().length > 2) this.#said.add(text)
  }

  /** @returns what should not have been said, as a sentence, or null */
  complaint(host: Host): string | null {
    const told = host.events
      .filter(({ event }) => event !== 'ready')
      .map((event) => JSON.stringify(event))
    const all = [...told, withoutOwn(host)].join('\n')
    if (KEY.test(all)) return `a key or a link: ${nearby(all, KEY)}`
    if (ADDRESS.test(all)) return `an address: ${nearby(all, ADDRESS)}`
    for (const text of this.#said) if (says(all, text)) return `what a person wrote: ${text}`
    return null
  }
}

/** What a host tells its owner once, in `ready` and in words: pages, links, the QR code, the folder. */
function withoutOwn({ events, stderr }: Host): string {
  const ready = events.filter(({ event }) => event === 'ready')
  const own = ready.flatMap((event) => stringsOf(event)).sort((a, b) => b.length - a.length)
  return own.reduce((text, part) => text.replaceAll(part, ''), stderr)
}

function stringsOf(value: HostEvent[string]): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(stringsOf)
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const says = (all: string, text: string): boolean =>
  new RegExp(`(?<![A-Za-z0-9])${escaped(text)}(?![A-Za-z0-9])`).test(all)
const nearby = (all: string, what: RegExp): string => {
  const at = all.search(what)
  return all.slice(Math.max(0, at - 60), at + 80)
}
