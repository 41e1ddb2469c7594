// The command line's grammar (contract.md): options to values, everything odd to ClawError('usage') with a sentence.
import { resolve } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { NAME_MAX_BYTES } from '../shared/constants.ts'
import { ClawError } from '../shared/error.ts'
import { MEGA_GATEWAY } from '../shared/mega.ts'
import { BURN_REASON, type BurnReason } from './burn.ts'
import {
  DEFAULT_INVITE,
  DEFAULT_PORT_RANGE,
  DEFAULT_ROTATION,
  type DeployArgs,
  dataFolder,
  formatDuration,
  type InviteArgs,
  parseDuration,
  ROLES,
  type RotationTimes,
  type StartOptions,
  type StoreOption,
} from './config.ts'
import { parsePageUrl } from './links.ts'
import {
  parseAddress,
  parseExpiry,
  parseListen,
  parseName,
  parseNote,
  parsePortRange,
  parseRole,
  parseStore,
  parseStoreUrl,
  parseUses,
  parseWorkerName,
} from './optionvalues.ts'

/** Wrong usage, with the sentence that says what was wrong. It repeats nothing but option names and their values. */
export class UsageError extends ClawError {
  readonly sentence: string
  constructor(sentence: string) {
    super('usage')
    this.sentence = sentence
  }
}

type Env = Readonly<Record<string, string | undefined>>

export type Command =
  | { readonly name: 'help'; readonly of: CommandName | null }
  | { readonly name: 'start'; readonly options: StartOptions }
  | {
      readonly name: 'stop' | 'status' | 'rotate' | 'members' | 'invite-list'
      readonly dataDir: string
    }
  | { readonly name: 'revoke'; readonly dataDir: string; readonly id: string }
  | {
      readonly name: 'burn'
      readonly dataDir: string
      readonly reason: BurnReason
      readonly yes: boolean
    }
  | { readonly name: 'invite'; readonly dataDir: string; readonly args: InviteArgs }
  | { readonly name: 'invite-withdraw'; readonly dataDir: string; readonly id: string }
  | { readonly name: 'page'; readonly out: string }
  | { readonly name: 'doctor'; readonly dataDir: string; readonly megaApi: string }
  | { readonly name: 'deploy'; readonly dataDir: string; readonly args: DeployArgs }
  | { readonly name: 'deploy-forget'; readonly dataDir: string }

export const COMMAND_NAMES = [
  'start',
  'stop',
  'invite',
  'members',
  'revoke',
  'burn',
  'status',
  'rotate',
  'page',
  'deploy',
  'doctor',
] as const
export type CommandName = (typeof COMMAND_NAMES)[number]

const LATER_COMMANDS = ['init', 'connect', 'export', 'backup', 'restore']
const LATER_OPTIONS: Partial<Record<CommandName, readonly string[]>> = {
  start: ['signal', 'stun', 'turn', 'config', 'no-map'],
  invite: ['rooms'],
}

const COMMON = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
const SPECIFIC = {
  start: {
    http: { type: 'string' },
    lan: { type: 'boolean' },
    'take-over': { type: 'boolean' },
    page: { type: 'string' },
    name: { type: 'string' },
    'rotate-every': { type: 'string' },
    notice: { type: 'string' },
    grace: { type: 'string' },
    'port-range': { type: 'string' },
    udp: { type: 'string' },
    'external-address': { type: 'string' },
    store: { type: 'string', multiple: true },
    'mega-api': { type: 'string' },
  },
  stop: {},
  invite: {
    role: { type: 'string' },
    uses: { type: 'string' },
    expires: { type: 'string' },
    note: { type: 'string' },
    list: { type: 'boolean' },
    withdraw: { type: 'string' },
  },
  members: {},
  revoke: {},
  burn: { reason: { type: 'string' }, yes: { type: 'boolean' } },
  status: {},
  rotate: {},
  page: { out: { type: 'string' } },
  doctor: { mega: { type: 'boolean' }, 'mega-api': { type: 'string' } },
  deploy: {
    name: { type: 'string' },
    'dry-run': { type: 'boolean' },
    forget: { type: 'boolean' },
  },
} as const satisfies Record<CommandName, ParseArgsConfig['options']>

type Value = string | boolean | readonly (string | boolean)[] | undefined
type Values = Readonly<Record<string, Value>>

