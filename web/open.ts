// From a record to a session (SPEC §4, §5): the direct route first, the longer ways beside it when that takes long; the first
// that has shaken hands is used. Each is a step of "Connection details".
import type { Mode, Route } from '../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import { ClawError } from '../shared/error.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Clock } from './clock.ts'
import { type Carrier, dial } from './dial.ts'
import { endpointsFor, type RelayEndpoint } from './endpoints.ts'
import { Part } from './part.ts'
import type { PunchedCarrier } from './punch.ts'
import type { Records } from './records.ts'
import { browserRuntime } from './runtime.ts'
import { openSession, type Session } from './session.ts'
import type { Steps } from './steps.ts'

/** Most browsers reach most hosts without these. */
const PUNCH = new Part(async () => (await import('./punch.ts')).dialMailbox)
const RELAY = new Part(async () => (await import('./relay.ts')).dialRelay)

/** what the ways before get for themselves */
const NEXT_AFTER_MS = 1000
/** where a conversation waits: a longer way for some seconds is better than none */
const NEXT_URGENT_MS = 300

/** What a conversation moves to in the background, by what carries it. */
export const SHORTER: Readonly<Record<Route, readonly Route[]>> = {
  relay: ['direct', 'mailbox'],
  mailbox: ['direct'],
  signal: [],
  direct: [],
}

/** Once a path has broken, the page's own server may be as far away as the host. */
export function preloadWays(): void {
  PUNCH.preload()
  RELAY.preload()
}

export interface Opened {
  readonly session: Session
  readonly route: Route
  /** whose port and certificate, or hint, was used */
  readonly epoch: number
  /** of a punched path */
  readonly watch?: PunchedCarrier['watch']
}

export interface OpenInput {
  readonly steps: Steps
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
  /** what may be tried; there is a carrier already and only what is shorter helps, perhaps */
  readonly routes?: readonly Route[] | undefined
  readonly urgent?: boolean
}

/** Throws ClawError as `dial` and `openSession` do; then no carrier is left open. */
export async function openCarrier(input: OpenInput): Promise<Opened> {
  const direct = openDirect(input)
  if (input.onlyEpoch !== undefined) return direct
  const started = [direct]
  const later = laterWays(input)
  const nextMs = input.urgent === true ? NEXT_URGENT_MS : NEXT_AFTER_MS
  for (const { open } of later) {
    const early = await Promise.race([Promise.any(started).catch(() => null), after(nextMs)])
    if (early !== null) break
    started.push(open())
  }
  for (const { step } of later.slice(started.length - 1)) input.steps.skip(step)
  try {
    const opened = await first(started)
    if (opened.route !== 'direct') input.steps.skip('handshake')
    return opened
  } catch {
    // Why the short way failed says more.
    return direct
  }
}

interface Way {
  readonly step: 'mailbox' | 'relay'
  readonly open: () => Promise<Opened>
}

/** What is tried when the direct route takes long, one after the other. */
function laterWays(input: OpenInput): Way[] {
  const dials = { mailbox: openMailbox, relay: openRelay }
  const steps = (['mailbox', 'relay'] as const).filter(
    (step) => input.routes?.includes(step) ?? true,
  )
  return steps.flatMap((step) => {
    const endpoints = endpointsFor(step, input.record, location.protocol)
    const open = async (): Promise<Opened> => {
      const opened = await input.steps.run(step, () =>
        firstOf(endpoints, (one) => dials[step](input, one)),
      )
      void opened.watch?.((turn) => input.steps.tell(step, { turn: turn ? 1 : 0 }))
      return opened
    }
    return endpoints.length === 0 ? [] : [{ step, open }]
  })
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
  const { steps, clock, records, record } = input
  const carrier = await steps.run(
    'direct',
    () => records.dialled(dial({ ...input, timesMs: clock.timesMs() })),
    () => ({ addresses: record.addresses.length }),
  )
  return steps.run('handshake', () => shakeHands(input, carrier))
}

/** Throws ClawError: of what all endpoints come to, that which says most. */
async function firstOf(
  endpoints: readonly RelayEndpoint[],
  open: (endpoint: RelayEndpoint) => Promise<Opened>,
): Promise<Opened> {
  try {
    return await first(endpoints.map(open))
  } catch (error) {
    const codes = (error as AggregateError).errors.map((each: ClawError) => each.code)
    const telling = (['no-webrtc', 'no-network', 'no-answer'] as const).find((code) =>
      codes.includes(code),
    )
    throw new ClawError(telling ?? 'store-unreachable')
  }
}

async function openMailbox(input: OpenInput, endpoint: RelayEndpoint): Promise<Opened> {
  const told = { ...input, timesMs: input.clock.timesMs() }
  const dialMailbox = await PUNCH.load()
  const carrier = await dialMailbox(endpoint, told, ({ stun, reflexive }) =>
    input.steps.tell('mailbox', { stun, reflexive }),
  )
  return { ...(await shakeHands(input, carrier)), watch: carrier.watch }
}

async function openRelay(input: OpenInput, endpoint: RelayEndpoint): Promise<Opened> {
  const dialRelay = await RELAY.load()
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
