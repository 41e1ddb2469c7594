// The command line's grammar (contract.md): options to values, everything odd to ClawError('usage') with a sentence.
import { resolve } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { BURN_REASON, type BurnReason } from './burn.ts'
import {
  DEFAULT_INVITE,
  type DeployArgs,
  dataFolder,
  type InviteArgs,
  type LifetimeArgs,
  ROLES,
  type StartOptions,
} from './config.ts'
import { type ConfigFile, readConfigFile } from './configfile.ts'
import type { ConnectArgs } from './connect.ts'
import { type Effective, type Env, resolveOptions } from './effective.ts'
import { type OptionName, optionRow, optionsFrom } from './optiontable.ts'
import {
  parseExpiry,
  parseLifetime,
  parseNote,
  parseRole,
  parseRooms,
  parseUses,
  parseWorkerName,
} from './optionvalues.ts'
import type { PassphraseArgs } from './passphrase.ts'
import { megaApi, startOptions } from './startoptions.ts'
import { UsageError } from './usage.ts'

export type Command =
  | { readonly name: 'help'; readonly of: CommandName | null }
  | { readonly name: 'start'; readonly options: StartOptions }
  | {
      readonly name: 'stop' | 'status' | 'rotate' | 'members' | 'invite-list' | 'rooms'
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
  | { readonly name: 'rooms-make'; readonly dataDir: string; readonly room: string }
  | { readonly name: 'rooms-lifetime'; readonly dataDir: string; readonly args: LifetimeArgs }
  | { readonly name: 'invite-withdraw'; readonly dataDir: string; readonly id: string }
  | { readonly name: 'passphrase'; readonly args: PassphraseArgs }
  | { readonly name: 'backup' | 'restore'; readonly args: BackupArgs }
  | {
      readonly name: 'export'
      readonly dataDir: string
      readonly out: string
      readonly all: boolean
      readonly passphraseFile: string | null
    }
  | { readonly name: 'connect'; readonly args: ConnectArgs }
  | { readonly name: 'page'; readonly out: string }
  | { readonly name: 'doctor'; readonly options: StartOptions }
  | {
      readonly name: 'doctor-mega'
      readonly dataDir: string
      readonly megaApi: string
      readonly passphraseFile: string | null
    }
  | {
      readonly name: 'doctor-router'
      /** of `--udp` */
      readonly bindAddress: string | null
      readonly stun: readonly string[]
    }
  | { readonly name: 'deploy'; readonly dataDir: string; readonly args: DeployArgs }
  | { readonly name: 'deploy-forget'; readonly dataDir: string }
  | { readonly name: 'config'; readonly file: string | null; readonly effective: Effective }
  | { readonly name: 'config-example' }

export const COMMAND_NAMES = [
  'start',
  'stop',
  'invite',
  'rooms',
  'members',
  'revoke',
  'burn',
  'status',
  'rotate',
  'page',
  'connect',
  'deploy',
  'doctor',
  'passphrase',
  'backup',
  'restore',
  'export',
  'config',
] as const
export type CommandName = (typeof COMMAND_NAMES)[number]

const LATER_COMMANDS = ['init']

const COMMON = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
const SPECIFIC = {
  start: configured(optionsFrom('flag')),
  stop: {},
  invite: {
    role: { type: 'string' },
    uses: { type: 'string' },
    expires: { type: 'string' },
    note: { type: 'string' },
    rooms: { type: 'string' },
    list: { type: 'boolean' },
    withdraw: { type: 'string' },
  },
  members: {},
  rooms: { make: { type: 'string' }, lifetime: { type: 'string' } },
  revoke: {},
  burn: { reason: { type: 'string' }, yes: { type: 'boolean' } },
  status: {},
  rotate: {},
  page: { out: { type: 'string' } },
  connect: { name: { type: 'string' } },
  doctor: {
    ...configured(optionsFrom('flag')),
    mega: { type: 'boolean' },
    router: { type: 'boolean' },
  },
  passphrase: {
    ...configured(['passphrase-file']),
    'new-passphrase-file': { type: 'string' },
    remove: { type: 'boolean' },
  },
  backup: { 'backup-passphrase-file': { type: 'string' }, plain: { type: 'boolean' } },
  restore: { 'backup-passphrase-file': { type: 'string' } },
  export: { ...configured(['passphrase-file']), all: { type: 'boolean' } },
  config: { ...configured(optionsFrom('flag')), example: { type: 'boolean' } },
  deploy: {
    name: { type: 'string' },
    'dry-run': { type: 'boolean' },
    forget: { type: 'boolean' },
  },
} as const satisfies Record<CommandName, ParseArgsConfig['options']>

/** Of a command that reads the configuration. */
function configured(names: readonly OptionName[]): NonNullable<ParseArgsConfig['options']> {
  const flags: NonNullable<ParseArgsConfig['options']> = { config: { type: 'string' } }
  for (const name of names) {
    const { kind } = optionRow(name)
    flags[name] = { type: kind === 'switch' ? 'boolean' : 'string', multiple: kind === 'list' }
  }
  return flags
}

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
  const values = parseOptions(name, rest)
  if (values.help === true) return { name: 'help', of: name }
  const dataDir = resolve(dataFolder(text(values, 'data'), env))
  switch (name) {
    case 'start':
      return { name, options: startOptions(effective(values, dataDir, env).effective, dataDir) }
    case 'invite':
      return inviteCommand(values, dataDir)
    case 'rooms':
      return roomsCommand(values, dataDir)
    case 'burn':
      return { name, dataDir, reason: burnReason(values), yes: values.yes === true }
    case 'revoke':
      return { name, dataDir, id: revokedId(values) }
    case 'connect':
      return {
        name,
        args: { dataDir, link: givenLink(values), name: text(values, 'name') ?? null },
      }
    case 'page':
      return { name, out: resolve(required(values, 'out')) }
    case 'doctor':
      return doctorCommand(values, dataDir, env)
    case 'passphrase':
      return passphraseCommand(values, dataDir, env)
    case 'backup':
    case 'restore':
      return { name, args: backupArgs(values, dataDir) }
    case 'export':
      return exportCommand(values, dataDir, env)
    case 'config':
      return configCommand(values, dataDir, env)
    case 'deploy':
      return deployCommand(values, dataDir)
    default:
      return { name, dataDir }
  }
}

