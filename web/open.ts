// From a record to a session (SPEC §4, §5): the direct route first, relays beside it when that takes long; the first that
// has shaken hands is used. Each is a step of "Connection details".
import type { Mode, Route } from '../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Clock } from './clock.ts'
import { type Carrier, dial } from './dial.ts'
import type { Records } from './records.ts'
import { dialRelay, type RelayEndpoint, relaysOf } from './relay.ts'
import { browserRuntime } from './runtime.ts'
import { openSession, type Session } from './session.ts'
import type { StateBox } from './state.ts'

const RELAY_AFTER_MS = 1000

export interface Opened {
  readonly session: Session
  readonly route: Route
  /** whose port and certificate, or hint, was used */
  readonly epoch: number
}

export interface OpenInput {
  readonly box: StateBox
  readonly clock: Clock
  readonly records: Records
  readonly backend: CryptoBackend
  /** S_d */
  readonly deviceKey: () => Promise<DhKey>
  readonly record: RecordBody
  readonly root: Uint8Array
  readonly mode: Mode
  /** moving to its port; then there is a carrier, and a relay would be none the better */
  readonly onlyEpoch?: number | undefined
  /** there is a relay already */
  readonly directOnly?: boolean | undefined
}

/** Throws ClawError as `dial` and `openSession` do; then no carrier is left open. */
export async function openCarrier(input: OpenInput): Promise<Opened> {
  const direct = openDirect(input)
  const relays = relaysOf(input.record, location.protocol)
  if (input.directOnly || input.onlyEpoch !== undefined || relays.length === 0) return direct
  const early = await Promise.race([direct.catch(() => null), after(RELAY_AFTER_MS)])
  if (early !== null) {
    input.box.skip('relay')
    return early
  }
  const relay = openRelay(input, relays)
  try {
    const opened = await first([direct, relay])
    if (opened.route === 'relay') input.box.skip('handshake')
    return opened
  } catch {
    // Why the short way failed says more.
    return direct
  }
}

const after = (ms: number): Promise<null> =>
  new Promise((resolve) => setTimeout(() => resolve(null), ms))

/** The first to succeed; what the others come to is closed. Throws AggregateError. */
async function first(attempts: readonly Promise<Opened>[]): Promise<Opened> {
  const winner = await Promise.any(attempts)
  for (const attempt of attempts) {
    attempt.then((opened) => opened !== winner && opened.session.close()).catch(() => undefined)
  }
  return winner
}

async function openDirect(input: OpenInput): Promise<Opened> {
  const { box, clock, records, record } = input
  const carrier = await box.step(
    'direct',
    () => records.dialled(dial({ ...input, timesMs: clock.timesMs() })),
    () => ({ addresses: record.addresses.length }),
  )
  return box.step('handshake', () => shakeHands(input, carrier))
}

function openRelay(input: OpenInput, relays: readonly RelayEndpoint[]): Promise<Opened> {
  const { box } = input
  return box.step('relay', async () => {
    try {
      return await first(relays.map((endpoint) => openOne(input, endpoint)))
    } catch (error) {
      const codes = (error as AggregateError).errors.map((each: ClawError) => each.code)
      throw new ClawError(codes.includes('no-answer') ? 'no-answer' : 'store-unreachable')
    }
  })
}

async function openOne(input: OpenInput, endpoint: RelayEndpoint): Promise<Opened> {
  const carrier = await dialRelay(endpoint, { ...input, timesMs: input.clock.timesMs() })
  try {
    return await shakeHands(input, carrier)
  } catch (error) {
    throw new ClawError(carrier.endedBy() ?? (error as ClawError).code)
  }
}

async function shakeHands(input: OpenInput, carrier: Carrier): Promise<Opened> {
  try {
    const deviceKey = await input.deviceKey()
    const session = await openSession({ ...input, carrier, deviceKey, runtime: browserRuntime })
    input.clock.heard(session.hostTimeMs)
    return { session, route: carrier.route, epoch: carrier.epoch }
  } catch (error) {
    carrier.close()
    throw error
  }
}
