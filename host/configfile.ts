// The configuration file (docs/OPERATING.md): TOML without sections, checked before anything starts. What is wrong is said
// with its line, its cause and the remedy; no value of the file is ever repeated.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse, TomlError } from 'smol-toml'
import { ClawError } from '../shared/error.ts'
import { type OptionName, optionRow, optionsFrom } from './optiontable.ts'
import { UsageError } from './usage.ts'

/** Looked for in the data folder. */
export const CONFIG_FILE = 'clawchat.config.toml'
const MAX_BYTES = 65_536
/** What other users could do with the file. */
const OTHERS = 0o077
/** Lists in lists are nobody's options. */
const MAX_DEPTH = 8
const NEVER = ['mega-email', 'mega-password', 'mega-code']

export interface ConfigEntry {
  /** one but for a list */
  readonly texts: readonly string[]
  /** from 1 */
  readonly line: number
}
export type ConfigEntries = ReadonlyMap<OptionName, ConfigEntry>

export interface ConfigFile {
  /** absolute */
  readonly path: string
  /** what relative paths in it start from */
  readonly folder: string
  readonly entries: ConfigEntries
}

/** The file `named`, else that of the data folder, else null. Throws UsageError with line, cause and remedy. */
export function readConfigFile(named: string | undefined, dataDir: string): ConfigFile | null {
  const path = named === undefined ? join(dataDir, CONFIG_FILE) : resolve(named)
  const read = readPrivately(path, named !== undefined)
  if (read === null) return null
  const entries = decodeConfig(read.text, path)
  const secret = [...entries].find(([name]) => optionRow(name).secret)
  if (secret !== undefined && read.open) {
    const [name, { line }] = secret
    throw new UsageError(
      `${path}, line ${line}: ${name} is a secret, and other users can read or write this file.`,
      `Let nobody else at it (chmod 600 ${path}), and take another ${name} if somebody may have seen this one.`,
    )
  }
  return { path, folder: dirname(path), entries }
}

/** `open`: others can do something with it, where the system has such bits. */
function readPrivately(path: string, mustExist: boolean): { text: string; open: boolean } | null {
  let file: number | null = null
  try {
    file = openSync(path, 'r')
    const { mode, size } = fstatSync(file)
    if (size > MAX_BYTES) throw new ClawError('limit')
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
    return { text, open: process.platform !== 'win32' && (mode & OTHERS) !== 0 }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (!mustExist && (code === 'ENOENT' || code === 'ENOTDIR')) return null
    throw new UsageError(`${path}: ${unreadable(code)}`, 'Check the path and the file.')
  } finally {
    if (file !== null) closeSync(file)
  }
}

function unreadable(code: unknown): string {
  if (code === 'ENOENT') return 'there is no such file.'
  if (code === 'limit') return `a configuration has at most ${MAX_BYTES / 1024} KiB.`
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
    ? 'this is no text in UTF-8.'
    : 'this file cannot be read.'
}

/** `path` is for words alone. Throws UsageError. */
export function decodeConfig(text: string, path: string): ConfigEntries {
  const table = parseToml(text, path)
  const lines = linesOfKeys(text)
  const entries = new Map<OptionName, ConfigEntry>()
  const lineOf = (key: string): number => lines.get(key) ?? 1
  const keys = Object.keys(table).sort((a, b) => lineOf(a) - lineOf(b))
  for (const key of keys) {
    const value = table[key]
    const line = lineOf(key)
    const at = `${path}, line ${line}`
    const name = knownName(key, at)
    entries.set(name, { line, texts: textsOf(name, value, at) })
  }
  return entries
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const { line, column, message } = error
    // The rest shows the line itself, which may hold a secret.
    const cause = (message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '')
    throw new UsageError(
      `${path}, line ${line}, column ${column}: ${cause}.`,
      'An option is a line such as grace = "5m", lan = true or store = ["mega"], each option once; "clawchat config --example" shows all of them.',
    )
  }
}

/**
 * The line on which each key begins. Of a document that is right as a whole: lines are taken together until they are a
 * document by themselves, which is exactly one statement, since what spans lines is unfinished before its end.
 */
function linesOfKeys(text: string): Map<string, number> {
  const found = new Map<string, number>()
  let statement = ''
  let begins = 1
  text.split('\n').forEach((line, i) => {
    if (statement === '') begins = i + 1
    statement += `${line}\n`
    const keys = keysOf(statement)
    if (keys === null) return
    for (const key of keys) if (!found.has(key)) found.set(key, begins)
    statement = ''
  })
  return found
}

function keysOf(statement: string): string[] | null {
  try {
    return Object.keys(parse(statement, { maxDepth: MAX_DEPTH }))
  } catch {
    return null
  }
}

function knownName(key: string, at: string): OptionName {
  const known = optionsFrom('file')
  const name = known.find((each) => each === key)
  if (name !== undefined) return name
  if (NEVER.includes(key)) {
    throw new UsageError(
      `${at}: the MEGA account never stands in this file.`,
      'Take it out; docs/SECURITY_SETUP.md, "MEGA", says where it goes.',
    )
  }
  const near = nearest(key, known)
  const shown = /^[\w-]{1,40}$/.test(key) ? key : 'what begins this line'
  throw new UsageError(
    `${at}: ${shown} is no option of this file.`,
    near === null
      ? 'Take it out (there are no sections either); "clawchat config --example" shows every option.'
      : `Did you mean ${near}? "clawchat config --example" shows every option.`,
  )
}

/** The texts of a value of the right kind. */
function textsOf(name: OptionName, value: unknown, at: string): string[] {
  const { kind } = optionRow(name)
  if (kind === 'text' && typeof value === 'string') return [value]
  if (kind === 'switch' && typeof value === 'boolean') return [String(value)]
  if (kind === 'list' && Array.isArray(value)) {
    if (value.every((each) => typeof each === 'string')) return value
  }
  const wanted = {
    text: 'text in quotation marks',
    switch: 'true or false, without quotation marks',
    list: 'a list of texts in quotation marks',
  }[kind]
  const sample = exampleLine(name)
  throw new UsageError(`${at}: ${name} must be ${wanted}.`, `Write it as in: ${sample}`)
}

/** `name = value` in TOML. */
export function exampleLine(name: OptionName): string {
  const { example } = optionRow(name)
  // JSON's texts, switches and lists of texts are TOML's.
  const value = Array.isArray(example)
    ? `[${example.map((each) => JSON.stringify(each)).join(', ')}]`
    : JSON.stringify(example)
  return `${name} = ${value}`
}

/** The name that a slip of the pen is nearest to: at most two letters wrong, or `_` and capitals for `-` and small ones. */
export function nearest<Name extends string>(key: string, names: readonly Name[]): Name | null {
  const plain = key.toLowerCase().replaceAll('_', '-').slice(0, 64)
  const rated = names
    .map((name) => ({ name, slips: distance(plain, name) }))
    .sort((a, b) => a.slips - b.slips)
  const [best] = rated
  return best !== undefined && best.slips <= Math.min(2, plain.length - 1) ? best.name : null
}

/** Levenshtein's: letters put in, left out or exchanged. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
