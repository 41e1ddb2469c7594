// From a record to a session without a browser (SPEC §4): by TCP first, a relay beside it when that takes long.
import type { Mode, Route } from '../shared/constants.ts'
import { ClawError, type ClawErrorCode } from '../shared/error.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Clock } from '../web/clock.ts'
import { endpointsFor } from '../web/endpoints.ts'
import { dialRelay } from '../web/relay.ts'
import { browserRuntime } from '../web/runtime.ts'
import { openSession, type Session } from '../web/session.ts'
import type { Carrier, DialInput } from '../web/targets.ts'
import { nodeBackend } from './nodecrypto.ts'
import { dialSignal } from './signaldial.ts'

/** what TCP gets for itself */
const NEXT_AFTER_MS = 1000
/** where a conversation waits */
const NEXT_URGENT_MS = 300

export interface Opened {
  readonly session: Session
  readonly route: Route
  readonly epoch: number
}

export interface WayInput {
  readonly clock: Clock
  /** S_d, 32 bytes */
  readonly secret: Uint8Array
  readonly record: RecordBody
  readonly root: Uint8Array
  readonly mode: Mode
  /** moving to its port */
  readonly onlyEpoch?: number | undefined
  /** what may be tried; there is a relay already */
  readonly routes?: readonly Route[] | undefined
  readonly urgent?: boolean
}

/** Throws ClawError; then no carrier is left open. */
export async function openWays(input: WayInput): Promise<Opened> {
  const dial: DialInput = { ...input, timesMs: input.clock.timesMs() }
  const signal = dialSignal(dial).then((carrier) => shakeHands(input, carrier))
  const only = input.onlyEpoch !== undefined || input.routes?.includes('relay') === false
  const endpoints = only ? [] : endpointsFor('relay', input.record, 'http:')
  const early = await Promise.race([signal.catch(() => null), pause(input)])
  if (early !== null || endpoints.length === 0) return signal
  const relays = endpoints.map((endpoint) =>
    dialRelay(endpoint, dial).then((carrier) => shakeHands(input, carrier, carrier.endedBy)),
  )
  return first([signal, ...relays])
}

const pause = ({ urgent }: WayInput): Promise<null> =>
  new Promise((resolve) =>
    setTimeout(() => resolve(null), urgent === true ? NEXT_URGENT_MS : NEXT_AFTER_MS),
  )

/** The first to succeed; what the others come to is closed. */
async function first(attempts: readonly Promise<Opened>[]): Promise<Opened> {
  try {
    const winner = await Promise.any(attempts)
    for (const attempt of attempts)
      attempt.then((opened) => opened !== winner && opened.session.close()).catch(() => undefined)
    return winner
  } catch (error) {
    throw new ClawError(mostTelling((error as AggregateError).errors))
  }
}

/** What something else does at the host's address says more than that nobody answers. */
function mostTelling(errors: readonly unknown[]): ClawErrorCode {
  const codes = errors.map((error) => (error instanceof ClawError ? error.code : 'internal'))
  const order: readonly ClawErrorCode[] = ['certificate-foreign', 'record-stale', 'no-answer']
  return order.find((code) => codes.includes(code)) ?? codes[0] ?? 'no-answer'
}

async function shakeHands(
  input: WayInput,
  carrier: Carrier,
  endedBy: () => ClawErrorCode | null = () => null,
): Promise<Opened> {
  try {
    const deviceKey = nodeBackend.dhKey(input.secret)
    const session = await openSession({
      ...{ ...input, carrier, deviceKey, backend: nodeBackend, runtime: browserRuntime },
    })
    input.clock.heard(session.hostTimeMs)
    return { session, route: carrier.route, epoch: carrier.epoch }
  } catch (error) {
    carrier.close()
    throw new ClawError(endedBy() ?? (error as ClawError).code ?? 'handshake-failed')
  }
}
