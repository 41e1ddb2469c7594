// Words for people: what each command does and takes.
import { formatDuration } from './config.ts'
import type { CommandName } from './options.ts'

const COMMON_HELP = `  --data DIR   the data folder (default: CLAWCHAT_DATA or the platform's folder)
  --json       one JSON object a line on standard output, words on standard error
  --help       this text`

const HELP: Readonly<Record<CommandName, string>> = {
  start: `clawchat start: runs the host, serves the page, prints a link for the owner

  --http HOST:PORT        page and record endpoint (default 127.0.0.1:8787 or the next free
                          port at the first start, then always that one; port 0: any)
  --lan                   also listen on the local network
  --take-over             go on although another copy of this host was seen
  --page URL              address where the page is served for others
  --name NAME             the host's name, shown to who joins
  --rotate-every 1h       how often the port changes (at least 10s)
  --notice 2m             how long before a change open sessions are told
  --grace 5m              how long the old port stays open
  --port-range A-B        UDP ports to draw from (default 49152-65535, at least 8)
  --udp ADDRESS           address of this computer to bind UDP to (default: all)
  --external-address IP   public address to publish
  --store https:URL|file:PATH|mega   publish the record there too (repeatable; the MEGA
                          account: docs/SECURITY_SETUP.md)
  --mega-api URL          another address of MEGA's API, for tests`,
  stop: 'clawchat stop: stops the running host',
  invite: `clawchat invite: prints a link by which someone can join

  --role ROLE     owner, member, guest or bot (default member)
  --uses N        how many devices may join with it (default 1)
  --expires ${formatDuration(7 * 86_400_000)}    how long it works
  --note TEXT     for your own list
  --list          shows the invites
  --withdraw ID   makes an invite useless`,
  members:
    'clawchat members: who is in, with which devices, when they were last seen, and their safety codes',
  revoke: `clawchat revoke DEVICE|MEMBER: takes a device, or all of a member, out of the chat for good

The ids are those of "clawchat members". Links that the device came by or made stop working too.`,
  burn: `clawchat burn: ends this host's identity for good, because its keys may be in wrong hands

Every device that hears of it deletes its keys and history. Members, links, messages and keys
on this computer are deleted too; the host starts again as a new one, and everybody needs a new link.

  --reason WHY   compromised or closed (default compromised)
  --yes          do not ask`,
  status: 'clawchat status: how the running host is',
  rotate: 'clawchat rotate: changes the port now (for cron)',
  page: `clawchat page: writes the page as static files for any https host

  --out DIR    an empty folder, or one that holds an earlier page`,
  doctor: `clawchat doctor: measures what this host depends on, while it is stopped

  --mega          signs in to MEGA and measures sizes, delays and what a page may ask
  --mega-api URL  another address of MEGA's API, for tests`,
  deploy: `clawchat deploy: puts page and record endpoint on your Cloudflare account, for links
that open anywhere (docs/OPERATING.md says what it costs)

  --name NAME  the worker's name at Cloudflare (default: as before, or clawchat)
  --dry-run    do everything but the upload; needs no account and no network
  --forget     the next start no longer uses the worker`,
}

const SUMMARY: Readonly<Record<CommandName, string>> = {
  start: 'run the host',
  stop: 'stop it',
  invite: 'make, list or withdraw links to join',
  members: 'who is in, and with which devices',
  revoke: 'take a device or a member out',
  burn: 'end a compromised identity and start a new one',
  status: 'how the host is',
  rotate: 'change the port now',
  page: 'write the page as static files',
  doctor: 'measure what the host depends on',
  deploy: 'put page and record endpoint on Cloudflare',
}

/** Help of one command, or the list of commands. */
export function helpText(of: CommandName | null): string {
  if (of !== null) return `${HELP[of]}\n\n${COMMON_HELP}`
  const rows = Object.entries(SUMMARY).map(([name, words]) => `  ${name.padEnd(8)} ${words}`)
  return `clawchat COMMAND\n\n${rows.join('\n')}\n\nEach has --help and:\n${COMMON_HELP}`
}
