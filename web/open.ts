// From a record to a session: dials and shakes hands, as two steps of "Connection details" (SPEC §4, §5).
import type { Mode } from '../shared/constants.ts'
import type { CryptoBackend, DhKey } from '../shared/crypto.ts'
import type { RecordBody } from '../shared/record.ts'
import type { Clock } from './clock.ts'
import { type Carrier, dial } from './dial.ts'
import type { Records } from './records.ts'
import { browserRuntime } from './runtime.ts'
import { openSession, type Session } from './session.ts'
import type { StateBox } from './state.ts'

export interface Opened {
  readonly carrier: Carrier
  readonly session: Session
}

/** `onlyEpoch`: moving to its port. Throws ClawError as `dial` and `openSession` do; then no carrier is left open. */
export async function openCarrier(input: {
  readonly box: StateBox
  readonly clock: Clock
  readonly records: Records
  readonly backend: CryptoBackend
  /** S_d */
  readonly deviceKey: () => Promise<DhKey>
  readonly record: RecordBody
  readonly root: Uint8Array
  readonly mode: Mode
  readonly onlyEpoch?: number | undefined
}): Promise<Opened> {
  const { box, clock, records, record, root, onlyEpoch } = input
  const carrier = await box.step(
    'direct',
    () => records.dialled(dial({ record, root, timesMs: clock.timesMs(), onlyEpoch })),
    () => ({ addresses: record.addresses.length }),
  )
  const handshake = async (): Promise<Session> =>
    openSession({
      ...input,
      carrier,
      deviceKey: await input.deviceKey(),
      runtime: browserRuntime,
    })
  try {
    const session = await box.step('handshake', handshake)
    clock.heard(session.hostTimeMs)
    return { carrier, session }
  } catch (error) {
    carrier.close()
    throw error
  }
}