/** Parses what stands after `clawchat`. Throws UsageError. */
export function parseCommand(argv: readonly string[], env: Env): Command {
  const [first, ...rest] = argv
  if (first === undefined || ['help', '--help', '-h'].includes(first)) {
    return { name: 'help', of: null }
  }
  const name = COMMAND_NAMES.find((known) => known === first)
  if (name === undefined) {
    throw new UsageError(
      LATER_COMMANDS.includes(first)
        ? `The command "${first}" comes with a later version.`
        : `There is no command "${first}".`,
    )
  }
  refuseLaterOptions(name, rest)
  const values = parseOptions(name, rest)
  if (values.help === true) return { name: 'help', of: name }
  const dataDir = resolve(dataFolder(text(values, 'data'), env))
  switch (name) {
    case 'start':
      return { name, options: startOptions(values, dataDir, env) }
    case 'invite':
      return inviteCommand(values, dataDir)
    case 'burn':
      return { name, dataDir, reason: burnReason(values), yes: values.yes === true }
    case 'revoke':
      return { name, dataDir, id: revokedId(values) }
    case 'page':
      return { name, out: resolve(required(values, 'out')) }
    case 'doctor':
      if (values.mega !== true)
        throw new UsageError('doctor without --mega comes with a later version.')
      return { name, dataDir, megaApi: megaApi(values) }
    case 'deploy':
      return deployCommand(values, dataDir)
    default:
      return { name, dataDir }
  }
}

/** Whether `--json` stands among the arguments, even where they cannot be parsed. */
export const wantsJson = (argv: readonly string[]): boolean => argv.includes('--json')

function refuseLaterOptions(name: CommandName, rest: readonly string[]): void {
  const later = LATER_OPTIONS[name] ?? []
  const found = later.find((o) => rest.some((arg) => arg === `--${o}` || arg.startsWith(`--${o}=`)))
  if (found !== undefined) {
    throw new UsageError(`The option --${found} comes with a later version.`)
  }
}

function parseOptions(name: CommandName, args: readonly string[]): Values {
  try {
    const options: NonNullable<ParseArgsConfig['options']> = { ...COMMON, ...SPECIFIC[name] }
    const allowPositionals = name === 'revoke'
    const parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals })
    return { ...parsed.values, ids: parsed.positionals }
  } catch (error) {
    throw new UsageError(firstSentence(error))
  }
}

/** Node's own words name the option and are plain enough; what follows the first full stop is advice for programmers. */
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : 'Wrong option'
  return `${message.split(/\.\s|\n/)[0]?.replace(/\.$/, '')}.`
}

function text(values: Values, option: string): string | undefined {
  const value = values[option]
  return typeof value === 'string' ? value : undefined
}

function required(values: Values, option: string): string {
  const value = text(values, option)
  if (value === undefined || value === '') throw new UsageError(`--${option} is missing.`)
  return value
}

/** Applies `parse` to an option if given; a refusal of `parse` becomes `sentence`. */
function optional<T>(
  values: Values,
  option: string,
  parse: (text: string) => T,
  sentence: string,
): T | null {
  const value = text(values, option)
  if (value === undefined) return null
  try {
    return parse(value)
  } catch {
    throw new UsageError(`--${option}: ${sentence}`)
  }
}

function startOptions(values: Values, dataDir: string, env: Env): StartOptions {
  const ip = 'this must be an IPv4 or IPv6 address.'
  const stores = Array.isArray(values.store) ? values.store.map((s) => storeOption(String(s))) : []
  if (stores.filter(({ kind }) => kind === 'mega').length > 1) {
    throw new UsageError('--store mega can be given once.')
  }
  return {
    dataDir,
    http: optional(values, 'http', parseListen, 'this must be HOST:PORT, such as 127.0.0.1:8787.'),
    lan: values.lan === true,
    takeOver: values['take-over'] === true,
    pageUrl: optional(
      values,
      'page',
      parsePageUrl,
      'this must be an https address, or http on this computer or the local network, without ? and #.',
    ),
    name: optional(values, 'name', parseName, `a name has 1 to ${NAME_MAX_BYTES} bytes.`),
    rotation: rotationTimes(values),
    portRange:
      optional(
        values,
        'port-range',
        parsePortRange,
        'this must be FIRST-LAST with at least 8 ports from 1024 to 65535.',
      ) ?? DEFAULT_PORT_RANGE,
    udpAddress: optional(values, 'udp', parseAddress, ip),
    externalAddress: optional(values, 'external-address', parseAddress, ip),
    stores,
    megaApi: megaApi(values),
    deployToken: deployToken(env.CLAWCHAT_DEPLOY_TOKEN, stores),
    clockOffsetMs: clockOffset(env.CLAWCHAT_CLOCK_OFFSET),
  }
}

function storeOption(value: string): StoreOption {
  try {
    return parseStore(value)
  } catch {
    throw new UsageError(
      '--store: this must be https:URL, file:PATH or mega; the URL without ? and #, at most 200 bytes.',
    )
  }
}

