// Every option of a host, once: flags, environment, configuration file, help, the example file and `clawchat config` are
// made of this table. An option has one name: --port-range, CLAWCHAT_PORT_RANGE and `port-range` in the file.
import { NAME_MAX_BYTES } from '../shared/constants.ts'
import type { TurnServer } from '../shared/locator.ts'
import { MEGA_GATEWAY } from '../shared/mega.ts'
import {
  DEFAULT_PORT_RANGE,
  DEFAULT_ROTATION,
  formatDuration,
  parseDuration,
  type StoreOption,
} from './config.ts'
import { parsePageUrl } from './links.ts'
import {
  parseAddress,
  parseClockOffset,
  parseHost,
  parseKeep,
  parseListen,
  parseName,
  parsePath,
  parsePortRange,
  parseSize,
  parseStore,
  parseStoreUrl,
  parseStun,
  parseSwitch,
  parseToken,
  parseTurn,
  parseTurnCredential,
} from './optionvalues.ts'

/** In the order in which they win. */
export type Source = 'flag' | 'environment' | 'file'

export interface OptionRow<T> {
  /** `text`: "…"; `switch`: true or false; `list`: ["…", "…"] */
  readonly kind: 'text' | 'switch' | 'list'
  /** what stands for the value in help; empty for a switch */
  readonly sign: string
  /** what it does */
  readonly help: string
  /** the default, in words */
  readonly otherwise: string
  /** why one would change it */
  readonly reason: string
  /** a value as it stands in the file: the default where there is one, else a good one */
  readonly example: string | boolean | readonly string[]
  readonly from: readonly Source[]
  /** is shown nowhere */
  readonly secret?: true
  /** Texts as given, one but for a list; `folder`: what relative paths start from. Throws ClawError('usage'). */
  readonly read: (texts: readonly string[], folder: string) => T
  /** what a right value is, as the end of a sentence */
  readonly must: string
}

type Row<T> = Omit<OptionRow<T>, 'kind' | 'read' | 'from'> & { readonly from?: readonly Source[] }

const EVERYWHERE: readonly Source[] = ['flag', 'environment', 'file']

const text = <T>(
  row: Row<T> & { readonly parse: (text: string, folder: string) => T },
): OptionRow<T> => ({
  from: EVERYWHERE,
  ...row,
  kind: 'text',
  read: ([value = ''], folder) => row.parse(value, folder),
})

const toggle = (row: Omit<Row<boolean>, 'sign' | 'must'>): OptionRow<boolean> => ({
  from: EVERYWHERE,
  ...row,
  kind: 'switch',
  sign: '',
  must: 'this must be true or false.',
  read: ([value = '']) => parseSwitch(value),
})

const IP = 'this must be an IPv4 or IPv6 address.'
const SIZE = 'this must be a size such as 500MiB or 16GiB, at most 1024GiB.'
const DURATION = 'this must be a duration such as 1h30m, 2m or 10s.'
const { first, last } = DEFAULT_PORT_RANGE
const PORTS = `${first}-${last}`
const EVERY = formatDuration(DEFAULT_ROTATION.intervalMs)
const NOTICE = formatDuration(DEFAULT_ROTATION.noticeMs)
const GRACE = formatDuration(DEFAULT_ROTATION.graceMs)