/** Whether `--json` stands among the arguments, even where they cannot be parsed. */
export const wantsJson = (argv: readonly string[]): boolean => argv.includes('--json')

const WITH_POSITIONALS: ReadonlySet<CommandName> = new Set([
  'rooms',
  'revoke',
  'connect',
  'backup',
  'restore',
  'export',
])

function parseOptions(name: CommandName, args: readonly string[]): Values {
  try {
    const options: NonNullable<ParseArgsConfig['options']> = { ...COMMON, ...SPECIFIC[name] }
    const allowPositionals = WITH_POSITIONALS.has(name)
    const parsed = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals,
      allowNegative: true,
    })
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

/** What holds, of flags, environment and configuration file. */
function effective(
  values: Values,
  dataDir: string,
  env: Env,
): { readonly file: ConfigFile | null; readonly effective: Effective } {
  const flags: Partial<Record<OptionName, readonly string[]>> = {}
  for (const name of optionsFrom('flag')) {
    const value = values[name]
    if (value !== undefined) flags[name] = (Array.isArray(value) ? value : [value]).map(String)
  }
  const named = text(values, 'config') ?? (env.CLAWCHAT_CONFIG || undefined)
  const file = readConfigFile(named, dataDir)
  return { file, effective: resolveOptions({ flags, env, file }) }
}

function configCommand(values: Values, dataDir: string, env: Env): Command {
  if (values.example === true) return { name: 'config-example' }
  const found = effective(values, dataDir, env)
  // What could not start is no configuration.
  startOptions(found.effective, dataDir)
  return { name: 'config', file: found.file?.path ?? null, effective: found.effective }
}

