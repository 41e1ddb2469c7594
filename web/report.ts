// What a person may paste into a bug report: how the connection went, step by step, and nothing that names anybody, any
// place, any key or any text.
import type { AppState } from './model.ts'

/** Lines of plain text. `agent`: the browser's own name for itself. */
export function reportOf(
  { connection, error, clock, security, messages }: AppState,
  agent: string,
): string {
  const { state, route, latencyMs, steps } = connection
  const waiting = messages.filter((message) => message.state === 'sending').length
  const lines = [
    'ClawChat connection report',
    `browser: ${agent}`,
    `state: ${state}, route: ${route ?? 'none'}, latency: ${latencyMs ?? '-'} ms`,
    `error: ${error ?? 'none'}, messages waiting: ${waiting}`,
    `crypto: ${security?.backend ?? '-'}, secure context: ${security?.secureContext ?? '-'}`,
    ...(clock === null ? [] : [`clock: the ${clock.whose}'s is ${clock.aheadMs} ms ahead`]),
    ...steps.map(({ name, status, ms, code, facts }) => {
      const numbers = Object.entries(facts).filter(([, value]) => typeof value === 'number')
      const rest = [...numbers, ...(code === null ? [] : [['code', code]])]
      return `${name}: ${status}${ms === null ? '' : ` in ${ms} ms`}${rest.map(([key, value]) => `, ${key} ${value}`).join('')}`
    }),
  ]
  return `${lines.join('\n')}\n`
}
