// `clawchat doctor --router`: asks the router step by step what the host would ask of it (SPEC §9.1), maps a port for a
// moment, and compares what the router says of itself with what a STUN server sees.
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import {
  defaultGateway,
  type Gateway,
  MAP_PROTOCOLS,
  MapError,
  type MapRequest,
} from './gateway.ts'
import { diagnose, type MapCause } from './mapstate.ts'
import { findPort, seenAddress } from './router.ts'

export interface RouterStep {
  readonly step: 'gateway' | (typeof MAP_PROTOCOLS)[number] | 'map' | 'external' | 'stun'
  readonly ok: boolean
  /** why not, if not */
  readonly cause: MapCause | 'stun-silent' | null
  readonly ms: number
}

type Cause = RouterStep['cause']
type FoundPort = Awaited<ReturnType<typeof findPort>>

const LEASE_MS = 120_000
const FIRST_PORT = 49_152

/** The steps in order, as far as they go. A protocol that is not spoken is no fault while another one is. */
export async function examineRouter(input: {
  /** of `--udp`, or null */
  readonly bindAddress: string | null
  /** STUN servers, `host:port` */
  readonly stun: readonly string[]
}): Promise<RouterStep[]> {
  const steps: RouterStep[] = []
  const add = async (step: RouterStep['step'], run: () => Cause | Promise<Cause>) => {
    const from = performance.now()
    const cause = await run()
    steps.push({ step, ok: cause === null, cause, ms: Math.round(performance.now() - from) })
  }
  const at = defaultGateway(4, input.bindAddress)
  await add('gateway', () => (at === null ? 'no-gateway' : null))
  if (at === null) return steps
  const found: FoundPort[] = []
  for (const protocol of MAP_PROTOCOLS) await add(protocol, () => search(protocol, at, found))
  if (found.length === 0) return steps
  let external = found.find(({ sight }) => sight.external !== null)?.sight.external ?? null
  await add('map', async () => {
    const tried = await tryMap(found)
    external = tried.external ?? external
    return tried.cause
  })
  await add('external', () => (external === null ? null : diagnose(external)))
  if (input.stun.length === 0) return steps
  await add('stun', async () => {
    const seen = await seenAddress(at.client, input.stun)
    if (seen === null) return 'stun-silent'
    return external === null || seen === external ? null : 'address-differs'
  })
  return steps
}

async function search(
  protocol: (typeof MAP_PROTOCOLS)[number],
  at: Gateway,
  found: FoundPort[],
): Promise<Cause> {
  try {
    found.push(await findPort(protocol, at))
    return null
  } catch (error) {
    return causeOf(error)
  }
}

/** What the machine would see as well: a taken port and a lease that is not taken are no refusal. */
const causeOf = (error: unknown): Cause => {
  const failure = error instanceof MapError ? error.failure : 'bad-answer'
  return failure === 'conflict' || failure === 'permanent-only' ? 'refused' : failure
}

/** Maps a random port by the first protocol that does it, and deletes it at once. */
async function tryMap(
  found: readonly FoundPort[],
): Promise<{ readonly cause: Cause; readonly external: string | null }> {
  let cause: Cause = 'no-answer'
  for (const { port } of found) {
    const internalPort = FIRST_PORT + (randomBytes(2).readUInt16BE() & 0x3fff)
    const nonce = new Uint8Array(randomBytes(12))
    const request = { transport: 'udp', internalPort, externalPort: internalPort, nonce } as const
    try {
      const granted = await mapSomehow(port, { ...request, leaseMs: LEASE_MS })
      await port.unmap({ ...request, externalPort: granted.externalPort, leaseMs: 0 })
      return { cause: null, external: granted.external }
    } catch (error) {
      cause = causeOf(error)
    }
  }
  return { cause, external: null }
}

/** With a lease if the router knows leases. */
async function mapSomehow(port: FoundPort['port'], request: MapRequest) {
  try {
    return await port.map(request)
  } catch (error) {
    if (!(error instanceof MapError && error.failure === 'permanent-only')) throw error
    return port.map({ ...request, leaseMs: 0 })
  }
}

/** Whether the host can be reached through this router. */
export const isRouterFine = (steps: readonly RouterStep[]): boolean =>
  steps.some(({ step }) => step === 'map') &&
  steps.every(({ step, ok }) => ok || MAP_PROTOCOLS.some((protocol) => protocol === step))
