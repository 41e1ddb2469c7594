// Words for people: what each command does and takes.
import { formatDuration } from './config.ts'
import { folded } from './configtext.ts'
import type { CommandName } from './options.ts'
import { type OptionName, optionRow, optionsFrom } from './optiontable.ts'

const WIDTH = 92
const COLUMN = 30

/** A row for each flag: how it is written, what it does, and its default. */
function optionRows(names: readonly OptionName[]): string {
  return names
    .map((name) => {
      const { kind, sign, help, otherwise } = optionRow(name)
      const flag = kind === 'switch' ? `  --${name}` : `  --${name} ${sign}`
      const words = folded(`${help} (default: ${otherwise})`, WIDTH - COLUMN)
      const [first = '', ...rest] = words.map((line) => ' '.repeat(COLUMN) + line)
      const head =
        flag.length < COLUMN ? [flag.padEnd(COLUMN) + first.slice(COLUMN)] : [flag, first]
      return [...head, ...rest].join('\n')
    })
    .join('\n')
}

const CONFIG_HELP = `  --config FILE               the configuration (default: CLAWCHAT_CONFIG, else clawchat.config.toml
                              in the data folder, if it is there)

All but --take-over may stand in the configuration, and in the environment as CLAWCHAT_HTTP,
CLAWCHAT_ROTATE_EVERY and so on. A flag wins over the environment, that over the file.
--no-lan switches off what stands there. "clawchat config" shows what holds and why.`

const COMMON_HELP = `  --data DIR   the data folder (default: CLAWCHAT_DATA or the platform's folder)
  --json       one JSON object a line on standard output, words on standard error
  --help       this text`

const HELP: Readonly<Record<CommandName, string>> = {
  start: `clawchat start: runs the host, serves the page, prints a link for the owner

${optionRows(optionsFrom('flag'))}

${CONFIG_HELP}`,
  stop: 'clawchat stop: stops the running host',
  invite: `clawchat invite: prints a link by which someone can join

  --role ROLE     owner, member, guest or bot (default member)
  --uses N        how many devices may join with it (default 1)
  --expires ${formatDuration(7 * 86_400_000)}    how long it works
  --note TEXT     for your own list
  --rooms A,B     lets them into these rooms only (default: the host's own room)
  --list          shows the invites
  --withdraw ID   makes an invite useless`,
  rooms: `clawchat rooms [ROOM --lifetime SPAN]: the rooms there are, and how long messages stay in each

  --make NAME      makes one, with the owner in it
  --lifetime SPAN  how long what is written in ROOM (its name or id) from now on stays, from 1h to
                   365d; or forever`,
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
  doctor: `clawchat doctor: looks at what this host depends on, and says what to do

Takes the options of start, and looks at folder, clock, stores, mailbox, page, UDP, TCP, STUN, router
and what a scan of the own network shows. It changes nothing; what it prints names no address, path
or key, so that it can be shown to others. With --mega or --router it measures one thing in detail:

  --router        asks the router, maps a port for a moment, and compares its address with
                  what the STUN server sees (--stun, --udp as for start)
  --mega          signs in to MEGA and measures sizes, delays and what a page may ask,
                  while the host is stopped
  --mega-api URL  another address of MEGA's API, for tests`,
  connect: `clawchat connect [LINK|-]: chats from this terminal, or for a program with --json

A link is secret until it is used, and other users of this computer can see the arguments of a
command: with - it is read from the first line of standard input, without any it is asked for.
Later "clawchat connect" alone is enough, or the same link where several hosts are known. Keys and
messages stay in the data folder, under clients/. The connection goes by TCP where the host was
started with --signal, else through its relay.

  --name NAME  who joins; 1 to 48 bytes

With --json each line of standard input is a text, or {"text": "…"} for one that may hold line
breaks (a program that passes on what others wrote should use only this), and standard output has
state, taken, message, delivery and refused. After a crash a message may come again, with the same id.`,
  deploy: `clawchat deploy: puts page and record endpoint on your Cloudflare account, for links
that open anywhere (docs/OPERATING.md says what it costs)

  --name NAME  the worker's name at Cloudflare (default: as before, or clawchat)
  --dry-run    do everything but the upload; needs no account and no network
  --forget     the next start no longer uses the worker`,
  passphrase: `clawchat passphrase: puts a passphrase before the keys of a host that is stopped, or another one

  --passphrase-file FILE      the one in use: the first line of a file (chmod 600)
  --new-passphrase-file FILE  the next one
  --remove                    none from now on

Without files it asks at the terminal. It protects the keys and the files of messages on a disk that is
copied or stolen; the messages themselves lie in the database, which it does not seal: encrypt the disk.
A host that starts without a terminal needs --passphrase-file or CLAWCHAT_PASSPHRASE_FILE.`,
  backup: `clawchat backup FILE: all that a host keeps, as one file, also while it runs

  --backup-passphrase-file F  the passphrase that seals it: the first line of a file (chmod 600);
                              else it is asked for
  --plain                     none: whoever has the file can read it and be the host

Keys that have a passphrase of their own keep it, and need it after a restore.`,
  restore: `clawchat restore FILE: puts a backup into an empty data folder (--data DIR)

  --backup-passphrase-file F  its passphrase; else it is asked for

The old copy must never run again: two copies of one host fork its history, and one of them stops.
What was said after the backup is where devices still hold it; they bring it back.`,
  export: `clawchat export DIR: the history as text, with its files, into an empty folder; also while the host runs

  --all                   also of rooms that the owner is not in
  --passphrase-file FILE  of the keys, if they have one: files are sealed by them

history.jsonl holds one message a line for programs, room-1.md and so on are for people. What was deleted or
has disappeared is not in there, and earlier versions are not. Nothing in the folder is encrypted.`,
  config: `clawchat config: shows every option that a start would have, and where it comes from

Takes the options of start, and checks them as start does. What an earlier start has saved
(port, name) and the worker of "clawchat deploy" come in later and are shown by "status".

  --config FILE   the configuration to read
  --example       prints a configuration with every option, its default, unit and reason`,
}

const SUMMARY: Readonly<Record<CommandName, string>> = {
  start: 'run the host',
  stop: 'stop it',
  invite: 'make, list or withdraw links to join',
  rooms: 'which rooms there are, or a new one',
  members: 'who is in, and with which devices',
  revoke: 'take a device or a member out',
  burn: 'end a compromised identity and start a new one',
  status: 'how the host is',
  rotate: 'change the port now',
  page: 'write the page as static files',
  doctor: 'measure what the host depends on',
  connect: 'chat from the terminal, or by a program',
  passphrase: 'put a passphrase before the keys, or take it away',
  backup: 'write all that a host keeps into one file',
  restore: 'make a host of such a file',
  export: 'write the history as text, with its files',
  deploy: 'put page and record endpoint on Cloudflare',
  config: 'show what the options are, and where each comes from',
}

/** Help of one command, or the list of commands. */
export function helpText(of: CommandName | null): string {
  if (of !== null) return `${HELP[of]}\n\n${COMMON_HELP}`
  const rows = Object.entries(SUMMARY).map(([name, words]) => `  ${name.padEnd(10)} ${words}`)
  return `clawchat COMMAND\n\n${rows.join('\n')}\n\nEach has --help and:\n${COMMON_HELP}`
}
