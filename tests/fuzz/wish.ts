// The words of `npm run fuzz`.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fromHex } from '../../shared/bytes.ts'

const DEFAULT_SECONDS = '30'

export interface Wish {
  readonly seconds: number
  readonly seed: number
  readonly targets: readonly string[]
  /** one input for the one target, instead of many */
  readonly input: Uint8Array | null
}

/** Throws an Error that says what is wrong. */
export function readWish(args: readonly string[], names: readonly string[]): Wish {
  const options = {
    seed: { type: 'string' },
    only: { type: 'string' },
    input: { type: 'string' },
  } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [seconds = DEFAULT_SECONDS, ...others] = positionals
  const { seed = String(randomInt(2 ** 31)), only, input } = values
  const targets = names.filter((name) => only === undefined || name === only)
  if (others.length > 0 || !/^\d+(\.\d+)?$/.test(seconds)) throw new Error('SECONDS is one number.')
  if (!/^\d{1,10}$/.test(seed)) throw new Error('--seed is a number.')
  if (targets.length === 0) throw new Error(`No target is called ${only}.`)
  if (input !== undefined && only === undefined) throw new Error('--input needs --only TARGET.')
  const bytes = input === undefined ? null : fromHex(input)
  return { seconds: Number(seconds), seed: Number(seed), targets, input: bytes }
}