function doctorCommand(values: Values, dataDir: string, env: Env): Command {
  if (values.mega === true && values.router === true)
    throw new UsageError('doctor takes --mega or --router, or neither for everything.')
  const found = effective(values, dataDir, env).effective
  if (values.mega === true) {
    const passphraseFile = found.values['passphrase-file']
    return { name: 'doctor-mega', dataDir, megaApi: megaApi(found), passphraseFile }
  }
  if (values.router !== true) return { name: 'doctor', options: startOptions(found, dataDir) }
  const { udp, stun } = found.values
  return { name: 'doctor-router', bindAddress: udp, stun: stun ?? [] }
}

export interface BackupArgs {
  readonly dataDir: string
  readonly file: string
  /** null: asked for */
  readonly passphraseFile: string | null
  /** without one */
  readonly plain: boolean
}

function backupArgs(values: Values, dataDir: string): BackupArgs {
  const [file, ...more] = Array.isArray(values.ids) ? values.ids.map(String) : []
  if (file === undefined || more.length > 0) throw new UsageError('Name one file.')
  const named = text(values, 'backup-passphrase-file')
  const plain = values.plain === true
  if (plain && named !== undefined)
    throw new UsageError('--plain and --backup-passphrase-file do not go together.')
  const passphraseFile = named === undefined ? null : resolve(named)
  return { dataDir, file: resolve(file), passphraseFile, plain }
}

function exportCommand(values: Values, dataDir: string, env: Env): Command {
  const [out, ...more] = Array.isArray(values.ids) ? values.ids.map(String) : []
  if (out === undefined || more.length > 0) throw new UsageError('Name one folder.')
  const passphraseFile = effective(values, dataDir, env).effective.values['passphrase-file']
  return { name: 'export', dataDir, out: resolve(out), all: values.all === true, passphraseFile }
}

function passphraseCommand(values: Values, dataDir: string, env: Env): Command {
  const { effective: found } = effective(values, dataDir, env)
  const next = text(values, 'new-passphrase-file')
  const remove = values.remove === true
  if (remove && next !== undefined)
    throw new UsageError('--remove and --new-passphrase-file do not go together.')
  const file = found.values['passphrase-file']
  const newFile = next === undefined ? null : resolve(next)
  return { name: 'passphrase', args: { dataDir, file, newFile, remove } }
}

function deployCommand(values: Values, dataDir: string): Command {
  const dryRun = values['dry-run'] === true
  const sentence = 'this must be 1 to 63 of a-z, 0-9 and -, and neither begin nor end with -.'
  const worker = optional(values, 'name', parseWorkerName, sentence)
  if (values.forget !== true) return { name: 'deploy', dataDir, args: { worker, dryRun } }
  if (dryRun || worker !== null) throw new UsageError('--forget goes with no other option.')
  return { name: 'deploy-forget', dataDir }
}

function inviteCommand(values: Values, dataDir: string): Command {
  const id = text(values, 'withdraw')
  const making = ['role', 'uses', 'expires', 'note', 'rooms'].some((option) => option in values)
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

/** The link stands where every user of this computer can read it, so that `-` is better. */
function givenLink(values: Values): string | null {
  const [link, ...more] = Array.isArray(values.ids) ? values.ids.map(String) : []
  if (more.length > 0) throw new UsageError('Give one link, or - for standard input.')
  return link ?? null
}

function roomsCommand(values: Values, dataDir: string): Command {
  const made = text(values, 'make')
  const lifeMs = optional(
    values,
    'lifetime',
    parseLifetime,
    'this must be forever, or a duration from 1h to 365d, such as 7d.',
  )
  const named = Array.isArray(values.ids) ? values.ids.map(String) : []
  const [room = ''] = named
  if (named.length !== (lifeMs === null ? 0 : 1) || (made !== undefined && named.length > 0))
    throw new UsageError('--lifetime sets that of one room: name it, or give its id.')
  if (lifeMs !== null) return { name: 'rooms-lifetime', dataDir, args: { room, lifeMs } }
  return made === undefined
    ? { name: 'rooms', dataDir }
    : { name: 'rooms-make', dataDir, room: made }
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
    rooms:
      optional(values, 'rooms', parseRooms, 'name one to 16 rooms, with commas between them.') ??
      DEFAULT_INVITE.rooms,
  }
}
