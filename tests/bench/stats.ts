// Figures of a benchmark: medians and quartiles, since this machine is shared and means lie.

export const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export interface Row {
  readonly cell: string
  readonly what: string
  readonly unit: string
  readonly values: readonly number[]
}

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(4)

export function printRow({ cell, what, unit, values }: Row): void {
  const figures = [0.5, 0.05, 0.95, 0.99].map((q) => short(quantile(values, q)))
  const [p50, p5, p95, p99] = figures
  console.log(
    `${cell.padEnd(10)} ${what.padEnd(46)} p50 ${p50} (p5 ${p5}, p95 ${p95}, p99 ${p99}) ${unit}, n=${values.length}`,
  )
}

export function printRatio(what: string, a: readonly number[], b: readonly number[]): void {
  const pairs = a.map((value, i) => value / (b[i] ?? Number.NaN))
  const [low, mid, high] = [0.25, 0.5, 0.75].map((q) => short(quantile(pairs, q)))
  console.log(`${'ratio'.padEnd(10)} ${what.padEnd(46)} ${mid} (quartiles ${low}..${high})`)
}
