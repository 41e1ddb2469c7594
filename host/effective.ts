// Which value of an option holds: flag before environment before file before default; and the environment's odd names.
import { type ConfigFile, nearest } from './configfile.ts'
import {
  OPTION_NAMES,
  type OptionName,
  type OptionValues,
  optionRow,
  optionsFrom,
  variableOf,
} from './optiontable.ts'
import { UsageError } from './usage.ts'

export type Env = Readonly<Record<string, string | undefined>>

export type Origin =
  | { readonly from: 'flag' }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string; readonly line: number }
  | { readonly from: 'default' }

export interface Sources {
  /** texts of the flags given, one but for a list; a switch is 'true' or 'false' */
  readonly flags: Partial<Record<OptionName, readonly string[]>>
  readonly env: Env
  readonly file: ConfigFile | null
}

interface Given {
  readonly texts: readonly string[]
  readonly origin: Origin
  readonly folder: string
}

export interface Effective {
  /** null: given nowhere */
  readonly values: OptionValues
  readonly origins: Readonly<Record<OptionName, Origin>>
  /** texts as given, null for the default or a secret; for people */
  readonly texts: Readonly<Record<OptionName, readonly string[] | null>>
}

/** Throws UsageError for the first value that is none, also where another one wins over it in the file. */
export function resolveOptions(sources: Sources): Effective {
  const values: Partial<Record<OptionName, unknown>> = {}
  const origins: Partial<Record<OptionName, Origin>> = {}
  const texts: Partial<Record<OptionName, readonly string[] | null>> = {}
  for (const name of OPTION_NAMES) {
    const given = givenFor(name, sources)
    const [read] = given.map((each) => readValue(name, each))
    const [won] = given
    values[name] = read ?? null
    origins[name] = won?.origin ?? { from: 'default' }
    texts[name] = optionRow(name).secret ? null : (won?.texts ?? null)
  }
  return { values, origins, texts } as Effective
}

/** Who wins comes first. */
function givenFor(name: OptionName, { flags, env, file }: Sources): Given[] {
  const row = optionRow(name)
  const given: Given[] = []
  const flag = flags[name]
  if (flag !== undefined) given.push({ texts: flag, origin: { from: 'flag' }, folder: '' })
  const variable = variableOf(name)
  const text = row.from.includes('environment') ? env[variable] : undefined
  if (text !== undefined && text !== '') {
    const texts = row.kind === 'list' ? text.trim().split(/\s+/) : [text]
    given.push({ texts, origin: { from: 'environment', variable }, folder: '' })
  }
  const entry = file?.entries.get(name)
  if (file !== null && entry !== undefined) {
    const { path, folder } = file
    const origin = { from: 'file', path, line: entry.line } as const
    given.push({ texts: entry.texts, origin, folder })
  }
  return given
}

function readValue(name: OptionName, { texts, origin, folder }: Given): unknown {
  const { read, must } = optionRow(name)
  try {
    return read(texts, folder)
  } catch {
    const remedy = `Correct it there; "clawchat config --example" explains ${name}.`
    const next = origin.from === 'flag' ? null : remedy
    throw new UsageError(`${labelOf(name, origin)}: ${must}`, next)
  }
}

/** How a person finds the place: `--grace`, `CLAWCHAT_GRACE`, `/…/clawchat.config.toml, line 3: grace`. */
export function labelOf(name: OptionName, origin: Origin): string {
  switch (origin.from) {
    case 'environment':
      return origin.variable
    case 'file':
      return `${origin.path}, line ${origin.line}: ${name}`
    case 'flag':
      return `--${name}`
    case 'default':
      return optionRow(name).from.includes('flag') ? `--${name}` : name
  }
}

/** Read elsewhere: the account of MEGA (host/megaaccount.ts), and what tests tell themselves. */
const OTHER_VARIABLES = [
  ...['DATA', 'CONFIG', 'MEGA_EMAIL', 'MEGA_PASSWORD', 'MEGA_CODE', 'MEGA_FILE'],
  ...['SEED', 'SEEDS', 'TEST_NAMESPACE'],
].map((name) => `CLAWCHAT_${name}`)

/** Variables that look like ours and are none, each with the one that may be meant. */
export function unknownVariables(env: Env): { variable: string; meant: string | null }[] {
  const known = [...optionsFrom('environment').map(variableOf), ...OTHER_VARIABLES]
  const byName = new Map(known.map((name) => [nameOf(name), name]))
  return Object.keys(env)
    .filter((variable) => variable.startsWith('CLAWCHAT_') && !known.includes(variable))
    .sort()
    .map((variable) => {
      const near = nearest(nameOf(variable), [...byName.keys()])
      return { variable, meant: near === null ? null : (byName.get(near) ?? null) }
    })
}

const nameOf = (variable: string): string =>
  variable.replace('CLAWCHAT_', '').toLowerCase().replaceAll('_', '-')