function rotationTimes(values: Values): RotationTimes {
  const sentence = 'this must be a duration such as 1h30m, 2m or 10s.'
  const duration = (option: string, fallback: number): number =>
    optional(values, option, parseDuration, sentence) ?? fallback
  const times = {
    intervalMs: duration('rotate-every', DEFAULT_ROTATION.intervalMs),
    noticeMs: duration('notice', DEFAULT_ROTATION.noticeMs),
    graceMs: duration('grace', DEFAULT_ROTATION.graceMs),
  }
  if (times.intervalMs < 10_000) throw new UsageError('--rotate-every must be at least 10s.')
  // The record carries the interval as a u32.
  if (times.intervalMs > 0xffffffff) throw new UsageError('--rotate-every must be at most 49d.')
  if (times.noticeMs + times.graceMs >= times.intervalMs) {
    throw new UsageError(
      `--notice (${formatDuration(times.noticeMs)}) and --grace (${formatDuration(times.graceMs)}) together must be shorter than --rotate-every (${formatDuration(times.intervalMs)}).`,
    )
  }
  return times
}

const megaApi = (values: Values): string =>
  optional(
    values,
    'mega-api',
    parseStoreUrl,
    'this must be an http or https address without ? and #.',
  ) ?? MEGA_GATEWAY

/** It must not reach the operator of another store. */
function deployToken(value: string | undefined, stores: readonly StoreOption[]): string | null {
  if (value === undefined || value === '') return null
  if (!/^[\x21-\x7e]{1,256}$/.test(value)) {
    throw new UsageError('CLAWCHAT_DEPLOY_TOKEN must be 1 to 256 visible ASCII characters.')
  }
  if (stores.filter(({ kind }) => kind === 'https').length > 1) {
    throw new UsageError('CLAWCHAT_DEPLOY_TOKEN goes with one --store https:URL only.')
  }
  return value
}

function deployCommand(values: Values, dataDir: string): Command {
  const dryRun = values['dry-run'] === true
  const sentence = 'this must be 1 to 63 of a-z, 0-9 and -, and neither begin nor end with -.'
  const worker = optional(values, 'name', parseWorkerName, sentence)
  if (values.forget !== true) return { name: 'deploy', dataDir, args: { worker, dryRun } }
  if (dryRun || worker !== null) throw new UsageError('--forget goes with no other option.')
  return { name: 'deploy-forget', dataDir }
}

function clockOffset(value: string | undefined): number {
  if (value === undefined || value === '') return 0
  const sign = value.startsWith('-') ? -1 : 1
  try {
    return sign * parseDuration(value.replace(/^[+-]/, ''))
  } catch {
    throw new UsageError('CLAWCHAT_CLOCK_OFFSET must be a duration such as +90s or -2h.')
  }
}

function inviteCommand(values: Values, dataDir: string): Command {
  const id = text(values, 'withdraw')
  const making = ['role', 'uses', 'expires', 'note'].some((option) => option in values)
  if ([values.list === true, id !== undefined, making].filter(Boolean).length > 1) {
    throw new UsageError('--list, --withdraw and the options of a new invite do not go together.')
  }
  if (values.list === true) return { name: 'invite-list', dataDir }
  if (id !== undefined) {
    if (!/^[0-9A-Za-z_-]{1,64}$/.test(id)) throw new UsageError('--withdraw: no such invite id.')
    return { name: 'invite-withdraw', dataDir, id }
  }
  return { name: 'invite', dataDir, args: inviteArgs(values) }
}

function burnReason(values: Values): BurnReason {
  const reason = text(values, 'reason') ?? 'compromised'
  const known = (Object.keys(BURN_REASON) as BurnReason[]).find((each) => each === reason)
  if (known === undefined) throw new UsageError('--reason: this must be compromised or closed.')
  return known
}

function revokedId(values: Values): string {
  const ids = Array.isArray(values.ids) ? values.ids.map(String) : []
  const [id] = ids
  if (id === undefined || ids.length > 1) {
    throw new UsageError('Name one device or member to revoke; "clawchat members" shows their ids.')
  }
  if (!/^[0-9a-f]{32}$/.test(id)) throw new UsageError('An id has 32 digits from 0 to f.')
  return id
}

function inviteArgs(values: Values): InviteArgs {
  return {
    role:
      optional(values, 'role', parseRole, `this must be one of ${ROLES.join(', ')}.`) ??
      DEFAULT_INVITE.role,
    uses:
      optional(values, 'uses', parseUses, 'this must be a number from 1 to 64.') ??
      DEFAULT_INVITE.uses,
    expiresMs:
      optional(values, 'expires', parseExpiry, 'this must be a duration from 1s to 365d.') ??
      DEFAULT_INVITE.expiresMs,
    note:
      optional(values, 'note', parseNote, 'a note has at most 200 characters, in one line.') ??
      DEFAULT_INVITE.note,
  }
}