export const OPTIONS = {
  http: text({
    sign: 'HOST:PORT',
    help: 'page and record endpoint; port 0: any',
    otherwise: '127.0.0.1:8787 or the next free port at the first start, then always that one',
    reason:
      'Another port if 8787 is in use; another port later is another address, and devices that joined by the old one must join again.',
    example: '127.0.0.1:8787',
    parse: parseListen,
    must: 'this must be HOST:PORT, such as 127.0.0.1:8787.',
  }),
  lan: toggle({
    help: 'also listen on the local network',
    otherwise: 'false',
    reason:
      'Devices in the same Wi-Fi can then open the page; without https, so only in networks you trust.',
    example: false,
  }),
  'take-over': toggle({
    from: ['flag'],
    help: 'go on although another copy of this host was seen',
    otherwise: 'false',
    reason: 'Once, after the other copy is gone.',
    example: false,
  }),
  page: text({
    sign: 'URL',
    help: 'address where the page is served for others',
    otherwise: 'the worker of "clawchat deploy", else this computer',
    reason: 'You put the page ("clawchat page --out DIR") on an https host of your own.',
    example: 'https://chat.example/',
    parse: parsePageUrl,
    must: 'this must be an https address, or http on this computer or the local network, without ? and #.',
  }),
  name: text({
    sign: 'NAME',
    help: `the host's name, shown to who joins; 1 to ${NAME_MAX_BYTES} bytes`,
    otherwise: 'as at the last start, at first "My host"',
    reason: 'Who opens an invite sees who invites.',
    example: 'My host',
    parse: parseName,
    must: `a name has 1 to ${NAME_MAX_BYTES} bytes.`,
  }),
  'rotate-every': text({
    sign: 'DURATION',
    help: 'how often the port changes, 10s to 49d',
    otherwise: EVERY,
    reason:
      'Shorter gives who learns a port less time with it, and costs each store a write per change.',
    example: EVERY,
    parse: parseDuration,
    must: DURATION,
  }),
  notice: text({
    sign: 'DURATION',
    help: 'how long before a change open sessions are told',
    otherwise: NOTICE,
    reason: 'Together with grace shorter than rotate-every.',
    example: NOTICE,
    parse: parseDuration,
    must: DURATION,
  }),
  grace: text({
    sign: 'DURATION',
    help: 'how long the old port stays open',
    otherwise: GRACE,
    reason: 'Longer where devices sleep or lose their network often.',
    example: GRACE,
    parse: parseDuration,
    must: DURATION,
  }),
  'port-range': text({
    sign: 'A-B',
    help: 'UDP ports to draw from, at least 8 of 1024 to 65535',
    otherwise: PORTS,
    reason: 'A firewall or router with fixed rules lets only some through.',
    example: PORTS,
    parse: parsePortRange,
    must: 'this must be FIRST-LAST with at least 8 ports from 1024 to 65535.',
  }),
  udp: text({
    sign: 'ADDRESS',
    help: 'address of this computer to bind UDP to',
    otherwise: 'all',
    reason: 'A computer with several networks is to be reached through one.',
    example: '192.168.1.5',
    parse: parseAddress,
    must: IP,
  }),
  signal: toggle({
    help: 'also take connections by TCP on the same port, from "clawchat connect" and other programs',
    otherwise: 'false',
    reason:
      'Programs on other computers connect without a relay, also where UDP is blocked. A scanner then sees an open port, which says nothing to strangers.',
    example: false,
  }),
  'external-address': text({
    sign: 'IP',
    help: 'public address to publish',
    otherwise: 'none but those of this computer',
    reason: 'The router hands the port range on to this computer.',
    example: '203.0.113.7',
    parse: parseAddress,
    must: IP,
  }),
  map: toggle({
    help: 'have the router hand this port on; --no-map asks nothing of it',
    otherwise: 'true',
    reason:
      'A router with PCP, NAT-PMP or UPnP then lets devices in from anywhere, without a relay (docs/SPEC.md §4.3). false where somebody else watches over the router, or the ports are forwarded by hand.',
    example: true,
  }),
  store: {
    kind: 'list',
    from: EVERYWHERE,
    sign: 'https:URL|file:PATH|mega',
    help: 'publish the record there too (repeatable; the MEGA account: docs/SECURITY_SETUP.md)',
    otherwise: 'none but the embedded endpoint, record.bin in the data folder, and the worker',
    reason:
      'Devices find a host whose address has changed by any store they can read: two independent ones are better than one. A path in this file starts at its folder. In the environment they stand with spaces in between.',
    example: ['mega', 'https:https://records.example', 'file:/srv/www/record.bin'],
    must: 'this must be https:URL, file:PATH or mega; the URL without ? and #, at most 200 bytes.',
    read: (texts, folder) => texts.map((each) => parseStore(each, folder)),
  } satisfies OptionRow<readonly StoreOption[]> as OptionRow<readonly StoreOption[]>,
  stun: {
    kind: 'list',
    from: EVERYWHERE,
    sign: 'stun:HOST:PORT',
    help: 'ask this STUN server for the own public address, devices too (repeatable, at most 2)',
    otherwise: 'none: nobody is asked',
    reason:
      'A host behind a router without a forwarded port can then be reached without a relay (docs/SPEC.md §4.5). The server sees the addresses of host and devices when they connect.',
    example: ['stun:stun.example:3478'],
    must: 'this must be stun:HOST:PORT.',
    read: (texts) => texts.map(parseStun),
  } satisfies OptionRow<readonly string[]> as OptionRow<readonly string[]>,
  turn: {
    kind: 'list',
    from: EVERYWHERE,
    sign: 'turn[s]:HOST:PORT[?transport=udp|tcp]',
    help: 'a TURN server through which devices may reach this host (repeatable, at most 4; with turn-credential)',
    otherwise: 'none',
    reason:
      'Where both routers are strict, or UDP is blocked on the device’s side, the mailbox route then works all the same (docs/OPERATING.md, "A TURN server"). The server sees both addresses and how much passes, and nothing of what.',
    example: ['turn:turn.example:3478', 'turns:turn.example:443?transport=tcp'],
    must: 'this must be turn:HOST:PORT, perhaps with ?transport=udp or ?transport=tcp, or turns:HOST:PORT; name and password go into turn-credential.',
    read: (texts) => texts.map(parseTurn),
  } satisfies OptionRow<readonly TurnServer[]> as OptionRow<readonly TurnServer[]>,
  'passphrase-file': text({
    sign: 'FILE',
    help: 'a file whose first line is the passphrase of the host’s keys (chmod 600)',
    otherwise: 'asked for at the terminal, if the keys have one',
    reason:
      'A host that starts without a terminal. Keys that have no passphrase yet are sealed by it. "clawchat passphrase" sets, changes and removes one.',
    example: 'passphrase',
    parse: parsePath,
    must: 'this must be the path of a file.',
  }),
  'turn-credential': text({
    from: ['environment', 'file'],
    secret: true,
    sign: 'secret:SECRET|login:NAME:PASSWORD',
    help: 'for the servers of turn: the secret shared with them (coturn: static-auth-secret), or one name and password',
    otherwise: 'none',
    reason:
      'Of a secret this host makes a new name and password for each record, good for a day; the secret itself is told to nobody. A fixed name and password is told to every device. A file that holds either must be readable by its owner only (chmod 600).',
    example: 'secret:the-static-auth-secret-of-coturn',
    parse: parseTurnCredential,
    must: 'this must be secret:SECRET or login:NAME:PASSWORD, of visible ASCII characters: a secret at most 256, name and password 128 each.',
  }),
  'max-file': text({
    sign: 'SIZE',
    help: 'the largest file that it takes, such as 500MiB',
    otherwise: '16GiB',
    reason: 'Less where the disk is small, more for films.',
    example: '16GiB',
    parse: parseSize,
    must: SIZE,
  }),
  'files-quota': text({
    sign: 'SIZE',
    help: 'how much all files together may take',
    otherwise: '64GiB',
    reason: 'So that no member can fill the disk; 200 MiB of it are left free in any case.',
    example: '64GiB',
    parse: parseSize,
    must: SIZE,
  }),
  'member-quota': text({
    sign: 'SIZE',
    help: 'how much the files of one member may take',
    otherwise: '32GiB',
    reason: 'So that one member cannot use up what is there for all.',
    example: '32GiB',
    parse: parseSize,
    must: SIZE,
  }),
  keep: text({
    sign: 'DURATION',
    help: 'how long any message is kept, from 1h to 3650d; or forever',
    otherwise: 'forever',
    reason:
      'What is older goes from this host and from all devices, in every room, whatever the room itself says; files go with their messages (docs/OPERATING.md, "How long messages stay").',
    example: 'forever',
    parse: parseKeep,
    must: 'this must be forever, or a duration from 1h to 3650d, such as 90d.',
  }),
  'push-service': {
    kind: 'list',
    from: EVERYWHERE,
    sign: 'HOST[:PORT]',
    help: 'a push service beside those of Chrome, Edge, Firefox and Safari (repeatable)',
    otherwise: 'none: only these are sent to',
    reason:
      'A browser with a push service of its own. What members name is sent to by https, so name only hosts that may get requests from this computer.',
    example: ['push.example'],
    must: 'this must be HOST or HOST:PORT.',
    read: (texts) => texts.map(parseHost),
  } satisfies OptionRow<readonly string[]> as OptionRow<readonly string[]>,
  'deploy-token': text({
    from: ['environment', 'file'],
    secret: true,
    sign: 'TOKEN',
    help: 'of the one worker given by https: as a store, 1 to 256 visible ASCII characters',
    otherwise: 'the file deploy-token in the data folder',
    reason:
      'A worker of somebody else asks for it once (docs/OPERATING.md). Whoever reads it can use up that worker: a file that holds it must be readable by its owner only (chmod 600).',
    example: 'their-token',
    parse: parseToken,
    must: 'this must be 1 to 256 visible ASCII characters.',
  }),
  'mega-api': text({
    sign: 'URL',
    help: "another address of MEGA's API, for tests",
    otherwise: MEGA_GATEWAY,
    reason: 'For tests.',
    example: MEGA_GATEWAY,
    parse: parseStoreUrl,
    must: 'this must be an http or https address without ? and #.',
  }),
  'clock-offset': text({
    from: ['environment'],
    sign: '±DURATION',
    help: "shifts the host's clock, for tests",
    otherwise: '0s',
    reason: 'For tests.',
    example: '+90s',
    parse: parseClockOffset,
    must: 'this must be a duration such as +90s or -2h.',
  }),
} as const

export type OptionName = keyof typeof OPTIONS
export type OptionValues = {
  readonly [Name in OptionName]: ReturnType<(typeof OPTIONS)[Name]['read']> | null
}

export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[]

export const optionRow = (name: OptionName): OptionRow<unknown> => OPTIONS[name]

export const optionsFrom = (source: Source): OptionName[] =>
  OPTION_NAMES.filter((name) => optionRow(name).from.includes(source))

/** The variable of an option, or of `data` and `config`. */
export const variableOf = (name: string): string =>
  `CLAWCHAT_${name.toUpperCase().replaceAll('-', '_')}`
