// The configuration as people see it: the example file, and what `clawchat config` shows.
import { exampleLine } from './configfile.ts'
import type { Effective, Origin } from './effective.ts'
import { OPTION_NAMES, type OptionName, optionRow, optionsFrom, variableOf } from './optiontable.ts'

const HEAD = `# ClawChat's configuration: a copy of this as clawchat.config.toml in the data folder ("clawchat status" names it),
# or anywhere with "clawchat start --config FILE" or CLAWCHAT_CONFIG. The format is TOML, without sections.
#
# Every line is commented out: without the # it holds. A flag (--grace 5m) wins over the environment
# (CLAWCHAT_GRACE=5m), that over this file, this file over the default. "clawchat config" shows what holds and why.
#
# Durations are days, hours, minutes, seconds, milliseconds: "1d", "1h30m", "10s", "500ms".
# The MEGA account never stands here: docs/SECURITY_SETUP.md.
# Made by "clawchat config --example"; npm run check compares.
`

const LINE = 110

/** clawchat.config.example.toml. */
export const exampleConfig = (): string =>
  [HEAD, ...optionsFrom('file').map(exampleOption)].join('\n')

function exampleOption(name: OptionName): string {
  const { help, otherwise, reason } = optionRow(name)
  const words = [`${capital(help)}.`, `Default: ${otherwise}.`, `Why: ${reason}`]
  const comments = words.flatMap((text) => folded(text, LINE - 2)).map((line) => `# ${line}`)
  return `${[...comments, `#${exampleLine(name)}`].join('\n')}\n`
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Lines of at most `width` characters, unless a word is longer. */
export function folded(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${line} ${word}`
    } else lines.push(word)
  }
  return lines
}

export interface ConfigRow {
  readonly option: OptionName
  /** as it would be given; null: the default, or a secret */
  readonly value: readonly string[] | null
  /** the default in words, where that holds */
  readonly otherwise: string | null
  readonly secret: boolean
  readonly origin: Origin
}

export const configRows = ({ texts, origins }: Effective): ConfigRow[] =>
  OPTION_NAMES.map((option) => {
    const { otherwise, secret } = optionRow(option)
    const origin = origins[option]
    return {
      option,
      value: texts[option],
      otherwise: origin.from === 'default' ? otherwise : null,
      secret: secret === true,
      origin,
    }
  })

/** `file`: the path of the configuration, or null without one. */
export function configText(effective: Effective, file: string | null): string {
  const rows = configRows(effective).map((row) => {
    const hidden = row.secret && row.origin.from !== 'default'
    const value = hidden ? '(not shown)' : (row.value?.join(' ') ?? row.otherwise)
    return `  ${row.option.padEnd(17)} ${value}  [${originText(row)}]`
  })
  return [file === null ? 'There is no configuration file.' : `File: ${file}`, ...rows].join('\n')
}

function originText({ option, origin }: ConfigRow): string {
  switch (origin.from) {
    case 'flag':
      return `--${option}`
    case 'environment':
      return variableOf(option)
    case 'file':
      return `line ${origin.line}`
    case 'default':
      return 'default'
  }
}
